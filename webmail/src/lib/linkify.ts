// Finds links in plain text. Pure: returns pieces, the caller makes elements of them.

export interface Piece {
	text: string;
	href?: string;
}

const link = /\b(?:https?:\/\/|www\.)[^\s<>"“”]+|\b[\p{L}\p{N}._%+-]+@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+/giu;

export function linkify(text: string): Piece[] {
	const pieces: Piece[] = [];
	let end = 0;
	for (const match of text.matchAll(link)) {
		const found = trim(match[0]);
		const href = hrefOf(found);
		if (!href)
			continue;
		if (match.index > end)
			pieces.push({ text: text.slice(end, match.index) });
		pieces.push({ text: found, href });
		end = match.index + found.length;
	}
	if (end < text.length)
		pieces.push({ text: text.slice(end) });
	return pieces;
}

// A sentence's last punctuation is not part of the link, nor a bracket that was opened before it.
function trim(found: string): string {
	for (;;) {
		const last = found[found.length - 1]!;
		const opens = { ")": "(", "]": "[", "}": "{" }[last];
		const surplus = opens !== undefined && found.split(last).length > found.split(opens).length;
		if (!surplus && !/[.,;:!?'"*_]/.test(last))
			return found;
		found = found.slice(0, -1);
	}
}

function hrefOf(found: string): string | null {
	if (/^www\./i.test(found))
		return `https://${found}`;
	if (/^https?:/i.test(found))
		return URL.canParse(found) ? found : null;
	return `mailto:${found}`;
}
