// An account in memory, and the methods on it.

import { randomUUID } from "node:crypto";

const rights = {
	mayReadItems: true, mayAddItems: true, mayRemoveItems: true, maySetSeen: true, maySetKeywords: true, mayCreateChild: true,
	mayRename: true, mayDelete: true, maySubmit: true,
};

export class Account {
	constructor(user, deliver) {
		this.id = `a-${user.split("@")[0]}`;
		this.user = user;
		this.deliver = deliver;
		this.listeners = new Set();
		this.blobs = new Map();
		this.mailboxes = new Map();
		this.emails = new Map();
		this.threads = new Map();
		this.submissions = new Map();
		this.identities = new Map([["i1", {
			id: "i1", name: user.startsWith("user1") ? "Anna Lind" : "Ben Hart", email: user, replyTo: null, bcc: null,
			textSignature: "", htmlSignature: "", mayDelete: false,
		}]]);
		this.vacation = { id: "singleton", isEnabled: false, fromDate: null, toDate: null, subject: null, textBody: null, htmlBody: null };
		this.scripts = new Map(); // id -> { id, name, blobId, isActive }
		this.log = []; // { type, id, change: created|updated|destroyed }
		this.last = 0;
		const boxes = [["Inbox", "inbox"], ["Drafts", "drafts"], ["Sent", "sent"], ["Archive", "archive"], ["Junk", "junk"], ["Trash", "trash"]];
		boxes.forEach(([name, role], i) => this.addMailbox(name, role, null, i));
	}

	next(prefix) {
		return `${prefix}${(++this.last).toString(36)}`;
	}

	note(type, id, change) {
		this.log.push({ type, id, change });
	}

	state() {
		return String(this.log.length);
	}

	states() {
		return { Mailbox: this.state(), Email: this.state(), Thread: this.state(), SieveScript: this.state() };
	}

	tell() {
		for (const listener of this.listeners)
			listener();
	}

	addMailbox(name, role = null, parentId = null, sortOrder = 10) {
		const id = this.next("m");
		this.mailboxes.set(id, { id, name, role, parentId, sortOrder, isSubscribed: true, myRights: rights });
		this.note("Mailbox", id, "created");
		return id;
	}

	role(role) {
		return [...this.mailboxes.values()].find((m) => m.role === role).id;
	}

	// A script, as another program would store it.
	putScript(name, text, active = false) {
		const there = [...this.scripts.values()].find((one) => one.name === name);
		const id = there?.id ?? this.next("v");
		if (active)
			this.activate(null);
		this.scripts.set(id, { id, name, blobId: this.addBlob(text, "application/sieve"), isActive: active || (there?.isActive ?? false) });
		this.note("SieveScript", id, there ? "updated" : "created");
		this.tell();
	}

	script(name) {
		const found = [...this.scripts.values()].find((one) => one.name === name);
		return found && { ...found, text: this.blobs.get(found.blobId).data.toString("utf8").replace(/\r\n/g, "\n") };
	}

	activate(id) {
		for (const one of this.scripts.values())
			one.isActive = one.id === id;
		this.note("SieveScript", id, "updated");
	}

	addBlob(data, type) {
		const id = this.next("b");
		this.blobs.set(id, { data: Buffer.from(data), type });
		return id;
	}

