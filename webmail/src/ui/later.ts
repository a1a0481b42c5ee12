// Choosing when a message shall be sent.

import { send, timeProblem } from "../state/compose.ts";
import type { Draft } from "../state/draft.ts";
import { askTime } from "../state/notices.ts";
import { t } from "../text/text.ts";
import { openMenu } from "./menu.tsx";

// The next day of the week (1: Monday) or in so many days, at that hour.
function at(days: number, hour: number): Date {
	const date = new Date();
	date.setDate(date.getDate() + days);
	date.setHours(hour, 0, 0, 0);
	return date;
}

export function sendLater(draft: Draft, opener: Element): void {
	const untilMonday = (8 - new Date().getDay()) % 7 || 7;
	const times: [string, Date][] = [
		[t("compose.later.hour"), new Date(Date.now() + 3_600_000)],
		[t("compose.later.tomorrow"), at(1, 8)],
		[t("compose.later.monday"), at(untilMonday, 8)],
	];
	openMenu(opener, t("compose.later"), [
		...times.filter(([, time]) => timeProblem(time) === null).map(([label, time]) => ({ label, run: () => void send(draft, time) })),
		{ label: t("compose.later.choose"), run: () => void askTime(t("compose.later.when"), t("compose.later")).then((time) => time && send(draft, time)) },
	]);
}
