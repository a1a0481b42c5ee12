// t(key, values): a text of the catalogue in the language of the reader. What is spoken is a signal: whatever has drawn a
// text draws it again when another language is chosen, and keeps its state.

import { signal } from "@preact/signals";
import { en } from "./en.ts";
import type { filterTexts } from "./filters.ts";
import { type Part, languages } from "./languages.ts";
import type { settingsTexts } from "./settings.ts";
import type { signinTexts } from "./signin.ts";

export type Key = keyof typeof en | keyof typeof settingsTexts | keyof typeof signinTexts | keyof typeof filterTexts;
export type Entry = string | Partial<Record<Intl.LDMLPluralRule, string>>;
export type Catalogue = Record<string, Entry>;
// What a translation is: every key of the English texts and no other, or tsc refuses it.
export type Translation<C> = Record<keyof C, Entry>;

const speaking = (locale: string, rtl = false, texts = new Map<Catalogue, Catalogue>(), form = (text: string) => text) => ({
	locale, rtl, texts, form,
	plural: new Intl.PluralRules(locale),
	numbers: new Intl.NumberFormat(locale),
	names: new Intl.ListFormat(locale, { type: "unit", style: "short" }),
});

export const language = signal(speaking(languages.en!.locale!));
// False until the first language is there, which is never long.
export const isSpeaking = signal(false);

export const count = (n: number) => language.value.numbers.format(n);
// Maja, Ines
export const enumerate = (names: string[]) => language.value.names.format(names);

// The parts of the catalogue that have come so far, and where their texts are.
const parts: [Part, Catalogue][] = [];

// texts(catalogue): t() of a catalogue. `n` chooses the plural form and is written as people write numbers.
export function texts<C extends Catalogue>(catalogue: C, part?: Part) {
	if (part)
		arrived(part, catalogue);
	return (key: keyof C & string, values: Record<string, string | number> = {}): string => {
		const now = language.value;
		const entry: Entry = now.texts.get(catalogue)?.[key] ?? catalogue[key] ?? key;
		const form = typeof entry === "string" ? entry : entry[now.plural.select(Number(values.n))] ?? entry.other ?? "";
		return now.form(form).replace(/\{(\w+)\}/g, (whole, name) => {
			const value = values[name];
			if (typeof value === "number")
				return count(value);
			// A name in another script does not turn the words around it (UAX #9, isolates).
			return value === undefined ? whole : now.rtl ? `\u2068${value}\u2069` : value;
		});
	};
}

// Those of the first view; parts that come later bring theirs.
const all: Catalogue = { ...en };
parts.push(["main", all]);

export function addTexts(part: Part, more: Catalogue): void {
	Object.assign(all, more);
	arrived(part, all);
}

function arrived(part: Part, catalogue: Catalogue): void {
	parts.push([part, catalogue]);
	void translated();
}

export const t: (key: Key, values?: Record<string, string | number>) => string = texts(all);

let wanted = "en";
let have = 1; // of the parts, in the language that is wanted

// Resolves when all texts that have come are there in the language that is spoken.
export const translated = async () => (have < parts.length && languages[wanted]?.load ? speak(wanted) : undefined);

// Changes the language. One that cannot be loaded leaves what there is; a text that it has not is in English.
export async function speak(code: string): Promise<void> {
	wanted = code;
	const { locale = regional(code), rtl, load, form } = languages[code] ?? languages.en!;
	const known = parts.slice();
	try {
		const more = await Promise.all(known.map(async ([part, catalogue]) => [catalogue, (await load?.[part]())?.default ?? {}] as const));
		const shape = await form?.();
		if (wanted === code) {
			const found = new Map<Catalogue, Catalogue>();
			for (const [catalogue, its] of more)
				found.set(catalogue, { ...found.get(catalogue), ...its });
			have = known.length;
			language.value = speaking(locale, rtl, found, shape);
			document.documentElement.lang = locale;
			document.documentElement.dir = rtl ? "rtl" : "ltr";
		}
	} catch {
		// Offline, or the files are those of another version.
	}
	isSpeaking.value = true;
}

// Dates and numbers as the browser's own region writes them, if that speaks the language: de-AT.
const regional = (code: string) => navigator.languages.find((tag) => tag.startsWith(`${code}-`)) ?? code;
