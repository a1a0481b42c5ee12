// The keyboard: one table of keys and what they do.

import type { Email } from "../jmap/types.ts";
import { archive, inSight, isJunk, junk, messagesOfRows, moveToTrash, destroy, notJunk, setRead, setStar } from "../state/actions.ts";
import { compose, forward, reply } from "../state/compose.ts";
import { cursor, list, select, selectAllShown, selection } from "../state/current.ts";
import { email, messagesOf } from "../state/emails.ts";
import { byRole } from "../state/mailboxes.ts";
import { undoLast } from "../state/notices.ts";
import { goTo, openThread, openThreadId } from "../state/route.ts";
import { settings } from "../state/settings.ts";
import { paletteOpen, sheetOpen } from "../state/ui.ts";
import { chooseFolder, chooseLabel } from "./choose.tsx";
import { openRow } from "./row.tsx";
import { afterwards, moveTo } from "./steps.ts";

// What an action is about: the chosen rows, else the open conversation, else the row that the keyboard stands on.
async function target(): Promise<Email[]> {
	if (selection.peek().size > 0) {
		const messages = await messagesOfRows([...selection.peek()]);
		selection.value = new Set();
		return messages;
	}
	if (openThreadId.peek())
		return inSight(messagesOf(openThreadId.peek()!));
	const id = list.peek()?.ids[cursor.peek()];
	return id ? messagesOfRows([id]) : [];
}

// Runs an action, and goes on to the next conversation if one was open.
export function act(run: (messages: Email[]) => unknown, leaves = false, direction: 1 | -1 = 1): void {
	const open = openThreadId.peek();
	const next = leaves && open ? afterwards(direction) : null;
	void target().then((messages) => {
		if (messages.length === 0)
			return;
		void run(messages);
		next?.();
	});
}

const anchor = () => document.querySelector(".reader-bar, .list-head");

function lastMessage(): string | undefined {
	const open = openThreadId.peek();
	if (open)
		return messagesOf(open).filter((m) => !m.keywords.$draft).at(-1)?.id;
	return list.peek()?.ids[cursor.peek()];
}

const onLast = (run: (id: string) => unknown) => {
	const id = lastMessage();
	if (id)
		void run(id);
};

const toggleStar = (messages: Email[]) => setStar(messages, !messages.some((m) => m.keywords.$flagged));
const role = (name: string) => byRole.peek()[name] && goTo({ kind: "folder", id: byRole.peek()[name]!.id });

export const KEYS: Record<string, () => unknown> = {
	c: () => compose(),
	"/": () => {
		const field = document.querySelector<HTMLInputElement>("#search");
		field?.focus();
		field?.setSelectionRange(field.value.length, field.value.length);
	},
	j: () => moveTo(1),
	k: () => moveTo(-1),
	ArrowDown: () => moveTo(1),
	ArrowUp: () => moveTo(-1),
	o: () => openCursor(),
	Enter: () => openCursor(),
	u: () => back(),
	Escape: () => back(),
	x: () => {
		const id = list.peek()?.ids[cursor.peek()];
		if (id)
			select(id, !selection.peek().has(id));
	},
	e: () => act(archive, true),
	"#": () => act(moveToTrash, true),
	Delete: () => act(moveToTrash, true),
	"Shift+Delete": () => act(destroy, true),
	"!": () => act((m) => (isJunk(m) ? notJunk(m) : junk(m)), true),
	"[": () => act(archive, true, -1),
	"]": () => act(archive, true, 1),
	s: () => act(toggleStar),
	I: () => act((m) => setRead(m, true)),
	U: () => {
		act((m) => setRead(m, false));
		if (openThreadId.peek())
			back();
	},
	v: () => act((m) => chooseFolder(anchor(), m)),
	l: () => act((m) => chooseLabel(anchor(), m)),
	r: () => onLast((id) => reply(id, false)),
	a: () => onLast((id) => reply(id, true)),
	f: () => onLast(forward),
	z: () => undoLast(),
	"?": () => (sheetOpen.value = true),
	"g i": () => role("inbox"),
	"g d": () => role("drafts"),
	"g t": () => role("sent"),
	"g a": () => role("archive"),
	"g s": () => goTo({ kind: "starred" }),
	"* a": () => selectAllShown(),
	"* n": () => (selection.value = new Set()),
};

function openCursor(): void {
	const id = list.peek()?.ids[cursor.peek()];
	const message = id && email(id).peek();
	if (message)
		openRow(message);
}

function back(): void {
	if (selection.peek().size > 0) {
		selection.value = new Set();
		return;
	}
	if (!openThreadId.peek())
		return;
	openThread(null);
	requestAnimationFrame(() => document.querySelector<HTMLElement>(".row[tabindex='0']")?.focus());
}

let first = ""; // g or *, waiting for the second key
let firstAt = 0;

const ALWAYS = new Set(["ArrowDown", "ArrowUp", "Enter", "Escape", "Delete", "Shift+Delete"]);

export function handleKey(event: KeyboardEvent): void {
	if (event.defaultPrevented || event.isComposing)
		return;
	if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k") {
		event.preventDefault();
		paletteOpen.value = true;
		return;
	}
	if (event.ctrlKey || event.metaKey || event.altKey)
		return;
	const on = event.target as HTMLElement;
	if (on.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable=true], [role=dialog], dialog, .menu"))
		return;
	const pressed = event.shiftKey && event.key === "Delete" ? "Shift+Delete" : event.key;
	// A button that has the keyboard does its own thing with Enter.
	if (pressed === "Enter" && on.closest?.("button, a, summary, [role=separator]"))
		return;
	const sequence = first && performance.now() - firstAt < 1500 ? `${first} ${pressed}` : pressed;
	first = "";
	if (!settings.peek().keys && !ALWAYS.has(pressed))
		return;
	if (sequence === pressed && (pressed === "g" || pressed === "*")) {
		first = pressed;
		firstAt = performance.now();
		return;
	}
	const run = KEYS[sequence];
	if (!run || location.hash.startsWith("#/settings"))
		return;
	event.preventDefault();
	run();
}
