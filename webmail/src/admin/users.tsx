// Users: found, made with a link by which they set a password, changed, removed.

import { useEffect, useRef, useState } from "preact/hooks";
import { session } from "../jmap/client.ts";
import { fileSize } from "../lib/size.ts";
import { ask as sure, tell } from "../state/notices.ts";
import { route } from "../state/route.ts";
import { t } from "../text/admin.ts";
import { count } from "../text/text.ts";
import { Dialog } from "../ui/dialog.tsx";
import { Button, Field } from "../ui/parts.tsx";
import { type Domain, type Link, type User, ask, domains, isMissing, request, whyNot } from "./api.ts";
import { AdminLink, FreshLink, Problem, Section, State, Table, TypedQuestion, goAdmin, useForm, useLoad, when } from "./parts.tsx";

const PAGE = 50;
const GB = 1e9;

const path = (user: string) => `/web/admin/users/${encodeURIComponent(user)}`;
const urlOf = (link: Link) => `${location.origin}/reset#${link.code}`;

function StateOf({ user }: { user: User }) {
	return (
		<>
			{user.isPending ? <State tone="warn">{t("user.pending")}</State>
				: user.enabled ? <State tone="ok">{t("user.active")}</State> : <State tone="bad">{t("user.disabled")}</State>}
			{user.isAdmin && <> <State tone="plain">{t("user.admin")}</State></>}
			{user.onHold && <> <State tone="plain">{t("user.onHold")}</State></>}
		</>
	);
}

export function Users() {
	const now = route.value.page === "admin" ? route.value.item : "";
	return now ? <One key={now} address={now} /> : <All />;
}

function All() {
	const [text, setText] = useState("");
	const [users, setUsers] = useState<User[] | null>(null);
	const [next, setNext] = useState<string | null>(null);
	const [problem, setProblem] = useState("");
	const [adding, setAdding] = useState(false);
	const asked = useRef(0);

	// The answer to what was typed before comes too late.
	const load = async (query: string, cursor: string, before: User[]) => {
		const mine = ++asked.current;
		try {
			const answer = await ask<{ users: User[]; next: string | null }>("GET",
				`/web/admin/users?limit=${PAGE}&q=${encodeURIComponent(query)}&cursor=${encodeURIComponent(cursor)}`);
			if (mine !== asked.current)
				return;
			setUsers([...before, ...answer.users]);
			setNext(answer.next);
			setProblem("");
		} catch (error) {
			setProblem(whyNot(error));
		}
	};
	useEffect(() => {
		const timer = setTimeout(() => void load(text.trim(), "", []), text ? 250 : 0);
		return () => clearTimeout(timer);
	}, [text]);

	return (
		<Section title={t("users")} action={<Button kind="primary" onClick={() => setAdding(true)}>{t("user.add")}</Button>}>
			<Field label={t("user.search")}>
				<input type="search" value={text} onInput={(event) => setText(event.currentTarget.value)} />
			</Field>
			<Problem text={problem} />
			<Table label={t("users")} rows={users} id={(u) => u.user} empty={t("user.none")} columns={[
				{ title: t("user.address"), cell: (u) => <AdminLink section="users" item={u.user}>{u.user}</AdminLink>, class: "wide" },
				{ title: t("user.name"), cell: (u) => u.name || "–" },
				{ title: t("user.state"), cell: (u) => <StateOf user={u} /> },
				{ title: t("user.quota"), cell: (u) => u.quotaBytes < 0 ? t("quota.default") : u.quotaBytes === 0 ? t("quota.none") : fileSize(u.quotaBytes) },
				{ title: t("user.created"), cell: (u) => when(u.created) },
			]} />
			{next && <p><Button onClick={() => void load(text.trim(), next, users ?? [])}>{t("more")}</Button></p>}
			{adding && <Add onClose={() => setAdding(false)} />}
		</Section>
	);
}

