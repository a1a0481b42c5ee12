// The reader: a conversation with all its messages, those that were read folded to a line.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Email, Id } from "../jmap/types.ts";
import { archive, inSight, isJunk, junk, labelsOf, moveToTrash, notJunk, setLabel, setRead } from "../state/actions.ts";
import { drafts, forward, inlineFor, reply } from "../state/compose.ts";
import { currentMailbox, list } from "../state/current.ts";
import { email, loadBodies, loadThreads, messagesOf, thread } from "../state/emails.ts";
import { byRole } from "../state/mailboxes.ts";
import { labelTitle } from "../state/remembered.ts";
import { goTo, openThread, openThreadId } from "../state/route.ts";
import { settings } from "../state/settings.ts";
import { t } from "../text/text.ts";
import { bareSubject } from "../lib/quote.ts";
import { InlineComposer } from "./composerhost.tsx";
import { chooseFolder, chooseLabel } from "./choose.tsx";
import { Icon } from "./icons.tsx";
import { act } from "./keys.ts";
import { LinkHint } from "./linkhint.tsx";
import { openMenu } from "./menu.tsx";
import { Message } from "./message.tsx";
import { Button, IconButton } from "./parts.tsx";
import { LabelMark } from "./sidebar.tsx";

const FOLD = 6; // read messages before the last that are shown one by one

export function Reader() {
	const id = openThreadId.value;
	return (
		<main class="reader" aria-label={t("reader.region")}>
			{id ? <Conversation key={id} id={id} /> : <Nothing />}
			<LinkHint />
		</main>
	);
}

function Nothing() {
	const [before, after] = t("reader.none.hint").split("{key}");
	return (
		<div class="reader-none">
			<Icon name="read" />
			<p>{t("reader.none")}</p>
			<p class="hint">{before}<kbd>?</kbd>{after}</p>
		</div>
	);
}

// The messages to show: not those in Junk and Trash, unless that is where one looks.
function shownOf(id: Id): Email[] {
	const here = list.value?.query.mailboxId;
	const away = [byRole.value.trash?.id, byRole.value.junk?.id].filter((m) => m !== undefined && m !== here) as Id[];
	// A draft that is being written stands in its composer.
	const written = new Set(drafts.value.map((d) => d.status.value && d.emailId));
	const all = messagesOf(id).filter((m) => !written.has(m.id));
	const shown = all.filter((m) => !away.some((box) => m.mailboxIds[box]));
	return shown.length > 0 ? shown : all;
}

async function prefetchNext(id: Id): Promise<void> {
	const ids = list.peek()?.ids ?? [];
	const at = ids.findIndex((row) => row !== undefined && email(row).peek()?.threadId === id);
	const next = at >= 0 ? ids[at + 1] : undefined;
	if (next)
		await loadBodies([next]);
}

