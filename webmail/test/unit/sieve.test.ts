import assert from "node:assert/strict";
import { test } from "node:test";
import { type Action, type Condition, type Context, type Rule, asRule, needs, quote, ruleOf, sieveOf } from "../../src/lib/rules.ts";
import { readScript, tokens, writeScript } from "../../src/lib/sieve.ts";

const plain: Context = { unicode: false, variables: false, encoded: false };
const unicode: Context = { ...plain, unicode: true };

let last = 0;
const rule = (conditions: Condition[], then: Action[], more: Partial<Rule> = {}): Rule => ({
	id: `r${++last}`, name: `Rule ${last}`, on: true, match: conditions.length > 0 ? "all" : "every", if: conditions, then, stop: false, ...more,
});
const shop: Condition = { field: "from", how: "contains", value: "shop" };
const move = (value: string): Action => ({ do: "move", value });
const only = (condition: Condition, context = plain) => sieveOf(rule([condition], []), context).split("\n")[0]!.replace(/^if (.*) \{$/, "$1");

test("each condition as Sieve", () => {
	const cases: [Condition, string][] = [
		[shop, 'header :contains "from" "shop"'],
		[{ ...shop, how: "lacks" }, 'not header :contains "from" "shop"'],
		[{ field: "from", how: "is", value: "a@b.example" }, 'address :is "from" "a@b.example"'],
		[{ field: "from", how: "isnt", value: "@b.example" }, 'not address :domain :is "from" "b.example"'],
		[{ field: "to", how: "contains", value: "team" }, 'header :contains ["to", "cc"] "team"'],
		[{ field: "to", how: "begins", value: "team+" }, 'address :matches ["to", "cc"] "team+*"'],
		[{ field: "subject", how: "is", value: "Hello" }, 'header :is "subject" "Hello"'],
		[{ field: "subject", how: "begins", value: "50*?\\" }, String.raw`header :matches "subject" "50\\*\\?\\\\*"`],
		[{ field: "subject", how: "ends", value: "!" }, 'header :matches "subject" "*!"'],
		[{ field: "subject", how: "matches", value: "[*] ?" }, 'header :matches "subject" "[*] ?"'],
		[{ field: "list", how: "is", value: "<news.shop.example>" }, 'header :matches "list-id" ["news.shop.example", "*<news.shop.example>"]'],
		[{ field: "list", how: "contains", value: "shop" }, 'header :contains "list-id" "shop"'],
		[{ field: "header", how: "contains", value: "yes", header: "X-Spam" }, 'header :contains "X-Spam" "yes"'],
		[{ field: "header", how: "missing", value: "", header: "X-Spam" }, 'not exists "X-Spam"'],
		[{ field: "body", how: "lacks", value: "bill" }, 'not body :text :contains "bill"'],
		[{ field: "size", how: "over", value: "5M" }, "size :over 5M"],
		[{ field: "attachment", how: "exists", value: "" }, 'header :contains "content-type" "multipart/mixed"'],
	];
	for (const [condition, want] of cases)
		assert.equal(only(condition), want);
});

test("what people type is quoted, whatever it is", () => {
	assert.equal(quote('a "b" \\ c', plain), String.raw`"a \"b\" \\ c"`);
	assert.equal(quote("Größe ☂", plain), '"Größe ☂"');
	assert.equal(quote("a\r\nb\rc\0", plain), '"a\nb\nc"');
	assert.equal(quote("\ud800x", plain), '"\ufffdx"');
	assert.equal(quote("${a} $", plain), '"${a} $"');
	assert.equal(quote("${a} $", { ...plain, variables: true }), '"${dollar}{a} $"');
	assert.equal(quote("${hex:41}", { ...plain, encoded: true }), '"${hex:24}{hex:41}"');
});

test("letters that are not ASCII are compared without case where the server can", () => {
	const condition: Condition = { field: "subject", how: "contains", value: "Größe" };
	assert.equal(only(condition, unicode), 'header :comparator "i;unicode-casemap" :contains "subject" "Größe"');
	assert.equal(only(shop, unicode), 'header :contains "from" "shop"');
	assert.deepEqual(needs(rule([condition], []), unicode), ["comparator-i;unicode-casemap"]);
	assert.deepEqual(needs(rule([shop, condition], []), plain), []);
});

test("actions: flags first, the place last, and just what they need is required", () => {
	const all = rule([shop, { field: "subject", how: "contains", value: "bill" }], [
		move("Work/Bills"), { do: "forward", value: "a@b.example" }, { do: "label", value: "work" }, { do: "read", value: "" }, { do: "star", value: "" },
		{ do: "copy", value: "Größe" },
	], { match: "any", stop: true });
	assert.equal(sieveOf(all, plain), String.raw`if anyof (
    header :contains "from" "shop",
    header :contains "subject" "bill"
) {
    addflag ["work", "\\Seen", "\\Flagged"];
    fileinto :copy "Größe";
    redirect :copy "a@b.example";
    fileinto "Work/Bills";
    stop;
}
`);
	assert.deepEqual(needs(all, plain), ["fileinto", "copy", "imap4flags"]);
	assert.equal(sieveOf(rule([], [{ do: "discard", value: "" }]), plain), "if true {\n    discard;\n}\n");
	assert.deepEqual(needs(rule([], [{ do: "discard", value: "" }]), plain), []);
	assert.deepEqual(needs(rule([{ field: "body", how: "contains", value: "x" }], [{ do: "trash", value: "Trash" }]), plain), ["fileinto", "body"]);
});

const write = (text: string, rules: Rule[], with_ = true) => writeScript(readScript(text), rules, with_);

test("what is written is read back", () => {
	const rules = [
		rule([shop], [move("Receipts")], { name: "Shop", stop: true }),
		rule([{ field: "subject", how: "is", value: 'say "hi"\\\n# [postern:end]\n.\n' }], [move("a\"b")], { name: "line\nbreak # [postern:end]" }),
		rule([{ field: "subject", how: "contains", value: "Grüße ${x}" }], [{ do: "star", value: "" }], { on: false }),
		rule([], [], { stop: true, name: "" }),
	];
	for (const around of ["", 'require "variables";\n', 'require ["encoded-character"];\nkeep;\n', "# mine", "/* # [postern:begin] */\n"]) {
		const text = write(around, rules);
		const back = readScript(text);
		assert.equal(back.state, "rules", text);
		assert.deepEqual(back.rules, rules);
		assert.equal(writeScript(back, back.rules, true), text, "written again it is the same");
		assert.equal(readScript(text.replace(/\n/g, "\r\n")).state, "rules");
	}
});

test("a script of one rule is one that a person can read", () => {
	assert.equal(write("", [rule([shop], [move("Receipts")], { id: "a1", name: "Shop", stop: true })]), `require "fileinto"; # [postern:require]

# [postern:begin] These filters are made by the web client. What is above and below them is left as it is.

# Filter: Shop
# [postern:rule] {"id":"a1","name":"Shop","on":true,"match":"all","if":[{"field":"from","how":"contains","value":"shop"}],"then":[{"do":"move","value":"Receipts"}],"stop":true}
if header :contains "from" "shop" {
    fileinto "Receipts";
    stop;
}

# [postern:end]
`);
});

test("text around the rules stays, and require comes first", () => {
	const own = '# My own\nrequire ["vacation",\n  "date"]; # both\nif size :over 1M { stop; }\n';
	const first = write(own, [rule([shop], [move("A")])]);
	assert.ok(first.startsWith('require "fileinto"; # [postern:require]\n# My own\nrequire ["vacation",\n  "date"]; # both\nif size :over 1M { stop; }\n\n# [postern:begin]'), first);
	const after = `${first}\n# behind\nkeep;\n`;
	const second = write(after, [rule([], [{ do: "star", value: "" }])]);
	assert.ok(second.startsWith('require "imap4flags"; # [postern:require]\n# My own\n'), second);
	assert.ok(second.endsWith("# [postern:end]\n\n# behind\nkeep;\n"));
	const third = write(second, []);
	assert.ok(third.startsWith(own), "nothing is required for no rules");
	assert.equal(readScript(third).isMixed, true);
	assert.equal(readScript(write("", [rule([shop], [])])).isMixed, false);
});

test("what somebody has added to our require is not taken away", () => {
	const text = write("", [rule([shop], [move("A")])]).replace('require "fileinto";', 'require ["fileinto", "vacation"];') + 'vacation "away";\n';
	assert.match(write(text, []), /^require "vacation"; # \[postern:require\]/);
	// What the rest of the script uses is required still.
	const used = write("", [rule([shop], [move("A")])]) + 'fileinto "B";\n';
	assert.match(write(used, []), /^require "fileinto"; # \[postern:require\]/);
	assert.ok(!write(`require "fileinto";\n${used}`, []).includes("[postern:require]"));
});

test("rules that were edited by hand are seen to be", () => {
	const text = write("", [rule([shop], [move("A")]), rule([shop], [move("B")])]);
	const changes: [string, string | RegExp, string][] = [
		["the Sieve", 'fileinto "A"', 'fileinto "C"'],
		["a command more", "# [postern:end]", "keep;\n# [postern:end]"],
		["a comment more", "# [postern:end]", "# remember\n# [postern:end]"],
		["a name", "# Filter: Rule", "# Filter: My rule"],
		["a rule that is none", '"how":"contains"', '"how":"smells"'],
		["no end", /# \[postern:end\]\n/, ""],
		["no beginning", /# \[postern:begin\].*\n/, ""],
		["two ends", "# [postern:end]", "# [postern:end]\n# [postern:end]"],
	];
	for (const [what, from, to] of changes)
		assert.equal(readScript(text.replace(from, to)).state, "edited", what);
	assert.equal(readScript(text.replace(/\n\n/g, "\n   \n\n\n")).state, "rules", "empty lines are nobody's");
	assert.equal(readScript(`${text}\nkeep;\n`).state, "rules", "what is outside does not count");
	// Back to what can be read: the rest of the script stays.
	const edited = `keep;\n${text.replace('fileinto "A"', 'fileinto "C"')}# mine\n`;
	const back = write(edited, readScript(edited).rules);
	assert.equal(readScript(back).state, "rules");
	assert.equal(readScript(back).rules.length, 2);
	assert.ok(back.includes("keep;\n") && back.endsWith("# mine\n"));
	const headless = `keep;\n${text.replace(/# \[postern:begin\].*\n/, "")}`;
	assert.ok(write(headless, readScript(headless).rules).includes("keep;\n"));
});

test("marks in strings and comments of others are no marks", () => {
	const tricky = 'require "vacation";\nvacation text:\n# [postern:begin]\n..\n# [postern:end]\n.\n;\n/*\n# [postern:begin]\n*/\nset "a" "\n# [postern:end]\n";\n';
	assert.equal(readScript(tricky).state, "none");
	const text = write(tricky, [rule([shop], [move("A")])]);
	assert.equal(readScript(text).state, "rules");
	assert.ok(text.includes(tricky));
});

test("what says it is a rule is looked at", () => {
	const good = rule([shop], [move("A")]);
	assert.deepEqual(ruleOf(JSON.stringify({ ...good, more: 1 })), good);
	for (const bad of ["", "null", "[]", "{}", "{", JSON.stringify({ ...good, if: [] }), JSON.stringify({ ...good, then: [{ do: "explode", value: "" }] }),
		JSON.stringify({ ...good, if: [{ ...shop, header: "x" }] }), JSON.stringify({ ...good, if: [{ field: "header", how: "is", value: "x", header: 'a"b:c' }] }),
		JSON.stringify({ ...good, if: [{ field: "size", how: "over", value: "5; stop" }] }), JSON.stringify({ ...good, if: [{ field: "size", how: "contains", value: "5M" }] }),
		JSON.stringify({ ...good, id: "a b" }), JSON.stringify({ ...good, then: [{ do: "move", value: "" }] }), JSON.stringify({ ...good, if: [{ ...shop, field: "constructor" }] })])
		assert.equal(ruleOf(bad), null, bad);
});

test("of the form only what counts is kept", () => {
	const made = asRule({ ...rule([{ field: "attachment", how: "exists", value: "left over" }, { ...shop, value: " shop " }], [{ do: "read", value: "left over" }]), name: " a\n b " });
	assert.deepEqual(made.if.map((one) => one.value), ["", "shop"]);
	assert.equal(made.then[0]!.value, "");
	assert.equal(made.name, "a b");
	assert.deepEqual(asRule({ ...made, match: "every" }).if, []);
	assert.ok(ruleOf(JSON.stringify(made)));
});

test("any text has tokens, and soon", () => {
	for (const text of ['"'.repeat(50_001), "/*".repeat(50_000), "text:\n".repeat(20_000), "#\n".repeat(50_000), "\\".repeat(50_000), "require ".repeat(20_000), "\u0000\ud800"])
		assert.ok(tokens(text).length >= 0 && readScript(text).state === "none");
});
