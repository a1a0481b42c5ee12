// Where the link under the pointer leads, at the bottom of the reader.

import { signal } from "@preact/signals";

export const linkHint = signal("");

export function LinkHint() {
	return linkHint.value ? <div class="link-hint" aria-hidden="true">{linkHint.value}</div> : null;
}

// For elements of plain text; frames do the same by listeners (frame.tsx).
export const hintFor = (href: string) => ({
	onMouseEnter: () => (linkHint.value = href),
	onMouseLeave: () => (linkHint.value = ""),
	onFocus: () => (linkHint.value = href),
	onBlur: () => (linkHint.value = ""),
});
