// What the browser tests share: Chromium, pages that report everything that goes wrong, axe-core, and the way to log in.
//
// WEBMAIL_BUILD is where webmail/build.sh has built the client (with --tests), see tests/support/webmail.sh.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { createServer } from "node:http";
import { createServer as createSecure } from "node:https";
import { resolve } from "node:path";

export const built = resolve(process.env.WEBMAIL_BUILD ?? "build/webmail/built");
const require = createRequire(`${built}/package.json`);
const { chromium } = require("playwright-core");
const axeSource = require("axe-core").source;

export const { startFake } = await import(`${built}/test/fake/server.mjs`);

export async function launch() {
	return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
}

// open(): a page of its own context. What goes wrong on it is in page.problems, checked by finish(), but for what
// options.expects, or page.expects for a while, says is to be.
export async function open(browser, url, options = {}) {
	const { width = 1440, height = 900, scheme = "light", touch = false, context: given } = options;
	const context = given ?? await browser.newContext({
		viewport: { width, height }, colorScheme: scheme, hasTouch: touch, reducedMotion: "reduce", ignoreHTTPSErrors: true,
	});
	context.setDefaultTimeout(15_000);
	if (options.settings)
		await context.addInitScript((settings) => {
			if (!localStorage.getItem("postern.settings"))
				localStorage.setItem("postern.settings", JSON.stringify(settings));
		}, options.settings);
	const page = await context.newPage();
	page.problems = [];
	page.on("pageerror", (error) => page.problems.push(`error: ${error.message}`));
	page.on("console", (message) => {
		// Who is not signed in is told so by a 401, which the browser notes.
		if (message.type() === "error" && !/status of 401/.test(message.text()) && !options.expects?.test(message.text()) && !page.expects?.test(message.text()))
			page.problems.push(`console: ${message.text()}`);
	});
	page.on("request", (request) => {
		const { origin, protocol } = new URL(request.url());
		if (/^https?:$/.test(protocol) && origin !== new URL(url).origin && !options.foreign)
			page.problems.push(`foreign request: ${request.url()}`);
	});
	await page.goto(url);
	return page;
}

export async function login(page, user = "user1@example.test", password = "secret") {
	await page.getByLabel("Address").fill(user);
	await page.getByLabel("Password", { exact: true }).fill(password);
	await page.getByRole("button", { name: "Sign in", exact: true }).click();
	await page.getByRole("navigation", { name: "Folders" }).or(page.getByRole("button", { name: "Open folders" })).first().waitFor();
	await page.locator(".row[data-id], .list-empty").first().waitFor();
}

// An app password; making it asks for the password once more.
export async function makeAppPassword(page, password = "secret") {
	await page.getByRole("button", { name: "Make a password" }).click();
	const dialog = page.getByRole("dialog");
	await dialog.getByLabel("Present password").fill(password);
	await dialog.getByRole("button", { name: "Make a password" }).click();
	await dialog.waitFor({ state: "detached" });
}

export async function finish(page) {
	assert.deepEqual(page.problems, []);
	await page.context().close();
}

// No serious finding of axe-core on the page as it stands.
export async function accessible(page, what) {
	await page.evaluate(axeSource);
	const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
	const bad = violations.filter((v) => ["serious", "critical"].includes(v.impact))
		.map((v) => `${v.id}: ${v.nodes.slice(0, 3).map((n) => `${n.target} ${n.any[0]?.message ?? ""}`).join("; ")}`);
	assert.deepEqual(bad, [], what);
}

// Every visible part of a row lies inside of it: nothing is cut off.
export async function rowsFit(page) {
	const cut = await page.evaluate(() => [...document.querySelectorAll(".row")].flatMap((row) => {
		const box = row.getBoundingClientRect();
		return [...row.querySelectorAll(".row-who, .row-time, .row-subject, .row-preview, .avatar")].filter((part) => {
			const inner = part.getBoundingClientRect();
			return inner.width > 0 && (inner.left < box.left - 1 || inner.right > box.right + 1 || inner.top < box.top - 1 || inner.bottom > box.bottom + 1);
		}).map((part) => `${part.className}: ${part.textContent}`);
	}));
	assert.deepEqual(cut, []);
	const wide = await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
	assert.equal(wide, false, "the page is wider than the window");
}

// A server that counts who asks it for anything; by https, if it is given { cert, key }.
export async function counter(tls = null) {
	const hits = [];
	const answer = (request, response) => {
		hits.push(request.url);
		response.writeHead(200, { "Content-Type": "image/gif", "Access-Control-Allow-Origin": "*" });
		response.end(Buffer.from("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7", "base64"));
	};
	const server = tls ? createSecure(tls, answer) : createServer(answer);
	await new Promise((done) => server.listen(0, "127.0.0.1", done));
	return { hits, url: `${tls ? "https" : "http"}://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

// What the server has, asked with the session of a page.
export const jmap = (page, methodCalls) => page.evaluate(async (calls) => {
	const session = await (await fetch("/.well-known/jmap", { headers: { "X-Postern": "1" } })).json();
	const accountId = Object.keys(session.accounts)[0];
	const response = await fetch(new URL(session.apiUrl).pathname, {
		method: "POST", headers: { "Content-Type": "application/json", "X-Postern": "1" },
		body: JSON.stringify({ using: Object.keys(session.capabilities), methodCalls: calls.map(([name, args, id]) => [name, { accountId, ...args }, id]) }),
	});
	return (await response.json()).methodResponses;
}, methodCalls);

// The messages of a subject, with some properties.
export async function found(page, subject, properties = ["mailboxIds", "keywords"]) {
	const answers = await jmap(page, [
		["Email/query", { filter: { subject } }, "a"],
		["Email/get", { "#ids": { resultOf: "a", name: "Email/query", path: "/ids" }, properties }, "b"],
	]);
	return answers[1][1].list;
}

// The ids of the mailboxes, by role or name; and how many messages are in each.
export async function roles(page) {
	const [[, answer]] = await jmap(page, [["Mailbox/get", { ids: null }, "a"]]);
	return Object.fromEntries(answer.list.map((m) => [m.role ?? m.name, m.id]));
}

export async function totals(page) {
	const [[, answer]] = await jmap(page, [["Mailbox/get", { ids: null }, "a"]]);
	return Object.fromEntries(answer.list.map((m) => [m.role ?? m.name, m.totalEmails]));
}

export async function until(check) {
	for (let i = 0; i < 150; i++) {
		if (await check())
			return;
		await new Promise((wake) => setTimeout(wake, 100));
	}
	assert.fail(`not within fifteen seconds: ${check}`);
}

// Begins a message to somebody; the composer stands with the keyboard in the text.
export async function write(page, to, subject, text = "") {
	await page.keyboard.press("c");
	await page.getByRole("combobox", { name: "To" }).fill(`${to},`);
	await page.getByLabel("Subject").fill(subject);
	await page.getByLabel("Text of the message").click();
	if (text)
		await page.keyboard.type(text);
}

// Attaches files through the dialog of the composer, and waits until they are uploaded.
export async function attach(page, files, button = "Attach files") {
	const chooser = page.waitForEvent("filechooser");
	await page.getByRole("button", { name: button }).click();
	await (await chooser).setFiles(files);
	if (button === "Attach files")
		for (const { name } of files)
			await page.getByRole("button", { name: `Remove ${name}` }).waitFor();
}

export const folder = (page, name) => page.getByRole("navigation", { name: "Folders" }).getByRole("button", { name }).first();

export const row = (page, text) => page.getByRole("row").filter({ hasText: text }).first();
export const toast = (page) => page.locator(".toast");
