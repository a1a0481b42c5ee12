// The queue: what waits to go to other servers, and what can be done about it.

import { useEffect, useRef, useState } from "preact/hooks";
import { fileSize } from "../lib/size.ts";
import { ask as sure, tell } from "../state/notices.ts";
import { type AdminKey, t } from "../text/admin.ts";
import { count } from "../text/text.ts";
import { Button, Field } from "../ui/parts.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { request, whyNot } from "./api.ts";
import { AdminLink, Problem, Section, Small, State, Table, type Tone, useLoad, when } from "./parts.tsx";

interface Message {
	id: string;
	arrived: number;
	size: number;
	user: string;
	sender: string;
	recipient: string;
	waiting: number;
	next: number;
	held: boolean;
	reason: string;
	answer: string;
	recipients?: Recipient[];
}

interface Recipient {
	recipient: string;
	state: "held" | "active" | "waiting" | "sent" | "failed" | "deleted";
	tries: number;
	last: number;
	next: number;
	remote: string;
	answer: string;
}

type Verb = "retry" | "hold" | "release" | "delete";
const VERBS: Verb[] = ["retry", "hold", "release", "delete"];
const SHOWN = 200;

const TONES: Record<Recipient["state"], Tone> = { held: "warn", active: "ok", waiting: "plain", sent: "ok", failed: "bad", deleted: "bad" };

// What the filters say, as the request has it.
function filterOf(form: HTMLFormElement | null): Record<string, unknown> {
	const fields = new FormData(form ?? undefined);
	const filter: Record<string, unknown> = {};
	for (const name of ["sender", "recipient", "domain", "reason"]) {
		const value = String(fields.get(name) ?? "").trim();
		if (value)
			filter[name] = value;
	}
	if (fields.get("held") === "on")
		filter.held = true;
	return filter;
}

export function Queue() {
	const form = useRef<HTMLFormElement>(null);
	const [rows, setRows] = useState<Message[] | null>(null);
	const [more, setMore] = useState(false);
	const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
	const [problem, setProblem] = useState("");
	const [open, setOpen] = useState<string | null>(null);
	const [busy, setBusy] = useState(false);
	const stats = useLoad(() => request<any>("queue-stats").then((answer) => answer.items));

	const load = async () => {
		try {
			const answer = await request<any>("queue", { verb: "list", most: SHOWN, ...filterOf(form.current) });
			const found: Message[] = answer.items.filter((item: any) => item.id);
			setRows(found);
			setMore(answer.more || found.length < answer.items.length);
			setChosen((before) => new Set(found.map((m) => m.id).filter((id) => before.has(id))));
			setProblem("");
		} catch (error) {
			setProblem(whyNot(error));
		}
		void stats.again();
	};
	useEffect(() => void load(), []);

	// With those that are chosen; with none of them, with all that the filters find.
	const act = async (verb: Verb) => {
		const ids = [...chosen];
		const filter = filterOf(form.current);
		if (ids.length === 0 && !await sure(t(`queue.${verb}.all` as AdminKey), t(`queue.${verb}` as AdminKey), verb === "delete"))
			return;
		if (ids.length > 0 && verb === "delete" && !await sure(t("queue.delete.ask", { n: ids.length }), t("queue.delete"), true))
			return;
		setBusy(true);
		let done = 0;
		try {
			if (ids.length === 0)
				done = (await request<any>("queue", { verb, quiet: true, ...filter })).items[0]?.count ?? 0;
			for (const id of ids) {
				await request("queue", { verb, id });
				done++;
			}
		} catch (error) {
			setProblem(whyNot(error));
		}
		setBusy(false);
		tell(t(`queue.${verb}.done` as AdminKey, { n: done }));
		setChosen(new Set());
		await load();
	};
	const pick = (id: string, on: boolean) => setChosen((before) => {
		const after = new Set(before);
		after[on ? "add" : "delete"](id);
		return after;
	});
	const total = stats.value?.[0];
	const slow = (stats.value ?? []).slice(1).filter((row: any) => row.destination !== undefined);

	return (
		<Section title={t("queue")} lead={total && t("queue.number", { n: total.messages, domains: count(total.domains) })}
			action={<Button onClick={() => void load()}>{t("refresh")}</Button>}>
			<Problem text={stats.problem || problem} />
			{total && (
				<>
					<form class="filters" ref={form} onSubmit={(event) => {
						event.preventDefault();
						void load();
					}}>
						<Field label={t("queue.sender")}><input name="sender" type="search" autocomplete="off" /></Field>
						<Field label={t("queue.recipient")}><input name="recipient" type="search" autocomplete="off" /></Field>
						<Field label={t("queue.domain")}><input name="domain" type="search" autocomplete="off" /></Field>
						<Field label={t("queue.reason")}><input name="reason" type="search" autocomplete="off" /></Field>
						<label class="check"><input type="checkbox" name="held" onChange={() => void load()} /> {t("queue.heldOnly")}</label>
						<Button type="submit">{t("queue.find")}</Button>
					</form>
					{(rows?.length ?? 0) > 0 && (
						<div class="bar" role="toolbar" aria-label={t("actions")}>
							<span>{chosen.size > 0 ? t("queue.chosen", { n: chosen.size }) : t("queue.allFound")}</span>
							{VERBS.map((verb) => <Small key={verb} disabled={busy} onClick={() => void act(verb)}>{t(`queue.${verb}` as AdminKey)}</Small>)}
						</div>
					)}
					<Table label={t("queue")} rows={rows} id={(m) => m.id} empty={t("queue.none")} columns={[
						{
							title: t("queue.choose"), class: "tick",
							cell: (m) => <input type="checkbox" checked={chosen.has(m.id)} aria-label={t("queue.choose.what", { what: m.recipient })}
								onChange={(event) => pick(m.id, event.currentTarget.checked)} />,
						},
						{ title: t("queue.to"), cell: (m) => <>{m.recipient}{m.waiting > 1 && <span class="hint"> {t("queue.others", { n: m.waiting - 1 })}</span>}</>, class: "wide" },
						{ title: t("queue.from"), cell: (m) => m.sender || t("queue.noSender"), class: "wide" },
						{ title: t("queue.since"), cell: (m) => when(m.arrived) },
						{ title: t("queue.next"), cell: (m) => m.held ? <State tone="warn">{t("queue.held")}</State> : m.next * 1000 <= Date.now() ? t("queue.soon") : when(m.next) },
						{ title: t("queue.answer"), cell: (m) => <span class="clip">{m.held ? m.reason : m.answer || "–"}</span>, class: "wide" },
						{ title: t("actions"), class: "actions", cell: (m) => <Small aria-label={t("queue.details.of", { what: m.recipient })} onClick={() => setOpen(m.id)}>{t("queue.details")}</Small> },
					]} />
					{more && <p class="hint">{t("queue.cut", { n: rows?.length ?? 0 })}</p>}
					{slow.length > 0 && <Destinations rows={slow} />}
				</>
			)}
			{open && <One id={open} onClose={() => {
				setOpen(null);
				void load();
			}} />}
		</Section>
	);
}

