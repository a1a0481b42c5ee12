// Sieve scripts (RFC 5228) as texts: what they are made of, and what the rules of the settings are in them.
//
// A script of ours has the rules between two lines, each rule as Sieve that people can read, below a comment with its name
// and one from which it is read back. All else in the script is somebody's own, and stays as it is.
//
//	require ["fileinto"]; # [postern:require]
//
//	# [postern:begin] …
//
//	# Filter: Shop
//	# [postern:rule] {"id":"…","name":"Shop",…}
//	if header :contains "from" "shop" {
//	    fileinto "Receipts";
//	    stop;
//	}
//
//	# [postern:end]

import { type Context, type Rule, needs, ruleOf, sieveOf } from "./rules.ts";

interface Token {
	kind: "comment" | "word" | "string" | "mark";
	text: string;
	from: number;
	to: number;
}

// RFC 5228, 8.1. A text that is none has tokens, too.
const TOKEN = /#[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|"(?:[^"\\]|\\[\s\S])*(?:"|$)|text:[ \t]*(?:#[^\n]*)?\n(?:(?!\.\n|\.$)[^\n]*(?:\n|$))*(?:\.(?:\n|$))?|:?[a-z_]\w*|[^\s]/giy;

export function tokens(text: string): Token[] {
	const found: Token[] = [];
	const space = /\s*/y;
	for (let at = 0; at < text.length;) {
		space.lastIndex = at;
		space.test(text);
		at = TOKEN.lastIndex = space.lastIndex;
		const match = TOKEN.exec(text);
		if (!match)
			break;
		const [one] = match;
		const kind = /^(#|\/\*)/.test(one) ? "comment" : /^("|text:)/i.test(one) ? "string" : /^:?[a-z_]/i.test(one) ? "word" : "mark";
		found.push({ kind, text: one, from: at, to: at + one.length });
		at += one.length;
	}
	return found;
}

const stringOf = (token: Token) => token.text.replace(/^"|"$/g, "").replace(/\\([\s\S])/g, "$1");

interface Require {
	names: string[];
	from: number;
	to: number;
	ours: boolean; // with the comment of ours behind it
}

// The commands "require" that a script begins with (RFC 5228, 3.2).
function requires(text: string): Require[] {
	const found: Require[] = [];
	const all = tokens(text);
	for (let at = 0; at < all.length; at++) {
		if (all[at]!.kind === "comment")
			continue;
		if (all[at]!.text.toLowerCase() !== "require")
			break;
		const end = all.findIndex((one, n) => n > at && one.text === ";");
		if (end < 0)
			break;
		const next = all[end + 1];
		const ours = next?.kind === "comment" && next.text.startsWith(REQUIRE) && !text.slice(all[end]!.to, next.from).includes("\n");
		found.push({
			names: all.slice(at, end).filter((one) => one.kind === "string").map(stringOf),
			from: all[at]!.from, to: ours ? next.to : all[end]!.to, ours,
		});
		at = ours ? end + 1 : end;
	}
	return found;
}

const REQUIRE = "# [postern:require]";
const BEGIN = "# [postern:begin]";
const END = "# [postern:end]";
const NAME = "# Filter: ";
const RULE = "# [postern:rule] ";
const ABOUT = " These filters are made by the web client. What is above and below them is left as it is.";

export interface Script {
	// "rules": all that is between the lines is what the rules make. "edited": it is not, so that the rules would lose
	// something. "none": there are no such lines.
	state: "none" | "rules" | "edited";
	rules: Rule[]; // of "edited" those that can be read still
	before: string;
	after: string;
	isMixed: boolean; // there are commands besides the rules
}

export const lines = (text: string) => text.replace(/\r\n?/g, "\n");
const said = (text: string) => text.split("\n").map((line) => line.trimEnd()).filter((line) => line !== "").join("\n");
const commands = (text: string) => tokens(text).some((one) => one.kind !== "comment");

const block = (rules: Rule[], context: Context) => rules.map((rule) =>
	`${NAME}${rule.name.replace(/\s+/g, " ")}${rule.on ? "" : " (off)"}\n${RULE}${JSON.stringify(rule)}\n${rule.on ? sieveOf(rule, context) : ""}\n`).join("");

// In which surroundings the rules may have been written: each of these changes some strings.
const CONTEXTS: Context[] = [true, false].flatMap((unicode) => [
	{ unicode, variables: false, encoded: false }, { unicode, variables: true, encoded: false }, { unicode, variables: false, encoded: true },
]);

export function readScript(source: string): Script {
	const text = lines(source);
	const comments = tokens(text).filter((one) => one.kind === "comment");
	const begins = comments.filter((one) => one.text.startsWith(BEGIN)), ends = comments.filter((one) => one.text.startsWith(END));
	const begin = begins[0], end = ends.at(-1);
	if (!begin && !end)
		return { state: "none", rules: [], before: text, after: "", isMixed: commands(text) };
	const first = begin ?? comments.find((one) => one.text.startsWith(NAME) || one.text.startsWith(RULE)) ?? end!;
	const from = text.slice(0, first.from).replace(/[ \t]*$/, "").length;
	const to = end ? text.indexOf("\n", end.to) + 1 || text.length : text.length;
	const before = text.slice(0, from), after = text.slice(to);
	const written = comments.filter((one) => one.text.startsWith(RULE)).map((one) => ruleOf(one.text.slice(RULE.length)));
	const rules = written.filter((rule) => rule !== null);
	const whole = begin && end && begin.from < end.from && begins.length === 1 && ends.length === 1 && rules.length === written.length &&
		new Set(rules.map((rule) => rule.id)).size === rules.length;
	const inside = whole ? said(text.slice(begin.to, end.from)) : "";
	return {
		state: whole && CONTEXTS.some((context) => said(block(rules, context)) === inside) ? "rules" : "edited",
		rules, before, after, isMixed: commands(`${withoutOurs(before).text}${after}`),
	};
}

// Without the "require" of ours; where it was, and what it named.
function withoutOurs(text: string): { text: string; at: number; names: string[] } {
	const ours = requires(text).find((one) => one.ours);
	if (!ours)
		return { text, at: 0, names: [] };
	const end = text[ours.to] === "\n" ? ours.to + 1 : ours.to;
	return { text: text.slice(0, ours.from) + text.slice(end), at: ours.from, names: ours.names };
}

// What of the extensions that rules need is used in a text.
const USED: Record<string, RegExp> = {
	fileinto: /^fileinto$/i, copy: /^:copy$/i, imap4flags: /^(setflag|addflag|removeflag|hasflag|:flags)$/i, body: /^body$/i,
	"comparator-i;unicode-casemap": /^"i;unicode-casemap"$/i,
};

// writeScript(): the script with other rules. `unicode`: the server compares letters of all scripts without case.
export function writeScript(script: Script, rules: Rule[], unicode: boolean): string {
	const { text: rest, at, names } = withoutOurs(script.before);
	const before = rest.trim() === "" ? "" : rest;
	const outside = requires(before).flatMap((one) => one.names);
	const variables = outside.includes("variables") || names.includes("variables");
	const context = { unicode, variables, encoded: !variables && (outside.includes("encoded-character") || names.includes("encoded-character")) };
	const own = tokens(`${before}${script.after}`).filter((one) => one.kind !== "comment");
	const needed = new Set(rules.filter((rule) => rule.on).flatMap((rule) => needs(rule, context)));
	// What somebody has added to our line is theirs; what the line did for the rest of the script it does still.
	for (const name of names)
		if (!outside.includes(name) && (!USED[name] || own.some((one) => USED[name]!.test(one.text))))
			needed.add(name);
	const list = [...needed].sort().map((name) => `"${name}"`);
	const require = list.length === 0 ? "" : `require ${list.length > 1 ? `[${list.join(", ")}]` : list[0]}; ${REQUIRE}\n`;
	let head = before.slice(0, at) + require + before.slice(at);
	if (head !== "" && !head.endsWith("\n"))
		head += "\n";
	if (head !== "" && !head.endsWith("\n\n"))
		head += "\n";
	return `${head}${BEGIN}${ABOUT}\n\n${block(rules, context)}${END}\n${script.after}`;
}
