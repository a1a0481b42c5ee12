// Beginning a message (new, reply, forward, a draft again), sending it, taking it back.

import { signal } from "@preact/signals";
import { Batch, Refused, SUBMISSION, call, session } from "../jmap/client.ts";
import type { Address, Email, Id } from "../jmap/types.ts";
import { nameOf, sameAddress } from "../lib/address.ts";
import { fullTime, messageTime } from "../lib/date.ts";
import { bareSubject, forwardSubject, quotePlain, replySubject, speaksOfAttachment } from "../lib/quote.ts";
import { editable, editableHtml } from "../lib/sanitise.ts";
import { fromText, toText } from "../lib/totext.ts";
import { t } from "../text/text.ts";
import { ensureRole } from "./actions.ts";
import { Draft } from "./draft.ts";
import { dropEmails, email, loadBodies, loadThreads } from "./emails.ts";
import { recover } from "./journal.ts";
import { byRole } from "./mailboxes.ts";
import { ask, tell } from "./notices.ts";
import { enqueue } from "./outbox.ts";
import { openThreadId } from "./route.ts";
import { cancel, loadScheduled } from "./scheduled.ts";
import { isPhone, settings } from "./settings.ts";
import { identities } from "./start.ts";
import { sync } from "./sync.ts";

const MOST = 3; // composers at a time

export const drafts = signal<Draft[]>([]);

function open(draft: Draft): Draft {
	const others = drafts.peek();
	for (const other of others)
		if (other.shape.peek() === "full")
			other.shape.value = "docked";
	if (others.length >= MOST)
		void close(others[0]!);
	drafts.value = [...drafts.peek(), draft];
	// On a phone the back button closes what fills the screen.
	if (isPhone.peek())
		history.pushState({ composing: draft.key }, "", location.hash || "#/");
	return draft;
}

addEventListener("popstate", () => {
	const last = drafts.peek().at(-1);
	if (last && isPhone.peek() && history.state?.composing !== last.key)
		void close(last);
});

function signature(draft: Draft): { html: string; text: string } {
	const identity = draft.identity;
	const text = identity?.textSignature ?? "";
	if (identity?.htmlSignature)
		return { html: `<div><br></div><div>-- </div>${editableHtml(identity.htmlSignature, () => null)}`, text };
	return { html: text ? `<div><br></div><div>-- </div>${htmlOf(fromText(text))}` : "", text };
}

function htmlOf(fragment: DocumentFragment): string {
	const holder = document.createElement("div");
	holder.append(fragment);
	return holder.innerHTML;
}

const withSignature = (text: string) => (text ? `\n\n-- \n${text}` : "");

export async function compose(to: Address[] = [], subject = ""): Promise<Draft> {
	await ready();
	const draft = new Draft();
	const sign = signature(draft);
	draft.to.value = to;
	draft.subject.value = subject;
	draft.html = `<div><br></div>${sign.html}`;
	draft.text = withSignature(sign.text);
	return open(draft);
}

// The addresses to send from may still be on their way.
async function ready(): Promise<void> {
	if (identities.peek().length === 0)
		identities.value = (await call("Identity/get", { ids: null }).catch(() => null))?.list ?? [];
}

const mine = (address: Address) =>
	identities.peek().some((i) => sameAddress(i.email, address.email)) || sameAddress(address.email, session.peek()?.username ?? "");

function without(list: Address[], others: Address[]): Address[] {
	const seen = new Set(others.map((a) => a.email.toLowerCase()));
	return list.filter((a) => !seen.has(a.email.toLowerCase()) && seen.add(a.email.toLowerCase()));
}

export async function reply(id: Id, all: boolean): Promise<void> {
	await Promise.all([ready(), loadBodies([id])]);
	const original = email(id).peek();
	if (!original)
		return;
	const draft = new Draft();
	const back = original.replyTo?.length ? original.replyTo : original.from ?? [];
	const own = back.every(mine);
	draft.kind = "reply";
	draft.to.value = own ? original.to ?? [] : without(back, []);
	if (all) {
		const others = [...(own ? [] : original.to ?? []), ...(original.cc ?? [])].filter((a) => !mine(a));
		draft.cc.value = without(others, draft.to.peek());
	}
	const addressed = [...(original.to ?? []), ...(original.cc ?? []), ...(original.bcc ?? [])];
	const as = identities.peek().find((i) => addressed.some((a) => sameAddress(a.email, i.email)));
	if (as)
		draft.identityId.value = as.id;
	draft.subject.value = replySubject(original.subject);
	thread(draft, original);
	draft.answers = id;
	draft.threadId = original.threadId;
	const lead = t("compose.wrote", { date: fullTime(original.sentAt ?? original.receivedAt), name: nameOf(original.from?.[0]) });
	quote(draft, original, lead, true);
	open(draft);
}

