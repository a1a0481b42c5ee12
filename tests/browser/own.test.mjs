// What is one's own, on the real server: settings, a password for a program, and what is done to a message.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { accessible, finish, folder, found, launch, login, makeAppPassword, open, roles, row, rowsFit, toast, until, write } from "./support.mjs";
import { startServer, textMail } from "./server.mjs";

const A = "user1@example.test", B = "user2@example.test";

let browser, server;

before(async () => {
	browser = await launch();
	server = await startServer();
});
after(async () => {
	await browser?.close();
	await server?.close();
});

test("star, archive, delete, undo, label and move: on the screen at once, and after a reload", async () => {
	const page = await open(browser, server.url);
	await login(page);
	await server.deliver("user1@example.test", textMail("To be handled", "Please."));
	await row(page, "To be handled").waitFor();
	const box = await roles(page);
	const where = async () => Object.keys((await found(page, "To be handled"))[0].mailboxIds);
	await row(page, "To be handled").focus();
	await page.keyboard.press("s");
	await until(async () => (await found(page, "To be handled"))[0].keywords.$flagged);
	for (const [key, role] of [["e", "archive"], ["#", "trash"], ["!", "junk"]]) {
		await row(page, "To be handled").focus();
		await page.keyboard.press(key);
		await row(page, "To be handled").waitFor({ state: "detached" });
		await until(async () => (await where())[0] === box[role]);
		await page.keyboard.press("z");
		await row(page, "To be handled").waitFor();
		await until(async () => (await where())[0] === box.inbox);
	}
	await row(page, "To be handled").focus();
	await page.keyboard.press("l");
	await page.getByRole("textbox", { name: "Label as" }).fill("Waiting");
	await page.keyboard.press("Enter");
	await until(async () => (await found(page, "To be handled"))[0].keywords.waiting);
	await page.getByRole("button", { name: "New folder" }).click();
	await page.getByLabel("Name of the folder").fill("Hous & Garden é");
	await page.getByRole("button", { name: "Create" }).click();
	await page.getByRole("button", { name: "Hous & Garden é", exact: true }).waitFor();
	await row(page, "To be handled").focus();
	await page.keyboard.press("v");
	await page.getByRole("textbox", { name: "Move to" }).fill("garden");
	await page.keyboard.press("Enter");
	await toast(page).getByText("Moved to Hous & Garden é").waitFor();
	await page.reload();
	await page.getByRole("button", { name: /^Hous & Garden é/ }).first().click();
	await row(page, "To be handled").waitFor();
	await finish(page);
});

test("signing out ends the session; nothing private is left behind", async () => {
	const page = await open(browser, server.url);
	await login(page);
	await page.getByRole("button", { name: /^Account/ }).click();
	await page.getByRole("menuitem", { name: "Sign out" }).click();
	await page.getByLabel("Address").waitFor();
	await page.goBack();
	assert.equal(await page.locator(".row").count(), 0);
	await page.goto(server.url);
	await page.getByLabel("Address").waitFor();
	assert.equal(await page.locator(".row").count(), 0);
	await finish(page);
});

test("a name and a signature go with what is written", async () => {
	const page = await open(browser, server.url, { settings: { undoSeconds: 0 } });
	await login(page);
	await page.getByRole("button", { name: "Settings" }).click();
	await page.getByRole("button", { name: "Addresses and signatures" }).click();
	await page.getByLabel("Your name").fill("Anna Lind");
	await page.getByLabel("Signature").fill("Anna Lind\nQuay 4");
	await page.getByRole("button", { name: "Save" }).click();
	await page.getByRole("status").getByText("Saved").waitFor();
	await accessible(page, "addresses and signatures");
	await page.getByRole("button", { name: "Back to mail" }).click();
	await write(page, B, "With a signature");
	await page.getByLabel("Text of the message").getByText("Quay 4").waitFor();
	await page.getByLabel("Text of the message").click();
	await page.keyboard.press("Control+Home");
	await page.keyboard.type("Hello");
	await page.keyboard.press("Control+Enter");
	await toast(page).getByText("Message sent").waitFor();
	await until(() => server.stored(B, "INBOX", "With a signature").length === 1);
	const [message] = server.stored(B, "INBOX", "With a signature");
	assert.equal(message.fields.from, `Anna Lind <${A}>`);
	assert.match(message.parts.find((p) => p.type === "text/plain").text.replace(/\r/g, ""), /^Hello\n\n-- ?\nAnna Lind\nQuay 4\s*$/);
	await finish(page);
});

