// A list of messages: a query of the server of which only the parts that were scrolled to are known.

import { signal } from "@preact/signals";
import { Batch, Refused, call } from "../jmap/client.ts";
import type { Email, Filter, Id } from "../jmap/types.ts";
import { settled } from "./outbox.ts";
import { LIST_PROPERTIES, email, known, loadThreads, messagesOf, putEmails, putThreads, states } from "./emails.ts";

const PAGE = 50;

// Called when a list may have missed a change; sync.ts says what happens then.
export const doubt = { check: (): void => undefined };

export interface Query {
	// What makes it different from other queries.
	key: string;
	filter: Filter;
	// One row for a conversation?
	collapse: boolean;
	// The folder whose messages these are, if it is one.
	mailboxId?: Id;
	search?: string;
	// Does a conversation with these messages still belong here? For what was changed here and now.
	keeps(messages: Email[]): boolean;
}

export interface Snippet {
	subject: string | null;
	preview: string | null;
}

interface Removed {
	index: number;
	id: Id;
}

export class List {
	ids: (Id | undefined)[] = [];
	readonly total = signal(0);
	readonly version = signal(0); // rises with each change of ids
	readonly loaded = signal(false);
	readonly failed = signal<string | null>(null);
	readonly snippets = signal<ReadonlyMap<Id, Snippet>>(new Map());
	private state = "";
	private changeable = false;
	private readonly loading = new Set<number>();

	constructor(readonly query: Query) {}

	get sort() {
		return [{ property: "receivedAt", isAscending: false }];
	}

	private get args() {
		return { filter: this.query.filter, sort: this.sort, collapseThreads: this.query.collapse };
	}

	// Sees to it that the rows from..to are known.
	async ensure(from: number, to: number): Promise<void> {
		const pages: number[] = [];
		const end = this.loaded.peek() ? Math.min(to, this.total.peek() - 1) : to;
		for (let page = Math.floor(Math.max(from, 0) / PAGE); page * PAGE <= end; page++)
			if (!this.loading.has(page) && this.lacks(Math.max(page * PAGE, from), Math.min((page + 1) * PAGE - 1, end)))
				pages.push(page);
		if (pages.length > 0 && this.loaded.peek())
			await settled(); // what the server says shall include what was done here
		await Promise.all(pages.map((page) => this.load(page)));
	}

	// The ids of all rows; those that are not known are asked for, without anything about them.
	async allIds(): Promise<Id[]> {
		const ids: Id[] = [];
		for (;;) {
			const answer = await call("Email/query", { ...this.args, position: ids.length, limit: 500 });
			ids.push(...answer.ids);
			if (answer.ids.length === 0 || answer.ids.length < (answer.limit ?? 500))
				break;
		}
		// So that all of them can be seen to go.
		if (ids.length === this.total.peek())
			this.ids = [...ids];
		return ids;
	}

	private lacks(from: number, to: number): boolean {
		if (!this.loaded.peek())
			return true;
		for (let i = Math.max(from, 0); i <= to; i++)
			if (!this.ids[i] || !known(this.ids[i]!))
				return true;
		return false;
	}

	private async load(page: number): Promise<void> {
		this.loading.add(page);
		try {
			const batch = new Batch();
			const query = batch.call("Email/query", { ...this.args, position: page * PAGE, limit: PAGE, calculateTotal: true });
			const get = batch.call("Email/get", { "#ids": query.ref("/ids"), properties: LIST_PROPERTIES });
			const threads = batch.call("Thread/get", { "#ids": get.ref("/list/*/threadId") });
			const snippets = this.query.search
				? batch.call("SearchSnippet/get", { filter: this.query.filter, "#emailIds": query.ref("/ids") }) : null;
			const answers = await batch.send();
			const found = answers.get(query);
			const emails = answers.get(get);
			states.email ||= emails.state;
			putEmails(emails.list);
			const conversations = answers.maybe(threads);
			if (conversations) {
				states.thread ||= conversations.state;
				putThreads(conversations.list);
			}
			if (snippets)
				this.addSnippets(answers.maybe(snippets)?.list ?? []);
			if (this.state && this.state !== found.queryState) {
				this.ids = []; // what was known may stand elsewhere now
				doubt.check(); // and this answer may be older than another
			}
			this.state = found.queryState;
			this.changeable = found.canCalculateChanges;
			this.total.value = found.total ?? found.position + found.ids.length;
			this.ids.length = this.total.value;
			found.ids.forEach((id: Id, i: number) => (this.ids[found.position + i] = id));
			this.failed.value = null;
			this.loaded.value = true;
			this.version.value++;
			await loadThreads(emails.list.map((e: Email) => e.threadId));
		} catch (error) {
			if (error instanceof Refused)
				this.failed.value = error.message;
			else if (!this.loaded.peek())
				this.failed.value = "";
		} finally {
			this.loading.delete(page);
		}
	}

