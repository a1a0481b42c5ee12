// The client and the real server: files in and out, what was deleted, folders and labels, forwarding, mail programs.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { accessible, finish, launch, login, open, row, rowsFit, toast, until } from "./support.mjs";
import { startServer, textMail } from "./server.mjs";

let browser, server, dir;

before(async () => {
	browser = await launch();
	server = await startServer(["queue.enabled=true", "queue.relay=[127.0.0.1]:1", "auth.failure_delay=10"]);
	dir = mkdtempSync(join(tmpdir(), "postern-files-"));
});
after(async () => {
	await browser?.close();
	await server?.close();
	if (dir)
		rmSync(dir, { recursive: true });
});

const settings = (page, section) => page.goto(`${server.url}/#/settings/${section}`);
const folder = (page, name) => page.getByRole("navigation", { name: "Folders" }).getByRole("button", { name, exact: true });
const file = (name, text) => ({ name, mimeType: "application/octet-stream", buffer: Buffer.from(text) });

async function bytesOf(download) {
	return Buffer.concat(await (await download.createReadStream()).toArray());
}

async function newFolder(page, name) {
	await page.getByRole("navigation", { name: "Folders" }).getByRole("button", { name: "New folder" }).click();
	await page.getByRole("dialog").getByLabel("Name of the folder").fill(name);
	await page.getByRole("dialog").getByRole("button", { name: "Create" }).click();
	await folder(page, name).waitFor();
}

// What a folder holds, asked with the session of the page.
const held = (page, name, properties = ["subject", "keywords", "receivedAt"]) => page.evaluate(async ([wanted, properties]) => {
	const session = await (await fetch("/.well-known/jmap", { headers: { "X-Postern": "1" } })).json();
	const accountId = Object.keys(session.accounts)[0];
	const call = async (methodCalls) => (await (await fetch(new URL(session.apiUrl).pathname, {
		method: "POST", headers: { "Content-Type": "application/json", "X-Postern": "1" },
		body: JSON.stringify({ using: Object.keys(session.capabilities), methodCalls }),
	})).json()).methodResponses;
	const boxes = (await call([["Mailbox/get", { accountId, ids: null }, "a"]]))[0][1].list;
	const box = boxes.find((m) => m.name === wanted);
	if (!box)
		return null;
	const answers = await call([
		["Email/query", { accountId, filter: { inMailbox: box.id }, sort: [{ property: "receivedAt" }], limit: 500 }, "a"],
		["Email/get", { accountId, "#ids": { resultOf: "a", name: "Email/query", path: "/ids" }, properties }, "b"],
	]);
	return answers[1][1].list;
}, [name, properties]);

const mbox = (n, from = 0) => Array.from({ length: n }, (_, i) =>
	`From maja@olsen.example Tue Nov 24 08:${String((from + i) % 60).padStart(2, "0")}:00 2026\n` +
	`From: Maja Olsen <maja@olsen.example>\nTo: user1@example.test\nSubject: Old letter ${from + i}\nMessage-ID: <old${from + i}@olsen.example>\n` +
	`Date: Mon, 23 Nov 2026 10:00:00 +0000\n${(from + i) % 2 ? "Status: RO\nX-Status: F\n" : "Status: O\n"}\nText ${from + i}\n>From here on quoted\n\n`).join("");

async function importInto(page, name, files) {
	await settings(page, "transfer");
	await page.getByLabel("Choose files").setInputFiles(files);
	await page.getByRole("combobox", { name: /^Into the folder/ }).selectOption({ label: name });
	await page.getByRole("button", { name: "Import", exact: true }).click();
}

