// Swiping a row on a touch screen, once it is moved by two fifths of its width: towards the end of the line, to the right in
// English, archives; towards its beginning deletes.

import type { RefObject } from "preact";
import { useRef } from "preact/hooks";
import { t } from "../text/text.ts";

export function useSwipe(element: RefObject<HTMLElement | null>, on: boolean, run: { toEnd(): void; toStart(): void }) {
	const start = useRef<{ x: number; y: number; sideways: boolean | null } | null>(null);
	if (!on)
		return {};
	const isToEnd = (by: number) => (document.dir === "rtl" ? by < 0 : by > 0);
	const shift = (by: number) => {
		element.current?.style.setProperty("--swipe", `${by}px`);
		element.current?.classList.toggle("swiping", by !== 0);
		element.current?.classList.toggle("swipe-end", isToEnd(by));
		if (element.current)
			element.current.dataset.swipe = t(isToEnd(by) ? "do.archive" : "do.delete");
	};
	return {
		onTouchStart: (event: TouchEvent) => {
			const touch = event.touches[0]!;
			start.current = { x: touch.clientX, y: touch.clientY, sideways: null };
		},
		onTouchMove: (event: TouchEvent) => {
			const touch = event.touches[0]!, from = start.current;
			if (!from)
				return;
			const x = touch.clientX - from.x, y = touch.clientY - from.y;
			if (from.sideways === null && Math.hypot(x, y) > 10)
				from.sideways = Math.abs(x) > Math.abs(y) * 1.5;
			if (from.sideways)
				shift(x);
		},
		onTouchCancel: () => {
			start.current = null;
			shift(0);
		},
		onTouchEnd: (event: TouchEvent) => {
			const from = start.current;
			start.current = null;
			if (!from?.sideways)
				return;
			const by = event.changedTouches[0]!.clientX - from.x;
			shift(0);
			const enough = (element.current?.clientWidth ?? 300) * 0.4;
			if (Math.abs(by) < enough)
				return;
			navigator.vibrate?.(10);
			if (isToEnd(by))
				run.toEnd();
			else
				run.toStart();
		},
	};
}
