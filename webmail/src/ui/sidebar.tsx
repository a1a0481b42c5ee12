// The folders, with what is unread in them. Rows of the list can be dropped on them.

import { useState } from "preact/hooks";
import { compose } from "../state/compose.ts";
import { allLabels, emptyFolder, messagesOfRows, move, moveToTrash, removeLabel, setLabel } from "../state/actions.ts";
import { deleteFolder, newFolder, renameFolder, setShown } from "../state/folders.ts";
import { type Branch, ROLES, byRole, folders, isShown, titleOf } from "../state/mailboxes.ts";
import { ask, askText } from "../state/notices.ts";
import { type Label, hueOf, labelTitle, remember, remembered } from "../state/remembered.ts";
import { type Place, go, goTo, place } from "../state/route.ts";
import { scheduled } from "../state/scheduled.ts";
import { drawerOpen, scheduledOpen } from "../state/ui.ts";
import { type Key, count, t } from "../text/text.ts";
import { dragged } from "./drag.ts";
import { Icon, type IconName } from "./icons.tsx";
import { chooseParent } from "./folderchoice.tsx";
import { openMenu } from "./menu.tsx";
import { Button, IconButton } from "./parts.tsx";

export const ICONS: Record<string, IconName> = { inbox: "inbox", drafts: "drafts", sent: "send", archive: "archive", junk: "junk", trash: "trash" };

export function Sidebar() {
	const special = ROLES.map((role) => byRole.value[role]).filter((m) => m !== undefined);
	const labels = allLabels();
	const [all, setAll] = useState(false);
	const shown = folders.value.filter(isShown);
	const away = folders.value.length - shown.length;
	return (
		<nav class="sidebar" aria-label={t("nav.folders")}>
			<Button kind="primary" class="write" aria-keyshortcuts="c" onClick={() => void compose()}>
				<Icon name="pen" />
				<span>{t("write")}</span>
			</Button>
			<div class="sidebar-scroll">
				<ul>
					{special.slice(0, 1).map((mailbox) => <Folder key={mailbox.id} branch={{ mailbox, depth: 0 }} />)}
					<Entry at={{ kind: "starred" }} icon={<Icon name="star" />} title={t("folder.starred")} />
					{special.slice(1).map((mailbox) => <Folder key={mailbox.id} branch={{ mailbox, depth: 0 }} />)}
					{scheduled.value.length > 0 && <Scheduled />}
				</ul>
				<div class="sidebar-head">
					<h2>{t("nav.folders")}</h2>
					<IconButton icon="plus" label={t("nav.newFolder")} onClick={() => void newFolder(null)} />
				</div>
				<ul>
					{(all ? folders.value : shown).map((branch) => <Folder key={branch.mailbox.id} branch={branch} />)}
				</ul>
				{away > 0 && (
					<button type="button" class="folder hidden-folders" aria-expanded={all} onClick={() => setAll(!all)}>
						<Icon name={all ? "eyeOff" : "eye"} />
						<span class="folder-title">{t(all ? "nav.fewerFolders" : "nav.moreFolders", { n: away })}</span>
					</button>
				)}
				{labels.length > 0 && (
					<>
						<div class="sidebar-head"><h2>{t("nav.labels")}</h2></div>
						<ul>
							{labels.map((name) => (
								<Entry key={name} at={{ kind: "label", name }} icon={<LabelMark name={name} />} title={labelTitle(name)}
									menu={(opener) => labelMenu(opener, name)}
									onDrop={(rows) => void messagesOfRows(rows).then((m) => setLabel(m, labelTitle(name), true))} />
							))}
						</ul>
					</>
				)}
			</div>
		</nav>
	);
}

// What waits to be sent is no folder: it opens a dialog.
function Scheduled() {
	return (
		<li>
			<button type="button" class="folder" onClick={() => (scheduledOpen.value = true)} aria-haspopup="dialog">
				<Icon name="clock" />
				<span class="folder-title">{t("scheduled.title")}</span>
				<span class="folder-count">{count(scheduled.value.length)}</span>
			</button>
		</li>
	);
}

export function LabelMark({ name }: { name: string }) {
	return <span class={`label-mark hue-${hueOf(name)}`} aria-hidden="true" />;
}

function labelMenu(opener: Element, name: string): void {
	openMenu(opener, t("nav.folderMenu", { name: labelTitle(name) }), [
		{ label: t("nav.folderRename"), icon: <Icon name="pen" />, run: () => void renameLabel(name) },
		{ label: t("labels.colour"), icon: <LabelMark name={name} />, run: () => setTimeout(() => chooseColour(opener, name)) },
		{ label: t("labels.remove"), icon: <Icon name="trash" />, danger: true, run: () => void dropLabel(name) },
	]);
}

const describe = (name: string, about: Label) =>
	remember({ labels: { ...remembered.peek().labels, [name]: { ...remembered.peek().labels[name], ...about } } });

async function renameLabel(name: string): Promise<void> {
	const title = (await askText(t("nav.folderRename"), t("do.rename"), t("labels.name"), labelTitle(name)))?.trim();
	if (title)
		describe(name, { title });
}

