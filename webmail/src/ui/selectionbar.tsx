// Above the list while rows are chosen: what can be done with all of them.

import { archive, isJunk, junk, messagesOfRows, moveToTrash, notJunk, setRead, setStar } from "../state/actions.ts";
import { currentMailbox, list, selectAllShown, selectEverything, selection, title } from "../state/current.ts";
import type { Email } from "../jmap/types.ts";
import { email } from "../state/emails.ts";
import { t } from "../text/text.ts";
import { chooseFolder, chooseLabel } from "./choose.tsx";
import { openMenu } from "./menu.tsx";
import { IconButton } from "./parts.tsx";

// Runs an action on the messages of the chosen rows, and lets them go.
export function withSelection(run: (messages: Email[]) => unknown, rows = [...selection.peek()]): void {
	void messagesOfRows(rows).then((messages) => {
		selection.value = new Set();
		void run(messages);
	});
}

export function SelectionBar() {
	const rows = [...selection.value];
	const unread = rows.some((id) => email(id).value?.keywords.$seen === undefined);
	const inJunk = currentMailbox.value?.role === "junk";
	const more = (event: MouseEvent) => {
		const opener = event.currentTarget as Element;
		openMenu(opener, t("do.more"), [
			{ label: t("list.selectAll"), run: selectAllShown },
			...(list.peek() && list.peek()!.total.peek() > rows.length ? [{
				label: t("list.selectEverything", { n: list.peek()!.total.peek(), name: title.peek() }), run: () => void selectEverything(),
			}] : []),
			{ label: t("do.star"), run: () => withSelection((m) => setStar(m, true)) },
			{ label: t("do.unstar"), run: () => withSelection((m) => setStar(m, false)) },
			{ label: t("do.label"), run: () => void messagesOfRows(rows).then((m) => chooseLabel(opener, m)) },
			{ label: t("export.messages"), run: () => withSelection((m) => void import("../state/exporter.ts").then((e) => e.exportMessages(m)), rows) },
			{ label: t("do.read"), run: () => withSelection((m) => setRead(m, true)) },
			{ label: t("do.unread"), run: () => withSelection((m) => setRead(m, false)) },
		]);
	};
	return (
		<div class="list-head selection-bar" role="toolbar" aria-label={t("list.selected", { n: rows.length })}>
			<IconButton icon="close" label={t("list.clear")} onClick={() => (selection.value = new Set())} />
			<span class="selection-count">{t("list.selected", { n: rows.length })}</span>
			<span class="spacer" />
			<IconButton icon="archive" label={t("do.archive")} shortcut="e" onClick={() => withSelection(archive)} />
			<IconButton icon="trash" label={t("do.delete")} shortcut="#" onClick={() => withSelection(moveToTrash)} />
			<IconButton icon="junk" label={t(inJunk ? "do.notJunk" : "do.junk")} shortcut="!"
				onClick={() => withSelection((m) => (isJunk(m) ? notJunk(m) : junk(m)))} />
			<IconButton icon={unread ? "read" : "unread"} label={t(unread ? "do.read" : "do.unread")}
				onClick={() => withSelection((m) => setRead(m, unread))} />
			<IconButton icon="folder" label={t("do.move")} shortcut="v" expanded={false}
				onClick={(event) => {
					const opener = event.currentTarget as Element;
					void messagesOfRows(rows).then((m) => chooseFolder(opener, m));
				}} />
			<IconButton icon="more" label={t("do.more")} expanded={false} onClick={more} />
		</div>
	);
}