	private addSnippets(list: (Snippet & { emailId: Id })[]): void {
		const snippets = new Map(this.snippets.peek());
		for (const { emailId, subject, preview } of list)
			snippets.set(emailId, { subject, preview });
		this.snippets.value = snippets;
	}

	// Adds to a batch what tells the changes since this list was loaded (RFC 8620, 5.6).
	askChanges(batch: Batch): ((answers: import("../jmap/client.ts").Answers) => boolean) | null {
		if (!this.loaded.peek() || !this.changeable || !this.state)
			return null;
		const last = this.ids.findLast((id) => id !== undefined);
		const changes = batch.call("Email/queryChanges", {
			...this.args, sinceQueryState: this.state, calculateTotal: true, ...(last ? { upToId: last } : {}),
		});
		const get = batch.call("Email/get", { "#ids": changes.ref("/added/*/id"), properties: LIST_PROPERTIES });
		return (answers) => {
			const answer = answers.maybe(changes);
			const emails = answers.maybe(get);
			if (!answer || !emails || answer.oldQueryState !== this.state)
				return false;
			putEmails(emails.list);
			return this.applyChanges(answer);
		};
	}

	private applyChanges(answer: { newQueryState: string; total?: number; removed: Id[]; added: { id: Id; index: number }[] }): boolean {
		const ids = [...this.ids];
		const gone = new Set(answer.removed);
		const sparse = ids.includes(undefined);
		for (let i = ids.length - 1; i >= 0; i--)
			if (ids[i] !== undefined && gone.has(ids[i]!)) {
				gone.delete(ids[i]!);
				ids.splice(i, 1);
			}
		// Something has gone from a part that is not known here.
		if (sparse && [...gone].some((id) => !answer.added.some((a) => a.id === id) && !this.removedHere.has(id)))
			return false;
		this.removedHere.clear();
		for (const { id, index } of [...answer.added].sort((a, b) => a.index - b.index)) {
			const before = ids.indexOf(id);
			if (before >= 0)
				ids.splice(before, 1);
			if (index > ids.length)
				ids.length = index;
			ids.splice(index, 0, id);
		}
		const total = answer.total ?? ids.length;
		if (!sparse && total !== ids.length)
			return false;
		ids.length = total;
		this.state = answer.newQueryState;
		this.ids = ids;
		this.total.value = total;
		this.version.value++;
		return true;
	}

	// Loads again what is in sight, and forgets the rest.
	async reload(from: number, to: number): Promise<void> {
		const before = this.ids;
		this.state = "";
		this.ids = [];
		const first = Math.floor(Math.max(from, 0) / PAGE), last = Math.floor(Math.max(to, 0) / PAGE);
		// Until the answers are there, the old rows are better than none.
		this.ids = before;
		const pages: Promise<void>[] = [];
		for (let page = first; page <= last; page++)
			pages.push(this.load(page));
		await Promise.all(pages);
		for (let i = 0; i < this.ids.length; i++)
			if (i < first * PAGE || i >= (last + 1) * PAGE)
				this.ids[i] = undefined;
		this.version.value++;
	}

	private readonly removedHere = new Set<Id>();

	// Takes away the rows that no longer belong here after a change on this side; says where they were.
	prune(changed: Set<Id>): Removed[] {
		const removed: Removed[] = [];
		this.ids.forEach((id, index) => {
			const row = id && email(id).peek();
			if (!row)
				return;
			const messages = this.query.collapse ? messagesOf(row.threadId) : [row];
			if (!messages.some((m) => changed.has(m.id)))
				return;
			if (!this.query.keeps(messages.length ? messages : [row]))
				removed.push({ index, id });
		});
		if (removed.length === 0)
			return removed;
		const gone = new Set(removed.map((r) => r.id));
		this.ids = this.ids.filter((id) => id === undefined || !gone.has(id));
		for (const id of gone)
			this.removedHere.add(id);
		this.total.value -= removed.length;
		this.ids.length = this.total.value;
		this.version.value++;
		return removed;
	}

	// Puts rows back to where they were.
	restore(removed: Removed[]): void {
		const there = new Set(this.ids);
		removed.forEach(({ id }) => this.removedHere.delete(id));
		const back = removed.filter(({ id }) => !there.has(id));
		const ids: (Id | undefined)[] = [];
		let next = 0;
		for (const id of this.ids) {
			while (next < back.length && back[next]!.index <= ids.length)
				ids.push(back[next++]!.id);
			ids.push(id);
		}
		ids.push(...back.slice(next).map(({ id }) => id));
		this.ids = ids;
		this.total.value = ids.length;
		this.version.value++;
	}
}
