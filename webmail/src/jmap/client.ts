// The way to the server: the session, and requests of several method calls (RFC 8620, 2 and 3).
//
//	const batch = new Batch();
//	const query = batch.call("Email/query", { filter, limit: 50 });
//	const get = batch.call("Email/get", { "#ids": query.ref("/ids") });
//	const answers = await batch.send();
//	answers.get(get).list

import { signal } from "@preact/signals";
import type { PasskeyRequest } from "../lib/webauthn.ts";
import type { Id, Session } from "./types.ts";

export const CORE = "urn:ietf:params:jmap:core";
export const MAIL = "urn:ietf:params:jmap:mail";
export const SUBMISSION = "urn:ietf:params:jmap:submission";
export const VACATION = "urn:ietf:params:jmap:vacationresponse";
export const QUOTA = "urn:ietf:params:jmap:quota";
export const SIEVE = "urn:ietf:params:jmap:sieve";

export const session = signal<Session | null>(null);
// The server no longer knows who we are; what is on the screen stays.
export const ended = signal(false);
export const online = signal(true);

export class SessionEnded extends Error {}
export class Unreachable extends Error {}

// The server understood a call and refused it (RFC 8620, 3.6.2), or the whole request (3.6.1).
export class Refused extends Error {
	constructor(readonly type: string, readonly description?: string | null) {
		super(description || type);
	}
}

// The URLs of a session object name the server as others see it. A page may only talk to its own origin.
export function ownUrl(url: string): string {
	const found = new URL(url, location.href);
	return location.origin + found.pathname + found.search;
}

// Every request carries this header, which no other site can send; the server then never makes the browser ask for a password.
const GUARD = { "X-Postern": "1" };

export async function request(url: string, init: RequestInit): Promise<Response> {
	let response: Response;
	try {
		response = await fetch(url, { credentials: "same-origin", cache: "no-store", ...init });
	} catch {
		online.value = false;
		throw new Unreachable();
	}
	if (response.status === 502 || response.status === 503 || response.status === 504) {
		online.value = false;
		throw new Unreachable();
	}
	online.value = true;
	if (response.status === 401) {
		ended.value = true;
		throw new SessionEnded();
	}
	return response;
}

export async function loadSession(): Promise<Session> {
	const response = await request("/.well-known/jmap", { method: "GET", headers: { Accept: "application/json", ...GUARD } });
	if (!response.ok)
		throw new Refused(`HTTP ${response.status}`);
	const loaded = await response.json() as Session;
	session.value = loaded;
	ended.value = false;
	return loaded;
}

export type LoginResult = "ok" | "wrong" | "slow" | "failed";

// The password was right, and more is asked for. `passkey` is what the browser's passkeys are to be given.
export interface SecondStep {
	ticket: string;
	kinds: ("totp" | "passkey" | "recovery")[];
	passkey: PasskeyRequest | null;
}

export async function login(user: string, password: string): Promise<LoginResult | SecondStep> {
	let response: Response;
	try {
		response = await fetch("/web/login", {
			method: "POST",
			credentials: "same-origin",
			headers: { "Content-Type": "application/json", ...GUARD },
			body: JSON.stringify({ user, password }),
		});
	} catch {
		return "failed";
	}
	if (response.ok)
		return "ok";
	const problem = await response.json().catch(() => ({}));
	if (problem.ticket)
		return problem;
	return response.status === 401 ? "wrong" : response.status === 429 ? "slow" : "failed";
}

export async function logout(): Promise<void> {
	await fetch("/web/logout", {
		method: "POST",
		credentials: "same-origin",
		headers: { "Content-Type": "application/json", ...GUARD },
		body: "{}",
	}).catch(() => undefined);
}

// Where this account is signed in. Not JMAP: a server without it answers 404, and there is nothing to show.
export interface WebSession {
	id: string;
	peer: string;
	agent: string;
	created: number; // seconds since 1970
	used: number;
	isThis: boolean;
}

export async function listSessions(): Promise<WebSession[]> {
	const response = await request("/web/sessions", { method: "GET", headers: GUARD });
	return response.ok ? (await response.json()).sessions : [];
}

export async function endSession(id: string): Promise<void> {
	await request(`/web/sessions/${encodeURIComponent(id)}`, { method: "DELETE", headers: GUARD });
}

export function has(capability: string): boolean {
	return session.value !== null && capability in session.value.capabilities;
}

export function accountId(): Id {
	return session.value?.primaryAccounts[MAIL] ?? "";
}

// limit(name): a limit of the core capability (RFC 8620, 2).
export function limit(name: string, otherwise: number): number {
	const value = session.value?.capabilities[CORE]?.[name];
	return typeof value === "number" && value > 0 ? value : otherwise;
}

// A call in a batch; ref() points into its answer (RFC 8620, 3.7).
export interface Call {
	id: string;
	ref(path: string): { resultOf: string; name: string; path: string };
}

export class Answers {
	constructor(private readonly responses: [string, any, string][]) {}

	// The answer to a call. Throws what the server said instead.
	get(call: Call): any {
		const found = this.responses.filter((r) => r[2] === call.id);
		const failure = found.find((r) => r[0] === "error");
		if (failure)
			throw new Refused(failure[1].type, failure[1].description);
		if (!found[0])
			throw new Refused("serverFail");
		return found[0][1];
	}

	// The same, but undefined if it was refused.
	maybe(call: Call): any {
		try {
			return this.get(call);
		} catch {
			return undefined;
		}
	}
}

export class Batch {
	private readonly calls: [string, object, string][] = [];

	call(name: string, args: object): Call {
		const id = `c${this.calls.length}`;
		this.calls.push([name, { accountId: accountId(), ...args }, id]);
		return { id, ref: (path) => ({ resultOf: id, name, path }) };
	}

	// With `leaving` it goes out even though the page is left at once; it must be small then.
	async send(leaving = false): Promise<Answers> {
		if (!session.value)
			throw new SessionEnded();
		const using = [CORE, MAIL, SUBMISSION, VACATION, QUOTA, SIEVE].filter(has);
		const post = () => request(ownUrl(session.value!.apiUrl), {
			method: "POST",
			headers: { "Content-Type": "application/json", Accept: "application/json", ...GUARD },
			body: JSON.stringify({ using, methodCalls: this.calls }),
			keepalive: leaving,
		});
		let response = await post();
		for (let tries = 1; !response.ok; tries++) {
			const problem = await response.json().catch(() => ({}));
			// Other windows and devices of the same user have requests under way.
			if (problem.limit === "maxConcurrentRequests" && tries < 8) {
				await new Promise((done) => setTimeout(done, 100 * tries));
				response = await post();
				continue;
			}
			throw new Refused(problem.type ?? `HTTP ${response.status}`, problem.detail);
		}
		const body = await response.json();
		return new Answers(body.methodResponses);
	}
}

// One call alone.
export async function call(name: string, args: object): Promise<any> {
	const batch = new Batch();
	const only = batch.call(name, args);
	return (await batch.send()).get(only);
}

// Where a blob can be had (RFC 8620, 6.2).
export function downloadUrl(blobId: Id, name: string, type: string): string {
	const values: Record<string, string> = { accountId: accountId(), blobId, name: name || "file", type };
	const template = session.value?.downloadUrl ?? "";
	return ownUrl(template.replace(/\{(\w+)\}/g, (_, key) => encodeURIComponent(values[key] ?? "")));
}
