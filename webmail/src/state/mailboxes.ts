// The folders of the account.

import { computed, signal } from "@preact/signals";
import type { Id, Mailbox } from "../jmap/types.ts";
import { type Key, t } from "../text/text.ts";

export const mailboxes = signal<ReadonlyMap<Id, Mailbox>>(new Map());
// The state up to which changes are known (RFC 8620, 5.2).
export let mailboxState = "";

export function setMailboxState(state: string): void {
	mailboxState = state;
}

export function setMailboxes(list: Mailbox[], state: string): void {
	mailboxes.value = new Map(list.map((m) => [m.id, m]));
	mailboxState = state;
}

export function mergeMailboxes(list: Partial<Mailbox>[], destroyed: Id[] = []): void {
	const merged = new Map(mailboxes.value);
	for (const part of list)
		merged.set(part.id!, { ...merged.get(part.id!), ...part } as Mailbox);
	for (const id of destroyed)
		merged.delete(id);
	mailboxes.value = merged;
}

export const ROLES = ["inbox", "drafts", "sent", "archive", "junk", "trash"] as const;
export type Role = (typeof ROLES)[number];

export const byRole = computed(() => {
	const found: Partial<Record<string, Mailbox>> = {};
	for (const mailbox of mailboxes.value.values())
		if (mailbox.role)
			found[mailbox.role] = mailbox;
	return found;
});

// What people call it: the words of their own language for those with a role.
export function titleOf(mailbox: Mailbox): string {
	return (ROLES as readonly string[]).includes(mailbox.role ?? "") ? t(`role.${mailbox.role}` as Key) : mailbox.name;
}

export interface Branch {
	mailbox: Mailbox;
	depth: number;
}

// The other folders as a tree, flattened, parents before their children.
export const folders = computed<Branch[]>(() => {
	const children = new Map<Id | null, Mailbox[]>();
	for (const mailbox of mailboxes.value.values()) {
		const parent = mailbox.parentId && mailboxes.value.has(mailbox.parentId) ? mailbox.parentId : null;
		children.set(parent, [...(children.get(parent) ?? []), mailbox]);
	}
	const list: Branch[] = [];
	const walk = (parent: Id | null, depth: number) => {
		const sorted = (children.get(parent) ?? []).sort((a, b) => a.sortOrder - b.sortOrder || a.name.localeCompare(b.name));
		for (const mailbox of sorted) {
			const special = (ROLES as readonly string[]).includes(mailbox.role ?? "");
			if (!special)
				list.push({ mailbox, depth });
			if (depth < 20)
				walk(mailbox.id, special ? 0 : depth + 1);
		}
	};
	walk(null, 0);
	return list;
});

// Folders that were hidden are not shown beside the list, unless something below them is.
export function isShown({ mailbox }: Branch): boolean {
	return mailbox.isSubscribed !== false ||
		[...mailboxes.value.values()].some((m) => m.parentId === mailbox.id && m.id !== mailbox.id && isShown({ mailbox: m, depth: 0 }));
}

// All that is below a folder, the deepest first.
export function below(mailbox: Mailbox, depth = 0): Mailbox[] {
	if (depth > 20)
		return [];
	return [...mailboxes.peek().values()].filter((m) => m.parentId === mailbox.id)
		.flatMap((m) => [...below(m, depth + 1), m]);
}

// The path of a folder for lists without a tree: Work / Invoices.
export function pathOf(mailbox: Mailbox): string {
	const parent = mailbox.parentId ? mailboxes.value.get(mailbox.parentId) : undefined;
	return parent && parent.role !== "inbox" ? `${pathOf(parent)} / ${titleOf(mailbox)}` : titleOf(mailbox);
}

// The mailbox that somebody means by a name: its role, name or path.
export function findMailbox(name: string): Id | undefined {
	const wanted = name.toLowerCase();
	const role = wanted === "spam" ? "junk" : wanted === "bin" ? "trash" : wanted;
	for (const mailbox of mailboxes.value.values())
		if (mailbox.role === role || mailbox.name.toLowerCase() === wanted || titleOf(mailbox).toLowerCase() === wanted ||
			pathOf(mailbox).toLowerCase() === wanted)
			return mailbox.id;
	return undefined;
}

// Junk and Trash: not part of a conversation or a search unless one is there.
export const hidden = computed(() => [byRole.value.junk?.id, byRole.value.trash?.id].filter((id) => id !== undefined));
