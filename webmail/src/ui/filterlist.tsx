// The filters in their order, which can be changed: by dragging, by the arrow keys, by the menu.

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Rule } from "../lib/rules.ts";
import { change, saving } from "../state/filters.ts";
import { say, tell } from "../state/notices.ts";
import { ruleOpen } from "../state/ui.ts";
import { t } from "../text/text.ts";
import { copyOf } from "./filterparts.ts";
import { ACTION_ICONS, actionWords, conditionsWords, folderTitle, missingFolders } from "./filterwords.ts";
import { Icon } from "./icons.tsx";
import { openMenu } from "./menu.tsx";
import { IconButton } from "./parts.tsx";
import { LabelMark } from "./sidebar.tsx";

// Each of these can be done twice without harm, and does nothing to a list that no longer has the rule.
const placed = (id: string, at: number) => (rules: Rule[]) => {
	const one = rules.find((rule) => rule.id === id);
	const rest = rules.filter((rule) => rule.id !== id);
	return one ? [...rest.slice(0, at), one, ...rest.slice(at)] : rules;
};
const inserted = (one: Rule, at: number) => (rules: Rule[]) =>
	(rules.some((rule) => rule.id === one.id) ? rules : [...rules.slice(0, at), one, ...rules.slice(at)]);
const turned = (id: string, on: boolean) => (rules: Rule[]) => rules.map((rule) => (rule.id === id ? { ...rule, on } : rule));
const without = (id: string) => (rules: Rule[]) => rules.filter((rule) => rule.id !== id);

// What is dragged: from where, to where, how far it is from its place, and where the others were when it began.
interface Held {
	from: number;
	to: number;
	by: number;
	start: number;
	boxes: { top: number; height: number }[];
}

