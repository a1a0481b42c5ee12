// Mail that has just come: rows that light up once, the note above a list that was scrolled, desktop notifications.

import { signal } from "@preact/signals";
import type { Email, Id } from "../jmap/types.ts";
import { nameOf } from "../lib/address.ts";
import { t } from "../text/text.ts";
import { byRole } from "./mailboxes.ts";
import { go } from "./route.ts";
import { settings } from "./settings.ts";

export const fresh = signal<ReadonlySet<Id>>(new Set());
// How many came while the list was scrolled down.
export const above = signal(0);
export const scrolled = { value: false };

export function arrived(emails: Email[]): void {
	fresh.value = new Set(emails.map((e) => e.id));
	setTimeout(() => (fresh.value = new Set()), 1500);
	if (scrolled.value)
		above.value += emails.length;
	if (!settings.peek().notify || document.visibilityState === "visible" || Notification.permission !== "granted")
		return;
	for (const email of emails.slice(0, 3)) {
		const shown = new Notification(nameOf(email.from?.[0]), {
			body: email.subject || t("list.noSubject"), tag: email.id, icon: "/icon.svg",
		});
		shown.onclick = () => {
			window.focus();
			const inbox = byRole.peek().inbox;
			if (inbox)
				go({ page: "mail", place: { kind: "folder", id: inbox.id }, thread: email.threadId });
		};
	}
}
