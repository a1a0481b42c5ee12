// Bringing messages of files into a folder: split, uploaded, and put there in parts (RFC 8621, 4.8). It goes on while one
// does other things, waits when the network is gone, and never puts a message there twice: what was on its way then is
// looked for before it is sent again.

import { signal } from "@preact/signals";
import { Batch, Refused, SessionEnded, Unreachable, call, ended, limit, online } from "../jmap/client.ts";
import type { Email, Id, Mailbox } from "../jmap/types.ts";
import { TooLarge, upload } from "../jmap/upload.ts";
import { type About, MboxSplitter, type Split, aboutMessage } from "../lib/mbox.ts";
import { fileSize } from "../lib/size.ts";
import { t } from "../text/text.ts";
import { tell } from "./notices.ts";
import { sync } from "./sync.ts";

const SLICE = 1024 * 1024; // octets of a file that are read at once
const PART = 25; // messages of one Email/import
const PAGE = 500; // ids that are asked for at once
const TRIES = 5; // of a request that the server has no room for just now

export interface Failure {
	file: string;
	subject: string;
	why: string;
}

export interface Progress {
	folder: Mailbox;
	state: "running" | "waiting" | "done" | "cancelled" | "failed";
	octets: number; // of the files
	read: number;
	imported: number;
	skipped: number; // were there already
	failures: Failure[];
	failed: number; // how many; `failures` are the first of them
	why?: string; // it could not go on
}

export interface Options {
	skipKnown: boolean;
	markRead: boolean; // unless the file says what was read
}

export const progress = signal<Progress | null>(null);

const FAILURES_SHOWN = 200;

class Cancelled extends Error {}
// Nothing more can be put there, such as when there is no room.
class Over extends Error {}

interface Item {
	file: string;
	about: About;
	key: string;
	blobId: Id | null;
}

// What makes a message the same one: its Message-ID, else its date and size.
const keyOf = (messageId: string | null | undefined, receivedAt: string, size: number) => messageId || `${receivedAt} ${size}`;
const KEY_PROPERTIES = ["messageId", "receivedAt", "size"];
const stamp = (date: Date | null) => `${(date ?? new Date()).toISOString().slice(0, 19)}Z`;

class Run {
	private readonly stop = new AbortController();
	private readonly known = new Set<string>();
	private state = ""; // of the messages, before the part that is on its way
	private waiting: Item[] = [];

	constructor(private readonly files: File[], private readonly folder: Mailbox, private readonly options: Options) {}

	cancel(): void {
		this.stop.abort();
	}

	private note(part: Partial<Progress>): void {
		progress.value = { ...progress.peek()!, ...part };
	}

	private fail(file: string, subject: string, why: string): void {
		const now = progress.peek()!;
		this.note({ failed: now.failed + 1, failures: now.failures.length < FAILURES_SHOWN ? [...now.failures, { file, subject, why }] : now.failures });
	}

	// Calls until the server was reached. `unsure`: what to do when it may have heard of it.
	private async insist<T>(run: () => Promise<T>, unsure?: () => Promise<T | undefined>): Promise<T> {
		let delay = 500, tries = 0;
		for (;;) {
			if (this.stop.signal.aborted)
				throw new Cancelled();
			try {
				return await run();
			} catch (error) {
				if (this.stop.signal.aborted)
					throw new Cancelled();
				const lost = error instanceof Unreachable || error instanceof SessionEnded;
				const busy = error instanceof Refused && /^HTTP (429|5\d\d)$|limit$/.test(error.type) && ++tries < TRIES;
				if (!lost && !busy)
					throw error;
				this.note({ state: "waiting" });
				await this.pause(delay);
				delay = Math.min(delay * 2, 15_000);
				if (lost && unsure) {
					const found = await this.insist(unsure);
					if (found !== undefined) {
						this.note({ state: "running" });
						return found;
					}
				}
				this.note({ state: "running" });
			}
		}
	}

	// Until the network and the session are probably back, or it is cancelled.
	private pause(ms: number): Promise<void> {
		return new Promise((resolve) => {
			const ends: (() => void)[] = [];
			const end = () => {
				ends.forEach((stop) => stop());
				resolve();
			};
			const timer = setTimeout(() => !ended.peek() && end(), ms);
			let first = true;
			const watch = () => {
				if (!first && online.peek() && !ended.peek())
					end();
			};
			ends.push(() => clearTimeout(timer), online.subscribe(watch), ended.subscribe(watch));
			first = false;
			window.addEventListener("online", end, { once: true });
			ends.push(() => window.removeEventListener("online", end));
			this.stop.signal.addEventListener("abort", end, { once: true });
		});
	}

