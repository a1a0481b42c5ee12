// Administration in the browser, with the real server: from the set-up URL to users, invitations, the queue and the DNS.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { accessible, finish, launch, login, open, row, toast, until } from "./support.mjs";
import { startServer } from "./server.mjs";

const PASSWORD = "plum kettle ninety";
const BOSS = "boss@new.test";
const SECTIONS = ["Overview", "Users", "Domains and aliases", "Invitations", "Queue", "Find a message", "DNS", "Connections"];

let browser, server, boss;

before(async () => {
	browser = await launch();
	// Nothing that is sent leaves, and nobody is asked for names.
	server = await startServer(["signup.mode=invite", "signup.work=8", "queue.enabled=true", "queue.relay=[127.0.0.1]:1",
		"dns.stubs=.=127.0.0.1@9", "dns.root_key="]);
});
after(async () => {
	await browser?.close();
	await server?.close();
});

const section = (page, name) => page.getByRole("navigation", { name: "Administration" }).getByRole("button", { name, exact: true }).click();
const tableRow = (page, text) => page.getByRole("table").getByRole("row").filter({ hasText: text });

// The page is no wider than the window, nor is a part of it that scrolls.
async function fits(page) {
	const wide = await page.evaluate(() => [document.documentElement, document.querySelector(".settings-main")]
		.some((part) => part.scrollWidth > part.clientWidth));
	assert.equal(wide, false, "the page is too wide");
}

// What the session of a page sends, without the composer.
const send = (page, to) => page.evaluate(async (address) => {
	const headers = { "X-Postern": "1", "Content-Type": "application/json" };
	const session = await (await fetch("/.well-known/jmap", { headers })).json();
	const accountId = Object.keys(session.accounts)[0];
	const call = async (methodCalls) => (await (await fetch(new URL(session.apiUrl).pathname, {
		method: "POST", headers,
		body: JSON.stringify({ using: Object.keys(session.capabilities), methodCalls: methodCalls.map(([name, args, id]) => [name, { accountId, ...args }, id]) }),
	})).json()).methodResponses;
	const [[, boxes], [, ids]] = await call([["Mailbox/get", { ids: null }, "a"], ["Identity/get", { ids: null }, "b"]]);
	const box = boxes.list.find((m) => m.role === "inbox").id;
	const [, [, sent]] = await call([
		["Email/set", { create: { m: { mailboxIds: { [box]: true }, from: [{ email: session.username }], to: [{ email: address }], subject: "Plans",
			textBody: [{ partId: "1", type: "text/plain" }], bodyValues: { 1: { value: "Hello" } } } } }, "a"],
		["EmailSubmission/set", { create: { s: { emailId: "#m", identityId: ids.list[0].id } } }, "b"],
	]);
	return sent.created?.s ? "" : JSON.stringify(sent);
}, to);

