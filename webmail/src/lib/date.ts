// Times as people read them in a list and above a message.

import { computed } from "@preact/signals";
import { language } from "../text/text.ts";

const formats = computed(() => {
	const { locale } = language.value;
	const as = (how: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(locale, how);
	return {
		clock: as({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" }),
		weekday: as({ weekday: "short" }),
		dayMonth: as({ day: "numeric", month: "short" }),
		dayMonthYear: as({ day: "numeric", month: "short", year: "numeric" }),
		full: as({ dateStyle: "full", timeStyle: "short" }),
		relative: new Intl.RelativeTimeFormat(locale, { numeric: "auto" }),
	};
});

const midnight = (date: Date) => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

// How many midnights lie between; not affected by the hour that daylight saving adds or takes.
const daysAgo = (date: Date, now: Date) => Math.round((midnight(now) - midnight(date)) / 86_400_000);

const dayOf = (date: Date, now: Date) =>
	formats.value[date.getFullYear() === now.getFullYear() ? "dayMonth" : "dayMonthYear"].format(date);

// 10:42, Yesterday, Sat, 20 Nov, 20 Nov 2024
export function listTime(iso: string, now = new Date()): string {
	const date = new Date(iso);
	if (isNaN(date.getTime()))
		return "";
	const days = daysAgo(date, now);
	if (days === 0)
		return formats.value.clock.format(date);
	if (days === 1)
		return capital(formats.value.relative.format(-1, "day"));
	if (days > 1 && days < 7)
		return formats.value.weekday.format(date);
	return dayOf(date, now);
}

// Today 10:42, Yesterday 09:15, Sat 17:20, 20 Nov 08:03, 20 Nov 2024 08:03
export function messageTime(iso: string, now = new Date()): string {
	const date = new Date(iso);
	if (isNaN(date.getTime()))
		return "";
	const days = daysAgo(date, now);
	const day = days === 0 || days === 1 || days === -1 ? capital(formats.value.relative.format(-days, "day"))
		: days > 1 && days < 7 ? formats.value.weekday.format(date)
		: dayOf(date, now);
	return `${day} ${formats.value.clock.format(date)}`;
}

export function fullTime(iso: string): string {
	const date = new Date(iso);
	return isNaN(date.getTime()) ? "" : formats.value.full.format(date);
}

export const clockTime = (date: Date) => formats.value.clock.format(date);
