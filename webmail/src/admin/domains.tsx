// Domains, aliases, and addresses that users forward to.

import { useEffect, useState } from "preact/hooks";
import { ask as sure } from "../state/notices.ts";
import { type AdminKey, t } from "../text/admin.ts";
import { Button, Field } from "../ui/parts.tsx";
import { type Domain, ask, domains, whyNot } from "./api.ts";
import { AdminLink, Problem, Section, Small, Table, useForm, useLoad } from "./parts.tsx";

export function Domains() {
	return (
		<>
			<DomainList />
			<Aliases />
			<Forwards />
		</>
	);
}

function DomainList() {
	const { value, problem, again } = useLoad<Domain[]>(domains);
	const [said, setSaid] = useState("");
	const add = useForm(async (fields, form) => {
		await ask("POST", "/web/admin/domains", { domain: String(fields.get("domain")).trim() });
		form.reset();
		await again();
	});
	const remove = async (domain: string) => {
		if (!await sure(t("domain.remove.ask", { domain }), t("remove"), true))
			return;
		await ask("DELETE", `/web/admin/domains/${encodeURIComponent(domain)}`).then(() => setSaid(""), (error) => setSaid(whyNot(error)));
		await again();
	};
	return (
		<Section title={t("domains.title")}>
			<Problem text={problem || said} />
			<Table label={t("domains.title")} rows={value} id={(d) => d.domain} empty={t("domain.none")} columns={[
				{ title: t("domain"), cell: (d) => d.domain, class: "wide" },
				{ title: t("domain.signup"), cell: (d) => t(`signup.${d.signup}` as AdminKey) },
				{ title: t("dns"), cell: (d) => <AdminLink section="dns" item={d.domain}>{t("domain.dns")}</AdminLink> },
				{
					title: t("actions"), class: "actions",
					cell: (d) => d.configured ? <span class="hint">{t("domain.configured")}</span>
						: <Small aria-label={t("remove.what", { what: d.domain })} onClick={() => void remove(d.domain)}>{t("remove")}</Small>,
				},
			]} />
			<form class="card form" onSubmit={add.submit}>
				<Field label={t("domain.add")} hint={t("domain.add.hint")}>
					<input name="domain" type="text" required maxLength={255} placeholder="example.org" autocomplete="off" autocapitalize="none" spellcheck={false} />
				</Field>
				<Problem text={add.problem} />
				<p><Button type="submit" kind="primary" disabled={add.busy}>{t("domain.add")}</Button></p>
			</form>
		</Section>
	);
}

// A list with a search field, of which the server tells a part when it is long.
function useSearch<T>(path: string, member: string) {
	const [text, setText] = useState("");
	const [rows, setRows] = useState<T[] | null>(null);
	const [more, setMore] = useState(false);
	const [problem, setProblem] = useState("");
	const load = () => ask<any>("GET", `${path}?q=${encodeURIComponent(text.trim())}`).then((answer) => {
		setRows(answer[member]);
		setMore(answer.more);
		setProblem("");
	}, (error) => setProblem(whyNot(error)));
	useEffect(() => {
		const timer = setTimeout(() => void load(), text ? 250 : 0);
		return () => clearTimeout(timer);
	}, [text]);
	const search = (
		<Field label={t("search")}><input type="search" value={text} onInput={(event) => setText(event.currentTarget.value)} /></Field>
	);
	const rest = more ? <p class="hint">{t("cut")}</p> : null;
	return { rows, problem, setProblem, load, search, rest };
}

