// The client in Chromium, before the server of webmail/test/fake.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { accessible, built, counter, finish, launch, login, open, row, rowsFit, startFake, toast } from "./support.mjs";
import { hostile } from "./hostile.mjs";

let browser, server;

before(async () => {
	browser = await launch();
});
after(() => browser?.close());
beforeEach(async () => {
	server = await startFake({ dist: `${built}/dist` });
});
afterEach(() => server.close());

const user1 = () => server.accounts.get("user1@example.test");
const text = (subject, value = "text") => ({
	from: [{ name: "Ines Costa", email: "ines@costa.example" }], to: [{ name: null, email: "user1@example.test" }], subject,
	textBody: [part("t", "text/plain")], htmlBody: [part("t", "text/plain")], bodyValues: { t: { value } },
});
const part = (partId, type) => ({ partId, blobId: null, size: 1, name: null, type, charset: "utf-8", disposition: null, cid: null });
const html = (subject, value) => ({ ...text(subject), htmlBody: [part("h", "text/html")], bodyValues: { h: { value } } });

test("signing in: a wrong password says so, a right one leads to the inbox", async () => {
	const page = await open(browser, server.url);
	await page.getByLabel("Address").waitFor();
	await accessible(page, "login");
	await page.getByLabel("Address").fill("user1@example.test");
	await page.getByLabel("Password", { exact: true }).fill("wrong");
	await page.keyboard.press("Enter");
	await page.getByRole("alert").filter({ hasText: "not right" }).waitFor();
	await login(page);
	await row(page, "Floor plan for the reading room").waitFor();
	await rowsFit(page);
	await accessible(page, "inbox");
	await finish(page);
});

test("a conversation: own replies between, the newest open, the heading focused", async () => {
	const page = await open(browser, server.url);
	await login(page);
	await row(page, "Floor plan").click();
	await page.getByRole("heading", { level: 1, name: "Floor plan for the reading room" }).waitFor();
	assert.equal(await page.getByRole("article").count(), 3);
	const body = page.frameLocator("iframe").last();
	await body.getByText("The second drawing moves the door").waitFor();
	assert.equal(await body.getByText("Could the door swing the other way?").isVisible(), false, "the quotation is folded");
	await body.locator("summary").click();
	await body.getByText("Could the door swing the other way?").waitFor();
	assert.equal(await page.evaluate(() => document.activeElement?.tagName === "H1" || document.activeElement?.tagName === "IFRAME"), true);
	await accessible(page, "conversation");
	await page.keyboard.press("Escape");
	await page.getByText("No conversation selected").waitFor();
	await finish(page);
});

