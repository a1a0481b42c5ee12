import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSearch, withoutTerm } from "../../src/lib/search.ts";

const context = {
	mailbox: (name: string) => ({ inbox: "m1", house: "m2", "floor plans": "m3" })[name.toLowerCase()],
	hidden: ["junk", "trash"],
	now: new Date("2026-03-10T12:00:00Z"),
};
const parse = (text: string) => parseSearch(text, context);
// Without the scope, that is the same everywhere.
const filter = (text: string) => parseSearch(text, { ...context, hidden: [] }).filter;

const cases: [string, unknown][] = [
	["", {}],
	["plan", { text: "plan" }],
	["floor plan", { operator: "AND", conditions: [{ text: "floor" }, { text: "plan" }] }],
	['"floor plan"', { text: "floor plan" }],
	['"unfinished phrase', { text: "unfinished phrase" }],
	["from:maja", { from: "maja" }],
	['subject:"floor plan"', { subject: "floor plan" }],
	["from:", {}],
	["has:attachment", { hasAttachment: true }],
	["is:unread", { notKeyword: "$seen" }],
	["is:read", { hasKeyword: "$seen" }],
	["is:starred", { hasKeyword: "$flagged" }],
	["is:draft", { hasKeyword: "$draft" }],
	["label:Waiting", { hasKeyword: "waiting" }],
	["larger:5M", { minSize: 5_000_000 }],
	["smaller:20k", { maxSize: 20_000 }],
	["newer_than:7d", { after: "2026-03-03T12:00:00Z" }],
	["older_than:1y", { before: "2025-03-10T12:00:00Z" }],
	["in:house", { inMailbox: "m2" }],
	['in:"Floor Plans"', { inMailbox: "m3" }],
	["in:anywhere", {}],
	["-from:bank", { operator: "NOT", conditions: [{ from: "bank" }] }],
	["a OR b", { operator: "OR", conditions: [{ text: "a" }, { text: "b" }] }],
	["a b OR c", { operator: "OR", conditions: [{ operator: "AND", conditions: [{ text: "a" }, { text: "b" }] }, { text: "c" }] }],
	["(a OR b) c", { operator: "AND", conditions: [{ operator: "OR", conditions: [{ text: "a" }, { text: "b" }] }, { text: "c" }] }],
	["-(a OR b)", { operator: "NOT", conditions: [{ operator: "OR", conditions: [{ text: "a" }, { text: "b" }] }] }],
	["a)", { text: "a" }],
	["((a", { text: "a" }],
	["OR", {}],
	// What is no operator of ours is looked for as it stands.
	["http://example.org", { text: "http://example.org" }],
	["is:purple", { text: "is:purple" }],
	["before:soon", { text: "before:soon" }],
	["in:nowhere", { text: "in:nowhere" }],
];

for (const [text, want] of cases)
	test(`search: ${text || "(nothing)"}`, () => assert.deepEqual(filter(text), want));

test("a search leaves Junk and Trash out", () => {
	assert.deepEqual(parse("plan").filter, { operator: "AND", conditions: [{ text: "plan" }, { inMailboxOtherThan: ["junk", "trash"] }] });
	assert.deepEqual(parse("plan in:house").filter, { operator: "AND", conditions: [{ text: "plan" }, { inMailbox: "m2" }] });
	assert.deepEqual(parse("plan in:anywhere").filter, { text: "plan" });
});

test("days are days of the reader's clock", () => {
	const midnight = (y: number, m: number, d: number) => new Date(y, m - 1, d).toISOString().replace(/\.\d+Z$/, "Z");
	assert.deepEqual(filter("before:2026-03-01"), { before: midnight(2026, 3, 1) });
	assert.deepEqual(filter("after:2026-03-01"), { after: midnight(2026, 3, 2) });
	assert.deepEqual(filter("on:2026-03-01"), { operator: "AND", conditions: [{ after: midnight(2026, 3, 1) }, { before: midnight(2026, 3, 2) }] });
});

test("words to mark are those that are looked for in text", () => {
	assert.deepEqual(parse('plan from:maja -not "two words" is:unread').words, ["plan", "maja", "two words"]);
});

test("a term can be taken away", () => {
	assert.deepEqual(parse('from:a "b c" -d').terms, ["from:a", '"b c"', "-d"]);
	assert.equal(withoutTerm('from:a "b c" -d', '"b c"'), "from:a -d");
});

test("any text ends, however strange", () => {
	for (const text of ["(".repeat(2000), ")".repeat(2000), "-".repeat(2000), "a:".repeat(2000), '"'.repeat(2001), "OR ".repeat(1000)])
		parse(text);
});