	// What is in the folder already.
	private async look(): Promise<void> {
		const first = await this.insist(() => call("Email/get", { ids: [] }));
		this.state = first.state;
		if (!this.options.skipKnown || this.folder.totalEmails === 0)
			return;
		for (let position = 0; ;) {
			const list = await this.insist(() => this.page(position, PAGE, true));
			for (const m of list)
				this.known.add(keyOf(m.messageId?.[0], m.receivedAt, m.size));
			position += list.length;
			if (list.length === 0)
				return;
		}
	}

	private async page(position: number, most: number, isAscending: boolean): Promise<Email[]> {
		const batch = new Batch();
		const query = batch.call("Email/query", { filter: { inMailbox: this.folder.id }, sort: [{ property: "receivedAt", isAscending }], position, limit: most });
		const get = batch.call("Email/get", { "#ids": query.ref("/ids"), properties: KEY_PROPERTIES });
		return (await batch.send()).get(get).list;
	}

	// The answer to a part was lost: those of it that are in the folder by now. Undefined: none are.
	private async arrived(part: Item[]): Promise<any | undefined> {
		const found = new Set<string>();
		for (let since = this.state; ;) {
			const batch = new Batch();
			const changes = batch.call("Email/changes", { sinceState: since, maxChanges: PAGE });
			const get = batch.call("Email/get", { "#ids": changes.ref("/created"), properties: [...KEY_PROPERTIES, "mailboxIds"] });
			const answers = await batch.send();
			const answer = answers.maybe(changes);
			if (!answer) {
				// The server does not remember that far: the newest of the folder, then.
				(await this.page(0, PAGE, false)).forEach((m) => found.add(keyOf(m.messageId?.[0], m.receivedAt, m.size)));
				break;
			}
			for (const m of answers.get(get).list as Email[])
				if (m.mailboxIds[this.folder.id])
					found.add(keyOf(m.messageId?.[0], m.receivedAt, m.size));
			since = answer.newState;
			if (!answer.hasMoreChanges)
				break;
		}
		const done = part.filter((item) => found.has(item.key));
		if (done.length === 0)
			return undefined;
		const rest = part.filter((item) => !found.has(item.key));
		const answer = rest.length > 0 ? await call("Email/import", this.request(rest)) : { newState: this.state };
		// Numbered as in the part.
		const renumber = (map: Record<string, any> | null | undefined) =>
			Object.fromEntries(Object.entries(map ?? {}).map(([n, value]) => [`m${part.indexOf(rest[Number(n.slice(1))]!)}`, value]));
		return {
			newState: answer.newState,
			created: { ...Object.fromEntries(done.map((item) => [`m${part.indexOf(item)}`, {}])), ...renumber(answer.created) },
			notCreated: renumber(answer.notCreated),
		};
	}

	private request(part: Item[]): object {
		return {
			emails: Object.fromEntries(part.map((item, n) => [`m${n}`, {
				blobId: item.blobId,
				mailboxIds: { [this.folder.id]: true },
				keywords: Object.fromEntries((item.about.keywords ?? (this.options.markRead ? ["$seen"] : [])).map((k) => [k, true])),
				receivedAt: stamp(item.about.received),
			}])),
		};
	}

	private async send(): Promise<void> {
		const part = this.waiting.splice(0);
		if (part.length === 0)
			return;
		await this.upload(part);
		const ready = part.filter((item) => item.blobId !== null);
		if (ready.length === 0)
			return;
		const answer = await this.insist(() => call("Email/import", this.request(ready)), () => this.arrived(ready));
		this.state = answer.newState;
		this.note({ imported: progress.peek()!.imported + Object.keys(answer.created ?? {}).length });
		for (const [n, error] of Object.entries<any>(answer.notCreated ?? {})) {
			const item = ready[Number(n.slice(1))]!;
			if (error.type === "overQuota")
				throw new Over(t("import.full"));
			if (error.type === "alreadyExists")
				this.note({ skipped: progress.peek()!.skipped + 1 });
			else
				this.fail(item.file, item.about.subject, error.description || error.type);
		}
	}

	private async upload(part: Item[]): Promise<void> {
		const queue = [...part];
		const worker = async () => {
			for (let item = queue.shift(); item; item = queue.shift()) {
				const one = item;
				try {
					const blob = new Blob([one.about.bytes as BlobPart], { type: "message/rfc822" });
					one.blobId = (await this.insist(() => upload(blob, () => undefined, this.stop.signal))).blobId;
				} catch (error) {
					if (error instanceof Cancelled || error instanceof DOMException)
						throw new Cancelled();
					this.fail(one.file, one.about.subject, error instanceof TooLarge
						? t("import.large", { limit: fileSize(error.most) }) : (error as Error).message);
				}
			}
		};
		await Promise.all(Array.from({ length: Math.min(3, limit("maxConcurrentUpload", 3)) }, worker));
	}

