// Makes HTML of strangers harmless. Called with the window in which the result will stand: for a message that is its
// frame, whose own Content-Security-Policy forbids scripts and requests once more.

import createDOMPurify, { type DOMPurify } from "dompurify";

export interface Options {
	// The URL of an inline part (RFC 2392), or undefined.
	cid(id: string): string | undefined;
	// May images be loaded from elsewhere?
	remote: boolean;
}

export interface Result {
	fragment: DocumentFragment;
	// How much was left out because it is elsewhere.
	blocked: number;
}

const FORBIDDEN = ["script", "iframe", "frame", "object", "embed", "applet", "base", "meta", "link", "title", "form",
	"input", "button", "select", "textarea", "option", "audio", "video", "source", "track", "picture", "dialog", "template", "slot",
	"svg", "math"];

const LOADING = ["src", "srcset", "background", "poster", "data", "action", "formaction", "ping", "longdesc", "usemap", "lowsrc", "dynsrc"];

// One for each window: a Trusted Types policy can be made once only.
const made = new WeakMap<Window, DOMPurify>();

function purifierOf(window: Window & typeof globalThis): DOMPurify {
	let purify = made.get(window);
	if (!purify)
		made.set(window, purify = createDOMPurify(window));
	return purify;
}

export function sanitiseMessage(html: string, window: Window & typeof globalThis, options: Options): Result {
	const purify = purifierOf(window);
	let blocked = 0;

	// An address outside: how it is loaded, or null if it is not.
	const load = (url: string): string | null => {
		const trimmed = url.trim();
		const cid = /^cid:(.*)$/i.exec(trimmed);
		if (cid)
			return options.cid(decode(cid[1]!)) ?? null;
		if (/^data:image\/(png|jpeg|jpg|gif|webp);/i.test(trimmed))
			return trimmed;
		if (!/^(https?:)?\/\//i.test(trimmed))
			return null;
		blocked++;
		return options.remote ? trimmed.replace(/^(http:)?\/\//i, "https://") : null;
	};

	purify.addHook("afterSanitizeAttributes", (node) => {
		const element = node as Element;
		for (const name of LOADING) {
			const value = element.getAttribute(name);
			if (value === null)
				continue;
			element.removeAttribute(name);
			const from = (name === "src" && element.tagName === "IMG") || name === "background" ? load(value) : null;
			if (from)
				element.setAttribute(name, from);
		}
		if (element.tagName === "IMG" && !element.hasAttribute("src"))
			element.setAttribute("hidden", "");
		const style = element.getAttribute("style");
		if (style !== null) {
			const safe = safeStyle(style, options.remote);
			blocked += safe.blocked;
			element.setAttribute("style", safe.css);
		}
		if (element.tagName === "A" || element.tagName === "AREA") {
			const href = element.getAttribute("href")?.trim() ?? "";
			if (!/^(https?:|mailto:|tel:|#)/i.test(href))
				element.removeAttribute("href");
			else if (!href.startsWith("#"))
				element.setAttribute("target", "_blank");
			element.setAttribute("rel", "noopener noreferrer nofollow");
		}
	});
	purify.addHook("uponSanitizeElement", (node) => {
		const element = node as Element;
		if (element.nodeName === "STYLE") {
			const safe = safeStyle(element.textContent ?? "", options.remote);
			blocked += safe.blocked;
			element.textContent = safe.css;
		}
	});
	const fragment = purify.sanitize(html, {
		RETURN_DOM_FRAGMENT: true,
		USE_PROFILES: { html: true },
		FORBID_TAGS: FORBIDDEN,
		FORBID_ATTR: ["autofocus", "contenteditable", "tabindex", "accesskey", "nonce", "is", "popover", "popovertarget", "id", "name"],
		ALLOW_DATA_ATTR: false,
		ADD_ATTR: ["target", "background", "bgcolor", "dir", "lang"],
		FORCE_BODY: true,
	}) as unknown as DocumentFragment;
	purify.removeAllHooks();
	return { fragment, blocked };
}

function decode(text: string): string {
	try {
		return decodeURIComponent(text);
	} catch {
		return text;
	}
}

// Style without what loads, and without what would leave its place. The frame's policy forbids the loading anyway.
function safeStyle(css: string, remote: boolean): { css: string; blocked: number } {
	let blocked = 0;
	let safe = css.replace(/@import\b[^;]*;?/gi, () => (blocked++, ""));
	if (!remote)
		safe = safe.replace(/url\s*\(\s*(['"]?)(?!\s*data:image\/(?:png|jpeg|gif|webp))[^)]*\1\s*\)?/gi, () => (blocked++, "none"));
	safe = safe.replace(/position\s*:\s*(fixed|sticky)/gi, "position:static").replace(/(?:-moz-binding|behavior)\s*:/gi, "x:");
	return { css: safe, blocked };
}

// Where an image of the editor comes from, or null: it is left out. `src` is a cid: URL, or what the editor shows.
export type ImageSource = (src: string) => string | null;

// A stricter profile for what is pasted or quoted into the editor: structure and emphasis, no layout.
function editing(html: string, image: ImageSource, more: object): unknown {
	const purify = purifierOf(window);
	purify.addHook("afterSanitizeAttributes", (node) => {
		const element = node as Element;
		if (element.tagName === "IMG") {
			const src = image(element.getAttribute("src") ?? "");
			if (src === null)
				element.replaceWith(element.ownerDocument.createTextNode(element.getAttribute("alt") ?? ""));
			else
				element.setAttribute("src", src);
		}
		if (element.tagName === "A" && !/^(https?:|mailto:|tel:)/i.test(element.getAttribute("href") ?? ""))
			element.removeAttribute("href");
	});
	// Styles are taken away below in any case; taken from the text already, the page's policy has nothing to complain of.
	const unstyled = html.replace(/<style\b[\s\S]*?(<\/style\s*>|$)/gi, "")
		.replace(/<[a-z][^>]*>/gi, (tag) => tag.replace(/\sstyle\s*=\s*("[^"]*"|'[^']*'|[^\s>]+)/gi, ""));
	const result = purify.sanitize(unstyled, {
		ALLOWED_TAGS: ["a", "b", "strong", "i", "em", "u", "s", "del", "strike", "sub", "sup", "code", "pre", "p", "div", "br", "hr",
			"ul", "ol", "li", "blockquote", "h1", "h2", "h3", "h4", "table", "tbody", "thead", "tr", "td", "th", "img", "span"],
		ALLOWED_ATTR: ["href", "src", "alt", "type", "dir", "lang", "colspan", "rowspan", "width", "height"],
		ALLOW_DATA_ATTR: false,
		FORBID_CONTENTS: ["style", "script", "title", "head"],
		ALLOWED_URI_REGEXP: /^(?:https?:|mailto:|tel:|blob:|cid:|data:image\/(?:png|jpeg|gif|webp);)/i,
		// Those that are no addresses; type="cite" says what is a quotation.
		ADD_URI_SAFE_ATTR: ["type", "dir", "lang", "colspan", "rowspan", "width", "height"],
		...more,
	});
	purify.removeAllHooks();
	return result;
}

// For the page: the images are loaded from where image() says.
export const editable = (html: string, image: ImageSource) => editing(html, image, { RETURN_DOM_FRAGMENT: true }) as DocumentFragment;

// To be kept: nothing is loaded.
export const editableHtml = (html: string, image: ImageSource) => String(editing(html, image, { RETURN_TRUSTED_TYPE: false }));
