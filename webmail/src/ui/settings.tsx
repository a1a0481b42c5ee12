// The settings: what this browser does, what the account does.

import { useEffect, useRef, useState } from "preact/hooks";
import { QUOTA, SIEVE, VACATION, type WebSession, call, endSession, has, listSessions, session } from "../jmap/client.ts";
import type { Identity, Quota, VacationResponse } from "../jmap/types.ts";
import { parseAddresses, written } from "../lib/address.ts";
import { browserOf } from "../lib/agent.ts";
import { messageTime } from "../lib/date.ts";
import { fileSize } from "../lib/size.ts";
import { fromText } from "../lib/totext.ts";
import { tell } from "../state/notices.ts";
import { go, route } from "../state/route.ts";
import { remember, remembered } from "../state/remembered.ts";
import { type Settings, change, chooseLanguage, settings } from "../state/settings.ts";
import { identities, leave, vacation } from "../state/start.ts";
import { languages, ofBrowser, offered } from "../text/languages.ts";
import { type Key, t } from "../text/text.ts";
import "../text/settings.ts";
import { Icon, type IconName } from "./icons.tsx";
import { Lazy } from "./lazy.tsx";
import { Button, Field, IconButton } from "./parts.tsx";
import { Switch } from "./switch.tsx";
import { Security } from "./security.tsx";

interface Section {
	title: Key;
	icon: IconName;
	page?(): preact.JSX.Element | null;
	load?(): Promise<() => preact.JSX.Element | null>; // parts that few people need come when they are opened
	hidden?(): boolean;
}

const SECTIONS: Record<string, Section> = {
	look: { title: "settings.look", icon: "sun", page: () => <Look /> },
	identities: { title: "settings.identities", icon: "pen", page: () => <Identities /> },
	folders: { title: "nav.folders", icon: "folder", load: () => import("./folders.tsx").then((m) => m.Folders) },
	filters: { title: "filters.title", icon: "filter", load: () => import("./filters.tsx").then((m) => m.Filters), hidden: () => !has(SIEVE) },
	vacation: { title: "settings.vacation", icon: "send", page: () => <Vacation />, hidden: () => !has(VACATION) },
	forwarding: { title: "forwarding.title", icon: "forward", load: () => import("./forwarding.tsx").then((m) => m.Forwarding) },
	programs: { title: "programs.title", icon: "phone", load: () => import("./programs.tsx").then((m) => m.Programs) },
	transfer: { title: "transfer.title", icon: "download", load: () => import("./transfer.tsx").then((m) => m.Transfer) },
	deleted: { title: "deleted.title", icon: "trash", load: () => import("./deleted.tsx").then((m) => m.Deleted) },
	security: { title: "settings.security", icon: "shield", page: () => <Security /> },
	account: { title: "settings.account", icon: "user", page: () => <Account /> },
};

