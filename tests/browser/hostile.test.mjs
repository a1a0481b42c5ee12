// Mail of strangers on the real server: the whole corpus delivered by SMTP, and a listener that must hear nothing.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { accessible, counter, finish, launch, login, open, row } from "./support.mjs";
import { htmlMail, startServer, textMail } from "./server.mjs";
import { hostile } from "./hostile.mjs";

const BLOCKED = /Content Security Policy|sandboxed|Blocked|violates the following/;

let browser, server, count;

before(async () => {
	browser = await launch();
	server = await startServer();
	count = await counter(server.tls());
});
after(async () => {
	count?.close();
	await browser?.close();
	await server?.close();
});

test("nothing runs, nothing is fetched, nothing covers the page, no link leads elsewhere unseen", async () => {
	const page = await open(browser, server.url, { foreign: true, expects: BLOCKED });
	await page.evaluate(() => window.addEventListener("message", () => (window.hit = 2)));
	await login(page);
	const corpus = hostile(count.url);
	for (const [name, value] of Object.entries(corpus))
		await server.deliver("user1@example.test", htmlMail(`Hostile ${name}`, `<p>before</p>${value}<p>after ${name}</p>`));
	const inner = page.frameLocator("iframe").last();
	for (const name of Object.keys(corpus).reverse()) {
		await row(page, `Hostile ${name}`).click();
		await page.getByRole("heading", { level: 1, name: `Hostile ${name}` }).waitFor();
		await inner.getByText("before", { exact: true }).first().waitFor({ state: "attached" });
		assert.equal(await inner.locator("script, iframe, object, embed, form, input, meta[http-equiv], svg, math, link, base[href]").count(), 0, name);
		for (const link of await inner.locator("a[href]").all()) {
			assert.match(await link.getAttribute("href"), /^https?:/, name);
			assert.match(await link.getAttribute("rel"), /noopener/, name);
			assert.equal(await link.getAttribute("target") ?? "_blank", "_blank", name);
		}
		const covered = await page.evaluate(() => [[700, 25, ".topbar"], [100, 400, ".sidebar"], [400, 300, ".list"]]
			.filter(([x, y, part]) => document.elementFromPoint(x, y)?.closest(part) === null).map(([, , part]) => part));
		assert.deepEqual(covered, [], name);
		await page.mouse.move(1000, 300);
	}
	// The frame of the server alone, without what the client takes away.
	for (const value of Object.values(corpus))
		await page.evaluate(async (html) => {
			const frame = document.createElement("iframe");
			frame.setAttribute("sandbox", "allow-same-origin allow-popups allow-popups-to-escape-sandbox");
			frame.src = "/frame.html";
			const loaded = new Promise((done) => (frame.onload = done));
			document.body.append(frame);
			await loaded;
			frame.contentDocument.body.innerHTML = html;
			await new Promise((done) => setTimeout(done, 30));
			frame.remove();
		}, value);
	await page.waitForTimeout(300);
	assert.equal(await page.evaluate(() => window.hit), undefined);
	assert.deepEqual(count.hits, []);
	assert.equal(new URL(page.url()).origin, server.url);
	assert.deepEqual(page.problems.filter((p) => p.startsWith("error")), []);
	await page.context().close();
});

test("a table of five megabytes is read in part, and says so", async () => {
	const page = await open(browser, server.url);
	await login(page);
	await server.deliver("user1@example.test", htmlMail("Endless", `<p>before</p><table>${"<tr><td>cell</td><td>another</td></tr>".repeat(130_000)}</table>`));
	await row(page, "Endless").click();
	await page.frameLocator("iframe").getByText("before", { exact: true }).waitFor();
	await page.getByText("The message is very long; this is its beginning.").waitFor();
	await page.keyboard.press("Escape");
	await page.getByText("No conversation selected").waitFor();
	await finish(page);
});

test("images are shown once when asked for: each is fetched, and nothing else", async () => {
	const page = await open(browser, server.url, { foreign: true });
	await login(page);
	const html = `<p>Look</p><img src="${count.url}/a.gif"><img src="${count.url}/b.gif" alt="b">
		<div style="background:url(${count.url}/c.gif);width:9px;height:9px">.</div>
		<script src="${count.url}/x.js"></script><link rel=stylesheet href="${count.url}/x.css"><iframe src="${count.url}/x"></iframe>`;
	await server.deliver("user1@example.test", htmlMail("With pictures", html));
	await row(page, "With pictures").click();
	await page.getByText("Remote images are hidden.").waitFor();
	await accessible(page, "images are hidden");
	assert.deepEqual(count.hits, []);
	await page.getByRole("button", { name: "Show once" }).click();
	await page.frameLocator("iframe").getByRole("img", { name: "b" }).waitFor();
	await page.waitForFunction(() => [...document.querySelector("iframe").contentDocument.images].every((i) => i.complete && i.naturalWidth === 1));
	await page.waitForTimeout(300);
	assert.deepEqual(count.hits.splice(0).sort(), ["/a.gif", "/b.gif", "/c.gif"]);
	await page.reload();
	await page.getByText("Remote images are hidden.").waitFor();
	assert.deepEqual(count.hits, [], "once is once");
	await finish(page);
});

test("where a link leads is seen before; one that lies is asked about; a name that lies is said", async () => {
	const page = await open(browser, server.url);
	await login(page);
	const mail = htmlMail("Your bank", `<p><a href="https://evil.example/login?x=1">www.bank.example</a> <a href="https://fine.example/a">read more</a></p>`)
		.replace("From: Ines Costa <ines@costa.example>", 'From: "service@bank.example" <thief@evil.example>');
	await server.deliver("user1@example.test", mail);
	await row(page, "service@bank.example").click();
	await page.getByText("The name shows “service@bank.example”, but the message comes from thief@evil.example.").waitFor();
	const inner = page.frameLocator("iframe");
	await inner.getByRole("link", { name: "read more" }).hover();
	await page.getByText("fine.example").waitFor();
	await accessible(page, "a warning");
	await inner.getByRole("link", { name: "www.bank.example" }).click();
	await page.getByRole("dialog", { name: "This link says www.bank.example, but leads to evil.example." }).waitFor();
	await accessible(page, "a link that lies");
	await page.getByRole("button", { name: "Cancel" }).click();
	assert.equal(page.context().pages().length, 1);
	await page.context().route("https://fine.example/**", (route) => route.fulfill({ contentType: "text/html", body: "<title>fine</title>" }));
	const popup = page.waitForEvent("popup");
	await inner.getByRole("link", { name: "read more" }).click();
	const other = await popup;
	await other.waitForURL("https://fine.example/a");
	assert.equal(await other.evaluate(() => window.opener), null);
	assert.equal(await other.evaluate(() => document.referrer), "");
	await other.close();

	// The same in plain text.
	await server.deliver("user1@example.test", textMail("Plain words", "See https://fine.example/b and <javascript:top.hit=1>."));
	await row(page, "Plain words").click();
	const link = page.getByRole("link", { name: "https://fine.example/b" });
	await link.waitFor();
	assert.match(await link.getAttribute("rel"), /noopener/);
	assert.equal(await page.getByRole("article").last().locator("a").count(), 1);
	await finish(page);
});