// RFC 5322, 3.6.4
function thread(draft: Draft, original: Email): void {
	draft.inReplyTo = original.messageId ?? null;
	const references = [...(original.references ?? original.inReplyTo ?? []), ...(original.messageId ?? [])];
	draft.references = references.length ? references : null;
}

export async function forward(id: Id): Promise<void> {
	await Promise.all([ready(), loadBodies([id])]);
	const original = email(id).peek();
	if (!original)
		return;
	const draft = new Draft();
	draft.kind = "forward";
	draft.subject.value = forwardSubject(original.subject);
	draft.references = [...(original.references ?? []), ...(original.messageId ?? [])];
	draft.forwards = id;
	draft.adopt(original, "all");
	const lead = [
		`---------- ${t("compose.forwarded")} ----------`,
		`${t("reader.from")}: ${(original.from ?? []).map((a) => `${a.name ?? ""} <${a.email}>`.trim()).join(", ")}`,
		`${t("reader.date")}: ${fullTime(original.sentAt ?? original.receivedAt)}`,
		`${t("compose.subject")}: ${original.subject ?? ""}`,
		`${t("compose.to")}: ${(original.to ?? []).map((a) => `${a.name ?? ""} <${a.email}>`.trim()).join(", ")}`,
		"",
	].join("\n");
	quote(draft, original, lead, false);
	open(draft);
}

export const bodyText = (message: Email) => (message.textBody ?? [])
	.filter((p) => p.type === "text/plain").map((p) => message.bodyValues?.[p.partId ?? ""]?.value ?? "").join("\n");

export const bodyHtml = (message: Email) => (message.htmlBody ?? [])
	.filter((p) => p.type === "text/html").map((p) => message.bodyValues?.[p.partId ?? ""]?.value ?? "").join("\n");

// Puts an empty line, the signature, and the original below.
function quote(draft: Draft, original: Email, lead: string, indented: boolean): void {
	const sign = signature(draft);
	const html = bodyHtml(original);
	const keep = (src: string) => (draft.attachments.peek().some((a) => a.cid && src === `cid:${a.cid}`) ? src : null);
	const inner = html ? editableHtml(html, keep) : htmlOf(fromText(bodyText(original)));
	const text = bodyText(original) || toText(editable(html, () => null));
	const block = indented ? `<blockquote type="cite">${inner}</blockquote>` : inner;
	draft.html = `<div><br></div>${sign.html}<div><br></div>${htmlOf(fromText(lead))}${block}`;
	draft.text = `${withSignature(sign.text)}\n\n${lead}\n${indented ? quotePlain(text) : text}`;
}

const cidOnly = (src: string) => (src.startsWith("cid:") ? src : null);

// Opens a draft of the server, or shows the composer that has it open.
export async function editDraft(id: Id): Promise<void> {
	if (drafts.peek().some((d) => d.emailId === id))
		return;
	await Promise.all([ready(), loadBodies([id])]);
	const message = email(id).peek();
	if (!message)
		return;
	const draft = new Draft();
	draft.to.value = message.to ?? [];
	draft.cc.value = message.cc ?? [];
	draft.bcc.value = message.bcc ?? [];
	draft.subject.value = message.subject ?? "";
	draft.inReplyTo = message.inReplyTo ?? null;
	draft.references = message.references ?? null;
	const as = identities.peek().find((i) => message.from?.some((a) => sameAddress(a.email, i.email)));
	if (as)
		draft.identityId.value = as.id;
	const html = bodyHtml(message);
	draft.text = bodyText(message);
	draft.plain.value = html === "";
	draft.adopt(message, "all");
	draft.html = html ? editableHtml(html, cidOnly) : htmlOf(fromText(draft.text));
	draft.markSaved(id);
	draft.threadId = message.threadId;
	open(draft);
}

