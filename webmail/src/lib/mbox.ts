// Splits mbox files into messages, and finds out of a message what an import needs to know.
//
// A message begins at a "From " line that has a date, at the start of the file or behind an empty line. A ">From " line,
// with any number of ">", loses one (mboxrd). The empty line before the next "From " line belongs to the file. What comes
// out has CRLF line ends, as mail has them. (The server's own reader, for posternctl import, goes by the same rules.)

const LF = 10, CR = 13, GT = 62;
const LINE = 4096; // a longer line is no "From " line
const PIECE = 65_536; // a line that is longer goes on in pieces
const FROM = [70, 114, 111, 109, 32]; // "From "

const FROM_LINE = new RegExp(
	"^From .*?\\b(?:Sun|Mon|Tue|Wed|Thu|Fri|Sat),? +(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) +(\\d{1,2}) +" +
	"(\\d{1,2}):(\\d\\d)(?::(\\d\\d))?(?: +([A-Z]{1,5}|[+-]\\d{4}))? +(\\d{4})(?: +([A-Z]{1,5}|[+-]\\d{4}))?(?: +remote from .*)?\\s*$");

// The time that a "From " line tells; null: it is none.
export function fromLineDate(line: string): Date | null {
	const found = FROM_LINE.exec(line);
	if (!found)
		return null;
	const [, month, day, hour, minute, second, before, year, after] = found;
	const zone = before ?? after ?? "";
	const date = new Date(`${month} ${day} ${year} ${hour}:${minute}:${second ?? "00"} ${/^[+-]\d{4}$/.test(zone) ? zone : "+0000"}`);
	return Number.isNaN(date.getTime()) ? null : date;
}

const isFrom = (bytes: Uint8Array, at: number) => FROM.every((c, i) => bytes[at + i] === c);

const latin1 = (bytes: Uint8Array) => {
	let text = "";
	for (let at = 0; at < bytes.length; at += 8192)
		text += String.fromCharCode(...bytes.subarray(at, at + 8192));
	return text;
};

export interface Split {
	received: Date | null; // of the "From " line
	size: number;
	bytes: Uint8Array | null; // null: larger than what is taken
}

// Takes a file in pieces of any size: push() and end() give the messages that are complete by then.
export class MboxSplitter {
	// What comes before the first "From " line: then it is no mbox.
	isMbox: boolean | null = null;
	private carry = new Uint8Array(0); // the line at hand, so far
	private inLine = false; // in the middle of one that is long
	private afterEmpty = true; // also at the start of the file
	private emptyHeld = false;
	private received: Date | null = null;
	private buffer = new Uint8Array(65_536);
	private size = 0;
	private open = false;

	// `most`: octets of a message that are kept.
	constructor(private readonly most: number) {}

	push(piece: Uint8Array): Split[] {
		const made: Split[] = [];
		let bytes = piece;
		if (this.carry.length > 0) {
			bytes = new Uint8Array(this.carry.length + piece.length);
			bytes.set(this.carry);
			bytes.set(piece, this.carry.length);
		}
		let at = 0;
		for (;;) {
			const end = bytes.indexOf(LF, at);
			if (end < 0)
				break;
			const length = end > at && bytes[end - 1] === CR ? end - 1 : end;
			this.line(bytes.subarray(at, length), true, made);
			at = end + 1;
		}
		// A long line is handed on, but for a CR that may be its end.
		const left = bytes.length - at;
		if (left > PIECE) {
			const keep = bytes[bytes.length - 1] === CR ? 1 : 0;
			this.line(bytes.subarray(at, bytes.length - keep), false, made);
			at = bytes.length - keep;
		}
		this.carry = bytes.slice(at);
		return made;
	}

	end(): Split[] {
		const made: Split[] = [];
		if (this.carry.length > 0 || this.inLine)
			this.line(this.carry, true, made);
		this.carry = new Uint8Array(0);
		this.close(made);
		return made;
	}

	private line(line: Uint8Array, whole: boolean, made: Split[]): void {
		const begins = !this.inLine;
		if (begins && whole && this.afterEmpty && isFrom(line, 0) && line.length <= LINE) {
			const date = fromLineDate(latin1(line));
			if (date) {
				this.isMbox ??= true;
				this.emptyHeld = false;
				this.close(made);
				this.open = true;
				this.received = date;
				this.afterEmpty = false;
				return;
			}
		}
		this.isMbox ??= false;
		this.open = true;
		if (this.emptyHeld) {
			this.add(new Uint8Array([CR, LF]));
			this.emptyHeld = false;
		}
		if (begins && whole && line.length === 0) {
			this.emptyHeld = this.afterEmpty = true;
			return;
		}
		this.afterEmpty = false;
		let from = 0;
		if (begins && line[0] === GT) {
			let gt = 0;
			while (line[gt] === GT)
				gt++;
			from = isFrom(line, gt) ? 1 : 0;
		}
		this.add(from ? line.subarray(from) : line);
		if (whole)
			this.add(new Uint8Array([CR, LF]));
		this.inLine = !whole;
	}

