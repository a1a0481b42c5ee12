// Formatting and attaching.

import type Squire from "squire-rte";
import { useRef } from "preact/hooks";
import type { Draft } from "../state/draft.ts";
import { askText } from "../state/notices.ts";
import { isPhone } from "../state/settings.ts";
import { t } from "../text/text.ts";
import { fromText } from "../lib/totext.ts";
import { openMenu } from "./menu.tsx";
import { Icon } from "./icons.tsx";
import { IconButton } from "./parts.tsx";
import type { RichHandle } from "./editor.tsx";

export function Toolbar({ draft }: { draft: Draft }) {
	const files = useRef<HTMLInputElement>(null);
	const images = useRef<HTMLInputElement>(null);
	const take = (input: HTMLInputElement, inline: boolean) => {
		for (const file of input.files ?? [])
			void draft.attach(file, inline);
		input.value = "";
	};
	const rich = (run: (squire: Squire) => unknown) => () => {
		const squire = (draft.editor as RichHandle | null)?.squire;
		if (squire) {
			run(squire);
			draft.touch();
			squire.focus();
		}
	};
	const toggle = (tag: string, on: (s: Squire) => unknown, off: (s: Squire) => unknown) =>
		rich((s) => (s.hasFormat(tag) ? off(s) : on(s)));
	const bold = toggle("B", (s) => s.bold(), (s) => s.removeBold());
	const italic = toggle("I", (s) => s.italic(), (s) => s.removeItalic());
	const list = toggle("UL", (s) => s.makeUnorderedList(), (s) => s.removeList());
	const numbered = toggle("OL", (s) => s.makeOrderedList(), (s) => s.removeList());
	const link = () => void askText(t("compose.link.ask"), t("compose.link"), t("compose.link.ask"), "https://").then((url) => {
		if (url && /^(https?:|mailto:)/i.test(url))
			rich((s) => s.makeLink(url))();
	});
	const plain = draft.plain.value;
	const switchPlain = () => {
		draft.takeFromEditor();
		if (draft.plain.peek()) {
			const holder = document.createElement("div");
			holder.append(fromText(draft.text));
			draft.html = holder.innerHTML;
		}
		draft.editor = null;
		draft.plain.value = !draft.plain.peek();
		draft.touch();
	};
	const more = (event: MouseEvent) => openMenu(event.currentTarget as Element, t("do.more"), [
		...(plain ? [] : [
			{ label: t("compose.underline"), icon: <Icon name="underline" />, run: toggle("U", (s) => s.underline(), (s) => s.removeUnderline()) },
			{ label: t("compose.list"), icon: <Icon name="list" />, run: list },
			{ label: t("compose.numbered"), icon: <Icon name="listOrdered" />, run: numbered },
			{ label: t("compose.quoteBlock"), icon: <Icon name="quote" />, run: rich((s) => s.increaseQuoteLevel()) },
			{ label: t("compose.link"), icon: <Icon name="link" />, run: link },
			{ label: t("compose.clear"), icon: <Icon name="removeFormatting" />, run: rich((s) => s.removeAllFormatting()) },
		]),
		{ label: t(plain ? "compose.rich" : "compose.plain"), icon: <Icon name="file" />, run: switchPlain },
	]);
	return (
		<div class="toolbar">
			<input ref={files} type="file" multiple hidden aria-label={t("compose.attach")} onChange={(e) => take(e.currentTarget, false)} />
			<input ref={images} type="file" accept="image/png,image/jpeg,image/gif,image/webp" hidden aria-label={t("compose.image")}
				onChange={(e) => take(e.currentTarget, true)} />
			<IconButton icon="paperclip" label={t("compose.attach")} onClick={() => files.current!.click()} />
			{!plain && (
				<>
					<IconButton icon="image" label={t("compose.image")} onClick={() => images.current!.click()} />
					{!isPhone.value && <IconButton icon="bold" label={t("compose.bold")} shortcut="Control+B" onClick={bold} />}
					{!isPhone.value && <IconButton icon="italic" label={t("compose.italic")} shortcut="Control+I" onClick={italic} />}
					{!isPhone.value && <IconButton icon="link" label={t("compose.link")} shortcut="Control+K" onClick={link} />}
				</>
			)}
			<IconButton icon="more" label={t("do.more")} expanded={false} onClick={more} />
		</div>
	);
}