test("the set-up URL leads to the DNS of the domain, from there an invitation", async () => {
	boss = await open(browser, `${server.url}/setup${new URL(server.read("state/setup-url").trim()).hash}`);
	await boss.getByLabel("Address").fill(BOSS);
	await boss.getByLabel("Your name").fill("Boss");
	await boss.getByLabel("Password").fill(PASSWORD);
	await boss.getByRole("button", { name: "Make the administrator" }).click();
	await boss.getByRole("button", { name: "Not now" }).click();
	await boss.getByRole("heading", { name: "DNS records" }).waitFor();
	assert.equal(new URL(boss.url()).hash, "#/admin/dns/new.test");
	assert.equal(await boss.getByLabel("Domain").inputValue(), "new.test");

	// The sandbox's name server does not answer, and names of "test" are nobody's.
	await boss.getByText(/records are to be mended/).waitFor();
	const mx = boss.getByRole("group").filter({ hasText: "(MX)" });
	await mx.getByText("Missing").waitFor();
	await mx.getByText(/^10 mail\.example\.test\.$/).waitFor();
	await boss.context().grantPermissions(["clipboard-read", "clipboard-write"]);
	await mx.getByRole("button", { name: "Copy the value of MX new.test" }).click();
	await mx.getByText("Copied").waitFor();
	assert.equal(await boss.evaluate(() => navigator.clipboard.readText()), "10 mail.example.test.");
	await boss.getByRole("button", { name: "Check again" }).click();
	await boss.getByText(/records are to be mended/).waitFor();
	await accessible(boss, "DNS");
	await fits(boss);

	await boss.getByRole("main").getByRole("link", { name: "Invitations" }).click();
	await boss.getByText("Nobody waits.").waitFor();
	await boss.getByLabel("Domain").selectOption("new.test");
	await boss.getByLabel("For whom").fill("Maja");
	await boss.getByRole("button", { name: "Make an invitation" }).click();
	const link = await boss.locator(".fresh-link code").innerText();
	assert.match(link, /\/signup\?invite=(\w{4}-){4}\w{4}$/);
	await accessible(boss, "invitations");
	await boss.getByRole("button", { name: "I have noted it" }).click();
	assert.equal(await boss.getByText(link).count(), 0);
	await tableRow(boss, "Maja").getByText("1", { exact: true }).waitFor();

	const maja = await open(browser, link);
	await maja.getByLabel("Address").fill("maja");
	await maja.getByLabel("Password").fill(PASSWORD);
	await maja.getByRole("button", { name: "Make the account" }).click();
	await maja.getByRole("button", { name: "Not now" }).click();
	await row(maja, "Welcome").waitFor();
	// A user has no such pages.
	await maja.getByRole("button", { name: /^Account/ }).click();
	await maja.getByRole("menuitem", { name: "Settings" }).waitFor();
	assert.equal(await maja.getByRole("menuitem", { name: "Administration" }).count(), 0);
	await maja.keyboard.press("Escape");
	await maja.goto(`${server.url}/#/admin/users`);
	await maja.getByText("These pages are for administrators.").waitFor();
	await finish(maja);

	await boss.reload();
	await tableRow(boss, "Maja").getByText("used up").waitFor();
	await boss.getByRole("button", { name: "Take back: Maja" }).click();
	await boss.getByText("There is no invitation.").waitFor();
});

