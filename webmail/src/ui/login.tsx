// Signing in: the page, and the dialog when a session has ended.

import { useEffect, useRef, useState } from "preact/hooks";
import { type SecondStep, login, session } from "../jmap/client.ts";
import { resume, start } from "../state/start.ts";
import { t } from "../text/text.ts";
import { Dialog } from "./dialog.tsx";
import { Lazy } from "./lazy.tsx";
import { Button, Field, IconButton } from "./parts.tsx";
import { Wordmark } from "./wordmark.tsx";

const loadMore = () => import("./loginmore.tsx").then((m) => m.LoginMore);
const loadSecondStep = () => import("./loginmore.tsx").then((m) => m.SecondStepForm);
const loadForgot = () => import("./loginmore.tsx").then((m) => m.ForgotForm);

function LoginForm({ user, done }: { user: string; done(): Promise<void> }) {
	const [busy, setBusy] = useState(false);
	const [problem, setProblem] = useState("");
	const [visible, setVisible] = useState(false);
	const [step, setStep] = useState<SecondStep | null>(null);
	const [forgot, setForgot] = useState(false);
	const name = useRef<HTMLInputElement>(null);
	const password = useRef<HTMLInputElement>(null);

	useEffect(() => (user ? password : name).current?.focus(), [step, forgot]);

	const enter = async (who: string, secret: string) => {
		const result = await login(who, secret);
		if (result === "ok")
			await done();
		else if (typeof result === "object")
			setStep(result);
		else
			setProblem(t(`login.${result}`));
	};
	const submit = async (event: Event) => {
		event.preventDefault();
		setBusy(true);
		setProblem("");
		await enter(name.current!.value.trim(), password.current!.value);
		setBusy(false);
		password.current?.select();
		password.current?.focus();
	};
	const begin = (text: string) => {
		setStep(null);
		setForgot(false);
		setProblem(text);
	};

	if (step)
		return <Lazy load={loadSecondStep} step={step} done={done} again={(why) => begin(why ? t(why) : "")} />;
	if (forgot)
		return <Lazy load={loadForgot} user={user} back={() => begin("")} done={async (who, secret) => {
			begin("");
			await enter(who, secret);
		}} />;
	return (
		<>
			<form class="login-form" onSubmit={submit}>
				<Field label={t("login.user")}>
					<input ref={name} name="user" type="text" inputMode="email" autocomplete={"username webauthn" as "username"} autocapitalize="none" spellcheck={false}
						required defaultValue={user} readOnly={user !== ""} />
				</Field>
				<div class="field">
					<label class="field-label" for="password">{t("login.password")}</label>
					<span class="with-button">
						<input ref={password} id="password" name="password" type={(visible ? "text" : "password") as "password"} autocomplete="current-password" required
							aria-invalid={problem !== ""} aria-describedby="login-problem" />
						<IconButton icon={visible ? "eyeOff" : "eye"} label={t(visible ? "login.hide" : "login.show")} onClick={() => setVisible(!visible)} />
					</span>
				</div>
				<p id="login-problem" class="problem" role="alert">{problem}</p>
				<Button type="submit" kind="primary" class="block" disabled={busy}>{t(busy ? "login.busy" : "login.submit")}</Button>
			</form>
			<div class="login-more"><Lazy load={loadMore} done={done} problem={setProblem} forgot={() => setForgot(true)} /></div>
		</>
	);
}

export function LoginPage() {
	return (
		<main class="login">
			<div class="login-card">
				<Wordmark />
				<h1>{t("login.title")}</h1>
				<LoginForm user="" done={start} />
			</div>
		</main>
	);
}

export function LoginDialog() {
	return (
		<Dialog label={t("login.again")} onClose={() => undefined}>
			<h2>{t("login.again")}</h2>
			<p>{t("login.again.why")}</p>
			<LoginForm user={session.value?.username ?? ""} done={resume} />
		</Dialog>
	);
}