test("mbox and eml files are imported with dates and flags, once, and what cannot be is told", async () => {
	const a = await open(browser, server.url);
	await login(a);
	await newFolder(a, "Old mail");
	const files = [
		file("old.mbox", mbox(60)),
		file("one.eml", "From: a@b.example\nSubject: Alone\nDate: Sun, 1 Nov 2026 12:00:00 +0000\nMessage-ID: <alone@b.example>\n\nText\n"),
		file("photo.jpg", "\u00ff\u00d8\u00ff\u00e0 no mail at all"),
	];
	await importInto(a, "Old mail", files);
	await a.getByText("Imported into Old mail.").waitFor();
	await a.getByText("61 messages imported · one failed").waitFor();
	await a.getByText("This is no message and no mbox file.").waitFor();
	await accessible(a, "after an import");
	const list = await held(a, "Old mail");
	assert.equal(list.length, 61);
	const first = list.find((m) => m.subject === "Old letter 3");
	assert.deepEqual(first.keywords, { $seen: true, $flagged: true });
	assert.equal(first.receivedAt, "2026-11-24T08:03:00Z");
	assert.deepEqual(list.find((m) => m.subject === "Old letter 4").keywords, {});
	const alone = list.find((m) => m.subject === "Alone");
	assert.equal(alone.receivedAt, "2026-11-01T12:00:00Z");
	assert.deepEqual(alone.keywords, { $seen: true });

	// A second time nothing comes twice.
	await a.getByRole("button", { name: "Import more" }).click();
	await importInto(a, "Old mail", [file("old.mbox", mbox(62))]);
	await a.getByText("2 messages imported · 60 were there already").waitFor();
	assert.equal((await held(a, "Old mail")).length, 63);
	await a.getByRole("button", { name: "Go to Old mail" }).click();
	await row(a, "Old letter").click();
	await a.getByText("From here on quoted").first().waitFor();
	await finish(a);
});

test("an import outlives a lost network without doubles, and can be cancelled", async () => {
	const a = await open(browser, server.url, { expects: /ERR_|Failed to load/ });
	await login(a);
	await newFolder(a, "Far away");
	await settings(a, "transfer");
	// The server gets the first part, and the browser never hears of it.
	let lost = 0;
	await a.route("**/*", async (route) => {
		if (lost === 0 && /Email\/import/.test(route.request().postData() ?? "")) {
			lost++;
			await route.fetch();
			await route.abort("connectionreset");
		} else {
			await route.continue();
		}
	});
	await importInto(a, "Far away", [file("far.mbox", mbox(80, 1000))]);
	await a.getByText("Imported into Far away.").waitFor({ timeout: 60_000 });
	await a.getByText("80 messages imported", { exact: false }).first().waitFor();
	assert.equal(lost, 1);
	const ids = (await held(a, "Far away", ["messageId"])).map((m) => m.messageId[0]);
	assert.equal(ids.length, 80);
	assert.equal(new Set(ids).size, 80);
	await a.unroute("**/*");

	// Cancelled: what is there stays, and the next import goes on behind it.
	await a.getByRole("button", { name: "Import more" }).click();
	await a.route("**/*", async (route) => {
		if (/upload/.test(route.request().url()))
			await new Promise((wake) => setTimeout(wake, 100));
		// By then it may have been cancelled.
		await route.continue().catch(() => undefined);
	});
	await importInto(a, "Far away", [file("much.mbox", mbox(500, 2000))]);
	await a.getByText(/messages imported/).first().waitFor();
	await a.getByRole("button", { name: "Cancel" }).click();
	await a.getByText("Cancelled. What was imported stays.").waitFor();
	const there = (await held(a, "Far away", ["messageId"])).length;
	assert.ok(there < 580, `${there}`);
	await a.unroute("**/*");
	await a.getByRole("button", { name: "Import more" }).click();
	await importInto(a, "Far away", [file("much.mbox", mbox(500, 2000))]);
	await a.getByText("Imported into Far away.").waitFor({ timeout: 90_000 });
	const all = await page500(a, "Far away");
	assert.equal(all, 580);
	await finish(a);
});

// More than one page: the server's count.
const page500 = (page, name) => page.evaluate(async (wanted) => {
	const session = await (await fetch("/.well-known/jmap", { headers: { "X-Postern": "1" } })).json();
	const accountId = Object.keys(session.accounts)[0];
	const answer = await (await fetch(new URL(session.apiUrl).pathname, {
		method: "POST", headers: { "Content-Type": "application/json", "X-Postern": "1" },
		body: JSON.stringify({ using: Object.keys(session.capabilities), methodCalls: [["Mailbox/get", { accountId, ids: null }, "a"]] }),
	})).json();
	return answer.methodResponses[0][1].list.find((m) => m.name === wanted)?.totalEmails;
}, name);

