// Settings, Security: the password, what is asked for besides it, and passwords for mail programs.

import { useEffect, useRef, useState } from "preact/hooks";
import { type AppPassword, type AppPasswords, Refusal, ask } from "../jmap/account.ts";
import { session } from "../jmap/client.ts";
import { messageTime } from "../lib/date.ts";
import { tell } from "../state/notices.ts";
import { type Key, t } from "../text/text.ts";
import { ConfirmDialog } from "./confirm.tsx";
import { SecondFactor, useFactors } from "./factors.tsx";
import { Button, Field } from "./parts.tsx";

const text = (error: unknown) => error instanceof Refusal ? error.problem.detail : t("login.failed");
const when = (seconds: number) => messageTime(new Date(seconds * 1000).toISOString());

function Password() {
	const form = useRef<HTMLFormElement>(null);
	const [problem, setProblem] = useState("");
	const submit = async (event: Event) => {
		event.preventDefault();
		const fields = new FormData(form.current!);
		try {
			await ask("POST", "/web/password", { old: fields.get("old"), new: fields.get("new") });
			form.current!.reset();
			setProblem("");
			tell(t("security.password.changed"));
		} catch (error) {
			setProblem(text(error));
		}
	};
	return (
		<form class="card" ref={form} onSubmit={submit}>
			<h3>{t("security.password")}</h3>
			<input type="text" name="user" autocomplete="username" value={session.value?.username ?? ""} readOnly hidden />
			<Field label={t("security.password.old")}><input name="old" type="password" autocomplete="current-password" required /></Field>
			<Field label={t("security.password.new")} hint={t("signup.password.hint", { least: 8 })}>
				<input name="new" type="password" autocomplete="new-password" required minLength={8} maxLength={256} />
			</Field>
			<p class="problem" role="alert">{problem}</p>
			<p><Button type="submit" kind="primary">{t("security.password.change")}</Button></p>
		</form>
	);
}

const SCOPES: [string, Key][] = [
	["imap", "security.scope.imap"], ["smtp", "security.scope.smtp"], ["pop3", "security.scope.pop3"], ["jmap", "security.scope.jmap"],
	["sieve", "security.scope.sieve"],
];

// What is made is good for longer than a browser that was left open: it asks who it is.
function NewApp({ passkeys, made }: { passkeys: boolean; made(one: AppPassword): void }) {
	const form = useRef<HTMLFormElement>(null);
	const [wanted, setWanted] = useState<{ name: string; scopes: string[] } | null>(null);
	const submit = (event: Event) => {
		event.preventDefault();
		const fields = new FormData(form.current!);
		setWanted({ name: String(fields.get("name")), scopes: fields.getAll("scope").map(String) });
	};
	return (
		<>
			<form ref={form} onSubmit={submit}>
				<Field label={t("security.app.name")}><input name="name" type="text" required maxLength={60} placeholder={t("security.app.example")} /></Field>
				<fieldset class="scopes">
					<legend class="field-label">{t("security.app.for")}</legend>
					{SCOPES.map(([scope, title]) => (
						<label key={scope}>
							<input type="checkbox" name="scope" value={scope} defaultChecked={scope === "imap" || scope === "smtp"} /> {t(title)}
						</label>
					))}
				</fieldset>
				<p><Button type="submit" kind="primary">{t("security.app.make")}</Button></p>
			</form>
			{wanted && (
				<ConfirmDialog title={wanted.name} action={t("security.app.make")} passkeys={passkeys} close={() => setWanted(null)}
					run={async (proof) => {
						made(await ask<AppPassword>("POST", "/web/app-passwords", { ...wanted, ...proof }));
						form.current!.reset();
						setWanted(null);
					}} />
			)}
		</>
	);
}

// `forced`: the password alone is not enough anywhere.
function Apps({ forced, passkeys }: { forced: boolean; passkeys: boolean }) {
	const [about, setAbout] = useState<AppPasswords | null>(null);
	const [fresh, setFresh] = useState<AppPassword | null>(null);
	const load = () => ask<AppPasswords>("GET", "/web/app-passwords").then(setAbout).catch(() => undefined);
	useEffect(() => void load(), []);
	if (!about)
		return null;
	return (
		<div class="card">
			<h3>{t("security.apps")}</h3>
			<p class="field-hint">{t("security.apps.why")}</p>
			{fresh && (
				<div class="fresh-password" role="status">
					<p>{t("security.app.once", { name: fresh.name })}</p>
					<p><code>{fresh.password}</code></p>
					{fresh.token && <details><summary>{t("security.app.token")}</summary><p><code>{fresh.token}</code></p></details>}
					<p><Button onClick={() => setFresh(null)}>{t("security.app.noted")}</Button></p>
				</div>
			)}
			{about.appPasswords.length > 0 && (
				<ul class="sessions">
					{about.appPasswords.map((one) => (
						<li key={one.id}>
							<span>
								<span class="strong">{one.name}</span>
								<span class="field-hint">
									{one.scopes.join(", ").toUpperCase()}
									{" · "}{one.used ? t("security.app.used", { time: when(one.used) }) : t("security.app.unused")}
								</span>
							</span>
							<Button aria-label={`${t("security.app.revoke")}: ${one.name}`}
								onClick={() => void ask("DELETE", `/web/app-passwords/${one.id}`).then(load)}>{t("security.app.revoke")}</Button>
						</li>
					))}
				</ul>
			)}
			<NewApp passkeys={passkeys} made={(one) => {
				setFresh(one);
				void load();
			}} />
			<label class="signup-terms">
				<input type="checkbox" checked={about.required || forced} disabled={forced} onChange={(event) =>
					void ask("PUT", "/web/app-passwords", { required: event.currentTarget.checked }).then(load)} />
				<span>{t("security.apps.required")}{forced && <span class="field-hint">{t("security.apps.forced")}</span>}</span>
			</label>
		</div>
	);
}

export function Security() {
	const [factors, reload] = useFactors();
	return (
		<section class="settings-section">
			<h2>{t("settings.security")}</h2>
			<Password />
			{factors && <SecondFactor factors={factors} reload={reload} />}
			<Apps forced={factors?.isOn ?? false} passkeys={(factors?.passkeys.length ?? 0) > 0} />
		</section>
	);
}
