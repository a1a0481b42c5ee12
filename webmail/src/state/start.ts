// From nothing to an inbox: the session, the folders, the first rows, then listening for changes.

import { effect, signal } from "@preact/signals";
import { Batch, SUBMISSION, VACATION, call, ended, has, loadSession, logout, session } from "../jmap/client.ts";
import { listen } from "../jmap/push.ts";
import type { Identity, VacationResponse } from "../jmap/types.ts";
import { forgetLists } from "./current.ts";
import { forgetAll } from "./emails.ts";
import { forgetEverything } from "./journal.ts";
import { byRole, mailboxes, setMailboxes } from "./mailboxes.ts";
import { loadMe } from "./me.ts";
import { tell } from "./notices.ts";
import { go } from "./route.ts";
import { t } from "../text/text.ts";
import { loadRemembered } from "./remembered.ts";
import { loadScheduled } from "./scheduled.ts";
import { sync } from "./sync.ts";

export type Phase = "starting" | "out" | "in";
export const phase = signal<Phase>("starting");

export const identities = signal<Identity[]>([]);
export const vacation = signal<VacationResponse | null>(null);

let stopListening: (() => void) | null = null;

export async function start(): Promise<void> {
	try {
		await loadSession();
	} catch {
		ended.value = false;
		phase.value = "out";
		return;
	}
	await enter();
}

export async function enter(): Promise<void> {
	const folders = await call("Mailbox/get", { ids: null });
	setMailboxes(folders.list, folders.state);
	phase.value = "in";
	stopListening?.();
	stopListening = listen(() => void sync());
	void loadLater();
	greet();
}

// Who has just signed up is told what may come next, once.
function greet(): void {
	if (sessionStorage.getItem("postern.new") === null)
		return;
	sessionStorage.removeItem("postern.new");
	tell(t("signup.ready"), {
		seconds: 30, action: { label: t("signup.programs"), run: () => go({ page: "settings", section: "programs" }) },
	});
}

// What the first view does not need.
async function loadLater(): Promise<void> {
	void loadMe();
	void loadScheduled();
	void loadRemembered();
	const batch = new Batch();
	const names = has(SUBMISSION) ? batch.call("Identity/get", { ids: null }) : null;
	const away = has(VACATION) ? batch.call("VacationResponse/get", { ids: ["singleton"] }) : null;
	if (!names && !away)
		return;
	const answers = await batch.send().catch(() => null);
	if (names)
		identities.value = answers?.maybe(names)?.list ?? [];
	if (away)
		vacation.value = answers?.maybe(away)?.list?.[0] ?? null;
}

export async function endVacation(): Promise<void> {
	const answer = await call("VacationResponse/set", { update: { singleton: { isEnabled: false } } }).catch(() => null);
	if (answer && !answer.notUpdated?.singleton && vacation.value)
		vacation.value = { ...vacation.value, isEnabled: false };
}

// Signed in again in the dialog: everything on the screen stays.
export async function resume(): Promise<void> {
	const before = session.peek()?.username;
	await loadSession();
	if (session.peek()?.username !== before)
		location.reload();
	stopListening?.();
	stopListening = listen(() => void sync());
	await sync();
}

export async function leave(): Promise<void> {
	stopListening?.();
	stopListening = null;
	await logout();
	forgetEverything();
	session.value = null;
	forgetLists();
	forgetAll();
	setMailboxes([], "");
	location.replace("/");
}

effect(() => {
	const unread = byRole.value.inbox?.unreadThreads ?? 0;
	const who = session.value?.username ?? "";
	if (phase.value === "in" && mailboxes.value.size > 0)
		document.title = `${unread > 0 ? `(${unread}) ` : ""}${who} – Postern`;
});
