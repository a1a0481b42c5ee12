// Who is signed in, as the server knows them. Not JMAP: a server without it answers 404, and nobody is an administrator.

import { signal } from "@preact/signals";
import { ask } from "../jmap/account.ts";

export const isAdmin = signal(false);

export async function loadMe(): Promise<void> {
	const me = await ask<{ isAdmin?: boolean }>("GET", "/web/me").catch(() => null);
	isAdmin.value = me?.isAdmin === true;
}
