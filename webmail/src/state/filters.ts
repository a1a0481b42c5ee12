// The user's filters: scripts on the server (RFC 9661), of which one is active, and the rules in the one that is ours.

import { computed, signal } from "@preact/signals";
import { Refusal, ask } from "../jmap/account.ts";
import { Batch, Refused, SIEVE, SessionEnded, Unreachable, accountId, call, downloadUrl, request, session } from "../jmap/client.ts";
import type { Id, Mailbox, SieveScript } from "../jmap/types.ts";
import { upload } from "../jmap/upload.ts";
import type { Rule } from "../lib/rules.ts";
import { lines, readScript, writeScript } from "../lib/sieve.ts";
import "../text/filters.ts";
import { t } from "../text/text.ts";
import { byRole, mailboxes } from "./mailboxes.ts";
import { tell } from "./notices.ts";

// The name of the script that has the rules.
export const OURS = "postern";
const TYPE = "application/sieve";

const about = (): Record<string, any> => session.value?.accounts[accountId()]?.accountCapabilities[SIEVE] ?? {};
export const knows = (extension: string) => (about().sieveExtensions ?? []).includes(extension);
const allowed = signal(false);
export const mayForward = () => knows("copy") && about().maxNumberRedirects !== 0 && allowed.value;
// Whether users may send mail on is not said by JMAP; a server that says nothing of it lets them.
export const askForwarding = () => ask<{ possible: boolean }>("GET", "/web/forwarding").then(({ possible }) => (allowed.value = possible))
	.catch((error) => (allowed.value = error instanceof Refusal && error.problem.status === 404));
export const compares = () => knows("comparator-i;unicode-casemap");

export const scripts = signal<SieveScript[] | null>(null);
// Why they could not be loaded.
export const failure = signal("");
let state = "";

export const ours = computed(() => scripts.value?.find((one) => one.name === OURS) ?? null);
export const active = computed(() => scripts.value?.find((one) => one.isActive) ?? null);

// The text of ours, as the server has it.
const text = signal("");
let textOf: Id | null = null;
export const script = computed(() => readScript(text.value));

// What is under way: changes of the rules that are on the screen, but not on the server yet.
type Edit = (rules: Rule[]) => Rule[];
const edits = signal<Edit[]>([]);
export const rules = computed(() => edits.value.reduce((now, edit) => edit(now), script.value.rules));
export const saving = computed(() => edits.value.length > 0);

export const wordsOf = (error: unknown) =>
	error instanceof Unreachable || error instanceof TypeError ? t("offline.short")
		: error instanceof SessionEnded ? t("login.again.why") : (error as Error).message || t("offline.short");

export async function textOfBlob(blobId: Id): Promise<string> {
	const response = await request(downloadUrl(blobId, "script.sieve", TYPE), { headers: { "X-Postern": "1" } });
	if (!response.ok)
		throw new Refused(`HTTP ${response.status}`);
	return lines(await response.text());
}

const uploadText = (content: string) =>
	upload(new Blob([content.replace(/\n/g, "\r\n")], { type: TYPE }), () => undefined, new AbortController().signal);

async function fetchAll(): Promise<void> {
	const answer = await call("SieveScript/get", { ids: null });
	const list = (answer.list as SieveScript[]).sort((a, b) => (a.name ?? "").localeCompare(b.name ?? ""));
	const mine = list.find((one) => one.name === OURS);
	if (mine?.blobId !== textOf || !mine) {
		text.value = mine ? await textOfBlob(mine.blobId) : "";
		textOf = mine?.blobId ?? null;
	}
	state = answer.state;
	scripts.value = list;
	failure.value = "";
}

let loading: Promise<void> | null = null;
let again = false;

// Once at a time; a call meanwhile makes it look once more.
export function loadFilters(): Promise<void> {
	if (loading) {
		again = true;
		return loading;
	}
	loading = (async () => {
		do {
			again = false;
			await fetchAll();
		} while (again);
	})().catch((error) => {
		failure.value = wordsOf(error);
	}).finally(() => (loading = null));
	return loading;
}

// One SieveScript/set; throws what the server did not do.
async function set(args: object): Promise<any> {
	const answer = await call("SieveScript/set", args);
	const refused: any = Object.values({ ...answer.notCreated, ...answer.notUpdated, ...answer.notDestroyed })[0];
	if (refused)
		throw new Refused(refused.type, refused.description);
	return answer;
}