function Add({ onClose }: { onClose(): void }) {
	const { value: all } = useLoad<Domain[]>(domains);
	const [made, setMade] = useState<User & { link: Link } | null>(null);
	const { problem, busy, submit } = useForm(async (fields) => {
		setMade(await ask("POST", "/web/admin/users", {
			address: `${String(fields.get("local")).trim()}@${fields.get("domain")}`,
			name: String(fields.get("name")).trim(), isAdmin: fields.get("admin") === "on",
		}));
	});
	const done = () => {
		onClose();
		goAdmin("users", made!.user);
	};
	return (
		<Dialog label={t("user.add")} onClose={made ? done : onClose}>
			<h2>{made ? t("user.made", { user: made.user }) : t("user.add")}</h2>
			{made ? <FreshLink url={urlOf(made.link)} text={t("link.why", { time: when(made.link.expires) })} done={done} /> : (
				<form class="form" onSubmit={submit}>
					<Field label={t("user.address")}>
						<span class="signup-address">
							<input name="local" type="text" required maxLength={64} autocomplete="off" autocapitalize="none" spellcheck={false} autofocus />
							<select name="domain" aria-label={t("domain")}>{all?.map((d) => <option key={d.domain} value={d.domain}>@{d.domain}</option>)}</select>
						</span>
					</Field>
					<Field label={t("user.name")}><input name="name" type="text" maxLength={100} autocomplete="off" /></Field>
					<label class="check"><input type="checkbox" name="admin" /> {t("user.makeAdmin")}</label>
					<p class="hint">{t("user.add.why")}</p>
					<Problem text={problem} />
					<div class="dialog-buttons">
						<Button onClick={onClose}>{t("cancel")}</Button>
						<Button type="submit" kind="primary" disabled={busy || !all}>{t("user.add")}</Button>
					</div>
				</form>
			)}
		</Dialog>
	);
}

function One({ address }: { address: string }) {
	const { value: user, problem, again, setValue } = useLoad<User>(() => ask("GET", path(address)));
	const [link, setLink] = useState<Link | null>(null);
	const [removing, setRemoving] = useState(false);
	const [said, setSaid] = useState("");
	const back = <Button kind="plain" onClick={() => goAdmin("users")}>{t("user.all")}</Button>;
	if (!user)
		return <Section title={address} action={back}><Problem text={problem} /></Section>;

	const change = async (members: Partial<User>) => {
		try {
			setValue({ ...user, ...await ask<User>("PATCH", path(user.user), members) });
			setSaid("");
		} catch (error) {
			setSaid(whyNot(error));
			void again();
		}
	};
	const own = session.value?.username === user.user;
	return (
		<Section title={user.user} action={back}>
			<p><StateOf user={user} /> <span class="hint">{t("user.since", { time: when(user.created) })}</span></p>
			<Problem text={said} />
			<Usage user={user} />
			<Details key={`${user.name} ${user.quotaBytes} ${user.quotaMessages}`} user={user} save={change} />
			<div class="card form">
				<h3>{t("user.password")}</h3>
				<p class="hint">{t("user.password.why")}</p>
				{link
					? <FreshLink url={urlOf(link)} text={t("link.why", { time: when(link.expires) })} done={() => setLink(null)} />
					: <p><Button onClick={() => void ask<Link>("POST", `${path(user.user)}/password`, {}).then(setLink, (e) => setSaid(whyNot(e)))}>{t("user.link")}</Button></p>}
			</div>
			<div class="card form">
				<h3>{t("user.rights")}</h3>
				<Toggle title={user.isPending ? t("user.approve") : t("user.enabled")} hint={t("user.enabled.hint")} on={user.enabled} set={(enabled) => change({ enabled })} />
				<Toggle title={t("user.isAdmin")} hint={t("user.isAdmin.hint")} on={user.isAdmin} set={(isAdmin) => change({ isAdmin })} />
				<Toggle title={t("user.hold")} hint={t("user.hold.hint")} on={user.onHold} set={(onHold) => change({ onHold })} />
				<Toggle title={t("user.appOnly")} hint={t("user.appOnly.hint")} on={user.appOnly} set={(appOnly) => change({ appOnly })} />
			</div>
			<Factors user={user} changed={again} failed={(error) => setSaid(whyNot(error))} />
			<Sending user={user.user} />
			<p><Button kind="danger" onClick={() => setRemoving(true)}>{t("user.remove")}</Button></p>
			{removing && (
				<TypedQuestion title={t("user.remove.ask", { user: user.user })} why={t(own ? "user.remove.own" : "user.remove.why")} word={user.user}
					yes={t("user.remove")} onClose={() => setRemoving(false)}
					run={async (fields) => {
						await ask("DELETE", `${path(user.user)}${fields.get("keep") === "on" ? "?keepMail=1" : ""}`);
						tell(t("user.removed", { user: user.user }));
						goAdmin("users");
					}}>
					<label class="check"><input type="checkbox" name="keep" /> {t("user.remove.keep")}</label>
				</TypedQuestion>
			)}
		</Section>
	);
}