test("the vacation reply answers each sender once, and one is told that it is on", async () => {
	const page = await open(browser, server.url);
	await login(page);
	await page.goto(`${server.url}/#/settings/vacation`);
	await page.getByRole("switch", { name: "Answer messages automatically" }).check();
	await page.getByLabel("From", { exact: true }).fill("2020-01-01");
	await page.getByLabel("Until").fill("2099-12-31");
	await page.getByLabel("Subject", { exact: true }).fill("At the lake");
	await page.getByLabel("Answer", { exact: true }).fill("I am at the lake.\nBack soon.");
	await page.getByRole("button", { name: "Save" }).click();
	await page.getByRole("status").getByText("Saved").waitFor();
	await accessible(page, "vacation reply");
	const ask = (subject) => server.deliver(A, textMail(subject, "Are you there?").replace("Ines Costa <ines@costa.example>", B), B);
	await ask("A question");
	await until(() => server.stored(B, "INBOX", "At the lake").length === 1);
	await ask("Another question");
	await page.reload();
	assert.equal(await page.getByLabel("Until").inputValue(), "2099-12-31");
	await page.getByRole("button", { name: "Back to mail" }).click();
	await row(page, "Another question").waitFor();
	await page.getByText("The vacation reply is on").waitFor();
	await accessible(page, "away");
	const answers = server.stored(B, "INBOX", "At the lake");
	assert.equal(answers.length, 1, "once");
	assert.match(answers[0].raw, /I am at the lake\./);
	assert.match(answers[0].fields["auto-submitted"], /^auto-replied/);
	await page.getByRole("button", { name: "Turn off" }).click();
	await page.getByText("The vacation reply is on").waitFor({ state: "detached" });
	await page.reload();
	await row(page, "Another question").waitFor();
	assert.equal(await page.getByText("The vacation reply is on").count(), 0);
	await finish(page);
});

test("theme and density hold, and every row fits", async () => {
	const page = await open(browser, server.url);
	await login(page);
	await page.goto(`${server.url}/#/settings/look`);
	const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
	const light = await background();
	await page.getByText("Dark", { exact: true }).click();
	await until(async () => await background() !== light);
	await accessible(page, "settings, dark");
	for (const [name, height] of [["Cosy", 60], ["Compact", 40], ["Comfortable", 76]]) {
		await page.goto(`${server.url}/#/settings/look`);
		await page.getByText(name, { exact: true }).click();
		await page.getByRole("button", { name: "Back to mail" }).click();
		await row(page, "Another question").waitFor();
		assert.equal((await row(page, "Another question").boundingBox()).height, height);
		await rowsFit(page);
		await accessible(page, `${name}, dark`);
	}
	await page.reload();
	await row(page, "Another question").waitFor();
	await until(async () => await background() !== light);
	await finish(page);
});

test("a password of its own for a mail program: good for what it is for, until it is taken away", async () => {
	const page = await open(browser, server.url);
	await login(page);
	await page.goto(`${server.url}/#/settings/security`);
	await page.getByLabel("Which program or device").fill("Phone");
	await page.getByLabel("send mail (SMTP)").uncheck();
	await makeAppPassword(page);
	const password = await page.locator(".fresh-password code").first().innerText();
	await accessible(page, "a new password");
	assert.ok(server.stored(A, "INBOX", "", password).length > 0);
	assert.throws(() => server.stored(A, "INBOX", "", `${password}x`));
	await page.getByRole("button", { name: "I have entered it" }).click();
	assert.equal(await page.getByText(password).count(), 0);
	await page.reload();
	await page.getByText("last used").waitFor();
	await page.getByRole("button", { name: "Take away: Phone" }).click();
	await page.getByRole("button", { name: "Take away: Phone" }).waitFor({ state: "detached" });
	assert.throws(() => server.stored(A, "INBOX", "", password));
	await finish(page);
});
