// Who is connected at this moment; ending a connection, lifting a block.

import { useState } from "preact/hooks";
import { fileSize } from "../lib/size.ts";
import { t } from "../text/admin.ts";
import { Button, Field } from "../ui/parts.tsx";
import { request, whyNot } from "./api.ts";
import { AdminLink, Problem, Section, Small, State, Table, usePoll, useForm, when } from "./parts.tsx";

interface Connection {
	id: number;
	protocol: string;
	listener: string;
	peer: string;
	port: number;
	user: string;
	activity: string;
	tls: string;
	since: number;
	in: number;
	out: number;
}

const SHOWN = 500;

export function Connections() {
	const [rows, setRows] = useState<Connection[] | null>(null);
	const [more, setMore] = useState(false);
	const [text, setText] = useState("");
	const [problem, setProblem] = useState("");
	const load = async () => {
		try {
			const answer = await request<Connection>("connections");
			setRows(answer.items);
			setMore(answer.more);
			setProblem("");
		} catch (error) {
			setProblem(whyNot(error));
		}
	};
	usePoll(load, 5);
	const fits = (c: Connection) => [c.user, c.peer, c.protocol, c.listener].some((part) => part.toLowerCase().includes(text.trim().toLowerCase()));
	const found = rows?.filter(fits) ?? null;
	return (
		<>
			<Section title={t("connections")} lead={rows ? t("connections.number", { n: rows.length }) : undefined}>
				<Field label={t("connections.search")}><input type="search" value={text} onInput={(event) => setText(event.currentTarget.value)} /></Field>
				<Problem text={problem} />
				<Table label={t("connections")} rows={found && found.slice(0, SHOWN)} id={(c) => String(c.id)} empty={t("connections.none")} columns={[
					{ title: t("connection.user"), cell: (c) => c.user ? <AdminLink section="users" item={c.user}>{c.user}</AdminLink> : "–", class: "wide" },
					{ title: t("connection.protocol"), cell: (c) => c.protocol.toUpperCase() },
					{ title: t("connection.peer"), cell: (c) => c.peer || t("connection.local"), class: "wide" },
					{ title: t("connection.since"), cell: (c) => when(c.since) },
					{ title: t("connection.activity"), cell: (c) => c.activity || "–" },
					{ title: t("connection.tls"), cell: (c) => c.tls ? <State tone="ok">{c.tls.split(" ")[0]}</State> : "–" },
					{ title: t("connection.octets"), cell: (c) => c.in + c.out > 0 ? `${fileSize(c.in)} / ${fileSize(c.out)}` : "–" },
					{
						title: t("actions"), class: "actions",
						cell: (c) => <Small aria-label={t("connection.end.what", { what: c.user || c.peer })}
							onClick={() => void request("kick", { who: `#${c.id}` }).then(load, load)}>{t("connection.end")}</Small>,
					},
				]} />
				{(more || (found?.length ?? 0) > SHOWN) && <p class="hint">{t("cut")}</p>}
			</Section>
			<Unblock />
		</>
	);
}

// After many wrong passwords an address or a user has to wait.
function Unblock() {
	const [said, setSaid] = useState("");
	const { problem, busy, submit } = useForm(async (fields, form) => {
		const who = String(fields.get("who")).trim();
		setSaid("");
		await request("unblock", { who });
		setSaid(t("unblock.done", { who }));
		form.reset();
	});
	return (
		<Section title={t("unblock.title")} lead={t("unblock.why")}>
			<form class="card form" onSubmit={submit}>
				<Field label={t("unblock.who")}>
					<input name="who" type="text" required maxLength={320} autocomplete="off" autocapitalize="none" spellcheck={false} />
				</Field>
				<Problem text={problem} />
				<p role="status">{said}</p>
				<p><Button type="submit" disabled={busy}>{t("unblock")}</Button></p>
			</form>
		</Section>
	);
}
