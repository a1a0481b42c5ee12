// A message that is being written: its fields, and saving it on the server so that it is never lost.

import { type Signal, signal } from "@preact/signals";
import { Batch, Refused, SessionEnded, Unreachable, downloadUrl, online } from "../jmap/client.ts";
import { TooLarge, upload } from "../jmap/upload.ts";
import type { Address, Email, Id, Identity } from "../jmap/types.ts";
import { fileSize } from "../lib/size.ts";
import { t } from "../text/text.ts";
import { ensureRole } from "./actions.ts";
import { byRole } from "./mailboxes.ts";
import { dropEmails } from "./emails.ts";
import { tell } from "./notices.ts";
import { identities } from "./start.ts";
import { settings } from "./settings.ts";
import * as journal from "./journal.ts";

export interface Attachment {
	key: number;
	name: string;
	type: string;
	size: number;
	blobId: Id | null; // null: on its way
	progress: number; // 0..1
	cid: string | null; // stands in the text
	url: string | null; // where the editor shows it from
	cancel(): void;
}

export type Status =
	| { kind: "new" }
	| { kind: "changed" }
	| { kind: "saving" }
	| { kind: "saved"; at: Date }
	| { kind: "failed"; why: string }
	| { kind: "sending" };

// What an editor can give; the text lives in it while it is open.
export interface EditorHandle {
	read(): { html: string; text: string };
	focus(): void;
	insertImage(url: string, name: string): void;
}

const SAVE_AFTER = 2000; // ms without a change
let lastKey = 0;

export class Draft {
	readonly key = ++lastKey;
	readonly to = signal<Address[]>([]);
	readonly cc = signal<Address[]>([]);
	readonly bcc = signal<Address[]>([]);
	readonly subject = signal("");
	readonly plain = signal(settings.peek().plain);
	readonly attachments = signal<Attachment[]>([]);
	readonly status = signal<Status>({ kind: "new" });
	readonly shape = signal<"docked" | "small" | "full">("docked");
	readonly identityId: Signal<Id> = signal(identities.peek()[0]?.id ?? "");
	readonly problem = signal<string | null>(null);

	// The text when no editor holds it. In html, images stand as cid: URLs.
	html = "";
	text = "";
	editor: EditorHandle | null = null;

	emailId: Id | null = null; // on the server
	inReplyTo: string[] | null = null;
	references: string[] | null = null;
	answers: Id | null = null; // gets $answered when this is sent
	forwards: Id | null = null; // gets $forwarded
	threadId: Id | null = null; // stands below this conversation
	kind: "new" | "reply" | "forward" = "new";

	private timer: ReturnType<typeof setTimeout> | undefined;
	private saving: Promise<void> | null = null;
	private changes = 0;
	private saved = 0;
	gone = false;

	get identity(): Identity | undefined {
		return identities.peek().find((i) => i.id === this.identityId.peek()) ?? identities.peek()[0];
	}

	get dirty(): boolean {
		return this.changes !== this.saved;
	}

	// Something was changed: it is kept here at once, and on the server soon.
	touch(): void {
		this.changes++;
		if (this.status.peek().kind !== "saving")
			this.status.value = { kind: "changed" };
		this.problem.value = null;
		journal.note(this);
		clearTimeout(this.timer);
		this.timer = setTimeout(() => void this.save(), SAVE_AFTER);
	}

	takeFromEditor(): void {
		if (!this.editor)
			return;
		const { html, text } = this.editor.read();
		this.html = html;
		this.text = text;
	}

	get empty(): boolean {
		this.takeFromEditor();
		return this.to.peek().length + this.cc.peek().length + this.bcc.peek().length + this.attachments.peek().length === 0 &&
			this.subject.peek() === "" && this.text.trim() === "" && this.emailId === null;
	}

	// The Email object to create (RFC 8621, 4.6): a text, an HTML of the same unless plain, and attachments.
	email(): object {
		this.takeFromEditor();
		const identity = this.identity;
		const from = identity ? [{ name: identity.name || null, email: identity.email }] : null;
		const plain = this.plain.peek();
		const attachments = this.attachments.peek().filter((a) => a.blobId && (a.cid === null || (!plain && this.html.includes(`cid:${a.cid}`))));
		return {
			mailboxIds: { [byRole.peek().drafts?.id ?? byRole.peek().inbox!.id]: true },
			keywords: { $draft: true, $seen: true },
			from,
			to: this.to.peek(),
			cc: this.cc.peek(),
			bcc: this.bcc.peek(),
			...(identity?.replyTo?.length ? { replyTo: identity.replyTo } : {}),
			subject: this.subject.peek(),
			...(this.inReplyTo ? { inReplyTo: this.inReplyTo } : {}),
			...(this.references ? { references: this.references } : {}),
			textBody: [{ partId: "text", type: "text/plain" }],
			...(plain ? {} : { htmlBody: [{ partId: "html", type: "text/html" }] }),
			bodyValues: {
				text: { value: this.text },
				...(plain ? {} : { html: { value: `<!doctype html><html><body>${this.html}</body></html>` } }),
			},
			...(attachments.length === 0 ? {} : {
				attachments: attachments.map((a) => ({
					blobId: a.blobId, type: a.type, name: a.name, cid: a.cid, disposition: a.cid ? "inline" : "attachment",
				})),
			}),
		};
	}

