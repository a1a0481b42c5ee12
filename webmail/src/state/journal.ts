// What was written and is not on the server yet, kept in this browser: a crash, a closed lid or a dead battery costs nothing.

import { session } from "../jmap/client.ts";
import type { Address, Id } from "../jmap/types.ts";
import type { Draft } from "./draft.ts";

export interface Entry {
	to: Address[];
	cc: Address[];
	bcc: Address[];
	subject: string;
	plain: boolean;
	html: string;
	text: string;
	emailId: Id | null;
	inReplyTo: string[] | null;
	references: string[] | null;
	answers: Id | null;
	attachments: { name: string; type: string; size: number; blobId: Id | null; cid: string | null }[];
}

const tab = crypto.randomUUID();
const prefix = () => `postern.draft.${session.peek()?.username ?? ""}.`;
const keyOf = (draft: Draft) => `${prefix()}${tab}.${draft.key}`;
const timers = new Map<number, ReturnType<typeof setTimeout>>();

export function note(draft: Draft): void {
	clearTimeout(timers.get(draft.key));
	timers.set(draft.key, setTimeout(() => write(draft), 400));
}

function write(draft: Draft): void {
	if (draft.gone || !draft.dirty)
		return;
	draft.takeFromEditor();
	const entry: Entry = {
		to: draft.to.peek(), cc: draft.cc.peek(), bcc: draft.bcc.peek(), subject: draft.subject.peek(), plain: draft.plain.peek(),
		html: draft.html, text: draft.text, emailId: draft.emailId, inReplyTo: draft.inReplyTo, references: draft.references,
		answers: draft.answers,
		attachments: draft.attachments.peek().filter((a) => a.blobId)
			.map(({ name, type, size, blobId, cid }) => ({ name, type, size, blobId, cid })),
	};
	try {
		localStorage.setItem(keyOf(draft), JSON.stringify(entry));
	} catch {
		// No room: the server's copy has to do.
	}
}

export function forget(draft: Draft): void {
	clearTimeout(timers.get(draft.key));
	timers.delete(draft.key);
	try {
		localStorage.removeItem(keyOf(draft));
	} catch {
		// Nothing to forget.
	}
}

// Signing out: nothing of what was written or is private stays in this browser.
export function forgetEverything(): void {
	for (const timer of timers.values())
		clearTimeout(timer);
	timers.clear();
	try {
		for (const key of Object.keys(localStorage))
			if (key !== "postern.settings")
				localStorage.removeItem(key);
		sessionStorage.clear();
	} catch {
		// There is nothing, then.
	}
}

// What tabs that are gone have left behind; a tab that lives holds a lock of its name.
export async function recover(): Promise<Entry[]> {
	if (!navigator.locks)
		return [];
	void navigator.locks.request(`postern.tab.${tab}`, () => new Promise(() => undefined));
	const held = new Set((await navigator.locks.query()).held?.map((lock) => lock.name));
	const found: Entry[] = [];
	for (const key of Object.keys(localStorage)) {
		if (!key.startsWith(prefix()))
			continue;
		const owner = key.slice(prefix().length).split(".")[0]!;
		if (owner === tab || held.has(`postern.tab.${owner}`))
			continue;
		try {
			found.push(JSON.parse(localStorage.getItem(key)!));
		} catch {
			// Not ours.
		}
		localStorage.removeItem(key);
	}
	return found;
}
