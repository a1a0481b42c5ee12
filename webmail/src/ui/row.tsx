// One row of the list: a conversation by its newest message here.

import { useRef } from "preact/hooks";
import type { Address, Email, Id } from "../jmap/types.ts";
import { nameOf, sameAddress, shortName } from "../lib/address.ts";
import { listTime } from "../lib/date.ts";
import { session } from "../jmap/client.ts";
import { archive, labelsOf, messagesOfRows, moveToTrash, setStar } from "../state/actions.ts";
import { fresh } from "../state/arrivals.ts";
import { cursor, parse, select, selectRange, selection } from "../state/current.ts";
import { editDraft } from "../state/compose.ts";
import { email, messagesOf } from "../state/emails.ts";
import type { List } from "../state/list.ts";
import { byRole } from "../state/mailboxes.ts";
import { labelTitle } from "../state/remembered.ts";
import { openThread, openThreadId } from "../state/route.ts";
import { isPhone } from "../state/settings.ts";
import { identities } from "../state/start.ts";
import { count, enumerate, t } from "../text/text.ts";
import { endDrag, startDrag } from "./drag.ts";
import { Icon } from "./icons.tsx";
import { Avatar, IconButton } from "./parts.tsx";
import { Snippet, Marked } from "./snippet.tsx";
import { LabelMark } from "./sidebar.tsx";
import { useSwipe } from "./swipe.ts";

export interface Summary {
	message: Email;
	messages: Email[];
	unread: boolean;
	starred: boolean;
	answered: boolean;
	attachment: boolean;
	draft: boolean;
	who: string;
	face: Address | null;
}

export const isMe = (address: Address) =>
	sameAddress(address.email, session.value?.username ?? "") || identities.value.some((i) => sameAddress(i.email, address.email));

// What a row says about a conversation.
export function summarise(message: Email, here: Id | undefined): Summary {
	const trash = byRole.value.trash?.id, junk = byRole.value.junk?.id;
	const all = messagesOf(message.threadId);
	const gone = (m: Email) => [trash, junk].some((id) => id !== undefined && id !== here && m.mailboxIds[id]);
	const messages = all.some((m) => m.id === message.id) ? all.filter((m) => m.id === message.id || !gone(m)) : [message];
	const sent = here !== undefined && (here === byRole.value.sent?.id || here === byRole.value.drafts?.id);
	const face = sent ? message.to?.[0] ?? null : [...messages].reverse().map((m) => m.from?.[0]).find((a) => a && !isMe(a)) ?? message.from?.[0] ?? null;
	return {
		message,
		messages,
		unread: messages.some((m) => !m.keywords.$seen),
		starred: messages.some((m) => m.keywords.$flagged),
		answered: message.keywords.$answered === true,
		attachment: messages.some((m) => m.hasAttachment),
		draft: messages.some((m) => m.keywords.$draft),
		who: sent ? recipients(message) : participants(messages),
		face,
	};
}

function recipients(message: Email): string {
	const names = enumerate((message.to ?? []).map(nameOf));
	return names ? t("list.to", { names }) : t("list.nobody");
}

// Maja Olsen, me: one by the whole name, several by short ones, each once.
function participants(messages: Email[]): string {
	const people = new Map<string, Address>();
	for (const message of messages)
		for (const address of message.keywords.$draft ? [] : message.from ?? [])
			people.set(address.email.toLowerCase(), people.get(address.email.toLowerCase()) ?? address);
	const list = [...people.values()];
	if (list.length === 0)
		return t("list.draft");
	if (list.length === 1)
		return isMe(list[0]!) ? t("list.me") : nameOf(list[0]);
	const others = list.length > 2 ? list.map(shortNameOrMe) : [isMe(list[0]!) ? t("list.me") : nameOf(list[0]), shortNameOrMe(list[1]!)];
	return others.length > 4 ? `${others[0]} … ${enumerate(others.slice(-2))}` : enumerate(others);
}

const shortNameOrMe = (address: Address) => (isMe(address) ? t("list.me") : shortName(address));

const LABELS = 2; // by their names; of more only the colours

interface RowProps {
	index: number;
	id: Id | undefined;
	top: number;
	list: List;
}

export function Row({ index, id, top, list }: RowProps) {
	const message = id ? email(id).value : undefined;
	if (!message)
		return <div class="row waiting" role="row" aria-rowindex={index + 1} style={{ transform: `translateY(${top}px)` }}><span role="gridcell" /></div>;
	return <Loaded index={index} message={message} top={top} list={list} />;
}

