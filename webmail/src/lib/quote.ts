// Plain text messages: their quoted end, the reply to them, and subjects.

// Cuts a text into what was written and the quotation at its end ("On ... wrote:", then lines with ">").
export function splitQuote(text: string): { own: string; quoted: string } {
	const lines = text.replace(/\r\n/g, "\n").split("\n");
	let end = lines.length;
	while (end > 0 && lines[end - 1]!.trim() === "")
		end--;
	let start = end;
	while (start > 0 && (/^\s*>/.test(lines[start - 1]!) || lines[start - 1]!.trim() === ""))
		start--;
	while (start < end && lines[start]!.trim() === "")
		start++;
	if (end - start < 2)
		return { own: text, quoted: "" };
	// The line that introduces the quotation, perhaps over two lines.
	for (let back = 1; back <= 3 && start - back > 0; back++) {
		if (/:\s*$/.test(lines[start - back]!) && lines[start - back]!.trim() !== "") {
			start -= back;
			if (start > 1 && lines[start - 1]!.trim() !== "" && /^(On|Am|Le|El|Il|Op|Den|W dniu)\b/.test(lines[start - 1]!))
				start--;
			break;
		}
	}
	const own = lines.slice(0, start).join("\n").trimEnd();
	return own === "" ? { own: text, quoted: "" } : { own, quoted: lines.slice(start).join("\n") };
}

export function quotePlain(text: string): string {
	return text.replace(/\r\n/g, "\n").trimEnd().split("\n")
		.map((line) => (line.startsWith(">") ? `>${line}` : `> ${line}`)).join("\n");
}

const prefix = /^\s*((re|aw|sv|antw|fwd?|wg|tr)(\[\d+\])?\s*:\s*)+/i;

export function bareSubject(subject: string | null | undefined): string {
	return (subject ?? "").replace(prefix, "").trim();
}

export const replySubject = (subject: string | null | undefined) => `Re: ${bareSubject(subject)}`;
export const forwardSubject = (subject: string | null | undefined) => `Fwd: ${bareSubject(subject)}`;

// Does the text speak of an attachment? Only what was written, not what it quotes.
export function speaksOfAttachment(text: string): boolean {
	return /\b(attached|attachment|attaching|enclosed|see the file|anbei|angehängt|anhang|beigefügt|beiliegend)\b/i.test(splitQuote(text).own);
}