	private async take(file: string, bytes: Uint8Array | null, split: Split | null, size: number): Promise<void> {
		if (!bytes) {
			this.fail(file, "", t("import.large", { limit: fileSize(limit("maxSizeUpload", 50_000_000)) }));
			return;
		}
		const about = aboutMessage(bytes, split);
		if (about.internal)
			return;
		const key = keyOf(about.messageId, stamp(about.received), about.bytes.length);
		if (this.options.skipKnown && this.known.has(key)) {
			this.note({ skipped: progress.peek()!.skipped + 1 });
			return;
		}
		this.known.add(key);
		this.waiting.push({ file, about: { ...about, bytes: about.bytes.slice() }, key, blobId: null });
		// Large ones don't gather in the memory.
		if (this.waiting.length >= PART || this.waiting.reduce((n, item) => n + item.about.bytes.length, 0) > 8 * SLICE || size > 4 * SLICE)
			await this.send();
	}

	private async readFile(file: File): Promise<void> {
		const most = limit("maxSizeUpload", 50_000_000);
		const splitter = new MboxSplitter(most);
		const take = async (made: Split[]) => {
			for (const one of made)
				await this.take(file.name, one.bytes, splitter.isMbox ? one : null, one.size);
		};
		for (let at = 0; at < file.size; at += SLICE) {
			if (this.stop.signal.aborted)
				throw new Cancelled();
			const piece = new Uint8Array(await file.slice(at, at + SLICE).arrayBuffer());
			const made = splitter.push(piece);
			// A message alone is what it is, without looking for others in it.
			if (splitter.isMbox === false) {
				await this.readAlone(file, most);
				return;
			}
			await take(made);
			this.note({ read: progress.peek()!.read + piece.length });
		}
		const last = splitter.end();
		if (splitter.isMbox === false)
			await this.readAlone(file, most);
		else
			await take(last);
	}

	private async readAlone(file: File, most: number): Promise<void> {
		if (file.size > most) {
			await this.take(file.name, null, null, file.size);
		} else {
			const bytes = withLineEnds(new Uint8Array(await file.arrayBuffer()));
			if (/^[\x21-\x39\x3b-\x7e]+:/.test(new TextDecoder("latin1").decode(bytes.subarray(0, 100))))
				await this.take(file.name, bytes, null, bytes.length);
			else
				this.fail(file.name, "", t("import.noMail"));
		}
		this.note({ read: Math.min(progress.peek()!.octets, progress.peek()!.read + file.size) });
	}

	async run(): Promise<void> {
		try {
			await this.look();
			for (const file of this.files) {
				try {
					await this.readFile(file);
				} catch (error) {
					if (error instanceof Cancelled || error instanceof Over || error instanceof Refused)
						throw error;
					// The file cannot be read (any more).
					this.fail(file.name, "", t("import.unreadable"));
				}
			}
			await this.send();
			this.note({ state: "done" });
		} catch (error) {
			this.note(error instanceof Cancelled ? { state: "cancelled" } : { state: "failed", why: (error as Error).message });
		}
		await sync();
		const now = progress.peek()!;
		if (now.state !== "cancelled")
			tell(now.why ?? t("import.done", { n: now.imported }), { bad: now.why !== undefined });
	}
}

// Line ends as mail has them.
function withLineEnds(bytes: Uint8Array): Uint8Array {
	let bare = 0;
	for (let i = 0; i < bytes.length; i++)
		if (bytes[i] === 10 && bytes[i - 1] !== 13)
			bare++;
	if (bare === 0)
		return bytes;
	const made = new Uint8Array(bytes.length + bare);
	for (let i = 0, to = 0; i < bytes.length; i++) {
		if (bytes[i] === 10 && bytes[i - 1] !== 13)
			made[to++] = 13;
		made[to++] = bytes[i]!;
	}
	return made;
}

let run: Run | null = null;

export const isImporting = () => progress.peek()?.state === "running" || progress.peek()?.state === "waiting";

export function startImport(files: File[], folder: Mailbox, options: Options): void {
	if (isImporting())
		return;
	progress.value = {
		folder, state: "running", octets: files.reduce((n, f) => n + f.size, 0), read: 0, imported: 0, skipped: 0, failures: [], failed: 0,
	};
	run = new Run(files, folder, options);
	void run.run();
}

export function cancelImport(): void {
	run?.cancel();
}

// Leaving now would end it.
addEventListener("beforeunload", (event) => {
	if (isImporting())
		event.preventDefault();
});
