// Catching up with the server: what changed since we last looked, in one request (RFC 8620, 5.2 and 5.6).

import { Batch, SessionEnded, Unreachable } from "../jmap/client.ts";
import type { Email } from "../jmap/types.ts";
import { t } from "../text/text.ts";
import { list, sight } from "./current.ts";
import { LIST_PROPERTIES, dropEmails, email, loadThreads, putEmails, putThreads, states, trim } from "./emails.ts";
import { doubt } from "./list.ts";
import { byRole, mailboxState, mergeMailboxes, setMailboxState, setMailboxes } from "./mailboxes.ts";
import { arrived } from "./arrivals.ts";
import { say } from "./notices.ts";

let running: Promise<void> | null = null;
let again = false;

// Runs once at a time; a call meanwhile makes it run once more.
export function sync(): Promise<void> {
	if (running) {
		again = true;
		return running;
	}
	running = (async () => {
		do {
			again = false;
			try {
				await once();
			} catch (error) {
				if (error instanceof Unreachable || error instanceof SessionEnded)
					return;
				await startOver().catch(() => undefined);
			}
		} while (again);
	})().finally(() => (running = null));
	return running;
}

doubt.check = () => void sync();

const MUTABLE = ["id", "threadId", "mailboxIds", "keywords"];

async function once(): Promise<void> {
	const batch = new Batch();
	const folders = mailboxState ? batch.call("Mailbox/changes", { sinceState: mailboxState }) : null;
	const newFolders = folders && batch.call("Mailbox/get", { "#ids": folders.ref("/created") });
	const oldFolders = folders && batch.call("Mailbox/get", { "#ids": folders.ref("/updated") });
	const emails = states.email ? batch.call("Email/changes", { sinceState: states.email, maxChanges: 250 }) : null;
	const newEmails = emails && batch.call("Email/get", { "#ids": emails.ref("/created"), properties: LIST_PROPERTIES });
	const oldEmails = emails && batch.call("Email/get", { "#ids": emails.ref("/updated"), properties: MUTABLE });
	const threads = states.thread ? batch.call("Thread/changes", { sinceState: states.thread, maxChanges: 250 }) : null;
	const oldThreads = threads && batch.call("Thread/get", { "#ids": threads.ref("/updated") });
	const shown = list.peek();
	const rows = shown?.askChanges(batch) ?? null;

	const answers = await batch.send();
	if (folders) {
		const changes = answers.get(folders);
		mergeMailboxes([...answers.get(newFolders!).list, ...answers.get(oldFolders!).list], changes.destroyed);
		setMailboxState(changes.newState);
		again ||= changes.hasMoreChanges;
	}
	if (threads) {
		const changes = answers.get(threads);
		putThreads(answers.get(oldThreads!).list);
		states.thread = changes.newState;
		again ||= changes.hasMoreChanges;
	}
	let created: Email[] = [];
	if (emails) {
		const changes = answers.get(emails);
		created = answers.get(newEmails!).list;
		putEmails(created);
		// Of a message that was never loaded, flags alone are of no use.
		putEmails(answers.get(oldEmails!).list.filter((e: Email) => email(e.id).peek()));
		dropEmails(changes.destroyed);
		states.email = changes.newState;
		again ||= changes.hasMoreChanges;
		await loadThreads(created.map((e) => e.threadId));
	}
	if (shown && shown === list.peek() && rows !== null && !rows(answers))
		await shown.reload(sight.from, sight.to);
	else if (shown && shown === list.peek() && rows === null && shown.loaded.peek())
		await shown.reload(sight.from, sight.to);
	if (shown && !shown.loaded.peek())
		await shown.ensure(sight.from, sight.to);
	await announce(created);
	trim(new Set(shown?.ids.slice(sight.from, sight.to + 1).filter((id) => id !== undefined)));
}

// New mail in the Inbox is told.
async function announce(created: Email[]): Promise<void> {
	const inbox = byRole.peek().inbox?.id;
	const fresh = created.filter((e) => inbox && e.mailboxIds[inbox] && !e.keywords.$seen && !e.keywords.$draft);
	if (fresh.length === 0)
		return;
	say(t("live.arrived", { n: fresh.length }));
	arrived(fresh);
}

// Too much has changed, or the server does not keep that long: everything in sight anew.
async function startOver(): Promise<void> {
	const batch = new Batch();
	const folders = batch.call("Mailbox/get", { ids: null });
	const emails = batch.call("Email/get", { ids: [] });
	const threads = batch.call("Thread/get", { ids: [] });
	const answers = await batch.send();
	const all = answers.get(folders);
	setMailboxes(all.list, all.state);
	states.email = answers.get(emails).state;
	states.thread = answers.get(threads).state;
	await list.peek()?.reload(sight.from, sight.to);
}
