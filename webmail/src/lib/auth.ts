// What the receiving server found out about the sender (RFC 8601), and names that pretend.

import type { Address, Email } from "../jmap/types.ts";

// The checks that failed, such as "DKIM, DMARC". Only the topmost field counts: it is our server's own. A message that
// passed DMARC is from whom it says, whatever else failed.
export function failedChecks(fields: string[] | undefined): string[] {
	const field = fields?.[0] ?? "";
	const result = (method: string) => new RegExp(`(?:^|[;\\s])${method}\\s*=\\s*([a-z]+)`, "i").exec(field)?.[1]?.toLowerCase();
	if (result("dmarc") === "pass")
		return [];
	return ["dmarc", "dkim", "spf"].filter((method) => result(method) === "fail").map((method) => method.toUpperCase());
}

// A display name that shows another address than the one the message comes from.
export function misleadingName(from: Address | null | undefined): string | null {
	const shown = /[^\s<>"'(),;:]+@[^\s<>"'(),;:]+\.[^\s<>"'(),;:]+/.exec(from?.name ?? "")?.[0];
	return from && shown && shown.toLowerCase() !== from.email.toLowerCase() ? shown : null;
}

export function warningsOf(email: Email): { name: string | null; failed: string[] } {
	return {
		name: misleadingName(email.from?.[0]),
		failed: failedChecks(email["header:Authentication-Results:asText:all"]),
	};
}

// Text of a link that names another host than the one it leads to.
export function misleadingLink(text: string, href: string): { shown: string; real: string } | null {
	const shown = /^\s*(?:https?:\/\/)?([\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)*\.\p{L}{2,})(?:[/:?#]\S*)?\s*$/iu.exec(text)?.[1]?.toLowerCase();
	if (!shown || !/^https?:/i.test(href) || !URL.canParse(href))
		return null;
	const real = new URL(href).hostname.toLowerCase();
	const bare = (host: string) => host.replace(/^www\./, "");
	return bare(shown) === bare(real) || bare(real).endsWith(`.${bare(shown)}`) ? null : { shown, real };
}