function Aliases() {
	const path = "/web/admin/aliases";
	const { rows, problem, setProblem, load, search, rest } = useSearch<{ address: string; target: string }>(path, "aliases");
	const add = useForm(async (fields, form) => {
		await ask("POST", path, { address: String(fields.get("address")).trim(), target: String(fields.get("target")).trim() });
		form.reset();
		await load();
	});
	const remove = (address: string, target: string) =>
		ask("DELETE", `${path}/${encodeURIComponent(address)}?target=${encodeURIComponent(target)}`).then(load, (error) => setProblem(whyNot(error)));
	return (
		<Section title={t("aliases")} lead={t("aliases.why")}>
			{search}
			<Problem text={problem} />
			<Table label={t("aliases")} rows={rows} id={(a) => `${a.address} ${a.target}`} empty={t("aliases.none")} columns={[
				{ title: t("alias.address"), cell: (a) => a.address, class: "wide" },
				{ title: t("alias.target"), cell: (a) => a.target, class: "wide" },
				{
					title: t("actions"), class: "actions",
					cell: (a) => <Small aria-label={t("remove.what", { what: `${a.address} → ${a.target}` })} onClick={() => void remove(a.address, a.target)}>{t("remove")}</Small>,
				},
			]} />
			{rest}
			<form class="card form" onSubmit={add.submit}>
				<div class="two">
					<Field label={t("alias.address")} hint={t("alias.address.hint")}>
						<input name="address" type="text" required maxLength={320} autocomplete="off" autocapitalize="none" spellcheck={false} />
					</Field>
					<Field label={t("alias.target")}>
						<input name="target" type="text" required maxLength={320} autocomplete="off" autocapitalize="none" spellcheck={false} />
					</Field>
				</div>
				<Problem text={add.problem} />
				<p><Button type="submit" kind="primary" disabled={add.busy}>{t("alias.add")}</Button></p>
			</form>
		</Section>
	);
}

function Forwards() {
	const path = "/web/admin/forwards";
	const { rows, problem, setProblem, load, search, rest } = useSearch<{ user: string; target: string; keep: boolean }>(path, "forwards");
	const one = (user: string) => `${path}/${encodeURIComponent(user)}`;
	const add = useForm(async (fields, form) => {
		await ask("POST", path, {
			user: String(fields.get("user")).trim(), target: String(fields.get("target")).trim(), keep: fields.get("keep") === "on",
		});
		form.reset();
		await load();
	});
	const failed = (error: unknown) => setProblem(whyNot(error));
	return (
		<Section title={t("forwards")} lead={t("forwards.why")}>
			{search}
			<Problem text={problem} />
			<Table label={t("forwards")} rows={rows} id={(f) => `${f.user} ${f.target}`} empty={t("forwards.none")} columns={[
				{ title: t("forward.user"), cell: (f) => f.user, class: "wide" },
				{ title: t("forward.target"), cell: (f) => f.target, class: "wide" },
				{
					title: t("forward.keep"),
					cell: (f) => <input type="checkbox" checked={f.keep} aria-label={t("forward.keep.of", { user: f.user })}
						onChange={(event) => void ask("PATCH", one(f.user), { keep: event.currentTarget.checked }).then(load, failed)} />,
				},
				{
					title: t("actions"), class: "actions",
					cell: (f) => <Small aria-label={t("remove.what", { what: `${f.user} → ${f.target}` })}
						onClick={() => void ask("DELETE", `${one(f.user)}?target=${encodeURIComponent(f.target)}`).then(load, failed)}>{t("remove")}</Small>,
				},
			]} />
			{rest}
			<form class="card form" onSubmit={add.submit}>
				<div class="two">
					<Field label={t("forward.user")}>
						<input name="user" type="text" required maxLength={320} autocomplete="off" autocapitalize="none" spellcheck={false} />
					</Field>
					<Field label={t("forward.target")}>
						<input name="target" type="text" required maxLength={320} autocomplete="off" autocapitalize="none" spellcheck={false} />
					</Field>
				</div>
				<label class="check"><input type="checkbox" name="keep" defaultChecked /> {t("forward.keep.hint")}</label>
				<Problem text={add.problem} />
				<p><Button type="submit" kind="primary" disabled={add.busy}>{t("forward.add")}</Button></p>
			</form>
		</Section>
	);
}
