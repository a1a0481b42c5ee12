// Sizes of files: 412 KB, 3.1 MB.

import { language } from "../text/text.ts";

const units = ["", "KB", "MB", "GB", "TB"];

export function fileSize(bytes: number): string {
	let unit = 0;
	while (bytes >= 1000 && unit < units.length - 1) {
		bytes /= 1000;
		unit++;
	}
	const { locale } = language.value;
	if (unit === 0)
		return new Intl.NumberFormat(locale, { style: "unit", unit: "byte", unitDisplay: "long" }).format(bytes);
	const digits = bytes < 10 && unit > 1 ? 1 : 0;
	return `${bytes.toLocaleString(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits })} ${units[unit]}`;
}
