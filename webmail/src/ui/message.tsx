// One message of a conversation.

import { useSignal } from "@preact/signals";
import type { Address, BodyPart, Email } from "../jmap/types.ts";
import { SIEVE, downloadUrl, has } from "../jmap/client.ts";
import { nameOf, shortName, written } from "../lib/address.ts";
import { warningsOf } from "../lib/auth.ts";
import { fullTime, listTime, messageTime } from "../lib/date.ts";
import { splitQuote } from "../lib/quote.ts";
import { fileSize } from "../lib/size.ts";
import { setStar } from "../state/actions.ts";
import { bodyHtml, bodyText, compose, editDraft, forward, reply } from "../state/compose.ts";
import { ask } from "../state/notices.ts";
import { isPhone } from "../state/settings.ts";
import { enumerate, t } from "../text/text.ts";
import { HtmlBody } from "./frame.tsx";
import { Icon } from "./icons.tsx";
import { openMenu } from "./menu.tsx";
import { Avatar, Button, IconButton } from "./parts.tsx";
import { PlainText } from "./plaintext.tsx";
import { isMe } from "./row.tsx";

const who = (address: Address) => (isMe(address) ? t("reader.me") : shortName(address));

export function Message({ message, open, toggle, only }: { message: Email; open: boolean; toggle(): void; only: boolean }) {
	const details = useSignal(false);
	const from = message.from?.[0];
	const draft = message.keywords.$draft === true;
	const sender = draft ? t("list.draft") : from && isMe(from) ? t("list.me").replace(/^./, (c) => c.toUpperCase()) : nameOf(from);
	const starred = message.keywords.$flagged === true;
	const to = [...(message.to ?? []), ...(message.cc ?? [])];

	if (!open)
		return (
			<article class={`message closed ${message.keywords.$seen ? "" : "unread"}`}>
				<button type="button" class="message-head" aria-expanded={false} onClick={draft ? () => void editDraft(message.id) : toggle}>
					<Avatar address={from} />
					<span class="message-who">
						<h2 class={draft ? "draft" : ""}><bdi>{sender}</bdi></h2>
						<span class="message-line" dir="auto">{message.preview}</span>
					</span>
					{message.hasAttachment && <Icon name="paperclip" />}
					{starred && <span class="row-star"><Icon name="star" filled /></span>}
					<time dateTime={message.receivedAt}>{(isPhone.value ? listTime : messageTime)(message.receivedAt)}</time>
				</button>
			</article>
		);
	const more = (event: MouseEvent) => openMenu(event.currentTarget as Element, t("do.more"), [
		{ label: t("do.replyAll"), icon: <Icon name="replyAll" />, run: () => void reply(message.id, true) },
		{ label: t("do.forward"), icon: <Icon name="forward" />, run: () => void forward(message.id) },
		...(has(SIEVE) && !draft ? [{
			label: t("reader.filter"), icon: <Icon name="filter" />, run: () => void import("./filterlike.ts").then((m) => m.filterLike(message)),
		}] : []),
		{ label: t("reader.print"), icon: <Icon name="file" />, run: () => setTimeout(() => print()) },
		...(message.blobId ? [{ label: t("reader.source"), icon: <Icon name="download" />, run: () => saveSource(message) }] : []),
	]);
	return (
		<article class="message">
			<div class="message-head">
				<Avatar address={from} />
				<div class="message-who">
					<h2 class={draft ? "draft" : ""}>
						{only ? <bdi>{sender}</bdi> : <button type="button" class="bare" dir="auto" aria-expanded={true} onClick={toggle}>{sender}</button>}
						{from && !isMe(from) && from.name && <bdi class="message-address">{from.email}</bdi>}
					</h2>
					{leaving(message) && <button type="button" class="unsubscribe" onClick={() => void unsubscribe(message)}>{t("reader.unsubscribe")}</button>}
					<button type="button" class="message-to" aria-expanded={details.value} title={t(details.value ? "reader.details.hide" : "reader.details")}
						onClick={() => (details.value = !details.value)}>
						<span>{t("reader.to", { names: to.length ? enumerate(to.map(who)) : t("list.nobody") })}</span>
						<Icon name="chevronDown" />
					</button>
				</div>
				<time dateTime={message.receivedAt} title={fullTime(message.receivedAt)}>
					{(isPhone.value ? listTime : messageTime)(message.receivedAt)}</time>
				{draft
					? <Button onClick={() => void editDraft(message.id)}>{t("reader.editDraft")}</Button>
					: <>
						<IconButton icon="star" filled={starred} class={starred ? "starred" : ""} label={t(starred ? "do.unstar" : "do.star")}
							onClick={() => setStar([message], !starred)} />
						<IconButton icon="reply" class="not-phone" label={t("do.reply")} onClick={() => void reply(message.id, false)} />
						<IconButton icon="more" label={t("do.more")} expanded={false} onClick={more} />
					</>}
			</div>
			{details.value && <Details message={message} />}
			<div class="message-body">
				<Warnings message={message} />
				{message.bodyValues ? <Body message={message} /> : <div class="body-loading" role="status" aria-label={t("reader.loading")} />}
				<Attachments message={message} />
			</div>
		</article>
	);
}

