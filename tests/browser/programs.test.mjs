// Programs of others on one account: jmap-jam, a client of JMAP, from the session to mail that is sent; and imapflow, a
// client of IMAP, that sees what was done by JMAP and the other way round.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { built } from "./support.mjs";
import { startServer, textMail } from "./server.mjs";

const require = createRequire(`${built}/package.json`);
const { JamClient } = await import(require.resolve("jmap-jam"));
const { ImapFlow } = require("imapflow");
const USER = "user1@example.test", OTHER = "user2@example.test";

// Tokens of the server's own certificate are not known to Node.
process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";

let server, jam, account, token;
const flows = [];

before(async () => {
	server = await startServer();
	token = tokenOf(USER);
	jam = new JamClient({ bearerToken: token, sessionUrl: `${server.url}/.well-known/jmap` });
	account = await jam.getPrimaryAccount();
});
after(async () => {
	for (const flow of flows)
		await flow.logout().catch(() => flow.close());
	await server?.close();
});

// An app password for JMAP, as a bearer token.
function tokenOf(user) {
	const found = /^pt-[\w-]+$/m.exec(server.ctl("app-password", "add", user, "jam", "jmap"));
	assert.ok(found, "there is a token");
	return found[0];
}

async function connectFlow(user = USER) {
	const { host, ports } = JSON.parse(server.read("ready.json"));
	const flow = new ImapFlow({
		host, port: ports.imaps, secure: true, logger: false, auth: { user, pass: "secret" },
		tls: { ca: readFileSync(join(server.dir, "cert.pem")), rejectUnauthorized: false },
	});
	flow.on("error", () => undefined);
	await flow.connect();
	flows.push(flow);
	return flow;
}

async function roles(client = jam, accountId = account) {
	const [{ list }] = await client.api.Mailbox.get({ accountId, ids: null });
	return Object.fromEntries(list.map((m) => [m.role ?? m.name, m.id]));
}

async function until(check, what) {
	for (let i = 0; i < 200; i++) {
		const value = await check();
		if (value)
			return value;
		await new Promise((wake) => setTimeout(wake, 50));
	}
	assert.fail(`not within ten seconds: ${what}`);
}

// The messages with a subject, by JMAP.
async function bySubject(subject, properties) {
	const [{ emails }] = await jam.requestMany((b) => {
		const found = b.Email.query({ accountId: account, filter: { subject } });
		return { found, emails: b.Email.get({ accountId: account, ids: found.$ref("/ids"), properties }) };
	});
	return emails.list;
}

// The same by IMAP, in one mailbox.
async function inMailbox(flow, box, subject) {
	const lock = await flow.getMailboxLock(box);
	try {
		await flow.noop();
		const all = new Map();
		// News of flags come in between, without the envelope.
		for await (const m of flow.fetch("1:*", { uid: true, flags: true, envelope: true, threadId: true, source: true }))
			all.set(m.uid, { ...all.get(m.uid), ...(m.envelope ? m : {}), flags: [...m.flags].sort() });
		return [...all.values()].filter((m) => m.envelope?.subject === subject);
	} finally {
		lock.release();
	}
}

test("jmap-jam: the session, mailboxes, a query with references", async () => {
	const session = await jam.session;
	assert.equal(session.username, USER);
	assert.equal(session.accounts[account].name, USER);
	const role = await roles();
	for (const name of ["inbox", "drafts", "sent", "trash"])
		assert.ok(role[name], name);
	await server.deliver(USER, textMail("First", "Hello"));
	await server.deliver(USER, textMail("Second", "Hello again"));
	const [{ boxes, query, emails, threads }, meta] = await jam.requestMany((b) => {
		const boxes = b.Mailbox.get({ accountId: account, ids: null });
		const query = b.Email.query({
			accountId: account, filter: { inMailbox: role.inbox }, sort: [{ property: "receivedAt", isAscending: false }], limit: 10,
		});
		const emails = b.Email.get({ accountId: account, ids: query.$ref("/ids"), properties: ["id", "threadId", "subject", "from"] });
		const threads = b.Thread.get({ accountId: account, ids: emails.$ref("/list/*/threadId") });
		return { boxes, query, emails, threads };
	});
	assert.equal(meta.sessionState, session.state);
	assert.ok(boxes.list.length >= 6);
	assert.deepEqual(emails.list.map((e) => e.id), query.ids);
	assert.deepEqual(new Set(emails.list.map((e) => e.subject)), new Set(["First", "Second"]));
	assert.equal(emails.list[0].from[0].email, "ines@costa.example");
	assert.deepEqual(threads.list.map((t) => t.emailIds), query.ids.map((id) => [id]));
	await assert.rejects(jam.request(["Email/get", { accountId: "other", ids: [] }]), (e) => e.type === "accountNotFound");
});

