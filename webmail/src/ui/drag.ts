// Rows that are being dragged, and the pill beside the pointer that says how many.

import type { Id } from "../jmap/types.ts";
import { selection } from "../state/current.ts";
import { t } from "../text/text.ts";

let rows: Id[] = [];

export const dragged = () => rows;

export function startDrag(event: DragEvent, id: Id): void {
	rows = selection.peek().has(id) ? [...selection.peek()] : [id];
	const pill = document.createElement("div");
	pill.className = "drag-pill";
	pill.textContent = t("folder.total", { n: rows.length });
	document.body.append(pill);
	event.dataTransfer!.setData("text/plain", "");
	event.dataTransfer!.effectAllowed = "move";
	event.dataTransfer!.setDragImage(pill, document.dir === "rtl" ? pill.offsetWidth + 12 : -12, -8);
	setTimeout(() => pill.remove());
}

export function endDrag(): void {
	rows = [];
}
