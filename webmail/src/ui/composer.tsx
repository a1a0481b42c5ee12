// The composer: recipients, subject, text, attachments.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { fileSize } from "../lib/size.ts";
import { clockTime } from "../lib/date.ts";
import { close, discard, longestHold, send, titleOfDraft } from "../state/compose.ts";
import type { Attachment, Draft } from "../state/draft.ts";
import { online } from "../jmap/client.ts";
import { isPhone } from "../state/settings.ts";
import { identities } from "../state/start.ts";
import { t } from "../text/text.ts";
import { Editor } from "./editor.tsx";
import { Icon } from "./icons.tsx";
import { sendLater } from "./later.ts";
import { Button, IconButton } from "./parts.tsx";
import { Recipients } from "./recipients.tsx";
import { Toolbar } from "./toolbar.tsx";

export function Composer({ draft, inline }: { draft: Draft; inline: boolean }) {
	const more = useSignal(draft.cc.peek().length + draft.bcc.peek().length > 0);
	const dropping = useSignal(false);
	const root = useRef<HTMLDivElement>(null);
	const subject = useRef<HTMLInputElement>(null);
	const shape = draft.shape.value;

	// The keyboard goes to the first thing that is missing.
	useEffect(() => {
		if (inline)
			root.current!.scrollIntoView({ block: "nearest" });
		if (draft.to.peek().length === 0)
			root.current!.querySelector<HTMLInputElement>(".recipients input")?.focus();
		else if (draft.subject.peek() === "")
			subject.current?.focus();
		else
			draft.editor?.focus();
	}, []);

	const key = (event: KeyboardEvent) => {
		if (event.defaultPrevented)
			return;
		const control = event.ctrlKey || event.metaKey;
		if (control && event.key === "Enter")
			void send(draft);
		else if (control && event.shiftKey && /^[cb]$/i.test(event.key))
			more.value = true;
		else if (event.key === "Escape")
			void close(draft);
		else
			return;
		event.preventDefault();
		event.stopPropagation();
	};
	const drop = (event: DragEvent) => {
		dropping.value = false;
		if (!event.dataTransfer?.files.length)
			return;
		event.preventDefault();
		for (const file of event.dataTransfer.files)
			void draft.attach(file, false);
	};
	const title = titleOfDraft(draft);
	return (
		<div ref={root} class={`composer ${inline ? "inline" : shape} ${dropping.value ? "dropping" : ""}`} role="dialog" aria-label={title}
			onKeyDown={key} onDrop={drop}
			onDragOver={(event) => {
				if (event.dataTransfer?.types.includes("Files")) {
					event.preventDefault();
					dropping.value = true;
				}
			}}
			onDragLeave={(event) => {
				if (!root.current!.contains(event.relatedTarget as Node))
					dropping.value = false;
			}}>
			<div class="composer-head">
				<h2 dir="auto" onClick={() => shape === "small" && (draft.shape.value = "docked")}>{title}</h2>
				<span class="spacer" />
				{!isPhone.value && (
					<>
						{!inline && <IconButton icon="minus" label={t(shape === "small" ? "compose.restore" : "compose.minimise")}
							onClick={() => (draft.shape.value = shape === "small" ? "docked" : "small")} />}
						<IconButton icon="maximise" label={t(shape === "full" ? "compose.restore" : "compose.full")}
							onClick={() => (draft.shape.value = shape === "full" ? "docked" : "full")} />
					</>
				)}
				<IconButton icon="close" label={t("compose.close")} shortcut="Escape" onClick={() => void close(draft)} />
			</div>
			<div class="composer-main" hidden={shape === "small" && !inline}>
				{identities.value.length > 1 && (
					<label class="composer-field">
						<span>{t("compose.from")}</span>
						<select value={draft.identityId.value} onChange={(event) => {
							draft.identityId.value = event.currentTarget.value;
							draft.touch();
						}}>
							{identities.value.map((i) => <option key={i.id} value={i.id}>{i.name ? `${i.name} <${i.email}>` : i.email}</option>)}
						</select>
					</label>
				)}
				<Recipients label={t("compose.to")} people={draft.to} changed={() => draft.touch()}>
					{!more.value && <button type="button" class="cc-button" aria-keyshortcuts="Control+Shift+C" onClick={() => (more.value = true)}>
						{t("compose.cc")} {t("compose.bcc")}</button>}
				</Recipients>
				{more.value && <Recipients label={t("compose.cc")} people={draft.cc} changed={() => draft.touch()} />}
				{more.value && <Recipients label={t("compose.bcc")} people={draft.bcc} changed={() => draft.touch()} />}
				<label class="composer-field subject">
					<span class="visually-hidden">{t("compose.subject")}</span>
					<input ref={subject} type="text" dir={draft.subject.value ? "auto" : undefined} placeholder={t("compose.subject")} value={draft.subject.value} autocomplete="off"
						onInput={(event) => {
							draft.subject.value = event.currentTarget.value;
							draft.touch();
						}} />
				</label>
				{draft.problem.value && <p class="problem" role="alert">{draft.problem.value}</p>}
				<Editor draft={draft} />
				{draft.attachments.value.some((a) => !a.cid) && (
					<ul class="attachments" aria-label={t("reader.attachments", { n: draft.attachments.value.length })}>
						{draft.attachments.value.filter((a) => !a.cid).map((a) => <Attached key={a.key} attachment={a} draft={draft} />)}
					</ul>
				)}
				<div class="composer-foot">
					<Button kind="primary" aria-keyshortcuts="Control+Enter" onClick={() => void send(draft)}>{t("compose.send")}</Button>
					{longestHold() > 0 && <IconButton icon="clock" label={t("compose.later")} expanded={false}
						onClick={(event) => sendLater(draft, event.currentTarget as Element)} />}
					<Toolbar draft={draft} />
					<span class="spacer" />
					<SaveState draft={draft} />
					<IconButton icon="trash" label={t("compose.discard")} onClick={() => void discard(draft)} />
				</div>
			</div>
			{dropping.value && <div class="drop-here">{t("compose.drop")}</div>}
		</div>
	);
}

function SaveState({ draft }: { draft: Draft }) {
	const status = draft.status.value;
	const text = status.kind === "saving" ? t("compose.saving")
		: status.kind === "saved" ? t("compose.saved", { time: clockTime(status.at) })
		: status.kind === "failed" ? t("compose.notSaved", { why: status.why })
		: status.kind === "changed" && !online.value ? t("compose.unsaved") : "";
	return <span class={`save-state ${status.kind === "failed" ? "bad" : ""}`}>{text}</span>;
}

function Attached({ attachment, draft }: { attachment: Attachment; draft: Draft }) {
	const uploading = attachment.blobId === null;
	const ending = /\.([\p{L}\p{N}]{1,4})$/u.exec(attachment.name)?.[1]?.toUpperCase() ?? "";
	return (
		<li class="attachment">
			<span class="attachment-main">
				<span class={`attachment-type ${ending === "PDF" ? "pdf" : ""}`}>{ending || <Icon name="file" />}</span>
				<span class="attachment-text">
					<bdi class="attachment-name">{attachment.name}</bdi>
					{uploading
						? <progress max={1} value={attachment.progress} aria-label={attachment.name} />
						: <bdi class="attachment-size">{fileSize(attachment.size)}</bdi>}
				</span>
			</span>
			<IconButton icon="close" label={t(uploading ? "compose.attachment.cancel" : "compose.attachment.remove", { name: attachment.name })}
				onClick={() => draft.detach(attachment.key)} />
		</li>
	);
}
