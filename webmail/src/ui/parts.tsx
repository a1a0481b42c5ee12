// Small parts that everything is made of.

import type { ComponentChildren, JSX } from "preact";
import type { Address } from "../jmap/types.ts";
import { initials, tint } from "../lib/address.ts";
import { Icon, type IconName } from "./icons.tsx";

interface IconButtonProps {
	icon: IconName;
	label: string;
	onClick(event: MouseEvent): void;
	shortcut?: string;
	filled?: boolean;
	class?: string;
	pressed?: boolean;
	expanded?: boolean;
	disabled?: boolean;
}

// A button that shows an icon, and says what it does.
export function IconButton({ icon, label, onClick, shortcut, filled, pressed, expanded, disabled, ...rest }: IconButtonProps) {
	return (
		<button type="button" class={`icon-button ${rest.class ?? ""}`} aria-label={label} aria-keyshortcuts={shortcut}
			title={shortcut ? `${label} (${shortcut})` : label} aria-pressed={pressed} aria-expanded={expanded}
			aria-haspopup={expanded === undefined ? undefined : "menu"} disabled={disabled} onClick={onClick}>
			<Icon name={icon} filled={filled} />
		</button>
	);
}

export const TINTS = 6;

export function Avatar({ address }: { address: Address | null | undefined }) {
	return (
		<span class={`avatar tint-${tint(address?.email ?? "", TINTS)}`} data-initials={initials(address)} aria-hidden="true" />
	);
}

export function Field({ label, children, hint }: { label: string; children: ComponentChildren; hint?: string }) {
	return (
		<label class="field">
			<span class="field-label">{label}</span>
			{children}
			{hint && <span class="field-hint">{hint}</span>}
		</label>
	);
}

export function Button({ children, kind, ...rest }: { children: ComponentChildren; kind?: "primary" | "danger" | "plain" } &
	Omit<JSX.IntrinsicElements["button"], "kind">) {
	return <button type="button" {...rest} class={`button ${kind ?? ""} ${rest.class ?? ""}`}>{children}</button>;
}
