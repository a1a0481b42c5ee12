// What can be done with folders: making, renaming, moving, hiding, deleting them.

import { Refused, call } from "../jmap/client.ts";
import type { Id, Mailbox } from "../jmap/types.ts";
import { t } from "../text/text.ts";
import { below, byRole, mailboxes, mergeMailboxes, titleOf } from "./mailboxes.ts";
import { ask, askText, tell } from "./notices.ts";
import { goTo, place } from "./route.ts";
import { sync } from "./sync.ts";

async function setFolder(args: object): Promise<any> {
	try {
		const answer = await call("Mailbox/set", args);
		const failure: any = Object.values({ ...answer.notCreated, ...answer.notUpdated, ...answer.notDestroyed })[0];
		if (failure)
			tell(t("done.refused", { why: failure.description || failure.type }), { bad: true });
		await sync();
		return failure ? null : answer;
	} catch (error) {
		tell(t("done.refused", { why: (error as Error).message || t("offline") }), { bad: true });
		return null;
	}
}

export async function newFolder(parent: Mailbox | null): Promise<Mailbox | null> {
	const question = parent ? t("folders.new.in", { name: titleOf(parent) }) : t("nav.newFolder");
	const name = (await askText(question, t("do.create"), t("nav.folderName")))?.trim();
	if (!name)
		return null;
	const made = { name, parentId: parent?.id ?? null, isSubscribed: true };
	const answer = await setFolder({ create: { made } });
	const id = answer?.created?.made?.id;
	if (id && !mailboxes.peek().has(id))
		mergeMailboxes([{ ...made, role: null, sortOrder: 0, totalEmails: 0, unreadEmails: 0, totalThreads: 0, unreadThreads: 0,
			...answer.created.made }]);
	return id ? mailboxes.peek().get(id) ?? null : null;
}

export async function renameFolder(mailbox: Mailbox): Promise<void> {
	const name = (await askText(t("nav.folderRename"), t("do.rename"), t("nav.folderName"), mailbox.name))?.trim();
	if (name && name !== mailbox.name)
		await setFolder({ update: { [mailbox.id]: { name } } });
}

// Under another folder, or at the top.
export async function moveFolder(mailbox: Mailbox, parent: Mailbox | null): Promise<void> {
	if (await setFolder({ update: { [mailbox.id]: { parentId: parent?.id ?? null } } }))
		tell(parent ? t("folders.moved", { name: titleOf(mailbox), folder: titleOf(parent) }) : t("folders.moved.top", { name: titleOf(mailbox) }),
			{ seconds: 4 });
}

export async function setShown(mailbox: Mailbox, shown: boolean): Promise<void> {
	await setFolder({ update: { [mailbox.id]: { isSubscribed: shown } } });
}

// Its messages go to the Trash, those that are elsewhere as well only leave it.
async function emptyInto(mailbox: Mailbox, trash: Id): Promise<void> {
	for (;;) {
		const { ids } = await call("Email/query", { filter: { inMailbox: mailbox.id }, limit: 500 });
		if (ids.length === 0)
			return;
		const { list } = await call("Email/get", { ids, properties: ["id", "mailboxIds"] });
		const answer = await call("Email/set", {
			update: Object.fromEntries(list.map((m: { id: Id; mailboxIds: Record<Id, boolean> }) => [m.id, {
				[`mailboxIds/${mailbox.id}`]: null,
				...(Object.keys(m.mailboxIds).length > 1 ? {} : { [`mailboxIds/${trash}`]: true }),
			}])),
		});
		const refused = Object.values<any>(answer.notUpdated ?? {}).find((e) => e.type !== "notFound");
		if (refused)
			throw new Refused(refused.type, refused.description);
	}
}

// deleteFolder(): with all below it. Nothing is lost by a click: the messages are in the Trash then.
export async function deleteFolder(mailbox: Mailbox): Promise<void> {
	const all = [...below(mailbox), mailbox];
	const messages = all.reduce((n, m) => n + m.totalEmails, 0);
	const name = titleOf(mailbox);
	const trash = byRole.peek().trash;
	if (messages > 0 && !trash) {
		tell(t("done.noFolder"), { bad: true });
		return;
	}
	const question = all.length > 1 ? t("folders.delete.tree", { name, n: all.length - 1 }) : t("folders.delete.one", { name });
	const what = messages > 0 ? t("folders.delete.mail", { n: messages }) : t("folders.delete.empty");
	if (!await ask(`${question} ${what}`, t("nav.folderDelete").replace("…", ""), true))
		return;
	try {
		for (const one of all)
			if (trash)
				await emptyInto(one, trash.id);
	} catch (error) {
		tell(t("done.refused", { why: (error as Error).message || t("offline") }), { bad: true });
		return;
	}
	const here = place.peek();
	if (here?.kind === "folder" && all.some((m) => m.id === here.id) && byRole.peek().inbox)
		goTo({ kind: "folder", id: byRole.peek().inbox!.id });
	if (await setFolder({ destroy: all.map((m) => m.id) }))
		tell(t("folders.deleted", { name }));
}
