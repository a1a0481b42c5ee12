// Where is that message? Its life, by an id, a Message-ID, a sender or a recipient.

import { useEffect, useRef, useState } from "preact/hooks";
import { messageTime } from "../lib/date.ts";
import { route } from "../state/route.ts";
import { type AdminKey, t } from "../text/admin.ts";
import { Button, Field } from "../ui/parts.tsx";
import { isMissing, request, whyNot } from "./api.ts";
import { Problem, Section } from "./parts.tsx";
import { type Event, outcome, stories, tell } from "./story.ts";

const SPANS: [string, AdminKey, number][] = [
	["hour", "why.hour", 3600], ["day", "why.day", 86_400], ["week", "why.week", 604_800], ["all", "why.ever", 0],
];

// An id of ours, or a Message-ID with or without its brackets.
function nameOf(text: string): Record<string, string> {
	const inner = /^<(.+)>$/.exec(text)?.[1];
	return inner ? { "message-id": inner } : text.includes("@") ? { "message-id": text } : { id: text };
}

export function Why() {
	const item = route.value.page === "admin" ? route.value.item : "";
	const form = useRef<HTMLFormElement>(null);
	const [found, setFound] = useState<Event[][] | null>(null);
	const [more, setMore] = useState(false);
	const [none, setNone] = useState(false);
	const [problem, setProblem] = useState("");
	const [busy, setBusy] = useState(false);

	const search = async () => {
		const fields = new FormData(form.current!);
		const text = (name: string) => String(fields.get(name) ?? "").trim();
		const members: Record<string, unknown> = text("name") ? nameOf(text("name")) : {};
		if (text("from"))
			members.from = text("from");
		if (text("to"))
			members.to = text("to");
		const span = SPANS.find(([name]) => name === text("since"))?.[2] ?? 0;
		if (span > 0)
			members.since = Math.round(Date.now() / 1000) - span;
		if (!members.id && !members["message-id"] && !members.from && !members.to) {
			setProblem(t("why.nothing"));
			return;
		}
		setBusy(true);
		setProblem("");
		setNone(false);
		try {
			const answer = await request<any>("why", members);
			setFound(stories(answer.items.filter((one: any) => one.event)));
			setMore(answer.more || answer.items.some((one: any) => one.more));
		} catch (error) {
			setFound(null);
			if (isMissing(error))
				setNone(true);
			else
				setProblem(whyNot(error));
		}
		setBusy(false);
	};
	useEffect(() => {
		if (item)
			void search();
	}, [item]);

	return (
		<Section title={t("why.title")} lead={t("why.lead")}>
			<form class="card form" ref={form} onSubmit={(event) => {
				event.preventDefault();
				void search();
			}}>
				<div class="two">
					<Field label={t("why.from")}><input name="from" type="text" autocomplete="off" autocapitalize="none" spellcheck={false} /></Field>
					<Field label={t("why.to")}><input name="to" type="text" autocomplete="off" autocapitalize="none" spellcheck={false} /></Field>
					<Field label={t("why.name")} hint={t("why.name.hint")}>
						<input name="name" type="text" autocomplete="off" autocapitalize="none" spellcheck={false} defaultValue={item} key={item} />
					</Field>
					<Field label={t("why.since")}>
						<select name="since" defaultValue={item ? "all" : "day"}>
							{SPANS.map(([name, title]) => <option key={name} value={name} selected={name === (item ? "all" : "day")}>{t(title)}</option>)}
						</select>
					</Field>
				</div>
				<Problem text={problem} />
				<p><Button type="submit" kind="primary" disabled={busy}>{t("why.find")}</Button></p>
			</form>
			<div aria-live="polite">
				{none && <p>{t("why.none")}</p>}
				{found && <p class="hint">{t("why.found", { n: found.length })}{more && ` ${t("why.more")}`}</p>}
				{found?.map((events) => <Story key={events[0]!.id} events={events} open={found.length === 1} />)}
			</div>
		</Section>
	);
}

function Story({ events, open }: { events: Event[]; open: boolean }) {
	const first = (key: string) => events.find((e) => e.what[key])?.what[key];
	const last = outcome(events);
	return (
		<details class="card story" open={open}>
			<summary>
				<span class="strong">{first("from") ?? (events[0]!.event === "mail" ? t("queue.noSender") : "…")} → {first("to") || "–"}</span>
				<span class="hint">{messageTime(events[0]!.time)}</span>
				<span class={`story-end is-${last.mood}`}>{last.text}</span>
			</summary>
			<ol class="timeline">
				{events.map((event, i) => {
					const told = tell(event);
					const lines = told.detail.filter(([, value]) => value.includes("\n"));
					const plain = told.detail.filter(([, value]) => !value.includes("\n"));
					return (
						<li key={i} class={`is-${told.mood}`}>
							<time dateTime={event.time}>{messageTime(event.time)}</time>
							<div>
								<p>{told.text}</p>
								{plain.length > 0 && <p class="hint story-detail">{plain.map(([key, value]) => `${key}: ${value}`).join(" · ")}</p>}
								{lines.map(([key, value]) => (
									<details key={key}>
										<summary class="hint">{t("why.conversation")}</summary>
										<pre tabIndex={0}>{value}</pre>
									</details>
								))}
							</div>
						</li>
					);
				})}
			</ol>
		</details>
	);
}