	// add(): puts a message in, into the conversation of what it refers to.
	add(message) {
		const id = this.next("e");
		const references = [...(message.references ?? []), ...(message.inReplyTo ?? [])];
		const related = references.length ? [...this.emails.values()].find((e) => e.messageId?.some((m) => references.includes(m))) : null;
		const threadId = related?.threadId ?? this.next("t");
		const text = Object.values(message.bodyValues ?? {})[0]?.value ?? "";
		const whole = {
			keywords: {}, cc: null, bcc: null, replyTo: null, sender: null, inReplyTo: null, references: null, attachments: [],
			htmlBody: message.textBody ?? [], textBody: message.htmlBody ?? [], bodyValues: {},
			preview: text.replace(/<style[\s\S]*?<\/style>/g, "").replace(/<[^>]*>/g, " ").replace(/\s+/g, " ").trim().slice(0, 250), receivedAt: new Date().toISOString().replace(/\.\d+Z$/, "Z"),
			messageId: [`${randomUUID()}@example.test`], size: text.length + 900,
			...message, id, threadId,
		};
		whole.sentAt ??= whole.receivedAt;
		whole.hasAttachment = whole.attachments.some((a) => a.disposition !== "inline");
		whole.blobId = this.addBlob(`Subject: ${whole.subject}\r\n\r\n${text}`, "message/rfc822");
		this.emails.set(id, whole);
		this.note("Email", id, "created");
		const members = this.threads.get(threadId);
		if (members) {
			members.push(id);
			members.sort((a, b) => (this.emails.get(a).receivedAt < this.emails.get(b).receivedAt ? -1 : 1));
			this.note("Thread", threadId, "updated");
		} else {
			this.threads.set(threadId, [id]);
			this.note("Thread", threadId, "created");
		}
		this.touchMailboxes(Object.keys(whole.mailboxIds));
		return whole;
	}

	receive(message) {
		const copy = { ...message, keywords: {}, mailboxIds: { [this.role("inbox")]: true }, bcc: null };
		for (const part of message.attachments ?? [])
			if (part.source)
				this.blobs.set(part.blobId, part.source);
		this.add(copy);
		this.tell();
	}

	touchMailboxes(ids) {
		for (const id of ids)
			if (this.mailboxes.has(id))
				this.note("Mailbox", id, "updated");
	}

	remove(id) {
		const gone = this.emails.get(id);
		if (!gone)
			return false;
		this.emails.delete(id);
		this.note("Email", id, "destroyed");
		const members = this.threads.get(gone.threadId).filter((m) => m !== id);
		this.threads.set(gone.threadId, members);
		if (members.length === 0)
			this.threads.delete(gone.threadId);
		this.note("Thread", gone.threadId, members.length ? "updated" : "destroyed");
		this.touchMailboxes(Object.keys(gone.mailboxIds));
		return true;
	}

	counted(mailbox) {
		let totalEmails = 0, unreadEmails = 0;
		const threads = new Set(), unread = new Set();
		for (const e of this.emails.values()) {
			if (!e.mailboxIds[mailbox.id])
				continue;
			totalEmails++;
			threads.add(e.threadId);
			if (!e.keywords.$seen && !e.keywords.$draft) {
				unreadEmails++;
				unread.add(e.threadId);
			}
		}
		return { ...mailbox, totalEmails, unreadEmails, totalThreads: threads.size, unreadThreads: unread.size };
	}

	changes(type, since) {
		const created = new Set(), updated = new Set(), destroyed = new Set();
		for (const entry of this.log.slice(Number(since))) {
			if (entry.type !== type)
				continue;
			if (entry.change === "created")
				created.add(entry.id);
			else if (entry.change === "updated" && !created.has(entry.id))
				updated.add(entry.id);
			else if (entry.change === "destroyed") {
				if (!created.delete(entry.id))
					destroyed.add(entry.id);
				updated.delete(entry.id);
			}
		}
		return { oldState: since, newState: this.state(), hasMoreChanges: false, created: [...created], updated: [...updated], destroyed: [...destroyed] };
	}
}

const contains = (text, wanted) => (text ?? "").toLowerCase().includes(wanted.toLowerCase());
const inAddresses = (list, wanted) => (list ?? []).some((a) => contains(a.name, wanted) || contains(a.email, wanted));
const bodyOf = (e) => Object.values(e.bodyValues).map((v) => v.value).join("\n");

