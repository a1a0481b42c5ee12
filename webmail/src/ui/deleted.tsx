// Deleted messages that the server still keeps: searching, choosing, bringing them back to the folder they were in.

import { useEffect, useRef, useState } from "preact/hooks";
import { Refusal, ask } from "../jmap/account.ts";
import { fullTime, listTime, messageTime } from "../lib/date.ts";
import { fileSize } from "../lib/size.ts";
import { mailboxes, titleOf } from "../state/mailboxes.ts";
import { tell } from "../state/notices.ts";
import { goTo } from "../state/route.ts";
import { sync } from "../state/sync.ts";
import { t } from "../text/text.ts";
import { Button, Field } from "./parts.tsx";

interface One {
	id: string;
	mailbox: string;
	from: { name: string; email: string } | null;
	subject: string;
	received: number; // seconds since 1970, as the others
	deleted: number;
	until: number;
	size: number;
}

interface Page {
	supported: boolean;
	keep: number;
	onHold: boolean;
	messages: One[];
	next: string | null;
}

interface Back {
	restored: number;
	mailboxes: { id: string; name: string; messages: number }[];
}

const MOST = 1000; // at a time
const iso = (seconds: number) => new Date(seconds * 1000).toISOString();
const why = (error: unknown) => (error instanceof Refusal ? error.problem.detail : t("offline.short"));

export function Deleted() {
	const [page, setPage] = useState<Page | null>(null);
	const [list, setList] = useState<One[]>([]);
	const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
	const [text, setText] = useState("");
	const [busy, setBusy] = useState(false);
	const [problem, setProblem] = useState("");
	const turn = useRef(0);
	const last = useRef(-1);

	// Goes on until something is there to be shown, or all of it was looked through.
	const load = async (wanted: string, after: string | null, before: One[]) => {
		const mine = ++turn.current;
		setBusy(true);
		try {
			let found = before, at = after;
			for (;;) {
				const query = new URLSearchParams({ ...(wanted ? { text: wanted } : {}), ...(at ? { after: at } : {}) });
				const next = await ask<Page>("GET", `/web/deleted?${query}`);
				if (mine !== turn.current)
					return;
				found = [...found, ...next.messages];
				setPage(next);
				setList(found);
				setProblem("");
				at = next.next;
				if (at === null || found.length - before.length >= 50)
					break;
			}
		} catch (error) {
			if (mine === turn.current)
				setProblem(why(error));
		}
		if (mine === turn.current)
			setBusy(false);
	};
	useEffect(() => {
		const timer = setTimeout(() => {
			setChosen(new Set());
			void load(text.trim(), null, []);
		}, text ? 300 : 0);
		return () => clearTimeout(timer);
	}, [text]);

	const choose = (index: number, on: boolean, range: boolean) => {
		const next = new Set(chosen);
		const from = range && last.current >= 0 ? Math.min(last.current, index) : index;
		const to = range && last.current >= 0 ? Math.max(last.current, index) : index;
		for (const one of list.slice(from, to + 1))
			if (on)
				next.add(one.id);
			else
				next.delete(one.id);
		last.current = index;
		setChosen(next);
	};
	const restore = async () => {
		const ids = [...chosen];
		setBusy(true);
		try {
			let restored = 0;
			const places: Back["mailboxes"] = [];
			for (let at = 0; at < ids.length; at += MOST) {
				const back = await ask<Back>("POST", "/web/deleted", { ids: ids.slice(at, at + MOST) });
				restored += back.restored;
				places.push(...back.mailboxes);
			}
			await sync();
			setChosen(new Set());
			const target = places[0] && mailboxes.peek().get(places[0].id);
			const alone = new Set(places.map((p) => p.id)).size === 1;
			tell(alone && target ? t("deleted.restored.to", { n: restored, folder: titleOf(target) }) : t("deleted.restored", { n: restored }), {
				seconds: 20,
				...(target ? { action: { label: t("deleted.go", { folder: titleOf(target) }), run: () => goTo({ kind: "folder", id: target.id }) } } : {}),
			});
		} catch (error) {
			setProblem(why(error));
		}
		await load(text.trim(), null, []);
	};

	const days = page ? Math.max(1, Math.round(page.keep / 86_400)) : 0;
	const all = list.length > 0 && list.every((one) => chosen.has(one.id));
	return (
		<section class="settings-section wide">
			<h2>{t("deleted.title")}</h2>
			{page && !page.supported && <p>{t("deleted.unsupported")}</p>}
			{page?.supported && page.keep === 0 && <p>{t("deleted.off")}</p>}
			{page?.supported && page.keep > 0 && <p>{page.onHold ? t("deleted.onHold") : t("deleted.why", { n: days })}</p>}
			{page?.supported && (
				<>
					<Field label={t("deleted.search")}>
						<input type="search" value={text} autocomplete="off" onInput={(event) => setText(event.currentTarget.value)} />
					</Field>
					<div class="deleted-bar">
						<label class="check-line">
							<input type="checkbox" checked={all} disabled={list.length === 0}
								onChange={() => setChosen(all ? new Set() : new Set(list.map((one) => one.id)))} /> {t("list.selectAll")}
						</label>
						<span class="spacer" />
						<Button kind="primary" disabled={chosen.size === 0 || busy} onClick={() => void restore()}>
							{chosen.size > 0 ? t("deleted.restore.n", { n: chosen.size }) : t("deleted.restore")}
						</Button>
					</div>
					<p class="problem" role="alert">{problem}</p>
					<p class="visually-hidden" role="status">{!busy && t("deleted.found", { n: list.length })}</p>
					{list.length === 0 && !busy && <p>{t(text ? "search.none" : "deleted.none")}</p>}
					<ul class="deleted-list" aria-label={t("deleted.title")} aria-busy={busy}>
						{list.map((one, index) => (
							<li key={one.id}>
								<label>
									<input type="checkbox" checked={chosen.has(one.id)}
										onClick={(event) => choose(index, event.currentTarget.checked, event.shiftKey)} />
									<span class="deleted-text">
										<span class="deleted-line">
											<bdi class="strong">{one.from ? one.from.name || one.from.email : t("deleted.nobody")}</bdi>
											<time dateTime={iso(one.received)} title={fullTime(iso(one.received))}>{listTime(iso(one.received))}</time>
										</span>
										<bdi class="deleted-subject">{one.subject || t("list.noSubject")}</bdi>
										<span class="field-hint">
											{t("deleted.was", { folder: one.mailbox === "INBOX" ? t("role.inbox") : one.mailbox.replaceAll("/", " / ") })}
											{" · "}{t("deleted.when", { time: messageTime(iso(one.deleted)) })}
											{!page.onHold && ` · ${t("deleted.until", { time: listTime(iso(one.until)) })}`}
											{" · "}{fileSize(one.size)}
										</span>
									</span>
								</label>
							</li>
						))}
					</ul>
					{page.next !== null && <p><Button disabled={busy} onClick={() => void load(text.trim(), page.next, list)}>{t("deleted.more")}</Button></p>}
				</>
			)}
			{!page && <p class="problem" role="alert">{problem}</p>}
		</section>
	);
}
