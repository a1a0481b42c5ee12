// Addresses: what to call somebody, and reading what was typed or pasted into a field of recipients.

import type { Address } from "../jmap/types.ts";

// The name, else the address.
export function nameOf(address: Address | null | undefined): string {
	return address?.name?.trim() || address?.email || "";
}

// Maja Olsen -> Maja; maja@example.org -> maja
export function shortName(address: Address): string {
	const name = nameOf(address);
	if (name.includes("@"))
		return name.slice(0, name.indexOf("@"));
	const family = /^([^,]+),\s*(\S+)/.exec(name); // Olsen, Maja
	return family?.[2] ?? name.split(/\s+/)[0] ?? name;
}

// Maja Olsen <maja@example.org>, with quotes where RFC 5322, 3.2.3 wants them.
export function written(address: Address): string {
	if (!address.name)
		return address.email;
	const plain = /^[\p{L}\p{N}\s!#$%&'*+\-/=?^_`{|}~]+$/u.test(address.name);
	const name = plain ? address.name : `"${address.name.replace(/(["\\])/g, "\\$1")}"`;
	return `${name} <${address.email}>`;
}

export function initials(address: Address | null | undefined): string {
	const words = nameOf(address).replace(/@.*/, "").replace(/["'()<>]/g, "").split(/[\s._-]+/).filter(Boolean);
	const first = [...(words[0] ?? "?")][0] ?? "?";
	const last = words.length > 1 ? [...words[words.length - 1]!][0] ?? "" : [...(words[0] ?? "")][1] ?? "";
	return (first + last).toUpperCase();
}

// One of so many tints, the same for an address everywhere.
export function tint(email: string, tints: number): number {
	let hash = 0;
	for (const c of email.toLowerCase())
		hash = (hash * 31 + c.codePointAt(0)!) >>> 0;
	return hash % tints;
}

export function sameAddress(a: string, b: string): boolean {
	return a.toLowerCase() === b.toLowerCase();
}

// An address that could be sent to: something, @, a domain. The server has the last word.
export function looksRight(email: string): boolean {
	return /^[^\s@<>(),;:"[\]\\]+@[^\s@<>(),;:"[\]\\]+$/u.test(email) && !email.includes("..");
}

// Reads a list as people type it: a@b, "Olsen, Maja" <m@b>; c@d. `rest` is what is no address.
export function parseAddresses(text: string): { found: Address[]; rest: string[] } {
	const found: Address[] = [];
	const rest: string[] = [];
	for (const part of split(text)) {
		const angle = /^(.*?)<([^<>]*)>$/s.exec(part);
		const email = (angle ? angle[2]! : part).trim();
		if (!looksRight(email)) {
			rest.push(part);
			continue;
		}
		const name = angle?.[1]?.trim().replace(/^"(.*)"$/s, "$1").replace(/\\(.)/g, "$1") || null;
		found.push({ name, email });
	}
	return { found, rest };
}

// Cuts at commas, semicolons and line ends, but not inside quotes or angle brackets.
function split(text: string): string[] {
	const parts: string[] = [];
	let part = "", quoted = false, angle = false;
	for (let i = 0; i < text.length; i++) {
		const c = text[i]!;
		if (c === "\\" && quoted) {
			part += c + (text[++i] ?? "");
			continue;
		}
		if (c === '"')
			quoted = !quoted;
		else if (c === "<" || c === ">")
			angle = c === "<";
		if (!quoted && !angle && (c === "," || c === ";" || c === "\n")) {
			parts.push(part);
			part = "";
		} else {
			part += c;
		}
	}
	parts.push(part);
	return parts.map((p) => p.trim()).filter(Boolean);
}