export function RuleList({ rules, dim }: { rules: Rule[]; dim: boolean }) {
	const list = useRef<HTMLOListElement>(null);
	const [held, setHeld] = useState<Held | null>(null);
	const focus = useRef<string | null>(null);

	// Moving an element takes the keyboard away from it.
	useLayoutEffect(() => {
		if (focus.current)
			list.current?.querySelector<HTMLElement>(`[data-rule="${focus.current}"] .rule-grip`)?.focus();
		focus.current = null;
	});

	const move = (rule: Rule, from: number, to: number) => {
		if (to < 0 || to >= rules.length || to === from)
			return;
		void change(placed(rule.id, to));
		say(t("filters.moved", { name: rule.name, at: to + 1, n: rules.length }));
	};
	const remove = (rule: Rule, at: number) => {
		void change(without(rule.id));
		tell(t("filters.deleted", { name: rule.name }), { undo: () => void change(inserted(rule, at)) });
	};
	const more = (opener: Element, rule: Rule, at: number) => openMenu(opener, t("nav.folderMenu", { name: rule.name }), [
		{ label: t("filters.edit"), icon: <Icon name="pen" />, run: () => (ruleOpen.value = { rule, isNew: false, offers: [] }) },
		{ label: t("filters.duplicate"), icon: <Icon name="copy" />, run: () => void change(inserted(copyOf(rule, t("filters.copy", { name: rule.name })), at + 1)) },
		...(at > 0 ? [{ label: t("filters.up"), icon: <span class="rule-up"><Icon name="chevronDown" /></span>, run: () => move(rule, at, at - 1) }] : []),
		...(at < rules.length - 1 ? [{ label: t("filters.down"), icon: <Icon name="chevronDown" />, run: () => move(rule, at, at + 1) }] : []),
		{ label: t("do.delete"), icon: <Icon name="trash" />, danger: true, run: () => remove(rule, at) },
	]);

	const scroller = () => list.current!.closest<HTMLElement>(".settings-main");
	const height = (y: number) => y + (scroller()?.scrollTop ?? 0);
	const lift = (event: PointerEvent, at: number) => {
		if (event.button !== 0)
			return;
		(event.currentTarget as Element).setPointerCapture(event.pointerId);
		const boxes = [...list.current!.children].map((item) => {
			const box = item.getBoundingClientRect();
			return { top: height(box.top), height: box.height };
		});
		setHeld({ from: at, to: at, by: 0, start: height(event.clientY), boxes });
	};
	const drag = (event: PointerEvent) => {
		if (!held)
			return;
		const frame = scroller()?.getBoundingClientRect();
		if (frame && event.clientY > frame.bottom - 40)
			scroller()!.scrollBy(0, 12);
		else if (frame && event.clientY < frame.top + 40)
			scroller()!.scrollBy(0, -12);
		const by = height(event.clientY) - held.start;
		const own = held.boxes[held.from]!;
		const middle = own.top + own.height / 2 + by;
		const to = held.boxes.filter(({ top, height: tall }, n) => n !== held.from && top + tall / 2 < middle).length;
		setHeld({ ...held, by, to });
	};
	const drop = () => {
		if (held)
			move(rules[held.from]!, held.from, held.to);
		setHeld(null);
	};
	// How far each is from its place while one is dragged.
	const shift = (n: number) => {
		if (!held || n >= held.boxes.length)
			return undefined;
		const { from, to, by, boxes } = held;
		if (n === from)
			return { transform: `translateY(${by}px)` };
		const tall = boxes[from]!.height;
		return n > from && n <= to ? { transform: `translateY(${-tall}px)` } : n < from && n >= to ? { transform: `translateY(${tall}px)` } : undefined;
	};

	return (
		<ol class={`card rules ${dim ? "dim" : ""} ${held ? "dragging" : ""}`} ref={list} aria-label={t("filters.title")} aria-busy={saving.value}>
			{rules.map((rule, at) => (
				<li key={rule.id} data-rule={rule.id} class={`rule ${rule.on ? "" : "off"} ${held?.from === at ? "held" : ""}`} style={shift(at)}>
					<button type="button" class="icon-button rule-grip" aria-label={t("filters.grip", { name: rule.name })} title={t("filters.grip.title")}
						onPointerDown={(event) => lift(event, at)} onPointerMove={drag} onPointerUp={drop} onPointerCancel={() => setHeld(null)}
						onKeyDown={(event) => {
							const by = event.key === "ArrowUp" ? -1 : event.key === "ArrowDown" ? 1 : 0;
							if (by === 0)
								return;
							event.preventDefault();
							event.stopPropagation();
							focus.current = rule.id;
							move(rule, at, at + by);
						}}>
						<Icon name="grip" />
					</button>
					<button type="button" class="rule-main" onClick={() => (ruleOpen.value = { rule, isNew: false, offers: [] })}>
						<bdi class="rule-name">{rule.name}</bdi>
						{rule.name !== conditionsWords(rule) && <span class="rule-if" dir="auto">{conditionsWords(rule)}</span>}
						<span class="rule-then">
							<span class="rule-arrow" aria-hidden="true"><Icon name="arrow" /></span>
							{rule.then.map((one, n) => (
								<span class="chip" key={n}>
									{one.do === "label" ? <LabelMark name={one.value} /> : <Icon name={ACTION_ICONS[one.do]} />}
									<span dir="auto">{actionWords(one)}</span>
								</span>
							))}
							{rule.then.length === 0 && <span class="chip">{t("filters.words.keep")}</span>}
							{!rule.stop && <span class="rule-on">{t("filters.words.on")}</span>}
						</span>
						{missingFolders(rule).map((name) => (
							<span class="rule-missing" key={name}><Icon name="warn" />{t("filters.missing", { folder: folderTitle(name) })}</span>
						))}
					</button>
					<input type="checkbox" role="switch" class="rule-switch" checked={rule.on} aria-label={t("filters.on", { name: rule.name })}
						onChange={(event) => void change(turned(rule.id, event.currentTarget.checked))} />
					<IconButton icon="more" label={t("nav.folderMenu", { name: rule.name })} expanded={false}
						onClick={(event) => more(event.currentTarget as Element, rule, at)} />
				</li>
			))}
		</ol>
	);
}
