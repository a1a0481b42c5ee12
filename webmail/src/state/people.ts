// Addresses of people one has written with, for completing what is typed. Kept in memory, taken from the mail itself.

import { Batch } from "../jmap/client.ts";
import type { Address, Email } from "../jmap/types.ts";
import { cached } from "./emails.ts";
import { byRole } from "./mailboxes.ts";
import { identities } from "./start.ts";

interface Person {
	address: Address;
	weight: number;
}

const people = new Map<string, Person>();
let loaded: Promise<void> | null = null;

function meet(address: Address, weight: number): void {
	const key = address.email.toLowerCase();
	if (!key || identities.peek().some((i) => i.email.toLowerCase() === key) || /^(no-?reply|mailer-daemon)@/i.test(key))
		return;
	const person = people.get(key) ?? { address, weight: 0 };
	person.weight += weight;
	if (!person.address.name && address.name)
		person.address = address;
	people.set(key, person);
}

// Somebody one wrote to counts more than somebody who wrote.
function learn(messages: Pick<Email, "from" | "to" | "cc">[]): void {
	for (const message of messages) {
		(message.from ?? []).forEach((a) => meet(a, 1));
		[...(message.to ?? []), ...(message.cc ?? [])].forEach((a) => meet(a, 3));
	}
}

export function loadPeople(): Promise<void> {
	return loaded ??= (async () => {
		const sent = byRole.peek().sent;
		learn(cached());
		if (!sent)
			return;
		const batch = new Batch();
		const query = batch.call("Email/query", {
			filter: { inMailbox: sent.id }, sort: [{ property: "receivedAt", isAscending: false }], limit: 200,
		});
		const get = batch.call("Email/get", { "#ids": query.ref("/ids"), properties: ["to", "cc"] });
		learn((await batch.send()).get(get).list.map((e: Email) => ({ ...e, from: [] })));
	})().catch(() => {
		loaded = null;
	});
}

// Asks the server for those who were not met here.
async function search(text: string): Promise<void> {
	const batch = new Batch();
	const query = batch.call("Email/query", {
		filter: { operator: "OR", conditions: [{ from: text }, { to: text }] },
		sort: [{ property: "receivedAt", isAscending: false }], limit: 30,
	});
	const get = batch.call("Email/get", { "#ids": query.ref("/ids"), properties: ["from", "to", "cc"] });
	const found = (await batch.send()).maybe(get);
	learn(found?.list ?? []);
}

function matches(text: string): Address[] {
	const wanted = text.toLowerCase();
	const starts = (a: Address) => a.email.toLowerCase().startsWith(wanted) ||
		(a.name ?? "").toLowerCase().split(/[\s,"'(]+/).some((word) => word.startsWith(wanted)) || (a.name ?? "").toLowerCase().startsWith(wanted);
	return [...people.values()].filter((p) => starts(p.address)).sort((a, b) => b.weight - a.weight).slice(0, 6).map((p) => p.address);
}

// suggest(): at once what is known, and again when the server has answered, if that was little.
export async function suggest(text: string, show: (found: Address[]) => void): Promise<void> {
	await loadPeople();
	const found = matches(text);
	show(found);
	if (found.length < 3 && text.length >= 2) {
		await search(text).catch(() => undefined);
		show(matches(text));
	}
}
