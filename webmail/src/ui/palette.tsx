// All commands and folders by their names (Ctrl-K).

import { useEffect, useRef, useState } from "preact/hooks";
import { SIEVE, has } from "../jmap/client.ts";
import { compose } from "../state/compose.ts";
import { newFolder } from "../state/folders.ts";
import { mailboxes, pathOf } from "../state/mailboxes.ts";
import { isAdmin } from "../state/me.ts";
import { go, goTo } from "../state/route.ts";
import { change } from "../state/settings.ts";
import { leave } from "../state/start.ts";
import { paletteOpen, sheetOpen } from "../state/ui.ts";
import { t } from "../text/text.ts";
import "../text/settings.ts";
import { Dialog } from "./dialog.tsx";
import { Icon, type IconName } from "./icons.tsx";
import { KEYS } from "./keys.ts";

interface Command {
	title: string;
	icon: IconName;
	key?: string;
	run(): unknown;
}

const PAGES = {
	folders: "folders.manage", filters: "filters.title", forwarding: "forwarding.title", programs: "programs.title", transfer: "transfer.title",
	deleted: "deleted.title", security: "settings.security",
} as const;

function commands(): Command[] {
	const pressed = (key: string) => () => KEYS[key]!();
	return [
		{ title: t("write"), icon: "pen", key: "c", run: () => compose() },
		{ title: t("keys.search"), icon: "search", key: "/", run: pressed("/") },
		{ title: t("do.archive"), icon: "archive", key: "e", run: pressed("e") },
		{ title: t("do.delete"), icon: "trash", key: "#", run: pressed("#") },
		{ title: t("do.junk"), icon: "junk", key: "!", run: pressed("!") },
		{ title: t("do.move"), icon: "folder", key: "v", run: pressed("v") },
		{ title: t("do.label"), icon: "label", key: "l", run: pressed("l") },
		{ title: t("do.star"), icon: "star", key: "s", run: pressed("s") },
		{ title: t("do.read"), icon: "read", key: "I", run: pressed("I") },
		{ title: t("do.unread"), icon: "unread", key: "U", run: pressed("U") },
		{ title: t("do.reply"), icon: "reply", key: "r", run: pressed("r") },
		{ title: t("do.replyAll"), icon: "replyAll", key: "a", run: pressed("a") },
		{ title: t("do.forward"), icon: "forward", key: "f", run: pressed("f") },
		{ title: `${t("settings.theme")}: ${t("settings.theme.light")}`, icon: "sun", run: () => change({ theme: "light" }) },
		{ title: `${t("settings.theme")}: ${t("settings.theme.dark")}`, icon: "moon", run: () => change({ theme: "dark" }) },
		{ title: t("nav.settings"), icon: "settings", run: () => go({ page: "settings", section: "look" }) },
		...(isAdmin.peek() ? [{ title: t("nav.admin"), icon: "server" as const, run: () => go({ page: "admin", section: "overview", item: "" }) }] : []),
		...(["folders", "filters", "forwarding", "programs", "transfer", "deleted", "security"] as const).filter((section) => section !== "filters" || has(SIEVE)).map((section) => ({
			title: t(PAGES[section]), icon: "settings" as const, run: () => go({ page: "settings", section }),
		})),
		{ title: t("nav.newFolder"), icon: "plus", run: () => newFolder(null) },
		{ title: t("nav.shortcuts"), icon: "help", key: "?", run: () => (sheetOpen.value = true) },
		{ title: t("logout"), icon: "logout", run: () => leave() },
		{ title: t("folder.starred"), icon: "star", run: () => goTo({ kind: "starred" }) },
		...[...mailboxes.peek().values()].map((mailbox) => ({
			title: pathOf(mailbox),
			icon: "folder" as const,
			run: () => goTo({ kind: "folder", id: mailbox.id }),
		})),
	];
}

export function Palette() {
	const [text, setText] = useState("");
	const [at, setAt] = useState(0);
	const list = useRef<HTMLUListElement>(null);
	const found = commands().filter((c) => text.toLowerCase().split(/\s+/).every((word) => c.title.toLowerCase().includes(word)));
	const shut = () => (paletteOpen.value = false);
	const choose = (command: Command) => {
		shut();
		// The dialog gives the keyboard back first.
		setTimeout(() => void command.run());
	};
	useEffect(() => list.current?.children[at]?.scrollIntoView({ block: "nearest" }), [at]);
	const key = (event: KeyboardEvent) => {
		if (event.key === "ArrowDown")
			setAt(Math.min(at + 1, found.length - 1));
		else if (event.key === "ArrowUp")
			setAt(Math.max(at - 1, 0));
		else if (event.key === "Enter" && found[at])
			choose(found[at]!);
		else
			return;
		event.preventDefault();
	};
	return (
		<Dialog label={t("keys.palette")} onClose={shut}>
			<div class="palette">
				<input type="text" role="combobox" aria-expanded="true" aria-controls="palette-list" aria-activedescendant={`palette-${at}`}
					aria-label={t("palette.placeholder")} placeholder={t("palette.placeholder")} value={text} autofocus autocomplete="off"
					onKeyDown={key} onInput={(event) => {
						setText(event.currentTarget.value);
						setAt(0);
					}} />
				<ul ref={list} id="palette-list" role="listbox" aria-label={t("keys.palette")}>
					{found.map((command, i) => (
						<li key={command.title} id={`palette-${i}`} role="option" aria-selected={i === at} onClick={() => choose(command)}>
							<Icon name={command.icon} />
							<span>{command.title}</span>
							{command.key && <kbd>{command.key}</kbd>}
						</li>
					))}
				</ul>
				{found.length === 0 && <p class="menu-none">{t("palette.none")}</p>}
			</div>
		</Dialog>
	);
}