function Loaded({ index, message, top, list }: { index: number; message: Email; top: number; list: List }) {
	const element = useRef<HTMLDivElement>(null);
	const row = summarise(message, list.query.mailboxId);
	const chosen = selection.value.has(message.id);
	const choosing = selection.value.size > 0;
	const open = openThreadId.value === message.threadId;
	const snippet = list.snippets.value.get(message.id);
	const words = list.query.search ? parse(list.query.search).words : [];
	const subject = message.subject || t("list.noSubject");
	const labels = [...new Set(row.messages.flatMap(labelsOf))].sort();
	const number = row.messages.filter((m) => !m.keywords.$draft).length;
	const several = number > 1;
	const swipe = useSwipe(element, isPhone.value, {
		toEnd: () => void messagesOfRows([message.id]).then(archive),
		toStart: () => void messagesOfRows([message.id]).then(moveToTrash),
	});

	const activate = (event: MouseEvent | KeyboardEvent) => {
		cursor.value = index;
		if (event.shiftKey)
			selectRange(anchorOf(list), index);
		else if (event.ctrlKey || event.metaKey)
			select(message.id, !chosen);
		else
			openRow(message);
	};
	const name = [
		row.unread && t("row.unread"), row.who, subject, listTime(message.receivedAt), several && t("row.messages", { n: number }),
		row.starred && t("row.starred"), row.answered && t("row.answered"), row.attachment && t("row.attachment"),
		...labels.map(labelTitle),
	].filter(Boolean).join(", ");

	return (
		<div ref={element} role="row" aria-rowindex={index + 1} aria-selected={chosen} data-id={message.id}
			class={`row ${row.unread ? "unread" : ""} ${open ? "open" : ""} ${chosen ? "chosen" : ""} ${choosing ? "choosing" : ""} ${
				fresh.value.has(message.id) ? "fresh" : ""}`}
			aria-label={name} tabIndex={cursor.value === index ? 0 : -1} style={{ transform: `translateY(${top}px)` }}
			draggable={!isPhone.value} onDragStart={(event) => startDrag(event, message.id)} onDragEnd={endDrag}
			onFocus={() => (cursor.value = index)}
			onKeyDown={(event) => {
				if (event.key === "Enter" && event.target === event.currentTarget) {
					event.preventDefault();
					activate(event);
				}
			}}
			onClick={activate} {...swipe}>
			<div class="row-face" role="gridcell">
				{row.unread && <span class="dot" />}
				<Avatar address={row.face} />
				<input type="checkbox" class="row-check" tabIndex={-1} checked={chosen} aria-label={`${t("list.select")}: ${subject}`}
					onClick={(event) => {
						event.stopPropagation();
						if (event.shiftKey)
							selectRange(anchorOf(list), index);
						else
							select(message.id, !chosen);
						cursor.value = index;
					}} />
			</div>
			<div class="row-text" role="gridcell">
				<div class="row-line">
					<span class="row-who" dir="auto">{row.who}</span>
					{several && <span class="row-number">{count(number)}</span>}
					{row.draft && list.query.mailboxId !== byRole.value.drafts?.id && <span class="row-draft">{t("list.draft")}</span>}
					<span class="spacer" />
					<time class="row-time" dateTime={message.receivedAt}>{listTime(message.receivedAt)}</time>
				</div>
				<div class="row-subject" dir="auto">
					{snippet?.subject ? <Snippet html={snippet.subject} /> : <Marked text={subject} words={words} />}
				</div>
				<div class="row-preview">
					{row.starred && <span class="row-star"><Icon name="star" filled /></span>}
					{row.attachment && <Icon name="paperclip" />}
					{row.answered && <Icon name="reply" />}
					{labels.slice(0, LABELS).map((label) => <span class="row-label" key={label}><LabelMark name={label} /><bdi>{labelTitle(label)}</bdi></span>)}
					{labels.slice(LABELS).map((label) => <LabelMark key={label} name={label} />)}
					<span class="row-words" dir="auto">
						{snippet?.preview ? <Snippet html={snippet.preview} /> : <Marked text={message.preview} words={words} />}
					</span>
				</div>
			</div>
			<div class="row-actions" role="gridcell">
				<RowButton icon="archive" label={t("do.archive")} run={() => void messagesOfRows([message.id]).then(archive)} />
				<RowButton icon="trash" label={t("do.delete")} run={() => void messagesOfRows([message.id]).then(moveToTrash)} />
				<RowButton icon="star" label={t(row.starred ? "do.unstar" : "do.star")} filled={row.starred}
					run={() => setStar(row.messages, !row.starred)} />
			</div>
		</div>
	);
}

function RowButton({ icon, label, run, filled }: { icon: "archive" | "trash" | "star"; label: string; run(): void; filled?: boolean }) {
	return <IconButton icon={icon} label={label} filled={filled} class={filled ? "starred" : ""} onClick={(event) => {
		event.stopPropagation();
		run();
	}} />;
}

// Where a range begins: the last row that was chosen, else the one the keyboard stands on.
function anchorOf(list: List): number {
	const last = [...selection.peek()].at(-1);
	const at = last ? list.ids.indexOf(last) : -1;
	return at >= 0 ? at : cursor.peek();
}

// A draft alone is opened for writing, everything else for reading.
export function openRow(message: Email): void {
	const alone = messagesOf(message.threadId).length < 2;
	if (message.keywords.$draft && alone)
		void editDraft(message.id);
	else
		openThread(message.threadId, openThreadId.peek() !== null && !isPhone.peek());
}