test("hostile mail: nothing runs, nothing is fetched, nothing covers the page", async () => {
	const count = await counter();
	const page = await open(browser, server.url, { foreign: true, expects: /Content Security Policy|sandboxed|Blocked/ });
	await page.setViewportSize({ width: 1440, height: 900 });
	await login(page);
	for (const [name, value] of Object.entries(hostile(count.url))) {
		user1().receive(html(`Hostile ${name}`, `<p>before</p>${value}<p id=after>after ${name}</p>`));
		await row(page, `Hostile ${name}`).click();
		await page.getByRole("heading", { level: 1, name: `Hostile ${name}` }).waitFor();
		const frame = page.frameLocator("iframe").last();
		await frame.getByText("before", { exact: true }).waitFor();
		for (const link of await frame.locator("a").all())
			assert.match(await link.getAttribute("href") ?? "https:", /^(https:|#)/, name);
		assert.equal(await frame.locator("script, iframe, object, embed, form, input, meta[http-equiv], svg, math, link").count(), 0, name);
		// What lies outside of the frame is still the page.
		const above = await page.evaluate(() => document.elementFromPoint(700, 25)?.closest(".topbar") !== null);
		assert.equal(above, true, `${name} covers the page`);
		await page.mouse.move(1000, 300);
	}
	await page.waitForTimeout(500);
	assert.equal(await page.evaluate(() => window.hit), undefined);
	assert.deepEqual(count.hits, []);
	assert.equal(new URL(page.url()).origin, server.url);
	count.close();
	await finish(page);
});

test("the policy of the frame alone stops a message that was not sanitised", async () => {
	const count = await counter();
	const page = await open(browser, server.url, { foreign: true, expects: /./ });
	await login(page);
	for (const value of Object.values(hostile(count.url)))
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
	await page.waitForTimeout(500);
	assert.equal(await page.evaluate(() => window.hit), undefined);
	assert.deepEqual(count.hits, []);
	count.close();
	await page.context().close();
});

test("remote images are shown when asked for, and for a sender for ever", async () => {
	const page = await open(browser, server.url, { foreign: true });
	const asked = [];
	await page.route("https://pictures.example/**", (route) => {
		asked.push(route.request().url());
		return route.fulfill({ status: 200, contentType: "image/gif", body: Buffer.from("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7", "base64") });
	});
	await login(page);
	user1().receive(html("With pictures", `<p>Look</p><img src="https://pictures.example/1.gif">`));
	await row(page, "With pictures").click();
	await page.getByText("Remote images are hidden.").waitFor();
	assert.deepEqual(asked, []);
	await page.getByRole("button", { name: "Show once" }).click();
	await page.frameLocator("iframe").locator("img").waitFor();
	await page.waitForTimeout(200);
	assert.deepEqual(asked, ["https://pictures.example/1.gif"]);
	user1().receive(html("More pictures", `<p>Look</p><img src="https://pictures.example/2.gif">`));
	await row(page, "More pictures").click();
	await page.getByRole("button", { name: "Always from Ines" }).click();
	await page.frameLocator("iframe").locator("img").waitFor();
	await page.waitForTimeout(200);
	assert.deepEqual(asked.slice(1), ["https://pictures.example/2.gif"]);
	await finish(page);
});

test("warnings: forged senders, names with other addresses, links that lie", async () => {
	const page = await open(browser, server.url);
	await login(page);
	await page.getByRole("button", { name: /^Junk/ }).first().click();
	await row(page, "You have won").click();
	await page.getByText("failed the check of its sender (DMARC, SPF)").waitFor();
	await page.getByText("the message comes from prince@far.example").waitFor();
	await page.keyboard.press("g");
	await page.keyboard.press("i");
	user1().receive(html("Your bank", `<p><a href="https://evil.example/">www.bank.example</a></p>`));
	await row(page, "Your bank").click();
	await page.frameLocator("iframe").getByText("www.bank.example").click();
	await page.getByRole("dialog").filter({ hasText: "leads to evil.example" }).waitFor();
	await page.getByRole("button", { name: "Cancel" }).click();
	await finish(page);
});

test("write, send, and see it arrive in another browser without reloading", async () => {
	const a = await open(browser, server.url, { settings: { undoSeconds: 5 } });
	const b = await open(browser, server.url, { settings: { undoSeconds: 0 } });
	await Promise.all([login(a), login(b, "user2@example.test")]);
	await a.keyboard.press("c");
	await a.getByRole("dialog", { name: "New message" }).waitFor();
	await a.getByRole("combobox", { name: "To" }).fill("user2@example.test");
	await a.keyboard.press("Enter");
	await a.getByLabel("Subject").fill("Across the table");
	await a.getByLabel("Text of the message").click();
	await a.keyboard.type("Plain and ");
	await a.keyboard.press("Control+b");
	await a.keyboard.type("bold");
	await accessible(a, "composer");
	await a.keyboard.press("Control+Enter");
	await toast(a).getByText("Message sent").waitFor();
	// It is held while it can be taken back.
	assert.equal(await row(b, "Across the table").count(), 0);
	await row(b, "Across the table").waitFor({ timeout: 20_000 });
	await row(b, "Across the table").click();
	await b.frameLocator("iframe").locator("b", { hasText: "bold" }).waitFor();
	await b.keyboard.press("r");
	await b.getByLabel("Text of the message").waitFor();
	assert.equal(await b.getByRole("button", { name: "Remove Anna Lind" }).count(), 1);
	await b.keyboard.type("I see it.");
	await b.keyboard.press("Control+Enter");
	await toast(b).getByText("Message sent").waitFor();
	await row(a, "Across the table").waitFor({ timeout: 20_000 });
	await row(a, "Across the table").click();
	assert.equal(await a.getByRole("article").count(), 2, "the reply stands with what it answers");
	const reply = [...user1().emails.values()].find((e) => e.subject === "Re: Across the table");
	const first = [...user1().emails.values()].find((e) => e.subject === "Across the table");
	assert.deepEqual(reply.inReplyTo, first.messageId);
	await finish(a);
	await finish(b);
});

test("a sent message can be taken back, and is a draft again", async () => {
	const page = await open(browser, server.url);
	await login(page);
	await page.keyboard.press("c");
	await page.getByRole("combobox", { name: "To" }).fill("user2@example.test,");
	await page.getByLabel("Subject").fill("Too early");
	await page.getByLabel("Text of the message").click();
	await page.keyboard.type("Not yet");
	await page.keyboard.press("Control+Enter");
	await toast(page).getByRole("button", { name: "Undo" }).click();
	await page.getByRole("dialog", { name: "Too early" }).waitFor();
	await toast(page).getByText("It is a draft again").waitFor();
	assert.match(await page.getByLabel("Text of the message").textContent(), /Not yet/);
	const draft = [...user1().emails.values()].filter((e) => e.subject === "Too early");
	assert.equal(draft.length, 1);
	assert.equal(draft[0].keywords.$draft, true);
	assert.equal(draft[0].mailboxIds[user1().role("drafts")], true);
	await page.getByRole("button", { name: "Discard draft" }).click();
	await toast(page).getByText("Draft discarded").waitFor();
	// It could be brought back; once the page is left it cannot.
	assert.ok(user1().emails.has(draft[0].id));
	await page.reload();
	await row(page).first().waitFor();
	for (let i = 0; i < 100 && user1().emails.has(draft[0].id); i++)
		await page.waitForTimeout(50);
	assert.ok(!user1().emails.has(draft[0].id), "a discarded draft does not come back");
	await finish(page);
});

test("a message is sent later: it is listed, and can be edited until then", async () => {
	const page = await open(browser, server.url);
	await login(page);
	await page.keyboard.press("c");
	await page.getByRole("combobox", { name: "To" }).fill("user2@example.test,");
	await page.getByLabel("Subject").fill("For tomorrow");
	await page.getByLabel("Text of the message").click();
	await page.keyboard.type("Good morning");
	await page.getByRole("button", { name: "Send later" }).click();
	await page.getByRole("menuitem", { name: "Tomorrow at 8:00" }).click();
	await toast(page).getByText("Will be sent").waitFor();
	await page.getByRole("button", { name: /^Scheduled/ }).click();
	const dialog = page.getByRole("dialog", { name: "Scheduled" });
	await dialog.getByText("For tomorrow").waitFor();
	await accessible(page, "scheduled");
	await dialog.getByRole("button", { name: "Do not send; edit" }).click();
	await page.getByRole("dialog", { name: "For tomorrow" }).waitFor();
	await page.getByLabel("Text of the message").getByText("Good morning").waitFor();
	assert.deepEqual([...user1().submissions.values()].map((s) => s.undoStatus), ["canceled"]);
	await page.getByRole("button", { name: "Discard draft" }).click();
	await finish(page);
});

test("all messages of a folder are chosen, moved, and moved back", async () => {
	const page = await open(browser, server.url);
	await login(page);
	const inbox = user1().role("inbox"), trash = user1().role("trash");
	const inInbox = () => [...user1().emails.values()].filter((e) => e.mailboxIds[inbox]).length;
	const before = inInbox();
	await page.keyboard.press("j");
	await page.keyboard.press("x");
	await page.getByRole("toolbar").getByRole("button", { name: "More actions" }).click();
	await page.getByRole("menuitem", { name: /^Select all \d+ in Inbox/ }).click();
	await page.getByText(/^\d{3} selected$/).first().waitFor();
	await page.keyboard.press("#");
	await page.getByText("Nothing new").waitFor();
	for (let i = 0; i < 100 && inInbox() > 0; i++)
		await page.waitForTimeout(50);
	assert.equal(inInbox(), 0);
	assert.ok([...user1().emails.values()].filter((e) => e.mailboxIds[trash]).length >= before);
	await toast(page).getByRole("button", { name: "Undo" }).click();
	await page.locator(".row[data-id]").first().waitFor();
	for (let i = 0; i < 100 && inInbox() < before; i++)
		await page.waitForTimeout(50);
	assert.equal(inInbox(), before);
	await finish(page);
});

test("a refused message comes back with the reason", async () => {
	const page = await open(browser, server.url);
	await login(page);
	await page.keyboard.press("c");
	await page.getByRole("combobox", { name: "To" }).fill("refuse@example.test,");
	await page.getByLabel("Subject").fill("Nobody there");
	await page.keyboard.press("Control+Enter");
	await page.getByRole("dialog", { name: "Nobody there" }).getByText("The address does not exist.").waitFor();
	await page.getByRole("button", { name: "Discard draft" }).click();
	await finish(page);
});

test("a draft is saved by itself, once, and opens again with everything", async () => {
	const page = await open(browser, server.url);
	await login(page);
	await page.keyboard.press("c");
	await page.getByRole("combobox", { name: "To" }).fill("maja@olsen.example,");
	await page.getByRole("button", { name: "Cc Bcc" }).click();
	await page.getByRole("combobox", { name: "Bcc" }).fill("quiet@example.test,");
	await page.getByLabel("Subject").fill("Kept safe");
	await page.getByLabel("Text of the message").click();
	await page.keyboard.type("First words.");
	const chooser = page.waitForEvent("filechooser");
	await page.getByRole("button", { name: "Attach files" }).click();
	await (await chooser).setFiles([{ name: 'plan "ü" .txt', mimeType: "text/plain", buffer: Buffer.from("hello") }]);
	await page.getByText('plan "ü" .txt').waitFor();
	await page.getByText(/^Saved \d/).waitFor();
	await page.getByLabel("Text of the message").click();
	await page.keyboard.type(" And more.");
	await page.getByText("Saved").waitFor({ state: "hidden" });
	await page.getByText(/^Saved \d/).waitFor();
	const saved = () => [...user1().emails.values()].filter((e) => e.subject === "Kept safe");
	assert.equal(saved().length, 1, "one copy");
	const again = await open(browser, server.url, { context: page.context() });
	await page.close();
	await again.getByRole("button", { name: /^Drafts/ }).click();
	await row(again, "Kept safe").click();
	const dialog = again.getByRole("dialog", { name: "Kept safe" });
	await dialog.waitFor();
	assert.match(await again.getByLabel("Text of the message").textContent(), /First words\. *And more\./);
	assert.equal(await dialog.getByRole("button", { name: "Remove quiet@example.test" }).count(), 1);
	await dialog.getByText('plan "ü" .txt').waitFor();
	await again.getByRole("button", { name: "Save and close" }).click();
	assert.equal(saved().length, 1);
	await finish(again);
});

test("files dropped on the composer are attached; one that is too large says the limit", async () => {
	const page = await open(browser, server.url);
	await login(page);
	await page.keyboard.press("c");
	const dialog = page.getByRole("dialog", { name: "New message" });
	await dialog.waitFor();
	await page.evaluate(() => {
		const transfer = new DataTransfer();
		transfer.items.add(new File(["a".repeat(1000)], "one.txt", { type: "text/plain" }));
		transfer.items.add(new File(["b"], "two.pdf", { type: "application/pdf" }));
		transfer.items.add(new File([new Uint8Array(51_000_000)], "huge.bin"));
		document.querySelector(".composer").dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
	});
	await dialog.getByText("one.txt").waitFor();
	await dialog.getByText("two.pdf").waitFor();
	await toast(page).getByText("huge.bin is too large: at most 50 MB").waitFor();
	await page.getByRole("button", { name: "Remove one.txt" }).click();
	assert.equal(await dialog.getByText("one.txt").count(), 0);
	await page.getByRole("button", { name: "Discard draft" }).click();
	await finish(page);
});

test("star, archive, delete, junk, move, label: each at once, each undone", async () => {
	const page = await open(browser, server.url);
	await login(page);
	const account = user1();
	account.receive(text("To be handled"));
	await row(page, "To be handled").waitFor();
	const message = () => [...account.emails.values()].find((e) => e.subject === "To be handled");
	const isIn = (role) => message().mailboxIds[account.role(role)] === true;
	const settled = (check) => assert.doesNotReject(async () => {
		for (let i = 0; i < 50 && !check(); i++)
			await new Promise((done) => setTimeout(done, 20));
		assert.ok(check());
	});
	await row(page, "To be handled").focus();
	await page.keyboard.press("s");
	await settled(() => message().keywords.$flagged);
	for (const [key, role] of [["e", "archive"], ["#", "trash"], ["!", "junk"]]) {
		await row(page, "To be handled").focus();
		await page.keyboard.press(key);
		await row(page, "To be handled").waitFor({ state: "detached" });
		await settled(() => isIn(role));
		await page.keyboard.press("z");
		await row(page, "To be handled").waitFor();
		await settled(() => isIn("inbox") && !isIn(role));
	}
	await row(page, "To be handled").focus();
	await page.keyboard.press("l");
	await page.getByRole("textbox", { name: "Label as" }).fill("Waiting");
	await page.keyboard.press("Enter");
	await settled(() => message().keywords.waiting);
	await row(page, "To be handled").focus();
	await page.keyboard.press("v");
	await page.getByRole("textbox", { name: "Move to" }).fill("hou");
	await page.keyboard.press("Enter");
	await toast(page).getByText("Moved to House").waitFor();
	await page.getByRole("navigation", { name: "Folders" }).getByRole("button", { name: /^House/ }).click();
	await row(page, "To be handled").waitFor();
	await finish(page);
});

test("several at once: chosen by keyboard and mouse, deleted, undone", async () => {
	const page = await open(browser, server.url);
	await login(page);
	for (let i = 0; i < 5; i++)
		user1().receive(text(`Batch ${i}`));
	await row(page, "Batch 4").waitFor();
	await row(page, "Batch 4").focus();
	await page.keyboard.press("x");
	await row(page, "Batch 1").click({ modifiers: ["Shift"] });
	await page.getByText("4 selected").waitFor();
	await accessible(page, "selection");
	await page.keyboard.press("#");
	await toast(page).getByText("4 conversations deleted").waitFor();
	assert.equal(await row(page, "Batch 3").count(), 0);
	assert.equal(await row(page, "Batch 0").count(), 1);
	await toast(page).getByRole("button", { name: "Undo" }).click();
	await row(page, "Batch 3").waitFor();
	await finish(page);
});

test("rows are dragged to a folder", async () => {
	const page = await open(browser, server.url);
	await login(page);
	user1().receive(text("Drag me"));
	await row(page, "Drag me").waitFor();
	await row(page, "Drag me").dragTo(page.getByRole("button", { name: /^Travel/ }).first());
	await toast(page).getByText("Moved to Travel").waitFor();
	await finish(page);
});

test("search: as one types, with operators, marked, and terms to take away", async () => {
	const page = await open(browser, server.url);
	await login(page);
	await page.keyboard.press("/");
	await page.keyboard.type("from:maja subject:plan second");
	await row(page, "Floor plan").waitFor();
	await page.getByText("One result").waitFor();
	await page.locator(".row mark", { hasText: "second" }).first().waitFor();
	await accessible(page, "search");
	await page.getByRole("searchbox").fill("from:nobody drawing");
	await page.getByText("Nothing found").waitFor();
	await page.getByRole("button", { name: "Remove “from:nobody” from the search" }).click();
	await row(page, "Floor plan").waitFor();
	await page.getByRole("button", { name: "Clear search" }).click();
	await page.getByRole("heading", { level: 1, name: "Inbox" }).waitFor();
	await finish(page);
});

test("search: a letter that is typed as the search begins stays", async () => {
	const page = await open(browser, server.url);
	await login(page);
	await page.getByRole("searchbox").focus();
	await page.evaluate(() => new Promise((done) => {
		const field = document.activeElement;
		const write = (words) => {
			field.value = words;
			field.dispatchEvent(new InputEvent("input", { bubbles: true }));
		};
		const push = history.pushState;
		history.pushState = (...args) => {
			history.pushState = push;
			history.pushState(...args);
			requestAnimationFrame(() => {
				write("floo");
				setTimeout(() => done(write(field.value + "r")), 100);
			});
		};
		write("flo");
	}));
	await row(page, "Floor plan").waitFor();
	await page.waitForURL(/floor$/);
	assert.equal(await page.getByRole("searchbox").inputValue(), "floor");
	await page.goBack();
	await page.getByRole("heading", { level: 1, name: "Inbox" }).waitFor();
	assert.equal(await page.getByRole("searchbox").inputValue(), "");
	await finish(page);
});

test("a session that ends asks for the password above what is being written", async () => {
	const page = await open(browser, server.url);
	await login(page);
	await page.keyboard.press("c");
	await page.getByLabel("Subject").fill("Long letter");
	await page.getByLabel("Text of the message").click();
	await page.keyboard.type("Dear reader");
	server.endSessions();
	await page.getByRole("dialog", { name: "Sign in again" }).waitFor();
	await page.getByLabel("Password", { exact: true }).fill("secret");
	await page.keyboard.press("Enter");
	await page.getByRole("dialog", { name: "Sign in again" }).waitFor({ state: "detached" });
	assert.match(await page.getByLabel("Text of the message").textContent(), /Dear reader/);
	await page.getByText(/^Saved \d/).waitFor();
	await page.getByRole("button", { name: "Discard draft" }).click();
	await finish(page);
});

test("without a network changes wait, and are sent when it is back", async () => {
	const page = await open(browser, server.url, { expects: /ERR_INTERNET_DISCONNECTED/ });
	await login(page);
	user1().receive(text("Offline one"));
	await row(page, "Offline one").waitFor();
	await page.context().setOffline(true);
	await row(page, "Offline one").focus();
	await page.keyboard.press("e");
	await page.getByText("Offline. Changes are kept and sent later.").waitFor();
	assert.equal(await row(page, "Offline one").count(), 0);
	await page.context().setOffline(false);
	await page.getByText("Offline. Changes are kept").waitFor({ state: "detached" });
	const message = [...user1().emails.values()].find((e) => e.subject === "Offline one");
	assert.equal(user1().emails.get(message.id).mailboxIds[user1().role("archive")], true);
	await finish(page);
});

test("by keyboard alone: list, open, reply, discard, palette, sheet", async () => {
	const page = await open(browser, server.url);
	await login(page);
	await page.keyboard.press("j");
	await page.keyboard.press("j");
	assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("aria-rowindex")), "2");
	await page.keyboard.press("Enter");
	await page.getByRole("article").first().waitFor();
	await page.keyboard.press("a");
	await page.getByLabel("Text of the message").waitFor();
	await page.waitForFunction(() => document.activeElement?.getAttribute("role") === "textbox");
	await page.keyboard.press("Escape");
	await page.getByLabel("Text of the message").waitFor({ state: "detached" });
	await page.keyboard.press("u");
	await page.waitForFunction(() => document.activeElement?.classList.contains("row"));
	await page.keyboard.press("?");
	await page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor();
	await accessible(page, "shortcuts");
	await page.keyboard.press("Escape");
	await page.keyboard.press("Control+k");
	await page.getByRole("combobox", { name: "Type a command or a folder" }).fill("sent");
	await accessible(page, "palette");
	await page.keyboard.press("Enter");
	await page.getByRole("heading", { level: 1, name: "Sent" }).waitFor();
	await finish(page);
});