// RFC 8621, 4.4.1
function matches(e, filter) {
	if (!filter)
		return true;
	if (filter.operator === "AND")
		return filter.conditions.every((c) => matches(e, c));
	if (filter.operator === "OR")
		return filter.conditions.some((c) => matches(e, c));
	if (filter.operator === "NOT")
		return !filter.conditions.some((c) => matches(e, c));
	return Object.entries(filter).every(([key, value]) => {
		switch (key) {
		case "inMailbox": return e.mailboxIds[value] === true;
		case "inMailboxOtherThan": return Object.keys(e.mailboxIds).some((m) => !value.includes(m));
		case "before": return e.receivedAt < value;
		case "after": return e.receivedAt >= value;
		case "minSize": return e.size >= value;
		case "maxSize": return e.size < value;
		case "hasKeyword": return e.keywords[value] === true;
		case "notKeyword": return e.keywords[value] !== true;
		case "hasAttachment": return e.hasAttachment === value;
		case "from": case "to": case "cc": case "bcc": return inAddresses(e[key], value);
		case "subject": return contains(e.subject, value);
		case "body": return contains(bodyOf(e), value);
		case "header": return value[0].toLowerCase() === "message-id" && (e.messageId ?? []).includes(value[1] ?? "");
		case "text": return contains(e.subject, value) || contains(bodyOf(e), value) || inAddresses(e.from, value) || inAddresses(e.to, value) || inAddresses(e.cc, value);
		default: throw { type: "unsupportedFilter", description: key };
		}
	});
}

function queryIds(account, args) {
	const found = [...account.emails.values()].filter((e) => matches(e, args.filter))
		.sort((a, b) => (a.receivedAt < b.receivedAt ? 1 : a.receivedAt > b.receivedAt ? -1 : a.id < b.id ? 1 : -1));
	if (!args.collapseThreads)
		return found.map((e) => e.id);
	const seen = new Set();
	return found.filter((e) => !seen.has(e.threadId) && seen.add(e.threadId)).map((e) => e.id);
}

// What queries found before, by their state, to tell what changed since.
const remembered = new WeakMap();

function remember(account, args, ids) {
	const all = remembered.get(account) ?? remembered.set(account, new Map()).get(account);
	const key = `${JSON.stringify([args.filter, args.sort, args.collapseThreads])} ${account.state()}`;
	all.set(key, ids);
	if (all.size > 100)
		all.delete(all.keys().next().value);
}

function refresh(account, args) {
	const before = remembered.get(account)?.get(`${JSON.stringify([args.filter, args.sort, args.collapseThreads])} ${args.sinceQueryState}`);
	if (!before)
		throw { type: "cannotCalculateChanges" };
	const now = queryIds(account, args);
	remember(account, args, now);
	const there = new Set(now), was = new Set(before);
	return {
		oldQueryState: args.sinceQueryState, newQueryState: account.state(), total: now.length,
		removed: before.filter((id) => !there.has(id)),
		added: now.flatMap((id, index) => (was.has(id) ? [] : [{ id, index }])),
	};
}

const only = (object, properties) => (properties ? Object.fromEntries(["id", ...properties].filter((p) => p in object).map((p) => [p, object[p]])) : object);

function get(account, all, args, project = (x) => x) {
	const ids = args.ids ?? [...all.keys()];
	if (ids.length > 500)
		throw { type: "requestTooLarge" };
	return {
		accountId: account.id, state: account.state(),
		list: [...new Set(ids)].filter((id) => all.has(id)).map((id) => only(project(all.get(id)), args.properties)),
		notFound: ids.filter((id) => !all.has(id)),
	};
}

function patch(object, changes) {
	for (const [path, value] of Object.entries(changes)) {
		const keys = path.split("/").map((k) => k.replace(/~1/g, "/").replace(/~0/g, "~"));
		const last = keys.pop();
		let at = object;
		for (const key of keys) {
			at[key] = { ...at[key] };
			at = at[key];
		}
		if (value === null && keys.length > 0)
			delete at[last];
		else
			at[last] = value;
	}
}

