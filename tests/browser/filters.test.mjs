// Filters: the form, the list and the text before the server of webmail/test/fake; then a rule that is made in the page
// and mail that comes in, on the real server.
//
// SHOTS=DIR keeps a picture of what is looked at.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { accessible, built, finish, folder, jmap, launch, login, open, row, startFake, toast, until } from "./support.mjs";
import { startServer, textMail } from "./server.mjs";

const A = "user1@example.test", SIEVE = "urn:ietf:params:jmap:sieve";

let browser;

before(async () => {
	browser = await launch();
});
after(() => browser?.close());

const shot = async (page, name) => {
	if (process.env.SHOTS)
		await page.screenshot({ path: `${process.env.SHOTS}/${name}.png` });
};

async function openFilters(page, server) {
	await page.goto(`${server.url}/#/settings/filters`);
	await page.getByRole("heading", { name: "Filters", level: 2 }).waitFor();
	await page.getByRole("group", { name: "Show" }).waitFor();
}

const dialog = (page) => page.locator("dialog", { has: page.locator(".filter-form") });
const value = (page, n = 0) => dialog(page).getByLabel("For what").nth(n);

async function save(page) {
	await dialog(page).getByRole("button", { name: "Save" }).click();
	await dialog(page).waitFor({ state: "detached" });
}

// From contains VALUE: to FOLDER, which is there.
async function addRule(page, name, text, into = "Travel") {
	await page.getByRole("button", { name: "New filter" }).click();
	await dialog(page).getByLabel("Name", { exact: true }).fill(name);
	await value(page).fill(text);
	await dialog(page).getByLabel("Folder").selectOption(into);
	await save(page);
	await page.locator(".rule").filter({ hasText: name }).waitFor();
}

const names = (page) => page.locator(".rule-name").allInnerTexts();
const inOrder = (page, list) => until(async () => (await names(page)).join() === list.join());
const choose = async (page, rule, entry) => {
	await page.getByRole("button", { name: `Actions for ${rule}`, exact: true }).click();
	await page.getByRole("menuitem", { name: entry }).click();
};
const asText = (page) => page.getByText("As text", { exact: true }).click();
const editor = (page) => page.getByLabel("Text of the script");

