// Messages that the server holds until their time has come (RFC 8621, 7; RFC 4865).

import { signal } from "@preact/signals";
import { Batch, Refused, SUBMISSION, call, has } from "../jmap/client.ts";
import type { Email, Id } from "../jmap/types.ts";
import { LIST_PROPERTIES, putEmails } from "./emails.ts";
import { byRole } from "./mailboxes.ts";

export interface Scheduled {
	submissionId: Id;
	sendAt: string;
	message: Email;
}

export const scheduled = signal<Scheduled[]>([]);

// What leaves within the time of an undo is not shown here.
const SOON = 60_000;

export async function loadScheduled(): Promise<void> {
	if (!has(SUBMISSION))
		return;
	const batch = new Batch();
	const query = batch.call("EmailSubmission/query", { filter: { undoStatus: "pending" }, sort: [{ property: "sentAt", isAscending: true }], limit: 100 });
	const get = batch.call("EmailSubmission/get", { "#ids": query.ref("/ids"), properties: ["id", "emailId", "sendAt", "undoStatus"] });
	const emails = batch.call("Email/get", { "#ids": get.ref("/list/*/emailId"), properties: LIST_PROPERTIES });
	const answers = await batch.send().catch(() => null);
	const list: { id: Id; emailId: Id; sendAt: string; undoStatus: string }[] = answers?.maybe(get)?.list ?? [];
	const messages: Email[] = answers?.maybe(emails)?.list ?? [];
	putEmails(messages);
	scheduled.value = list
		.filter((s) => s.undoStatus === "pending" && Date.parse(s.sendAt) > Date.now() + SOON)
		.flatMap((s) => {
			const message = messages.find((m) => m.id === s.emailId);
			return message ? [{ submissionId: s.id, sendAt: s.sendAt, message }] : [];
		})
		.sort((a, b) => a.sendAt.localeCompare(b.sendAt));
}

// cancel(): the message does not leave and is a draft again. Throws if it has left.
export async function cancel(submissionId: Id): Promise<void> {
	const answer = await call("EmailSubmission/set", {
		update: { [submissionId]: { undoStatus: "canceled" } },
		onSuccessUpdateEmail: {
			[submissionId]: {
				[`mailboxIds/${byRole.peek().sent!.id}`]: null,
				[`mailboxIds/${byRole.peek().drafts!.id}`]: true,
				"keywords/$draft": true,
			},
		},
	});
	const refused = answer.notUpdated?.[submissionId];
	if (refused)
		throw new Refused(refused.type, refused.description);
}
