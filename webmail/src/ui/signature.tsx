// A signature with formatting, in the settings.

import Squire from "squire-rte";
import { useEffect, useRef } from "preact/hooks";
import { editable, editableHtml } from "../lib/sanitise.ts";
import { toText } from "../lib/totext.ts";
import { askText } from "../state/notices.ts";
import { t } from "../text/text.ts";
import { IconButton } from "./parts.tsx";

export interface Signature {
	html: string;
	text: string;
}

export function SignatureEditor({ html, changed }: { html: string; changed(now: Signature): void }) {
	const root = useRef<HTMLDivElement>(null);
	const squire = useRef<Squire | null>(null);
	useEffect(() => {
		const element = root.current!;
		const made = new Squire(element, { blockTag: "DIV", sanitizeToDOMFragment: (text) => editable(text, () => null), addLinks: true });
		made.setHTML(editableHtml(html, () => null));
		made.addEventListener("input", () => changed({ html: element.innerHTML, text: toText(element) }));
		squire.current = made;
		return () => made.destroy();
	}, []);
	const rich = (run: (s: Squire) => unknown) => () => {
		const made = squire.current!;
		run(made);
		made.focus();
		changed({ html: root.current!.innerHTML, text: toText(root.current!) });
	};
	const link = () => void askText(t("compose.link.ask"), t("compose.link"), t("compose.link.ask"), "https://").then((url) => {
		if (url && /^(https?:|mailto:)/i.test(url))
			rich((s) => s.makeLink(url))();
	});
	return (
		<div class="signature-editor">
			<div class="toolbar" role="toolbar" aria-label={t("settings.identity.signature")}>
				<IconButton icon="bold" label={t("compose.bold")} onClick={rich((s) => (s.hasFormat("B") ? s.removeBold() : s.bold()))} />
				<IconButton icon="italic" label={t("compose.italic")} onClick={rich((s) => (s.hasFormat("I") ? s.removeItalic() : s.italic()))} />
				<IconButton icon="link" label={t("compose.link")} onClick={link} />
				<IconButton icon="removeFormatting" label={t("compose.clear")} onClick={rich((s) => s.removeAllFormatting())} />
			</div>
			<div ref={root} class="signature-text" role="textbox" aria-multiline="true" aria-label={t("settings.identity.signature")} tabIndex={0} dir="auto" />
		</div>
	);
}
