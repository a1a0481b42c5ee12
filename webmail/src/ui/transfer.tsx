// Settings, Import and export: files into a folder, a folder into a file.

import { useSignal } from "@preact/signals";
import { useRef, useState } from "preact/hooks";
import type { Mailbox } from "../jmap/types.ts";
import { fileSize } from "../lib/size.ts";
import { type Progress, cancelImport, progress, startImport } from "../state/importer.ts";
import { newFolder } from "../state/folders.ts";
import { byRole, mailboxes, pathOf, titleOf } from "../state/mailboxes.ts";
import { goTo } from "../state/route.ts";
import { t } from "../text/text.ts";
import { Icon } from "./icons.tsx";
import { Button, Field } from "./parts.tsx";
import { Switch } from "./switch.tsx";

const all = () => [...mailboxes.value.values()].sort((a, b) => Number(b.role !== null) - Number(a.role !== null) || pathOf(a).localeCompare(pathOf(b)));

function FolderSelect({ value, set, label, make }: { value: string; set(id: string): void; label: string; make?: boolean }) {
	return (
		<div class="field-row">
			<Field label={label}>
				<select value={value} onChange={(event) => set(event.currentTarget.value)}>
					{all().map((m) => <option key={m.id} value={m.id}>{pathOf(m)}</option>)}
				</select>
			</Field>
			{make && <Button onClick={() => void newFolder(null).then((made) => made && set(made.id))}><Icon name="plus" />{t("nav.newFolder")}</Button>}
		</div>
	);
}

function Running({ now }: { now: Progress }) {
	const over = now.state !== "running" && now.state !== "waiting";
	return (
		<div class="import-progress">
			<p role="status">
				{now.state === "waiting" ? t("import.waiting") : now.state === "cancelled" ? t("import.cancelled") : now.state === "failed" ? now.why
					: over ? t("import.over", { folder: titleOf(now.folder) }) : t("import.running", { folder: titleOf(now.folder) })}
			</p>
			<progress max={Math.max(1, now.octets)} value={over && now.state === "done" ? Math.max(1, now.octets) : now.read} aria-label={t("import.progress")} />
			<p class="field-hint">
				{t("import.counts", { n: now.imported })}
				{now.skipped > 0 && ` · ${t("import.skipped", { n: now.skipped })}`}
				{now.failed > 0 && ` · ${t("import.failed", { n: now.failed })}`}
				{!over && ` · ${t("import.octets", { done: fileSize(now.read), all: fileSize(now.octets) })}`}
			</p>
			{now.failures.length > 0 && (
				<details open={over}>
					<summary>{t("import.failures", { n: now.failed })}</summary>
					<ul class="sessions">
						{now.failures.map((one, n) => (
							<li key={n}><span><bdi class="strong">{one.subject || one.file}</bdi>
								<span class="field-hint">{one.subject && `${one.file} · `}{one.why}</span></span></li>
						))}
					</ul>
				</details>
			)}
			<p class="save-line">
				{over
					? <>
						<Button kind="primary" onClick={() => goTo({ kind: "folder", id: now.folder.id })}>{t("deleted.go", { folder: titleOf(now.folder) })}</Button>
						<Button onClick={() => (progress.value = null)}>{t("import.more")}</Button>
					</>
					: <Button onClick={cancelImport}>{t("do.cancel")}</Button>}
			</p>
		</div>
	);
}

function Import() {
	const [files, setFiles] = useState<File[]>([]);
	const [folder, setFolder] = useState(byRole.value.inbox?.id ?? "");
	const [skipKnown, setSkip] = useState(true);
	const [markRead, setRead] = useState(true);
	const dropping = useSignal(false);
	const input = useRef<HTMLInputElement>(null);
	const now = progress.value;
	const target: Mailbox | undefined = mailboxes.value.get(folder);
	const add = (more: FileList | null | undefined) => setFiles([...files, ...(more ?? [])].filter((f, i, list) =>
		list.findIndex((o) => o.name === f.name && o.size === f.size && o.lastModified === f.lastModified) === i));
	return (
		<div class={`card ${dropping.value ? "dropping" : ""}`}
			onDragOver={(event) => {
				if (event.dataTransfer?.types.includes("Files")) {
					event.preventDefault();
					dropping.value = true;
				}
			}}
			onDragLeave={() => (dropping.value = false)}
			onDrop={(event) => {
				event.preventDefault();
				dropping.value = false;
				add(event.dataTransfer?.files);
			}}>
			<h3>{t("import.title")}</h3>
			{now ? <Running now={now} /> : (
				<>
					<p class="field-hint">{t("import.why")}</p>
					<p>
						<Button onClick={() => input.current!.click()}><Icon name="file" />{t("import.choose")}</Button>
						<input ref={input} type="file" multiple hidden aria-label={t("import.choose")} onChange={(event) => {
							add(event.currentTarget.files);
							event.currentTarget.value = "";
						}} />
					</p>
					{files.length > 0 && (
						<ul class="sessions" aria-label={t("import.files")}>
							{files.map((file) => (
								<li key={`${file.name} ${file.size} ${file.lastModified}`}>
									<span><bdi class="strong">{file.name}</bdi><span class="field-hint">{fileSize(file.size)}</span></span>
									<Button aria-label={t("compose.attachment.remove", { name: file.name })} onClick={() => setFiles(files.filter((f) => f !== file))}>
										<Icon name="close" />{t("do.remove")}
									</Button>
								</li>
							))}
						</ul>
					)}
					<FolderSelect label={t("import.into")} value={folder} set={setFolder} make />
					<Switch title={t("import.skip")} hint={t("import.skip.hint")} on={skipKnown} set={setSkip} />
					<Switch title={t("import.read")} hint={t("import.read.hint")} on={markRead} set={setRead} />
					<p>
						<Button kind="primary" disabled={files.length === 0 || !target} onClick={() => {
							startImport(files, target!, { skipKnown, markRead });
							setFiles([]);
						}}>{t("import.start")}</Button>
					</p>
				</>
			)}
		</div>
	);
}

function Export() {
	const [folder, setFolder] = useState(byRole.value.inbox?.id ?? "");
	const mailbox = mailboxes.value.get(folder);
	return (
		<div class="card">
			<h3>{t("export.title")}</h3>
			<p class="field-hint">{t("export.why")}</p>
			<FolderSelect label={t("export.folder")} value={folder} set={setFolder} />
			{mailbox && (
				<p class="save-line">
					<a class="button primary" href={`/web/export?mailbox=${encodeURIComponent(mailbox.id)}`} download={`${titleOf(mailbox)}.mbox`}>
						<Icon name="download" />{t("export.do")}
					</a>
					<span class="field-hint">{t("folders.messages", { n: mailbox.totalEmails })}</span>
				</p>
			)}
			<p class="field-hint">{t("export.some")}</p>
		</div>
	);
}

export function Transfer() {
	return (
		<section class="settings-section">
			<h2>{t("transfer.title")}</h2>
			<Import />
			<Export />
		</section>
	);
}