function createEmail(account, make) {
	const values = make.bodyValues ?? {};
	const part = (p) => ({ partId: p.partId, blobId: account.addBlob(values[p.partId]?.value ?? "", p.type), size: 0, name: null, type: p.type,
		charset: "utf-8", disposition: null, cid: null });
	const textBody = (make.textBody ?? []).map(part), htmlBody = (make.htmlBody ?? make.textBody ?? []).map(part);
	for (const a of make.attachments ?? [])
		if (!account.blobs.has(a.blobId))
			throw { type: "blobNotFound", notFound: [a.blobId] };
	return account.add({
		...make, textBody, htmlBody,
		attachments: (make.attachments ?? []).map((a) => ({ partId: null, cid: null, ...a, size: account.blobs.get(a.blobId).data.length, source: account.blobs.get(a.blobId) })),
	});
}

export const EXTENSIONS = ["body", "comparator-i;unicode-casemap", "copy", "encoded-character", "envelope", "fileinto", "imap4flags", "reject", "vacation", "variables"];

// What is wrong with a script, as far as a look at its words tells.
function invalidSieve(account, blobId) {
	const blob = account.blobs.get(blobId);
	if (!blob)
		return { type: "blobNotFound", notFound: [blobId] };
	const text = blob.data.toString("utf8");
	const bad = (at, why) => ({ type: "invalidSieve", description: `line ${text.slice(0, at).split("\n").length}: ${why}` });
	const known = new Set(["require", "if", "elsif", "else", "stop", "keep", "discard", "fileinto", "redirect", "addflag", "setflag", "set", "vacation", "true",
		"false", "not", "allof", "anyof", "header", "address", "exists", "size", "body", "envelope", "5", "reject"]);
	const depth = [];
	let started = false, required = [], last = null;
	for (const match of text.matchAll(/#[^\n]*|\/\*[\s\S]*?\*\/|"((?:[^"\\]|\\[\s\S])*)("?)|:?[a-z_]\w*|\d+[KMG]?|[^\s]/gi)) {
		const [word, string, closed] = match;
		if (/^(#|\/\*)/.test(word))
			continue;
		if (string !== undefined && !closed)
			return bad(match.index, "the string does not end");
		if (word === "require" && started)
			return bad(match.index, "require must come first");
		if (last === "require" && string !== undefined && !EXTENSIONS.includes(string))
			return bad(match.index, `unknown extension "${string}"`);
		if (last === "require" && string !== undefined)
			required.push(string);
		if (word === ";" || word === "require")
			last = word;
		else if (last !== "require")
			started = true;
		if (/^[a-z_]/i.test(word) && !known.has(word.toLowerCase()))
			return bad(match.index, `unknown command "${word}"`);
		if ((word === "fileinto" && !required.includes("fileinto")) || (word === "addflag" && !required.includes("imap4flags")) || (word === ":copy" && !required.includes("copy")))
			return bad(match.index, `"${word}" is not required`);
		if (word === "{" || word === "(")
			depth.push(match.index);
		else if ((word === "}" || word === ")") && depth.pop() === undefined)
			return bad(match.index, `"${word}" closes nothing`);
	}
	return depth.length > 0 ? bad(depth[0], "the block does not end") : null;
}

const methods = {
	// RFC 9661
	"SieveScript/get": (account, args) => get(account, account.scripts, args),
	"SieveScript/validate": (account, args) => ({ accountId: account.id, error: invalidSieve(account, args.blobId) }),
	"SieveScript/set": (account, args) => {
		if (args.ifInState && args.ifInState !== account.state())
			throw { type: "stateMismatch" };
		const result = { created: {}, updated: {}, destroyed: [], notCreated: {}, notUpdated: {}, notDestroyed: {} };
		for (const [key, make] of Object.entries(args.create ?? {})) {
			const error = invalidSieve(account, make.blobId) ??
				([...account.scripts.values()].some((one) => one.name === make.name) ? { type: "alreadyExists", description: "There is one of this name." } : null);
			if (error) {
				result.notCreated[key] = error;
				continue;
			}
			const id = account.next("v");
			account.scripts.set(id, { id, name: make.name, blobId: make.blobId, isActive: false });
			account.note("SieveScript", id, "created");
			result.created[key] = { id, isActive: false };
		}
		for (const [id, change] of Object.entries(args.update ?? {})) {
			const error = account.scripts.has(id) ? change.blobId && invalidSieve(account, change.blobId) : { type: "notFound" };
			if (error) {
				result.notUpdated[id] = error;
				continue;
			}
			Object.assign(account.scripts.get(id), change);
			account.note("SieveScript", id, "updated");
			result.updated[id] = null;
		}
		for (const id of args.destroy ?? []) {
			if (account.scripts.get(id)?.isActive) {
				result.notDestroyed[id] = { type: "sieveIsActive" };
				continue;
			}
			account.scripts.delete(id);
			account.note("SieveScript", id, "destroyed");
			result.destroyed.push(id);
		}
		const done = Object.keys({ ...result.notCreated, ...result.notUpdated, ...result.notDestroyed }).length === 0;
		if (done && args.onSuccessActivateScript)
			account.activate(result.created[args.onSuccessActivateScript.replace(/^#/, "")]?.id ?? args.onSuccessActivateScript);
		else if (done && args.onSuccessDeactivateScript)
			account.activate(null);
		account.tell();
		return { accountId: account.id, newState: account.state(), ...result };
	},
	"Core/echo": (account, args) => args,
	"Mailbox/get": (account, args) => get(account, account.mailboxes, args, (m) => account.counted(m)),
	"Mailbox/changes": (account, args) => ({ ...account.changes("Mailbox", args.sinceState), updatedProperties: null }),
	"Mailbox/set": (account, args) => {
		const result = { created: {}, updated: {}, destroyed: [], notCreated: {}, notUpdated: {}, notDestroyed: {} };
		for (const [key, make] of Object.entries(args.create ?? {})) {
			if ([...account.mailboxes.values()].some((m) => m.name === make.name && m.parentId === (make.parentId ?? null)))
				result.notCreated[key] = { type: "invalidProperties", properties: ["name"], description: "A folder of this name is there already." };
			else
				result.created[key] = { id: account.addMailbox(make.name, make.role ?? null, make.parentId ?? null), totalEmails: 0, unreadEmails: 0, totalThreads: 0, unreadThreads: 0, myRights: rights, sortOrder: 10 };
		}
		for (const [id, change] of Object.entries(args.update ?? {})) {
			Object.assign(account.mailboxes.get(id), change);
			account.note("Mailbox", id, "updated");
			result.updated[id] = null;
		}
		for (const id of args.destroy ?? []) {
			if ([...account.emails.values()].some((e) => e.mailboxIds[id])) {
				result.notDestroyed[id] = { type: "mailboxHasEmail" };
				continue;
			}
			account.mailboxes.delete(id);
			account.note("Mailbox", id, "destroyed");
			result.destroyed.push(id);
		}
		account.tell();
		return { accountId: account.id, newState: account.state(), ...result };
	},
	"Thread/get": (account, args) => get(account, new Map([...account.threads].map(([id, emailIds]) => [id, { id, emailIds }])), args),
	"Thread/changes": (account, args) => account.changes("Thread", args.sinceState),
	"Email/get": (account, args) => get(account, account.emails, args, (e) => {
		const used = [...(args.fetchTextBodyValues ? e.textBody : []), ...(args.fetchHTMLBodyValues ? e.htmlBody : [])];
		const bodyValues = Object.fromEntries(used.filter((p) => e.bodyValues[p.partId])
			.map((p) => [p.partId, { value: e.bodyValues[p.partId].value, isEncodingProblem: false, isTruncated: false }]));
		const attachments = e.attachments.map(({ source, ...part }) => part);
		return { ...e, bodyValues, attachments };
	}),
	"Email/changes": (account, args) => account.changes("Email", args.sinceState),
	"Email/query": (account, args) => {
		const ids = queryIds(account, args);
		remember(account, args, ids);
		const position = args.position ?? 0;
		return { accountId: account.id, queryState: account.state(), canCalculateChanges: true, position, total: ids.length,
			ids: ids.slice(position, position + (args.limit ?? 500)) };
	},
	"Email/queryChanges": (account, args) => ({ accountId: account.id, ...refresh(account, args) }),
	"Email/set": (account, args, created) => {
		const result = { created: {}, updated: {}, destroyed: [], notCreated: {}, notUpdated: {}, notDestroyed: {} };
		for (const [key, make] of Object.entries(args.create ?? {})) {
			try {
				const email = createEmail(account, make);
				created.set(key, email.id);
				result.created[key] = { id: email.id, blobId: email.blobId, threadId: email.threadId, size: email.size };
			} catch (error) {
				if (!error.type)
					throw error;
				result.notCreated[key] = error;
			}
		}
		for (const [id, change] of Object.entries(args.update ?? {})) {
			const email = account.emails.get(id);
			if (!email) {
				result.notUpdated[id] = { type: "notFound" };
				continue;
			}
			const before = Object.keys(email.mailboxIds);
			const copy = { ...email };
			patch(copy, change);
			if (Object.keys(copy.mailboxIds).length === 0) {
				result.notUpdated[id] = { type: "invalidProperties", properties: ["mailboxIds"] };
				continue;
			}
			account.emails.set(id, copy);
			account.note("Email", id, "updated");
			account.touchMailboxes(new Set([...before, ...Object.keys(copy.mailboxIds)]));
			result.updated[id] = null;
		}
		for (const id of args.destroy ?? []) {
			if (account.remove(id))
				result.destroyed.push(id);
			else
				result.notDestroyed[id] = { type: "notFound" };
		}
		account.tell();
		return { accountId: account.id, newState: account.state(), ...result };
	},
	"SearchSnippet/get": (account, args) => {
		const words = [];
		const collect = (f) => (f.conditions ? f.conditions.forEach(collect) : [f.text, f.subject, f.body].filter(Boolean).forEach((w) => words.push(w)));
		collect(args.filter);
		const escape = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
		const mark = (text) => {
			const found = words.find((w) => contains(text, w));
			if (!found)
				return null;
			const at = text.toLowerCase().indexOf(found.toLowerCase());
			const from = Math.max(0, at - 60);
			return `${escape(text.slice(from, at))}<mark>${escape(text.slice(at, at + found.length))}</mark>${escape(text.slice(at + found.length, at + 160))}`;
		};
		return { accountId: account.id, notFound: null, list: args.emailIds.map((id) => {
			const e = account.emails.get(id);
			return { emailId: id, subject: mark(e.subject ?? ""), preview: mark(e.preview) };
		}) };
	},
	"Identity/get": (account, args) => get(account, account.identities, args),
	"Identity/set": (account, args) => {
		for (const [id, change] of Object.entries(args.update ?? {}))
			Object.assign(account.identities.get(id), change);
		return { accountId: account.id, updated: Object.fromEntries(Object.keys(args.update ?? {}).map((id) => [id, null])), newState: account.state() };
	},
	"EmailSubmission/query": (account, args) => ({
		accountId: account.id, queryState: account.state(), canCalculateChanges: false, position: 0,
		ids: [...account.submissions.values()].filter((s) => !args.filter?.undoStatus || s.undoStatus === args.filter.undoStatus).map((s) => s.id),
	}),
	"EmailSubmission/get": (account, args) => get(account, account.submissions, args, ({ timer, ...submission }) => submission),
	"EmailSubmission/set": (account, args, created) => {
		const result = { created: {}, updated: {}, notCreated: {}, notUpdated: {} };
		const succeeded = [];
		for (const [key, make] of Object.entries(args.create ?? {})) {
			const emailId = make.emailId.startsWith("#") ? created.get(make.emailId.slice(1)) : make.emailId;
			const email = account.emails.get(emailId);
			if (!email || make.envelope.rcptTo.some((r) => r.email.startsWith("refuse"))) {
				result.notCreated[key] = email ? { type: "invalidRecipients", description: "The address does not exist." } : { type: "emailNotFound" };
				continue;
			}
			const id = account.next("s");
			const hold = Number(make.envelope.mailFrom.parameters?.HOLDFOR ?? 0) * 1000;
			const submission = { id, emailId, undoStatus: hold ? "pending" : "final", sendAt: new Date(Date.now() + hold).toISOString() };
			account.submissions.set(id, submission);
			submission.timer = setTimeout(() => {
				submission.undoStatus = "final";
				for (const { email: to } of make.envelope.rcptTo) {
					const { id: _, threadId: __, blobId: ___, keywords: ____, receivedAt: _____, ...rest } = email;
					account.deliver(to, rest);
				}
			}, Math.min(hold, 2 ** 31 - 1));
			submission.timer.unref();
			result.created[key] = { id, undoStatus: submission.undoStatus, sendAt: submission.sendAt };
			succeeded.push([`#${key}`, emailId]);
		}
		for (const [id, change] of Object.entries(args.update ?? {})) {
			const submission = account.submissions.get(id);
			if (change.undoStatus === "canceled" && submission?.undoStatus === "pending") {
				clearTimeout(submission.timer);
				submission.undoStatus = "canceled";
				result.updated[id] = null;
				succeeded.push([id, submission.emailId]);
			} else {
				result.notUpdated[id] = { type: "cannotUnsend" };
			}
		}
		const update = Object.fromEntries(succeeded.filter(([key]) => args.onSuccessUpdateEmail?.[key])
			.map(([key, emailId]) => [emailId, args.onSuccessUpdateEmail[key]]));
		const more = Object.keys(update).length ? [["Email/set", methods["Email/set"](account, { update }, created)]] : [];
		return [{ accountId: account.id, newState: account.state(), ...result }, ...more];
	},
	"VacationResponse/get": (account) => ({ accountId: account.id, state: "v", list: [account.vacation], notFound: [] }),
	"VacationResponse/set": (account, args) => {
		Object.assign(account.vacation, args.update?.singleton);
		return { accountId: account.id, newState: "v", updated: { singleton: null } };
	},
	"Quota/get": (account) => ({ accountId: account.id, state: "q", notFound: [], list: [{
		id: "q1", resourceType: "octets", used: 1_843_000_000, hardLimit: 5_000_000_000, scope: "account", name: "Storage", types: ["Mail"] }] }),
};

// RFC 8620, 3.7
function resolve(path, value) {
	const [key, ...rest] = path;
	if (key === undefined)
		return value;
	if (key === "*")
		return value.flatMap((item) => resolve(rest, item));
	return resolve(rest, value[key]);
}

export function run(account, calls) {
	const responses = [];
	const created = new Map();
	for (const [name, raw, id] of calls) {
		try {
			const args = {};
			for (const [key, value] of Object.entries(raw)) {
				if (!key.startsWith("#")) {
					args[key] = value;
					continue;
				}
				const result = responses.find((r) => r[2] === value.resultOf && r[0] === value.name);
				if (!result)
					throw { type: "invalidResultReference" };
				args[key.slice(1)] = resolve(value.path.split("/").slice(1), result[1]);
			}
			if (!methods[name])
				throw { type: "unknownMethod" };
			const answer = methods[name](account, args, created);
			const [first, ...more] = Array.isArray(answer) ? answer : [answer];
			responses.push([name, first, id], ...more.map(([other, value]) => [other, value, id]));
		} catch (error) {
			if (!error.type)
				throw error;
			responses.push(["error", error, id]);
		}
	}
	return responses;
}
