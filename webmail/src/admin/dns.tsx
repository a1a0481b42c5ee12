// What the DNS has to say of a domain, and whether it does.

import { useEffect, useState } from "preact/hooks";
import { route } from "../state/route.ts";
import { type AdminKey, t } from "../text/admin.ts";
import { Button, Field } from "../ui/parts.tsx";
import { type Domain, domains, request, whyNot } from "./api.ts";
import { AdminLink, Copy, Problem, Section, State, type Tone, goAdmin, useLoad } from "./parts.tsx";

interface Wanted {
	record: string;
	name: string;
	type: string;
	data: string;
	needed: boolean;
	elsewhere: boolean;
}

interface Finding {
	record: string;
	name: string;
	type: string;
	state: "fine" | "missing" | "wrong" | "unknown";
	needed: boolean;
	elsewhere: boolean;
	why: string;
	found: string;
	wanted: string;
}

// One line of the page: what is wanted, and, once it was looked up, what is there.
type Row = Omit<Finding, "state"> & { state: Finding["state"] | null };

const NAMES: Record<string, AdminKey> = {
	"address": "dns.address", "MX": "dns.mx", "SPF": "dns.spf", "DKIM": "dns.dkim", "DMARC": "dns.dmarc", "TLSA": "dns.tlsa",
	"MTA-STS": "dns.sts", "TLSRPT": "dns.tlsrpt", "SRV": "dns.srv", "autoconfig": "dns.auto", "PTR": "dns.ptr",
};

function stateOf(row: Row): [Tone, AdminKey] {
	switch (row.state) {
	case null:
		return ["plain", "dns.asking"];
	case "fine":
		return ["ok", "dns.fine"];
	case "missing":
		return row.needed ? ["bad", "dns.missing"] : ["plain", "dns.optional"];
	case "wrong":
		return ["bad", "dns.wrong"];
	case "unknown":
		return ["warn", "dns.unknown"];
	}
}

export function Dns() {
	const { value: all, problem } = useLoad<Domain[]>(domains);
	const item = route.value.page === "admin" ? route.value.item : "";
	const domain = all?.find((d) => d.domain === item)?.domain ?? all?.[0]?.domain;
	return (
		<Section title={t("dns.title")} lead={t("dns.lead")}>
			<Problem text={problem} />
			{all && all.length === 0 && <p>{t("domain.none")}</p>}
			{all && all.length > 0 && (
				<Field label={t("domain")}>
					<select value={domain} onChange={(event) => goAdmin("dns", event.currentTarget.value)}>
						{all.map((d) => <option key={d.domain} value={d.domain}>{d.domain}</option>)}
					</select>
				</Field>
			)}
			{domain && <Records key={domain} domain={domain} />}
		</Section>
	);
}

function Records({ domain }: { domain: string }) {
	const [rows, setRows] = useState<Row[] | null>(null);
	const [notes, setNotes] = useState<string[]>([]);
	const [problem, setProblem] = useState("");
	const [busy, setBusy] = useState(false);

	const check = async () => {
		setBusy(true);
		setProblem("");
		try {
			const answer = await request<any>("dns-check", { domain });
			setRows(answer.items.filter((one: any) => one.record));
			setNotes(answer.items.filter((one: any) => one.note).map((one: any) => one.note));
		} catch (error) {
			setProblem(whyNot(error));
		}
		setBusy(false);
	};
	// First what is to be published, which is known at once; then what is there, which others have to say.
	useEffect(() => {
		void request<any>("dns-show", { domain }).then((answer) => {
			const wanted: Wanted[] = answer.items.filter((one: any) => one.record);
			setRows((before) => before ?? wanted.map(({ data, ...one }) => ({ ...one, wanted: data, state: null, why: "", found: "" })));
		}, () => undefined).then(check);
	}, []);

	const bad = rows?.filter((r) => r.state === "wrong" || (r.state === "missing" && r.needed)).length ?? 0;
	const unknown = rows?.filter((r) => r.state === "unknown").length ?? 0;
	const known = rows?.every((r) => r.state !== null) ?? false;
	const groups: [AdminKey, Row[]][] = [
		["dns.needed", rows?.filter((r) => r.needed && !r.elsewhere) ?? []],
		["dns.better", rows?.filter((r) => !r.needed && !r.elsewhere) ?? []],
		["dns.elsewhere", rows?.filter((r) => r.elsewhere) ?? []],
	];
	return (
		<>
			<div class="bar">
				<p role="status" class="strong">
					{busy ? t("dns.checking") : !known ? "" : bad > 0 ? t("dns.bad", { n: bad }) : unknown > 0 ? t("dns.unknownN", { n: unknown }) : t("dns.well")}
				</p>
				<Button disabled={busy} onClick={() => void check()}>{t("dns.again")}</Button>
			</div>
			<Problem text={problem} />
			{notes.map((note) => <p key={note} class="banner">{note}</p>)}
			{groups.filter(([, list]) => list.length > 0).map(([title, list]) => (
				<div key={title} class="records">
					<h3>{t(title)}</h3>
					<ul>{list.map((row, i) => <Record key={`${row.type} ${row.name} ${i}`} row={row} />)}</ul>
				</div>
			))}
			<p class="card next">{t("dns.next")} <AdminLink section="invites">{t("invites.title")}</AdminLink></p>
		</>
	);
}

function Record({ row }: { row: Row }) {
	const [tone, word] = stateOf(row);
	return (
		<li>
			<details class="card record" open={row.state === "wrong" || (row.needed && row.state !== "fine")}>
				<summary>
					<span class="strong">{t(NAMES[row.record] ?? "dns.other")}</span>
					<code>{row.type} {row.name}</code>
					<State tone={tone}>{t(word)}</State>
				</summary>
				<div class="record-body">
					<dl>
						<div><dt>{t("dns.type")}</dt><dd>{row.type}</dd></div>
						<div><dt>{t("dns.name")}</dt><dd><code>{row.name}</code> <Copy text={row.name} label={t("dns.copyName", { name: row.name })} /></dd></div>
						{row.wanted && (
							<div><dt>{t("dns.value")}</dt><dd><code>{row.wanted}</code> <Copy text={row.wanted} label={t("dns.copyValue", { type: row.type, name: row.name })} /></dd></div>
						)}
						{row.found && row.state !== "fine" && <div><dt>{t("dns.found")}</dt><dd><code>{row.found}</code></dd></div>}
					</dl>
					{row.why && <p class={row.state === "wrong" ? "problem" : "hint"}>{row.why}</p>}
				</div>
			</details>
		</li>
	);
}
