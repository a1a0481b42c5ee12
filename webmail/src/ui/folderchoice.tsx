// Choosing the folder that another one shall be under.

import type { Mailbox } from "../jmap/types.ts";
import { moveFolder } from "../state/folders.ts";
import { below, mailboxes, pathOf } from "../state/mailboxes.ts";
import { t } from "../text/text.ts";
import { Icon } from "./icons.tsx";
import { openMenu } from "./menu.tsx";

export function chooseParent(near: Element | null, mailbox: Mailbox): void {
	openMenu(near, t("folders.move.under"), (text) => {
		const wanted = text.toLowerCase();
		const never = new Set([mailbox.id, ...below(mailbox).map((m) => m.id)]);
		const entries = [...mailboxes.peek().values()]
			.filter((m) => !never.has(m.id) && m.myRights?.mayCreateChild !== false && !["drafts", "sent", "junk", "trash"].includes(m.role ?? ""))
			.filter((m) => pathOf(m).toLowerCase().includes(wanted))
			.sort((a, b) => pathOf(a).localeCompare(pathOf(b)))
			.map((m) => ({
				label: pathOf(m), icon: <Icon name="folder" />, checked: m.id === mailbox.parentId,
				run: () => void moveFolder(mailbox, m),
			}));
		const top = { label: t("folders.top"), icon: <Icon name="back" />, checked: mailbox.parentId === null, run: () => void moveFolder(mailbox, null) };
		return [...(top.label.toLowerCase().includes(wanted) ? [top] : []), ...entries];
	}, true);
}
