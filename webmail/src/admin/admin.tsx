// The pages for administrators: a frame, and one part for each section, loaded when it is shown.

import { useEffect, useRef, useState } from "preact/hooks";
import { isAdmin, loadMe } from "../state/me.ts";
import { go, route } from "../state/route.ts";
import { type AdminKey, t } from "../text/admin.ts";
import { Icon, type IconName } from "../ui/icons.tsx";
import { Lazy } from "../ui/lazy.tsx";
import { IconButton } from "../ui/parts.tsx";
import { sheetOf, useSheet } from "../ui/style.ts";
import { ConfirmHost } from "./confirm.tsx";
import sheet from "./admin.css?text";
import { goAdmin } from "./parts.tsx";

const SECTIONS: [string, AdminKey, IconName, () => Promise<any>][] = [
	["overview", "overview", "eye", () => import("./overview.tsx").then((m) => m.Overview)],
	["users", "users", "inbox", () => import("./users.tsx").then((m) => m.Users)],
	["domains", "domains", "label", () => import("./domains.tsx").then((m) => m.Domains)],
	["invites", "invites", "plus", () => import("./invites.tsx").then((m) => m.Invites)],
	["queue", "queue", "send", () => import("./queue.tsx").then((m) => m.Queue)],
	["why", "why", "search", () => import("./why.tsx").then((m) => m.Why)],
	["dns", "dns", "link", () => import("./dns.tsx").then((m) => m.Dns)],
	["connections", "connections", "list", () => import("./connections.tsx").then((m) => m.Connections)],
];

const style = sheetOf(sheet);

export function AdminPage() {
	const [known, setKnown] = useState(isAdmin.peek());
	useSheet(style);
	useEffect(() => {
		if (!known)
			void loadMe().then(() => setKnown(true));
	}, []);
	const now = route.value.page === "admin" ? route.value.section : "";
	const section = SECTIONS.find(([name]) => name === now) ?? SECTIONS[0]!;
	const nav = useRef<HTMLElement>(null);
	// On a phone the sections are one line that scrolls.
	useEffect(() => nav.current!.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" }), [section[0]]);
	return (
		<div class="settings admin">
			<header class="settings-head">
				<IconButton icon="back" label={t("close")} onClick={() => go({ page: "mail", place: null, thread: null })} />
				<h1>{t("title")}</h1>
			</header>
			<div class="settings-panes">
				<nav aria-label={t("title")} ref={nav}>
					<ul>
						{SECTIONS.map(([name, title, icon]) => (
							<li key={name}>
								<button type="button" class="folder" aria-current={name === section[0] ? "page" : undefined} onClick={() => goAdmin(name)}>
									<Icon name={icon} />
									<span class="folder-title">{t(title)}</span>
								</button>
							</li>
						))}
					</ul>
				</nav>
				<main class="settings-main">
					{isAdmin.value ? <Lazy key={section[0]} load={section[3]} />
						: known && <p class="settings-section">{t("notAdmin")}</p>}
				</main>
			</div>
			<ConfirmHost />
		</div>
	);
}
