// Languages that nobody speaks, made of the English texts: what does not fit, and what is not in the catalogue, shows.

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const accented = [..."áƀçđéƒĝĥíĵķļɱñóþǫŕšţúṽŵẋýžÁƁÇĐÉƑĜĤÍĴĶĻṀÑÓÞǪŔŠŢÚṼŴẊÝŽ"];

// Not in what is put in later: {name}
const words = (text: string, change: (part: string) => string) =>
	text.split(/(\{\w+\})/).map((part, i) => (i % 2 ? part : change(part))).join("");

// ⟦Šéñđ óñé⟧: about 40 % longer, as a translation may be.
export function long(text: string): string {
	const more = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen".split(" ");
	let rest = Math.ceil(text.replace(/\{\w+\}/g, "").length * 0.4) - 2, tail = "";
	for (let i = 0; rest > 0; i++) {
		const word = ` ${more[i % more.length]}`.slice(0, Math.max(rest, 2));
		tail += word;
		rest -= word.length;
	}
	return `⟦${words(text + tail, (part) => part.replace(/[a-z]/gi, (c) => accented[letters.indexOf(c)]!))}⟧`;
}

// The letters of each word from right to left, as those of Arabic run.
export const backwards = (text: string) => `\u200f${words(text, (part) => part.replace(/\p{L}+/gu, "\u202e$&\u202c"))}\u200f`;