test("on a phone: drawer, one pane at a time, back, full-screen composer, dark", async () => {
	const page = await open(browser, server.url, { width: 390, height: 844, touch: true, scheme: "dark" });
	await login(page);
	await rowsFit(page);
	await accessible(page, "phone list");
	await page.getByRole("button", { name: "Open folders" }).tap();
	await page.getByRole("button", { name: /^Sent/ }).tap();
	await page.getByRole("heading", { level: 1, name: "Sent" }).waitFor();
	await page.goBack();
	await page.getByRole("heading", { level: 1, name: "Inbox" }).waitFor();
	await row(page, "Floor plan").tap();
	await page.getByRole("heading", { level: 1, name: "Floor plan for the reading room" }).waitFor();
	assert.equal(await page.getByRole("grid").isVisible(), false);
	await accessible(page, "phone reader");
	await page.getByRole("button", { name: "Reply", exact: true }).last().tap();
	const box = await page.getByRole("dialog").boundingBox();
	assert.ok(box.width === 390 && box.height > 800, "the composer fills the screen");
	await accessible(page, "phone composer");
	await page.goBack();
	await page.getByRole("dialog").waitFor({ state: "detached" });
	await page.goBack();
	await page.getByRole("grid").waitFor();
	await finish(page);
});

test("on a phone: a swipe to the right archives, and is undone", async () => {
	const page = await open(browser, server.url, { width: 390, height: 844, touch: true });
	await login(page);
	const third = page.locator(".row").nth(2);
	const id = await third.getAttribute("data-id");
	const { y, height } = await third.boundingBox();
	const cdp = await page.context().newCDPSession(page);
	const touch = (type, x) => cdp.send("Input.dispatchTouchEvent", { type, touchPoints: type === "touchEnd" ? [] : [{ x, y: y + height / 2 }] });
	await touch("touchStart", 80);
	for (let x = 95; x <= 300; x += 15)
		await touch("touchMove", x);
	await touch("touchEnd");
	await toast(page).getByText("Archived").waitFor();
	assert.equal(await page.locator(`.row[data-id="${id}"]`).count(), 0);
	// A touch soon after a swipe may only end the swipe's momentum.
	await toast(page).getByRole("button", { name: "Undo" }).click();
	await page.locator(`.row[data-id="${id}"]`).waitFor();
	await finish(page);
});

