// A filter for messages like one: by the list it came from, else by who has sent it.

import { call } from "../jmap/client.ts";
import type { Email } from "../jmap/types.ts";
import type { Condition } from "../lib/rules.ts";
import { bareSubject } from "../lib/quote.ts";
import { newRule } from "./filterparts.ts";
import { ruleOpen } from "../state/ui.ts";

const LIST = "header:List-Id:asText";

async function listOf(message: Email): Promise<string> {
	const answer = await call("Email/get", { ids: [message.id], properties: ["id", LIST] }).catch(() => null);
	const field = String(answer?.list[0]?.[LIST] ?? "");
	return /<([^<>\s]+)>\s*$/.exec(field)?.[1] ?? (/^\s*([\w.-]+)\s*$/.exec(field)?.[1] ?? "");
}

export async function filterLike(message: Email): Promise<void> {
	const list = await listOf(message);
	const from = message.from?.[0]?.email ?? "";
	const subject = bareSubject(message.subject).trim();
	const all: Condition[] = [
		...(list ? [{ field: "list", how: "is", value: list } as const] : []),
		...(from ? [{ field: "from", how: "is", value: from } as const] : []),
		...(subject ? [{ field: "subject", how: "contains", value: subject } as const] : []),
	];
	const [first, ...offers] = all;
	const rule = newRule();
	ruleOpen.value = { rule: first ? { ...rule, if: [first] } : rule, isNew: true, offers };
}