	private add(bytes: Uint8Array): void {
		const end = this.size + bytes.length;
		if (end <= this.most) {
			if (end > this.buffer.length) {
				const larger = new Uint8Array(Math.min(Math.max(end, this.buffer.length * 2), this.most));
				larger.set(this.buffer.subarray(0, this.size));
				this.buffer = larger;
			}
			this.buffer.set(bytes, this.size);
		}
		this.size = end;
	}

	private close(made: Split[]): void {
		if (this.open && this.size > 0)
			made.push({ received: this.received, size: this.size, bytes: this.size <= this.most ? this.buffer.slice(0, this.size) : null });
		this.open = false;
		this.size = 0;
		this.emptyHeld = false;
		this.received = null;
	}
}

export interface Fields {
	lines: { name: string; value: string; from: number; to: number }[]; // where they stand, folds included
	end: number; // of the header, with its empty line
}

// The header of a message with CRLF line ends.
export function fieldsOf(bytes: Uint8Array): Fields {
	const limit = Math.min(bytes.length, 1_000_000);
	const lines: Fields["lines"] = [];
	let at = 0;
	while (at < limit) {
		const lf = bytes.indexOf(LF, at);
		const end = lf < 0 || lf >= limit ? limit : lf + 1;
		if (end - at <= 2 && (bytes[at] === CR || bytes[at] === LF))
			return { lines, end };
		const text = latin1(bytes.subarray(at, end)).replace(/\r?\n$/, "");
		const last = lines[lines.length - 1];
		if (/^[ \t]/.test(text) && last) {
			last.value += text;
			last.to = end;
		} else {
			const colon = text.indexOf(":");
			lines.push({ name: colon > 0 ? text.slice(0, colon).trim().toLowerCase() : "", value: text.slice(colon + 1), from: at, to: end });
		}
		at = end;
	}
	return { lines, end: at };
}

export interface About {
	received: Date | null;
	messageId: string | null;
	subject: string;
	keywords: string[] | null; // what the file says of flags; null: nothing
	internal: boolean; // a program's own message, that is none
	bytes: Uint8Array; // without what the file says of flags
}

const OWN = new Set(["status", "x-status", "x-keywords", "x-uid", "x-imapbase", "x-imap", "content-length"]);

const dateOf = (text: string | undefined) => {
	const date = text === undefined ? NaN : Date.parse(text.replace(/\([^()]*\)/g, "").trim());
	return Number.isNaN(date) ? null : new Date(date);
};

// `split`: out of an mbox file, where Status and the like are the file's, not the message's.
export function aboutMessage(bytes: Uint8Array, split: Split | null): About {
	const { lines } = fieldsOf(bytes);
	const value = (name: string) => lines.find((l) => l.name === name)?.value.trim();
	const about: About = {
		// The topmost Received is the last server's.
		received: split?.received ?? dateOf(value("received")?.split(";").pop()) ?? dateOf(value("date")),
		messageId: /<([^<>\s]+)>/.exec(value("message-id") ?? "")?.[1] ?? null,
		subject: (value("subject") ?? "").slice(0, 200),
		keywords: null,
		internal: false,
		bytes,
	};
	if (!split)
		return about;
	const own = lines.filter((l) => OWN.has(l.name));
	about.internal = value("x-imap") !== undefined && /FOLDER INTERNAL DATA/.test(value("subject") ?? "");
	const status = value("status"), more = value("x-status") ?? "";
	if (status !== undefined || more !== "")
		about.keywords = [
			...(status?.includes("R") ? ["$seen"] : []), ...(more.includes("A") ? ["$answered"] : []),
			...(more.includes("F") ? ["$flagged"] : []), ...(more.includes("T") ? ["$draft"] : []),
			...(value("x-keywords") ?? "").split(/\s+/).filter((w) => /^[!#-$&-'+-[^-z|}~]{1,100}$/.test(w)).map((w) => w.toLowerCase()),
		];
	if (own.length > 0) {
		const parts: Uint8Array[] = [];
		let at = 0;
		for (const { from, to } of own) {
			parts.push(bytes.subarray(at, from));
			at = to;
		}
		parts.push(bytes.subarray(at));
		about.bytes = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
		let to = 0;
		for (const part of parts) {
			about.bytes.set(part, to);
			to += part.length;
		}
	}
	return about;
}
