// The note at the bottom. It stays while the pointer or the keyboard is on it.

import { useEffect, useState } from "preact/hooks";
import { dismiss, note, spoken, undoLast } from "../state/notices.ts";
import { t } from "../text/text.ts";
import { IconButton } from "./parts.tsx";

export function ToastHost() {
	const shown = note.value;
	return (
		<>
			<div class="spoken" role="status" aria-live="polite">{spoken.value}</div>
			{shown && <Toast key={shown.id} />}
		</>
	);
}

function Toast() {
	const shown = note.value!;
	const [held, hold] = useState(false);
	const progress = shown.progress?.value ?? 1;
	useEffect(() => {
		if (held || progress < 1)
			return undefined;
		const timer = setTimeout(() => dismiss(shown), shown.seconds * 1000);
		return () => clearTimeout(timer);
	}, [held, progress < 1, shown.id]);
	return (
		<div class={shown.bad ? "toast bad" : "toast"} onMouseEnter={() => hold(true)} onMouseLeave={() => hold(false)}
			onFocusIn={() => hold(true)} onFocusOut={() => hold(false)}>
			<span class="toast-text">
				{shown.text}
				{progress < 1 && <progress max={1} value={progress} aria-label={shown.text} />}
			</span>
			{shown.undo && <button type="button" class="toast-button" aria-keyshortcuts="z" onClick={undoLast}>{t("do.undo")}</button>}
			{shown.action && (
				<button type="button" class="toast-button" onClick={() => {
					dismiss(shown);
					shown.action!.run();
				}}>{shown.action.label}</button>
			)}
			<IconButton icon="close" label={t("do.close")} onClick={() => dismiss(shown)} />
		</div>
	);
}
