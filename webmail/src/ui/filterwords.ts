// Filters in words.

import type { Action, Condition, Doing, How, Rule } from "../lib/rules.ts";
import { isAddress } from "../lib/rules.ts";
import { mailboxNamed } from "../state/filters.ts";
import { pathOf } from "../state/mailboxes.ts";
import { labelTitle } from "../state/remembered.ts";
import { type Key, count, language, t } from "../text/text.ts";
import type { IconName } from "./icons.tsx";

const joined = (parts: string[], type: "conjunction" | "disjunction") => new Intl.ListFormat(language.value.locale, { type }).format(parts);

const sizeWords = (value: string) => `${count(parseInt(value, 10))} ${value.endsWith("M") ? "MB" : "KB"}`;

// What a choice in the form is called: of an address it is said that it is one.
export const howTitle = (condition: Condition, how: How) => {
	if (condition.field === "attachment" || condition.field === "size")
		return t(`filters.${condition.field}.${how}` as Key);
	return t((isAddress(condition.field) && how !== "contains" && how !== "lacks" ? `filters.address.${how}` : `filters.how.${how}`) as Key);
};

export function conditionWords(condition: Condition): string {
	const { field, how, value, header } = condition;
	if (field === "attachment")
		return t(how === "exists" ? "filters.words.attachment" : "filters.words.noAttachment");
	if (field === "size")
		return t(how === "over" ? "filters.words.over" : "filters.words.under", { size: sizeWords(value) });
	const what = field === "header" ? header || t("filters.field.header") : t(`filters.field.${field}` as Key);
	if (how === "exists" || how === "missing")
		return t(how === "exists" ? "filters.words.exists" : "filters.words.missing", { what });
	return t("filters.words", { what, how: t(`filters.how.${how}` as Key), value });
}

export function conditionsWords(rule: Rule): string {
	if (rule.match === "every")
		return t("filters.match.every");
	return joined(rule.if.map(conditionWords), rule.match === "any" ? "disjunction" : "conjunction");
}

// A folder as people know it; one that is not there by its name in the script.
export function folderTitle(name: string): string {
	const mailbox = mailboxNamed(name);
	return mailbox ? pathOf(mailbox) : name.replaceAll("/", " / ");
}

export function actionWords({ do: doing, value }: Action): string {
	const what = doing === "move" || doing === "copy" ? folderTitle(value) : doing === "label" ? labelTitle(value) : value;
	return t(`filters.words.do.${doing}` as Key, { what });
}

export const ACTION_ICONS: Record<Doing, IconName> = {
	move: "folder", copy: "copy", label: "label", read: "read", star: "star", forward: "forward", trash: "trash", discard: "close",
};

// What a filter is called that nobody has given a name.
export const nameFor = (rule: Rule) => conditionsWords(rule).slice(0, 200);

// All of it, for who listens.
export const ruleWords = (rule: Rule) => [conditionsWords(rule), ...rule.then.map(actionWords)].join(", ");

// Folders that a rule names and that are not there.
export const missingFolders = (rule: Rule) =>
	[...new Set(rule.then.filter((one) => ["move", "copy", "trash"].includes(one.do) && !mailboxNamed(one.value)).map((one) => one.value))];
