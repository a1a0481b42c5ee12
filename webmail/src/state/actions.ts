// What can be done to messages. Each change is on the screen at once, goes to the server in the background, is taken back
// if the server refuses it, and can be undone.

import { batch as together, signal } from "@preact/signals";
import { Batch, Refused, call, limit } from "../jmap/client.ts";
import type { Email, Id, Mailbox } from "../jmap/types.ts";
import { type Key, t } from "../text/text.ts";
import { keptLists, list, selection } from "./current.ts";
import { email, isLabel, labelsMet, loadEmails, loadThreads, messagesOf, putEmails, dropEmails, thread, whole } from "./emails.ts";
import { byRole, hidden, setMailboxes, titleOf } from "./mailboxes.ts";
import { ask, tell } from "./notices.ts";
import { enqueue } from "./outbox.ts";
import { addLabel, keywordOf, labelTitle, remember, remembered } from "./remembered.ts";
import { sync } from "./sync.ts";

// A change of one message: "keywords/$seen" or "mailboxIds/ID" set (true) or taken away (null), as in RFC 8620, 5.3.
interface Edit {
	id: Id;
	patch: Record<string, true | null>;
}

function current(message: Email, path: string): boolean {
	const [field, key] = cut(path);
	return message[field][key] === true;
}

function cut(path: string): ["keywords" | "mailboxIds", string] {
	const at = path.indexOf("/");
	return [path.slice(0, at) as "keywords" | "mailboxIds", path.slice(at + 1)];
}

function patched(message: Email, patch: Edit["patch"]): Email {
	const next = { ...message, keywords: { ...message.keywords }, mailboxIds: { ...message.mailboxIds } };
	for (const [path, value] of Object.entries(patch)) {
		const [field, key] = cut(path);
		if (value)
			next[field][key] = true;
		else
			delete next[field][key];
	}
	return next;
}

// The edits that change something, and what would take them back.
function prepare(edits: Edit[]): { there: Edit[]; back: Edit[] } {
	const there: Edit[] = [], back: Edit[] = [];
	for (const { id, patch } of edits) {
		const message = email(id).peek();
		if (!message)
			continue;
		const changed = Object.entries(patch).filter(([path, value]) => current(message, path) !== (value === true));
		if (changed.length === 0)
			continue;
		there.push({ id, patch: Object.fromEntries(changed) });
		back.push({ id, patch: Object.fromEntries(changed.map(([path]) => [path, current(message, path) || null])) });
	}
	return { there, back };
}

function show(edits: Edit[]): () => void {
	const changed = new Set(edits.map((e) => e.id));
	const undo: (() => void)[] = [];
	together(() => {
		putEmails(edits.map(({ id, patch }) => patched(email(id).peek()!, patch)));
		for (const kept of keptLists()) {
			const removed = kept.prune(changed);
			if (removed.length > 0)
				undo.push(() => kept.restore(removed));
		}
		const rows = new Set(list.peek()?.ids);
		const rest = new Set([...selection.peek()].filter((id) => rows.has(id)));
		if (rest.size !== selection.peek().size)
			selection.value = rest;
	});
	return () => undo.forEach((put) => put());
}

// How many messages one request changes: what lasts longer shows how far it is.
const partSize = () => Math.min(limit("maxObjectsInSet", 500), 500);

// For a note about so many messages; set() says how many are done.
function progressOf(total: number) {
	const part = signal(0);
	return { progress: total > partSize() ? part : undefined, set: (n: number) => (part.value = n / Math.max(total, 1)), end: () => (part.value = 1) };
}

// Sends edits in parts of the size that the server allows; asks for the counts of the folders along with them.
async function send(edits: Edit[], tellDone: (n: number) => void = () => undefined): Promise<void> {
	const most = partSize();
	for (let at = 0; at < edits.length; at += most) {
		const request = new Batch();
		const part = edits.slice(at, at + most);
		const set = request.call("Email/set", { update: Object.fromEntries(part.map(({ id, patch }) => [id, patch])) });
		const counts = request.call("Mailbox/get", { ids: null });
		const answers = await request.send();
		const answer = answers.get(set);
		const folders = answers.maybe(counts);
		if (folders)
			setMailboxes(folders.list, folders.state);
		const refused = Object.entries<any>(answer.notUpdated ?? {}).filter(([, error]) => error.type !== "notFound");
		if (refused[0])
			throw new Refused(refused[0][1].type, refused[0][1].description);
		dropEmails(Object.keys(answer.notUpdated ?? {}));
		tellDone(at + part.length);
	}
}

