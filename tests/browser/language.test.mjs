// Languages: the client in German, with long texts, and from right to left; and changing the language while one writes.
//
// en-XA and ar-XB are made of the English texts (webmail/src/text/pseudo.ts). SHOTS=DIR keeps a picture of every page.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { accessible, built, finish, launch, login, open, row, rowsFit, startFake } from "./support.mjs";
import { startServer } from "./server.mjs";

let browser;

before(async () => {
	browser = await launch();
});
after(() => browser?.close());

const LONG = "en-XA", BACK = "ar-XB";

async function fake(run) {
	const server = await startFake({ dist: `${built}/dist` });
	try {
		await run(server);
	} finally {
		await server.close();
	}
}

const shot = async (page, name) => {
	if (process.env.SHOTS)
		await page.screenshot({ path: `${process.env.SHOTS}/${name}.png` });
};

// Signs in whatever the language is.
async function enter(page) {
	await page.locator("input[name=user]").fill("user1@example.test");
	await page.locator("input[name=password]").fill("secret");
	await page.keyboard.press("Enter");
	await page.locator(".row[data-id]").first().waitFor();
}

// Texts of ours that are cut off, that cover each other, or that no catalogue has. What people have written is marked: it
// is in an element with dir="auto", in <bdi>, <code>, <time> and the like.
const texts = (page, translated) => page.evaluate((mark) => {
	const theirs = "[dir=auto], bdi, code, kbd, time, iframe, .wordmark, .folder-count, .row-number, .attachment-type, .editor, option[lang]";
	const top = document.querySelector("dialog[open]:modal, .menu") ?? document.body;
	const problems = [], seen = [];
	const known = (text) => !/\p{L}{2}/u.test(text.replace(/\u2068[^\u2069]*\u2069/gu, "").replace(/[\w.+-]+@[\w.-]+/g, "")) || !mark || new RegExp(mark, "u").test(text);
	const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	for (let node = walker.nextNode(); node; node = walker.nextNode()) {
		const parent = node.parentElement;
		const text = node.data.trim();
		if (!text || parent.closest("script, style, noscript, .spoken, .visually-hidden") || !parent.checkVisibility({ opacityProperty: true, visibilityProperty: true }))
			continue;
		const ours = !parent.closest(theirs);
		if (ours && !known(text))
			problems.push(`not translated: ${text}`);
		const range = document.createRange();
		range.selectNodeContents(node);
		for (const box of range.getClientRects()) {
			if (box.width < 2 || box.right <= 0 || box.left >= innerWidth || box.bottom <= 0 || box.top >= innerHeight)
				continue;
			// What a scrolling or cutting box leaves of it.
			let { left, right, top: upper, bottom } = box, shortened = false, reachable = false;
			for (let e = parent; e && e !== document.body; e = e.parentElement) {
				const style = getComputedStyle(e);
				if (style.display === "inline" || (style.overflowX === "visible" && style.overflowY === "visible"))
					continue;
				const frame = e.getBoundingClientRect();
				reachable ||= /auto|scroll/.test(style.overflowX + style.overflowY);
				if (!reachable && ours && (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 || box.bottom > frame.bottom + 1))
					shortened = true;
				left = Math.max(left, frame.left);
				right = Math.min(right, frame.right);
				upper = Math.max(upper, frame.top);
				bottom = Math.min(bottom, frame.bottom);
			}
			if (shortened)
				problems.push(`cut off: ${text} in .${parent.className}`);
			if (right - left < 2 || bottom - upper < 2)
				continue;
			if (ours && (left < -1 || right > innerWidth + 1))
				problems.push(`outside of the window: ${text}`);
			const hit = document.elementFromPoint((left + right) / 2, (upper + bottom) / 2);
			if (hit && top.contains(parent) && (parent.contains(hit) || hit.contains(parent)))
				seen.push({ text, left, right, upper, bottom, parent });
		}
	}
	for (const a of seen)
		for (const b of seen)
			if (a !== b && a.parent !== b.parent && Math.min(a.right, b.right) - Math.max(a.left, b.left) > 3 && Math.min(a.bottom, b.bottom) - Math.max(a.upper, b.upper) > 5)
				problems.push(`covers another: ${a.text} / ${b.text}`);
	for (const element of document.querySelectorAll("[aria-label], [title], [placeholder]"))
		for (const name of ["aria-label", "title", "placeholder"]) {
			const text = element.getAttribute(name);
			if (text && !element.closest("iframe, .row, time") && !element.matches(".folder, .chip") && !known(text) && !element.querySelector("[dir=auto], bdi"))
				problems.push(`${name} not translated: ${text}`);
		}
	return [...new Set(problems)];
}, translated);

const MARK = { [LONG]: "[⟦⟧]", [BACK]: "\\u202e", de: "" };

