// On a phone, enlarged, without motion, and without a mouse: the real server.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { accessible, finish, folder, found, launch, login, open, roles, row, rowsFit, toast, totals, until } from "./support.mjs";
import { startServer, textMail } from "./server.mjs";

const A = "user1@example.test", B = "user2@example.test";
const phone = { width: 390, height: 844, touch: true };

let browser, server;

before(async () => {
	browser = await launch();
	server = await startServer();
	for (const subject of ["The first of all", "Tea on Sunday", "Holiday pictures from the coast that everybody wanted to see"])
		await server.deliver(A, textMail(subject, `About: ${subject}. ${"There is more to say about it. ".repeat(12)}`));
});
after(async () => {
	await browser?.close();
	await server?.close();
});

// Where it is once it has been there for a moment: what loads late may still move the list.
async function resting(page, target) {
	let before = null, now = await target.boundingBox();
	for (let same = 0; same < 3; same = before?.y === now?.y ? same + 1 : 0) {
		before = now;
		await page.waitForTimeout(100);
		now = await target.boundingBox();
	}
	return now;
}

async function swipe(page, target, from, to) {
	const { y, height } = await resting(page, target);
	const cdp = await page.context().newCDPSession(page);
	const touch = (type, x) => cdp.send("Input.dispatchTouchEvent", { type, touchPoints: type === "touchEnd" ? [] : [{ x, y: y + height / 2 }] });
	await touch("touchStart", from);
	for (let x = from, step = from < to ? 15 : -15; Math.abs(x - to) > 15; x += step)
		await touch("touchMove", x + step);
	await touch("touchEnd");
	await cdp.detach();
}

const targets = (page) => page.evaluate(() => [...document.querySelectorAll("button, a[href], input, select")].filter((e) => {
	const box = e.getBoundingClientRect();
	return box.width > 1 && box.height > 1 && box.bottom > 0 && box.top < innerHeight && (box.width < 24 || box.height < 24) && !e.closest("p, .row-face");
}).map((e) => e.outerHTML.slice(0, 80)));
const fits = async (page, what) => assert.equal(
	await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth), false, `${what} is wider than the window`);

for (const scheme of ["light", "dark"])
	test(`a phone, ${scheme}: drawer, open, answer, turn, and back through the panes`, async () => {
		const page = await open(browser, server.url, { ...phone, scheme });
		await login(page);
		await rowsFit(page);
		await accessible(page, "the list");
		assert.deepEqual(await targets(page), []);
		await page.getByRole("button", { name: "Open folders" }).tap();
		await folder(page, /^Archive/).waitFor();
		await accessible(page, "the drawer");
		await folder(page, /^Sent/).tap();
		await page.getByRole("heading", { level: 1, name: "Sent" }).waitFor();
		await page.goBack();
		await page.getByRole("heading", { level: 1, name: "Inbox" }).waitFor();
		await row(page, "Tea on Sunday").tap();
		await page.getByRole("heading", { level: 1, name: "Tea on Sunday" }).waitFor();
		assert.equal(await page.getByRole("grid").isVisible(), false);
		await page.getByText("About: Tea").last().waitFor();
		await accessible(page, "the reader");
		assert.deepEqual(await targets(page), []);
		await fits(page, "the reader");
		await page.getByRole("button", { name: "Reply", exact: true }).last().tap();
		const dialog = page.getByRole("dialog");
		await page.getByLabel("Text of the message").waitFor();
		let box = await dialog.boundingBox();
		assert.deepEqual([box.width, box.height], [390, 844], "the composer fills the screen");
		await accessible(page, "the composer");
		await fits(page, "the composer");
		await page.getByLabel("Text of the message").pressSequentially("Yes!");
		await page.setViewportSize({ width: 844, height: 390 });
		await page.getByLabel("Text of the message").getByText("Yes!").waitFor();
		await page.getByRole("button", { name: "Send", exact: true }).scrollIntoViewIfNeeded();
		box = await page.getByRole("button", { name: "Send", exact: true }).boundingBox();
		assert.ok(box.y >= 0 && box.y + box.height <= 390, "Send is in reach");
		await fits(page, "the turned composer");
		await page.setViewportSize({ width: 390, height: 844 });
		await page.getByLabel("Text of the message").getByText("Yes!").waitFor();
		await page.goBack();
		await dialog.waitFor({ state: "detached" });
		await page.getByRole("heading", { level: 1, name: "Tea on Sunday" }).waitFor();
		await page.goBack();
		await page.getByRole("grid").waitFor();
		await until(async () => (await totals(page)).drafts > 0);
		await finish(page);
	});

