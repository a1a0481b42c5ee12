// The messages and conversations that were loaded. Each is a signal, so that a change draws again only what shows it.

import { type Signal, batch, signal } from "@preact/signals";
import { Batch, call, limit } from "../jmap/client.ts";
import type { Email, Id } from "../jmap/types.ts";

// What a list shows.
export const LIST_PROPERTIES = ["id", "threadId", "mailboxIds", "keywords", "size", "receivedAt", "from", "to", "subject", "preview",
	"hasAttachment"];

// What the reader shows.
export const READ_PROPERTIES = [...LIST_PROPERTIES, "blobId", "cc", "bcc", "replyTo", "sender", "sentAt", "messageId", "inReplyTo",
	"references", "textBody", "htmlBody", "attachments", "bodyValues", "header:Authentication-Results:asText:all",
	"header:List-Unsubscribe:asURLs"];

export const MAX_BODY = 1_000_000;
const KEEP = 4000;

const emails = new Map<Id, Signal<Email | undefined>>();
const threads = new Map<Id, Signal<Id[] | undefined>>();

// The states up to which changes are known (RFC 8620, 5.2).
export const states = { email: "", thread: "" };

export function email(id: Id): Signal<Email | undefined> {
	let cell = emails.get(id);
	if (!cell)
		emails.set(id, cell = signal(undefined));
	return cell;
}

export function thread(id: Id): Signal<Id[] | undefined> {
	let cell = threads.get(id);
	if (!cell)
		threads.set(id, cell = signal(undefined));
	return cell;
}

export const known = (id: Id) => emails.get(id)?.peek() !== undefined;

// Labels that were met on messages: keywords that no RFC and no mail program has given a meaning.
export const labelsMet = signal<ReadonlySet<string>>(new Set());

export const isLabel = (keyword: string) =>
	!keyword.startsWith("$") && !["junk", "nonjunk", "notjunk", "forwarded", "redirected"].includes(keyword.toLowerCase());

function meet(keywords: Record<string, boolean>): void {
	const fresh = Object.keys(keywords).filter((k) => isLabel(k) && !labelsMet.peek().has(k));
	if (fresh.length > 0)
		labelsMet.value = new Set([...labelsMet.peek(), ...fresh]);
}

export function putEmails(list: (Partial<Email> & { id: Id })[]): void {
	batch(() => {
		for (const part of list) {
			meet(part.keywords ?? {});
			const cell = email(part.id);
			if (cell.peek() || part.threadId)
				cell.value = { ...cell.peek(), ...part } as Email;
		}
	});
}

export function putThreads(list: { id: Id; emailIds: Id[] }[]): void {
	batch(() => {
		for (const { id, emailIds } of list)
			thread(id).value = emailIds;
	});
}

export function dropEmails(ids: Id[]): void {
	batch(() => {
		for (const id of ids) {
			const gone = emails.get(id)?.peek();
			const members = gone && threads.get(gone.threadId);
			if (members?.peek())
				members.value = members.peek()!.filter((member) => member !== id);
			const cell = emails.get(id);
			if (cell)
				cell.value = undefined;
		}
	});
}

let wholes = 0;

// Nothing is forgotten while run() gathers messages that something shall be done with.
export async function whole<T>(run: () => Promise<T>): Promise<T> {
	wholes++;
	try {
		return await run();
	} finally {
		wholes--;
	}
}

// Forgets the bodies, then the messages, that were loaded first, when there are very many; `keep` are in sight.
export function trim(keep: Set<Id>): void {
	for (const [id, cell] of emails) {
		if (emails.size <= KEEP || wholes > 0)
			break;
		if (!keep.has(id)) {
			emails.delete(id);
			cell.value = undefined;
		}
	}
}

export function forgetAll(): void {
	emails.clear();
	threads.clear();
	states.email = "";
	states.thread = "";
}

export const cached = () => [...emails.values()].map((cell) => cell.peek()).filter((e) => e !== undefined);

// The loaded messages of a conversation, oldest first.
export function messagesOf(threadId: Id): Email[] {
	return (thread(threadId).value ?? []).map((id) => email(id).value).filter((e) => e !== undefined);
}

// Loads what lists show of these messages, as many at a time as the server allows.
export async function loadEmails(ids: Id[]): Promise<void> {
	const most = Math.min(limit("maxObjectsInGet", 500), 250);
	const missing = [...new Set(ids)].filter((id) => !known(id));
	for (let at = 0; at < missing.length; at += most) {
		const answer = await call("Email/get", { ids: missing.slice(at, at + most), properties: LIST_PROPERTIES });
		states.email ||= answer.state;
		putEmails(answer.list);
	}
}

// Loads conversations, and of their messages what lists show.
export async function loadThreads(ids: Id[]): Promise<void> {
	const most = limit("maxObjectsInGet", 500);
	const missing = [...new Set(ids)].filter((id) => !threads.get(id)?.peek());
	for (let at = 0; at < missing.length; at += most) {
		const answer = await call("Thread/get", { ids: missing.slice(at, at + most) });
		states.thread ||= answer.state;
		putThreads(answer.list);
	}
	await loadEmails(ids.flatMap((id) => threads.get(id)?.peek() ?? []));
}

// Loads the whole of messages: bodies, headers, attachments.
export async function loadBodies(ids: Id[]): Promise<void> {
	const missing = ids.filter((id) => !email(id).peek()?.bodyValues);
	if (missing.length === 0)
		return;
	const request = new Batch();
	const get = request.call("Email/get", {
		ids: missing,
		properties: READ_PROPERTIES,
		bodyProperties: ["partId", "blobId", "size", "name", "type", "charset", "disposition", "cid"],
		fetchTextBodyValues: true,
		fetchHTMLBodyValues: true,
		maxBodyValueBytes: MAX_BODY,
	});
	const answer = (await request.send()).get(get);
	putEmails(answer.list);
	dropEmails(answer.notFound ?? []);
}

// The bodies are loaded again when they are next looked at.
export function forgetBodies(ids: Id[]): void {
	for (const id of ids) {
		const known = email(id).peek();
		if (known)
			email(id).value = { ...known, bodyValues: undefined };
	}
}
