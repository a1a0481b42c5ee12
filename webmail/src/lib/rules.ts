// Rules about mail that comes in: what they can say, and the Sieve that says the same (RFC 5228).

export type Field = "from" | "to" | "subject" | "list" | "header" | "body" | "size" | "attachment";
export type How = "contains" | "lacks" | "is" | "isnt" | "begins" | "ends" | "matches" | "exists" | "missing" | "over" | "under";
export type Doing = "move" | "copy" | "label" | "read" | "star" | "forward" | "trash" | "discard";

export interface Condition {
	field: Field;
	how: How;
	value: string; // of "size" a number with K or M
	header?: string; // of "header": which
}

export interface Action {
	do: Doing;
	value: string; // a path of a mailbox, a keyword, an address, or nothing
}

export interface Rule {
	id: string;
	name: string;
	on: boolean;
	match: "all" | "any" | "every"; // "every": every message, whatever it is
	if: Condition[];
	then: Action[];
	stop: boolean; // later rules do not see the message
}

const TEXT: How[] = ["contains", "lacks", "is", "isnt", "begins", "ends", "matches"];

// How each can be looked at; the first is offered first.
export const HOWS: Record<Field, How[]> = {
	from: TEXT, to: TEXT, subject: TEXT, list: ["contains", "lacks", "is", "isnt"], header: [...TEXT, "exists", "missing"],
	body: ["contains", "lacks"], size: ["over", "under"], attachment: ["exists", "missing"],
};
export const FIELDS = Object.keys(HOWS) as Field[];
export const DOINGS: Doing[] = ["move", "copy", "label", "star", "read", "forward", "trash", "discard"];
// Where a message goes; a rule says one of these at most.
export const PLACES: Doing[] = ["move", "trash", "discard"];

export const isAddress = (field: Field) => field === "from" || field === "to";
export const hasValue = ({ field, how }: Condition) => field !== "attachment" && how !== "exists" && how !== "missing";
export const hasTarget = (doing: Doing) => !["read", "star", "discard"].includes(doing);