test("a folder goes out as mbox, some messages and attachments as an archive", async () => {
	const a = await open(browser, server.url);
	await login(a);
	await newFolder(a, "Out");
	await importInto(a, "Out", [file("out.mbox", mbox(5, 5000))]);
	await a.getByText("Imported into Out.").waitFor();
	await a.getByRole("combobox", { name: /^Folder/ }).selectOption({ label: "Out" });
	let download = a.waitForEvent("download");
	await a.getByRole("link", { name: "Export as mbox" }).click();
	const text = (await bytesOf(await download)).toString();
	assert.equal((await download).suggestedFilename(), "Out.mbox");
	assert.equal(text.match(/^From MAILER-DAEMON /gm).length, 5);
	assert.match(text, /^>From here on quoted$/m);

	await a.getByRole("button", { name: "Go to Out" }).click();
	await row(a, "Old letter 5000").waitFor();
	await a.keyboard.press("*");
	await a.keyboard.press("a");
	await a.getByRole("toolbar", { name: "5 selected" }).getByRole("button", { name: "More actions" }).click();
	download = a.waitForEvent("download");
	await a.getByRole("menuitem", { name: "Export" }).click();
	let path = join(dir, "messages.zip");
	writeFileSync(path, await bytesOf(await download));
	const names = list(path);
	assert.equal(names.length, 5);
	assert.ok(names.includes("Old letter 5003.eml"), names.join());

	const boundary = "attached";
	await server.deliver("user1@example.test", textMail("With attachments", [
		`--${boundary}`, "Content-Type: text/plain", "", "Two plans.", "",
		`--${boundary}`, 'Content-Type: text/plain; name="../plan.txt"', 'Content-Disposition: attachment; filename="../plan.txt"', "", "first",
		`--${boundary}`, "Content-Type: text/plain", "Content-Disposition: attachment; filename*=UTF-8''Gr%C3%BC%C3%9Fe.txt", "", "second",
		`--${boundary}--`].join("\n"), `MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=${boundary}\r\n`));
	await folder(a, /^Inbox/).click();
	await row(a, "With attachments").click();
	download = a.waitForEvent("download");
	await a.getByRole("button", { name: "Download all as zip" }).click();
	path = join(dir, "attachments.zip");
	writeFileSync(path, await bytesOf(await download));
	assert.equal((await download).suggestedFilename(), "With attachments.zip");
	assert.deepEqual(list(path), ["_plan.txt", "Grüße.txt"]);
	await finish(a);
});

// The names in an archive, as another program reads it.
const list = (path) => JSON.parse(execFileSync("python3", ["-c",
	"import sys,zipfile,json; z=zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; print(json.dumps(z.namelist()))", path], { encoding: "utf8" }));

