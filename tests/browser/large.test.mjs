// Large mailboxes on the real server: 100,000 messages in one, 2,500 in another. Finding, marking, moving, deleting, and
// taking it back.

import assert from "node:assert/strict";
import { closeSync, futimesSync, mkdirSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { accessible, finish, folder, found, jmap, launch, login, open, roles, row, rowsFit, toast, totals, until } from "./support.mjs";
import { startServer, textMail } from "./server.mjs";

const MANY = 100_000, BULK = 2500, MINUTES = 1200;
const B = "user2@example.test";
const now = Math.floor(Date.now() / 1000);

let browser, server;

// Fills a Maildir: message n is older than message n - 1. The date of arrival is the time of the file.
function fill(box, count, make) {
	for (const part of ["cur", "new", "tmp"])
		mkdirSync(join(box, part), { recursive: true, mode: 0o700 });
	for (let n = 0; n < count; n++) {
		const { head = "", subject, from, age = n * 60, body = "Nothing else.", flags = "S" } = make(n);
		const time = now - 120 - age;
		const file = openSync(join(box, `cur/${time}.M${n}P${count}.made:2,${flags}`), "wx", 0o600);
		writeSync(file, `From: ${from}\nTo: user1@example.test\nSubject: ${subject}\nDate: ${new Date(time * 1000).toUTCString()}\n` +
			`Message-ID: <${n}.${count}@made.example>\nMIME-Version: 1.0\n${head}\n${body}\n`);
		futimesSync(file, time, time);
		closeSync(file);
	}
}

const people = ["Beate Winter <beate@winter.example>", "Omar Haddad <omar@haddad.example>", "Maja Olsen <maja@olsen.example>",
	"Shop <orders@shop.example>", "Jonas Berg <jonas@berg.example>", "Lucía Ortega <lucia@ortega.example>"];
const attached = {
	head: "Content-Type: multipart/mixed; boundary=b\n",
	body: "--b\nContent-Type: text/plain\n\nSee the drawing.\n--b\nContent-Type: application/pdf; name=plan.pdf\n" +
		"Content-Disposition: attachment; filename=plan.pdf\n\n%PDF\n--b--",
};

function first(n) {
	const from = people[n % 6].replace("í", "=?utf-8?q?=C3=AD?=");
	if (n === 70)
		return { from: people[0], subject: "The floor plan, at last", ...attached };
	if (n === 71)
		return { from: people[0], subject: "The floor plan is late" };
	if (n === 72)
		return { from: people[1], subject: "My floor plan", ...attached };
	if (n === 99_000)
		return { from: people[0], subject: "An old floor plan", ...attached };
	if (n >= 40_000 && n < 40_000 + MINUTES)
		return { from, subject: `Minutes of meeting ${n - 40_000}` };
	return { from, subject: `Letter ${n}`, flags: n % 10 === 0 ? "" : "S" };
}

before(async () => {
	browser = await launch();
	server = await startServer([], (mail) => {
		fill(join(mail, "user1"), MANY, first);
		fill(join(mail, "user2"), 40, (n) => ({ from: people[n % 6], subject: `Note ${n}` }));
		fill(join(mail, "user2/.Bulk"), BULK, (n) => ({ from: people[3], subject: `Offer ${n}` }));
	});
	// The first look at so many reads all of them.
	const page = await open(browser, server.url);
	page.context().setDefaultTimeout(120_000);
	await login(page);
	await page.context().close();
	const other = await open(browser, server.url);
	await login(other, B);
	await jmap(other, [["Mailbox/set", { update: { [(await roles(other)).Bulk]: { isSubscribed: true } } }, "a"]]);
	await finish(other);
});
after(async () => {
	await browser?.close();
	await server?.close();
});

const shownIds = (page) => page.locator(".row[data-id]").evaluateAll((rows) => rows.map((r) => r.dataset.id));
const unread = async (page, name) => Number((await folder(page, name).innerText()).match(/[\d,]+/)?.[0].replace(",", "") ?? 0);
const onRow = async (page, text, key) => {
	await row(page, text).focus();
	await page.keyboard.press(key);
};

test("100,000: one of them is found, marked, labelled and moved, by mouse and by keyboard; both tabs count", async () => {
	const page = await open(browser, server.url);
	await login(page);
	await page.getByText(/^[\d,]+ unread of 100,000$/).waitFor();
	await rowsFit(page);
	await accessible(page, "a large inbox");
	const other = await open(browser, server.url, { context: page.context() });
	await row(other, "Letter 0").waitFor();
	const before = await unread(page, /^Inbox/);

	await page.keyboard.press("/");
	await page.keyboard.type('from:beate subject:"floor plan" has:attachment newer_than:7d');
	await page.getByText("One result").waitFor();
	await row(page, "The floor plan, at last").waitFor();
	await accessible(page, "a search");
	await page.getByRole("button", { name: "Remove “has:attachment” from the search" }).click();
	await page.getByText("2 results").waitFor();
	assert.equal(await page.getByRole("searchbox").inputValue(), 'from:beate subject:"floor plan" newer_than:7d');
	await page.getByRole("button", { name: "Remove “newer_than:7d” from the search" }).click();
	await page.getByText("3 results").waitFor();

	await onRow(page, "The floor plan, at last", "s");
	await onRow(page, "The floor plan, at last", "l");
	await page.getByRole("textbox", { name: "Label as" }).fill("house");
	await page.keyboard.press("Enter");
	await folder(page, /^house/).waitFor();
	await until(async () => (await found(page, "floor plan, at last"))[0].keywords.house);
	await folder(page, /^Starred/).click();
	await row(page, "The floor plan, at last").waitFor();
	await folder(page, /^house/).click();
	await row(page, "The floor plan, at last").waitFor();

	await folder(page, /^Inbox/).click();
	await page.getByRole("button", { name: "New folder" }).click();
	await page.getByLabel("Name of the folder").fill("Letters");
	await page.getByRole("button", { name: "Create" }).click();
	await folder(page, /^Letters/).waitFor();
	await row(page, "Letter 10").waitFor();
	await row(page, "Letter 10").dragTo(folder(page, /^Letters/));
	await toast(page).getByText("Moved to Letters").waitFor();
	await onRow(page, "Letter 0", "v");
	await page.getByRole("textbox", { name: "Move to" }).fill("lett");
	await page.keyboard.press("Enter");
	for (const tab of [page, other]) {
		await until(async () => await unread(tab, /^Letters/) === 2);
		await until(async () => await unread(tab, /^Inbox/) === before - 2);
	}
	await row(other, "Letter 0").waitFor({ state: "detached" });
	assert.deepEqual(other.problems, []);
	await finish(page);
});

test("100,000: all that a search finds is archived, and is back with one key", async () => {
	const page = await open(browser, server.url);
	await login(page);
	const before = await totals(page);
	await page.keyboard.press("/");
	await page.keyboard.type("subject:minutes");
	await page.getByText(`${MINUTES.toLocaleString("en")} results`).waitFor();
	await page.keyboard.press("Enter");
	await page.keyboard.press("j");
	await page.keyboard.press("x");
	await page.getByRole("toolbar").getByRole("button", { name: "More actions" }).click();
	await page.getByRole("menuitem", { name: /^Select all 1,200 / }).click();
	await page.getByText("1,200 selected").waitFor();
	await accessible(page, "all are selected");
	await page.keyboard.press("e");
	await toast(page).getByText("1,200 conversations archived").waitFor();
	await until(async () => (await totals(page)).archive === (before.archive ?? 0) + MINUTES);
	await page.keyboard.press("z");
	await until(async () => (await totals(page)).inbox === before.inbox);
	await toast(page).getByRole("progressbar").waitFor({ state: "detached" });
	await finish(page);
});

test("100,000: any place at once, and it stays when new mail comes", async () => {
	const page = await open(browser, server.url);
	await login(page);
	const scrollTo = (part) => page.locator(".list-scroll").evaluate((box, to) => (box.scrollTop = (box.scrollHeight - box.clientHeight) * to), part);
	await scrollTo(0.5);
	await page.waitForFunction(() => document.querySelectorAll(".row[data-id]").length > 8);
	await rowsFit(page);
	const places = () => page.locator(".row[data-id]").evaluateAll((rows) =>
		Object.fromEntries(rows.map((r) => [r.dataset.id, Math.round(r.getBoundingClientRect().top)])));
	const before = await places();
	const total = Number(await page.getByRole("grid").getAttribute("aria-rowcount"));
	await server.deliver("user1@example.test", textMail("While one reads", "Hello."));
	await page.getByRole("button", { name: "One new message" }).waitFor();
	await until(async () => Number(await page.getByRole("grid").getAttribute("aria-rowcount")) === total + 1);
	const now = await places();
	const same = Object.keys(before).filter((id) => id in now);
	assert.ok(same.length > 8, "the same rows are in sight");
	assert.deepEqual(same.map((id) => now[id]), same.map((id) => before[id]), "and stand where they stood");
	await page.getByRole("button", { name: "One new message" }).click();
	await row(page, "While one reads").waitFor();
	await scrollTo(1);
	await page.locator(`.row[aria-rowindex="${total + 1}"][data-id]`).waitFor();
	await row(page, "Letter 99999").waitFor();
	const elements = await page.evaluate(() => document.querySelectorAll("*").length);
	assert.ok(elements < 1500, `${elements} elements`);
	await finish(page);
});

test("three are deleted and come back to their rows; junk and not junk", async () => {
	const page = await open(browser, server.url);
	await login(page, B);
	await row(page, "Note 0").waitFor();
	const before = await shownIds(page);
	for (const text of ["Note 1", "Note 3", "Note 4"])
		await row(page, text).getByRole("checkbox").check();
	await page.getByText("3 selected").waitFor();
	await accessible(page, "a selection");
	await page.keyboard.press("#");
	await toast(page).getByText("3 conversations deleted").waitFor();
	await until(async () => (await totals(page)).trash === 3);
	assert.deepEqual((await shownIds(page)).slice(0, 3), [before[0], before[2], before[5]]);
	await toast(page).getByRole("button", { name: "Undo" }).click();
	await row(page, "Note 4").waitFor();
	assert.deepEqual((await shownIds(page)).slice(0, 10), before.slice(0, 10));
	await until(async () => (await totals(page)).trash === 0);
	await page.reload();
	await row(page, "Note 4").waitFor();
	assert.deepEqual((await shownIds(page)).slice(0, 10), before.slice(0, 10), "after a reload as well");

	await onRow(page, "Note 2", "!");
	await toast(page).getByText("Reported as junk").waitFor();
	await until(async () => (await found(page, "Note 2"))[0].keywords.$junk);
	await folder(page, /^Junk/).click();
	await row(page, "Note 2").click();
	await page.getByRole("button", { name: "Not junk" }).click();
	await folder(page, /^Inbox/).click();
	await row(page, "Note 2").waitFor();
	const [note] = (await found(page, "Note 2")).filter((e) => !e.keywords.$junk);
	assert.equal(note.keywords.$notjunk, true);
	await finish(page);
});

test("2,500 are deleted, stay deleted, and the Trash is emptied after a question with their number", async () => {
	const page = await open(browser, server.url);
	await login(page, B);
	await folder(page, /^Bulk/).click();
	await row(page, "Offer 0").waitFor();
	await page.keyboard.press("j");
	await page.keyboard.press("x");
	await page.getByRole("toolbar").getByRole("button", { name: "More actions" }).click();
	await page.getByRole("menuitem", { name: /^Select all 2,500 in Bulk/ }).click();
	await page.getByText("2,500 selected").waitFor();
	await page.keyboard.press("#");
	await toast(page).getByText("2,500 conversations deleted").waitFor();
	await toast(page).getByRole("progressbar").waitFor();
	await page.getByText("No messages here").waitFor();
	await toast(page).getByRole("progressbar").waitFor({ state: "detached" });
	assert.deepEqual(await totals(page).then((t) => [t.Bulk, t.trash]), [0, BULK]);
	await page.reload();
	await page.getByText("No messages here").waitFor();
	assert.equal((await totals(page)).Bulk, 0);

	// One for ever, by its key; then all that is left.
	await folder(page, /^Trash/).click();
	await onRow(page, "Offer 0", "Shift+Delete");
	await page.getByRole("dialog", { name: /^Delete one message for ever/ }).getByRole("button", { name: "Delete for ever" }).click();
	await row(page, "Offer 0").waitFor({ state: "detached" });
	await until(async () => (await totals(page)).trash === BULK - 1);
	await page.getByRole("button", { name: "Actions for Trash" }).click();
	await page.getByRole("menuitem", { name: "Empty…" }).click();
	const question = page.getByRole("dialog", { name: "Delete 2,499 messages in Trash for ever?" });
	await question.waitFor();
	await accessible(page, "empty the Trash");
	await question.getByRole("button", { name: "Delete for ever" }).click();
	await toast(page).getByText("2,499 messages deleted").waitFor({ timeout: 60_000 });
	await page.getByText("No messages here").waitFor();
	assert.deepEqual((await jmap(page, [["Email/query", { filter: { subject: "Offer" } }, "a"]]))[0][1].ids, []);
	await finish(page);
});