test("what is done in one tab shows in the other", async () => {
	const page = await open(browser, server.url);
	await login(page);
	const other = await open(browser, server.url, { context: page.context() });
	await row(other, "Floor plan").waitFor();
	await row(page, "Floor plan").focus();
	await page.keyboard.press("e");
	await row(other, "Floor plan").waitFor({ state: "detached" });
	await page.keyboard.press("z");
	await row(other, "Floor plan").waitFor();
	assert.deepEqual(other.problems, []);
	await finish(page);
});

test("settings: vacation, signature, theme and density are kept", async () => {
	const page = await open(browser, server.url);
	await login(page);
	await page.getByRole("button", { name: "Settings" }).click();
	await page.getByText("Dark", { exact: true }).click();
	await page.getByText("Compact", { exact: true }).click();
	await accessible(page, "settings, dark");
	await page.getByRole("button", { name: "Vacation reply" }).click();
	await page.getByRole("switch", { name: "Answer messages automatically" }).check();
	await page.getByLabel("Answer", { exact: true }).fill("I am at the lake.");
	await page.getByRole("button", { name: "Save" }).click();
	await page.getByRole("status").getByText("Saved").waitFor();
	assert.equal(user1().vacation.isEnabled, true);
	assert.equal(user1().vacation.textBody, "I am at the lake.");
	await page.getByRole("button", { name: "Addresses and signatures" }).click();
	await page.getByLabel("Signature").fill("Anna Lind");
	await page.getByRole("button", { name: "Save" }).click();
	await page.getByRole("status").getByText("Saved").waitFor();
	await accessible(page, "identities");
	await page.getByRole("button", { name: "Account", exact: true }).click();
	await page.getByText("1.8 GB of 5.0 GB used").waitFor();
	await page.getByRole("button", { name: "Back to mail" }).click();
	await page.keyboard.press("c");
	await page.getByLabel("Text of the message").getByText("Anna Lind").waitFor();
	await page.getByRole("button", { name: "Save and close" }).click();
	await page.reload();
	await page.locator(".row").first().waitFor();
	assert.equal(await page.evaluate(() => document.querySelector(".row").getBoundingClientRect().height), 40);
	await rowsFit(page);
	await accessible(page, "compact, dark");
	await finish(page);
});