test("what was deleted for ever is found and comes back", async () => {
	const a = await open(browser, server.url);
	await login(a);
	await newFolder(a, "Projects");
	await importInto(a, "Projects", [file("p.mbox", mbox(12, 7000))]);
	await a.getByRole("button", { name: "Go to Projects" }).click();
	await row(a, "Old letter 7000").waitFor();
	await a.keyboard.press("*");
	await a.keyboard.press("a");
	await a.keyboard.press("#");
	await toast(a).getByText("12 conversations deleted").waitFor();
	await folder(a, /^Trash/).click();
	await row(a, "Old letter 7000").waitFor();
	await a.getByRole("button", { name: "Actions for Trash" }).click();
	await a.getByRole("menuitem", { name: "Empty…" }).click();
	await a.getByRole("button", { name: "Delete for ever" }).click();
	await a.getByText("No messages here").waitFor();
	await a.getByRole("main").or(a.locator(".list-empty")).getByRole("button", { name: "Recover deleted messages" }).first().click();

	await a.getByText("kept for 14 more days").waitFor();
	const items = a.getByRole("list", { name: "Recover deleted messages" }).getByRole("listitem");
	await a.getByLabel("Search by sender").fill("letter 7004");
	await items.filter({ hasText: "Old letter 7004" }).waitFor();
	await items.filter({ hasText: "Old letter 7005" }).waitFor({ state: "detached" });
	await accessible(a, "deleted messages");
	await items.filter({ hasText: "Old letter 7004" }).getByRole("checkbox").check();
	await a.getByRole("button", { name: "Recover one" }).click();
	await toast(a).getByText("One message is back in Trash").waitFor();
	await toast(a).getByRole("button", { name: "Go to Trash" }).click();
	await row(a, "Old letter 7004").waitFor();

	await folder(a, /^Trash/).click();
	await a.keyboard.press("Control+k");
	await a.getByRole("combobox", { name: /command/ }).fill("recover");
	await a.keyboard.press("Enter");
	await a.getByLabel("Select all shown").check();
	await a.getByRole("button", { name: /^Recover \d+$/ }).click();
	await toast(a).getByText(/messages are back|recovered/).waitFor();
	assert.equal(await page500(a, "Trash"), 12);
	await finish(a);
});

test("folders: made, renamed, moved, hidden and deleted, also by keyboard", async () => {
	const a = await open(browser, server.url);
	await login(a);
	await newFolder(a, "Alpha");
	await newFolder(a, "Beta");
	await settings(a, "folders");
	const line = (name) => a.locator(".folder-line").filter({ has: a.getByText(name, { exact: true }) });
	await line("Beta").getByRole("button", { name: "Move Beta" }).focus();
	await a.keyboard.press("Enter");
	await a.keyboard.type("alp");
	await a.keyboard.press("Enter");
	await toast(a).getByText("Beta is in Alpha now").waitFor();
	await line("Alpha").getByRole("button", { name: "Rename Alpha" }).click();
	await a.getByRole("dialog").getByLabel("Name of the folder").fill("Älter");
	await a.keyboard.press("Enter");
	await line("Älter").waitFor();
	await line("Beta").getByRole("button", { name: "Hide Beta" }).click();
	await line("Beta").getByText("hidden").waitFor();
	await accessible(a, "folders");
	await a.getByRole("button", { name: "Back to mail" }).click();
	await folder(a, "Älter").waitFor();
	assert.equal(await folder(a, "Beta").count(), 0);
	await a.getByRole("button", { name: "One hidden folder" }).click();
	await folder(a, "Beta").waitFor();
	await settings(a, "transfer");
	await a.getByLabel("Choose files").setInputFiles([file("b.mbox", mbox(3, 9000))]);
	await a.getByRole("combobox", { name: /^Into the folder/ }).selectOption({ label: "Älter / Beta" });
	await a.getByRole("button", { name: "Import", exact: true }).click();
	await a.getByText("Imported into Beta.").waitFor();
	await settings(a, "folders");
	await line("Älter").getByRole("button", { name: "Delete Älter" }).click();
	await a.getByRole("dialog").getByText("Delete “Älter” and the folder in it? All 3 messages go to the Trash.").waitFor();
	await a.getByRole("dialog").getByRole("button", { name: "Delete folder" }).click();
	await toast(a).getByText("Älter deleted").waitFor();
	assert.equal(await line("Älter").count(), 0);
	assert.equal((await held(a, "Trash")).filter((m) => /Old letter 900\d/.test(m.subject)).length, 3);
	await finish(a);
});