const SIZE = /^[1-9]\d{0,8}[KM]$/;
const FIELD_NAME = /^[!-9;-~]+$/; // RFC 5322, 2.2
const KEYWORD = /^[^\s(){\]%*"\\\x00-\x1f\x7f]+$/; // RFC 9051, 9
export const isFieldName = (name: string) => FIELD_NAME.test(name) && name.length <= 80;

const text = (value: unknown, most: number): value is string => typeof value === "string" && value.length <= most;

function isCondition(root: any): root is Condition {
	return root !== null && typeof root === "object" && Object.hasOwn(HOWS, root.field) && HOWS[root.field as Field].includes(root.how) &&
		text(root.value, 2000) && (root.field !== "size" || SIZE.test(root.value)) &&
		(root.field === "header" ? text(root.header, 80) && isFieldName(root.header) : root.header === undefined);
}

function isAction(root: any): root is Action {
	return root !== null && typeof root === "object" && DOINGS.includes(root.do) && text(root.value, 2000) &&
		(hasTarget(root.do) ? root.value !== "" : root.value === "") && (root.do !== "label" || KEYWORD.test(root.value));
}

// Only what belongs there, in one order: what is read is what would be written.
const plain = (rule: Rule): Rule => ({
	id: rule.id, name: rule.name, on: rule.on, match: rule.match,
	if: rule.if.map(({ field, how, value, header }) => (header === undefined ? { field, how, value } : { field, how, value, header })),
	then: rule.then.map((one) => ({ do: one.do, value: one.value })), stop: rule.stop,
});

// A rule, of a text that says it is one; or null.
export function ruleOf(json: string): Rule | null {
	let root: any;
	try {
		root = JSON.parse(json);
	} catch {
		return null;
	}
	const good = root !== null && typeof root === "object" && text(root.id, 40) && /^[\w-]+$/.test(root.id) && text(root.name, 400) &&
		typeof root.on === "boolean" && ["all", "any", "every"].includes(root.match) && typeof root.stop === "boolean" &&
		Array.isArray(root.if) && root.if.length <= 100 && root.if.every(isCondition) && (root.match === "every") === (root.if.length === 0) &&
		Array.isArray(root.then) && root.then.length <= 100 && root.then.every(isAction);
	return good ? plain(root) : null;
}

// What people have typed, as a script can hold it.
const clean = (value: string) => value.replace(/\r\n?/g, "\n").replace(/\0/g, "").replace(/\p{Surrogate}/gu, "\ufffd");

// asRule(): of what the form has; what is not asked for is not kept.
export function asRule(rule: Rule): Rule {
	return plain({
		...rule, name: clean(rule.name).replace(/\s+/g, " ").trim().slice(0, 400),
		if: rule.match === "every" ? [] : rule.if.map((one) => ({
			field: one.field, how: one.how, value: hasValue(one) ? clean(one.value).trim() : "",
			...(one.field === "header" ? { header: (one.header ?? "").trim() } : {}),
		})),
		then: rule.then.map((one) => ({ do: one.do, value: hasTarget(one.do) ? clean(one.value).trim() : "" })),
	});
}

// --- as Sieve

// The script around the rules decides how a few things are written.
export interface Context {
	unicode: boolean; // letters of all scripts can be compared without case (RFC 5051)
	variables: boolean; // "${name}" in a string is replaced (RFC 5229)
	encoded: boolean; // "${hex:40}" in a string is replaced (RFC 5228, 2.4.2.4)
}

// A string of RFC 5228, 2.4.2, that means just this.
export function quote(value: string, context: Context): string {
	const escaped = clean(value).replace(/["\\]/g, "\\$&");
	if (context.variables)
		return `"${escaped.replaceAll("${", "${dollar}{")}"`;
	return `"${context.encoded ? escaped.replaceAll("${", "${hex:24}{") : escaped}"`;
}

const list = (values: string[]) => (values.length === 1 ? values[0]! : `[${values.join(", ")}]`);
// In a pattern these stand for themselves (RFC 5228, 2.7.1).
const literal = (value: string) => value.replace(/[*?\\]/g, "\\$&");
const ascii = (value: string) => /^[\0-\x7f]*$/.test(value);

const NAMES: Partial<Record<Field, string[]>> = { from: ["from"], to: ["to", "cc"], subject: ["subject"], list: ["list-id"] };
const COMPARATOR = "i;unicode-casemap";

const MATCHES: Partial<Record<How, string>> = { contains: ":contains", lacks: ":contains", is: ":is", isnt: ":is" };

function pattern({ how, value }: Condition): string {
	return how === "begins" ? `${literal(value)}*` : how === "ends" ? `*${literal(value)}` : value;
}

function textTest(condition: Condition, context: Context): string {
	const { field, how, value } = condition;
	const exactly = how === "is" || how === "isnt";
	const say = (values: string[], match = MATCHES[how] ?? ":matches", part = "") => {
		const comparator = context.unicode && !ascii(value) ? `:comparator "${COMPARATOR}" ` : "";
		if (field === "body")
			return `body :text ${comparator}${match} ${list(values.map((one) => quote(one, context)))}`;
		const names = NAMES[field] ?? [condition.header!];
		// "contains" looks at the name, too; all else at the address alone.
		const test = isAddress(field) && how !== "contains" && how !== "lacks" ? "address" : "header";
		return `${test} ${part}${comparator}${match} ${list(names.map((one) => quote(one, context)))} ${list(values.map((one) => quote(one, context)))}`;
	};
	if (isAddress(field) && exactly && /^@./.test(value))
		return say([value.slice(1)], ":is", ":domain ");
	// "Words about it <name.of.the.list>" (RFC 2919, 3)
	if (field === "list" && exactly) {
		const id = literal(value.replace(/^<|>$/g, ""));
		return say([id, `*<${id}>`], ":matches");
	}
	return say([pattern(condition)]);
}

function test(condition: Condition, context: Context): string {
	const { field, how, value, header } = condition;
	const not = ["lacks", "isnt", "missing"].includes(how) ? "not " : "";
	switch (field) {
	case "size":
		return `size :${how} ${value}`;
	case "attachment": // by the form of the message; programs attach files in this one
		return `${not}header :contains "content-type" "multipart/mixed"`;
	case "header":
		if (how === "exists" || how === "missing")
			return `${not}exists ${quote(header!, context)}`;
	}
	return not + textTest(condition, context);
}

// Flags first: they go with what is said after them (RFC 5232, 3). Where the message goes is said last.
function actions(rule: Rule, context: Context): string[] {
	const of = (...kinds: Doing[]) => rule.then.filter((one) => kinds.includes(one.do));
	const flags = of("read", "star", "label").map((one) => (one.do === "read" ? "\\Seen" : one.do === "star" ? "\\Flagged" : one.value));
	return [
		...(flags.length > 0 ? [`addflag ${list([...new Set(flags)].map((flag) => quote(flag, context)))};`] : []),
		...of("copy").map((one) => `fileinto :copy ${quote(one.value, context)};`),
		...of("forward").map((one) => `redirect :copy ${quote(one.value, context)};`),
		...of("move", "trash").map((one) => `fileinto ${quote(one.value, context)};`),
		...of("discard").map(() => "discard;"),
		...(rule.stop ? ["stop;"] : []),
	];
}

export function sieveOf(rule: Rule, context: Context): string {
	const tests = rule.if.map((one) => test(one, context));
	const dollar = context.variables && JSON.stringify(rule).includes("${") ? "set \"dollar\" \"$\";\n" : "";
	const head = rule.match === "every" ? "true" : tests.length === 1 ? tests[0]!
		: `${rule.match === "all" ? "allof" : "anyof"} (\n    ${tests.join(",\n    ")}\n)`;
	return `${dollar}if ${head} {\n${actions(rule, context).map((one) => `    ${one}\n`).join("")}}\n`;
}

// The extensions that a rule needs (RFC 5228, 2.10.5).
export function needs(rule: Rule, context: Context): string[] {
	const does = (...kinds: Doing[]) => rule.then.some((one) => kinds.includes(one.do));
	return [
		...(does("move", "copy", "trash") ? ["fileinto"] : []),
		...(does("copy", "forward") ? ["copy"] : []),
		...(does("read", "star", "label") ? ["imap4flags"] : []),
		...(rule.if.some((one) => one.field === "body") ? ["body"] : []),
		...(context.unicode && rule.if.some((one) => hasValue(one) && !ascii(one.value)) ? [`comparator-${COMPARATOR}`] : []),
	];
}