function perform(edits: Edit[], what: string | null): void {
	const { there, back } = prepare(edits);
	if (there.length === 0)
		return;
	const putRowsBack = show(there);
	const takeBack = () => {
		putEmails(back.filter(({ id }) => email(id).peek()).map(({ id, patch }) => patched(email(id).peek()!, patch)));
		putRowsBack();
	};
	const way = progressOf(there.length), wayBack = progressOf(back.length);
	enqueue(() => send(there, way.set), (error) => {
		way.end();
		takeBack();
		tell(t("done.refused", { why: error.message }), { bad: true });
	});
	if (what !== null)
		tell(what, {
			progress: way.progress,
			undo: () => {
				takeBack();
				enqueue(() => send(back, wayBack.set), (error) => {
					wayBack.end();
					tell(t("done.refused", { why: error.message }), { bad: true });
				});
				tell(t("done.undone"), { seconds: 3, progress: wayBack.progress });
			},
		});
}

// The messages that an action on rows is about: all of each conversation that are in the folder in sight; elsewhere all
// but those in Junk and Trash.
export async function messagesOfRows(rows: Id[]): Promise<Email[]> {
	return whole(async () => {
		await loadEmails(rows).catch(() => undefined);
		const found = rows.map((id) => email(id).peek()).filter((e) => e !== undefined);
		await loadThreads(found.map((e) => e.threadId)).catch(() => undefined);
		return found.flatMap((row) => {
			const all = thread(row.threadId).peek() ? messagesOf(row.threadId) : [row];
			return inSight(all.length ? all : [row]);
		});
	});
}

// The messages of a conversation that belong to where one is.
export function inSight(messages: Email[]): Email[] {
	const here = list.peek()?.query.mailboxId;
	if (here) {
		const there = messages.filter((m) => m.mailboxIds[here]);
		if (there.length > 0)
			return there;
	}
	const seen = messages.filter((m) => !hidden.peek().some((id) => m.mailboxIds[id]));
	return seen.length > 0 ? seen : messages;
}

const conversations = (messages: Email[]) => new Set(messages.map((m) => m.threadId)).size;

function done(key: Key, messages: Email[], values: Record<string, string> = {}): string {
	return t(key, { n: conversations(messages), ...values });
}

// The oldest first, so that those of the same second have the same order where they come to, and after an undo.
const oldestFirst = (messages: Email[]) =>
	[...messages].reverse().sort((a, b) => (a.receivedAt < b.receivedAt ? -1 : a.receivedAt > b.receivedAt ? 1 : 0));

function moveEdits(messages: Email[], target: Mailbox): Edit[] {
	return oldestFirst(messages).map((m) => ({
		id: m.id,
		patch: {
			...Object.fromEntries(Object.keys(m.mailboxIds).map((id) => [`mailboxIds/${id}`, null])),
			[`mailboxIds/${target.id}`]: true as const,
		},
	}));
}

// Sent messages and drafts of a conversation stay where they are when it is put away.
function movable(messages: Email[]): Email[] {
	const stay = [byRole.peek().sent?.id, byRole.peek().drafts?.id].filter((id) => id !== undefined);
	const here = list.peek()?.query.mailboxId;
	if (here && stay.includes(here))
		return messages;
	const others = messages.filter((m) => !stay.some((id) => m.mailboxIds[id]));
	return others.length > 0 ? others : messages;
}

// A folder that everybody needs is made when it is first used.
export async function ensureRole(role: string, name: string): Promise<Mailbox | undefined> {
	const known = byRole.peek()[role];
	if (known)
		return known;
	const request = new Batch();
	request.call("Mailbox/set", { create: { made: { name, parentId: null, role, isSubscribed: true } } });
	const get = request.call("Mailbox/get", { ids: null });
	const answers = await request.send();
	const all = answers.get(get);
	setMailboxes(all.list, all.state);
	return byRole.peek()[role];
}

async function moveToRole(role: string, name: string, messages: Email[], key: Key, more: Edit["patch"] = {}): Promise<void> {
	const target = await ensureRole(role, name).catch(() => undefined);
	if (!target) {
		tell(t("done.noFolder"), { bad: true });
		return;
	}
	const edits = moveEdits(movable(messages), target);
	perform(edits.map(({ id, patch }) => ({ id, patch: { ...patch, ...more } })), done(key, messages));
}

export const archive = (messages: Email[]) => moveToRole("archive", "Archive", messages, "done.archived");

export async function moveToTrash(messages: Email[]): Promise<void> {
	const trash = byRole.peek().trash;
	if (trash && messages.every((m) => m.mailboxIds[trash.id]))
		await destroy(messages);
	else
		await moveToRole("trash", "Trash", messages, "done.deleted");
}

export const junk = (messages: Email[]) =>
	moveToRole("junk", "Junk", messages, "done.junk", { "keywords/$junk": true, "keywords/$notjunk": null });

export const notJunk = (messages: Email[]) =>
	moveToRole("inbox", "Inbox", messages, "done.notJunk", { "keywords/$junk": null, "keywords/$notjunk": true });

export const isJunk = (messages: Email[]) => messages.some((m) => byRole.peek().junk && m.mailboxIds[byRole.peek().junk!.id]);

export function move(messages: Email[], target: Mailbox): void {
	perform(moveEdits(movable(messages), target), done("done.moved", messages, { folder: titleOf(target) }));
}