test("jmap-jam: a draft with an attachment is made, sent, and arrives", async () => {
	const role = await roles();
	const octets = Uint8Array.from({ length: 100_000 }, (_, i) => i * 7);
	const blob = await jam.uploadBlob(account, octets, { headers: { Authorization: `Bearer ${token}`, "Content-Type": "image/png" } });
	assert.equal(blob.size, octets.length);
	const [{ list: [identity] }] = await jam.api.Identity.get({ accountId: account, ids: null });
	const [made] = await jam.api.Email.set({
		accountId: account, create: {
			draft: {
				mailboxIds: { [role.drafts]: true }, keywords: { $draft: true, $seen: true }, subject: "Sent by jam",
				from: [{ name: "One", email: USER }], to: [{ name: null, email: OTHER }],
				bodyStructure: {
					type: "multipart/mixed", subParts: [
						{ type: "text/plain", partId: "text" },
						{ type: "image/png", blobId: blob.blobId, name: "Bild ä.png", disposition: "attachment" },
					],
				},
				bodyValues: { text: { value: "See the picture.\n" } },
			},
		},
	});
	const id = made.created.draft.id;
	const [sent] = await jam.api.EmailSubmission.set({
		accountId: account, create: { s: { emailId: id, identityId: identity.id } },
		onSuccessUpdateEmail: { "#s": { [`mailboxIds/${role.drafts}`]: null, [`mailboxIds/${role.sent}`]: true, "keywords/$draft": null } },
	});
	assert.ok(sent.created.s.id);
	const [{ list: [mine] }] = await jam.api.Email.get({ accountId: account, ids: [id], properties: ["mailboxIds", "keywords"] });
	assert.deepEqual([mine.mailboxIds, mine.keywords], [{ [role.sent]: true }, { $seen: true }]);

	const other = new JamClient({ bearerToken: tokenOf(OTHER), sessionUrl: `${server.url}/.well-known/jmap` });
	const theirs = await other.getPrimaryAccount();
	const got = await until(async () => {
		const [{ ids: [found] }] = await other.api.Email.query({ accountId: theirs, filter: { subject: "Sent by jam" } });
		return found && (await other.api.Email.get({
			accountId: theirs, ids: [found], properties: ["subject", "attachments", "bodyValues", "textBody"], fetchTextBodyValues: true,
		}))[0].list[0];
	}, "the message arrives");
	assert.equal(got.bodyValues[got.textBody[0].partId].value.trim(), "See the picture.");
	assert.equal(got.attachments[0].name, "Bild ä.png");
	const file = await other.downloadBlob({
		accountId: theirs, blobId: got.attachments[0].blobId, mimeType: "image/png", fileName: "a b/ä.png",
	});
	assert.deepEqual(new Uint8Array(await file.arrayBuffer()), octets);
	await assert.rejects(jam.downloadBlob({
		accountId: account, blobId: got.attachments[0].blobId, mimeType: "image/png", fileName: "x",
	}));
});

