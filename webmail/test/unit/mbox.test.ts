import assert from "node:assert/strict";
import { test } from "node:test";
import { MboxSplitter, aboutMessage, fieldsOf, fromLineDate } from "../../src/lib/mbox.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (b: Uint8Array | null) => (b ? new TextDecoder().decode(b) : null);

function split(input: string | Uint8Array, sizes: number[] = [], most = 1_000_000) {
	const all = typeof input === "string" ? bytes(input) : input;
	const splitter = new MboxSplitter(most);
	const made = [];
	let at = 0;
	for (const size of [...sizes, all.length]) {
		made.push(...splitter.push(all.subarray(at, at + size)));
		at += size;
	}
	made.push(...splitter.end());
	return { isMbox: splitter.isMbox, messages: made.map((m) => text(m.bytes)), dates: made.map((m) => m.received?.toISOString() ?? null), made };
}

const A = "From maja@olsen.example Tue Nov 24 08:30:00 2026\n";
const B = "From - Wed Nov 25 09:00:01 2026\n";

test("messages of an mbox, their ends and quoting", () => {
	const cases: [string, string, (string | null)[]][] = [
		["two", `${A}Subject: a\n\none\n\n${B}Subject: b\n\ntwo\n`, ["Subject: a\r\n\r\none\r\n", "Subject: b\r\n\r\ntwo\r\n"]],
		["CRLF", `${A}Subject: a\n\none\n\n${B}x: y\n\nz\n`.replace(/\n/g, "\r\n"), ["Subject: a\r\n\r\none\r\n", "x: y\r\n\r\nz\r\n"]],
		["not behind text", `${A}Subject: a\n\none\n${B}two\n`, [`Subject: a\r\n\r\none\r\n${B.replace("\n", "\r\n")}two\r\n`]],
		["no date, no message", `${A}Subject: a\n\n\nFrom here on it rains\n`, ["Subject: a\r\n\r\n\r\nFrom here on it rains\r\n"]],
		["quoted", `${A}a: b\n\n>From me\n>>From you\n> From us\n`, ["a: b\r\n\r\nFrom me\r\n>From you\r\n> From us\r\n"]],
		["empty lines inside", `${A}a: b\n\n\n\nx\n\n\n${B}c: d\n\n`, ["a: b\r\n\r\n\r\n\r\nx\r\n\r\n", "c: d\r\n"]],
		["no end", `${A}a: b\n\nx`, ["a: b\r\n\r\nx\r\n"]],
		["nothing", "", []],
		["only a line", A, []],
	];
	for (const [what, input, want] of cases)
		assert.deepEqual(split(input).messages, want, what);
});

test("the same whatever the pieces are", () => {
	const input = bytes(`${A}Subject: a\r\n\r\none\n\n>From x\n\n${B}b: c\n\n\n${"long ".repeat(40)}\n\n\n`);
	const want = split(input).messages;
	assert.equal(want.length, 2);
	for (let cut = 0; cut <= input.length; cut++)
		assert.deepEqual(split(input, [cut]).messages, want, `cut at ${cut}`);
	assert.deepEqual(split(input, Array(input.length).fill(1)).messages, want, "one octet at a time");
});

test("very long lines come whole, also with CR at their end", () => {
	const long = "x".repeat(300_000);
	for (const end of ["\n", "\r\n"]) {
		const input = bytes(`${A}a: b${end}${end}${long}${end}y${end}`);
		for (const sizes of [[], [70_000, 70_000, 70_000], Array(10).fill(30_001)])
			assert.deepEqual(split(input, sizes).messages, [`a: b\r\n\r\n${long}\r\ny\r\n`]);
		// The CR comes with one piece, the LF with the next.
		const cr = input.indexOf(13, 200_000);
		if (cr > 0)
			assert.deepEqual(split(input, [70_000, cr + 1 - 70_000]).messages, [`a: b\r\n\r\n${long}\r\ny\r\n`]);
	}
});

test("octets are kept, whatever they are", () => {
	const head = bytes(`${A}a: b\n\n`);
	const body = Uint8Array.from({ length: 246 }, (_, i) => 255 - i);
	const input = new Uint8Array(head.length + body.length);
	input.set(head);
	input.set(body, head.length);
	const { made } = split(input);
	assert.deepEqual([...made[0]!.bytes!.subarray(8, 8 + 200)], [...body.subarray(0, 200)]);
});

test("what is too large is told, and the next message is whole", () => {
	const { made } = split(`${A}a: b\n\n${"x".repeat(500)}\n\n${B}c: d\n\ny\n`, [], 100);
	assert.deepEqual(made.map((m) => text(m.bytes)), [null, "c: d\r\n\r\ny\r\n"]);
	assert.ok(made[0]!.size > 500);
});

test("a message alone is no mbox", () => {
	assert.equal(split("Subject: x\n\nFrom here\n").isMbox, false);
	assert.equal(split(`${A}a: b\n\n`).isMbox, true);
	assert.equal(split("From nobody\nSubject: x\n").isMbox, false);
});

test("dates of From lines", () => {
	const cases: [string, string | null][] = [
		["From a@b Tue Nov 24 08:30:00 2026", "2026-11-24T08:30:00.000Z"],
		["From a@b Tue Nov  4 08:30 2026", "2026-11-04T08:30:00.000Z"],
		["From 17@xxx Tue Nov 24 08:30:00 +0200 2026", "2026-11-24T06:30:00.000Z"],
		["From a b Tue Nov 24 08:30:00 2026 -0100", "2026-11-24T09:30:00.000Z"],
		["From a@b Tue Nov 24 08:30:00 CET 2026\r", "2026-11-24T08:30:00.000Z"],
		["From MAILER-DAEMON Tue Nov 24 08:30:00 2026 remote from x", "2026-11-24T08:30:00.000Z"],
		["From a@b", null],
		["From Tuesday on", null],
		["From a@b Tue Nov 99 08:30:00 2026", null],
	];
	for (const [line, want] of cases)
		assert.equal(fromLineDate(line)?.toISOString() ?? null, want, line);
});

test("what an import needs to know", () => {
	const raw = bytes("Received: from x by y;\r\n Tue, 24 Nov 2026 10:00:00 +0200 (CEST)\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\n" +
		"Message-ID: <1@x>\r\nSubject: Hello\r\n there\r\nStatus: RO\r\nX-Status: AF\r\nX-Keywords: work (bad)\r\nX-UID: 7\r\n\r\nText\r\n");
	const alone = aboutMessage(raw, null);
	assert.equal(alone.received?.toISOString(), "2026-11-24T08:00:00.000Z");
	assert.deepEqual([alone.messageId, alone.subject, alone.keywords], ["1@x", "Hello there", null]);
	assert.equal(alone.bytes.length, raw.length);
	const of = aboutMessage(raw, { received: new Date(0), size: raw.length, bytes: raw });
	assert.equal(of.received?.getTime(), 0);
	assert.deepEqual(of.keywords, ["$seen", "$answered", "$flagged", "work"]);
	assert.ok(!/status|keywords|x-uid/i.test(text(of.bytes)!));
	assert.ok(text(of.bytes)!.endsWith("Subject: Hello\r\n there\r\n\r\nText\r\n"));
	assert.equal(aboutMessage(bytes("Date: nonsense\r\n\r\n"), null).received, null);
	assert.equal(fieldsOf(bytes("a: b\r\n\r\nc: d\r\n")).lines.length, 1);
});
