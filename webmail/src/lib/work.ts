// The proof of work that signing up asks for: a number with which SHA-256 of "challenge:number" begins with `bits` zeroes.

const BATCH = 256;

function zeroes(digest: Uint8Array): number {
	let n = 0;
	for (const octet of digest) {
		if (octet !== 0)
			return n + Math.clz32(octet) - 24;
		n += 8;
	}
	return n;
}

// The digests are made by the browser's own code, off this thread; many at once keep it busy.
export async function solve(challenge: string, bits: number): Promise<string> {
	const encoder = new TextEncoder();
	for (let from = 0; ; from += BATCH) {
		const digests = await Promise.all(Array.from({ length: BATCH }, (_, i) =>
			crypto.subtle.digest("SHA-256", encoder.encode(`${challenge}:${from + i}`))));
		const found = digests.findIndex((digest) => zeroes(new Uint8Array(digest)) >= bits);
		if (found >= 0)
			return String(from + found);
	}
}