	// Saves, one at a time: a copy takes the place of the one before it, in one request.
	async save(): Promise<void> {
		clearTimeout(this.timer);
		while (this.saving)
			await this.saving;
		if (this.gone || !this.dirty || this.status.peek().kind === "sending" || this.empty)
			return;
		this.saving = this.saveOnce().finally(() => (this.saving = null));
		await this.saving;
	}

	async settle(): Promise<void> {
		clearTimeout(this.timer);
		while (this.saving)
			await this.saving;
	}

	private async saveOnce(): Promise<void> {
		const upTo = this.changes;
		this.status.value = { kind: "saving" };
		try {
			await ensureRole("drafts", "Drafts");
			const batch = new Batch();
			const before = this.emailId;
			const set = batch.call("Email/set", { create: { draft: this.email() }, ...(before ? { destroy: [before] } : {}) });
			const answer = (await batch.send()).get(set);
			const refused = answer.notCreated?.draft;
			if (refused)
				throw new Refused(refused.type, refused.description);
			this.emailId = answer.created.draft.id;
			if (before)
				dropEmails([before]);
			this.saved = upTo;
			if (this.dirty) {
				this.status.value = { kind: "changed" };
				this.timer = setTimeout(() => void this.save(), SAVE_AFTER);
			} else {
				this.status.value = { kind: "saved", at: new Date() };
				journal.forget(this);
			}
		} catch (error) {
			const away = error instanceof Unreachable || error instanceof SessionEnded;
			this.status.value = away ? { kind: "changed" } : { kind: "failed", why: (error as Error).message };
			if (away)
				this.timer = setTimeout(() => void this.save(), online.peek() ? 2000 : 5000);
		}
	}

	// Saved from elsewhere (a send that was taken back): nothing is left to save.
	markSaved(id: Id | null): void {
		this.emailId = id;
		this.saved = this.changes;
		this.gone = false;
		this.status.value = id ? { kind: "saved", at: new Date() } : { kind: "changed" };
	}

	// attach(): uploads a file; inline if it is to stand in the text.
	async attach(file: File, inline: boolean): Promise<void> {
		const stop = new AbortController();
		const key = ++lastKey;
		const made: Attachment = {
			key,
			name: file.name || t("reader.unnamed"),
			type: file.type || "application/octet-stream",
			size: file.size,
			blobId: null,
			progress: 0,
			cid: inline ? `${crypto.randomUUID()}@postern` : null,
			url: inline ? URL.createObjectURL(file) : null,
			cancel: () => stop.abort(),
		};
		const update = (part: Partial<Attachment>) =>
			(this.attachments.value = this.attachments.peek().map((a) => (a.key === key ? { ...a, ...part } : a)));
		this.attachments.value = [...this.attachments.peek(), made];
		if (inline)
			this.editor?.insertImage(made.url!, made.name);
		try {
			const done = await upload(file, (progress) => update({ progress }), stop.signal);
			update({ blobId: done.blobId, progress: 1 });
			this.touch();
		} catch (error) {
			this.attachments.value = this.attachments.peek().filter((a) => a.key !== key);
			if ((error as Error).name === "AbortError")
				return;
			tell(error instanceof TooLarge
				? t("compose.attachment.large", { name: made.name, limit: fileSize(error.most) })
				: t("compose.attachment.failed", { name: made.name }), { bad: true });
		}
	}

	detach(key: number): void {
		this.attachments.peek().find((a) => a.key === key)?.cancel();
		this.attachments.value = this.attachments.peek().filter((a) => a.key !== key);
		this.touch();
	}

	// Takes the parts of a message that is on the server already.
	adopt(message: Email, which: "all" | "inline"): void {
		const parts = (message.attachments ?? []).filter((p) => p.blobId && (which === "all" || (p.cid && p.disposition !== "attachment")));
		this.attachments.value = parts.map((part) => ({
			key: ++lastKey,
			name: part.name ?? t("reader.unnamed"),
			type: part.type,
			size: part.size,
			blobId: part.blobId,
			progress: 1,
			cid: part.disposition === "attachment" ? null : part.cid,
			url: part.cid && part.disposition !== "attachment" ? downloadUrl(part.blobId!, part.name ?? "image", part.type) : null,
			cancel: () => undefined,
		}));
	}

	get uploading(): boolean {
		return this.attachments.peek().some((a) => a.blobId === null);
	}

	stop(): void {
		clearTimeout(this.timer);
		this.gone = true;
		journal.forget(this);
	}
}