function Destinations({ rows }: { rows: { destination: string; ready: number; active: number; limit: number; rate: number; sleeps: number; error: string }[] }) {
	return (
		<>
			<h3>{t("queue.destinations")}</h3>
			<Table label={t("queue.destinations")} rows={rows} id={(r) => r.destination} empty="" columns={[
				{ title: t("queue.destination"), cell: (r) => r.destination, class: "wide" },
				{ title: t("queue.ready"), cell: (r) => count(r.ready) },
				{ title: t("queue.active"), cell: (r) => `${count(r.active)} / ${count(r.limit)}` },
				{ title: t("queue.sleeps"), cell: (r) => r.sleeps > 0 ? t("queue.seconds", { n: r.sleeps }) : "–" },
				{ title: t("queue.answer"), cell: (r) => <span class="clip">{r.error || "–"}</span>, class: "wide" },
			]} />
		</>
	);
}

function One({ id, onClose }: { id: string; onClose(): void }) {
	const { value: m, problem, again } = useLoad(() => request<Message>("queue", { verb: "show", id }).then((answer) => answer.items[0]!));
	const [said, setSaid] = useState("");
	const act = async (verb: Verb) => {
		if (verb === "delete" && !await sure(t("queue.delete.ask", { n: 1 }), t("queue.delete"), true))
			return;
		try {
			await request("queue", { verb, id });
			tell(t(`queue.${verb}.done` as AdminKey, { n: 1 }));
			if (verb === "delete")
				onClose();
			else
				await again();
		} catch (error) {
			setSaid(whyNot(error));
		}
	};
	return (
		<Dialog label={t("queue.message", { id })} onClose={onClose} wide>
			<div class="dialog-title"><h2>{t("queue.message", { id })}</h2></div>
			<Problem text={problem || said} />
			{m && (
				<>
					<dl class="facts">
						<div><dt>{t("queue.from")}</dt><dd>{m.sender || t("queue.noSender")}{m.user && m.user !== m.sender && <span class="hint"> {t("queue.by", { user: m.user })}</span>}</dd></div>
						<div><dt>{t("queue.since")}</dt><dd>{when(m.arrived)}</dd></div>
						<div><dt>{t("queue.size")}</dt><dd>{fileSize(m.size)}</dd></div>
						{m.held && <div><dt>{t("queue.held")}</dt><dd>{m.reason}</dd></div>}
					</dl>
					<ul class="recipients">
						{m.recipients?.map((r) => (
							<li key={r.recipient}>
								<p><span class="strong">{r.recipient}</span> <State tone={TONES[r.state]}>{t(`recipient.${r.state}` as AdminKey)}</State></p>
								{r.answer && <p class="answer">{r.remote && <span class="hint">{r.remote}: </span>}{r.answer}</p>}
								<p class="hint">
									{t("queue.tries", { n: r.tries })}
									{r.last > 0 && ` · ${t("queue.last", { time: when(r.last) })}`}
									{r.next > 0 && r.state === "waiting" && ` · ${t("queue.nextTry", { time: r.next * 1000 <= Date.now() ? t("queue.soon") : when(r.next) })}`}
								</p>
							</li>
						))}
					</ul>
					<div class="dialog-buttons">
						<span class="spacer"><AdminLink section="why" item={id}>{t("queue.story")}</AdminLink></span>
						<Button onClick={() => void act("retry")}>{t("queue.retry")}</Button>
						<Button onClick={() => void act(m.held ? "release" : "hold")}>{t(m.held ? "queue.release" : "queue.hold")}</Button>
						<Button kind="danger" onClick={() => void act("delete")}>{t("queue.delete")}</Button>
						<Button onClick={onClose}>{t("done")}</Button>
					</div>
				</>
			)}
		</Dialog>
	);
}
