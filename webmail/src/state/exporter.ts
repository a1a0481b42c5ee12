// Messages and attachments as files. A whole folder is the server's to write; some messages become an archive here.

import { signal } from "@preact/signals";
import { call, downloadUrl, loadSession } from "../jmap/client.ts";
import type { BodyPart, Email } from "../jmap/types.ts";
import { Zip, ZipFull, safeName } from "../lib/zip.ts";
import { t } from "../text/text.ts";
import "../text/settings.ts";
import { dismiss, tell } from "./notices.ts";

const AT_ONCE = 3;

export const exporting = signal(false);

export function save(blob: Blob, name: string): void {
	const link = document.createElement("a");
	link.href = URL.createObjectURL(blob);
	link.download = name;
	link.click();
	// The browser has begun to read it by then.
	setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

async function fetchBlob(blobId: string, name: string, type: string): Promise<Uint8Array<ArrayBuffer>> {
	const response = await fetch(downloadUrl(blobId, name, type), { credentials: "same-origin" });
	if (response.status === 401)
		await loadSession();
	if (!response.ok)
		throw new Error(t("export.failed", { name }));
	return new Uint8Array(await response.arrayBuffer());
}

interface Wanted {
	blobId: string;
	name: string;
	type: string;
	date: Date;
}

// Fetches some files at a time, and keeps their order.
async function pack(wanted: Wanted[], name: string): Promise<void> {
	if (exporting.peek())
		return;
	exporting.value = true;
	const zip = new Zip();
	const note = tell(t("export.running", { n: wanted.length }), { seconds: 3600 });
	try {
		for (let at = 0; at < wanted.length; at += AT_ONCE) {
			const part = wanted.slice(at, at + AT_ONCE);
			const contents = await Promise.all(part.map((one) => fetchBlob(one.blobId, one.name, one.type)));
			part.forEach((one, n) => zip.add(one.name, contents[n]!, one.date));
		}
		save(zip.finish(), safeName(`${name}.zip`));
		dismiss(note);
	} catch (error) {
		tell(error instanceof ZipFull ? t("export.large") : (error as Error).message || t("offline.short"), { bad: true });
	}
	exporting.value = false;
}

const fileOf = (message: Email) => safeName(`${message.subject || t("list.noSubject")}.eml`);

// One as it is, several in an archive.
export async function exportMessages(messages: Email[]): Promise<void> {
	const missing = messages.filter((m) => !m.blobId).map((m) => m.id);
	const blobs = new Map(messages.filter((m) => m.blobId).map((m) => [m.id, m.blobId!]));
	try {
		for (let at = 0; at < missing.length; at += 500)
			for (const m of (await call("Email/get", { ids: missing.slice(at, at + 500), properties: ["id", "blobId"] })).list)
				blobs.set(m.id, m.blobId);
	} catch (error) {
		tell((error as Error).message || t("offline.short"), { bad: true });
		return;
	}
	const there = messages.filter((m) => blobs.has(m.id));
	if (there.length === 1) {
		const link = document.createElement("a");
		link.href = downloadUrl(blobs.get(there[0]!.id)!, fileOf(there[0]!), "message/rfc822");
		link.download = fileOf(there[0]!);
		link.click();
		return;
	}
	await pack(there.map((m) => ({ blobId: blobs.get(m.id)!, name: fileOf(m), type: "message/rfc822", date: new Date(m.receivedAt) })), t("export.name"));
}

export async function saveAttachments(message: Email, parts: BodyPart[]): Promise<void> {
	const wanted = parts.filter((part) => part.blobId).map((part) => ({
		blobId: part.blobId!, name: part.name || (part.type === "message/rfc822" ? t("reader.forwardedMail") : t("reader.unnamed")),
		type: part.type, date: new Date(message.receivedAt),
	}));
	await pack(wanted, message.subject || t("reader.unnamed"));
}