test("100,000 messages: few elements, any place at once", async () => {
	const big = await startFake({ dist: `${built}/dist`, big: 100_000 });
	const page = await open(browser, big.url);
	await login(page);
	await page.locator(".list-scroll").evaluate((box) => (box.scrollTop = box.scrollHeight / 2));
	await page.waitForFunction(() => document.querySelectorAll(".row[data-id]").length > 8);
	await page.locator(".list-scroll").evaluate((box) => (box.scrollTop = box.scrollHeight));
	await page.waitForFunction(() => Number([...document.querySelectorAll(".row[data-id]")].at(-1)?.getAttribute("aria-rowindex")) >= 100_000);
	const elements = await page.evaluate(() => document.querySelectorAll("*").length);
	assert.ok(elements < 1500, `${elements} elements`);
	const frames = await page.evaluate(() => new Promise((done) => {
		const box = document.querySelector(".list-scroll");
		box.scrollTop = 100_000;
		const times = [];
		let last = performance.now();
		const step = (now) => {
			times.push(now - last);
			last = now;
			box.scrollTop += 120;
			if (times.length < 90)
				requestAnimationFrame(step);
			else
				done(times.sort((a, b) => a - b));
		};
		requestAnimationFrame(step);
	}));
	console.log(`# scrolling: p50 ${frames[45].toFixed(1)} ms, p95 ${frames[85].toFixed(1)} ms a frame; ${elements} elements`);
	await finish(page);
	await big.close();
});
