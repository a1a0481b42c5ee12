// The language of the search field, and what it means as a filter of Email/query (RFC 8621, 4.4.1).
//
//	from: to: cc: bcc: subject: body:   in:FOLDER in:anywhere   is:unread|read|starred|answered|draft
//	has:attachment   label:   before: after: on: (2025-11-30)   older_than: newer_than: (7d 2w 3m 1y)
//	larger: smaller: (5M)   filename:   "a phrase"   -not   OR   ( )

import type { Filter, FilterCondition } from "../jmap/types.ts";

export interface Context {
	// The mailbox of a name or role, or undefined.
	mailbox(name: string): string | undefined;
	// The keyword of a label, by the name that people see.
	label?(name: string): string;
	// Where nothing is found unless asked for: Junk and Trash.
	hidden: string[];
	now: Date;
}

export interface Parsed {
	filter: Filter;
	// The parts as they were typed, to be shown and taken away one by one.
	terms: string[];
	// Words to be marked in what is found.
	words: string[];
	anywhere: boolean;
}

interface Token {
	kind: "term" | "open" | "close" | "or";
	text: string; // as typed
	not: boolean;
	key: string; // before the colon, or ""
	value: string;
}

const token = /(-?)(\(|\)|(?:([a-z_]+):)?(?:"([^"]*)"?|([^\s()"]+))?)/giy;

function tokens(text: string): Token[] {
	const found: Token[] = [];
	let at = 0;
	while (at < text.length) {
		if (/\s/.test(text[at]!)) {
			at++;
			continue;
		}
		token.lastIndex = at;
		const match = token.exec(text);
		if (!match || match[0] === "") {
			at++;
			continue;
		}
		at = token.lastIndex;
		const [typed, minus, main, key, quoted, bare] = match;
		const not = minus === "-";
		if (main === "(" || main === ")")
			found.push({ kind: main === "(" ? "open" : "close", text: typed, not, key: "", value: "" });
		else if (bare === "OR" && !key)
			found.push({ kind: "or", text: typed, not: false, key: "", value: "" });
		else
			found.push({ kind: "term", text: typed, not, key: (key ?? "").toLowerCase(), value: quoted ?? bare ?? "" });
	}
	return found;
}

const DAY = 86_400_000;
const spans: Record<string, number> = { d: DAY, w: 7 * DAY, m: 30 * DAY, y: 365 * DAY };
const units: Record<string, number> = { "": 1, k: 1e3, m: 1e6, g: 1e9 };

// The day as midnight of the reader's own clock.
function day(value: string, plus = 0): string | undefined {
	const match = /^(\d{4})[-/](\d{1,2})[-/](\d{1,2})$/.exec(value);
	if (!match)
		return undefined;
	const date = new Date(Number(match[1]), Number(match[2]) - 1, Number(match[3]) + plus);
	return utc(date);
}

// RFC 8620, 1.4: UTCDate, without fractions of seconds that are zero
const utc = (date: Date) => date.toISOString().replace(/\.\d+Z$/, "Z");

function ago(value: string, now: Date): string | undefined {
	const match = /^(\d+)([dwmy])$/i.exec(value);
	return match ? utc(new Date(now.getTime() - Number(match[1]) * spans[match[2]!.toLowerCase()]!)) : undefined;
}

function bytes(value: string): number | undefined {
	const match = /^(\d+)([kmg]?)b?$/i.exec(value);
	return match ? Number(match[1]) * units[match[2]!.toLowerCase()]! : undefined;
}

const only = <T>(value: T | undefined, make: (value: T) => Filter): Filter | undefined =>
	value === undefined ? undefined : make(value);

const not = (filter: Filter): Filter => ({ operator: "NOT", conditions: [filter] });

const states: Record<string, Filter> = {
	unread: { notKeyword: "$seen" },
	read: { hasKeyword: "$seen" },
	starred: { hasKeyword: "$flagged" },
	flagged: { hasKeyword: "$flagged" },
	answered: { hasKeyword: "$answered" },
	draft: { hasKeyword: "$draft" },
};

