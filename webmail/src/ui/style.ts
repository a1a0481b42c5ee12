// Style sheets of parts that are loaded later. They are made by script, so nothing has to be fetched, and the first load
// does not have them.

import { useLayoutEffect } from "preact/hooks";

const used = new Map<CSSStyleSheet, number>();

export function sheetOf(text: string): CSSStyleSheet {
	const sheet = new CSSStyleSheet();
	sheet.replaceSync(text);
	return sheet;
}

// While something that uses it is there.
export function useSheet(sheet: CSSStyleSheet): void {
	useLayoutEffect(() => {
		const before = used.get(sheet) ?? 0;
		used.set(sheet, before + 1);
		if (before === 0)
			document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
		return () => {
			const left = used.get(sheet)! - 1;
			used.set(sheet, left);
			if (left === 0)
				document.adoptedStyleSheets = document.adoptedStyleSheets.filter((one) => one !== sheet);
		};
	}, []);
}
