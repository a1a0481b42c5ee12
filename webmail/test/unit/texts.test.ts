// Every text of the catalogue is used, and says what is put into it.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { admin } from "../../src/text/admin.ts";
import { en } from "../../src/text/en.ts";
import { filterTexts } from "../../src/text/filters.ts";
import { languages } from "../../src/text/languages.ts";
import { settingsTexts } from "../../src/text/settings.ts";
import { signinTexts } from "../../src/text/signin.ts";

const catalogues: Record<string, string | object>[] = [en, admin, settingsTexts, filterTexts, signinTexts];

// The bundle of this test lies elsewhere: the runner says where the sources are.
const source = process.env.WEBMAIL_SOURCE ?? join(dirname(new URL(import.meta.url).pathname), "../../src");

const code = readdirSync(source, { recursive: true, withFileTypes: true })
	.filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name) && !/[/\\]text\b/.test(entry.parentPath ?? entry.path))
	.map((entry) => readFileSync(join(entry.parentPath ?? entry.path, entry.name), "utf8")).join("\n");

// Keys that are put together: t(`role.${...}`).
const families = [...code.matchAll(/`([a-z.]+\.)\$\{/g)].map((match) => match[1]!).filter((family) => family !== "settings.");
const computed = (key: string) => families.some((family) => key.startsWith(family)) || /^settings\.(theme|density|pane|after)\./.test(key);

test("no text is left over", () => {
	for (const catalogue of catalogues)
		assert.deepEqual(Object.keys(catalogue).filter((key) => !code.includes(`"${key}"`) && !computed(key)), []);
});

test("a text with a number has the forms that English needs", () => {
	for (const [key, entry] of catalogues.flatMap((catalogue) => Object.entries(catalogue)))
		if (typeof entry !== "string")
			assert.ok("one" in entry && "other" in entry && String(entry.other).includes("{n}"), key);
});

// That no text is forgotten is seen by tsc. Here: what is put into it, and the forms of the language's own numbers.
test("a translation is one of each text", async () => {
	const english = { main: en, settings: settingsTexts, filters: filterTexts, signin: signinTexts, admin, server: {} } as Record<string, Record<string, string | object>>;
	const values = (text: string) => [...new Set(text.match(/\{\w+\}/g) ?? [])].sort().join();
	for (const [code, { load }] of Object.entries(languages)) {
		const forms = new Intl.PluralRules(code).resolvedOptions().pluralCategories;
		for (const [part, from] of Object.entries(load ?? {})) {
			for (const [key, entry] of Object.entries((await from()).default)) {
				const all = Object.values(typeof entry === "string" ? { entry } : entry);
				const source = part === "server" ? key : english[part]![key];
				assert.ok(source, `${code}: there is no ${key}`);
				if (typeof entry !== "string")
					assert.deepEqual(forms.filter((form) => !(form in entry)), [], `${code}: ${key}`);
				const wanted = values(typeof source === "string" ? source : (source as { other: string }).other);
				for (const text of all)
					assert.ok(text.trim() !== "" && values(text).split(",").every((value) => value === "" || wanted.includes(value)), `${code}: ${key}`);
				// One may say "one" without the number.
				if (part !== "server")
					assert.equal(values(typeof entry === "string" ? entry : entry.other!), wanted, `${code}: ${key}`);
			}
		}
	}
});
