// Plain text with its links made links: text nodes and elements, nothing is parsed.

import { linkify } from "../lib/linkify.ts";
import { parseAddresses } from "../lib/address.ts";
import { compose } from "../state/compose.ts";
import { hintFor } from "./linkhint.tsx";

export function PlainText({ text }: { text: string }) {
	return (
		<div class="plain-text">
			{linkify(text).map((piece, i) => (piece.href
				? <a key={i} href={piece.href} target="_blank" rel="noopener noreferrer nofollow" {...hintFor(piece.href)}
					onClick={(event) => mailto(event, piece.href!)}>{piece.text}</a>
				: piece.text))}
		</div>
	);
}

// A link to an address opens the composer.
export function mailto(event: Event, href: string): void {
	if (!/^mailto:/i.test(href))
		return;
	event.preventDefault();
	const url = new URL(href);
	let to = url.pathname;
	try {
		to = decodeURIComponent(to);
	} catch {
		// As it stands.
	}
	void compose(parseAddresses(to).found, url.searchParams.get("subject") ?? "");
}