// What a term means; undefined: not a term of this language, so its text is looked for as it stands.
function condition(term: Token, context: Context): Filter | undefined {
	const value = term.value;
	switch (term.key) {
	case "from":
	case "to":
	case "cc":
	case "bcc":
	case "subject":
	case "body":
		return { [term.key]: value };
	case "in":
		return value.toLowerCase() === "anywhere" ? {} : only(context.mailbox(value), (id) => ({ inMailbox: id }));
	case "is":
		return states[value.toLowerCase()];
	case "has":
		return /^attachments?$/i.test(value) ? { hasAttachment: true } : undefined;
	case "label":
		return { hasKeyword: context.label?.(value) || value.toLowerCase() };
	case "before":
		return only(day(value), (before) => ({ before }));
	case "after":
		return only(day(value, 1), (after) => ({ after }));
	case "on":
		return only(day(value), (after) => ({ operator: "AND", conditions: [{ after }, { before: day(value, 1) }] }));
	case "older_than":
		return only(ago(value, context.now), (before) => ({ before }));
	case "newer_than":
		return only(ago(value, context.now), (after) => ({ after }));
	case "larger":
		return only(bytes(value), (minSize) => ({ minSize }));
	case "smaller":
		return only(bytes(value), (maxSize) => ({ maxSize }));
	case "filename":
		return { text: value };
	default:
		return undefined;
	}
}

const searched = new Set(["", "from", "to", "cc", "bcc", "subject", "body", "filename"]);

export function parseSearch(text: string, context: Context): Parsed {
	const list = tokens(text);
	const terms: string[] = [];
	const words: string[] = [];
	let scoped = false, anywhere = false;
	let at = 0;

	function term(): Filter | undefined {
		const next = list[at++]!;
		if (next.kind === "open") {
			const inner = either();
			if (list[at]?.kind === "close")
				at++;
			return inner && next.not ? not(inner) : inner;
		}
		if (next.kind !== "term" || (next.value === "" && next.key === ""))
			return undefined;
		terms.push(next.text);
		if (next.key !== "" && next.value === "")
			return undefined; // still being typed
		if (!next.not && searched.has(next.key))
			words.push(next.value);
		if (next.key === "in") {
			scoped = true;
			anywhere ||= next.value.toLowerCase() === "anywhere";
		}
		const found = condition(next, context) ?? { text: next.key ? `${next.key}:${next.value}` : next.value };
		if (Object.keys(found).length === 0)
			return undefined;
		return next.not ? not(found) : found;
	}

	function all(): Filter | undefined {
		const conditions: Filter[] = [];
		while (at < list.length && list[at]!.kind !== "close" && list[at]!.kind !== "or") {
			const found = term();
			if (found)
				conditions.push(found);
		}
		return joined("AND", conditions);
	}

	function either(): Filter | undefined {
		const conditions: Filter[] = [];
		for (;;) {
			const found = all();
			if (found)
				conditions.push(found);
			if (list[at]?.kind !== "or")
				break;
			at++;
		}
		return joined("OR", conditions);
	}

	const parts: Filter[] = [];
	while (at < list.length) {
		const found = either();
		if (found)
			parts.push(found);
		if (list[at]?.kind === "close")
			at++; // one that nothing has opened
	}
	if (!scoped && context.hidden.length > 0)
		parts.push({ inMailboxOtherThan: context.hidden } as FilterCondition);
	return { filter: joined("AND", parts) ?? {}, terms, words, anywhere };
}

function joined(operator: "AND" | "OR", conditions: Filter[]): Filter | undefined {
	return conditions.length < 2 ? conditions[0] : { operator, conditions };
}

// The same search without one of its terms.
export function withoutTerm(text: string, term: string): string {
	const at = text.indexOf(term);
	return at < 0 ? text : (text.slice(0, at) + text.slice(at + term.length)).replace(/\s+/g, " ").trim();
}