test("labels: named as people do, coloured, filtered, and the same in another browser", async () => {
	await server.deliver("user2@example.test", textMail("To be labelled", "Text"));
	await server.deliver("user2@example.test", textMail("Another letter", "Text"));
	const a = await open(browser, server.url);
	await login(a, "user2@example.test");
	await row(a, "To be labelled").click();
	await a.keyboard.press("l");
	await a.locator(".menu-filter").fill("Büro Köln");
	await a.keyboard.press("Enter");
	await toast(a).getByText("Labelled “Büro Köln”").waitFor();
	await row(a, "To be labelled").locator(".row-label").getByText("Büro Köln").waitFor();
	await rowsFit(a);
	await a.getByRole("button", { name: "Actions for Büro Köln" }).click();
	await a.getByRole("menuitem", { name: "Colour" }).click();
	await a.getByRole("menuitemcheckbox", { name: "Blue" }).click();
	await row(a, "To be labelled").locator(".row-label .hue-4").waitFor();
	await a.getByRole("button", { name: "Show all with the label “Büro Köln”" }).click();
	await row(a, "Another letter").waitFor({ state: "detached" });
	await row(a, "To be labelled").waitFor();

	const b = await open(browser, server.url);
	await login(b, "user2@example.test");
	await folder(b, "Büro Köln").click();
	await row(b, "To be labelled").locator(".row-label .hue-4").waitFor();
	await b.getByRole("searchbox").fill('label:"Büro Köln"');
	await row(b, "To be labelled").waitFor();
	await finish(b);

	await a.getByRole("button", { name: "Actions for Büro Köln" }).click();
	await a.getByRole("menuitem", { name: "Rename…" }).click();
	await a.getByRole("dialog").getByLabel("Name of the label").fill("Köln");
	await a.keyboard.press("Enter");
	await folder(a, "Köln").waitFor();
	await a.getByRole("button", { name: "Actions for Köln" }).click();
	await a.getByRole("menuitem", { name: "Remove label…" }).click();
	await a.getByRole("dialog").getByRole("button", { name: "Remove label" }).click();
	await toast(a).getByText("Label “Köln” removed").waitFor();
	await row(a, "To be labelled").waitFor();
	assert.equal(await a.locator(".row-label").count(), 0);
	assert.deepEqual((await held(a, "Inbox")).flatMap((m) => Object.keys(m.keywords)).filter((k) => !k.startsWith("$")), []);
	await finish(a);
});

test("all of a folder is chosen with two clicks, archived, and undone into the same order", async () => {
	const a = await open(browser, server.url);
	await login(a);
	await newFolder(a, "Many");
	await importInto(a, "Many", [file("many.mbox", mbox(130, 20_000))]);
	await a.getByRole("button", { name: "Go to Many" }).click();
	await row(a, "Old letter").waitFor();
	const subjects = () => a.locator(".row-subject").allInnerTexts();
	const before = await subjects();
	await a.keyboard.press("*");
	await a.keyboard.press("a");
	await a.getByRole("button", { name: "Select all 130 in Many" }).click();
	await a.getByRole("toolbar", { name: "130 selected" }).waitFor();
	await a.keyboard.press("e");
	await toast(a).getByText("130 conversations archived").waitFor();
	await a.getByText("No messages here").waitFor();
	await a.keyboard.press("z");
	await row(a, "Old letter").waitFor();
	assert.equal(await page500(a, "Many"), 130);
	await a.reload();
	await row(a, "Old letter").waitFor();
	assert.deepEqual((await subjects()).slice(0, 8), before.slice(0, 8));
	await finish(a);
});

test("reading below the list, leaving a mailing list, a formatted signature", async () => {
	await server.deliver("user2@example.test", textMail("Weekly news", "News of the week",
		"List-Unsubscribe: <mailto:leave@news.example?subject=stop>\r\n"));
	const a = await open(browser, server.url, { settings: { pane: "below" } });
	await login(a, "user2@example.test");
	await row(a, "Weekly news").click();
	await a.getByText("News of the week").last().waitFor();
	const [top, bottom] = await Promise.all([a.locator(".list").boundingBox(), a.locator(".reader").boundingBox()]);
	assert.ok(bottom.y >= top.y + top.height - 1 && bottom.width > 900, JSON.stringify([top, bottom]));
	await a.getByRole("separator").focus();
	await a.keyboard.press("ArrowDown");
	await until(async () => (await a.locator(".list").boundingBox()).height > top.height);
	await accessible(a, "below the list");

	await settings(a, "identities");
	await a.getByRole("switch", { name: /With bold text/ }).click();
	await a.getByRole("textbox", { name: "Signature" }).click();
	await a.keyboard.type("Best, ");
	await a.keyboard.press("Control+b");
	await a.keyboard.type("Maja");
	await accessible(a, "a signature");
	await a.getByRole("button", { name: "Save" }).first().click();
	await a.getByText("Saved").first().waitFor();
	await a.getByRole("button", { name: "Back to mail" }).click();
	await row(a, "Weekly news").click();
	await a.getByRole("button", { name: "Unsubscribe" }).click();
	const composer = a.getByRole("dialog", { name: "stop" });
	await composer.getByText("leave@news.example").waitFor();
	await composer.locator(".editor b", { hasText: "Maja" }).waitFor();
	await composer.getByRole("button", { name: "Discard draft" }).click();
	await finish(a);
});