// Stores a text under a name; the script is made if there is none. A new one is active when no other is.
async function store(name: string, content: string, ifInState?: string): Promise<void> {
	const { blobId } = await uploadText(content);
	const there = scripts.peek()?.find((one) => one.name === name);
	await set({
		...(ifInState ? { ifInState } : {}),
		...(there ? { update: { [there.id]: { blobId } } }
			: { create: { made: { name, blobId } }, ...(active.peek() ? {} : { onSuccessActivateScript: "#made" }) }),
	});
}

let queue: Promise<unknown> = Promise.resolve();

// change(): what it does is on the screen at once, and off again if it could not be saved. Others may have changed the
// script meanwhile: it is done to what there is now. Throws why it was not saved, unless it is to be told.
export function change(edit: Edit, telling = true): Promise<void> {
	edits.value = [...edits.peek(), edit];
	const work = async () => {
		try {
			for (let tries = 0;; tries++) {
				await fetchAll();
				if (script.peek().state === "edited")
					throw new Error(t("filters.edited"));
				try {
					const content = writeScript(script.peek(), edit(script.peek().rules), compares());
					await store(OURS, content, state);
					text.value = content;
					textOf = null;
					break;
				} catch (error) {
					if (!(error instanceof Refused && error.type === "stateMismatch" && tries < 5))
						throw error;
				}
			}
			await fetchAll().catch(() => undefined);
		} catch (error) {
			if (!telling)
				throw error;
			tell(t("settings.identity.refused", { why: wordsOf(error) }), { bad: true });
		} finally {
			edits.value = edits.peek().filter((one) => one !== edit);
		}
	};
	const done = queue.then(work);
	queue = done.catch(() => undefined);
	return done;
}

// The rules again, in place of what somebody made of them by hand.
export async function replaceByRules(): Promise<void> {
	await fetchAll();
	await store(OURS, writeScript(script.peek(), script.peek().rules, compares()), state);
	await fetchAll();
}

// Text of any script. The server says why it refuses one; with `known` it is not stored over what somebody else did.
export class Changed extends Error {}

export async function saveText(name: string, content: string, known: Id | null): Promise<void> {
	await fetchAll();
	const there = scripts.peek()!.find((one) => one.name === name);
	if (known !== null && there?.blobId !== known)
		throw new Changed();
	await store(name, content);
	await fetchAll();
}

// What is wrong with a text, or "" (RFC 9661, 2.6).
export async function validate(content: string): Promise<string> {
	const { blobId } = await uploadText(content);
	const { error } = await call("SieveScript/validate", { blobId });
	return error ? error.description || error.type : "";
}

export async function activate(one: SieveScript | null): Promise<void> {
	await set(one ? { onSuccessActivateScript: one.id } : { onSuccessDeactivateScript: true });
	await fetchAll();
}

// Ours, which is made if there is none, instead of another one.
export async function activateOurs(): Promise<void> {
	await fetchAll();
	if (ours.peek())
		return activate(ours.peek());
	const { blobId } = await uploadText(writeScript(script.peek(), [], false));
	await set({ create: { made: { name: OURS, blobId } }, onSuccessActivateScript: "#made" });
	await fetchAll();
}

export async function remove(one: SieveScript): Promise<void> {
	const batch = new Batch();
	if (one.isActive)
		batch.call("SieveScript/set", { onSuccessDeactivateScript: true });
	const last = batch.call("SieveScript/set", { destroy: [one.id] });
	const answer = (await batch.send()).get(last);
	const refused: any = Object.values(answer.notDestroyed ?? {})[0];
	await fetchAll();
	if (refused)
		throw new Refused(refused.type, refused.description);
}

// --- folders, as a script names them

// The name of a mailbox as IMAP has it, in UTF-8.
export function nameOf(mailbox: Mailbox, depth = 0): string {
	if (mailbox.role === "inbox")
		return "INBOX";
	const parent = mailbox.parentId && depth < 20 ? mailboxes.value.get(mailbox.parentId) : undefined;
	return parent ? `${nameOf(parent, depth + 1)}/${mailbox.name}` : mailbox.name;
}

export const mailboxNamed = (name: string): Mailbox | undefined =>
	[...mailboxes.value.values()].find((one) => nameOf(one) === name || (one.role === "inbox" && name.toUpperCase() === "INBOX"));

export const trashName = () => (byRole.value.trash ? nameOf(byRole.value.trash) : "Trash");