async function check(page, language, name) {
	await shot(page, `${name}-${language}`);
	page.problems.push(...(await texts(page, MARK[language])).map((what) => `${name}: ${what}`));
	assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth), false, `${name} is wider than the window`);
	await accessible(page, `${name} in ${language}`);
}

// Two filters, as the client writes them.
const FILTERS = [
	["One", { if: [{ field: "from", how: "contains", value: "shop" }, { field: "size", how: "over", value: "5M" }], then: [{ do: "move", value: "Nowhere" }, { do: "star", value: "" }], stop: true },
		'if allof (\n    header :contains "from" "shop",\n    size :over 5M\n) {\n    addflag "\\\\Flagged";\n    fileinto "Nowhere";\n    stop;\n}\n'],
	["Two", { if: [{ field: "header", how: "exists", value: "", header: "X-Test" }], then: [{ do: "discard", value: "" }], stop: false }, 'if exists "X-Test" {\n    discard;\n}\n'],
].reduce((text, [name, rule, sieve]) => `${text}# Filter: ${name}\n# [postern:rule] ${JSON.stringify({ id: name, name, on: true, match: "all", ...rule })}\n${sieve}\n`,
	'require ["fileinto", "imap4flags"]; # [postern:require]\n\n# [postern:begin]\n') + "# [postern:end]\nkeep;\n";

async function filterForm(page, language, name) {
	await page.evaluate(() => (location.hash = "#/settings/filters"));
	await page.locator(".rule-main").first().click();
	await page.locator(".filter-form").waitFor();
	await settled(page);
	await check(page, language, `${name}-form`);
	await page.keyboard.press("Escape");
	await page.locator(".segments label").nth(1).click();
	await page.locator(".code-box").waitFor();
	await check(page, language, `${name}-text`);
}

const settled = (page) => page.waitForFunction(() => document.getAnimations().every((a) => a.playState !== "running"));

for (const language of [LONG, BACK, "de"])
	test(`list, conversation, composer, settings in ${language}: everything fits and is translated`, () => fake(async (server) => {
		const page = await open(browser, server.url, { settings: { language } });
		await page.locator("input[name=user]").waitFor();
		assert.equal(await page.evaluate(() => document.dir), language === BACK ? "rtl" : "ltr");
		await check(page, language, "sign-in");
		await enter(page);
		await rowsFit(page);
		await settled(page);
		await check(page, language, "list");
		await page.locator("#search").focus();
		await check(page, language, "search-help");
		await page.keyboard.press("Escape");
		await row(page, "Floor plan").click();
		await page.locator("article iframe").first().waitFor();
		await page.locator(".message-to").last().click();
		await check(page, language, "conversation");
		await page.locator(".reader-bar [aria-haspopup=menu]").last().click();
		await page.locator(".menu").waitFor();
		await check(page, language, "menu");
		await page.keyboard.press("Escape");
		await page.keyboard.press("Escape");
		await page.keyboard.press("c");
		await page.locator(".composer .editor").waitFor();
		await check(page, language, "composer");
		await page.locator(".composer-head .icon-button").last().click();
		await page.keyboard.press("?");
		await page.locator("dialog[open]").waitFor();
		await check(page, language, "shortcuts");
		await page.keyboard.press("Escape");
		server.accounts.get("user1@example.test").putScript("other", "keep;\r\n", true);
		server.accounts.get("user1@example.test").putScript("postern", FILTERS);
		for (const section of ["look", "identities", "folders", "filters", "vacation", "transfer", "account"]) {
			await page.evaluate((name) => (location.hash = `#/settings/${name}`), section);
			await page.locator(".settings nav [aria-current=page]").waitFor();
			await page.locator(".settings-section").waitFor();
			if (section === "filters")
				await page.locator(".rule").nth(1).waitFor();
			await settled(page);
			await check(page, language, `settings-${section}`);
		}
		await filterForm(page, language, "filters");
		await finish(page);
	}));

