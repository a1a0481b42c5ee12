import assert from "node:assert/strict";
import { test } from "node:test";
import { initials, parseAddresses, shortName, written } from "../../src/lib/address.ts";
import { failedChecks, misleadingLink, misleadingName } from "../../src/lib/auth.ts";
import { listTime, messageTime } from "../../src/lib/date.ts";
import { linkify } from "../../src/lib/linkify.ts";
import { bareSubject, quotePlain, replySubject, speaksOfAttachment, splitQuote } from "../../src/lib/quote.ts";
import { fileSize } from "../../src/lib/size.ts";
import { t } from "../../src/text/text.ts";

const links = (text: string) => linkify(text).filter((p) => p.href).map((p) => p.href);

test("links are found without the punctuation around them", () => {
	const cases: [string, string[]][] = [
		["see https://example.org/a.", ["https://example.org/a"]],
		["(https://example.org/a_(b))", ["https://example.org/a_(b)"]],
		["www.example.org, and more", ["https://www.example.org"]],
		["write to maja@olsen.example!", ["mailto:maja@olsen.example"]],
		["<https://example.org/?a=1&b=2>", ["https://example.org/?a=1&b=2"]],
		["javascript:alert(1) data:text/html,x", []],
		["nothing here", []],
	];
	for (const [text, want] of cases)
		assert.deepEqual(links(text), want, text);
});

test("a text with links is the same text", () => {
	const text = "a https://x.example/, b <c@d.example>. (www.e.example)";
	assert.equal(linkify(text).map((p) => p.text).join(""), text);
});

test("addresses are read as people type them", () => {
	assert.deepEqual(parseAddresses('a@b.example, "Olsen, Maja" <maja@olsen.example>; Ben <ben@h.example>\nc@d.example').found, [
		{ name: null, email: "a@b.example" }, { name: "Olsen, Maja", email: "maja@olsen.example" },
		{ name: "Ben", email: "ben@h.example" }, { name: null, email: "c@d.example" },
	]);
	assert.deepEqual(parseAddresses("maja, a@b.example").rest, ["maja"]);
	assert.deepEqual(parseAddresses("a@b@c, a b@c.example").found, []);
});

test("what is written is read back", () => {
	for (const address of [{ name: "Olsen, Maja", email: "m@o.example" }, { name: 'a "b" \\ c', email: "x@y.example" }, { name: "Zoë", email: "z@z.example" }])
		assert.deepEqual(parseAddresses(written(address)).found, [address]);
});

test("names", () => {
	assert.equal(shortName({ name: "Maja Olsen", email: "" }), "Maja");
	assert.equal(shortName({ name: "Olsen, Maja", email: "" }), "Maja");
	assert.equal(shortName({ name: null, email: "maja@olsen.example" }), "maja");
	assert.equal(initials({ name: "Maja Olsen", email: "" }), "MO");
	assert.equal(initials({ name: null, email: "maja@x.example" }), "MA");
	assert.equal(initials(null), "?");
});

test("times say as much as is needed", () => {
	const now = new Date(2026, 2, 10, 12, 0);
	const at = (...args: [number, number, number, number, number]) => new Date(...args).toISOString();
	assert.equal(listTime(at(2026, 2, 10, 9, 5), now), "09:05");
	assert.equal(listTime(at(2026, 2, 9, 23, 59), now), "Yesterday");
	assert.equal(listTime(at(2026, 2, 6, 9, 0), now), "Fri");
	assert.equal(listTime(at(2026, 1, 1, 9, 0), now), "1 Feb");
	assert.equal(listTime(at(2024, 1, 1, 9, 0), now), "1 Feb 2024");
	assert.equal(messageTime(at(2026, 2, 10, 0, 0), now), "Today 00:00");
	assert.equal(listTime("rubbish", now), "");
});

test("the quotation at the end is told apart", () => {
	const text = "Yes.\n\nAnna\n\nOn Sunday, Maja wrote:\n> Shall we?\n>\n> Maja\n";
	assert.equal(splitQuote(text).own, "Yes.\n\nAnna");
	assert.match(splitQuote(text).quoted, /^On Sunday/);
	assert.equal(splitQuote("no quotation").quoted, "");
	assert.equal(splitQuote("> only\n> quotation").quoted, "");
	// An answer between the lines stays whole.
	assert.equal(splitQuote("> a?\nyes\n> b?\nno").quoted, "");
});

test("quoting and subjects", () => {
	assert.equal(quotePlain("a\r\n> b\n"), "> a\n>> b");
	assert.equal(bareSubject("Re: AW: Fwd: plan"), "plan");
	assert.equal(replySubject("RE: Re[2]: plan"), "Re: plan");
	assert.equal(bareSubject("Rebate: now"), "Rebate: now");
});

test("a forgotten attachment is noticed, but not a quoted one", () => {
	assert.ok(speaksOfAttachment("The plan is attached."));
	assert.ok(speaksOfAttachment("Anbei der Plan.") && speaksOfAttachment("Der Plan ist angehängt."));
	assert.ok(!speaksOfAttachment("Thanks!\n\nOn Sunday, Maja wrote:\n> The plan is attached.\n> Maja"));
});

test("senders that are not what they show", () => {
	assert.equal(misleadingName({ name: "service@bank.example", email: "x@far.example" }), "service@bank.example");
	assert.equal(misleadingName({ name: "a@b.example", email: "A@b.example" }), null);
	assert.deepEqual(failedChecks(["mx; dmarc=fail (p=reject); spf=fail; dkim=pass"]), ["DMARC", "SPF"]);
	assert.deepEqual(failedChecks(["mx; dmarc=pass; spf=fail"]), []);
	// Only our own server's field counts: the topmost.
	assert.deepEqual(failedChecks(["mx; spf=none", "other; dmarc=fail"]), []);
	assert.deepEqual(failedChecks(undefined), []);
});

test("links that lead elsewhere", () => {
	assert.deepEqual(misleadingLink("www.bank.example", "https://evil.example/x"), { shown: "www.bank.example", real: "evil.example" });
	assert.equal(misleadingLink("bank.example", "https://www.bank.example/login"), null);
	assert.equal(misleadingLink("Click here", "https://evil.example"), null);
	assert.deepEqual(misleadingLink("https://bank.example/login", "https://bank.example.evil.example/"), { shown: "bank.example", real: "bank.example.evil.example" });
});

test("sizes and numbers", () => {
	assert.equal(fileSize(412_000), "412 KB");
	assert.equal(fileSize(3_100_000), "3.1 MB");
	assert.equal(t("row.messages", { n: 1 }), "one message");
	assert.equal(t("row.messages", { n: 4318 }), "4,318 messages");
});
