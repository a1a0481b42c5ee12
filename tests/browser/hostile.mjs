// HTML of mails that want more than to be read. Each is given the address of a server that counts: it must hear nothing.
// Code sets window.top.hit, or fetches something.

export const hostile = (url) => ({
	"script": `<script>top.hit=1;fetch("${url}/script")</script><script src="${url}/script.js"></script>`,
	"event handlers": `<img src=x onerror="top.hit=1;fetch('${url}/onerror')"><body onload="top.hit=1"><div onmouseover="top.hit=1" style="width:400px;height:200px">hover</div><details open ontoggle="top.hit=1">x</details>`,
	"svg": `<svg onload="top.hit=1"><script>top.hit=1</script><image href="${url}/svg.png"/><use href="${url}/use.svg#a"/><animate attributeName="href" values="javascript:top.hit=1"/><foreignObject><img src="${url}/foreign.png"></foreignObject></svg>`,
	"mathml": `<math><mtext><table><mglyph><style><img src="${url}/m.png" onerror="top.hit=1"></style></mglyph></table></mtext></math><math href="javascript:top.hit=1">x</math>`,
	"mutation": `<form><math><mtext></form><form><mglyph><style></math><img src onerror="top.hit=1"></style></mglyph></form><noscript><p title="</noscript><img src=x onerror=top.hit=1>"></noscript>`,
	"css": `<style>@import "${url}/import.css";body{background:url(${url}/css.png)}@font-face{font-family:x;src:url(${url}/font.woff)}p{font-family:x;list-style:url('${url}/list.png');cursor:url(${url}/cursor.png),auto}a[href^=h]{content:url(${url}/content.png)}</style><p style="background-image:url(${url}/inline.png)">x</p><div style="background:\\75\\72\\6c(${url}/escaped.png)">y</div><div style="background:image-set('${url}/set.png' 1x)">z</div>`,
	"images": `<img src="${url}/pixel.gif" width=1 height=1><img srcset="${url}/set.png 1x"><picture><source srcset="${url}/picture.png"><img src="${url}/p.png"></picture><input type=image src="${url}/input.png"><table background="${url}/table.png"><tr><td background="${url}/td.png">x</td></tr></table><img src="//${url.slice(7)}/relative.png">`,
	"media": `<video src="${url}/v.mp4" poster="${url}/poster.png" autoplay></video><audio src="${url}/a.mp3" autoplay></audio><object data="${url}/o.swf"></object><embed src="${url}/e.swf"><iframe src="${url}/frame"></iframe><iframe srcdoc="<script>top.hit=1</script>"></iframe><link rel=stylesheet href="${url}/l.css"><link rel=preload as=image href="${url}/l.png"><link rel=dns-prefetch href="${url}">`,
	"leaving": `<meta http-equiv="refresh" content="0;url=${url}/refresh"><base href="${url}/base/"><img src="based.png"><a href="next" id="a">x</a>`,
	"forms": `<form action="${url}/form" method="post"><input name=a autofocus onfocus="top.hit=1"><button formaction="${url}/button">Log in</button></form><isindex action="${url}/isindex">`,
	"links": `<a href="javascript:top.hit=1">script</a> <a href="data:text/html,<script>opener.hit=1</script>">data</a> <a href=" java&#10;script:top.hit=1">newline</a> <a href="vbscript:x">vb</a> <a ping="${url}/ping" href="https://example.org/">ping</a>`,
	"covering": `<div style="position:fixed;inset:0;width:100vw;height:100vh;z-index:2147483647;background:red">Sign in again</div><style>html,body{position:fixed!important;top:-1000px}</style>`,
	"clobbering": `<a id="documentElement"></a><form name="body"><input name="replaceChildren"></form><img name="contentDocument"><a id="app"></a><a name="postern"></a>`,
	"unclosed": `<table><tr><td><!-- <style> <img src="${url}/unclosed.png" title="--><script>top.hit=1</script>"><textarea><title><xmp><noembed><script>top.hit=1</script>`,
	"cid and data": `<img src="cid:nothing@x"><img src="data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='top.hit=1'><image href='${url}/data.png'/></svg>"><img src="data:text/html,<script>top.hit=1</script>">`,
	"deep": `${"<div>".repeat(5000)}x${"</div>".repeat(5000)}`,
	"large": `<table>${"<tr><td>a</td><td>b</td></tr>".repeat(20_000)}</table>`,
});
