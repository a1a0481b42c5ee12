// Choosing a folder to move to, or labels.

import type { Email } from "../jmap/types.ts";
import { allLabels, labelsOf, move, moveToTrash, setLabel } from "../state/actions.ts";
import { selection } from "../state/current.ts";
import { mailboxes, pathOf } from "../state/mailboxes.ts";
import { labelTitle } from "../state/remembered.ts";
import { t } from "../text/text.ts";
import { openMenu } from "./menu.tsx";
import { newFolder } from "../state/folders.ts";
import { LabelMark } from "./sidebar.tsx";
import { Icon } from "./icons.tsx";

export function chooseFolder(near: Element | null, messages: Email[]): void {
	openMenu(near, t("do.move"), (text) => {
		const wanted = text.toLowerCase();
		const entries = [...mailboxes.peek().values()]
			.filter((m) => m.myRights?.mayAddItems !== false && m.role !== "drafts" && m.role !== "sent")
			.filter((m) => pathOf(m).toLowerCase().includes(wanted))
			.sort((a, b) => Number(b.role !== null) - Number(a.role !== null) || pathOf(a).localeCompare(pathOf(b)))
			.map((mailbox) => ({
				label: pathOf(mailbox),
				icon: <Icon name="folder" />,
				run: () => {
					selection.value = new Set();
					if (mailbox.role === "trash")
						void moveToTrash(messages);
					else
						move(messages, mailbox);
				},
			}));
		return [...entries, {
			label: t("nav.newFolder"),
			icon: <Icon name="plus" />,
			run: () => void newFolder(null).then((made) => made && move(messages, made)),
		}];
	}, true);
}

export function chooseLabel(near: Element | null, messages: Email[]): void {
	const on = new Set(messages.flatMap(labelsOf));
	openMenu(near, t("do.label"), (text) => {
		const wanted = text.trim().toLowerCase();
		const all = [...new Set([...allLabels(), ...on])];
		const entries = all.filter((name) => labelTitle(name).toLowerCase().includes(wanted)).map((name) => ({
			label: labelTitle(name),
			icon: <LabelMark name={name} />,
			checked: on.has(name),
			run: () => setLabel(messages, labelTitle(name), !on.has(name)),
		}));
		if (wanted === "" || all.some((name) => labelTitle(name).toLowerCase() === wanted))
			return entries;
		return [...entries, { label: t("labels.add", { name: text.trim() }), icon: <Icon name="plus" />, run: () => setLabel(messages, text, true) }];
	}, true);
}