for (const language of [LONG, BACK, "de"])
	test(`a phone in ${language}: list, drawer, conversation, composer, settings`, () => fake(async (server) => {
		const page = await open(browser, server.url, { width: 390, height: 844, touch: true, settings: { language } });
		await check(page, language, "phone-sign-in");
		await enter(page);
		await rowsFit(page);
		await settled(page);
		await check(page, language, "phone-list");
		await page.locator(".topbar .only-phone").tap();
		await page.locator(".drawer-open .sidebar").waitFor();
		await page.waitForTimeout(300);
		await check(page, language, "phone-drawer");
		const drawer = await page.locator(".sidebar").boundingBox();
		assert.equal(Math.round(language === BACK ? drawer.x + drawer.width : drawer.x), language === BACK ? 390 : 0, "the drawer is where a line begins");
		await page.locator(".scrim").tap({ position: { x: language === BACK ? 10 : 380, y: 400 } });
		await row(page, "Floor plan").tap();
		await page.locator("article iframe").first().waitFor();
		await check(page, language, "phone-conversation");
		await page.locator(".answers .button").first().tap();
		await page.locator(".composer .editor").waitFor();
		await check(page, language, "phone-composer");
		await page.locator(".composer-head .icon-button").last().tap();
		server.accounts.get("user1@example.test").putScript("postern", FILTERS, true);
		for (const section of ["look", "folders", "account", "filters"]) {
			await page.evaluate((name) => (location.hash = `#/settings/${name}`), section);
			await page.locator(".settings-section").waitFor();
			if (section === "filters")
				await page.locator(".rule").nth(1).waitFor();
			await settled(page);
			await check(page, language, `phone-settings-${section}`);
		}
		await filterForm(page, language, "phone-filters");
		await finish(page);
	}));

test("making an account in each language, by its address; what the server refuses is told in it", async () => {
	const server = await startServer(["signup.mode=open", "signup.work=8"]);
	try {
		for (const [language, word] of [[LONG, "⟦Ţĥíš áđđŕéšš"], [BACK, "\u202eaddress\u202c \u202eis\u202c"], ["de", "Diese Adresse ist den Betreibern des Servers vorbehalten."]]) {
			const page = await open(browser, `${server.url}/signup?language=${language}`, { expects: /status of (403|422|429)/ });
			await page.locator("input[name=address]").fill("postmaster");
			await page.locator("input[name=name]").fill("Maja Olsen");
			await page.getByText(word).waitFor();
			await check(page, language, "sign-up");
			// The sign-in page of the same tab speaks it, too.
			await page.locator(".login-other a").click();
			await page.locator("input[name=user]").waitFor();
			await page.locator(".login-other").waitFor();
			await check(page, language, "real-sign-in");
			await finish(page);
		}
		for (const language of [LONG, BACK]) {
			const page = await open(browser, server.url, { settings: { language } });
			await page.locator("input[name=user]").fill("user1@example.test");
			await page.locator("input[name=password]").fill("secret");
			await page.keyboard.press("Enter");
			await page.locator(".row[data-id], .list-empty").first().waitFor();
			for (const section of ["forwarding", "programs", "deleted", "security"]) {
				await page.evaluate((name) => (location.hash = `#/settings/${name}`), section);
				await page.locator(".settings-section h2").waitFor();
				await page.locator(".settings-section > :nth-child(2)").waitFor();
				await check(page, language, `settings-${section}`);
			}
			await finish(page);
		}
	} finally {
		await server.close();
	}
});

test("as the browser has it: German with its region's dates, English for a language that there is not", () => fake(async (server) => {
	for (const [locale, lang, title] of [["de-AT", "de-AT", "Bei Ihrer Mail anmelden"], ["fr-FR", "en-GB", "Sign in to your mail"]]) {
		const context = await browser.newContext({ locale, reducedMotion: "reduce" });
		const page = await open(browser, server.url, { context });
		await page.getByRole("heading", { name: title }).waitFor();
		assert.equal(await page.evaluate(() => document.documentElement.lang), lang);
		await finish(page);
	}
}));

test("a language that cannot be loaded leaves English", () => fake(async (server) => {
	const first = await (await fetch(server.url)).text();
	const context = await browser.newContext({ locale: "de-DE" });
	await context.route("**/part-*.js", (route) => (first.includes(new URL(route.request().url()).pathname) ? route.continue() : route.abort()));
	const page = await context.newPage();
	await page.goto(server.url);
	await page.getByRole("heading", { name: "Sign in to your mail" }).waitFor();
	await page.getByLabel("Address").fill("user1@example.test");
	await page.getByLabel("Password", { exact: true }).fill("secret");
	await page.keyboard.press("Enter");
	await page.getByRole("heading", { name: "Inbox" }).waitFor();
	await context.close();
}));