test("a user who is made sets a password by the link, once; is found, changed, disabled, removed", async () => {
	await boss.goto(`${server.url}/`);
	await boss.getByRole("button", { name: /^Account/ }).click();
	await boss.getByRole("menuitem", { name: "Administration" }).click();
	await section(boss, "Users");
	await boss.getByRole("button", { name: "Add a user" }).click();
	const dialog = boss.getByRole("dialog");
	await dialog.getByLabel("Address").fill("vera");
	await dialog.getByLabel("Domain").selectOption("new.test");
	await dialog.getByLabel("Name").fill("Vera Åberg");
	await accessible(boss, "adding a user");
	await dialog.getByRole("button", { name: "Add a user" }).click();
	const link = await dialog.locator(".fresh-link code").innerText();
	assert.match(link, /\/reset#(\w{4}-){4}\w{4}$/);

	const vera = await open(browser, link, { expects: /status of (404|422)/ });
	await vera.getByText("For vera@new.test").waitFor();
	await vera.getByLabel("Password").fill("veraaberg1");
	await vera.getByRole("button", { name: "Set the password" }).click();
	await vera.getByText(/your name/).waitFor();
	await accessible(vera, "the link's page");
	await vera.getByLabel("Password").fill(PASSWORD);
	await vera.getByRole("button", { name: "Set the password" }).click();
	await row(vera, "Welcome").waitFor();
	const again = await open(browser, link, { expects: /status of 404/ });
	await again.getByRole("heading", { name: "This link is of no more use" }).waitFor();
	await finish(again);

	await dialog.getByRole("button", { name: "I have noted it" }).click();
	await boss.getByRole("heading", { name: "vera@new.test" }).waitFor();
	await boss.getByText(/used by one message/).waitFor();
	await accessible(boss, "a user");
	await boss.getByLabel("Space").selectOption("A limit of their own");
	await boss.getByLabel("Limit in GB").fill("2");
	await boss.getByRole("button", { name: "Save" }).click();
	await boss.getByText("of 2.0 GB used").or(boss.getByText("Saved")).first().waitFor();
	assert.match(server.ctl("user", "show", "vera@new.test", "--json"), /"quota_bytes": ?2000000000/);

	// Who is disabled is out at once.
	await boss.getByRole("switch", { name: /May sign in/ }).click();
	await boss.getByText("Disabled", { exact: true }).waitFor();
	await vera.getByRole("button", { name: "Refresh" }).or(row(vera, "Welcome")).first().click().catch(() => undefined);
	await vera.getByRole("heading", { name: /Sign in/ }).first().waitFor();
	await vera.context().close();
	await boss.getByRole("switch", { name: /May sign in/ }).click();
	await boss.getByText("Active", { exact: true }).waitFor();

	await boss.getByRole("button", { name: "All users" }).click();
	await boss.getByLabel("Find by address or name").fill("åberg");
	await tableRow(boss, "vera@new.test").waitFor();
	await boss.getByLabel("Find by address or name").fill("nobody at all");
	await boss.getByText("Nobody fits.").waitFor();
	await boss.getByLabel("Find by address or name").fill("vera");
	await boss.getByRole("link", { name: "vera@new.test" }).click();
	await boss.getByRole("button", { name: "Remove the user" }).click();
	const sure = boss.getByRole("dialog").getByRole("button", { name: "Remove the user" });
	assert.ok(await sure.isDisabled());
	await accessible(boss, "removing a user");
	await boss.getByLabel("To be sure, type vera@new.test").fill("vera@new.test");
	await sure.click();
	await toast(boss).getByText("vera@new.test is removed").waitFor();
	assert.throws(() => server.ctl("user", "show", "vera@new.test"));
});

test("what lets somebody in asks for the password once more, and then not again for a while", async () => {
	server.age();
	await section(boss, "Users");
	await boss.getByRole("link", { name: "maja@new.test" }).click();
	const role = boss.getByRole("switch", { name: /^Administrator/ });
	const dialog = boss.getByRole("dialog", { name: "Is it you?" });
	boss.expects = /status of 403/;
	// Who does not say it has changed nothing.
	await role.click();
	await dialog.getByLabel("Present password").fill("something else");
	await accessible(boss, "the password once more");
	await dialog.getByRole("button", { name: "Go on" }).click();
	await dialog.getByText("This is not your present password.").waitFor();
	await dialog.getByRole("button", { name: "Cancel" }).click();
	await boss.getByText("you have to show once more that it is you").waitFor();
	await until(async () => !await role.isChecked());
	assert.match(server.ctl("user", "show", "maja@new.test", "--json"), /"admin": ?false/);

	await role.click();
	await dialog.getByLabel("Present password").fill(PASSWORD);
	await dialog.getByRole("button", { name: "Go on" }).click();
	await dialog.waitFor({ state: "detached" });
	await until(() => /"admin": ?true/.test(server.ctl("user", "show", "maja@new.test", "--json")));
	assert.ok(await role.isChecked());
	await role.click();
	await until(() => /"admin": ?false/.test(server.ctl("user", "show", "maja@new.test", "--json")));
	// Not again; a form that was filled in waits for it.
	await boss.getByRole("button", { name: "Make a link" }).click();
	await boss.locator(".fresh-link code").waitFor();
	await boss.getByRole("button", { name: "All users" }).click();
	server.age();
	await boss.getByRole("button", { name: "Add a user" }).click();
	await boss.getByRole("dialog").getByLabel("Address").fill("second");
	await boss.getByRole("dialog").getByRole("checkbox", { name: /administrator/i }).check();
	await boss.getByRole("dialog").getByRole("button", { name: "Add a user" }).click();
	await dialog.getByLabel("Present password").fill(PASSWORD);
	await dialog.getByRole("button", { name: "Go on" }).click();
	await boss.getByRole("dialog").locator(".fresh-link code").waitFor();
	await boss.getByRole("dialog").getByRole("button", { name: "I have noted it" }).click();
	await boss.getByRole("heading", { name: /^second@/ }).waitFor();
	await boss.getByRole("button", { name: "Remove the user" }).click();
	const address = await boss.getByRole("heading", { name: /^second@/ }).innerText();
	await boss.getByLabel(`To be sure, type ${address}`).fill(address);
	await boss.getByRole("dialog").getByRole("button", { name: "Remove the user" }).click();
	await toast(boss).getByText(`${address} is removed`).waitFor();
	boss.expects = undefined;
});

test("the last administrator stays", async () => {
	const page = await open(browser, `${server.url}/#/admin/users/${BOSS}`, { context: boss.context(), expects: /status of 409/ });
	await page.getByRole("switch", { name: /^Administrator/ }).click();
	await page.getByText("This is the last administrator").waitFor();
	assert.ok(await page.getByRole("switch", { name: /^Administrator/ }).isChecked());
	assert.deepEqual(page.problems, []);
	await page.close();
});

test("domains, aliases and forwards", async () => {
	await section(boss, "Domains and aliases");
	await boss.getByLabel("Add a domain").fill("second.test");
	await boss.getByRole("button", { name: "Add a domain" }).click();
	await tableRow(boss, "second.test").waitFor();
	const alias = boss.locator("section").filter({ has: boss.getByRole("heading", { name: "Aliases" }) });
	await alias.getByLabel("Address").fill("info@second.test");
	await alias.getByLabel("Leads to").fill(BOSS);
	await alias.getByRole("button", { name: "Add the alias" }).click();
	await tableRow(boss, "info@second.test").waitFor();
	await server.deliver("info@second.test", "From: a@b.example\r\nSubject: By the alias\r\n\r\nHello\r\n");
	const forward = boss.locator("section").filter({ has: boss.getByRole("heading", { name: "Forwards" }) });
	await forward.getByLabel("User", { exact: true }).fill("maja@new.test");
	await forward.getByLabel("Mail goes to").fill("maja@private.test");
	await forward.getByRole("button", { name: "Add the forward" }).click();
	await boss.getByLabel("maja@new.test keeps a copy").waitFor();
	await accessible(boss, "domains");
	await fits(boss);
	await boss.getByRole("button", { name: "Remove maja@new.test → maja@private.test" }).click();
	await boss.getByText("Nobody forwards.").waitFor();
	await boss.getByRole("button", { name: `Remove info@second.test → ${BOSS}` }).click();
	await boss.getByText("There is no alias.").waitFor();
	await boss.getByRole("button", { name: "Remove second.test" }).click();
	await boss.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
	await tableRow(boss, "second.test").waitFor({ state: "detached" });
});

test("what waits in the queue is looked at, held, released and deleted; its story is told", async () => {
	for (const to of ["one@far.test", "two@far.test", "three@near.test"])
		assert.equal(await send(boss, to), "");
	await section(boss, "Queue");
	await boss.getByText("3 messages wait, for 2 domains").waitFor();
	await boss.getByLabel("Domain is").fill("far.test");
	await boss.getByRole("button", { name: "Find", exact: true }).click();
	await tableRow(boss, "three@near.test").waitFor({ state: "detached" });
	await boss.getByRole("button", { name: "Details of the message to one@far.test" }).click();
	const dialog = boss.getByRole("dialog");
	await dialog.getByText(/tried once|Connection refused|Waiting/).first().waitFor();
	await accessible(boss, "a message of the queue");
	await dialog.getByRole("button", { name: "Hold" }).click();
	await dialog.getByText("by the administrator").waitFor();
	await dialog.getByRole("button", { name: "Release" }).waitFor();
	await dialog.getByRole("button", { name: "Close" }).click();
	await tableRow(boss, "one@far.test").getByText("Held").waitFor();
	await accessible(boss, "the queue");

	await boss.getByLabel("Choose the message to one@far.test").check();
	await boss.getByText("One is chosen").waitFor();
	await boss.getByRole("toolbar").getByRole("button", { name: "Release" }).click();
	await toast(boss).getByText("One message is released").waitFor();
	await tableRow(boss, "one@far.test").getByText("Held").waitFor({ state: "detached" });
	await boss.getByLabel("Choose the message to two@far.test").check();
	await boss.getByRole("toolbar").getByRole("button", { name: "Delete" }).click();
	await boss.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
	await toast(boss).getByText("One message is deleted").waitFor();
	await tableRow(boss, "two@far.test").waitFor({ state: "detached" });

	await boss.getByRole("button", { name: "Details of the message to one@far.test" }).click();
	await dialog.getByRole("link", { name: "The whole story" }).click();
	const story = boss.locator(".timeline");
	for (const text of [`Handed in by ${BOSS}`, "For one@far.test", "Waits to go to one@far.test", "Try 1 for far.test", `Held by ${BOSS}`, `Released by ${BOSS}`])
		await story.getByText(text).first().waitFor();
	await accessible(boss, "a story");

	// With none chosen, all that were found.
	await section(boss, "Queue");
	await tableRow(boss, "three@near.test").waitFor();
	await boss.getByRole("toolbar").getByRole("button", { name: "Delete" }).click();
	await boss.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
	await toast(boss).getByText("2 messages are deleted").waitFor();
	await boss.getByText("No message waits.").waitFor();
});

test("where is that message: by a recipient, and what nobody knows of", async () => {
	await server.deliver(BOSS, "From: a@b.example\r\nSubject: Found\r\nMessage-ID: <found@b.example>\r\n\r\nHello\r\n");
	const page = await open(browser, `${server.url}/#/admin/why`, { context: boss.context(), expects: /status of 404/ });
	await page.getByLabel("Message-ID or id").fill("<found@b.example>");
	await page.getByRole("button", { name: "Find", exact: true }).click();
	await page.locator(".timeline").getByText(`Put into INBOX of ${BOSS}`).waitFor();
	await page.getByLabel("Message-ID or id").fill("");
	await page.getByLabel("Sender").fill("ines@costa.example");
	await page.getByRole("button", { name: "Find", exact: true }).click();
	await page.getByText(/messages, the newest first/).waitFor();
	await page.getByLabel("Sender").fill("nobody@nowhere.test");
	await page.getByRole("button", { name: "Find", exact: true }).click();
	await page.getByText("Nothing is known of such a message here.").waitFor();
	assert.deepEqual(page.problems, []);
	await page.close();
});

test("connections are seen and ended, blocks are lifted", async () => {
	const other = await open(browser, server.url);
	await login(other);
	await section(boss, "Connections");
	await boss.getByLabel("Find by user, address or protocol").fill("user1@");
	const end = boss.getByRole("button", { name: "End the connection of user1@example.test" });
	await end.first().waitFor();
	await accessible(boss, "connections");
	await end.first().click();
	await other.context().close();
	await end.first().waitFor({ state: "detached", timeout: 30_000 });
});

test("charts have words, and follow", async () => {
	await section(boss, "Overview");
	const chart = boss.getByRole("img", { name: /^Queue: Waiting now 0/ });
	await chart.waitFor();
	await boss.getByRole("img", { name: /^Connections: .*Browsers now [1-9]/ }).waitFor({ timeout: 30_000 });
	await boss.getByText(/mail\.example\.test, Postern/).waitFor();
	assert.equal(await send(boss, "late@far.test"), "");
	await boss.getByRole("img", { name: /^Queue: Waiting now 1/ }).waitFor({ timeout: 30_000 });
	await boss.getByText("24 hours").click();
	await boss.getByRole("img", { name: /^Queue: / }).waitFor();
	await accessible(boss, "overview");
	await fits(boss);
});

test("all pages are usable in the dark, and on a phone", async () => {
	const context = boss.context();
	for (const [width, height, theme] of [[1280, 800, "dark"], [390, 844, "light"]]) {
		const page = await context.newPage();
		await page.addInitScript((now) => localStorage.setItem("postern.settings", JSON.stringify({ theme: now })), theme);
		await page.setViewportSize({ width, height });
		await page.goto(`${server.url}/#/admin/overview`);
		for (const name of SECTIONS) {
			await section(page, name);
			await page.getByRole("main").getByRole("heading", { level: 2 }).first().waitFor();
			await page.getByRole("main").locator("table, form, .records, .charts").first().waitFor();
			await accessible(page, `${name}, ${theme} ${width}`);
			await fits(page);
		}
		await page.close();
	}
	await finish(boss);
});
