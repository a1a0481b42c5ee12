// What the pages for administrators are made of.

import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { messageTime } from "../lib/date.ts";
import { say } from "../state/notices.ts";
import { go } from "../state/route.ts";
import { t } from "../text/admin.ts";
import { Dialog } from "../ui/dialog.tsx";
import { Button, Field } from "../ui/parts.tsx";
import { whyNot } from "./api.ts";

export const when = (seconds: number) => messageTime(new Date(seconds * 1000).toISOString());

export function Section({ title, lead, children, action }: {
	title: string; lead?: string; children: ComponentChildren; action?: ComponentChildren;
}) {
	return (
		<section class="settings-section admin-section">
			<div class="admin-title">
				<h2>{title}</h2>
				{action}
			</div>
			{lead && <p class="hint admin-lead">{lead}</p>}
			{children}
		</section>
	);
}

export interface Column<T> {
	title: string;
	cell(row: T): ComponentChildren;
	class?: string;
}

// A table; on a phone each row is a card, and each value says what it is.
export function Table<T>({ label, columns, rows, id, empty }: {
	label: string; columns: Column<T>[]; rows: T[] | null; id(row: T): string; empty: string;
}) {
	if (!rows)
		return null;
	if (rows.length === 0)
		return <p class="hint">{empty}</p>;
	return (
		<table class="admin-table" aria-label={label} role="table">
			<thead role="rowgroup">
				<tr role="row">{columns.map((c) => <th key={c.title} scope="col" role="columnheader" class={c.class}>{c.title}</th>)}</tr>
			</thead>
			<tbody role="rowgroup">
				{rows.map((row) => (
					<tr key={id(row)} role="row">
						{columns.map((c) => <td key={c.title} role="cell" class={c.class} data-label={c.title}>{c.cell(row)}</td>)}
					</tr>
				))}
			</tbody>
		</table>
	);
}

export type Tone = "ok" | "warn" | "bad" | "plain";

// A state in a word; the colour only repeats it.
export function State({ tone, children }: { tone: Tone; children: ComponentChildren }) {
	return <span class={`state is-${tone}`}>{children}</span>;
}

export function Problem({ text }: { text: string }) {
	return <p class="problem" role="alert">{text}</p>;
}

// Puts a text on the clipboard, and says so.
export function Copy({ text, label }: { text: string; label: string }) {
	const [done, setDone] = useState(false);
	const copy = async () => {
		await navigator.clipboard.writeText(text).then(() => {
			setDone(true);
			say(t("copied"));
			setTimeout(() => setDone(false), 2000);
		}, () => undefined);
	};
	return <Button class="small" aria-label={done ? undefined : label} onClick={() => void copy()}>{t(done ? "copied" : "copy")}</Button>;
}

// A link that is told once.
export function FreshLink({ url, text, done }: { url: string; text: string; done(): void }) {
	const box = useRef<HTMLDivElement>(null);
	useEffect(() => box.current!.focus(), []);
	return (
		<div class="fresh-password" role="status" tabIndex={-1} ref={box}>
			<p>{text}</p>
			<p class="fresh-link"><code>{url}</code></p>
			<p class="save-line">
				<Copy text={url} label={t("copy.link")} />
				<Button class="small" onClick={done}>{t("link.noted")}</Button>
			</p>
		</div>
	);
}

// Does `work` while the page is seen: at once, and every some seconds; never twice at the same time.
export function usePoll(work: () => Promise<unknown>, seconds: number, deps: unknown[] = []): void {
	useEffect(() => {
		let over = false, busy = false;
		const turn = async () => {
			if (busy || over || document.visibilityState !== "visible")
				return;
			busy = true;
			await work().catch(() => undefined);
			busy = false;
		};
		void turn();
		const timer = setInterval(() => void turn(), seconds * 1000);
		const seen = () => void turn();
		document.addEventListener("visibilitychange", seen);
		return () => {
			over = true;
			clearInterval(timer);
			document.removeEventListener("visibilitychange", seen);
		};
	}, deps);
}

// A form that says what was refused, and is busy meanwhile.
export function useForm(work: (fields: FormData, form: HTMLFormElement) => Promise<unknown>) {
	const [problem, setProblem] = useState("");
	const [busy, setBusy] = useState(false);
	const submit = async (event: Event) => {
		event.preventDefault();
		const form = event.currentTarget as HTMLFormElement;
		setBusy(true);
		setProblem("");
		try {
			await work(new FormData(form), form);
		} catch (error) {
			setProblem(whyNot(error));
		}
		setBusy(false);
	};
	return { problem, busy, submit };
}

// Loads something; what goes wrong is a text.
export function useLoad<T>(load: () => Promise<T>, deps: unknown[] = []) {
	const [value, setValue] = useState<T | null>(null);
	const [problem, setProblem] = useState("");
	const again = async () => {
		try {
			setValue(await load());
			setProblem("");
		} catch (error) {
			setProblem(whyNot(error));
		}
	};
	useEffect(() => void again(), deps);
	return { value, problem, again, setValue };
}

// For what cannot be taken back: what it is about has to be typed.
export function TypedQuestion({ title, why, word, yes, children, onClose, run }: {
	title: string; why: string; word: string; yes: string; children?: ComponentChildren; onClose(): void; run(fields: FormData): Promise<unknown>;
}) {
	const [text, setText] = useState("");
	const { problem, busy, submit } = useForm(run);
	return (
		<Dialog label={title} onClose={onClose}>
			<form class="form" onSubmit={submit}>
				<h2>{title}</h2>
				<p>{why}</p>
				<Field label={t("type.word", { word })}>
					<input type="text" autocomplete="off" autocapitalize="none" spellcheck={false} value={text}
						onInput={(event) => setText(event.currentTarget.value)} />
				</Field>
				{children}
				<Problem text={problem} />
				<div class="dialog-buttons">
					<Button onClick={onClose}>{t("cancel")}</Button>
					<Button type="submit" kind="danger" disabled={busy || text.trim().toLowerCase() !== word.toLowerCase()}>{yes}</Button>
				</div>
			</form>
		</Dialog>
	);
}

export function Small(props: { children: ComponentChildren } & Omit<JSX.IntrinsicElements["button"], "kind">) {
	return <Button {...props} class={`small ${props.class ?? ""}`} />;
}

export const goAdmin = (section: string, item = "") => go({ page: "admin", section, item });

export function AdminLink({ section, item = "", children }: { section: string; item?: string; children: ComponentChildren }) {
	return (
		<a href={`#/admin/${section}${item ? `/${encodeURIComponent(item)}` : ""}`} onClick={(event) => {
			if (event.metaKey || event.ctrlKey || event.shiftKey)
				return;
			event.preventDefault();
			goAdmin(section, item);
		}}>{children}</a>
	);
}
