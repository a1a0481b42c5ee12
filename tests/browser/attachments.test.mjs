// Files: dropped, cancelled, pasted, looked at, downloaded one by one and all together; names and types that want more.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { accessible, attach, finish, launch, login, open, row, toast, until, write } from "./support.mjs";
import { startServer, textMail } from "./server.mjs";

const A = "user1@example.test", B = "user2@example.test";
const PNG = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");
const PDF = Buffer.from("%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj " +
	"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 90 90]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n");
const BIG = 20_000_000, LIMIT = 24_000_000;

let browser, server;

before(async () => {
	browser = await launch();
	server = await startServer([`http.upload_size=${LIMIT}`]);
});
after(async () => {
	await browser?.close();
	await server?.close();
});

test("dropped files upload with their progress; one is cancelled, one is too large; a picture is pasted", async () => {
	const a = await open(browser, server.url, { settings: { undoSeconds: 0 } });
	await login(a);
	await write(a, B, "Plans", "Here they are: ");
	const dialog = a.getByRole("dialog", { name: "Plans" });
	const cdp = await a.context().newCDPSession(a);
	const slow = (upload) => cdp.send("Network.emulateNetworkConditions", { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: upload });
	await slow(2_000_000);
	await a.evaluate(([big, limit]) => {
		const transfer = new DataTransfer();
		transfer.items.add(new File(["one"], "one.txt", { type: "text/plain" }));
		transfer.items.add(new File([new Uint8Array(big)], "walls.bin"));
		transfer.items.add(new File([new Uint8Array(big)], "mistake.bin"));
		transfer.items.add(new File([new Uint8Array(limit + 1)], "house.bin"));
		const target = document.querySelector(".composer");
		target.dispatchEvent(new DragEvent("dragover", { dataTransfer: transfer, bubbles: true, cancelable: true }));
		target.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
	}, [BIG, LIMIT]);
	await toast(a).getByText("house.bin is too large: at most 24 MB").waitFor();
	const progress = dialog.getByRole("progressbar", { name: "walls.bin" });
	await until(async () => Number(await progress.getAttribute("value")) > 0);
	await a.keyboard.press("Control+Enter");
	await a.getByText("Wait until the attachments are uploaded.").waitFor();
	await accessible(a, "uploading");
	await dialog.getByRole("button", { name: "Cancel mistake.bin" }).click();
	await slow(-1);
	await dialog.getByRole("button", { name: "Remove walls.bin" }).waitFor();
	await dialog.getByRole("button", { name: "Remove one.txt" }).waitFor();
	assert.equal(await dialog.getByText("mistake.bin").count(), 0);

	await a.getByLabel("Text of the message").click();
	await a.keyboard.press("Control+End");
	await a.evaluate((base64) => {
		const transfer = new DataTransfer();
		transfer.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], "pasted.png", { type: "image/png" }));
		document.querySelector(".editor").dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true, cancelable: true }));
	}, PNG.toString("base64"));
	await a.getByLabel("Text of the message").getByRole("img", { name: "pasted.png" }).waitFor();
	await a.getByText(/^Saved \d/).waitFor();
	await a.keyboard.press("Control+Enter");
	await toast(a).getByText("Message sent").waitFor();
	await until(() => server.stored(B, "INBOX", "Plans").length === 1);
	const [message] = server.stored(B, "INBOX", "Plans");
	assert.deepEqual(message.defects, []);
	const files = message.parts.filter((p) => p.disposition === "attachment");
	assert.deepEqual(files.map((p) => [p.name, p.size]), [["one.txt", 3], ["walls.bin", BIG]]);
	const picture = message.parts.find((p) => p.type === "image/png"), html = message.parts.find((p) => p.type === "text/html");
	assert.equal(picture.size, PNG.length);
	assert.match(html.text, new RegExp(`src="cid:${picture.cid.slice(1, -1)}"`));
	await finish(a);
});