test("jmap-jam: the event source tells of mail, and changes say what it was", async () => {
	const [{ state }] = await jam.api.Email.get({ accountId: account, ids: [] });
	const lines = [];
	// Node has no EventSource that would say who asks.
	const real = globalThis.EventSource;
	globalThis.EventSource = class {
		constructor(url) {
			this.stop = new AbortController();
			this.open = fetch(url, { headers: { Authorization: `Bearer ${token}` }, signal: this.stop.signal });
		}
	};
	const source = await jam.connectEventSource({ types: ["Email", "Mailbox"], ping: 0 });
	globalThis.EventSource = real;
	const response = await source.open;
	assert.equal(response.headers.get("content-type"), "text/event-stream");
	const reading = (async () => {
		for await (const piece of response.body)
			lines.push(Buffer.from(piece).toString());
	})().catch(() => undefined);
	await server.deliver(USER, textMail("Told at once", "Hello"));
	await until(() => lines.join("").includes("\n\n"), "an event");
	const data = /^data: (.*)$/m.exec(lines.join(""));
	const change = JSON.parse(data[1]);
	assert.equal(change["@type"], "StateChange");
	assert.deepEqual(Object.keys(change.changed[account]).sort(), ["Email", "Mailbox"]);
	source.stop.abort();
	await reading;
	const [{ changes, created }] = await jam.requestMany((b) => {
		const changes = b.Email.changes({ accountId: account, sinceState: state });
		return { changes, created: b.Email.get({ accountId: account, ids: changes.$ref("/created"), properties: ["subject"] }) };
	});
	assert.equal(changes.newState, change.changed[account].Email);
	assert.deepEqual(created.list.map((e) => e.subject), ["Told at once"]);
});

test("imapflow and JMAP: flags, moves, new and deleted messages are the same for both", async () => {
	const flow = await connectFlow();
	const role = await roles();
	await server.deliver(USER, textMail("Shared", "For both"));
	const [email] = await until(async () => {
		const list = await bySubject("Shared", ["id", "threadId", "blobId", "size", "keywords", "receivedAt"]);
		return list.length > 0 && list;
	}, "the message is there");

	// One id, the same octets.
	let [message] = await inMailbox(flow, "INBOX", "Shared");
	assert.equal(message.emailId, email.id);
	const file = await jam.downloadBlob({ accountId: account, blobId: email.blobId, mimeType: "message/rfc822", fileName: "a.eml" });
	assert.deepEqual(Buffer.from(await file.arrayBuffer()), Buffer.from(message.source));
	assert.equal(message.source.length, email.size);
	assert.equal(message.threadId, email.threadId);

	// Flags, from each side.
	await jam.api.Email.set({ accountId: account, update: { [email.id]: {
		"keywords/$seen": true, "keywords/$flagged": true, "keywords/$forwarded": true, "keywords/label-one": true } } });
	[message] = await inMailbox(flow, "INBOX", "Shared");
	assert.deepEqual(message.flags.map((f) => f.toLowerCase()).filter((f) => f !== "\\recent"),
		["$forwarded", "\\flagged", "\\seen", "label-one"].sort());
	let lock = await flow.getMailboxLock("INBOX");
	await flow.messageFlagsRemove(String(message.uid), ["\\Seen", "label-one"], { uid: true });
	await flow.messageFlagsAdd(String(message.uid), ["\\Answered"], { uid: true });
	lock.release();
	assert.deepEqual((await bySubject("Shared", ["keywords"]))[0].keywords, { $flagged: true, $forwarded: true, $answered: true });

	// Moves: the id stays.
	lock = await flow.getMailboxLock("INBOX");
	await flow.messageMove(String(message.uid), "Archive", { uid: true });
	lock.release();
	let [now] = await bySubject("Shared", ["id", "threadId", "mailboxIds", "keywords"]);
	assert.deepEqual([now.id, now.threadId, now.mailboxIds], [email.id, email.threadId, { [role.archive]: true }]);
	await jam.api.Email.set({ accountId: account, update: { [email.id]: { mailboxIds: { [role.inbox]: true, [role.archive]: true } } } });
	for (const box of ["INBOX", "Archive"])
		assert.equal((await inMailbox(flow, box, "Shared"))[0].emailId, email.id, box);
	await jam.api.Email.set({ accountId: account, update: { [email.id]: { [`mailboxIds/${role.archive}`]: null } } });
	assert.deepEqual(await inMailbox(flow, "Archive", "Shared"), []);

	// A mailbox made by one, and mail put into it by the other.
	const [{ created }] = await jam.api.Mailbox.set({ accountId: account, create: { m: { name: "Bücher & mehr" } } });
	const listed = (await flow.list()).map((m) => m.path);
	assert.ok(listed.includes("Bücher & mehr"), listed.join());
	await flow.append("Bücher & mehr", Buffer.from("Subject: Appended\r\nMessage-ID: <appended@x>\r\n\r\nText\r\n"), ["\\Flagged"],
		new Date("2026-02-03T04:05:06Z"));
	const [appended] = await bySubject("Appended", ["id", "mailboxIds", "keywords", "receivedAt", "messageId", "preview"]);
	assert.deepEqual([appended.mailboxIds, appended.keywords, appended.receivedAt, appended.messageId, appended.preview],
		[{ [created.m.id]: true }, { $flagged: true }, "2026-02-03T04:05:06Z", ["appended@x"], "Text"]);

	// Deletions: what has \Deleted is gone for JMAP (RFC 8621, 4.1.1).
	lock = await flow.getMailboxLock("Bücher & mehr");
	await flow.messageFlagsAdd("1:*", ["\\Deleted"]);
	assert.deepEqual(await bySubject("Appended", ["id"]), []);
	await flow.messageDelete("1:*");
	lock.release();
	await jam.api.Email.set({ accountId: account, destroy: [email.id] });
	assert.deepEqual(await inMailbox(flow, "INBOX", "Shared"), []);
	const [{ notFound }] = await jam.api.Email.get({ accountId: account, ids: [email.id, appended.id], properties: ["id"] });
	assert.deepEqual(notFound, [email.id, appended.id]);
});