// What a crash has left.
export async function recoverDrafts(): Promise<void> {
	for (const entry of await recover()) {
		await ready();
		const draft = new Draft();
		draft.to.value = entry.to;
		draft.cc.value = entry.cc;
		draft.bcc.value = entry.bcc;
		draft.subject.value = entry.subject;
		draft.plain.value = entry.plain;
		draft.html = editableHtml(entry.html, cidOnly);
		draft.text = entry.text;
		draft.emailId = entry.emailId;
		draft.inReplyTo = entry.inReplyTo;
		draft.references = entry.references;
		draft.answers = entry.answers;
		draft.adopt({ attachments: entry.attachments.map((a) => ({ ...a, partId: null, disposition: a.cid ? "inline" : "attachment" })) } as Email, "all");
		draft.touch();
		open(draft);
	}
}

function remove(draft: Draft): void {
	drafts.value = drafts.peek().filter((d) => d !== draft);
	if (isPhone.peek() && history.state?.composing === draft.key)
		history.back();
}

// Saves and closes; an empty message leaves nothing behind.
export async function close(draft: Draft): Promise<void> {
	draft.takeFromEditor();
	remove(draft);
	await draft.save();
	if (!draft.dirty)
		draft.stop();
}

export async function discard(draft: Draft): Promise<void> {
	draft.takeFromEditor();
	await draft.settle();
	draft.stop();
	remove(draft);
	const id = draft.emailId;
	if (id === null && draft.text.trim() === "" && draft.subject.peek() === "")
		return;
	const timer = id === null ? undefined : setTimeout(() => {
		discarded.delete(id);
		enqueue(async () => {
			await call("Email/set", { destroy: [id] });
			dropEmails([id]);
			await sync();
		}, () => undefined);
	}, 10_000);
	if (id !== null)
		discarded.add(id);
	tell(t("compose.discarded"), {
		undo: () => {
			clearTimeout(timer);
			discarded.delete(id!);
			draft.gone = false;
			open(draft);
			draft.touch();
		},
	});
}

// Drafts that are gone for the user, and that the server keeps as long as they can be brought back.
const discarded = new Set<Id>();

// Nobody can bring them back any more.
addEventListener("pagehide", () => {
	if (discarded.size === 0)
		return;
	const batch = new Batch();
	batch.call("Email/set", { destroy: [...discarded] });
	discarded.clear();
	void batch.send(true).catch(() => undefined);
});

// Asks what should be asked, then sends. Until it was sent, everything can come back.
export async function send(draft: Draft, later: Date | null = null): Promise<void> {
	draft.takeFromEditor();
	const recipients = [...draft.to.peek(), ...draft.cc.peek(), ...draft.bcc.peek()];
	const problem = recipients.length === 0 ? t("compose.recipient.none")
		: draft.uploading ? t("compose.uploading")
		: !draft.identity ? t("compose.noIdentity")
		: later ? timeProblem(later) : null;
	if (problem) {
		draft.problem.value = problem;
		return;
	}
	if (draft.subject.peek().trim() === "" && draft.kind === "new" && !await ask(t("compose.noSubject.ask"), t("compose.sendAnyway")))
		return;
	if (draft.attachments.peek().length === 0 && speaksOfAttachment(draft.text) &&
		!await ask(t("compose.forgotten.ask"), t("compose.sendAnyway")))
		return;
	draft.takeFromEditor();
	await draft.settle();
	draft.status.value = { kind: "sending" };
	// Ours, so that it can be recognised if the answer to the first attempt is lost.
	const messageId = `${crypto.randomUUID()}@${draft.identity!.email.split("@")[1]}`;
	const message = { ...draft.email(), messageId: [messageId] };
	remove(draft);
	tell(t("compose.sending"), { seconds: 60 });
	let attempts = 0;
	enqueue(async () => {
		if (attempts++ > 0 && await wasStored(messageId))
			draft.stop();
		else
			await submit(draft, message, recipients, later);
	}, (error) => {
		draft.markSaved(draft.emailId);
		draft.touch();
		draft.problem.value = t("compose.sendFailed", { why: error.message });
		open(draft);
		tell(draft.problem.peek()!, { bad: true });
	});
}

