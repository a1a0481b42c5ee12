// The list in sight: made from the place in the URL, kept while one looks elsewhere.

import { computed, effect, signal, untracked } from "@preact/signals";
import type { Email, Id } from "../jmap/types.ts";
import { type Parsed, parseSearch } from "../lib/search.ts";
import { known } from "./emails.ts";
import { List, type Query } from "./list.ts";
import { findMailbox, hidden, mailboxes, titleOf } from "./mailboxes.ts";
import { keywordOf, labelTitle } from "./remembered.ts";
import { type Place, place } from "./route.ts";
import { t } from "../text/text.ts";

const KEEP = 8;
const lists = new Map<string, List>();

const outside = (messages: Email[], ids: Id[]) => messages.filter((m) => !ids.some((id) => m.mailboxIds[id]));

export function parse(text: string): Parsed {
	return parseSearch(text, { mailbox: findMailbox, label: keywordOf, hidden: hidden.value, now: new Date() });
}

function queryOf(at: Place): Query {
	switch (at.kind) {
	case "folder":
		return {
			key: `folder ${at.id}`,
			filter: { inMailbox: at.id },
			collapse: true,
			mailboxId: at.id,
			keeps: (messages) => messages.some((m) => m.mailboxIds[at.id]),
		};
	case "starred":
	case "label": {
		const keyword = at.kind === "starred" ? "$flagged" : at.name.toLowerCase();
		const away = hidden.peek();
		return {
			key: `keyword ${keyword}`,
			filter: { operator: "AND", conditions: [{ hasKeyword: keyword }, ...(away.length ? [{ inMailboxOtherThan: away }] : [])] },
			collapse: true,
			keeps: (messages) => outside(messages, away).some((m) => m.keywords[keyword]),
		};
	}
	case "search": {
		const parsed = parse(at.text);
		const away = /\bin:/.test(at.text) ? [] : hidden.peek();
		return {
			key: `search ${at.text}`,
			filter: parsed.filter,
			collapse: true,
			search: at.text,
			keeps: (messages) => away.length === 0 || outside(messages, away).length > 0,
		};
	}
	}
}

export const list = signal<List | null>(null);
// The rows in sight; the list says it while scrolling.
export const sight = { from: 0, to: 20 };

effect(() => {
	const at = place.value;
	if (!at || mailboxes.value.size === 0)
		return;
	untracked(() => show(at));
});

function show(at: Place): void {
	const query = queryOf(at);
	const kept = lists.get(query.key);
	if (kept && kept === list.peek())
		return;
	const next = kept ?? new List(query);
	lists.delete(query.key);
	lists.set(query.key, next);
	if (lists.size > KEEP)
		lists.delete(lists.keys().next().value!);
	sight.from = 0;
	sight.to = 20;
	cursor.value = 0;
	selection.value = new Set();
	list.value = next;
	if (kept)
		void next.reload(0, 0);
	else
		void next.ensure(0, 20);
}

export function forgetLists(): void {
	lists.clear();
	list.value = null;
}

// All lists that are kept: what changes here and now changes in each.
export const keptLists = () => [...lists.values()];

export const title = computed(() => {
	const at = place.value;
	if (!at)
		return "";
	if (at.kind === "folder") {
		const mailbox = mailboxes.value.get(at.id);
		return mailbox ? titleOf(mailbox) : "";
	}
	return at.kind === "starred" ? t("folder.starred") : at.kind === "label" ? labelTitle(at.name) : at.text;
});

export const currentMailbox = computed(() => {
	const at = place.value;
	return at?.kind === "folder" ? mailboxes.value.get(at.id) : undefined;
});

// The row that the keyboard stands on, and the rows that are chosen (ids of the messages that stand for them).
export const cursor = signal(0);
export const selection = signal<ReadonlySet<Id>>(new Set());

export function select(id: Id, on: boolean): void {
	const next = new Set(selection.peek());
	if (on)
		next.add(id);
	else
		next.delete(id);
	selection.value = next;
}

export function selectRange(from: number, to: number): void {
	const next = new Set(selection.peek());
	for (let i = Math.min(from, to); i <= Math.max(from, to); i++) {
		const id = list.peek()?.ids[i];
		if (id)
			next.add(id);
	}
	selection.value = next;
}

// Chooses every row of the list, also those that were never scrolled to.
export async function selectEverything(): Promise<void> {
	const shown = list.peek();
	if (!shown)
		return;
	const ids = await shown.allIds();
	if (shown === list.peek())
		selection.value = new Set(ids);
}

export function selectAllShown(): void {
	selection.value = new Set(list.peek()?.ids.filter((id): id is Id => id !== undefined && known(id)));
}
