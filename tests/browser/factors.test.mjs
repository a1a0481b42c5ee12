// Signing in with more, or other, than a password: an authenticator app, recovery codes, passkeys (those of Chromium's own
// virtual authenticator), and what was forgotten.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { accessible, finish, launch, login, makeAppPassword, open } from "./support.mjs";
import { startServer } from "./server.mjs";

const PASSWORD = "plum kettle ninety";

let browser, server, url, number = 0;

before(async () => {
	browser = await launch();
	server = await startServer(["signup.mode=open", "signup.work=8", "auth.failure_delay=0"]);
	url = server.named;
});
after(async () => {
	await browser?.close();
	await server?.close();
});

// A user of its own for each test.
function makeUser() {
	const user = `factor${++number}@example.test`;
	server.ctl("user", "add", user, { input: `${PASSWORD}\n` });
	return user;
}

// RFC 6238
function totp(secret, step) {
	const bits = [...secret.replace(/ /g, "")].map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0")).join("");
	const key = Buffer.from(bits.match(/.{8}/g).map((octet) => parseInt(octet, 2)));
	const counter = Buffer.alloc(8);
	counter.writeBigUInt64BE(BigInt(step));
	const mac = createHmac("sha1", key).update(counter).digest();
	return String((mac.readUInt32BE(mac[19] & 15) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

// Codes that were not used yet: of the step before, this one, the next; then one has to wait.
function codesOf(secret) {
	let last = Math.floor(Date.now() / 30_000) - 2;
	return async () => {
		last = Math.max(last + 1, Math.floor(Date.now() / 30_000) - 1);
		while (last > Math.floor(Date.now() / 30_000) + 1)
			await new Promise((wake) => setTimeout(wake, 250));
		return totp(secret, last);
	};
}

// An authenticator that says yes, with whom the page's browser is connected.
async function authenticator(page) {
	const cdp = await page.context().newCDPSession(page);
	await cdp.send("WebAuthn.enable");
	const { authenticatorId } = await cdp.send("WebAuthn.addVirtualAuthenticator", { options: {
		protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true,
		automaticPresenceSimulation: true,
	} });
	return {
		credentials: async () => (await cdp.send("WebAuthn.getCredentials", { authenticatorId })).credentials,
		clear: () => cdp.send("WebAuthn.clearCredentials", { authenticatorId }),
		presence: (enabled) => cdp.send("WebAuthn.setAutomaticPresenceSimulation", { authenticatorId, enabled }),
	};
}

async function security(page) {
	await page.goto(`${url}/#/settings/security`);
	await page.getByRole("heading", { name: "Second step at sign-in" }).waitFor();
}

async function signOut(page) {
	await page.goto(`${url}/#/settings/account`);
	await page.getByRole("button", { name: "Sign out", exact: true }).click();
	await page.getByRole("heading", { name: "Sign in to your mail" }).waitFor();
}

async function password(page, user, secret = PASSWORD) {
	await page.getByLabel("Address").fill(user);
	await page.getByLabel("Password", { exact: true }).fill(secret);
	await page.getByRole("button", { name: "Sign in", exact: true }).click();
}

async function isIn(page) {
	await page.locator(".row[data-id], .list-empty").first().waitFor();
}

// The recovery codes that are shown.
async function codesIn(place) {
	const items = place.getByRole("list", { name: "Recovery codes" }).getByRole("listitem");
	await items.first().waitFor();
	return items.allInnerTexts();
}

// Adds an authenticator app. Gives its codes and the recovery codes.
async function addApp(page) {
	await page.getByRole("button", { name: "Add an authenticator app" }).click();
	const dialog = page.getByRole("dialog", { name: "Add an authenticator app" });
	await dialog.getByRole("img", { name: "QR code" }).waitFor();
	const next = codesOf(await dialog.locator(".secret").innerText());
	await dialog.getByLabel("Code that the app shows now").fill(await next());
	await dialog.getByLabel("Present password").fill(PASSWORD);
	await dialog.getByRole("button", { name: "Turn on" }).click();
	const shown = page.getByRole("dialog", { name: "Recovery codes" });
	const recovery = await codesIn(shown);
	return { next, recovery, dialog: shown };
}

async function addPasskey(page, name, secret = PASSWORD) {
	await page.getByRole("button", { name: "Add a passkey" }).click();
	const dialog = page.getByRole("dialog", { name: "Add a passkey" });
	await dialog.getByLabel("Name").fill(name);
	await dialog.getByLabel("Present password").fill(secret);
	await dialog.getByRole("button", { name: "Go on" }).click();
	await dialog.waitFor({ state: "detached" });
	await page.getByRole("button", { name: `Remove: ${name}` }).waitFor();
}

// What the server says to a login by IMAP.
async function imap(user, secret) {
	const socket = connect(server.ports.imap, server.host);
	socket.setEncoding("utf8");
	let text = "";
	socket.on("data", (data) => (text += data));
	socket.write(`a LOGIN ${user} "${secret}"\r\nb LOGOUT\r\n`);
	await new Promise((done) => socket.on("close", done));
	return /^a OK/m.test(text);
}

test("an authenticator app: scanned, asked for, each code once; mail programs need their own passwords", async () => {
	const user = makeUser();
	const page = await open(browser, url, { expects: /status of (403|422)/ });
	await login(page, user, PASSWORD);
	await security(page);
	await accessible(page, "security");
	assert.ok(await imap(user, PASSWORD));
	await page.getByRole("button", { name: "Add an authenticator app" }).click();
	const dialog = page.getByRole("dialog", { name: "Add an authenticator app" });
	await dialog.getByRole("img", { name: "QR code" }).waitFor();
	await accessible(page, "the QR code");
	await dialog.getByLabel("Code that the app shows now").fill("12345");
	await dialog.getByLabel("Present password").fill("wrong horse");
	await dialog.getByRole("button", { name: "Turn on" }).click();
	await dialog.getByText("not your present password").waitFor();
	await dialog.getByLabel("Present password").fill(PASSWORD);
	await dialog.getByRole("button", { name: "Turn on" }).click();
	await dialog.getByText("This code is not right").waitFor();
	await dialog.getByRole("button", { name: "Cancel" }).click();

	const app = await addApp(page);
	assert.equal(app.recovery.length, 10);
	assert.match(app.recovery[0], /^(\w{4}-){4}\w{4}$/);
	await accessible(page, "recovery codes");
	await page.keyboard.press("Escape");
	const download = page.waitForEvent("download");
	await app.dialog.getByRole("button", { name: "Download" }).click();
	const file = await (await (await download).createReadStream()).toArray();
	assert.equal(Buffer.concat(file).toString().trim(), app.recovery.join("\n"));
	await app.dialog.getByLabel("Type one of them").fill("abcd-efgh");
	await app.dialog.getByRole("button", { name: "I have kept them" }).click();
	await app.dialog.getByText("This is none of them").waitFor();
	await app.dialog.getByLabel("Type one of them").fill(app.recovery[4].replaceAll("-", " "));
	await app.dialog.getByRole("button", { name: "I have kept them" }).click();
	await page.locator(".factor-state").getByText("The second step is on.").waitFor();
	await page.getByText("You have 10 left.").waitFor();
	await accessible(page, "security with an app");

	// Of two passwords the one made for a program is good there.
	await page.getByLabel("Which program or device").fill("Phone");
	await makeAppPassword(page, PASSWORD);
	const secret = await page.locator(".fresh-password code").first().innerText();
	assert.ok(await imap(user, secret));
	assert.ok(!await imap(user, PASSWORD));

	await signOut(page);
	await page.goBack();
	assert.equal(await page.locator(".row[data-id]").count(), 0);
	await page.goto(url);
	await password(page, user);
	const code = page.getByLabel(/^Code/);
	await code.waitFor();
	assert.ok(await code.evaluate((field) => field === document.activeElement && field.inputMode === "numeric" && field.autocomplete === "one-time-code"));
	await accessible(page, "the code");
	const used = await app.next();
	await code.fill(used);
	await page.getByRole("button", { name: "Sign in", exact: true }).click();
	await isIn(page);
	await signOut(page);
	await password(page, user);
	await page.getByLabel(/^Code/).fill(used);
	await page.getByRole("button", { name: "Sign in", exact: true }).click();
	await page.getByText("This code is not right").waitFor();
	await page.getByRole("button", { name: "Use a recovery code" }).click();
	await page.getByLabel("Recovery code").fill(app.recovery[0]);
	await page.getByRole("button", { name: "Sign in", exact: true }).click();
	await isIn(page);
	await security(page);
	await page.getByText("You have 9 left.").waitFor();

	await page.getByRole("button", { name: "Remove", exact: true }).click();
	const away = page.getByRole("dialog", { name: "Remove the authenticator app?" });
	await away.getByLabel("Present password").fill(PASSWORD);
	await away.getByRole("button", { name: "Remove", exact: true }).click();
	await page.locator(".factor-state").getByText("The second step is off.").waitFor();
	assert.ok(await imap(user, PASSWORD));
	await finish(page);
});

test("a passkey signs in without a password, and is the second step when that is wanted", async () => {
	const user = makeUser();
	const page = await open(browser, url, { expects: /status of 40[34]/ });
	const keys = await authenticator(page);
	await login(page, user, PASSWORD);
	await security(page);
	await page.getByRole("button", { name: "Add a passkey" }).click();
	const dialog = page.getByRole("dialog", { name: "Add a passkey" });
	await accessible(page, "a new passkey");
	await dialog.getByLabel("Present password").fill("wrong horse");
	await dialog.getByRole("button", { name: "Go on" }).click();
	await dialog.getByText("not your present password").waitFor();
	assert.equal((await keys.credentials()).length, 0, "nothing is left in the authenticator");
	await dialog.getByRole("button", { name: "Cancel" }).click();
	await addPasskey(page, "Laptop");
	assert.equal((await keys.credentials()).length, 1);
	await page.locator(".factor-state").getByText("The second step is off.").waitFor();
	await page.getByRole("button", { name: "Rename: Laptop" }).click();
	await page.getByRole("dialog").getByLabel("Name").fill("Old laptop");
	await page.getByRole("dialog").getByRole("button", { name: "Rename" }).click();
	await page.getByText("Old laptop").first().waitFor();
	await accessible(page, "passkeys");

	await keys.presence(false); // else the browser's own offer is taken before anybody presses
	await signOut(page);
	await page.getByRole("button", { name: "Sign in with a passkey" }).waitFor();
	await accessible(page, "sign-in with passkeys");
	await keys.presence(true);
	await page.getByRole("button", { name: "Sign in with a passkey" }).click();
	await isIn(page);
	await security(page);
	await page.getByText(/last used/).first().waitFor();

	// Confirmed by the passkey, in place of the password.
	await page.getByLabel("Ask for a passkey after my password, too").click();
	const ask = page.getByRole("dialog", { name: "Ask for a passkey after the password?" });
	await ask.getByRole("button", { name: "Use a passkey" }).click();
	const shown = page.getByRole("dialog", { name: "Recovery codes" });
	const [first] = await codesIn(shown);
	await shown.getByLabel("Type one of them").fill(first);
	await shown.getByRole("button", { name: "I have kept them" }).click();
	await page.locator(".factor-state").getByText("The second step is on.").waitFor();
	assert.ok(!await imap(user, PASSWORD));
	await keys.presence(false);
	await signOut(page);
	await password(page, user);
	await page.getByText("Now show your passkey").waitFor();
	await accessible(page, "the passkey as a second step");
	await keys.presence(true);
	await page.getByRole("button", { name: "Use a passkey" }).click();
	await isIn(page);

	await security(page);
	await page.getByRole("button", { name: "Remove: Old laptop" }).click();
	const away = page.getByRole("dialog", { name: "Remove the passkey" });
	await away.getByLabel("Present password").fill(PASSWORD);
	await away.getByRole("button", { name: "Remove", exact: true }).click();
	await page.getByText("Old laptop").first().waitFor({ state: "detached" });
	await signOut(page);
	await page.getByRole("button", { name: "Sign in with a passkey" }).click();
	await page.getByText("This passkey is not known here").waitFor();
	await finish(page);
});

test("the browser offers a passkey by itself where the address is typed", async () => {
	const user = makeUser();
	const page = await open(browser, url);
	await authenticator(page);
	await login(page, user, PASSWORD);
	await security(page);
	await addPasskey(page, "Laptop");
	// The authenticator says yes to the offer, at once.
	await page.goto(`${url}/#/settings/account`);
	await page.getByRole("button", { name: "Sign out", exact: true }).click();
	await isIn(page);
	await finish(page);
});

test("a forgotten password: a recovery code sets another; the second step stays", async () => {
	const user = makeUser();
	const page = await open(browser, url, { expects: /status of 422/ });
	await login(page, user, PASSWORD);
	await security(page);
	const app = await addApp(page);
	await app.dialog.getByLabel("Type one of them").fill(app.recovery[0]);
	await app.dialog.getByRole("button", { name: "I have kept them" }).click();
	await signOut(page);
	await page.getByRole("button", { name: "Forgot your password?" }).click();
	await page.getByLabel("Address").fill(user);
	await page.getByLabel("Recovery code").fill("abcd-efgh-ijkm-npqr-stuv");
	await page.getByLabel("New password").fill("other kettle ninety");
	await accessible(page, "forgotten");
	await page.getByRole("button", { name: "Set the password and sign in" }).click();
	await page.getByText("The address or the recovery code is not right").waitFor();
	await page.getByLabel("Recovery code").fill(app.recovery[1]);
	await page.getByRole("button", { name: "Set the password and sign in" }).click();
	await page.getByLabel(/^Code/).waitFor();
	assert.equal(await page.getByRole("button", { name: "Use a recovery code" }).count(), 0, "one thing was lost, not two");
	await page.getByLabel(/^Code/).fill(await app.next());
	await page.getByRole("button", { name: "Sign in", exact: true }).click();
	await isIn(page);
	await finish(page);
});

test("a session that ends under an open composer is taken up again with the second step", async () => {
	const user = makeUser();
	const page = await open(browser, url, { expects: /status of 422/ });
	await login(page, user, PASSWORD);
	await security(page);
	const app = await addApp(page);
	await app.dialog.getByLabel("Type one of them").fill(app.recovery[0]);
	await app.dialog.getByRole("button", { name: "I have kept them" }).click();
	await page.goto(url);
	await isIn(page);
	await page.keyboard.press("c");
	await page.getByLabel("Subject").fill("Still here");
	await page.context().clearCookies();
	await page.getByLabel("Text of the message").click();
	await page.keyboard.type("A long letter.");
	const dialog = page.getByRole("dialog", { name: "Sign in again" });
	await dialog.getByLabel("Password", { exact: true }).fill(PASSWORD);
	await dialog.getByRole("button", { name: "Sign in", exact: true }).click();
	await dialog.getByLabel(/^Code/).fill(await app.next());
	await accessible(page, "signing in again");
	await dialog.getByRole("button", { name: "Sign in", exact: true }).click();
	await dialog.waitFor({ state: "detached" });
	assert.equal(await page.getByLabel("Subject").inputValue(), "Still here");
	await page.getByText(/^Saved \d/).waitFor();
	await finish(page);
});

test("who signs up is offered recovery codes", async () => {
	const page = await open(browser, `${url}/signup`);
	await page.getByLabel("Address").fill("newcomer");
	await page.getByLabel("Password").fill(PASSWORD);
	await page.getByRole("button", { name: "Make the account" }).click();
	await page.getByRole("button", { name: "Make recovery codes" }).click();
	const [first] = await codesIn(page);
	await accessible(page, "recovery codes at sign-up");
	await page.getByLabel("Type one of them").fill(first.toUpperCase());
	await page.getByRole("button", { name: "I have kept them" }).click();
	await isIn(page);
	await finish(page);
	const other = await open(browser, `${url}/signup`);
	await other.getByLabel("Address").fill("hurried");
	await other.getByLabel("Password").fill(PASSWORD);
	await other.getByRole("button", { name: "Make the account" }).click();
	await other.getByRole("button", { name: "Not now" }).click();
	await isIn(other);
	await finish(other);
});
