// The languages, each a folder with a file for every part of the catalogue; HACKING.md says how to add one.

import type { Catalogue } from "./text.ts";

export type Part = "main" | "settings" | "filters" | "signin" | "admin" | "server";

interface Language {
	name?: string; // in itself; one without is not offered
	locale?: string; // of dates and numbers, otherwise that of the browser's region
	rtl?: boolean;
	load?: Record<Part, () => Promise<{ default: Catalogue }>>;
	form?(): Promise<(text: string) => string>; // made out of the English texts
}

export const languages: Record<string, Language> = {
	en: { name: "English", locale: "en-GB" },
	de: {
		name: "Deutsch",
		load: {
			main: () => import("./de/main.ts"),
			settings: () => import("./de/settings.ts"),
			filters: () => import("./de/filters.ts"),
			signin: () => import("./de/signin.ts"),
			admin: () => import("./de/admin.ts"),
			server: () => import("./de/server.ts"),
		},
	},
	// What texts may become, for tests: long ones with accents, and ones that run from right to left.
	"en-XA": { locale: "en-GB", form: () => import("./pseudo.ts").then((m) => m.long) },
	"ar-XB": { locale: "en-GB", rtl: true, form: () => import("./pseudo.ts").then((m) => m.backwards) },
};

export const offered = Object.keys(languages).filter((code) => languages[code]!.name);

// The first of those that the browser asks for that there is.
export const ofBrowser = () => navigator.languages.map((tag) => tag.split("-")[0]!).find((code) => offered.includes(code)) ?? "en";