async function wasStored(messageId: string): Promise<boolean> {
	const found = await call("Email/query", { filter: { header: ["Message-ID", messageId] }, limit: 1 });
	return found.ids.length > 0;
}

// For how many seconds the server holds messages (RFC 8621, 7).
export function longestHold(): number {
	const capability = session.peek()?.accounts[session.peek()!.primaryAccounts[SUBMISSION] ?? ""]?.accountCapabilities[SUBMISSION];
	return Number(capability?.maxDelayedSend ?? 0);
}

// Why a message cannot be sent then, or null.
export function timeProblem(later: Date): string | null {
	const seconds = (later.getTime() - Date.now()) / 1000;
	if (!(seconds > 0))
		return t("compose.later.bad");
	return seconds > longestHold() ? t("compose.later.far", { n: Math.floor(longestHold() / 86_400) }) : null;
}

const toSent = () => ({
	[`mailboxIds/${byRole.peek().drafts!.id}`]: null,
	[`mailboxIds/${byRole.peek().sent!.id}`]: true,
	"keywords/$draft": null,
});

async function submit(draft: Draft, message: object, recipients: Address[], later: Date | null): Promise<void> {
	const identity = draft.identity!;
	const wanted = settings.peek().undoSeconds;
	// Held a little longer than the offer to take it back is shown.
	const hold = later ? Math.max(1, Math.round((later.getTime() - Date.now()) / 1000))
		: wanted > 0 ? Math.min(wanted + 2, longestHold()) : 0;
	await Promise.all([ensureRole("drafts", "Drafts"), ensureRole("sent", "Sent")]);
	const batch = new Batch();
	const before = draft.emailId;
	const set = batch.call("Email/set", { create: { draft: message }, ...(before ? { destroy: [before] } : {}) });
	const submission = batch.call("EmailSubmission/set", {
		create: {
			send: {
				identityId: identity.id,
				emailId: "#draft",
				envelope: {
					mailFrom: { email: identity.email, parameters: hold > 0 ? { HOLDFOR: String(hold) } : null },
					rcptTo: [...new Set(recipients.map((a) => a.email))].map((to) => ({ email: to, parameters: null })),
				},
			},
		},
		onSuccessUpdateEmail: { "#send": toSent() },
	});
	const marks = draft.answers ?? draft.forwards;
	if (marks)
		batch.call("Email/set", { update: { [marks]: { [draft.answers ? "keywords/$answered" : "keywords/$forwarded"]: true } } });
	const answers = await batch.send();
	const stored = answers.get(set);
	if (stored.notCreated?.draft)
		throw new Refused(stored.notCreated.draft.type, stored.notCreated.draft.description);
	const id: Id = stored.created.draft.id;
	draft.emailId = id;
	if (before)
		dropEmails([before]);
	const sent = answers.get(submission);
	if (sent.notCreated?.send)
		throw new Refused(sent.notCreated.send.type, sent.notCreated.send.description);
	draft.stop();
	const submissionId: Id = sent.created.send.id;
	tell(later ? t("compose.scheduled", { time: messageTime(later.toISOString()) }) : t("compose.sent"),
		hold > 0 ? { seconds: wanted || 10, undo: () => void takeBack(draft, submissionId) } : {});
	if (later)
		void loadScheduled();
	void sync();
	if (draft.threadId)
		void loadThreads([draft.threadId]);
}

async function takeBack(draft: Draft, submissionId: Id): Promise<void> {
	try {
		await cancel(submissionId);
	} catch {
		tell(t("compose.sendTooLate"), { bad: true });
		return;
	}
	draft.markSaved(draft.emailId);
	open(draft);
	tell(t("compose.sendUndone"), { seconds: 4 });
	void loadScheduled();
	void sync();
}

addEventListener("beforeunload", (event) => {
	if (drafts.peek().some((d) => d.dirty && !d.empty))
		event.preventDefault();
});

// The composers that stand under the conversation in sight, and those that float.
export const inlineFor = (threadId: Id) => (isPhone.value ? [] : drafts.value.filter((d) => d.threadId === threadId && d.shape.value === "docked"));
export const floating = () => drafts.value.filter((d) => isPhone.value || d.threadId === null || d.threadId !== openThreadId.value || d.shape.value !== "docked");

export const titleOfDraft = (draft: Draft) => bareSubject(draft.subject.value) || t("compose.new");