describe("before the stand-in", () => {
	let server, user;

	beforeEach(async () => {
		server = await startFake({ dist: `${built}/dist` });
		user = server.accounts.get(A);
	});
	afterEach(() => server.close());

	const text = () => user.script("postern")?.text ?? "";
	const stored = (...words) => until(() => words.every((word) => text().includes(word)));

	test("without the capability there are no filters", async () => {
		await server.close();
		server = await startFake({ dist: `${built}/dist`, without: [SIEVE] });
		const page = await open(browser, server.url);
		await login(page);
		await row(page, "Floor plan").click();
		await page.getByRole("article").last().getByRole("button", { name: "More actions" }).click();
		await page.getByRole("menuitem", { name: "Print" }).waitFor();
		assert.equal(await page.getByRole("menuitem", { name: "Filter messages like this" }).count(), 0);
		await page.keyboard.press("Escape");
		await page.goto(`${server.url}/#/settings/filters`);
		await page.getByRole("heading", { name: "Appearance" }).waitFor();
		assert.equal(await page.getByRole("button", { name: "Filters" }).count(), 0);
		await finish(page);
	});

	test("a filter is made, with a folder for it; changed, turned off, duplicated, deleted and brought back", async () => {
		const page = await open(browser, server.url);
		await login(page);
		await openFilters(page, server);
		await page.getByText("No filters yet").waitFor();
		await accessible(page, "no filters");
		await shot(page, "empty");
		await page.getByRole("button", { name: "New filter" }).click();
		await dialog(page).waitFor();
		assert.equal(await value(page).evaluate((field) => field === document.activeElement), true, "one begins where something is to be filled in");
		await value(page).fill('shop "& more"\\');
		await dialog(page).getByLabel("Folder").selectOption("New folder…");
		await page.getByLabel("Name of the folder").fill("Belege é");
		await page.getByRole("button", { name: "Create" }).click();
		await until(async () => await dialog(page).getByLabel("Folder").inputValue() === "Belege é");
		await dialog(page).getByRole("button", { name: "Add an action" }).click();
		await dialog(page).getByLabel("What is done").last().selectOption({ label: "Star" });
		await dialog(page).getByRole("button", { name: "Add a condition" }).click();
		await value(page, 1).fill("50%*");
		await dialog(page).getByLabel("How").nth(1).selectOption({ label: "begins with" });
		await dialog(page).getByText("Any of these").click();
		await dialog(page).getByText("As Sieve").click();
		await accessible(page, "form");
		await shot(page, "form");
		await save(page);
		await toast(page).getByText("saved").waitFor();
		assert.deepEqual(await names(page), ["From contains “shop \"& more\"\\” or Subject begins with “50%*”"]);
		assert.equal(user.script("postern").isActive, true);
		assert.ok(text().includes(String.raw`if anyof (
    header :contains "from" "shop \"& more\"\\",
    header :matches "subject" "50%\\**"
) {
    addflag "\\Flagged";
    fileinto "Belege é";
    stop;
}`), text());
		assert.ok(text().startsWith('require ["fileinto", "imap4flags"];'));
		await accessible(page, "list");
		await page.locator(".rule-main").click();
		await dialog(page).getByLabel("Name", { exact: true }).fill("Shops");
		await dialog(page).getByRole("button", { name: "Remove action 2" }).click();
		await save(page);
		await stored("# Filter: Shops\n");
		assert.ok(!text().includes("imap4flags"), "what is not used is not required");
		await page.getByRole("switch", { name: "Use “Shops”" }).uncheck();
		await stored("# Filter: Shops (off)");
		assert.ok(!text().includes("require") && !text().includes("\nif "));
		await page.getByRole("switch", { name: "Use “Shops”" }).check();
		await stored("# Filter: Shops\n");
		await choose(page, "Shops", "Duplicate");
		await inOrder(page, ["Shops", "Shops (copy)"]);
		await stored("# Filter: Shops (copy)");
		await choose(page, "Shops", "Delete");
		await inOrder(page, ["Shops (copy)"]);
		await until(() => !text().includes("# Filter: Shops\n"));
		await page.getByRole("button", { name: "Undo" }).click();
		await inOrder(page, ["Shops", "Shops (copy)"]);
		await stored("# Filter: Shops\n");
		await page.reload();
		await inOrder(page, ["Shops", "Shops (copy)"]);
		await finish(page);
	});

	test("the order: by the arrow keys, by the menu, by dragging", async () => {
		const page = await open(browser, server.url);
		await login(page);
		await openFilters(page, server);
		for (const name of ["One", "Two", "Three"])
			await addRule(page, name, name);
		await page.getByRole("button", { name: "Move “One”" }).focus();
		await page.keyboard.press("ArrowDown");
		await inOrder(page, ["Two", "One", "Three"]);
		await page.getByRole("status").getByText("One: 2 of 3").waitFor();
		await page.keyboard.press("ArrowDown");
		await inOrder(page, ["Two", "Three", "One"]);
		assert.match(await page.evaluate(() => document.activeElement.getAttribute("aria-label")), /Move “One”/, "the keyboard stays with it");
		await page.keyboard.press("ArrowDown");
		await choose(page, "One", "Move up");
		await inOrder(page, ["Two", "One", "Three"]);
		const grip = await page.getByRole("button", { name: "Move “Three”" }).boundingBox();
		const first = await page.locator(".rule").first().boundingBox();
		await page.mouse.move(grip.x + 18, grip.y + 18);
		await page.mouse.down();
		await page.mouse.move(grip.x + 18, grip.y - 40, { steps: 4 });
		await page.mouse.move(grip.x + 18, first.y + 4, { steps: 4 });
		await shot(page, "dragging");
		await page.mouse.up();
		await inOrder(page, ["Three", "Two", "One"]);
		await until(() => text().indexOf("# Filter: Three") < text().indexOf("# Filter: Two") && text().indexOf("# Filter: Two") < text().indexOf("# Filter: One"));
		await finish(page);
	});

	test("out of a message: by its sender, with its subject at hand, and one stays where one is", async () => {
		const page = await open(browser, server.url);
		await login(page);
		await row(page, "Harbour Books").click();
		await page.getByRole("article").last().getByRole("button", { name: "More actions" }).click();
		await page.getByRole("menuitem", { name: "Filter messages like this" }).click();
		await dialog(page).waitFor();
		assert.match(await value(page).inputValue(), /@/);
		await dialog(page).getByRole("button", { name: /Subject contains/ }).click();
		assert.equal(await dialog(page).getByLabel("For what").count(), 2);
		await accessible(page, "form over a message");
		await dialog(page).getByLabel("Folder").selectOption("Choir");
		await save(page);
		await toast(page).getByText("saved").waitFor();
		assert.match(page.url(), /\/t\//);
		await stored('address :is "from"', 'header :contains "subject"', 'fileinto "Choir";');
		await page.getByRole("button", { name: "Show filters" }).click();
		await page.locator(".rule").waitFor();
		// Nothing is thrown away by a key.
		await page.locator(".rule-main").click();
		await value(page).fill("other");
		await page.keyboard.press("Escape");
		await page.getByRole("dialog", { name: "Close without saving?" }).getByRole("button", { name: "Cancel" }).click();
		assert.equal(await value(page).inputValue(), "other");
		await page.keyboard.press("Escape");
		await page.getByRole("button", { name: "Do not save" }).click();
		await dialog(page).waitFor({ state: "detached" });
		await finish(page);
	});

	test("the form says what is missing; what the server cannot do is not offered", async () => {
		const page = await open(browser, server.url);
		await login(page);
		await openFilters(page, server);
		await page.getByRole("button", { name: "New filter" }).click();
		await dialog(page).getByRole("button", { name: "Save" }).click();
		assert.equal(await dialog(page).locator(":invalid").count() > 0, true);
		await dialog(page).getByLabel("Look at", { exact: true }).selectOption({ label: "Header field…" });
		await dialog(page).getByLabel("Name of the header field").fill("not a name:");
		assert.equal(await dialog(page).getByLabel("Name of the header field").evaluate((field) => field.validity.customError), true);
		await dialog(page).getByLabel("Name of the header field").fill("X-Mailer");
		await dialog(page).getByLabel("How").selectOption({ label: "is there" });
		await dialog(page).getByLabel("What is done").selectOption({ label: "Send a copy to" });
		await dialog(page).getByRole("textbox", { name: "Address" }).fill("nobody");
		assert.equal(await dialog(page).getByRole("textbox", { name: "Address" }).evaluate((field) => field.validity.customError), true);
		await dialog(page).getByRole("textbox", { name: "Address" }).fill("Ben <ben@hart.example>");
		await save(page);
		await stored('if exists "X-Mailer" {\n    redirect :copy "ben@hart.example";\n    stop;\n}');
		await page.locator(".rule-main").click();
		await dialog(page).getByRole("button", { name: "Remove action 1" }).click();
		await dialog(page).getByRole("switch", { name: "Stop here" }).uncheck();
		await dialog(page).getByRole("button", { name: "Save" }).click();
		await dialog(page).getByRole("alert").getByText("This filter does nothing").waitFor();
		await dialog(page).getByText("Every message").click();
		await dialog(page).getByRole("switch", { name: "Stop here" }).check();
		await save(page);
		await stored("if true {\n    stop;\n}");
		await finish(page);
	});

	test("as text: what is wrong is told with its line; own text stays whatever is done with the filters", async () => {
		const page = await open(browser, server.url);
		await login(page);
		await openFilters(page, server);
		await addRule(page, "Shop", "shop");
		await asText(page);
		await until(async () => (await editor(page).inputValue()).includes("# Filter: Shop"));
		await accessible(page, "text");
		await editor(page).focus();
		await page.keyboard.press("Control+End");
		await page.keyboard.type("bogus;");
		const line = (await editor(page).inputValue()).split("\n").length;
		await page.getByRole("alert").getByText(`line ${line}: unknown command`).waitFor();
		await accessible(page, "text with a mistake");
		await shot(page, "mistake");
		await page.getByRole("button", { name: `Go to line ${line}` }).click();
		assert.equal(await page.evaluate(() => document.activeElement.value.slice(document.activeElement.selectionStart, document.activeElement.selectionEnd)), "bogus;");
		await page.getByRole("button", { name: "Save" }).click();
		await page.getByRole("alert").getByText(`line ${line}`).waitFor();
		assert.ok(!text().includes("bogus"));
		// Tab leaves the field.
		await editor(page).focus();
		await page.keyboard.press("Tab");
		assert.equal(await editor(page).evaluate((field) => field === document.activeElement), false);
		await editor(page).fill(`# mine\n${(await editor(page).inputValue()).replace("bogus;", 'if size :over 9M {\n\tdiscard;\n}\n')}`);
		await page.getByText("No mistakes.").waitFor();
		// Looking at the list meanwhile loses nothing.
		await page.getByText("Filters", { exact: true }).last().click();
		await asText(page);
		await page.getByRole("button", { name: "Save" }).click();
		await page.locator(".filter-text").getByRole("status").getByText("Saved", { exact: true }).waitFor();
		assert.ok(text().startsWith("# mine\n") && text().endsWith("\tdiscard;\n}\n"), text());
		await page.locator(".segments").getByText("Filters", { exact: true }).click();
		await page.getByText("There is text of your own").waitFor();
		await addRule(page, "Second", "second");
		await stored("# Filter: Second", "# mine", "\tdiscard;\n}\n");
		await choose(page, "Shop", "Delete");
		await until(() => !text().includes("# Filter: Shop"));
		assert.ok(/^(require.*\n)?# mine\n/.test(text()) && text().endsWith("\tdiscard;\n}\n"), text());
		await finish(page);
	});

	test("filters that were edited by hand are left alone, until one goes back to the list", async () => {
		const page = await open(browser, server.url);
		await login(page);
		await openFilters(page, server);
		await addRule(page, "Shop", "shop");
		const edited = `${text().replace('"from" "shop"', '"from" ["shop", "market"]')}keep; # mine\n`;
		user.putScript("postern", edited);
		await page.getByText("were edited by hand").waitFor();
		await accessible(page, "edited by hand");
		await shot(page, "edited");
		assert.equal(await page.getByRole("button", { name: "New filter" }).count(), 0);
		await until(async () => (await editor(page).inputValue()).includes('["shop", "market"]'));
		await page.goto(`${server.url}/#/f/x`);
		await page.goto(`${server.url}/`);
		await row(page, "Floor plan").click();
		await page.getByRole("article").last().getByRole("button", { name: "More actions" }).click();
		await page.getByRole("menuitem", { name: "Filter messages like this" }).click();
		await dialog(page).getByText("were edited by hand").waitFor();
		assert.equal(await dialog(page).getByRole("button", { name: "Save" }).isDisabled(), true);
		await page.keyboard.press("Escape");
		await openFilters(page, server);
		await page.getByRole("button", { name: "Go back to the list" }).click();
		await page.getByText("the one filter that can still be read").first().waitFor();
		await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
		assert.ok(text().includes('["shop", "market"]'));
		await page.getByRole("button", { name: "Go back to the list" }).click();
		await page.getByRole("dialog").getByRole("button", { name: "Go back to the list" }).click();
		await inOrder(page, ["Shop"]);
		assert.ok(!text().includes("market") && text().endsWith("keep; # mine\n"));
		await finish(page);
	});

	test("another program's script: said plainly, edited as text, or ours instead; it is kept", async () => {
		user.putScript("roundcube", "# theirs\r\nkeep;\r\n", true);
		const page = await open(browser, server.url);
		await login(page);
		await openFilters(page, server);
		await page.getByText("The script “roundcube”").waitFor();
		await accessible(page, "another script");
		await shot(page, "foreign");
		await page.getByRole("button", { name: "Edit it as text" }).click();
		await until(async () => (await editor(page).inputValue()) === "# theirs\nkeep;\n");
		await editor(page).fill("# theirs\nkeep;\n# and mine\n");
		await page.getByRole("button", { name: "Save" }).click();
		await until(() => user.script("roundcube").text.endsWith("# and mine\n"));
		await page.locator(".segments").getByText("Filters", { exact: true }).click();
		// A filter made meanwhile is kept, but theirs stays active.
		await addRule(page, "Shop", "shop");
		assert.equal(user.script("roundcube").isActive, true);
		await page.getByRole("button", { name: "Use the filters here instead" }).click();
		await page.getByRole("dialog").getByRole("button", { name: "Use the filters here instead" }).click();
		await page.getByText("Mail that comes in goes through them.").waitFor();
		assert.equal(user.script("postern").isActive, true);
		await page.getByRole("switch", { name: "Use these filters" }).uncheck();
		await until(() => !user.script("postern").isActive);
		await asText(page);
		await page.getByRole("button", { name: "Activate: roundcube" }).click();
		await until(() => user.script("roundcube").isActive);
		await page.getByRole("button", { name: "Delete: roundcube" }).click();
		await page.getByRole("dialog").getByText("the active one").first().waitFor();
		await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
		await until(() => !user.script("roundcube"));
		await finish(page);
	});

	test("what others change shows; while one writes it is said", async () => {
		const page = await open(browser, server.url);
		await login(page);
		await openFilters(page, server);
		await addRule(page, "Shop", "shop");
		user.putScript("postern", text().replaceAll("Shop", "Market"));
		await inOrder(page, ["Market"]);
		await asText(page);
		await until(async () => (await editor(page).inputValue()).includes("Market"));
		await editor(page).fill(`${await editor(page).inputValue()}# mine\n`);
		user.putScript("postern", `${text()}# theirs\n`);
		await page.getByText("was changed elsewhere").waitFor();
		await accessible(page, "changed elsewhere");
		assert.match(await editor(page).inputValue(), /# mine\n$/);
		assert.equal(await page.getByRole("button", { name: "Save", exact: true }).isDisabled(), true);
		await page.getByRole("button", { name: "Take what was saved there" }).click();
		await until(async () => /# theirs\n$/.test(await editor(page).inputValue()));
		await finish(page);
	});

	test("without the network: nothing looks saved that is not", async () => {
		const page = await open(browser, server.url, { expects: /ERR_INTERNET_DISCONNECTED/ });
		await login(page);
		await openFilters(page, server);
		await addRule(page, "Shop", "shop");
		await page.context().setOffline(true);
		await page.getByRole("switch", { name: "Use “Shop”" }).click();
		await toast(page).getByText("Not saved: The server cannot be reached").waitFor();
		assert.equal(await page.getByRole("switch", { name: "Use “Shop”" }).isChecked(), true);
		await page.locator(".rule-main").click();
		await value(page).fill("market");
		await dialog(page).getByRole("button", { name: "Save" }).click();
		await dialog(page).getByRole("alert").getByText("cannot be reached").waitFor();
		await page.context().setOffline(false);
		await save(page);
		await stored('"from" "market"');
		await finish(page);
	});

	for (const [name, options] of [["dark", { scheme: "dark" }], ["phone", { width: 390, height: 844, touch: true }], ["dark phone", { width: 390, height: 844, touch: true, scheme: "dark" }]])
		test(`${name}: list, form, text`, async () => {
			const page = await open(browser, server.url, options);
			await login(page);
			await openFilters(page, server);
			await addRule(page, "Shop", "shop");
			await addRule(page, "Nobody has it", "nobody", "Choir");
			await accessible(page, `list, ${name}`);
			await shot(page, `${name}-list`);
			await page.locator(".rule-main").first().click();
			await dialog(page).waitFor();
			await dialog(page).getByLabel("How").selectOption({ label: "address is not" });
			await accessible(page, `form, ${name}`);
			await shot(page, `${name}-form`);
			await save(page);
			await asText(page);
			await editor(page).waitFor();
			await accessible(page, `text, ${name}`);
			await shot(page, `${name}-text`);
			assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth), false);
			await finish(page);
		});
});

describe("on the real server", () => {
	let server;

	before(async () => {
		server = await startServer();
	});
	after(() => server?.close());

	const mail = (from, subject, body = "text", headers = "") => server.deliver(A, textMail(subject, body, headers).replace("Ines Costa <ines@costa.example>", from));
	const arrived = (mailbox, subject) => until(() => {
		try {
			return server.stored(A, mailbox, subject).length === 1;
		} catch {
			return false;
		}
	});

	test("from contains shop: Receipts. Mail lands there, the text shows it, and what is written by hand stays", async () => {
		const page = await open(browser, server.url);
		await login(page);
		await openFilters(page, server);
		await page.getByRole("button", { name: "New filter" }).click();
		await value(page).fill("shop");
		await dialog(page).getByLabel("Folder").selectOption("New folder…");
		await page.getByLabel("Name of the folder").fill("Receipts");
		await page.getByRole("button", { name: "Create" }).click();
		await until(async () => await dialog(page).getByLabel("Folder").inputValue() === "Receipts");
		await save(page);
		await page.getByText("Mail that comes in goes through them.").waitFor();
		await mail("Harbour Shop <orders@shop.example>", "Your order");
		await arrived("Receipts", "Your order");
		assert.equal(server.stored(A, "INBOX", "Your order").length, 0);
		await mail("Maja Olsen <maja@olsen.example>", "No order");
		await arrived("INBOX", "No order");

		await asText(page);
		await until(async () => (await editor(page).inputValue()).includes('if header :contains "from" "shop" {\n    fileinto "Receipts";\n    stop;\n}'));
		await accessible(page, "text of the real server");
		await editor(page).focus();
		await page.keyboard.press("Control+End");
		await page.keyboard.type("fileintoo \"x\";");
		const line = (await editor(page).inputValue()).split("\n").length;
		await page.getByRole("button", { name: `Go to line ${line}` }).waitFor();
		const own = '# mine\nif header :contains "subject" "lottery" {\n\tdiscard;\n}\n';
		await editor(page).fill((await editor(page).inputValue()).replace('fileintoo "x";', own));
		await page.getByText("No mistakes.").waitFor();
		await page.getByRole("button", { name: "Save" }).click();
		await page.locator(".filter-text").getByRole("status").getByText("Saved", { exact: true }).waitFor();
		await mail("Fortune <win@fortune.example>", "The lottery is yours");
		await mail("Maja Olsen <maja@olsen.example>", "After it");
		await arrived("INBOX", "After it");
		assert.equal(server.stored(A, "INBOX", "The lottery").length, 0);

		// Another filter; one of them changed: what is written by hand is there, and works.
		await page.reload();
		await page.getByText("There is text of your own").waitFor();
		await page.getByRole("button", { name: "New filter" }).click();
		await dialog(page).getByLabel("Name", { exact: true }).fill("Parties");
		await dialog(page).getByLabel("Look at", { exact: true }).selectOption({ label: "Subject" });
		await value(page).fill("GRÜSSE aus");
		await dialog(page).getByLabel("What is done").selectOption({ label: "Star" });
		await save(page);
		await page.locator(".rule-main").first().click();
		await dialog(page).getByLabel("Name", { exact: true }).fill("Shops");
		await save(page);
		await inOrder(page, ["Shops", "Parties"]);
		await mail("Maja Olsen <maja@olsen.example>", "=?utf-8?Q?Viele_Gr=C3=BCsse_aus_Rom?=");
		await mail("Fortune <win@fortune.example>", "Once more: the lottery");
		await mail("Little Shop <hello@little.example>", "One more order");
		await arrived("Receipts", "One more order");
		assert.equal(server.stored(A, "INBOX", "Once more").length, 0);
		const [[, , ], [, { list }]] = await jmap(page, [
			["Email/query", { filter: { subject: "Rom" } }, "a"],
			["Email/get", { "#ids": { resultOf: "a", name: "Email/query", path: "/ids" }, properties: ["keywords"] }, "b"],
		]);
		assert.equal(list[0]?.keywords.$flagged, true);
		await asText(page);
		await until(async () => (await editor(page).inputValue()).endsWith(own));

		// What happens elsewhere shows.
		await page.locator(".segments").getByText("Filters", { exact: true }).click();
		assert.equal(await page.getByRole("switch", { name: "Use these filters" }).isChecked(), true);
		await jmap(page, [["SieveScript/set", { onSuccessDeactivateScript: true }, "a"]]);
		await page.getByText("They are kept, but do nothing at the moment.").waitFor();
		await page.getByRole("button", { name: "Back to mail" }).click();
		await folder(page, "Receipts").click();
		await row(page, "Your order").waitFor();
		await finish(page);
	});

	test("whatever can be said in the form is Sieve to the server", async () => {
		const require = createRequire(`${built}/package.json`);
		const out = join(built, "test/filters.mjs");
		await require("esbuild").build({
			stdin: { contents: 'export * from "./src/lib/rules.ts"; export * from "./src/lib/sieve.ts";', resolveDir: built, loader: "ts" },
			bundle: true, format: "esm", outfile: out, logLevel: "warning",
		});
		const { DOINGS, FIELDS, HOWS, asRule, readScript, writeScript } = await import(pathToFileURL(out));
		const texts = ["shop", '"quoted" \\ back', "Größe ☂", "@example.org", "${name} ${hex:40}", "*?", "# [postern:end]"];
		const conditions = FIELDS.flatMap((field) => HOWS[field].flatMap((how) => (field === "size" ? ["5M", "20K"] : texts)
			.map((value) => ({ field, how, value, ...(field === "header" ? { header: "X-Test" } : {}) }))));
		const actions = DOINGS.map((one) => ({ do: one, value: { label: "work", forward: "a@b.example" }[one] ?? "Größe/A & \"B\"" }));
		let n = 0;
		const rule = (more) => asRule({ id: `r${++n}`, name: `Rule ${n}`, on: true, match: "any", if: [], then: [], stop: false, ...more });
		const rules = [...conditions.map((one) => rule({ if: [one], then: [actions[n % actions.length]] })), rule({ match: "every", then: actions.slice(0, 6), stop: true }),
			rule({ match: "all", if: conditions.slice(0, 8), then: [actions[7]] })];
		const page = await open(browser, server.url);
		await login(page);
		for (const around of ["", "keep;\n", 'require "variables";\nset "name" "x";\n', 'require "encoded-character";\n', 'require ["encoded-character", "variables"];\n'])
			for (let at = 0; at < rules.length; at += 60) {
				const text = writeScript(readScript(around), rules.slice(at, at + 60), true);
				assert.equal(readScript(text).state, "rules");
				const { blobId } = await page.evaluate(async (script) => {
					const session = await (await fetch("/.well-known/jmap", { headers: { "X-Postern": "1" } })).json();
					const url = session.uploadUrl.replace("{accountId}", Object.keys(session.accounts)[0]);
					return (await fetch(new URL(url).pathname, { method: "POST", headers: { "X-Postern": "1", "Content-Type": "application/sieve" }, body: script })).json();
				}, text);
				const [[, { error }]] = await jmap(page, [["SieveScript/validate", { blobId }, "a"]]);
				assert.equal(error, null, `${JSON.stringify(error)}\n${text}`);
			}
		await finish(page);
	});
});
