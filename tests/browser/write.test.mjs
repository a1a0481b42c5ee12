// Writing between two people on the real server: sending, taking back, sending later, answering, drafts. What was stored
// is looked at by IMAP.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { accessible, attach, finish, folder, found, jmap, launch, login, open, roles, row, rowsFit, toast, totals, until, write } from "./support.mjs";
import { startServer } from "./server.mjs";

const A = "user1@example.test", B = "user2@example.test", C = "user3@example.test";
const PNG = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");

let browser, server;
let promised, held; // when a message leaves; when one that was taken back would have left

before(async () => {
	browser = await launch();
	server = await startServer([], undefined, 3);
});
after(async () => {
	await browser?.close();
	await server?.close();
});

const one = (user, mailbox, subject) => {
	const list = server.stored(user, mailbox, subject);
	assert.equal(list.length, 1, `${subject}: one message in ${mailbox}`);
	assert.deepEqual(list[0].defects, []);
	assert.ok(list[0].raw.split("\r\n").every((line) => Buffer.byteLength(line) <= 998), "RFC 5322, 2.1.1");
	return list[0];
};
const types = (message) => message.parts.map((p) => p.type);

test("a time is set, and the browser is closed until then", async () => {
	const page = await open(browser, server.url);
	await login(page);
	await write(page, B, "At its time", "The server does it.");
	// The next full minute.
	const time = new Date(Math.ceil((Date.now() + 4000) / 60_000) * 60_000);
	const local = new Date(time.getTime() - time.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
	await page.getByRole("button", { name: "Send later" }).click();
	await page.getByRole("menuitem", { name: "Choose a time…" }).click();
	await page.getByLabel("When it shall be sent", { exact: true }).last().fill(local);
	await page.getByRole("dialog").getByRole("button", { name: "Send later" }).last().click();
	await toast(page).getByText("Will be sent").waitFor();
	promised = time;
	await finish(page);
});

test("two letters are enough for an address; what is sent arrives in sight, and is what it looks like", async () => {
	const a = await open(browser, server.url, { settings: { undoSeconds: 0 } });
	const b = await open(browser, server.url, { settings: { undoSeconds: 0 } });
	await login(a);
	await login(b, B);
	await write(a, B, "Floor plan", "It is ");
	await a.keyboard.press("Control+b");
	await a.keyboard.type("finished");
	await a.keyboard.press("Control+b");
	await a.keyboard.type(", with “ä” and a long line: " + "the stairs go to the left of the door ".repeat(8));
	await a.keyboard.press("Control+Enter");
	await toast(a).getByText("Message sent").waitFor();
	await row(b, "Floor plan").waitFor();
	assert.match(await row(b, "Floor plan").getAttribute("aria-label") ?? "", /^Unread/);
	await b.getByRole("status").filter({ hasText: "One new message" }).first().waitFor({ state: "attached" });
	await b.waitForFunction(() => /^\(\d\) /.test(document.title));
	await rowsFit(b);
	const message = one(B, "INBOX", "Floor plan");
	assert.deepEqual(types(message), ["multipart/alternative", "text/plain", "text/html"]);
	const [, text, html] = message.parts;
	assert.match(text.text, /^It is finished, with “ä” and a long line: the stairs/);
	assert.doesNotMatch(text.text, /<|&nbsp;/);
	assert.match(html.text, /<b>finished<\/b>/);
	assert.match(message.fields["message-id"], /@example\.test>$/);
	assert.equal(message.fields.bcc, undefined);

	await a.keyboard.press("c");
	await a.getByRole("combobox", { name: "To" }).pressSequentially("us");
	await a.getByRole("option", { name: B }).waitFor();
	await accessible(a, "an address is offered");
	await a.keyboard.press("Enter");
	await a.getByRole("button", { name: `Remove ${B}` }).waitFor();
	await a.getByLabel("Subject").fill("Only text");
	await a.getByRole("dialog").getByRole("button", { name: "More actions" }).click();
	await a.getByRole("menuitem", { name: "Plain text" }).click();
	await a.getByLabel("Text of the message").fill("One line.\n\n-- \nA");
	await a.keyboard.press("Control+Enter");
	await row(b, "Only text").waitFor();
	const plain = one(B, "INBOX", "Only text");
	assert.deepEqual(types(plain), ["text/plain"]);
	assert.equal(plain.parts[0].text.replace(/\r/g, "").trimEnd(), "One line.\n\n-- \nA");
	await finish(a);
	await finish(b);
});

test("taken back: everything is there again, and nobody gets it", async () => {
	const a = await open(browser, server.url, { settings: { undoSeconds: 5 } });
	await login(a);
	await write(a, B, "Too early", "Not yet.");
	await a.getByRole("button", { name: "Cc Bcc" }).click();
	await a.getByRole("combobox", { name: "Bcc" }).fill(`${C},`);
	await attach(a, [{ name: "early.txt", mimeType: "text/plain", buffer: Buffer.from("draft") }]);
	await a.keyboard.press("Control+Enter");
	await toast(a).getByText("Message sent").waitFor();
	await toast(a).getByRole("button", { name: "Undo" }).click();
	const dialog = a.getByRole("dialog", { name: "Too early" });
	await dialog.waitFor();
	await toast(a).getByText("It is a draft again").waitFor();
	for (const who of [B, C])
		await dialog.getByRole("button", { name: `Remove ${who}` }).waitFor();
	await dialog.getByText("early.txt").waitFor();
	await dialog.getByText("Not yet.").waitFor();
	const box = await roles(a);
	const drafts = await found(a, "Too early");
	assert.deepEqual(drafts.map((d) => Object.keys(d.mailboxIds)), [[box.drafts]]);

	await dialog.getByRole("button", { name: "Send later" }).click();
	await a.getByRole("menuitem", { name: "Tomorrow at 8:00" }).click();
	await toast(a).getByText("Will be sent").waitFor();
	await folder(a, /^Scheduled/).click();
	await accessible(a, "scheduled");
	await a.getByRole("dialog", { name: "Scheduled" }).getByRole("button", { name: "Do not send; edit" }).click();
	await a.getByRole("dialog", { name: "Too early" }).getByText("early.txt").waitFor();
	await a.getByRole("dialog", { name: "Too early" }).getByRole("button", { name: `Remove ${C}` }).waitFor();
	await a.getByRole("button", { name: "Discard draft" }).click();
	await toast(a).getByText("Draft discarded").waitFor();
	held = Date.now() + 8000;
	await finish(a);
});

test("an answer stands with what it answers, for both; to all, and passed on with its file", async () => {
	const a = await open(browser, server.url, { settings: { undoSeconds: 0 } });
	const b = await open(browser, server.url, { settings: { undoSeconds: 0 } });
	await login(a);
	await login(b, B);
	await write(a, `${B}, ${C}`, "The garden door", "Shall it open to the inside?");
	await attach(a, [{ name: "door.txt", mimeType: "text/plain", buffer: Buffer.from("a door") }]);
	await a.keyboard.press("Control+Enter");
	await row(b, "The garden door").click();
	await b.getByRole("heading", { level: 1, name: "The garden door" }).waitFor();
	await b.waitForFunction(() => document.activeElement?.tagName === "H1");
	await accessible(b, "a conversation");
	await b.keyboard.press("r");
	await b.getByLabel("Text of the message").waitFor();
	assert.equal(await b.locator(".composer.inline").count(), 1, "below the conversation");
	// An answer that was only looked at is no draft.
	await b.waitForFunction(() => document.activeElement?.getAttribute("role") === "textbox");
	await b.keyboard.press("Escape");
	await b.getByLabel("Text of the message").waitFor({ state: "detached" });
	assert.equal((await totals(b)).drafts, 0);
	await b.keyboard.press("r");
	await b.getByLabel("Text of the message").waitFor();
	await b.waitForFunction(() => document.activeElement?.getAttribute("role") === "textbox");
	await b.keyboard.type("To the outside.");
	await b.keyboard.press("Control+Enter");
	await toast(b).getByText("Message sent").waitFor();
	await row(a, "The garden door").click();
	await a.getByRole("article").nth(1).waitFor();
	assert.deepEqual(await a.getByRole("article").getByRole("heading", { level: 2 }).allInnerTexts().then((all) => all.map((s) => /^me/i.test(s))),
		[true, false], "the own message, then the answer");
	const body = a.frameLocator("iframe").last();
	await body.getByText("To the outside.").waitFor();
	assert.equal(await body.getByText("Shall it open").isVisible(), false, "the quotation is folded");
	const first = one(B, "INBOX", "The garden door"), answer = one(A, "INBOX", "The garden door");
	assert.equal(answer.fields.subject, "Re: The garden door");
	assert.equal(answer.fields["in-reply-to"], first.fields["message-id"]);
	assert.equal(answer.fields.references, first.fields["message-id"]);
	assert.match(answer.parts.find((p) => p.type === "text/plain").text, /To the outside\.[\s\S]*wrote:\s+> ?Shall it open to the inside\?/);
	assert.equal(answer.fields.to, A);

	// To all: the others stay, oneself doesn't.
	await a.keyboard.press("a");
	await a.getByLabel("Text of the message").waitFor();
	await a.keyboard.type("Good.");
	await a.keyboard.press("Control+Enter");
	await toast(a).getByText("Message sent").waitFor();
	await until(() => server.stored(B, "INBOX", "The garden door").length === 2);
	const second = server.stored(B, "INBOX", "The garden door")[1];
	assert.equal(second.fields["in-reply-to"], answer.fields["message-id"]);
	assert.deepEqual(second.fields.references.split(/\s+/), [first.fields["message-id"], answer.fields["message-id"]]);

	await b.getByRole("article").nth(2).waitFor();
	await b.getByRole("article").first().getByRole("button", { name: "More actions" }).click();
	await b.getByRole("menuitem", { name: "Forward" }).click();
	await b.getByRole("combobox", { name: "To" }).fill(`${C},`);
	await b.getByRole("dialog").getByText("door.txt").waitFor();
	await b.getByLabel("Text of the message").click();
	await b.keyboard.press("Control+Home");
	await b.keyboard.type("For you.");
	await b.keyboard.press("Control+Enter");
	await toast(b).getByText("Message sent").waitFor();
	await until(() => server.stored(C, "INBOX", "Fwd: The garden door").length === 1);
	const passed = one(C, "INBOX", "Fwd: The garden door");
	assert.equal(passed.fields["in-reply-to"], undefined, "it answers nobody");
	assert.equal(passed.fields.references, first.fields["message-id"]);
	assert.deepEqual(types(passed), ["multipart/mixed", "multipart/alternative", "text/plain", "text/html", "text/plain"]);
	assert.equal(passed.parts[4].name, "door.txt");
	assert.equal(passed.parts[4].text, "a door");
	await until(async () => (await found(b, "The garden door", ["keywords"])).some((e) => e.keywords.$answered));
	await until(async () => (await found(b, "The garden door", ["keywords"])).some((e) => e.keywords.$forwarded));
	await finish(a);
	await finish(b);
});

test("a killed page loses nothing: finished elsewhere, sent once, no draft left", async () => {
	const a = await open(browser, server.url, { settings: { undoSeconds: 0 } });
	await login(a);
	await write(a, B, "Begun here", "First half,");
	await a.getByRole("button", { name: "Cc Bcc" }).click();
	await a.getByRole("combobox", { name: "Bcc" }).fill(`${C},`);
	await attach(a, [{ name: "list.txt", mimeType: "text/plain", buffer: Buffer.from("one\ntwo\n") }]);
	await attach(a, [{ name: "dot.png", mimeType: "image/png", buffer: PNG }], "Insert an image");
	await a.getByLabel("Text of the message").getByRole("img", { name: "dot.png" }).waitFor();
	await a.getByText(/^Saved \d/).waitFor();
	await until(async () => (await found(a, "Begun here", ["attachments"]))[0]?.attachments?.length === 2);
	// It dies in the middle of a word that is not yet on the server.
	await a.getByLabel("Text of the message").click();
	await a.keyboard.press("Control+End");
	await a.keyboard.type(" more,");
	await a.waitForTimeout(600);
	const context = a.context();
	await a.close({ runBeforeUnload: false });
	const again = await open(browser, server.url, { context });
	const dialog = again.getByRole("dialog", { name: "Begun here" });
	await dialog.waitFor();
	await dialog.getByText("list.txt").waitFor();
	for (const who of [B, C])
		await dialog.getByRole("button", { name: `Remove ${who}` }).waitFor();
	const image = again.getByLabel("Text of the message").getByRole("img", { name: "dot.png" });
	assert.equal(await image.evaluate((img) => img.decode().then(() => img.naturalWidth)), 1, "the image is seen");
	assert.match(await again.getByLabel("Text of the message").textContent(), /First half,\s*more,/);
	await again.getByText(/^Saved \d/).waitFor();
	await finish(again);

	const other = await open(browser, server.url, { settings: { undoSeconds: 0 } });
	await login(other);
	await folder(other, /^Drafts/).click();
	await row(other, "Begun here").click();
	await other.getByRole("dialog", { name: "Begun here" }).getByText("list.txt").waitFor();
	await other.getByLabel("Text of the message").click();
	await other.keyboard.press("Control+End");
	await other.keyboard.type(" and the end.");
	await other.keyboard.press("Control+Enter");
	await toast(other).getByText("Message sent").waitFor();
	await until(() => server.stored(C, "INBOX", "Begun here").length === 1);
	const box = await roles(other);
	assert.deepEqual((await found(other, "Begun here")).map((e) => Object.keys(e.mailboxIds)), [[box.sent]], "one, and no draft");
	const message = one(B, "INBOX", "Begun here");
	assert.equal(message.fields.bcc, undefined, "nobody is told of the others");
	assert.doesNotMatch(message.raw, new RegExp(C));
	assert.deepEqual(types(message), ["multipart/mixed", "multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png",
		"text/plain"]);
	const html = message.parts.find((p) => p.type === "text/html"), png = message.parts.find((p) => p.type === "image/png");
	assert.equal(png.cid, `<${/src="cid:([^"]+)"/.exec(html.text)[1]}>`);
	assert.equal(png.disposition, "inline");
	assert.equal(png.size, PNG.length);
	assert.match(one(A, "Sent", "Begun here").fields.bcc, new RegExp(C), "oneself knows");
	await finish(other);
});

test("the session ends and the network goes while one writes: the text stays, and is saved once", async () => {
	const a = await open(browser, server.url, { expects: /ERR_INTERNET_DISCONNECTED/ });
	const b = await open(browser, server.url);
	await login(a);
	await login(b);
	await write(a, B, "A long letter", "Dear reader,");
	await a.getByText(/^Saved \d/).waitFor();
	await b.evaluate(async () => {
		const headers = { "X-Postern": "1" };
		const { sessions } = await (await fetch("/web/sessions", { headers })).json();
		for (const one of sessions.filter((s) => !s.isThis))
			await fetch(`/web/sessions/${one.id}`, { method: "DELETE", headers });
	});
	await a.keyboard.type(" I write");
	const dialog = a.getByRole("dialog", { name: "Sign in again" });
	await dialog.waitFor();
	await accessible(a, "sign in again");
	await dialog.getByLabel("Password", { exact: true }).fill("secret");
	await a.keyboard.press("Enter");
	await dialog.waitFor({ state: "detached" });
	assert.match(await a.getByLabel("Text of the message").textContent(), /Dear reader, I write/);
	await a.getByText(/^Saved \d/).waitFor();

	await a.context().setOffline(true);
	await a.getByLabel("Text of the message").click();
	await a.keyboard.press("Control+End");
	await a.keyboard.type(" from the train.");
	await a.getByText("Not saved yet").waitFor();
	await a.getByText("Offline. Changes are kept and sent later.").waitFor();
	await a.context().setOffline(false);
	await a.getByText(/^Saved \d/).waitFor();
	await until(async () => (await found(a, "A long letter", ["preview"])).some((d) => /from the train/.test(d.preview)));
	assert.equal((await found(a, "A long letter")).length, 1);
	await a.getByRole("button", { name: "Discard draft" }).click();
	await finish(a);
	await finish(b);
});

test("what was to be sent at a time has been", async () => {
	await new Promise((wake) => setTimeout(wake, Math.max(0, promised.getTime() - Date.now())));
	await until(() => server.stored(B, "INBOX", "At its time").length === 1);
	await new Promise((wake) => setTimeout(wake, Math.max(0, held - Date.now())));
	assert.deepEqual(server.stored(B, "INBOX", "Too early"), []);
	const page = await open(browser, server.url);
	await login(page);
	assert.deepEqual((await jmap(page, [["EmailSubmission/query", { filter: { undoStatus: "pending" } }, "a"]]))[0][1].ids, []);
	await folder(page, /^Sent/).click();
	await row(page, "At its time").waitFor();
	await finish(page);
});
