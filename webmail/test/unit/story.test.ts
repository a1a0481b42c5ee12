// The life of a message in plain words.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Event, outcome, stories, tell } from "../../src/admin/story.ts";

const event = (name: string, what: Record<string, string> = {}, story = 0): Event =>
	({ story, time: "2026-01-31T12:00:00.000Z", id: "x", event: name, what });

test("an event is a sentence, and keeps what it does not say as details", () => {
	const told = tell(event("sent", { to: "maja@far.test", remote: "mx.far.test", answer: "250 Ok", tls: "TLS1.3" }));
	assert.equal(told.text, "Delivered to maja@far.test: mx.far.test said “250 Ok”");
	assert.equal(told.mood, "good");
	assert.deepEqual(told.detail, [["tls", "TLS1.3"]]);
});

test("who handed a message in, and what has no sender", () => {
	assert.equal(tell(event("mail", { from: "a@b.test", client: "192.0.2.1", by: "smtp" })).text, "Came from a@b.test, by the server 192.0.2.1");
	assert.equal(tell(event("mail", { from: "a@b.test", user: "a@b.test", by: "jmap" })).text, "Handed in by a@b.test, as a@b.test");
	assert.equal(tell(event("mail", { client: "192.0.2.1" })).text, "Came by the server 192.0.2.1, without a sender: a notification");
});

test("what is not noted is a dash; what is not known is told as it is", () => {
	assert.equal(tell(event("checked", { spf: "pass" })).text, "Checked: SPF pass, DKIM –, DMARC –");
	const strange = tell(event("something-new", { a: "1" }));
	assert.deepEqual([strange.text, strange.mood, strange.detail], ["something-new", "plain", [["a", "1"]]]);
});

test("what came last of that which decides is what became of it", () => {
	const waits = [event("mail"), event("stored", { user: "u", mailbox: "INBOX" }), event("deferred", { to: "x", answer: "451" }), event("try")];
	assert.equal(outcome(waits).mood, "wait");
	assert.equal(outcome([...waits, event("sent", { to: "x" })]).mood, "good");
	assert.equal(outcome([event("mail"), event("rcpt")]).text, tell(event("rcpt")).text);
});

test("items are parted into stories, in their order", () => {
	const all = [event("mail", {}, 0), event("rcpt", {}, 0), event("mail", {}, 1)];
	assert.deepEqual(stories(all).map((one) => one.length), [2, 1]);
	assert.deepEqual(stories([]), []);
});
