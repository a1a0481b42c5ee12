// A field of recipients: addresses as chips, completed from past mail.

import type { Signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useRef, useState } from "preact/hooks";
import type { Address } from "../jmap/types.ts";
import { nameOf, parseAddresses, sameAddress, written } from "../lib/address.ts";
import { loadPeople, suggest } from "../state/people.ts";
import { t } from "../text/text.ts";
import { Icon } from "./icons.tsx";
import { Avatar } from "./parts.tsx";

let last = 0;

export function Recipients({ label, people, changed, children }: {
	label: string; people: Signal<Address[]>; changed(): void; children?: ComponentChildren;
}) {
	const [text, setText] = useState("");
	const [found, setFound] = useState<Address[]>([]);
	const [at, setAt] = useState(0);
	const [problem, setProblem] = useState("");
	const field = useRef<HTMLInputElement>(null);
	const [id] = useState(() => `recipients-${++last}`);

	const add = (list: Address[]) => {
		const fresh = list.filter((a) => !people.peek().some((p) => sameAddress(p.email, a.email)));
		people.value = [...people.peek(), ...fresh];
		setText("");
		setFound([]);
		setProblem("");
		changed();
	};
	const remove = (address: Address) => {
		people.value = people.peek().filter((p) => p !== address);
		changed();
		field.current!.focus();
	};
	// Takes what was typed, if it is addresses.
	const commit = (value: string): boolean => {
		const { found: addresses, rest } = parseAddresses(value);
		if (addresses.length > 0)
			add(addresses);
		setText(rest.join(", "));
		setProblem(rest.length > 0 ? t("compose.recipient.bad", { text: rest[0]! }) : "");
		return rest.length === 0;
	};
	const typed = (value: string) => {
		setProblem("");
		if (/[,;\n]\s*$/.test(value) && parseAddresses(value).rest.length === 0) {
			commit(value);
			return;
		}
		setText(value);
		setAt(0);
		if (value.trim() === "")
			setFound([]);
		else
			void suggest(value.trim(), (list) => setFound(field.current?.value.trim() === value.trim()
				? list.filter((a) => !people.peek().some((p) => sameAddress(p.email, a.email))) : []));
	};
	const key = (event: KeyboardEvent) => {
		if (event.ctrlKey || event.metaKey)
			return;
		const open = found.length > 0;
		if (event.key === "ArrowDown" && open)
			setAt((at + 1) % found.length);
		else if (event.key === "ArrowUp" && open)
			setAt((at + found.length - 1) % found.length);
		else if ((event.key === "Enter" || event.key === "Tab") && open && found[at])
			add([found[at]!]);
		else if (event.key === "Enter" && text.trim() !== "")
			commit(text);
		else if (event.key === "Escape" && open)
			setFound([]);
		else if (event.key === "Backspace" && text === "" && people.peek().length > 0)
			remove(people.peek().at(-1)!);
		else
			return;
		event.preventDefault();
		event.stopPropagation();
	};

	return (
		<div class="composer-field recipients" onClick={(event) => event.target === event.currentTarget && field.current!.focus()}>
			<label for={id}>{label}</label>
			<div class="recipient-list">
				{people.value.map((address) => (
					<span class="chip" key={address.email} title={written(address)}>
						<bdi>{nameOf(address)}</bdi>
						<button type="button" aria-label={t("compose.recipient.remove", { name: nameOf(address) })} onClick={() => remove(address)}>
							<Icon name="close" />
						</button>
					</span>
				))}
				<input ref={field} id={id} type="text" inputMode="email" autocomplete="off" autocapitalize="none" spellcheck={false} value={text}
					role="combobox" aria-autocomplete="list" aria-expanded={found.length > 0} aria-controls={`${id}-list`}
					aria-activedescendant={found.length > 0 ? `${id}-${at}` : undefined} aria-invalid={problem !== ""} aria-describedby={`${id}-problem`}
					onFocus={() => void loadPeople()} onInput={(event) => typed(event.currentTarget.value)} onKeyDown={key}
					onPaste={(event) => {
						const pasted = event.clipboardData?.getData("text/plain") ?? "";
						if (parseAddresses(pasted).found.length > 0) {
							event.preventDefault();
							commit(text + pasted);
						}
					}}
					onBlur={() => {
						setFound([]);
						if (text.trim() !== "")
							commit(text);
					}} />
			</div>
			{children}
			<ul id={`${id}-list`} class="suggestions" role="listbox" aria-label={t("compose.suggestions")} hidden={found.length === 0}>
				{found.map((address, i) => (
					<li key={address.email} id={`${id}-${i}`} role="option" aria-selected={i === at} onMouseDown={(event) => {
						event.preventDefault();
						add([address]);
					}}>
						<Avatar address={address} />
						<span>
							<span class="suggestion-name" dir="auto">{nameOf(address)}</span>
							{address.name && <span class="suggestion-address" dir="auto">{address.email}</span>}
						</span>
					</li>
				))}
			</ul>
			<p id={`${id}-problem`} class="problem" role="alert">{problem}</p>
		</div>
	);
}
