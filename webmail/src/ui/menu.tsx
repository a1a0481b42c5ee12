// Menus, and the list of folders or labels to choose from: opened by a button, left by Esc, a choice or a click outside.

import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { t } from "../text/text.ts";

export interface Entry {
	label: string;
	icon?: ComponentChildren;
	checked?: boolean;
	danger?: boolean;
	run(): void;
}

interface Open {
	x: number;
	y: number;
	above: boolean;
	label: string;
	entries(filter: string): Entry[];
	filter: boolean;
	opener: HTMLElement | null;
}

const opened = signal<Open | null>(null);

export const menuOpen = () => opened.peek() !== null;

// openMenu(): below the element, or above if there is no room. With a filter one can type to narrow the entries.
export function openMenu(near: Element | null, label: string, entries: Entry[] | ((filter: string) => Entry[]), filter = false): void {
	const box = near?.getBoundingClientRect();
	const above = box !== undefined && box.bottom > innerHeight * 0.6;
	opened.value = {
		x: box ? Math.max(8, Math.min(document.dir === "rtl" ? box.right - 240 : box.left, innerWidth - 248)) : innerWidth / 2 - 120,
		y: box ? (above ? innerHeight - box.top + 4 : box.bottom + 4) : innerHeight / 4,
		above,
		label,
		entries: typeof entries === "function" ? entries : (text) => entries.filter((e) => e.label.toLowerCase().includes(text.toLowerCase())),
		filter,
		opener: document.activeElement instanceof HTMLElement ? document.activeElement : null,
	};
}

function shut(): void {
	const opener = opened.peek()?.opener;
	opened.value = null;
	opener?.focus();
}

export function MenuHost() {
	const menu = opened.value;
	return menu && <Menu key={`${menu.x} ${menu.y} ${menu.label}`} menu={menu} />;
}

function Menu({ menu }: { menu: Open }) {
	const root = useRef<HTMLDivElement>(null);
	const [text, setText] = useState("");
	const entries = menu.entries(text);

	// At once: who goes on typing means this.
	useLayoutEffect(() => root.current!.querySelector<HTMLElement>(menu.filter ? "input" : "[role^=menuitem]")?.focus(), []);
	useEffect(() => {
		const outside = (event: Event) => {
			if (!root.current?.contains(event.target as Node))
				opened.value = null;
		};
		document.addEventListener("pointerdown", outside);
		window.addEventListener("resize", shut);
		return () => {
			document.removeEventListener("pointerdown", outside);
			window.removeEventListener("resize", shut);
		};
	}, []);

	const step = (by: number) => {
		const items = [...root.current!.querySelectorAll<HTMLElement>("[role^=menuitem]")];
		const at = items.indexOf(document.activeElement as HTMLElement);
		items[(at + by + items.length) % items.length]?.focus();
	};
	const key = (event: KeyboardEvent) => {
		event.stopPropagation();
		if (event.key === "Escape" || event.key === "Tab")
			shut();
		else if (event.key === "ArrowDown")
			step(1);
		else if (event.key === "ArrowUp")
			step(-1);
		else if (event.key === "Enter" && (event.target as Element).tagName === "INPUT" && entries[0])
			choose(entries[0]);
		else
			return;
		event.preventDefault();
	};
	const choose = (entry: Entry) => {
		shut();
		entry.run();
	};

	return (
		<div class="menu" ref={root} onKeyDown={key}
			style={{ left: `${menu.x}px`, ...(menu.above ? { bottom: `${menu.y}px` } : { top: `${menu.y}px` }) }}>
			{menu.filter && (
				<input class="menu-filter" type="text" aria-label={menu.label} placeholder={menu.label} value={text}
					onInput={(event) => setText(event.currentTarget.value)} />
			)}
			<div role="menu" aria-label={menu.label}>
				{entries.map((entry) => (
					<button type="button" key={entry.label} tabIndex={-1} class={entry.danger ? "menu-entry danger" : "menu-entry"}
						role={entry.checked === undefined ? "menuitem" : "menuitemcheckbox"} aria-checked={entry.checked}
						onClick={() => choose(entry)}>
						{entry.icon}
						<span dir="auto">{entry.label}</span>
						{entry.checked && <span class="menu-check" aria-hidden="true">✓</span>}
					</button>
				))}
				{entries.length === 0 && <p class="menu-none">{t("palette.none")}</p>}
			</div>
		</div>
	);
}
