// The frame of a message may load no font; the page lends it the one that it has already.

import inter from "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2";

let bytes: Promise<ArrayBuffer> | null = null;

export async function lendFont(view: Window & typeof globalThis): Promise<void> {
	try {
		bytes ??= fetch(new URL(inter, location.origin)).then((response) => response.arrayBuffer());
		const face = new view.FontFace("Inter Variable", (await bytes).slice(0), { weight: "100 900" });
		view.document.fonts.add(face);
	} catch {
		// The system's font is as good.
	}
}