// How one gets off the list that sent it (RFC 2369): a page of theirs, else a message to them.
function leaving(message: Email): string | undefined {
	const urls = message["header:List-Unsubscribe:asURLs"] ?? [];
	return urls.find((url) => /^https:\/\//i.test(url)) ?? urls.find((url) => /^mailto:/i.test(url));
}

async function unsubscribe(message: Email): Promise<void> {
	const url = leaving(message)!;
	if (/^mailto:/i.test(url)) {
		const [address, query] = url.slice(7).split("?");
		void compose([{ name: null, email: decodeURIComponent(address ?? "") }], new URLSearchParams(query).get("subject") ?? "unsubscribe");
	} else if (await ask(t("reader.unsubscribe.ask", { host: new URL(url).host }), t("reader.unsubscribe"))) {
		window.open(url, "_blank", "noopener,noreferrer");
	}
}

function saveSource(message: Email): void {
	const link = document.createElement("a");
	link.href = downloadUrl(message.blobId!, `${(message.subject || "message").replace(/[^\p{L}\p{N} ._-]+/gu, "_").slice(0, 80)}.eml`, "message/rfc822");
	link.download = "";
	link.click();
}

function Details({ message }: { message: Email }) {
	const line = (label: string, list: Address[] | null | undefined) => list?.length ? (
		<>
			<dt>{label}</dt>
			<dd dir="auto">{list.map(written).join(", ")}</dd>
		</>
	) : null;
	return (
		<dl class="details">
			{line(t("reader.from"), message.from)}
			{line(t("reader.replyTo"), message.replyTo)}
			{line(t("compose.to"), message.to)}
			{line(t("compose.cc"), message.cc)}
			{line(t("compose.bcc"), message.bcc)}
			<dt>{t("reader.date")}</dt>
			<dd><time dateTime={message.sentAt ?? message.receivedAt}>{fullTime(message.sentAt ?? message.receivedAt)}</time></dd>
			<dt>{t("compose.subject")}</dt>
			<dd dir="auto">{message.subject}</dd>
		</dl>
	);
}

function Warnings({ message }: { message: Email }) {
	const { name, failed } = warningsOf(message);
	return (
		<>
			{name && <Warning text={t("warn.name", { shown: name, real: message.from?.[0]?.email ?? "" })} />}
			{failed.length > 0 && <Warning text={t("warn.failed", { what: failed.join(", ") })} />}
		</>
	);
}

const Warning = ({ text }: { text: string }) => (
	<p class="banner warning"><Icon name="warn" /><span>{text}</span></p>
);

function Body({ message }: { message: Email }) {
	const html = bodyHtml(message);
	const truncated = Object.values(message.bodyValues ?? {}).some((v) => v.isTruncated);
	return (
		<>
			{html ? <HtmlBody message={message} html={html} /> : <TextBody text={bodyText(message)} />}
			{truncated && (
				<p class="banner">
					<span>{t("reader.truncated")}</span>
					<Button kind="plain" onClick={() => saveSource(message)}>{t("reader.truncated.all")}</Button>
				</p>
			)}
		</>
	);
}

// In which language it is, nobody has said: not in that of the page.
function TextBody({ text }: { text: string }) {
	const { own, quoted } = splitQuote(text);
	return (
		<div class="plain" dir="auto" lang="">
			<PlainText text={own} />
			{quoted && (
				<details class="quoted">
					<summary aria-label={t("reader.quote")} title={t("reader.quote")}>…</summary>
					<PlainText text={quoted} />
				</details>
			)}
		</div>
	);
}

// Types that a browser shows without running anything of them; the server sends all others as downloads anyway.
const SHOWN = /^(image\/(png|jpeg|gif|webp)|application\/pdf)$/i;

function attachmentsOf(message: Email): BodyPart[] {
	const html = bodyHtml(message);
	return (message.attachments ?? []).filter((p) => !(p.cid && p.disposition !== "attachment" && html.includes(`cid:${p.cid}`)));
}

function Attachments({ message }: { message: Email }) {
	const parts = attachmentsOf(message);
	if (parts.length === 0)
		return null;
	return (
		<>
			<ul class="attachments" aria-label={t("reader.attachments", { n: parts.length })}>
				{parts.map((part) => <AttachmentCard key={part.blobId ?? part.partId} part={part} />)}
			</ul>
			{parts.length > 1 && (
				<p><Button onClick={() => void import("../state/exporter.ts").then((e) => e.saveAttachments(message, parts))}>
					<Icon name="download" />{t("reader.downloadAll")}</Button></p>
			)}
		</>
	);
}

function AttachmentCard({ part }: { part: BodyPart }) {
	const name = part.name || (part.type === "message/rfc822" ? t("reader.forwardedMail") : t("reader.unnamed"));
	const url = downloadUrl(part.blobId ?? "", name, part.type);
	const ending = (/\.([\p{L}\p{N}]{1,4})$/u.exec(name)?.[1] ?? part.type.split("/")[1] ?? "").slice(0, 4).toUpperCase();
	const image = /^image\/(png|jpeg|gif|webp)$/i.test(part.type) && part.size < 5_000_000;
	const shown = SHOWN.test(part.type);
	return (
		<li class="attachment">
			<a class="attachment-main" href={shown ? `${url}${url.includes("?") ? "&" : "?"}show=1` : url} target="_blank" rel="noopener" download={shown ? undefined : name}
				title={t(shown ? "reader.preview" : "reader.download", { name })}>
				{image ? <img src={url} alt="" loading="lazy" /> : <span class={`attachment-type ${ending === "PDF" ? "pdf" : ""}`}>{ending || "…"}</span>}
				<span class="attachment-text">
					<bdi class="attachment-name">{name}</bdi>
					<bdi class="attachment-size">{fileSize(part.size)}</bdi>
				</span>
			</a>
			<a class="icon-button" href={url} download={name} aria-label={t("reader.download", { name })} title={t("reader.download", { name })}>
				<Icon name="download" />
			</a>
		</li>
	);
}