export function setRead(messages: Email[], read: boolean, silent = false): void {
	const edits = messages.map((m) => ({ id: m.id, patch: { "keywords/$seen": read || null } as Edit["patch"] }));
	perform(edits, silent ? null : done(read ? "done.read" : "done.unread", messages));
}

export function setStar(messages: Email[], on: boolean): void {
	// The star of a conversation is put on its newest message, and taken from all.
	const which = on ? messages.slice(-1) : messages;
	perform(which.map((m) => ({ id: m.id, patch: { "keywords/$flagged": on || null } })), null);
}

// setLabel(): `name` as people write it.
export function setLabel(messages: Email[], name: string, on: boolean): void {
	const keyword = on ? addLabel(name) : keywordOf(name);
	if (keyword === "" || keyword.startsWith("$"))
		return;
	perform(messages.map((m) => ({ id: m.id, patch: { [`keywords/${keyword}`]: on || null } })),
		done(on ? "done.labelled" : "done.unlabelled", messages, { label: labelTitle(keyword) }));
}

// The only thing that cannot be undone: it asks first.
export async function destroy(messages: Email[]): Promise<void> {
	if (!await ask(t("do.delete.ask", { n: messages.length }), t("do.deleteForEver"), true))
		return;
	const ids = messages.map((m) => m.id);
	const way = progressOf(ids.length);
	if (way.progress)
		tell(t("nav.emptying"), { seconds: 1, progress: way.progress });
	const putRowsBack = show(messages.map((m) => ({
		id: m.id, patch: Object.fromEntries(Object.keys(m.mailboxIds).map((id) => [`mailboxIds/${id}`, null])),
	})));
	enqueue(async () => {
		const most = partSize();
		for (let at = 0; at < ids.length; at += most) {
			way.set(at);
			const answer = await call("Email/set", { destroy: ids.slice(at, at + most) });
			const refused = Object.values<any>(answer.notDestroyed ?? {}).find((e) => e.type !== "notFound");
			if (refused)
				throw new Refused(refused.type, refused.description);
		}
		way.end();
		dropEmails(ids);
		void sync();
	}, (error) => {
		way.end();
		putEmails(messages);
		putRowsBack();
		tell(t("done.refused", { why: error.message }), { bad: true });
	});
}

// Deletes all messages of a folder for ever, in parts.
export async function emptyFolder(mailbox: Mailbox): Promise<void> {
	if (!await ask(t("nav.empty.ask", { n: mailbox.totalEmails, name: titleOf(mailbox) }), t("nav.empty.do"), true))
		return;
	let deleted = 0;
	const most = partSize();
	const way = progressOf(mailbox.totalEmails);
	if (way.progress)
		tell(t("nav.emptying"), { seconds: 60, progress: way.progress });
	enqueue(async () => {
		for (;;) {
			const request = new Batch();
			const query = request.call("Email/query", { filter: { inMailbox: mailbox.id }, limit: most });
			const set = request.call("Email/set", { "#destroy": query.ref("/ids") });
			const answers = await request.send();
			const gone: Id[] = answers.get(set).destroyed ?? [];
			deleted += gone.length;
			way.set(deleted);
			dropEmails(gone);
			if (gone.length === 0)
				break;
		}
		way.end();
		tell(t("nav.emptied", { n: deleted }));
		void sync();
	}, (error) => {
		way.end();
		tell(t("done.refused", { why: error.message }), { bad: true });
	});
}

// All labels that are known: those that were made here, and those on messages.
export const allLabels = () => [...new Set([...Object.keys(remembered.value.labels), ...labelsMet.value])]
	.sort((a, b) => labelTitle(a).localeCompare(labelTitle(b)));

export function labelsOf(message: Email): string[] {
	return Object.keys(message.keywords).filter(isLabel).sort();
}

// Takes a label off all messages, in parts, and forgets it.
export function removeLabel(keyword: string): void {
	const most = Math.min(limit("maxObjectsInSet", 500), 500);
	const title = labelTitle(keyword);
	enqueue(async () => {
		for (;;) {
			const { ids } = await call("Email/query", { filter: { hasKeyword: keyword }, limit: most });
			if (ids.length === 0)
				break;
			const answer = await call("Email/set", { update: Object.fromEntries(ids.map((id: Id) => [id, { [`keywords/${keyword}`]: null }])) });
			const refused = Object.values<any>(answer.notUpdated ?? {}).find((e) => e.type !== "notFound");
			if (refused)
				throw new Refused(refused.type, refused.description);
			putEmails(ids.filter((id: Id) => email(id).peek()).map((id: Id) => patched(email(id).peek()!, { [`keywords/${keyword}`]: null })));
		}
		const { [keyword]: _gone, ...labels } = remembered.peek().labels;
		remember({ labels });
		labelsMet.value = new Set([...labelsMet.peek()].filter((name) => name !== keyword));
		tell(t("labels.removed", { label: title }));
		void sync();
	}, (error) => tell(t("done.refused", { why: error.message }), { bad: true }));
}