function Toggle({ title, hint, on, set }: { title: string; hint: string; on: boolean; set(on: boolean): void }) {
	return (
		<label class="switch-row">
			<span>
				<span class="switch-title">{title}</span>
				<span class="field-hint">{hint}</span>
			</span>
			<input type="checkbox" role="switch" checked={on} onChange={(event) => set(event.currentTarget.checked)} />
		</label>
	);
}

function Usage({ user }: { user: User }) {
	const used = user.usage;
	if (!used)
		return null;
	const text = used.limit_bytes > 0
		? t("user.used.of", { used: fileSize(used.bytes), all: fileSize(used.limit_bytes), n: used.messages })
		: t("user.used", { used: fileSize(used.bytes), n: used.messages });
	return (
		<div>
			<p>{text}</p>
			{used.limit_bytes > 0 && <progress max={used.limit_bytes} value={used.bytes} aria-label={t("user.quota")} />}
		</div>
	);
}

function Details({ user, save }: { user: User; save(members: Partial<User>): Promise<void> }) {
	const [kind, setKind] = useState(user.quotaBytes < 0 ? "default" : user.quotaBytes === 0 ? "none" : "own");
	const size = user.quotaBytes > 0 ? String(Math.round(user.quotaBytes / GB * 1000) / 1000) : "5";
	const { problem, busy, submit } = useForm(async (fields) => {
		// What is shown is rounded: who changed nothing changes nothing.
		const own = user.quotaBytes > 0 && fields.get("size") === size ? user.quotaBytes : Math.round(Number(fields.get("size")) * GB);
		await save({ name: String(fields.get("name")).trim(), quotaBytes: kind === "default" ? -1 : kind === "none" ? 0 : own });
		tell(t("saved"));
	});
	return (
		<form class="card form" onSubmit={submit}>
			<Field label={t("user.name")}><input name="name" type="text" maxLength={100} defaultValue={user.name} autocomplete="off" /></Field>
			<div class="two">
				<Field label={t("user.quota")}>
					<select value={kind} onChange={(event) => setKind(event.currentTarget.value)}>
						<option value="default">{t("quota.default")}</option>
						<option value="none">{t("quota.none")}</option>
						<option value="own">{t("quota.own")}</option>
					</select>
				</Field>
				{kind === "own" && (
					<Field label={t("quota.size")}>
						<input name="size" type="number" min="0.001" max="1000000" step="any" required defaultValue={size} />
					</Field>
				)}
			</div>
			<Problem text={problem} />
			<p><Button type="submit" kind="primary" disabled={busy}>{t("save")}</Button></p>
		</form>
	);
}

// Who has lost the phone and the recovery codes gets in again without them.
function Factors({ user, changed, failed }: { user: User; changed(): Promise<void>; failed(error: unknown): void }) {
	const now = user.factors;
	if (!now || (!now.hasTotp && now.passkeys === 0))
		return null;
	const remove = async () => {
		if (await sure(t("factors.remove.ask", { user: user.user }), t("factors.remove"), true))
			await request("user-factors-reset", { address: user.user }).then(changed, failed);
	};
	return (
		<div class="card form">
			<h3>{t("factors")}</h3>
			<p>
				{t(now.isOn ? "factors.on" : "factors.off")}{" "}
				<span class="hint">{[now.hasTotp ? t("factors.totp") : "", now.passkeys > 0 ? t("factors.passkeys", { n: now.passkeys }) : ""].filter(Boolean).join(", ")}</span>
			</p>
			<p><Button onClick={() => void remove()}>{t("factors.remove")}</Button></p>
		</div>
	);
}

interface Sent {
	messages_day: number;
	recipients_day: number;
	braked: boolean;
	reason: string;
	held: number;
}

// What the user sends to others; there is nothing to see where the server does not.
function Sending({ user }: { user: string }) {
	const { value: sent, again } = useLoad<Sent | null>(() => request<Sent>("sending", { address: user }).then((a) => a.items[0] ?? null, (error) => {
		if (isMissing(error))
			return null;
		throw error;
	}));
	if (!sent)
		return null;
	return (
		<div class="card form">
			<h3>{t("sending")}</h3>
			<p>{t("sending.today", { n: sent.messages_day, recipients: count(sent.recipients_day) })}</p>
			{sent.braked && (
				<>
					<p class="banner">{t("sending.braked", { reason: sent.reason, n: sent.held })}</p>
					<p><Button onClick={() => void request("sending-lift", { address: user }).then(again)}>{t("sending.lift")}</Button></p>
				</>
			)}
		</div>
	);
}
