// A zip archive of files as they are, without compression (APPNOTE 6.3): what is attached is compressed already, mostly.

const MOST_FILES = 65_535, MOST_OCTETS = 0xffff_ffff; // more would need another form of archive

const table = Uint32Array.from({ length: 256 }, (_, n) => {
	let c = n;
	for (let k = 0; k < 8; k++)
		c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
	return c >>> 0;
});

export function crc32(bytes: Uint8Array): number {
	let c = 0xffffffff;
	for (let i = 0; i < bytes.length; i++)
		c = table[(c ^ bytes[i]!) & 0xff]! ^ (c >>> 8);
	return (c ^ 0xffffffff) >>> 0;
}

// A name that leads nowhere but into the folder where the archive is opened.
export function safeName(name: string): string {
	const flat = name.normalize("NFC").replace(/[\u0000-\u001f\u007f\u202a-\u202e\u2066-\u2069/\\:*?"<>|]+/g, "_").replace(/^[.\s]+|[.\s]+$/g, "");
	const ending = /\.[^.]{1,10}$/.exec(flat)?.[0] ?? "";
	return (flat.slice(0, flat.length - ending.length).slice(0, 120) + ending) || "file";
}

export class ZipFull extends Error {}

export class Zip {
	private readonly parts: BlobPart[] = [];
	private readonly directory: Uint8Array[] = [];
	private readonly names = new Set<string>();
	private size = 0;

	get files(): number {
		return this.directory.length;
	}

	// Two files of one name: the second gets a number.
	private unique(name: string): string {
		const ending = /\.[^.]{1,10}$/.exec(name)?.[0] ?? "";
		const stem = name.slice(0, name.length - ending.length);
		let found = name;
		for (let n = 2; this.names.has(found.toLowerCase()); n++)
			found = `${stem} (${n})${ending}`;
		this.names.add(found.toLowerCase());
		return found;
	}

	add(name: string, bytes: Uint8Array<ArrayBuffer>, date: Date): void {
		const encoded = new TextEncoder().encode(this.unique(safeName(name)));
		const head = 30 + encoded.length;
		const directory = this.directory.reduce((n, d) => n + d.length, 0) + 46 + encoded.length + 22;
		if (this.files >= MOST_FILES || this.size + head + bytes.length + directory > MOST_OCTETS)
			throw new ZipFull();
		const year = Math.min(Math.max(date.getFullYear(), 1980), 2107);
		const day = ((year - 1980) << 9) | ((date.getMonth() + 1) << 5) | date.getDate();
		const time = (date.getHours() << 11) | (date.getMinutes() << 5) | (date.getSeconds() >> 1);
		// What both headers have: version 2.0, names in UTF-8 (bit 11), stored.
		const common = (view: DataView, at: number) => {
			view.setUint16(at, 20, true);
			view.setUint16(at + 2, 0x800, true);
			view.setUint16(at + 4, 0, true);
			view.setUint16(at + 6, time, true);
			view.setUint16(at + 8, day, true);
			view.setUint32(at + 10, crc32(bytes), true);
			view.setUint32(at + 14, bytes.length, true);
			view.setUint32(at + 18, bytes.length, true);
			view.setUint16(at + 22, encoded.length, true);
		};
		const local = new Uint8Array(head);
		const localView = new DataView(local.buffer);
		localView.setUint32(0, 0x04034b50, true);
		common(localView, 4);
		local.set(encoded, 30);
		const entry = new Uint8Array(46 + encoded.length);
		const entryView = new DataView(entry.buffer);
		entryView.setUint32(0, 0x02014b50, true);
		entryView.setUint16(4, 20, true);
		common(entryView, 6);
		entryView.setUint32(42, this.size, true);
		entry.set(encoded, 46);
		this.directory.push(entry);
		this.parts.push(local, bytes);
		this.size += head + bytes.length;
	}

	finish(): Blob {
		const length = this.directory.reduce((n, d) => n + d.length, 0);
		const end = new DataView(new ArrayBuffer(22));
		end.setUint32(0, 0x06054b50, true);
		end.setUint16(8, this.files, true);
		end.setUint16(10, this.files, true);
		end.setUint32(12, length, true);
		end.setUint32(16, this.size, true);
		return new Blob([...this.parts, ...this.directory as BlobPart[], end.buffer], { type: "application/zip" });
	}
}
