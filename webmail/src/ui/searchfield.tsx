// The search field: looks as one types, offers operators, and shows what it understood as terms to take away.

import { useEffect, useRef, useState } from "preact/hooks";
import { byRole } from "../state/mailboxes.ts";
import { go, goTo, place } from "../state/route.ts";
import { type Key, t } from "../text/text.ts";
import { Icon } from "./icons.tsx";
import { IconButton } from "./parts.tsx";

const PAUSE = 250; // ms without a key before looking

const OPERATORS: [string, Key][] = [
	["from:", "search.help.from"],
	["to:", "search.help.to"],
	["subject:", "search.help.subject"],
	["has:attachment", "search.help.has"],
	["is:unread", "search.help.is"],
	["in:", "search.help.in"],
	["newer_than:7d", "search.help.newer"],
	["before:", "search.help.before"],
];

export function SearchField() {
	const at = place.value;
	const shown = at?.kind === "search" ? at.text : "";
	const [text, setText] = useState(shown);
	const [open, setOpen] = useState(false);
	const field = useRef<HTMLInputElement>(null);
	const timer = useRef<ReturnType<typeof setTimeout>>(undefined);

	// The back button, a term taken away: the field follows. It does not follow what was looked for from here, since by
	// now more letters may stand in it.
	const own = useRef(shown);
	useEffect(() => {
		const now = place.peek();
		const text = now?.kind === "search" ? now.text : "";
		if (text !== own.current)
			setText(text);
		own.current = text;
	}, [shown]);

	const look = (value: string) => {
		clearTimeout(timer.current);
		const wanted = value.trim();
		own.current = wanted;
		if (wanted === "") {
			if (place.peek()?.kind === "search" && byRole.peek().inbox)
				goTo({ kind: "folder", id: byRole.peek().inbox!.id });
			return;
		}
		// Each letter replaces the search before it: the back button leads out of the search, not through it.
		go({ page: "mail", place: { kind: "search", text: wanted }, thread: null }, place.peek()?.kind === "search");
	};
	const typed = (value: string) => {
		setText(value);
		clearTimeout(timer.current);
		timer.current = setTimeout(() => look(value), PAUSE);
	};
	const add = (operator: string) => {
		const next = `${text}${text && !text.endsWith(" ") ? " " : ""}${operator}${operator.endsWith(":") ? "" : " "}`;
		field.current!.focus();
		typed(next);
	};
	const key = (event: KeyboardEvent) => {
		if (event.key === "Enter") {
			look(text);
			setOpen(false);
			document.querySelector<HTMLElement>(".row[tabindex='0']")?.focus();
		} else if (event.key === "Escape") {
			setOpen(false);
			field.current!.blur();
		} else {
			return;
		}
		event.preventDefault();
	};

	return (
		<search class="search" onFocusOut={(event) => {
			if (!event.currentTarget.contains(event.relatedTarget as Node))
				setOpen(false);
		}}>
			<div class="search-box">
				<Icon name="search" />
				<input ref={field} id="search" type="text" role="searchbox" enterkeyhint="search" autocomplete="off" spellcheck={false}
					aria-label={t("search")} placeholder={t("search")} aria-keyshortcuts="/" value={text}
					onInput={(event) => typed(event.currentTarget.value)} onFocus={() => setOpen(true)} onKeyDown={key} />
				{text ? <IconButton icon="close" label={t("search.clear")} onClick={() => {
					typed("");
					look("");
				}} /> : <kbd class="not-phone">/</kbd>}
			</div>
			{open && text.trim() === "" && (
				<div class="search-help" role="group" aria-label={t("search.help")}>
					{OPERATORS.map(([operator, meaning]) => (
						<button type="button" key={operator} onMouseDown={(event) => event.preventDefault()} onClick={() => add(operator)}>
							<code>{operator}</code>
							<span>{t(meaning)}</span>
						</button>
					))}
				</div>
			)}
		</search>
	);
}