function chooseColour(opener: Element, name: string): void {
	openMenu(opener, t("labels.colour"), Array.from({ length: 8 }, (_, hue) => ({
		label: t(`labels.hue.${hue}` as Key),
		icon: <span class={`label-mark hue-${hue}`} aria-hidden="true" />,
		checked: hueOf(name) === hue,
		run: () => describe(name, { hue }),
	})));
}

async function dropLabel(name: string): Promise<void> {
	if (!await ask(t("labels.remove.ask", { name: labelTitle(name) }), t("labels.remove").replace("…", ""), true))
		return;
	if (isHere({ kind: "label", name }) && byRole.peek().inbox)
		goTo({ kind: "folder", id: byRole.peek().inbox!.id });
	removeLabel(name);
}

function isHere(at: Place): boolean {
	const now = place.value;
	return now !== null && JSON.stringify(now) === JSON.stringify(at);
}

interface EntryProps {
	at: Place;
	icon: preact.ComponentChildren;
	title: string;
	number?: number;
	countMeans?: string;
	depth?: number;
	strong?: boolean;
	menu?(opener: Element): void;
	onDrop?(rows: string[]): void;
}

function Entry({ at, icon, title, number, countMeans, depth = 0, strong, menu, onDrop }: EntryProps) {
	const [over, setOver] = useState(false);
	const here = isHere(at);
	const accepts = onDrop && {
		onDragOver: (event: DragEvent) => {
			if (dragged().length === 0)
				return;
			event.preventDefault();
			event.dataTransfer!.dropEffect = "move";
			setOver(true);
		},
		onDragLeave: () => setOver(false),
		onDrop: (event: DragEvent) => {
			event.preventDefault();
			setOver(false);
			onDrop(dragged());
		},
	};
	return (
		<li class={`${over ? "drop" : ""} ${here ? "here" : ""}`} {...accepts}>
			<button type="button" class={`folder ${strong ? "strong" : ""}`} aria-current={here ? "page" : undefined} title={title}
				style={{ "--depth": String(depth) }}
				onClick={() => {
					drawerOpen.value = false;
					goTo(at);
				}}
				onContextMenu={(event) => {
					if (!menu)
						return;
					event.preventDefault();
					menu(event.currentTarget);
				}}>
				{icon}
				<span class="folder-title" dir="auto">{title}</span>
				{number ? <span class="folder-count">{count(number)}<span class="visually-hidden"> {countMeans}</span></span> : null}
			</button>
			{menu && <IconButton icon="more" class="folder-more" label={t("nav.folderMenu", { name: title })}
				onClick={(event) => menu(event.currentTarget as Element)} />}
		</li>
	);
}

function Folder({ branch: { mailbox, depth } }: { branch: Branch }) {
	const special = (ROLES as readonly string[]).includes(mailbox.role ?? "");
	// Of drafts all are shown, of other folders what is unread; what is in the Trash or was sent is of no interest.
	const number = mailbox.role === "drafts" ? mailbox.totalEmails
		: mailbox.role === "trash" || mailbox.role === "sent" || mailbox.role === "archive" ? 0 : mailbox.unreadThreads;
	const menu = (opener: Element) => openMenu(opener, t("nav.folderMenu", { name: titleOf(mailbox) }), [
		...(mailbox.role === "trash" || mailbox.role === "junk"
			? [{ label: t("nav.emptyTrash"), icon: <Icon name="trash" />, danger: true, run: () => void emptyFolder(mailbox) }] : []),
		...(mailbox.role === "trash"
			? [{ label: t("deleted.title"), icon: <Icon name="clock" />, run: () => go({ page: "settings", section: "deleted" }) }] : []),
		...(special ? [] : [
			{ label: t("nav.newFolder"), icon: <Icon name="plus" />, run: () => void newFolder(mailbox) },
			{ label: t("nav.folderRename"), icon: <Icon name="pen" />, run: () => void renameFolder(mailbox) },
			{ label: t("folders.move"), icon: <Icon name="folder" />, run: () => setTimeout(() => chooseParent(opener, mailbox)) },
			mailbox.isSubscribed === false
				? { label: t("folders.show"), icon: <Icon name="eye" />, run: () => void setShown(mailbox, true) }
				: { label: t("folders.hide"), icon: <Icon name="eyeOff" />, run: () => void setShown(mailbox, false) },
			{ label: t("nav.folderDelete"), icon: <Icon name="trash" />, danger: true, run: () => void deleteFolder(mailbox) },
		]),
	]);
	const hasMenu = !special || mailbox.role === "trash" || mailbox.role === "junk";
	return (
		<Entry at={{ kind: "folder", id: mailbox.id }} icon={<Icon name={ICONS[mailbox.role ?? ""] ?? "folder"} />} title={titleOf(mailbox)}
			number={number} countMeans={t(mailbox.role === "drafts" ? "folder.drafts" : "folder.unread")} depth={depth} strong={number > 0 && mailbox.role !== "drafts" && mailbox.role !== "junk"}
			menu={hasMenu ? menu : undefined}
			onDrop={(rows) => void messagesOfRows(rows).then((messages) =>
				mailbox.role === "trash" ? moveToTrash(messages) : move(messages, mailbox))} />
	);
}
