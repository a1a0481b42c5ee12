// Invitations, and those who have signed up and wait for approval.

import { useState } from "preact/hooks";
import { type AdminKey, t } from "../text/admin.ts";
import { Button, Field } from "../ui/parts.tsx";
import { type Domain, ask, domains, whyNot } from "./api.ts";
import { FreshLink, Problem, Section, Small, Table, useForm, useLoad, when } from "./parts.tsx";

interface Invite {
	id: string;
	domain: string;
	note: string;
	created: number;
	expires: number;
	uses: number;
	code?: string;
}

export function Invites() {
	return (
		<>
			<Approvals />
			<InviteList />
		</>
	);
}

function Approvals() {
	const { value, problem, again } = useLoad(() => ask<{ pending: { user: string; name: string; created: number }[] }>("GET", "/web/approvals"));
	const [said, setSaid] = useState("");
	const act = (method: string, user: string) =>
		ask(method, `/web/approvals/${encodeURIComponent(user)}`).then(() => setSaid(""), (error) => setSaid(whyNot(error))).then(again);
	return (
		<Section title={t("approvals")}>
			<Problem text={problem || said} />
			<Table label={t("approvals")} rows={value?.pending ?? null} id={(p) => p.user} empty={t("approvals.none")} columns={[
				{ title: t("user.address"), cell: (p) => p.user, class: "wide" },
				{ title: t("user.name"), cell: (p) => p.name || "–" },
				{ title: t("approval.since"), cell: (p) => when(p.created) },
				{
					title: t("actions"), class: "actions",
					cell: (p) => (
						<>
							<Small aria-label={t("approval.yes.who", { user: p.user })} onClick={() => void act("POST", p.user)}>{t("approval.yes")}</Small>
							<Small aria-label={t("approval.no.who", { user: p.user })} onClick={() => void act("DELETE", p.user)}>{t("approval.no")}</Small>
						</>
					),
				},
			]} />
		</Section>
	);
}

function InviteList() {
	const { value, problem, again } = useLoad(() => ask<{ invites: Invite[] }>("GET", "/web/invites"));
	const { value: all } = useLoad<Domain[]>(domains);
	const [fresh, setFresh] = useState<Invite | null>(null);
	const [domain, setDomain] = useState("");
	const [said, setSaid] = useState("");
	const chosen = all?.find((d) => d.domain === domain) ?? all?.[0];
	const { problem: refused, busy, submit } = useForm(async (fields, form) => {
		setFresh(await ask<Invite>("POST", "/web/invites", {
			domain: fields.get("domain"), note: String(fields.get("note")).trim(), uses: Number(fields.get("uses")), days: Number(fields.get("days")),
		}));
		form.reset();
		await again();
	});
	return (
		<Section title={t("invites.title")} lead={t("invites.why")}>
			{fresh && (
				<FreshLink url={`${location.origin}/signup?invite=${fresh.code}`} text={t("invite.once", { n: fresh.uses, time: when(fresh.expires) })}
					done={() => setFresh(null)} />
			)}
			<form class="card form" onSubmit={submit}>
				<div class="two">
					<Field label={t("domain")}>
						<select name="domain" value={chosen?.domain} onChange={(event) => setDomain(event.currentTarget.value)}>
							{all?.map((d) => <option key={d.domain} value={d.domain}>{d.domain}</option>)}
						</select>
					</Field>
					<Field label={t("invite.note")}><input name="note" type="text" maxLength={100} autocomplete="off" /></Field>
					<Field label={t("invite.uses")}><input name="uses" type="number" min="1" max="1000000" required defaultValue="1" /></Field>
					<Field label={t("invite.days")}><input name="days" type="number" min="1" max="3650" required defaultValue="14" /></Field>
				</div>
				{chosen?.signup === "closed" && <p class="banner">{t("invite.closed", { domain: chosen.domain })}</p>}
				<Problem text={refused} />
				<p><Button type="submit" kind="primary" disabled={busy || !chosen}>{t("invite.make")}</Button></p>
			</form>
			<Problem text={problem || said} />
			<Table label={t("invites.title")} rows={value?.invites ?? null} id={(i) => i.id} empty={t("invites.none")} columns={[
				{ title: t("invite.note"), cell: (i) => i.note || "–", class: "wide" },
				{ title: t("domain"), cell: (i) => i.domain },
				{ title: t("invite.left"), cell: (i) => stateOf(i) },
				{ title: t("invite.until"), cell: (i) => i.expires ? when(i.expires) : t("never") },
				{
					title: t("actions"), class: "actions",
					cell: (i) => <Small aria-label={t("invite.revoke.what", { what: i.note || i.id })}
						onClick={() => void ask("DELETE", `/web/invites/${i.id}`).then(() => setSaid(""), (error) => setSaid(whyNot(error))).then(again)}>{t("invite.revoke")}</Small>,
				},
			]} />
		</Section>
	);
}

function stateOf(invite: Invite): string {
	const key: AdminKey = invite.uses === 0 ? "invite.used" : invite.expires && invite.expires * 1000 < Date.now() ? "invite.over" : "invite.leftN";
	return t(key, { n: invite.uses });
}
