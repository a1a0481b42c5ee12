// Moving from one conversation to another.

import { cursor, list } from "../state/current.ts";
import { email } from "../state/emails.ts";
import { openThread, openThreadId } from "../state/route.ts";
import { isPhone, settings } from "../state/settings.ts";

// The row of the open conversation, or -1.
function openIndex(): number {
	const open = openThreadId.peek();
	return list.peek()?.ids.findIndex((id) => id !== undefined && email(id).peek()?.threadId === open) ?? -1;
}

// Moves the keyboard by so many rows; a conversation that is open follows.
export function moveTo(by: number): void {
	const shown = list.peek();
	if (!shown)
		return;
	const open = openThreadId.peek();
	const from = open && openIndex() >= 0 ? openIndex() : cursor.peek();
	const focused = document.activeElement?.classList.contains("row");
	const at = Math.max(0, Math.min(shown.total.peek() - 1, from + (open || focused ? by : 0)));
	cursor.value = at;
	const message = shown.ids[at] ? email(shown.ids[at]!).peek() : undefined;
	if (open && message)
		openThread(message.threadId, true);
	else
		focusRow(at);
}

// A row that is not drawn yet is so a frame later.
function focusRow(at: number): void {
	const find = () => document.querySelector<HTMLElement>(`.row[aria-rowindex="${at + 1}"]`);
	if (find())
		find()!.focus({ preventScroll: true });
	else
		requestAnimationFrame(() => find()?.focus({ preventScroll: true }));
}

// Call before a conversation leaves the list; what it returns goes where the settings say.
export function afterwards(direction: 1 | -1 = 1): () => void {
	const shown = list.peek();
	const at = openIndex();
	const next = shown?.ids[at + direction] ?? shown?.ids[at - direction];
	const message = at >= 0 && next ? email(next).peek() : undefined;
	return () => {
		if (settings.peek().after === "list" || !message || isPhone.peek()) {
			openThread(null);
			requestAnimationFrame(() => document.querySelector<HTMLElement>(".row[tabindex='0']")?.focus());
			return;
		}
		openThread(message.threadId, true);
		const now = shown!.ids.indexOf(next);
		if (now >= 0)
			cursor.value = now;
	};
}
