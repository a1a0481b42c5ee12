// Settings, Folders: all of them, also those that are hidden, and what can be done with each.

import { deleteFolder, newFolder, renameFolder, setShown } from "../state/folders.ts";
import { type Branch, ROLES, byRole, folders, titleOf } from "../state/mailboxes.ts";
import { t } from "../text/text.ts";
import { chooseParent } from "./folderchoice.tsx";
import { Icon } from "./icons.tsx";
import { Button, IconButton } from "./parts.tsx";
import { ICONS } from "./sidebar.tsx";

function Line({ branch: { mailbox, depth } }: { branch: Branch }) {
	const special = (ROLES as readonly string[]).includes(mailbox.role ?? "");
	const name = titleOf(mailbox);
	const shown = mailbox.isSubscribed !== false;
	return (
		<li class="folder-line" style={{ "--depth": String(depth) }}>
			<Icon name={ICONS[mailbox.role ?? ""] ?? "folder"} />
			<span class="folder-line-text">
				<bdi class="strong">{name}</bdi>
				<span class="field-hint">
					{t("folders.messages", { n: mailbox.totalEmails })}
					{special && ` · ${t("folders.special")}`}
					{!shown && ` · ${t("folders.hidden")}`}
				</span>
			</span>
			{!special && (
				<span class="folder-line-buttons">
					<IconButton icon="plus" label={t("folders.new.in", { name })} onClick={() => void newFolder(mailbox)} />
					<IconButton icon="pen" label={t("folders.rename.one", { name })} onClick={() => void renameFolder(mailbox)} />
					<IconButton icon="folder" label={t("folders.move.one", { name })} expanded={false}
						onClick={(event) => chooseParent(event.currentTarget as Element, mailbox)} />
					<IconButton icon={shown ? "eye" : "eyeOff"} label={t(shown ? "folders.hide.one" : "folders.show.one", { name })}
						onClick={() => void setShown(mailbox, !shown)} />
					<IconButton icon="trash" label={t("folders.delete.label", { name })} onClick={() => void deleteFolder(mailbox)} />
				</span>
			)}
		</li>
	);
}

export function Folders() {
	const special = ROLES.map((role) => byRole.value[role]).filter((m) => m !== undefined);
	return (
		<section class="settings-section">
			<h2>{t("nav.folders")}</h2>
			<p class="field-hint">{t("folders.why")}</p>
			<p><Button kind="primary" onClick={() => void newFolder(null)}><Icon name="plus" />{t("nav.newFolder")}</Button></p>
			<ul class="card folder-lines">
				{special.map((mailbox) => <Line key={mailbox.id} branch={{ mailbox, depth: 0 }} />)}
				{folders.value.map((branch) => <Line key={branch.mailbox.id} branch={branch} />)}
			</ul>
		</section>
	);
}