function Conversation({ id }: { id: Id }) {
	const open = useSignal<ReadonlySet<Id> | null>(null);
	const unfolded = useSignal(false);
	const heading = useRef<HTMLHeadingElement>(null);
	const known = thread(id).value;
	const messages = shownOf(id);

	// Open are the unread ones and the newest; all of them are loaded in one request.
	useEffect(() => {
		let here = true;
		void (async () => {
			await loadThreads([id]);
			const all = shownOf(id);
			const unread = all.filter((m) => !m.keywords.$seen && !m.keywords.$draft);
			const wanted = new Set([...unread, ...all.filter((m) => !m.keywords.$draft).slice(-1), ...(all.length === 1 ? all : [])].map((m) => m.id));
			if (!here)
				return;
			open.value = wanted;
			await loadBodies([...wanted]);
			if (here && unread.length > 0)
				setRead(unread, true, true);
			// The next one is probably read next.
			if (here)
				await prefetchNext(id);
		})().catch(() => undefined);
		return () => {
			here = false;
		};
	}, [id]);

	// What comes in while one reads is opened, too.
	const count = known?.length ?? 0;
	useEffect(() => {
		const fresh = messages.filter((m) => open.peek() && !open.peek()!.has(m.id) && !m.keywords.$seen && !m.keywords.$draft);
		if (fresh.length === 0)
			return;
		open.value = new Set([...open.peek()!, ...fresh.map((m) => m.id)]);
		void loadBodies(fresh.map((m) => m.id)).then(() => setRead(fresh, true, true));
	}, [count]);

	useEffect(() => {
		if (messages.length > 0 && !document.activeElement?.closest("input, textarea, [contenteditable=true]"))
			heading.current?.focus({ preventScroll: true });
	}, [id, messages.length > 0]);

	const toggle = (message: Email) => {
		const next = new Set(open.peek());
		if (!next.delete(message.id)) {
			next.add(message.id);
			void loadBodies([message.id]);
			if (!message.keywords.$seen)
				setRead([message], true, true);
		}
		open.value = next;
	};

	const newest = messages[messages.length - 1];
	if (!newest)
		return known && known.length === 0 ? <Nothing /> : <div class="reader-loading" role="status" aria-label={t("reader.loading")} />;
	const subject = bareSubject(messages[0]!.subject) || t("list.noSubject");
	const labels = [...new Set(messages.flatMap(labelsOf))];
	const closed = messages.filter((m) => !open.value?.has(m.id));
	const folded = !unfolded.value && open.value !== null && closed.length > FOLD ? new Set(closed.slice(1, -1).map((m) => m.id)) : null;
	const answerable = messages.filter((m) => !m.keywords.$draft).at(-1) ?? newest;
	const inline = inlineFor(id);
	return (
		<>
			<ReaderBar messages={messages} />
			<div class="reader-scroll">
				<div class="conversation">
					<div class="conversation-head">
						<h1 ref={heading} tabIndex={-1} dir="auto">{subject}</h1>
						{labels.map((name) => (
							<span class="chip" key={name}>
								<button type="button" class="bare" onClick={() => goTo({ kind: "label", name })}
									aria-label={t("labels.show", { name: labelTitle(name) })}>
									<LabelMark name={name} /><bdi>{labelTitle(name)}</bdi>
								</button>
								<button type="button" aria-label={t("labels.takeOff", { name: labelTitle(name) })}
									onClick={() => setLabel(messages, labelTitle(name), false)}>
									<Icon name="close" />
								</button>
							</span>
						))}
					</div>
					{messages.map((message) => folded?.has(message.id)
						? message.id === [...folded][0] && (
							<button type="button" class="fold" key="fold" onClick={() => (unfolded.value = true)}>
								{t("reader.expand", { n: messages.length })}
							</button>
						)
						: <Message key={message.id} message={message} open={open.value?.has(message.id) ?? false} toggle={() => toggle(message)}
							only={messages.length === 1} />)}
					{inline.map((draft) => <InlineComposer key={draft.key} draft={draft} />)}
					{inline.length === 0 && !answerable.keywords.$draft && (
						<div class="answers">
							<Button onClick={() => void reply(answerable.id, false)} aria-keyshortcuts="r"><Icon name="reply" />{t("do.reply")}</Button>
							<Button onClick={() => void reply(answerable.id, true)} aria-keyshortcuts="a"><Icon name="replyAll" />{t("do.replyAll")}</Button>
							<Button onClick={() => void forward(answerable.id)} aria-keyshortcuts="f"><Icon name="forward" />{t("do.forward")}</Button>
						</div>
					)}
				</div>
			</div>
		</>
	);
}

function ReaderBar({ messages }: { messages: Email[] }) {
	const mine = inSight(messages);
	const inJunk = isJunk(mine);
	const inTrash = currentMailbox.value?.role === "trash";
	const more = (event: MouseEvent) => openMenu(event.currentTarget as Element, t("do.more"), [
		{ label: t("do.unread"), icon: <Icon name="unread" />, run: () => {
			setRead(mine, false);
			openThread(null);
		} },
		{ label: t("do.label"), icon: <Icon name="label" />, run: () => chooseLabel(document.querySelector(".reader-bar"), mine) },
		{ label: t("do.forward"), icon: <Icon name="forward" />, run: () => void forward(messages[messages.length - 1]!.id) },
	]);
	return (
		<div class="reader-bar" role="toolbar" aria-label={t("do.more")}>
			<IconButton icon="back" class={settings.value.pane === "none" ? "" : "only-narrow"} label={t("reader.back")} shortcut="u"
				onClick={() => openThread(null)} />
			<IconButton icon="archive" label={t("do.archive")} shortcut="e" onClick={() => act(archive, true)} />
			<IconButton icon="trash" label={t(inTrash ? "do.deleteForEver" : "do.delete")} shortcut="#" onClick={() => act(moveToTrash, true)} />
			<IconButton icon="junk" label={t(inJunk ? "do.notJunk" : "do.junk")} shortcut="!"
				onClick={() => act((m) => (isJunk(m) ? notJunk(m) : junk(m)), true)} />
			<IconButton icon="unread" class="not-phone" label={t("do.unread")} shortcut="U" onClick={() => {
				setRead(mine, false);
				openThread(null);
			}} />
			<IconButton icon="folder" label={t("do.move")} shortcut="v" expanded={false}
				onClick={(event) => chooseFolder(event.currentTarget as Element, mine)} />
			<IconButton icon="label" class="not-phone" label={t("do.label")} shortcut="l" expanded={false}
				onClick={(event) => chooseLabel(event.currentTarget as Element, mine)} />
			<span class="spacer" />
			<IconButton icon="more" label={t("do.more")} expanded={false} onClick={more} />
		</div>
	);
}