test("forwarding wants the password, and a note about it comes", async () => {
	const a = await open(browser, server.url, { expects: /status of 403/ });
	await login(a);
	await settings(a, "forwarding");
	await a.getByText("Your mail is not forwarded.").waitFor();
	await a.getByLabel("Address to forward to").fill("not an address");
	await a.getByLabel("Present password").fill("guess");
	await a.getByRole("button", { name: "Save" }).click();
	await a.getByRole("alert").getByText("is not an address").waitFor();
	await a.getByLabel("Address to forward to").fill("user2@example.test");
	await a.getByRole("button", { name: "Save" }).click();
	await a.getByRole("alert").getByText("This is not your present password.").waitFor();
	await accessible(a, "forwarding");
	await a.getByLabel("Present password").fill("secret");
	await a.getByRole("button", { name: "Save" }).click();
	await toast(a).getByText("Your mail is forwarded.").waitFor();
	assert.match(server.ctl("forward", "list"), /user2@example.test/);
	await a.getByRole("button", { name: "Back to mail" }).click();
	await row(a, "Your forwarding was changed").waitFor();
	await settings(a, "forwarding");
	await a.getByRole("button", { name: "Remove user2@example.test" }).click();
	await a.getByLabel("Present password").fill("secret");
	await a.getByRole("button", { name: "Save" }).click();
	await toast(a).getByText("not forwarded any more").waitFor();
	await finish(a);
});

test("mail programs: what to enter, a profile, and a code for the phone", async () => {
	const a = await open(browser, server.url);
	await a.context().grantPermissions(["clipboard-read", "clipboard-write"]);
	await login(a);
	await settings(a, "programs");
	await a.getByRole("button", { name: "Copy User name: user1@example.test" }).first().click();
	assert.equal(await a.evaluate(() => navigator.clipboard.readText()), "user1@example.test");
	await a.getByRole("img", { name: "Code that opens this page" }).waitFor();
	await a.getByText("iPhone, iPad, Mac").click();
	await accessible(a, "mail programs");
	const download = a.waitForEvent("download");
	await a.getByRole("link", { name: "Get the profile" }).click();
	const text = (await bytesOf(await download)).toString();
	assert.match(text, /com\.apple\.mail\.managed/);
	await a.getByRole("button", { name: "Make a password for a program" }).click();
	await a.getByRole("heading", { name: "Passwords for mail programs" }).waitFor();
	await finish(a);
});

test("signing out takes what is private out of the browser, and leaves how it looks", async () => {
	const a = await open(browser, server.url);
	await login(a);
	await settings(a, "look");
	await a.getByText("Dark", { exact: true }).click();
	await a.goto(`${server.url}/#/`);
	await row(a, "With attachments").waitFor();
	await a.keyboard.press("c");
	await a.getByLabel("Subject").fill("Not sent");
	await a.getByText(/^Saved/).waitFor();
	await settings(a, "account");
	await a.getByRole("button", { name: "Sign out", exact: true }).click();
	await a.getByLabel("Address").waitFor();
	assert.equal(await a.evaluate(() => document.documentElement.dataset.theme), "dark");
	assert.deepEqual(await a.evaluate(() => Object.keys(localStorage)), ["postern.settings"]);
	assert.ok(!/example\.test|olsen/.test(await a.evaluate(() => localStorage.getItem("postern.settings"))));
	await finish(a);
});