test("imapflow and JMAP: both make changes at once, and agree in the end", async () => {
	const flow = await connectFlow();
	const role = await roles();
	const [{ created }] = await jam.api.Email.set({
		accountId: account, create: Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`m${i}`, {
			mailboxIds: { [role.inbox]: true }, subject: "Together",
			textBody: [{ partId: "t", type: "text/plain" }], bodyValues: { t: { value: `Text ${i}` } },
		}])),
	});
	const ids = Object.values(created).map((m) => m.id);
	assert.equal(ids.length, 20);
	const lock = await flow.getMailboxLock("INBOX");
	const uids = (await flow.search({ header: { Subject: "Together" } }, { uid: true })).map(String);
	// No more at a time than the server allows.
	const label = async (some) => {
		for (const id of some)
			await jam.api.Email.set({ accountId: account, update: { [id]: { "keywords/by-jmap": true } } });
	};
	await Promise.all([
		label(ids.slice(0, 5)),
		label(ids.slice(5, 10)),
		...uids.slice(5, 15).map((uid) => flow.messageFlagsAdd(uid, ["by-imap"], { uid: true })),
		jam.api.Email.set({ accountId: account, update: Object.fromEntries(ids.slice(15).map((id) => [id, { mailboxIds: { [role.trash]: true } }])) }),
	]);
	lock.release();
	const list = await bySubject("Together", ["id", "mailboxIds", "keywords"]);
	assert.equal(list.length, 20);
	for (const [box, id] of [["INBOX", role.inbox], ["Trash", role.trash]]) {
		const theirs = (await inMailbox(flow, box, "Together"))
			.map((m) => [m.emailId, m.flags.filter((f) => !f.startsWith("\\")).sort().join()]).sort();
		const ours = list.filter((e) => e.mailboxIds[id]).map((e) => [e.id, Object.keys(e.keywords).sort().join()]).sort();
		assert.deepEqual(theirs, ours, box);
		assert.equal(theirs.length, box === "INBOX" ? 15 : 5);
	}
	assert.equal(list.filter((e) => e.keywords["by-jmap"]).length, 10);
	assert.equal(list.filter((e) => e.keywords["by-imap"]).length, 10);
});
