// How the server is: what it warns of, and how some numbers went lately.

import { useRef, useState } from "preact/hooks";
import { fileSize } from "../lib/size.ts";
import { type AdminKey, t } from "../text/admin.ts";
import { count } from "../text/text.ts";
import { Icon } from "../ui/icons.tsx";
import { ask, request, whyNot } from "./api.ts";
import { Chart, type Line, type Point } from "./chart.tsx";
import { Problem, Section, State, when, usePoll } from "./parts.tsx";

interface Status {
	version: string;
	hostname: string;
	started: number;
	connections: number;
	accepted: number;
	refused: number;
	workers: number;
	workers_busy: number;
	blocked: number;
	listeners: { name: string; protocol: string; port?: number; path?: string; connections: number }[];
	storages: { name: string; module: string; path?: string; free_bytes?: number; problem?: string }[];
	certificate: { expires: number } | null;
	warnings: string[];
}

interface Samples {
	step: number;
	now: number;
	names: string[];
	samples: number[][]; // time, then a value for each name
}

const SPANS: [number, AdminKey, number][] = [[5, "overview.minutes", 600], [60, "overview.day", 86_400]];

function useSamples(step: number, span: number) {
	const kept = useRef<{ step: number; names: string[]; rows: number[][] }>({ step: 0, names: [], rows: [] });
	const [now, setNow] = useState(0);
	usePoll(async () => {
		if (kept.current.step !== step)
			kept.current = { step, names: [], rows: [] };
		const since = kept.current.rows.at(-1)?.[0] ?? 0;
		const answer = await ask<Samples>("GET", `/web/admin/samples?step=${step}&since=${since}`);
		if (answer.step !== step)
			return;
		const rows = [...kept.current.rows, ...answer.samples].filter((row) => row[0]! > answer.now - span);
		kept.current = { step, names: answer.names, rows };
		setNow(answer.now);
	}, step === 5 ? 5 : 30, [step]);

	const at = (name: string) => kept.current.names.indexOf(name) + 1;
	// A number as it was; several are added.
	const level = (...names: string[]): Point[] => kept.current.rows.map((row) => ({
		time: row[0]!, value: names.reduce((sum, name) => sum + (row[at(name)] ?? 0), 0),
	}));
	// How much a counter grew, by the minute. After a restart it begins anew.
	const growth = (name: string): Point[] => kept.current.rows.slice(1).map((row, i) => {
		const before = kept.current.rows[i]!;
		const more = Math.max(0, row[at(name)]! - before[at(name)]!);
		return { time: row[0]!, value: more * 60 / Math.max(1, row[0]! - before[0]!) };
	});
	return { now, level, growth };
}

export function Overview() {
	const [status, setStatus] = useState<Status | null>(null);
	const [problem, setProblem] = useState("");
	const [chosen, choose] = useState(0);
	const [step, , span] = SPANS[chosen]!;
	const { now, level, growth } = useSamples(step, span);
	usePoll(async () => {
		try {
			setStatus((await request<Status>("status")).items[0] ?? null);
			setProblem("");
		} catch (error) {
			setProblem(whyNot(error));
		}
	}, 15);
	const chart = (name: AdminKey, lines: Line[], unit?: AdminKey) => now > 0 && (
		<Chart title={t(name)} unit={unit && t(unit)} lines={lines} from={now - span} to={now} step={step} />
	);
	return (
		<Section title={t("overview")} action={<Spans chosen={chosen} choose={choose} />}>
			<Problem text={problem} />
			{status?.warnings.map((text) => (
				<p key={text} class="banner warning" role="alert"><Icon name="warn" /><span class="banner-text">{text}</span></p>
			))}
			<div class="charts">
				{chart("chart.connections", [
					{ name: t("chart.programs"), points: level("imap", "pop3") },
					{ name: t("chart.browsers"), points: level("http") },
					{ name: t("chart.servers"), points: level("smtp", "submission", "lmtp") },
				])}
				{chart("chart.mail", [{ name: t("chart.in"), points: growth("messages") }, { name: t("chart.out"), points: growth("sent") }], "chart.perMinute")}
				{chart("chart.queue", [{ name: t("chart.waiting"), points: level("queued") }])}
				{chart("chart.trouble", [
					{ name: t("chart.loginsFailed"), points: growth("loginsFailed") },
					{ name: t("chart.refused"), points: growth("guarded") },
					{ name: t("chart.bounced"), points: growth("bounced") },
				], "chart.perMinute")}
			</div>
			{status && <About status={status} />}
		</Section>
	);
}

function Spans({ chosen, choose }: { chosen: number; choose(n: number): void }) {
	return (
		<fieldset class="choice">
			<legend class="visually-hidden">{t("overview.span")}</legend>
			<div class="segments">
				{SPANS.map(([step, title], i) => (
					<label key={step} class={chosen === i ? "on" : ""}>
						<input type="radio" name="span" checked={chosen === i} onChange={() => choose(i)} />
						{t(title)}
					</label>
				))}
			</div>
		</fieldset>
	);
}

function About({ status }: { status: Status }) {
	const expires = status.certificate?.expires;
	return (
		<dl class="facts card">
			<div><dt>{t("about.host")}</dt><dd>{status.hostname}, Postern {status.version}</dd></div>
			<div><dt>{t("about.started")}</dt><dd>{when(status.started)}</dd></div>
			<div>
				<dt>{t("about.certificate")}</dt>
				<dd>{expires === undefined ? <State tone="warn">{t("about.noCertificate")}</State> : t("about.until", { time: when(expires) })}</dd>
			</div>
			<div><dt>{t("about.connections")}</dt><dd>{t("about.connections.text", { now: count(status.connections), all: count(status.accepted), refused: count(status.refused) })}</dd></div>
			<div><dt>{t("about.workers")}</dt><dd>{t("about.workers.text", { busy: count(status.workers_busy), all: count(status.workers) })}</dd></div>
			<div><dt>{t("about.blocked")}</dt><dd>{count(status.blocked)}</dd></div>
			{status.storages.map((one) => (
				<div key={one.name}>
					<dt>{t("about.storage", { name: one.name })}</dt>
					<dd>{one.module}{one.problem ? <> <State tone="bad">{one.problem}</State></>
						: one.free_bytes !== undefined ? `, ${t("about.free", { size: fileSize(one.free_bytes) })}` : ""}</dd>
				</div>
			))}
			<div>
				<dt>{t("about.listeners")}</dt>
				<dd>{status.listeners.map((l) => `${l.name} ${l.port ? `(${l.port})` : ""}: ${l.connections}`).join(" · ")}</dd>
			</div>
		</dl>
	);
}