test("names and types that want more than to be files", async () => {
	const a = await open(browser, server.url, { settings: { undoSeconds: 0 } });
	const b = await open(browser, server.url);
	await login(a);
	await login(b, B);
	const files = [
		["Grundriß 日本.txt", "text/plain", "flat"], ['say "hi"; x=1.txt', "text/plain", "quoted"], ["../../.bashrc", "text/plain", "up"],
		["page.html", "text/html", "<script>top.hit=1</script>"],
		["drawing.svg", "image/svg+xml", "<svg xmlns='http://www.w3.org/2000/svg' onload='top.hit=1'/>"],
		["photo.png", "image/png", PNG], ["plan.pdf", "application/pdf", PDF],
	].map(([name, mimeType, content]) => ({ name, mimeType, buffer: Buffer.from(content) }));
	await write(a, B, "Names", "Seven of them.");
	await attach(a, files);
	await a.keyboard.press("Control+Enter");
	await row(b, "Names").click();
	await b.getByText("page.html").waitFor();
	await accessible(b, "attachments");
	const [message] = server.stored(B, "INBOX", "Names");
	assert.deepEqual(message.parts.filter((p) => p.disposition === "attachment").map((p) => p.name), files.map((f) => f.name));
	assert.match(message.raw, /filename\*/i, "RFC 2231");

	for (const { name, buffer } of files) {
		const download = b.waitForEvent("download");
		await b.getByRole("link", { name: `Download ${name}` }).last().click();
		const file = await download;
		assert.doesNotMatch(file.suggestedFilename(), /[/\\]|^\./);
		assert.deepEqual(Buffer.concat(await (await file.createReadStream()).toArray()), buffer);
	}
	// What could run is a download wherever it is opened; a picture and a PDF are shown, alone.
	const show = async (name) => {
		const url = await b.getByRole("listitem").filter({ hasText: name }).getByRole("link").first().getAttribute("href");
		return b.evaluate(async (at) => {
			const { headers } = await fetch(at);
			return [headers.get("content-disposition").split(";")[0], headers.get("content-type"), headers.get("x-content-type-options"),
				/default-src 'none'/.test(headers.get("content-security-policy"))];
		}, url);
	};
	assert.deepEqual(await show("photo.png"), ["inline", "image/png", "nosniff", true]);
	assert.deepEqual(await show("plan.pdf"), ["inline", "application/pdf", "nosniff", true]);
	for (const name of ["page.html", "drawing.svg"]) {
		assert.equal((await show(name))[0], "attachment");
		const url = new URL(await b.getByRole("listitem").filter({ hasText: name }).getByRole("link").first().getAttribute("href"), server.url);
		url.searchParams.set("show", "1");
		const other = await b.context().newPage();
		const download = other.waitForEvent("download");
		await other.goto(url.href).catch(() => undefined);
		await download;
		assert.equal(other.url(), "about:blank");
		await other.close();
	}
	const popup = b.waitForEvent("popup");
	await b.getByRole("listitem").filter({ hasText: "photo.png" }).getByRole("link").first().click();
	const picture = await popup;
	await picture.waitForLoadState();
	assert.equal(await picture.evaluate(() => document.images[0].naturalWidth), 1);
	assert.equal(await picture.evaluate(() => window.opener), null);
	await picture.close();

	// All together, unpacked by another program.
	const download = b.waitForEvent("download");
	await b.getByRole("button", { name: "Download all as zip" }).click();
	const file = await download;
	assert.equal(file.suggestedFilename(), "Names.zip");
	const dir = mkdtempSync(join(tmpdir(), "postern-zip-"));
	await file.saveAs(join(dir, "all.zip"));
	execFileSync("python3", ["-m", "zipfile", "-t", join(dir, "all.zip")]);
	execFileSync("python3", ["-m", "zipfile", "-e", join(dir, "all.zip"), join(dir, "out")]);
	for (const [i, name] of ["Grundriß 日本.txt", "say _hi_; x=1.txt", "_.._.bashrc", "page.html", "drawing.svg", "photo.png", "plan.pdf"].entries())
		assert.deepEqual(readFileSync(join(dir, "out", name)), files[i].buffer, name);
	rmSync(dir, { recursive: true });
	assert.equal(await b.evaluate(() => window.hit), undefined);
	await finish(a);
	await finish(b);
});

test("an attachment that was forgotten is asked for once", async () => {
	const a = await open(browser, server.url, { settings: { undoSeconds: 0 } });
	await login(a);
	await write(a, B, "Forgotten", "The bill is attached.");
	await a.keyboard.press("Control+Enter");
	const question = a.getByRole("dialog", { name: /speaks of an attachment/ });
	await question.waitFor();
	await accessible(a, "a question");
	await question.getByRole("button", { name: "Cancel" }).click();
	await attach(a, [{ name: "bill.txt", mimeType: "text/plain", buffer: Buffer.from("12") }]);
	await a.keyboard.press("Control+Enter");
	await toast(a).getByText("Message sent").waitFor();
	assert.equal(await question.count(), 0);
	// What an answer quotes does not count.
	await server.deliver(A, textMail("The other bill", "It is attached, they say.").replace("Ines Costa <ines@costa.example>", B), B);
	await row(a, "The other bill").click();
	await a.getByText("It is attached, they say.").last().waitFor();
	await a.keyboard.press("r");
	await a.getByLabel("Text of the message").waitFor();
	await a.keyboard.type("Thanks.");
	await a.keyboard.press("Control+Enter");
	await until(async () => await question.isVisible() || await toast(a).getByText("Message sent").isVisible());
	assert.equal(await question.count(), 0);
	await finish(a);
});