export function SettingsPage() {
	const wanted = route.value.page === "settings" ? route.value.section : "look";
	const now = SECTIONS[wanted] && !SECTIONS[wanted]!.hidden?.() ? wanted : "look";
	const section = SECTIONS[now]!;
	const tabs = useRef<HTMLUListElement>(null);
	// On a phone they are beside each other.
	useEffect(() => tabs.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" }), [now]);
	return (
		<div class="settings">
			<header class="settings-head">
				<IconButton icon="back" label={t("settings.close")} onClick={() => go({ page: "mail", place: null, thread: null })} />
				<h1>{t("settings.title")}</h1>
			</header>
			<div class="settings-panes">
				<nav aria-label={t("settings.title")}>
					<ul ref={tabs}>
						{Object.entries(SECTIONS).filter(([, one]) => !one.hidden?.()).map(([name, { title, icon }]) => (
							<li key={name}>
								<button type="button" class="folder" aria-current={name === now ? "page" : undefined}
									onClick={() => go({ page: "settings", section: name })}>
									<Icon name={icon} />
									<span class="folder-title">{t(title)}</span>
								</button>
							</li>
						))}
					</ul>
				</nav>
				<main class="settings-main" key={now}>
					{section.load ? <Lazy key={now} load={section.load} /> : section.page!()}
				</main>
			</div>
		</div>
	);
}

function Choice<K extends "theme" | "density" | "pane" | "after">({ name, title, values }: {
	name: K; title: Key; values: Settings[K][];
}) {
	return (
		<fieldset class="choice">
			<legend>{t(title)}</legend>
			<div class="segments">
				{values.map((value) => (
					<label key={value} class={settings.value[name] === value ? "on" : ""}>
						<input type="radio" name={name} checked={settings.value[name] === value} onChange={() => change({ [name]: value })} />
						{t(`settings.${name}.${value}` as Key)}
					</label>
				))}
			</div>
		</fieldset>
	);
}

function Look() {
	const now = settings.value;
	const notify = async (on: boolean) => {
		const allowed = on ? await Notification.requestPermission() === "granted" : false;
		if (on && !allowed)
			tell(t("settings.notify.denied"), { bad: true });
		change({ notify: on && allowed });
	};
	return (
		<section class="settings-section">
			<h2>{t("settings.look")}</h2>
			<Field label={t("settings.language")}>
				<select value={now.language} onChange={(event) => chooseLanguage(event.currentTarget.value)}>
					<option value="auto">{t("settings.language.auto", { name: languages[ofBrowser()]!.name! })}</option>
					{offered.map((code) => <option key={code} value={code} lang={code}>{languages[code]!.name}</option>)}
				</select>
			</Field>
			<Choice name="theme" title="settings.theme" values={["auto", "light", "dark"]} />
			<Choice name="density" title="settings.density" values={["comfortable", "cosy", "compact"]} />
			<Choice name="pane" title="settings.pane" values={["right", "below", "none"]} />
			<Choice name="after" title="settings.after" values={["next", "list"]} />
			<Field label={t("settings.undo")}>
				<select value={String(now.undoSeconds)} onChange={(event) => change({ undoSeconds: Number(event.currentTarget.value) })}>
					{[0, 5, 10, 20, 30].map((n) => <option key={n} value={String(n)}>{n ? t("settings.undo.seconds", { n }) : t("settings.undo.off")}</option>)}
				</select>
			</Field>
			<Switch title={t("settings.keys")} hint={t("settings.keys.hint")} on={now.keys} set={(keys) => change({ keys })} />
			<Switch title={t("settings.plain")} on={now.plain} set={(plain) => change({ plain })} />
			{"Notification" in window && <Switch title={t("settings.notify")} on={now.notify} set={(on) => void notify(on)} />}
			<h3>{t("settings.images")}</h3>
			{remembered.value.imagesFrom.length === 0 && <p class="field-hint">{t("settings.images.none")}</p>}
			<p class="chips">
				{remembered.value.imagesFrom.map((sender) => (
					<span class="chip" key={sender}>
						{sender}
						<button type="button" aria-label={t("compose.recipient.remove", { name: sender })}
							onClick={() => remember({ imagesFrom: remembered.value.imagesFrom.filter((a) => a !== sender) })}><Icon name="close" /></button>
					</span>
				))}
			</p>
		</section>
	);
}

// Says what became of saving, beside the button.
function useSaving(): [Key | null, string, (work: () => Promise<any>) => Promise<void>] {
	const [saved, setSaved] = useState<Key | null>(null);
	const [problem, setProblem] = useState("");
	const run = async (work: () => Promise<any>) => {
		setSaved(null);
		setProblem("");
		try {
			const answer = await work();
			const failure: any = Object.values({ ...answer?.notCreated, ...answer?.notUpdated })[0];
			if (failure)
				throw new Error(failure.description || failure.type);
			setSaved("do.saved");
		} catch (error) {
			setProblem(t("settings.identity.refused", { why: (error as Error).message || t("offline") }));
		}
	};
	return [saved, problem, run];
}

function Identities() {
	return (
		<section class="settings-section">
			<h2>{t("settings.identities")}</h2>
			{identities.value.map((identity) => <IdentityForm key={identity.id} identity={identity} />)}
		</section>
	);
}

const loadSignature = () => import("./signature.tsx").then((m) => m.SignatureEditor);

function htmlOf(text: string): string {
	const holder = document.createElement("div");
	holder.append(fromText(text));
	return holder.innerHTML;
}

function IdentityForm({ identity }: { identity: Identity }) {
	const [name, setName] = useState(identity.name);
	const [sign, setSign] = useState(identity.textSignature);
	const [html, setHtml] = useState(identity.htmlSignature);
	const [formatted, setFormatted] = useState(identity.htmlSignature !== "");
	const [replyTo, setReplyTo] = useState((identity.replyTo ?? []).map(written).join(", "));
	const [saved, problem, run] = useSaving();
	const submit = (event: Event) => {
		event.preventDefault();
		const to = parseAddresses(replyTo).found;
		const part = { name, textSignature: sign, htmlSignature: formatted && sign !== "" ? html : "", replyTo: to.length ? to : null };
		void run(async () => {
			const answer = await call("Identity/set", { update: { [identity.id]: part } });
			if (!answer.notUpdated?.[identity.id])
				identities.value = identities.peek().map((i) => (i.id === identity.id ? { ...i, ...part } : i));
			return answer;
		});
	};
	return (
		<form class="card" onSubmit={submit}>
			<h3>{identity.email}</h3>
			<Field label={t("settings.identity.name")}>
				<input type="text" value={name} autocomplete="name" onInput={(event) => setName(event.currentTarget.value)} />
			</Field>
			<Field label={t("settings.identity.replyTo")}>
				<input type="text" inputMode="email" value={replyTo} onInput={(event) => setReplyTo(event.currentTarget.value)} />
			</Field>
			{formatted
				? (
					<div class="field">
						<span class="field-label">{t("settings.identity.signature")}</span>
						<Lazy load={loadSignature} html={html || htmlOf(sign)} changed={(now) => {
							setHtml(now.html);
							setSign(now.text);
						}} />
					</div>
				) : (
					<Field label={t("settings.identity.signature")}>
						<textarea rows={4} value={sign} onInput={(event) => setSign(event.currentTarget.value)} />
					</Field>
				)}
			<Switch title={t("settings.identity.formatted")} on={formatted} set={(on) => {
				if (on)
					setHtml(htmlOf(sign));
				setFormatted(on);
			}} />
			<SaveLine saved={saved} problem={problem} />
		</form>
	);
}

function SaveLine({ saved, problem }: { saved: Key | null; problem: string }) {
	return (
		<div class="save-line">
			<Button kind="primary" type="submit">{t("do.save")}</Button>
			<span role="status">{saved && t(saved)}</span>
			<span class="problem" role="alert">{problem}</span>
		</div>
	);
}

// Days in a date field are days of the reader's clock.
const toDay = (iso: string | null) => {
	if (!iso)
		return "";
	const date = new Date(iso);
	return `${date.getFullYear()}-${String(date.getMonth() + 1).padStart(2, "0")}-${String(date.getDate()).padStart(2, "0")}`;
};
const fromDay = (day: string, plus = 0) => {
	if (!day)
		return null;
	const [year, month, date] = day.split("-").map(Number);
	return new Date(year!, month! - 1, date! + plus).toISOString().replace(/\.\d+Z$/, "Z");
};
// "Until" is the last day that is answered: the server wants the moment after it.
const lastDay = (iso: string | null) => toDay(iso && new Date(new Date(iso).getTime() - 1000).toISOString());

function Vacation() {
	const now = vacation.value;
	const [form, setForm] = useState<VacationResponse | null>(now);
	const [saved, problem, run] = useSaving();
	useEffect(() => setForm((old) => old ?? now), [now]);
	if (!form)
		return null;
	const set = (part: Partial<VacationResponse>) => setForm({ ...form, ...part });
	const submit = (event: Event) => {
		event.preventDefault();
		const { isEnabled, fromDate, toDate, subject, textBody } = form;
		void run(async () => {
			const answer = await call("VacationResponse/set", { update: { singleton: { isEnabled, fromDate, toDate, subject, textBody } } });
			if (!answer.notUpdated?.singleton)
				vacation.value = form;
			return answer;
		});
	};
	return (
		<section class="settings-section">
			<h2>{t("settings.vacation")}</h2>
			<form class="card" onSubmit={submit}>
				<Switch title={t("settings.vacation.on")} on={form.isEnabled} set={(isEnabled) => set({ isEnabled })} />
				<div class="two">
					<Field label={t("settings.vacation.from")}>
						<input type="date" value={toDay(form.fromDate)} onChange={(event) => set({ fromDate: fromDay(event.currentTarget.value) })} />
					</Field>
					<Field label={t("settings.vacation.until")}>
						<input type="date" value={lastDay(form.toDate)} onChange={(event) => set({ toDate: fromDay(event.currentTarget.value, 1) })} />
					</Field>
				</div>
				<Field label={t("settings.vacation.subject")}>
					<input type="text" value={form.subject ?? ""} onInput={(event) => set({ subject: event.currentTarget.value || null })} />
				</Field>
				<Field label={t("settings.vacation.text")}>
					<textarea rows={6} value={form.textBody ?? ""} onInput={(event) => set({ textBody: event.currentTarget.value || null })} />
				</Field>
				<SaveLine saved={saved} problem={problem} />
			</form>
		</section>
	);
}

function Account() {
	const [quotas, setQuotas] = useState<Quota[]>([]);
	const [sessions, setSessions] = useState<WebSession[]>([]);
	useEffect(() => {
		listSessions().then(setSessions).catch(() => undefined);
		if (has(QUOTA))
			call("Quota/get", { ids: null }).then((answer) => setQuotas(answer.list)).catch(() => undefined);
	}, []);
	const storage = quotas.find((q) => q.resourceType === "octets" && q.hardLimit > 0);
	return (
		<section class="settings-section">
			<h2>{t("settings.account")}</h2>
			<p>{t("settings.account.signedIn", { name: session.value?.username ?? "" })}</p>
			{storage && (
				<div class="card">
					<h3>{t("settings.storage")}</h3>
					<progress max={storage.hardLimit} value={storage.used} aria-label={t("settings.storage")} />
					<p class="field-hint">{t("settings.storage.used", { used: fileSize(storage.used), total: fileSize(storage.hardLimit) })}</p>
				</div>
			)}
			{sessions.length > 0 && (
				<div class="card">
					<h3>{t("settings.sessions")}</h3>
					<ul class="sessions">
						{sessions.map((one) => (
							<li key={one.id}>
								<span>
									<span class="strong"><bdi>{browserOf(one.agent)}</bdi>{one.isThis && ` (${t("settings.session.this")})`}</span>
									<span class="field-hint">
										{t("settings.session.used", { time: messageTime(new Date(one.used * 1000).toISOString()), peer: one.peer })}
									</span>
								</span>
								{!one.isThis && <Button onClick={() => void endSession(one.id).then(() => listSessions()).then(setSessions)}>
									{t("settings.session.end")}</Button>}
							</li>
						))}
					</ul>
				</div>
			)}
			<p><Button onClick={() => void leave()}><Icon name="logout" />{t("logout")}</Button></p>
			<p><a href="/licences.txt" target="_blank" rel="noopener">{t("settings.licences")}</a></p>
		</section>
	);
}
