// Dialogs: the browser's own <dialog> keeps the keyboard inside and gives it back afterwards.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { question } from "../state/notices.ts";
import { t } from "../text/text.ts";
import { Button, Field } from "./parts.tsx";

export function Dialog({ label, onClose, children, wide }: {
	label: string; onClose(): void; children: ComponentChildren; wide?: boolean;
}) {
	const root = useRef<HTMLDialogElement>(null);
	useEffect(() => {
		const opener = document.activeElement;
		root.current!.showModal();
		return () => {
			if (opener instanceof HTMLElement && opener.isConnected)
				opener.focus();
		};
	}, []);
	return (
		<dialog ref={root} aria-label={label} class={wide ? "dialog wide" : "dialog"}
			onKeyDown={(event) => event.stopPropagation()}
			onCancel={(event) => {
				event.preventDefault();
				onClose();
			}}
			onClick={(event) => {
				if (event.target === root.current)
					onClose();
			}}>
			<div class="dialog-inner">{children}</div>
		</dialog>
	);
}

// The question of state/notices.ts, if there is one.
export function QuestionHost() {
	const asked = question.value;
	const [text, setText] = useState("");
	useEffect(() => setText(asked?.input?.value ?? ""), [asked]);
	if (!asked)
		return null;
	const answer = (value: string | null) => {
		question.value = null;
		asked.answer(value);
	};
	return (
		<Dialog label={asked.text} onClose={() => answer(null)}>
			<form onSubmit={(event) => {
				event.preventDefault();
				answer(text);
			}}>
				<h2>{asked.text}</h2>
				{asked.input && (
					<Field label={asked.input.label}>
						<input type={(asked.input.type ?? "text") as "text"} required value={text} autofocus onInput={(event) => setText(event.currentTarget.value)} />
					</Field>
				)}
				<div class="dialog-buttons">
					<Button onClick={() => answer(null)}>{t("do.cancel")}</Button>
					<Button type="submit" kind={asked.danger ? "danger" : "primary"}>{asked.yes}</Button>
				</div>
			</form>
		</Dialog>
	);
}
