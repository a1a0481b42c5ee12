// The list of conversations. Only the rows in sight are in the document, whatever the size of the folder.

import { useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { above, scrolled } from "../state/arrivals.ts";
import { compose } from "../state/compose.ts";
import { currentMailbox, cursor, list, parse, selectEverything, selection, sight, title } from "../state/current.ts";
import { known } from "../state/emails.ts";
import type { List } from "../state/list.ts";
import { byRole, mailboxes } from "../state/mailboxes.ts";
import { go, goTo, place } from "../state/route.ts";
import { change, isPhone, rowHeight, settings } from "../state/settings.ts";
import { withoutTerm } from "../lib/search.ts";
import { type Key, t } from "../text/text.ts";
import { Icon } from "./icons.tsx";
import { openMenu } from "./menu.tsx";
import { Button, IconButton } from "./parts.tsx";
import { Row } from "./row.tsx";
import { SelectionBar } from "./selectionbar.tsx";

const MARGIN = 6; // rows drawn beyond what is in sight

export function MessageList() {
	const shown = list.value;
	return (
		<section class="list" id="list" aria-label={t("list.region")}>
			{selection.value.size > 0 ? <SelectionBar /> : <ListHead />}
			<SelectMore />
			{shown && <Rows key={shown.query.key} shown={shown} />}
			<Resizer />
			<button type="button" class="fab" onClick={() => void compose()}>
				<Icon name="pen" />
				<span>{t("write")}</span>
			</button>
		</section>
	);
}

function ListHead() {
	const mailbox = currentMailbox.value;
	const search = place.value?.kind === "search";
	const total = list.value?.total.value ?? 0;
	const counts = !list.value?.loaded.value ? ""
		: search ? t("search.results", { n: total })
		: mailbox && mailbox.unreadThreads > 0 && mailbox.role !== "sent" && mailbox.role !== "drafts"
			? t("folder.counts", { unread: mailbox.unreadThreads, total })
			: total > 0 ? t("folder.total", { n: total }) : "";
	const density = (event: MouseEvent) => openMenu(event.currentTarget as Element, t("list.density"),
		(["comfortable", "cosy", "compact"] as const).map((value) => ({
			label: t(`settings.density.${value}` as Key),
			checked: settings.peek().density === value,
			run: () => change({ density: value }),
		})));
	return (
		<>
			<div class="list-head">
				<h1 class={search ? "visually-hidden" : ""} dir="auto">{title.value}</h1>
				<span class="list-count">{counts}</span>
				<span class="spacer" />
				{mailbox?.role === "trash" && (
					<Button kind="plain" class="not-phone" onClick={() => go({ page: "settings", section: "deleted" })}>{t("deleted.title")}</Button>
				)}
				<IconButton icon="list" label={t("list.density")} expanded={false} onClick={density} />
			</div>
			{search && list.value && list.value.total.value > 0 && (
				<div class="chips search-terms" role="group" aria-label={t("search.terms")}><Terms search={(place.value as { text: string }).text} /></div>
			)}
		</>
	);
}

// What was searched for, term by term; each can be taken away.
function Terms({ search }: { search: string }) {
	return (
		<>
			{parse(search).terms.map((term) => (
				<span class="chip" key={term}>
					<bdi>{term}</bdi>
					<button type="button" aria-label={t("search.remove", { term })} onClick={() => {
						const rest = withoutTerm(search, term);
						const inbox = byRole.peek().inbox;
						if (rest)
							goTo({ kind: "search", text: rest });
						else if (inbox)
							goTo({ kind: "folder", id: inbox.id });
					}}><Icon name="close" /></button>
				</span>
			))}
		</>
	);
}

// All that is loaded is selected, and there is more: the rest is one click away.
function SelectMore() {
	const shown = list.value;
	const chosen = selection.value;
	if (!shown || chosen.size < 2 || chosen.size >= shown.total.value || !shown.ids.every((id) => !id || !known(id) || chosen.has(id)))
		return null;
	return (
		<p class="select-more">
			<span>{t("list.shownSelected", { n: chosen.size })}</span>
			<Button kind="plain" onClick={() => void selectEverything()}>
				{t("list.selectEverything", { n: shown.total.value, name: title.value })}</Button>
		</p>
	);
}

function Rows({ shown }: { shown: List }) {
	const box = useRef<HTMLDivElement>(null);
	const top = useSignal(0);
	const height = useSignal(800);
	const row = rowHeight();
	const total = shown.total.value;
	shown.version.value;

	// The wheel draws at most once a frame, and only if other rows come into sight.
	const onScroll = () => {
		const at = box.current!.scrollTop;
		scrolled.value = at > row;
		if (at <= row && above.peek() > 0)
			above.value = 0;
		if (Math.floor(at / row) !== Math.floor(top.peek() / row))
			top.value = at;
	};
	useEffect(() => {
		const observer = new ResizeObserver(() => (height.value = box.current?.clientHeight ?? height.peek()));
		if (box.current)
			observer.observe(box.current);
		scrolled.value = false;
		above.value = 0;
		return () => observer.disconnect();
	}, [shown.failed.value, total === 0]);

	const first = Math.max(0, Math.floor(top.value / row) - MARGIN);
	const last = Math.min(total - 1, Math.ceil((top.value + height.value) / row) + MARGIN);
	useEffect(() => {
		sight.from = Math.floor(top.value / row);
		sight.to = last;
		// While the list flies past, only what it comes to rest at is loaded.
		const timer = setTimeout(() => void shown.ensure(first, last), shown.ids[first] === undefined ? 60 : 0);
		return () => clearTimeout(timer);
	}, [first, last, shown.version.value]);

	// New rows above what one looks at don't push it away.
	const anchor = useRef<{ id: string | undefined; index: number }>({ id: undefined, index: 0 });
	useLayoutEffect(() => {
		const { id } = anchor.current;
		const element = box.current;
		if (id && element && element.scrollTop > row) {
			const now = shown.ids.indexOf(id);
			if (now >= 0 && now !== anchor.current.index) {
				element.scrollTop += (now - anchor.current.index) * row;
				anchor.current.index = now; // the next change may come before what follows
			}
		}
	}, [shown.version.value]);
	useEffect(() => {
		const index = Math.floor((box.current?.scrollTop ?? 0) / row);
		anchor.current = { id: shown.ids[index], index };
	});

	// The row that the keyboard stands on is always in sight.
	useEffect(() => cursor.subscribe((at) => {
		const element = box.current;
		if (!element)
			return;
		const y = at * row;
		if (y < element.scrollTop)
			element.scrollTop = y;
		else if (y + row > element.scrollTop + element.clientHeight && element.clientHeight > 0)
			element.scrollTop = y + row - element.clientHeight;
	}), [row]);

	if (shown.failed.value !== null)
		return (
			<div class="list-empty" role="alert">
				<p>{t("list.failed")}</p>
				<p class="hint">{shown.failed.value}</p>
				<Button onClick={() => void shown.reload(0, 0)}>{t("list.retry")}</Button>
			</div>
		);
	if (shown.loaded.value && total === 0)
		return <Empty shown={shown} />;

	const rows = [];
	for (let i = first; i <= last; i++)
		rows.push(<Row key={shown.ids[i] ?? `row ${i}`} index={i} id={shown.ids[i]} top={i * row} list={shown} />);
	return (
		<div class="list-scroll" ref={box} onScroll={onScroll}>
			{above.value > 0 && (
				<button type="button" class="new-pill" onClick={() => {
					box.current!.scrollTop = 0;
					above.value = 0;
				}}>{t("list.new", { n: above.value })}</button>
			)}
			{!shown.loaded.value && <div class="rows-loading" aria-label={t("list.loading")} aria-busy="true" role="status" />}
			{shown.loaded.value && (
				<div class="rows" role="grid" aria-label={title.value} aria-rowcount={total} aria-multiselectable="true"
					style={{ height: `${total * row}px` }}>
					{rows}
				</div>
			)}
		</div>
	);
}

// There is no mail yet at all.
const isNew = () => [...mailboxes.value.values()].every((m) => m.totalEmails === 0);

function Empty({ shown }: { shown: List }) {
	const search = shown.query.search;
	if (search !== undefined)
		return (
			<div class="list-empty">
				<p class="strong">{t("search.none")}</p>
				<p class="hint">{t("search.none.hint")}</p>
				<p class="chips">
					<Terms search={search} />
				</p>
				{!/\bin:/.test(search) && (
					<Button onClick={() => goTo({ kind: "search", text: `${search} in:anywhere` })}>{t("search.everywhere")}</Button>
				)}
			</div>
		);
	const inbox = currentMailbox.value?.role === "inbox";
	return (
		<div class="list-empty">
			<Icon name={inbox ? "inbox" : "folder"} />
			<p class="strong">{t(inbox ? "list.empty.inbox" : "list.empty")}</p>
			{inbox && <p class="hint">{t("list.empty.inbox.hint")}</p>}
			{inbox && <Button onClick={() => void compose()}>{t("list.empty.write")}</Button>}
			{inbox && isNew() && (
				<>
					<Button onClick={() => go({ page: "settings", section: "transfer" })}>{t("list.empty.import")}</Button>
					<Button onClick={() => go({ page: "settings", section: "programs" })}>{t("list.empty.programs")}</Button>
				</>
			)}
			{currentMailbox.value?.role === "trash" && (
				<Button onClick={() => go({ page: "settings", section: "deleted" })}>{t("deleted.title")}</Button>
			)}
		</div>
	);
}

// The edge between list and reader, to be dragged or moved by arrow keys.
function Resizer() {
	if (isPhone.value || settings.value.pane === "none")
		return null;
	const below = settings.value.pane === "below";
	const [least, most] = below ? [15, 80] : [320, 560]; // percent, or pixels
	const now = below ? settings.value.listHeight : settings.value.listWidth;
	const set = (value: number) => {
		const next = Math.max(least!, Math.min(most!, Math.round(value)));
		change(below ? { listHeight: next } : { listWidth: next });
	};
	return (
		<div class="resizer" role="separator" aria-orientation={below ? "horizontal" : "vertical"} aria-label={t("list.region")} tabIndex={0}
			aria-valuenow={now} aria-valuemin={least} aria-valuemax={most}
			onKeyDown={(event) => {
				const [less, more] = below ? ["ArrowUp", "ArrowDown"] : document.dir === "rtl" ? ["ArrowRight", "ArrowLeft"] : ["ArrowLeft", "ArrowRight"];
				if (event.key === less || event.key === more) {
					event.preventDefault();
					event.stopPropagation();
					set(now + (event.key === more ? 1 : -1) * (below ? 4 : 16));
				}
			}}
			onPointerDown={(event) => {
				const handle = event.currentTarget;
				const from = { x: event.clientX, y: event.clientY, now };
				const height = handle.closest(".panes")!.clientHeight;
				const turn = document.dir === "rtl" ? -1 : 1;
				handle.setPointerCapture(event.pointerId);
				handle.onpointermove = (moved) => set(below
					? from.now + (moved.clientY - from.y) * 100 / height : from.now + turn * (moved.clientX - from.x));
				handle.onpointerup = () => (handle.onpointermove = null);
			}} />
	);
}
