// The text of a message: formatted (Squire, in the page itself) or plain (a text area).

import Squire from "squire-rte";
import { useEffect, useRef } from "preact/hooks";
import { editable } from "../lib/sanitise.ts";
import { toText } from "../lib/totext.ts";
import type { Draft, EditorHandle } from "../state/draft.ts";
import { send } from "../state/compose.ts";
import { t } from "../text/text.ts";

export interface RichHandle extends EditorHandle {
	squire: Squire;
}

export function Editor({ draft }: { draft: Draft }) {
	return draft.plain.value ? <PlainEditor draft={draft} /> : <RichEditor draft={draft} />;
}

function PlainEditor({ draft }: { draft: Draft }) {
	const area = useRef<HTMLTextAreaElement>(null);
	useEffect(() => {
		const element = area.current!;
		element.value = draft.text;
		element.setSelectionRange(0, 0);
		const handle: EditorHandle = {
			read: () => ({ html: "", text: element.value }),
			focus: () => element.focus(),
			insertImage: () => undefined,
		};
		draft.editor = handle;
		return () => {
			if (draft.editor === handle) {
				draft.takeFromEditor();
				draft.editor = null;
			}
		};
	}, []);
	return <textarea ref={area} class="editor" lang="" aria-label={t("compose.body")} onInput={() => draft.touch()}
		onKeyDown={(event) => !event.ctrlKey && !event.metaKey && event.key !== "Escape" && event.stopPropagation()} />;
}

function RichEditor({ draft }: { draft: Draft }) {
	const root = useRef<HTMLDivElement>(null);
	useEffect(() => {
		const element = root.current!;
		// In the text an image is a cid: URL, in the editor it is where it can be seen.
		const urls = () => new Map(draft.attachments.peek().filter((a) => a.cid && a.url).map((a) => [`cid:${a.cid}`, a.url!]));
		const shown = (src: string) => urls().get(src) ?? ([...urls().values()].includes(src) ? src : null);
		const squire = new Squire(element, {
			blockTag: "DIV",
			sanitizeToDOMFragment: (html) => editable(html, shown),
			addLinks: true,
		});
		squire.setHTML(draft.html);
		squire.moveCursorToStart();
		// Setting the text, and what the editor does to it when it gets the keyboard, is no change by the reader: an answer
		// that was only looked at is no draft.
		let ready = false;
		const begin = () => (ready = true);
		for (const event of ["beforeinput", "keydown", "paste", "cut", "drop"])
			element.addEventListener(event, begin, { capture: true });
		const input = () => ready && draft.touch();
		squire.addEventListener("input", input);
		squire.addEventListener("pasteImage", (event: Event) => {
			const items = (event as CustomEvent).detail?.clipboardData?.items ?? [];
			for (const item of items) {
				const file = item.kind === "file" && /^image\/(png|jpeg|gif|webp)$/.test(item.type) ? item.getAsFile() : null;
				if (file)
					void draft.attach(file, true);
			}
		});
		squire.setKeyHandler("Ctrl-Enter", (_, event) => {
			event.preventDefault();
			event.stopPropagation();
			void send(draft);
		});
		const handle: RichHandle = {
			squire,
			read: () => read(element, urls()),
			focus: () => squire.focus(),
			insertImage: (url, name) => {
				squire.insertImage(url, { alt: name });
				draft.touch();
			},
		};
		draft.editor = handle;
		return () => {
			if (draft.editor === handle) {
				draft.takeFromEditor();
				draft.editor = null;
			}
			squire.destroy();
		};
	}, []);
	return <div ref={root} class="editor" lang="" role="textbox" aria-multiline="true" aria-label={t("compose.body")} tabIndex={0} />;
}

// The content as it is sent: images by their cid, and the same as plain text.
function read(element: HTMLElement, urls: Map<string, string>): { html: string; text: string } {
	// In a document of its own, where a cid: URL is only text.
	const copy = document.implementation.createHTMLDocument("").importNode(element, true);
	const cids = new Map([...urls].map(([cid, url]) => [url, cid]));
	for (const image of copy.querySelectorAll("img")) {
		const cid = cids.get(image.getAttribute("src") ?? "");
		if (cid)
			image.setAttribute("src", cid);
		else
			image.remove();
	}
	return { html: copy.innerHTML, text: toText(copy) };
}
