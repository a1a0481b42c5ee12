// What the server has of accounts besides JMAP: signing up, the first administrator, passwords.

import { type Catalogue, texts } from "../text/text.ts";

const sentences: Catalogue = {};
const inWords = texts(sentences, "server");

// What the server says is English; a language may have its own words for it.
function told(detail: string): string {
	const number = /\d+/.exec(detail)?.[0];
	return number ? inWords(detail.replace(number, "{n}"), { n: Number(number) }) : inWords(detail);
}

const HEADERS = { "Content-Type": "application/json", "X-Postern": "1" };

// `detail` is the server's text for people, `type` says which field it is about.
export interface Problem {
	status: number;
	type: string;
	detail: string;
}

export class Refusal extends Error {
	constructor(readonly problem: Problem) {
		super(problem.detail);
	}
}

export async function ask<T>(method: string, path: string, body?: unknown): Promise<T> {
	const response = await fetch(path, {
		method, credentials: "same-origin", cache: "no-store", headers: HEADERS,
		body: body === undefined ? undefined : JSON.stringify(body),
	});
	const text = await response.text();
	const root = text === "" ? null : JSON.parse(text);
	if (!response.ok)
		throw new Refusal({ status: response.status, type: root?.type ?? "", detail: told(root?.detail ?? `HTTP ${response.status}`) });
	return root;
}

export interface SignUp {
	domains: { name: string; mode: "open" | "approval" }[];
	invites: boolean;
	invite: { domain: string } | null;
	passwordLeast: number;
	terms: string | null;
	challenge: string;
	work: number;
}

export interface AppPassword {
	id: string;
	name: string;
	scopes: string[];
	created: number; // seconds since 1970
	used: number | null;
	password?: string; // only when it was just made
	token?: string; // the same, with the user, for programs that want one word
}

export interface AppPasswords {
	appPasswords: AppPassword[];
	required: boolean;
}

export interface Passkey {
	id: string;
	name: string;
	created: number; // seconds since 1970
	used: number | null;
}

// What one signs in with besides the password.
export interface Factors {
	isOn: boolean; // the password alone is not enough
	totp: { created: number; used: number | null } | null; // an authenticator app
	recoveryCodes: number; // that are left
	passkeys: Passkey[];
	passkeysAsked: boolean; // they are asked for after the password
	canPasskey: boolean; // the way by which we reach the server allows passkeys
}
