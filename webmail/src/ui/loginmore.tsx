// Signing in, what is beyond address and password: the second step, a passkey, a forgotten password. Loaded after the form.

import { useEffect, useRef, useState } from "preact/hooks";
import { Refusal, ask } from "../jmap/account.ts";
import type { SecondStep } from "../jmap/client.ts";
import { type PasskeyRequest, passkeysOffered, passkeysPossible, usePasskey } from "../lib/webauthn.ts";
import "../text/signin.ts";
import { type Key, t } from "../text/text.ts";
import { Button, Field } from "./parts.tsx";

// The challenge of a passkey is good for five minutes.
const RENEW = 4 * 60_000;

// What went wrong, in words; `wrong` is for a refusal without any.
function wordsOf(error: unknown, wrong: Key): string {
	if (error instanceof DOMException)
		return t("passkey.cancelled");
	if (!(error instanceof Refusal))
		return t("login.failed");
	if (error.problem.status === 429)
		return t("login.slow");
	return error.problem.status === 401 ? t(wrong) : error.problem.detail;
}

// --- behind the password

export function SecondStepForm({ step, done, again }: { step: SecondStep; done(): Promise<void>; again(problem?: Key): void }) {
	const passkey = step.passkey !== null && passkeysPossible();
	const [recovery, setRecovery] = useState(!step.kinds.includes("totp"));
	const [busy, setBusy] = useState(false);
	const [problem, setProblem] = useState("");
	const code = useRef<HTMLInputElement>(null);
	const onlyPasskey = passkey && step.kinds[0] === "passkey";
	const [typing, setTyping] = useState(!onlyPasskey);

	useEffect(() => code.current?.focus(), [recovery, typing]);
	const show = async (shown: () => Promise<object>) => {
		setBusy(true);
		setProblem("");
		try {
			await ask("POST", "/web/login/factor", { ticket: step.ticket, ...await shown() });
			await done();
			return;
		} catch (error) {
			if (error instanceof Refusal && error.problem.type.endsWith(":expired")) {
				again("login.expired");
				return;
			}
			setProblem(wordsOf(error, "login.code.wrong"));
		}
		setBusy(false);
		code.current?.select();
		code.current?.focus();
	};
	const submit = (event: Event) => {
		event.preventDefault();
		void show(async () => ({ code: code.current!.value }));
	};

	return (
		<form class="login-form" onSubmit={submit}>
			{typing && (
				<Field label={t(recovery ? "login.recovery" : "login.code")} hint={t(recovery ? "login.recovery.hint" : "login.code.hint")}>
					<input key={String(recovery)} ref={code} name="code" type="text" autocomplete={recovery ? "off" : "one-time-code"}
						inputMode={recovery ? "text" : "numeric"} autocapitalize="none" spellcheck={false} required maxLength={40}
						class={recovery ? "" : "code-input"} aria-invalid={problem !== ""} aria-describedby="login-problem" />
				</Field>
			)}
			{!typing && <p>{t("login.passkey.why")}</p>}
			<p id="login-problem" class="problem" role="alert">{problem}</p>
			{typing && <Button type="submit" kind="primary" class="block" disabled={busy}>{t(busy ? "login.busy" : "login.submit")}</Button>}
			{passkey && (
				<Button class="block" kind={typing ? undefined : "primary"} disabled={busy}
					onClick={() => void show(async () => ({ passkey: await usePasskey(step.passkey!) }))}>{t("login.passkey.use")}</Button>
			)}
			<p class="login-other">
				{step.kinds.includes("recovery") && (!recovery || !typing) && (
					<Button kind="plain" onClick={() => {
						setRecovery(true);
						setTyping(true);
					}}>{t("login.recovery.use")}</Button>
				)}
				{step.kinds.includes("totp") && (recovery || !typing) && (
					<Button kind="plain" onClick={() => {
						setRecovery(false);
						setTyping(true);
					}}>{t("login.code.use")}</Button>
				)}
				<Button kind="plain" onClick={() => again()}>{t("login.startAgain")}</Button>
			</p>
		</form>
	);
}

// --- instead of the password

export function LoginMore({ done, forgot, problem }: { done(): Promise<void>; forgot(): void; problem(text: string): void }) {
	const waiting = useRef<AbortController | null>(null);
	const enter = async (options: { mediation?: CredentialMediationRequirement; signal?: AbortSignal }) => {
		const request = await ask<PasskeyRequest>("POST", "/web/login/passkey/options", {});
		await ask("POST", "/web/login/passkey", { passkey: await usePasskey(request, options) });
		await done();
	};
	// The browser offers passkeys beside the address, as long as nobody has chosen one.
	useEffect(() => {
		let timer = 0;
		const offer = () => {
			waiting.current?.abort();
			waiting.current = new AbortController();
			timer = window.setTimeout(offer, RENEW);
			enter({ mediation: "conditional", signal: waiting.current.signal }).catch((error) => {
				if (error instanceof Refusal)
					problem(wordsOf(error, "passkey.wrong"));
			});
		};
		void passkeysOffered().then((offered) => offered && waiting.current === null && offer());
		return () => {
			clearTimeout(timer);
			waiting.current?.abort();
		};
	}, []);
	const press = async () => {
		waiting.current?.abort();
		waiting.current = new AbortController();
		problem("");
		try {
			await enter({});
		} catch (error) {
			problem(wordsOf(error, "passkey.wrong"));
		}
	};
	return (
		<>
			{passkeysPossible() && <Button class="block" onClick={() => void press()}>{t("login.passkey")}</Button>}
			<p class="login-other"><Button kind="plain" onClick={forgot}>{t("login.forgot")}</Button></p>
		</>
	);
}

// A recovery code sets a new password; what follows is a login as ever.
export function ForgotForm({ user, done, back }: { user: string; done(user: string, password: string): Promise<void>; back(): void }) {
	const form = useRef<HTMLFormElement>(null);
	const [busy, setBusy] = useState(false);
	const [problem, setProblem] = useState("");
	const submit = async (event: Event) => {
		event.preventDefault();
		const fields = new FormData(form.current!);
		const [name, code, password] = ["user", "code", "password"].map((field) => String(fields.get(field)).trim());
		setBusy(true);
		setProblem("");
		try {
			await ask("POST", "/web/recover", { user: name, code, password: String(fields.get("password")) });
			await done(name!, password!);
		} catch (error) {
			setProblem(wordsOf(error, "login.forgot.wrong"));
		}
		setBusy(false);
	};
	return (
		<form class="login-form" ref={form} onSubmit={submit}>
			<p>{t("login.forgot.why")}</p>
			<Field label={t("login.user")}>
				<input name="user" type="text" inputMode="email" autocomplete="username" autocapitalize="none" spellcheck={false} required
					defaultValue={user} readOnly={user !== ""} />
			</Field>
			<Field label={t("login.recovery")}>
				<input name="code" type="text" autocomplete="off" autocapitalize="none" spellcheck={false} required maxLength={40} />
			</Field>
			<Field label={t("security.password.new")} hint={t("signup.password.hint", { least: 8 })}>
				<input name="password" type="password" autocomplete="new-password" required minLength={8} maxLength={256} />
			</Field>
			<p class="problem" role="alert">{problem}</p>
			<Button type="submit" kind="primary" class="block" disabled={busy}>{t(busy ? "login.busy" : "login.forgot.do")}</Button>
			<p class="login-other"><Button kind="plain" onClick={back}>{t("login.back")}</Button></p>
		</form>
	);
}
