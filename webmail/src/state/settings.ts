// What this browser remembers: how the client looks and behaves here. Nothing of it is private, so it stays when one signs
// out. (What belongs to the account is on the server, see remembered.ts.)

import { computed, effect, signal } from "@preact/signals";
import { languages, ofBrowser } from "../text/languages.ts";
import { speak } from "../text/text.ts";

export interface Settings {
	language: string; // or "auto"
	theme: "auto" | "light" | "dark";
	density: "comfortable" | "cosy" | "compact";
	pane: "right" | "below" | "none";
	after: "next" | "list";
	keys: boolean;
	undoSeconds: number;
	notify: boolean;
	listWidth: number;
	listHeight: number; // in percent, when the reader is below
	plain: boolean; // write plain text by default
}

const standard: Settings = {
	language: "auto",
	theme: "auto",
	density: "comfortable",
	pane: "right",
	after: "next",
	keys: true,
	undoSeconds: 10,
	notify: false,
	listWidth: 400,
	listHeight: 45,
	plain: false,
};

function load(): Settings {
	try {
		return { ...standard, ...JSON.parse(localStorage.getItem("postern.settings") ?? "{}") };
	} catch {
		return standard;
	}
}

export const settings = signal<Settings>(load());

export function change(part: Partial<Settings>): void {
	settings.value = { ...settings.value, ...part };
}

effect(() => {
	const root = document.documentElement;
	root.dataset.theme = settings.value.theme;
	root.dataset.density = settings.value.density;
	root.style.setProperty("--list-width", `${settings.value.listWidth}px`);
	root.style.setProperty("--list-height", `${settings.value.listHeight}%`);
	try {
		localStorage.setItem("postern.settings", JSON.stringify(settings.value));
	} catch {
		// Not remembered, then.
	}
});

const tab = {
	get: () => {
		try {
			return sessionStorage.getItem("postern.language") ?? "";
		} catch {
			return "";
		}
	},
	set: (code: string) => {
		try {
			sessionStorage.setItem("postern.language", code);
		} catch {
			// Until it is loaded again, then.
		}
	},
};

// A tab may be asked for in a language (?language=de), until another is chosen.
const asked = signal(new URLSearchParams(location.search).get("language") ?? tab.get());
const browsers = signal(ofBrowser());
const chosen = computed(() => [asked.value, settings.value.language].find((code) => Object.hasOwn(languages, code)) ?? browsers.value);

export function chooseLanguage(code: string): void {
	asked.value = "";
	change({ language: code });
}

effect(() => tab.set(asked.value));
effect(() => void speak(chosen.value));
addEventListener("languagechange", () => (browsers.value = ofBrowser()));

// Another tab has changed them.
addEventListener("storage", (event) => {
	if (event.key === "postern.settings")
		settings.value = load();
});

const dark = matchMedia("(prefers-color-scheme: dark)");
const systemDark = signal(dark.matches);
dark.addEventListener("change", () => (systemDark.value = dark.matches));

export const isDark = () => settings.value.theme === "dark" || (settings.value.theme === "auto" && systemDark.value);

// The size of letters that the browser is set to; 16 is usual.
const letter = () => parseFloat(getComputedStyle(document.documentElement).fontSize) || 16;
const letters = signal(letter());
addEventListener("resize", () => (letters.value = letter()));

// The height of a row of the list, as in style/list.css. It grows with the letters.
export const rowHeight = () => ({ comfortable: 76, cosy: 60, compact: 40 })[settings.value.density] * letters.value / 16;

const phone = matchMedia("(max-width: 719px)");
export const isPhone = signal(phone.matches);
phone.addEventListener("change", () => (isPhone.value = phone.matches));
