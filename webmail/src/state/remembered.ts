// What the account remembers of its user on every device: names and colours of labels, whose images are shown. It is kept
// on the server (/web/settings), and a copy here, so that it is there at once. Of a server that has no such place it is
// kept in this browser alone.

import { computed, signal } from "@preact/signals";
import { SessionEnded, Unreachable, ended, session } from "../jmap/client.ts";
import { Refusal, ask } from "../jmap/account.ts";
import { t } from "../text/text.ts";
import { tell } from "./notices.ts";
import { enqueue } from "./outbox.ts";
import { settings } from "./settings.ts";

export interface Label {
	title?: string; // what people see; else the keyword itself
	hue?: number; // 0 to 7
}

export interface Remembered {
	labels: Record<string, Label>; // by keyword
	imagesFrom: string[]; // senders whose remote images are shown
	darkenFrom: string[]; // senders whose messages are darkened in a dark theme
}

const KEY = "postern.account";
const nothing: Remembered = { labels: {}, imagesFrom: [], darkenFrom: [] };

const texts = (value: unknown): string[] => (Array.isArray(value) ? value.filter((v) => typeof v === "string") : []);

// What others wrote is looked at before it is believed.
function checked(root: any): Remembered {
	const labels: Record<string, Label> = {};
	for (const [keyword, about] of Object.entries<any>(root?.labels ?? {}))
		labels[keyword] = {
			...(typeof about?.title === "string" ? { title: about.title } : {}),
			...(Number.isInteger(about?.hue) ? { hue: about.hue & 7 } : {}),
		};
	return { labels, imagesFrom: texts(root?.imagesFrom), darkenFrom: texts(root?.darkenFrom) };
}

function copy(): Remembered {
	try {
		const kept = JSON.parse(localStorage.getItem(KEY) ?? "{}");
		return kept.user === session.peek()?.username ? checked(kept) : nothing;
	} catch {
		return nothing;
	}
}

export const remembered = signal<Remembered>(nothing);

function show(next: Remembered): void {
	remembered.value = next;
	try {
		localStorage.setItem(KEY, JSON.stringify({ user: session.peek()?.username, ...next }));
	} catch {
		// Not kept here, then.
	}
}

let loadedAt = 0;

export async function loadRemembered(): Promise<void> {
	if (loadedAt === 0)
		remembered.value = copy();
	loadedAt = Date.now();
	const root = await ask<any>("GET", "/web/settings").catch(() => null);
	if (root && typeof root === "object")
		show(checked(root));
	takeOver();
}

// Older versions kept this with the settings of the browser.
function takeOver(): void {
	const old = settings.peek() as any;
	const labels = texts(old.labels).filter((name) => !remembered.peek().labels[name]);
	const images = texts(old.imagesFrom).filter((a) => !remembered.peek().imagesFrom.includes(a));
	if (labels.length > 0 || images.length > 0)
		remember({
			labels: { ...remembered.peek().labels, ...Object.fromEntries(labels.map((name) => [name, {}])) },
			imagesFrom: [...remembered.peek().imagesFrom, ...images],
		});
	if (old.labels || old.imagesFrom || old.darkenFrom) {
		const { labels: _l, imagesFrom: _i, darkenFrom: _d, ...rest } = old;
		settings.value = rest;
	}
}

export function remember(part: Partial<Remembered>): void {
	show({ ...remembered.peek(), ...part });
	enqueue(async () => {
		try {
			await ask("PATCH", "/web/settings", part);
		} catch (error) {
			const status = error instanceof Refusal ? error.problem.status : 0;
			if (status === 401) {
				ended.value = true;
				throw new SessionEnded();
			}
			if (status === 0 || status === 503)
				throw new Unreachable();
			// Without a place for it on the server it stays here.
			if (status !== 404 && status !== 405)
				throw error;
		}
	}, (error) => tell(t("done.refused", { why: error.message }), { bad: true }));
}

// Another tab has changed it, or another device while one was away.
addEventListener("storage", (event) => {
	if (event.key === KEY && session.peek())
		remembered.value = copy();
});
document.addEventListener("visibilitychange", () => {
	if (document.visibilityState === "visible" && session.peek() && loadedAt > 0 && Date.now() - loadedAt > 60_000)
		void loadRemembered();
});

// --- labels

// The colour of a label: the one that was chosen, else one by its name.
export const hueOf = (keyword: string) =>
	remembered.value.labels[keyword]?.hue ?? [...keyword].reduce((sum, c) => (sum * 31 + c.codePointAt(0)!) >>> 0, 0) % 8;

// The colour that the fewest labels have, for a new one.
export function freeHue(): number {
	const used = Array.from({ length: 8 }, () => 0);
	for (const keyword of Object.keys(remembered.peek().labels))
		used[hueOf(keyword)]!++;
	return used.indexOf(Math.min(...used));
}

export const labelTitle = (keyword: string) => remembered.value.labels[keyword]?.title ?? keyword;

const byTitle = computed(() => new Map(Object.entries(remembered.value.labels).map(([keyword, { title }]) => [(title ?? keyword).toLowerCase(), keyword])));

// Labels are keywords (RFC 8621, 4.1.1): lower case, and none of what IMAP does not allow in a flag.
function slug(name: string): string {
	const plain = name.normalize("NFKD").toLowerCase().replace(/\p{M}+/gu, "").replace(/ß/g, "ss");
	return plain.replace(/[\s(){\]%*"\\]+/g, "-").replace(/[^\x21-\x7e]/g, "").replace(/^[-$]+|-+$/g, "").slice(0, 64);
}

// The keyword that a label of this name has, or would get. Names that no ASCII letters are left of get a number.
export function keywordOf(name: string): string {
	const title = name.trim();
	const known = byTitle.value.get(title.toLowerCase());
	if (known || title === "")
		return known ?? "";
	const number = [...title.toLowerCase()].reduce((sum, c) => (sum * 33 + c.codePointAt(0)!) >>> 0, 5381).toString(36);
	const base = slug(title) || `label-${number}`;
	const taken = remembered.value.labels[base];
	return taken?.title && taken.title.toLowerCase() !== title.toLowerCase() ? `${base}-${number}` : base;
}

// A label by its name: one that is new is remembered, with a colour. Returns its keyword, or "" if it cannot be one.
export function addLabel(name: string): string {
	const keyword = keywordOf(name);
	if (keyword === "" || keyword.startsWith("$"))
		return "";
	if (!remembered.peek().labels[keyword])
		remember({ labels: { ...remembered.peek().labels, [keyword]: { hue: freeHue(), ...(name.trim() === keyword ? {} : { title: name.trim() }) } } });
	return keyword;
}