test("another language while one writes: the draft stays, as it is", () => fake(async (server) => {
	const page = await open(browser, server.url);
	await login(page);
	await page.keyboard.press("c");
	await page.getByRole("combobox", { name: "To" }).fill("ines@costa.example,");
	await page.getByRole("textbox", { name: "Subject" }).fill("Plans");
	await page.getByLabel("Text of the message").click();
	await page.keyboard.type("Half a sen");
	await page.evaluate(() => {
		document.querySelector(".composer .editor").mine = true;
		location.hash = "#/settings/look";
	});
	await page.getByLabel("Language").selectOption("de");
	await page.getByRole("heading", { name: "Darstellung" }).waitFor();
	const editor = page.getByLabel("Text der Nachricht");
	assert.equal(await editor.innerText().then((text) => text.trim()), "Half a sen");
	assert.equal(await editor.evaluate((element) => element.mine), true, "it is the same editor");
	assert.equal(await page.getByRole("textbox", { name: "Betreff" }).inputValue(), "Plans");
	await editor.click();
	await page.keyboard.press("Control+End");
	await page.keyboard.type("tence.");
	await page.getByRole("button", { name: "Zurück zur Mail" }).click();
	await page.getByText(/^Gespeichert \d/).waitFor();
	assert.equal((await editor.innerText()).trim(), "Half a sentence.");
	assert.equal(await page.evaluate(() => document.documentElement.lang), "de");
	// Remembered, also before signing in; and another tab follows.
	const other = await page.context().newPage();
	await other.goto(server.url);
	await other.getByRole("heading", { name: "Eingang" }).waitFor();
	await page.evaluate(() => (location.hash = "#/settings/look"));
	await page.getByRole("combobox", { name: "Sprache" }).selectOption("en");
	await other.getByRole("heading", { name: "Inbox" }).waitFor();
	await finish(page);
}));

test("from right to left: swipes, arrow keys and the edge between list and reader go the other way", () => fake(async (server) => {
	const page = await open(browser, server.url, { settings: { language: BACK } });
	await enter(page);
	const list = page.locator(".list"), edge = page.locator(".resizer");
	const width = () => list.evaluate((element) => element.clientWidth);
	const before = await width();
	await edge.focus();
	await page.keyboard.press("ArrowLeft");
	assert.ok(await width() > before, "to the left is wider");
	const box = await edge.boundingBox();
	await page.mouse.move(box.x + 3, 400);
	await page.mouse.down();
	await page.mouse.move(box.x + 53, 400, { steps: 4 });
	await page.mouse.up();
	assert.ok(await width() < before, "to the right is narrower");
	// A subject of Latin letters stands at the right and loses its end, not its beginning.
	const subject = row(page, "Floor plan").locator(".row-subject");
	assert.equal(await subject.evaluate((element) => getComputedStyle(element).direction), "ltr");
	assert.ok(await subject.evaluate((element) => {
		const range = document.createRange();
		range.selectNodeContents(element);
		return Math.abs(range.getBoundingClientRect().right - element.getBoundingClientRect().right) < 2;
	}));
	await finish(page);
	const phone = await open(browser, server.url, { width: 390, height: 844, touch: true, settings: { language: BACK } });
	await enter(phone);
	for (const [from, to, role] of [[320, 80, "archive"], [80, 320, "trash"]]) {
		const { y, height } = await row(phone, "Harbour Books").boundingBox();
		const cdp = await phone.context().newCDPSession(phone);
		const touch = (type, x) => cdp.send("Input.dispatchTouchEvent", { type, touchPoints: type === "touchEnd" ? [] : [{ x, y: y + height / 2 }] });
		await touch("touchStart", from);
		for (let x = from, step = from < to ? 15 : -15; Math.abs(x - to) > 15; x += step)
			await touch("touchMove", x + step);
		await touch("touchEnd");
		await row(phone, "Harbour Books").waitFor({ state: "detached" });
		const [message] = [...server.accounts.get("user1@example.test").emails.values()].filter((m) => m.from?.[0]?.name === "Harbour Books");
		const box = [...server.accounts.get("user1@example.test").mailboxes.values()].find((m) => m.role === role);
		assert.ok(message.mailboxIds[box.id], role);
		await phone.locator(".toast .toast-button").first().click();
		await row(phone, "Harbour Books").waitFor();
	}
	await finish(phone);
}));

test("every sentence of the server that has a translation is one that it says", () => {
	const root = join(import.meta.dirname, "../..");
	const said = ["src/web", "src/account", "src/http"].flatMap((dir) => readdirSync(join(root, dir)).filter((name) => name.endsWith(".c"))
		.map((name) => readFileSync(join(root, dir, name), "utf8"))).flatMap((code) => code.match(/"(?:[^"\\\n]|\\.)*"(?:\s*"(?:[^"\\\n]|\\.)*")*/g) ?? [])
		.map((literal) => literal.replace(/"\s*"/g, "").slice(1, -1).replace(/%l*d/g, "{n}"));
	const all = new Set(said.flatMap((text) => text.includes("%s%s.")
		? ["minute", "minutes", "hour", "hours"].map((unit) => text.replace("%s%s", unit)) : [text]));
	const dir = join(root, "webmail/src/text");
	for (const { name } of readdirSync(dir, { withFileTypes: true }).filter((entry) => entry.isDirectory())) {
		const keys = [...readFileSync(join(dir, name, "server.ts"), "utf8").matchAll(/^\t"([^"]+)":/gm)].map((match) => match[1]);
		assert.ok(keys.length > 20);
		assert.deepEqual(keys.filter((key) => !all.has(key)), [], name);
	}
});
