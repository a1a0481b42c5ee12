// The events of a message's life (posternctl why) in plain words.

import { type AdminKey, t } from "../text/admin.ts";
import { language } from "../text/text.ts";

export interface Event {
	story: number;
	time: string;
	id: string;
	event: string;
	what: Record<string, string>;
}

export type Mood = "good" | "bad" | "wait" | "plain";

export interface Told {
	time: string;
	text: string;
	mood: Mood;
	// What stands behind it, for who knows the terms.
	detail: [string, string][];
}

// Which text an event has, how it is meant, and which values the text says already.
const EVENTS: Record<string, [AdminKey, Mood, ...string[]]> = {
	"mail": ["story.mail", "plain", "from", "client"],
	"rcpt": ["story.rcpt", "plain", "to"],
	"content": ["story.content", "plain"],
	"checked": ["story.checked", "plain", "spf", "dkim", "dmarc"],
	"guard": ["story.guard", "wait", "check"],
	"quarantine": ["story.quarantine", "bad", "reason"],
	"discarded": ["story.discarded", "bad"],
	"signed": ["story.signed", "plain", "domain"],
	"stored": ["story.stored", "good", "user", "mailbox"],
	"not-stored": ["story.notStored", "bad", "user", "why"],
	"not-taken": ["story.notTaken", "bad", "reply"],
	"refused": ["story.refused", "bad", "reply"],
	"rejected": ["story.refused", "bad", "reply"],
	"queued": ["story.queued", "plain", "to"],
	"not-queued": ["story.notQueued", "bad", "why"],
	"vacation": ["story.vacation", "plain", "to"],
	"held": ["story.held", "wait", "why"],
	"try": ["story.try", "plain", "domain", "number"],
	"not-tried": ["story.notTried", "wait", "domain", "why"],
	"no-hosts": ["story.noHosts", "bad", "domain", "why"],
	"host": ["story.host", "plain", "name"],
	"tls": ["story.tls", "plain", "remote", "tls"],
	"connection": ["story.connection", "plain", "remote"],
	"conversation": ["story.conversation", "plain"],
	"sent": ["story.sent", "good", "to", "remote", "answer"],
	"deferred": ["story.deferred", "wait", "to", "answer"],
	"bounced": ["story.bounced", "bad", "to", "answer"],
	"deleted": ["story.deleted", "bad", "to"],
	"waits": ["story.waits", "wait", "until"],
	"notification": ["story.notification", "plain", "to"],
	"notification-dropped": ["story.notificationDropped", "bad", "why"],
	"hold": ["story.hold", "wait", "by"],
	"release": ["story.release", "plain", "by"],
	"retry": ["story.retry", "plain", "by"],
	"delete": ["story.delete", "bad", "by"],
	"is-held": ["story.isHeld", "wait", "domain"],
	"is-tried-now": ["story.isTried", "wait", "domain"],
	"waits-now": ["story.waitsNow", "wait", "domain", "until"],
};

// Times in values are of UTC: "2026-01-31 12:00:00".
function local(value: string): string {
	const match = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)$/.exec(value);
	return match ? new Date(`${match[1]}T${match[2]}Z`).toLocaleString(language.value.locale, { dateStyle: "medium", timeStyle: "short" }) : value;
}

export function tell({ time, event, what }: Event): Told {
	const known = EVENTS[event];
	const values = Object.fromEntries(Object.entries(what).map(([key, value]) => [key, local(value)]));
	if (!known)
		return { time, text: event, mood: "plain", detail: Object.entries(what) };
	const [key, mood, ...said] = known;
	// What was not noted is said as a dash.
	const filled = Object.fromEntries(said.map((name) => [name, values[name] || "–"]));
	const text = event === "mail" && what.user ? t("story.handed", { from: filled.from!, user: what.user })
		: event === "mail" && !what.from ? t("story.bounce", { client: filled.client! }) : t(key, filled);
	return { time, text, mood, detail: Object.entries(what).filter(([name]) => !said.includes(name)) };
}

// What becomes of a message last, in one word and its mood.
export function outcome(events: Event[]): Told {
	const weight: Record<Mood, number> = { plain: 0, good: 1, wait: 2, bad: 3 };
	const told = events.map(tell);
	// What came last of that which decides something.
	return told.findLast((one) => weight[one.mood] > 0) ?? told.at(-1)!;
}

export function stories(events: Event[]): Event[][] {
	const found = new Map<number, Event[]>();
	for (const event of events)
		found.set(event.story, [...found.get(event.story) ?? [], event]);
	return [...found.values()];
}
