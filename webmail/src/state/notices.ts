// What the client tells: one note at a time at the bottom of the page, and words for screen readers.

import { type ReadonlySignal, signal } from "@preact/signals";
import { t } from "../text/text.ts";

export interface Note {
	id: number;
	text: string;
	undo?: () => void;
	action?: { label: string; run: () => void };
	bad?: boolean;
	// How much of a long work is done, 0 to 1; the note stays until it is.
	progress?: ReadonlySignal<number>;
	seconds: number;
}

export const note = signal<Note | null>(null);
export const spoken = signal("");

let last = 0;

export function say(text: string): void {
	spoken.value = "";
	queueMicrotask(() => (spoken.value = text));
}

export function tell(text: string, more: Partial<Omit<Note, "id" | "text">> = {}): Note {
	const made = { id: ++last, text, seconds: 10, ...more };
	note.value = made;
	say(more.undo ? t("done.undoable", { what: text }) : text);
	return made;
}

export function dismiss(which?: Note): void {
	if (!which || note.peek()?.id === which.id)
		note.value = null;
}

// Takes back what the note in sight speaks of.
export function undoLast(): void {
	const undo = note.peek()?.undo;
	note.value = null;
	undo?.();
}

// A question with two answers, as a dialog. Resolves to what was answered.
export interface Question {
	text: string;
	yes: string;
	danger?: boolean;
	// Ask for a text as well; it begins with this.
	input?: { label: string; value: string; type?: "datetime-local" };
	answer(value: string | null): void;
}

export const question = signal<Question | null>(null);

export function ask(text: string, yes: string, danger = false): Promise<boolean> {
	return new Promise((resolve) => {
		question.value = { text, yes, danger, answer: (value) => resolve(value !== null) };
	});
}

export function askText(text: string, yes: string, label: string, value = ""): Promise<string | null> {
	return new Promise((resolve) => {
		question.value = { text, yes, input: { label, value }, answer: resolve };
	});
}

export function askTime(text: string, yes: string): Promise<Date | null> {
	return new Promise((resolve) => {
		question.value = {
			text, yes, input: { label: text, value: "", type: "datetime-local" },
			answer: (value) => resolve(value ? new Date(value) : null),
		};
	});
}