test("a phone: a swipe to the right archives, to the left deletes; both come back", async () => {
	const page = await open(browser, server.url, phone);
	await login(page);
	const box = await roles(page);
	const where = async () => Object.keys((await found(page, "The first of all"))[0].mailboxIds)[0];
	for (const [from, to, done, role] of [[80, 320, "Archived", "archive"], [320, 80, "Deleted", "trash"]]) {
		await swipe(page, row(page, "The first of all"), from, to);
		await toast(page).getByText(done).waitFor();
		await row(page, "The first of all").waitFor({ state: "detached" });
		await until(async () => await where() === box[role]);
		// A touch soon after a swipe may only end its momentum.
		await toast(page).getByRole("button", { name: "Undo" }).click();
		await row(page, "The first of all").waitFor();
		await until(async () => await where() === box.inbox);
	}
	// Too short a swipe is none.
	await swipe(page, row(page, "The first of all"), 80, 160);
	await page.waitForTimeout(300);
	assert.equal(await row(page, "The first of all").count(), 1);
	assert.equal(page.url().includes("/t/"), false);
	await finish(page);
});

test("enlarged to 200 %, and without motion", async () => {
	// A window of 1280 by 800 at 200 % has 640 by 400 of its pixels left.
	const page = await open(browser, server.url, { width: 640, height: 400 });
	await login(page);
	await rowsFit(page);
	await accessible(page, "enlarged");
	await row(page, "Holiday pictures").click();
	await page.getByRole("heading", { level: 1, name: /^Holiday pictures/ }).waitFor();
	await fits(page, "the reader");
	await page.keyboard.press("c");
	await page.getByRole("dialog", { name: "New message" }).waitFor();
	await fits(page, "the composer");
	const running = await page.evaluate(() => document.getAnimations().filter((a) => Number(a.effect?.getComputedTiming().duration) > 10).length);
	assert.equal(running, 0, "nothing moves for those who don't want it");
	await page.getByRole("button", { name: "Save and close" }).click();
	// Larger letters alone: the texts grow, the rows keep them.
	await page.goBack();
	await page.setViewportSize({ width: 1440, height: 900 });
	await page.evaluate(() => (document.documentElement.style.fontSize = "200%"));
	await row(page, "Holiday pictures").waitFor();
	await rowsFit(page);
	await finish(page);
});

test("without a mouse: write with an address that is offered, answer, find, mark, label, move, take back", async () => {
	const a = await open(browser, server.url, { settings: { undoSeconds: 0 } });
	const b = await open(browser, server.url, { settings: { undoSeconds: 0 } });
	await login(a);
	await login(b, B);
	const key = async (...keys) => {
		for (const one of keys)
			await a.keyboard.press(one);
	};
	const focused = (check) => a.waitForFunction(check);
	await key("c");
	await focused(() => document.activeElement?.getAttribute("role") === "combobox");
	await a.keyboard.type(B);
	await key("Enter", "Tab");
	await focused(() => document.activeElement?.closest(".cc-button") !== null);
	await key("Tab");
	await a.keyboard.type("By keyboard");
	await key("Tab");
	await a.keyboard.type("No mouse.");
	await key("Control+Enter");
	await row(b, "By keyboard").waitFor();
	await b.keyboard.press("j");
	await b.keyboard.press("o");
	await b.waitForFunction(() => document.activeElement?.tagName === "H1");
	await b.keyboard.press("r");
	await b.waitForFunction(() => document.activeElement?.getAttribute("role") === "textbox");
	await b.keyboard.type("None here.");
	await b.keyboard.press("Control+Enter");
	await row(a, "By keyboard").waitFor();

	await key("/");
	await a.keyboard.type("subject:keyboard in:inbox");
	await a.getByText("One result").waitFor();
	await key("Enter");
	await focused(() => document.activeElement?.classList.contains("row"));
	await key("Enter");
	await a.getByRole("article").nth(1).waitFor();
	await key("Escape");
	await focused(() => document.activeElement?.classList.contains("row"));
	await key("s", "l");
	await focused(() => document.activeElement?.getAttribute("aria-label") === "Label as");
	await a.keyboard.type("keys");
	await key("Enter");
	await until(async () => (await found(a, "By keyboard")).some((e) => e.keywords.keys));
	assert.ok((await found(a, "By keyboard")).some((e) => e.keywords.$flagged));
	const box = await roles(a);
	const archived = async () => (await found(a, "By keyboard")).some((e) => e.mailboxIds[box.archive]);
	await focused(() => document.activeElement?.classList.contains("row"));
	await key("v");
	await focused(() => document.activeElement?.getAttribute("aria-label") === "Move to");
	await a.keyboard.type("arch");
	await key("Enter");
	await until(archived);
	await key("z");
	await until(async () => !await archived());
	await finish(a);
	await finish(b);
});
