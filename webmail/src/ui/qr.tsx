// A text as a QR code (ISO/IEC 18004), drawn as shapes: nothing is parsed as HTML, and no image is fetched.
//
// The library comes along with whoever shows a code: import this file from parts that are loaded later.

import { encode } from "uqr";

// QR readers want a quiet zone of four modules around the code.
const BORDER = 4;

// The dark modules, those beside each other in a row as one piece.
function pathOf(rows: boolean[][]): string {
	let path = "";
	rows.forEach((row, y) => {
		for (let x = 0; x < row.length; x++) {
			const from = x;
			while (row[x])
				x++;
			if (x > from)
				path += `M${from} ${y}h${x - from}v1h${from - x}z`;
		}
	});
	return path;
}

// Dark on light whatever the theme is: not all readers know the reverse.
export function QrCode({ text, label }: { text: string; label: string }) {
	const { data, size } = encode(text, { ecc: "M", border: BORDER });
	return (
		<svg class="qr" role="img" aria-label={label} viewBox={`0 0 ${size} ${size}`} shape-rendering="crispEdges">
			<path fill="#fff" d={`M0 0h${size}v${size}h-${size}z`} />
			<path fill="#000" d={pathOf(data)} />
		</svg>
	);
}
