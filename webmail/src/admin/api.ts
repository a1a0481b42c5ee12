// What administrators ask the server: paths below /web/admin, and what posternctl asks (POST /web/admin/request).

import { signal } from "@preact/signals";
import { ended } from "../jmap/client.ts";
import { Refusal, ask as askOnce } from "../jmap/account.ts";
import { t } from "../text/admin.ts";

const wait = (ms: number) => new Promise((wake) => setTimeout(wake, ms));

// The question who sits there, while it is asked: a session alone does not do everything. See confirm.tsx.
export const asked = signal<{ answer(shown: boolean): void } | null>(null);
let asking: Promise<boolean> | null = null;

// Resolves to whether they have shown it; those who ask at the same time share one question.
function confirmed(): Promise<boolean> {
	asking ??= new Promise<boolean>((answer) => {
		asked.value = { answer };
	}).finally(() => {
		asked.value = null;
		asking = null;
	});
	return asking;
}

// The server lets only few administrators ask at once: then it says 503, and one comes again. So one does when it wants a password.
export async function ask<T>(method: string, path: string, body?: unknown): Promise<T> {
	for (let tries = 0; ; tries++) {
		try {
			return await askOnce<T>(method, path, body);
		} catch (error) {
			if (error instanceof Refusal && error.problem.status === 401)
				ended.value = true;
			if (error instanceof Refusal && error.problem.type === "urn:postern:confirm" && await confirmed())
				continue;
			if (!(error instanceof Refusal && error.problem.status === 503) || tries === 3)
				throw error;
			await wait(300 + 500 * tries);
		}
	}
}

export interface Answer<T> {
	items: T[];
	more: boolean; // there was too much to tell
}

// One after the other.
let last: Promise<unknown> = Promise.resolve();

export function request<T>(name: string, members: object = {}): Promise<Answer<T>> {
	const next = last.then(() => ask<Answer<T>>("POST", "/web/admin/request", { request: name, ...members }));
	last = next.catch(() => undefined);
	return next;
}

export const whyNot = (error: unknown): string => error instanceof Refusal ? error.problem.detail : t("failed");
export const isMissing = (error: unknown): boolean => error instanceof Refusal && error.problem.status === 404;

export interface User {
	user: string;
	name: string;
	enabled: boolean;
	isAdmin: boolean;
	isPending: boolean;
	onHold: boolean;
	appOnly: boolean;
	quotaBytes: number; // -1: as configured; 0: none
	quotaMessages: number;
	created: number;
	factors?: { isOn: boolean; hasTotp: boolean; passkeys: number };
	usage?: { bytes: number; messages: number; limit_bytes: number; limit_messages: number };
}

export interface Link {
	code: string;
	expires: number; // seconds since 1970
}

export interface Domain {
	domain: string;
	configured: boolean;
	signup: "closed" | "invite" | "open" | "approval";
}

export const domains = () => ask<{ domains: Domain[] }>("GET", "/web/admin/domains").then((answer) => answer.domains);
