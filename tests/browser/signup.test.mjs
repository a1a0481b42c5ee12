// Making accounts in the browser: the first administrator, an invitation, a password for a mail program.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { accessible, finish, launch, makeAppPassword, open, row } from "./support.mjs";
import { startServer } from "./server.mjs";

const PASSWORD = "plum kettle ninety";

let browser, server;

before(async () => {
	browser = await launch();
	server = await startServer(["signup.mode=invite", "signup.work=8"]);
});
after(async () => {
	await browser?.close();
	await server?.close();
});

test("the set-up URL makes one administrator, once", async () => {
	const url = `${server.url}/setup${new URL(server.read("state/setup-url").trim()).hash}`;
	const page = await open(browser, url);
	await page.getByLabel("Address").fill("boss@new.test");
	await page.getByLabel("Your name").fill("Boss");
	await page.getByLabel("Password").fill(PASSWORD);
	await accessible(page, "set-up");
	await page.getByRole("button", { name: "Make the administrator" }).click();
	await page.getByRole("button", { name: "Not now" }).click();
	await page.getByRole("heading", { name: "DNS records" }).waitFor();
	await page.getByRole("button", { name: "Back to mail" }).click();
	await row(page, "Welcome").waitFor();
	assert.match(server.ctl("user", "show", "boss@new.test", "--json"), /"admin": ?true/);
	await finish(page);
	const again = await open(browser, url);
	await again.getByRole("heading", { name: "This server is set up" }).waitFor();
	await finish(again);
});

test("an invitation: what is refused is said at its field; then an inbox with a welcome", async () => {
	const url = server.url + new URL(server.ctl("invite", "create", "example.test").trim()).search.replace(/^/, "/signup");
	const page = await open(browser, url, { expects: /status of (403|422)/ });
	const address = page.getByLabel("Address"), password = page.getByLabel("Password");
	await address.fill("postmaster");
	await page.getByLabel("Your name").fill("Maja Olsen");
	await page.getByText("is kept for those who run the server").waitFor();
	assert.equal(await address.getAttribute("aria-invalid"), "true");
	await address.fill("maja");
	await password.fill("password1");
	await page.getByRole("button", { name: "Make the account" }).click();
	await page.getByText("one of those that are tried first").waitFor();
	assert.ok(await password.evaluate((field) => field === document.activeElement));
	await accessible(page, "sign-up");
	await password.fill(PASSWORD);
	await page.getByRole("button", { name: "Make the account" }).click();
	await page.getByRole("button", { name: "Not now" }).click();
	await row(page, "Welcome").waitFor();
	await page.getByText("Your account is ready.").last().waitFor();
	await page.getByRole("button", { name: "Set up a mail program" }).click();
	await page.getByRole("heading", { name: "Incoming mail (IMAP)" }).waitFor();

	await page.goto(`${server.url}/#/settings/security`);
	await page.getByLabel("Which program or device").fill("Phone");
	await makeAppPassword(page, PASSWORD);
	assert.match(await page.locator(".fresh-password code").innerText(), /^(\w{4}-){4}\w{4}$/);
	await accessible(page, "security");
	await page.getByRole("button", { name: "I have entered it" }).click();
	await page.getByRole("button", { name: "Take away: Phone" }).click();
	await page.getByRole("button", { name: "Take away: Phone" }).waitFor({ state: "detached" });
	await finish(page);

	const again = await open(browser, url);
	await again.getByRole("heading", { name: "This invitation is not valid" }).waitFor();
	await accessible(again, "a used invitation");
	await finish(again);
	const without = await open(browser, `${server.url}/signup`);
	await without.getByRole("heading", { name: "An invitation is needed" }).waitFor();
	await finish(without);
});

test("nobody can sign up where that is closed: the page says so, and the server does not do it either", async () => {
	const closed = await startServer();
	try {
		const page = await open(browser, `${closed.url}/signup`, { expects: /status of 403/ });
		await page.getByRole("heading", { name: "Nobody can sign up here" }).waitFor();
		await accessible(page, "closed");
		const status = await page.evaluate(async () => (await fetch("/web/signup", {
			method: "POST", headers: { "Content-Type": "application/json", "X-Postern": "1" },
			body: JSON.stringify({ address: "maja@example.test", name: "Maja", password: "plum kettle ninety", challenge: "", number: "0" }),
		})).status);
		assert.equal(status, 403);
		await page.goto(closed.url);
		await page.getByLabel("Address").waitFor();
		await finish(page);
	} finally {
		await closed.close();
	}
});

test("where it is open, three can come from one place in a day; a fourth is told when", async () => {
	const wide = await startServer(["signup.mode=open", "signup.work=8"]);
	try {
		for (const [name, refused] of [["postmaster", "is kept for those who run the server"], ["user1", "is taken"], ["berta"], ["carl"], ["dora"]]) {
			const page = await open(browser, `${wide.url}/signup`, { expects: /status of (409|422|429)/ });
			await page.getByLabel("Address").fill(name);
			await page.getByLabel("Password").fill(PASSWORD);
			await page.getByRole("button", { name: "Make the account" }).click();
			if (refused) {
				await page.getByRole("alert").filter({ hasText: refused }).waitFor();
				assert.ok(await page.getByLabel("Address").evaluate((field) => field === document.activeElement));
			} else {
				if (name === "berta") {
					await page.getByRole("button", { name: "Make recovery codes" }).click();
					const code = await page.getByRole("list", { name: "Recovery codes" }).getByRole("listitem").nth(3).innerText();
					await accessible(page, "recovery codes");
					await page.getByLabel("Type one of them").fill(code);
					await page.getByRole("button", { name: "I have kept them" }).click();
				} else {
					await page.getByRole("button", { name: "Not now" }).click();
				}
				await row(page, "Welcome").click();
				await page.getByRole("article").first().waitFor();
				await accessible(page, "the welcome");
			}
			await finish(page);
		}
		const page = await open(browser, `${wide.url}/signup`, { expects: /status of 429/ });
		await page.getByLabel("Address").fill("emil");
		await page.getByLabel("Password").fill(PASSWORD);
		await page.getByRole("button", { name: "Make the account" }).click();
		await page.getByText(/too many from where you are\. Try again in 24 hours/).waitFor();
		await accessible(page, "too many");
		await finish(page);
	} finally {
		await wide.close();
	}
});
