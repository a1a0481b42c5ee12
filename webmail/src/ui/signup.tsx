// Making an account: for oneself, and for the first administrator.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Refusal, type SignUp, ask } from "../jmap/account.ts";
import { login } from "../jmap/client.ts";
import { solve } from "../lib/work.ts";
import { type Key, t } from "../text/text.ts";
import { Codes } from "./codes.tsx";
import { Button, Field } from "./parts.tsx";
import { Wordmark } from "./wordmark.tsx";

export function Card({ title, children }: { title: Key; children: ComponentChildren }) {
	return (
		<main class="login">
			<div class="login-card">
				<Wordmark />
				<h1>{t(title)}</h1>
				{children}
			</div>
		</main>
	);
}

export const toSignIn = () => <p class="login-other"><a href="/">{t("signup.signIn")}</a></p>;

// Which field a refusal is about.
const FIELDS: Record<string, string> = {
	address: "address", reserved: "address", taken: "address", password: "password", name: "name",
};

export function useProblem() {
	const [problem, setProblem] = useState<{ field: string; text: string } | null>(null);
	const form = useRef<HTMLFormElement>(null);
	// The keyboard goes to the field, unless somebody is writing in another one meanwhile.
	const show = (error: unknown, focus = true) => {
		const refusal = error instanceof Refusal ? error.problem : null;
		const field = FIELDS[refusal?.type.split(":").pop() ?? ""] ?? "";
		setProblem({ field, text: refusal?.detail ?? t("login.failed") });
		if (field && focus)
			form.current?.querySelector<HTMLInputElement>(`[name=${field}]`)?.focus();
	};
	const mark = (field: string) => problem?.field === field ? { "aria-invalid": true, "aria-describedby": "problem" } as const : {};
	return { problem, form, show, mark, clear: () => setProblem(null),
		clearField: (field: string) => setProblem((old) => (old?.field === field ? null : old)) };
}

export function value(form: HTMLFormElement, name: string): string {
	return (form.elements.namedItem(name) as HTMLInputElement | null)?.value ?? "";
}

export async function enter(user: string, password: string, to = "/"): Promise<void> {
	await login(user, password);
	location.replace(to);
}

// The new account is signed in; recovery codes can be kept now, while the password is at hand, or later.
function Keep({ password, to = "/" }: { password: string; to?: string }) {
	const done = () => location.replace(to);
	const [codes, setCodes] = useState<string[] | null>(null);
	const [problem, setProblem] = useState("");
	const make = () => void ask<{ recoveryCodes: string[] }>("POST", "/web/recovery-codes", { password })
		.then((made) => setCodes(made.recoveryCodes), () => setProblem(t("login.failed")));
	if (codes)
		return <Card title="codes.title"><Codes codes={codes} done={done} /></Card>;
	return (
		<Card title="codes.keep">
			<div class="login-form">
				<p>{t("codes.what")}</p>
				<p class="problem" role="alert">{problem}</p>
				<Button kind="primary" class="block" onClick={make}>{t("codes.make")}</Button>
				<Button class="block" onClick={done}>{t("codes.skip")}</Button>
			</div>
		</Card>
	);
}

export function SignUpPage() {
	const code = new URLSearchParams(location.search).get("invite") ?? "";
	const [about, setAbout] = useState<SignUp | null>(null);
	const [busy, setBusy] = useState(false);
	const [pending, setPending] = useState(false);
	const [kept, setKept] = useState("");
	const { problem, form, show, mark, clear, clearField } = useProblem();
	const load = () => ask<SignUp>("GET", `/web/signup?invite=${encodeURIComponent(code)}`).then(setAbout);

	useEffect(() => {
		load().catch(show);
	}, []);

	if (kept)
		return <Keep password={kept} />;
	if (pending)
		return <Card title="signup.pending"><p>{t("signup.pending.why")}</p>{toSignIn()}</Card>;
	if (!about)
		return <Card title="signup.title"><p class="problem" role="alert">{problem?.text}</p></Card>;
	const domains = about.invite ? [about.invite.domain] : about.domains.map((one) => one.name);
	if (domains.length === 0)
		return (
			<Card title={code ? "signup.badInvite" : about.invites ? "signup.byInvite" : "signup.closed"}>
				<p>{t(code ? "signup.badInvite.why" : about.invites ? "signup.byInvite.why" : "signup.closed.why")}</p>
				{toSignIn()}
			</Card>
		);

	const wanted = (target: HTMLFormElement) => ({
		address: `${value(target, "address").trim()}@${domains.length > 1 ? value(target, "domain") : domains[0]}`,
		name: value(target, "name").trim(), invite: code || undefined,
	});
	const check = async () => {
		if (form.current && value(form.current, "address").trim() !== "")
			await ask("POST", "/web/signup/check", wanted(form.current)).then(() => clearField("address"), (error) => {
				const refusal = error instanceof Refusal ? error : null;
				if (refusal && refusal.problem.status !== 429)
					show(refusal, false);
			});
	};
	const submit = async (event: Event) => {
		event.preventDefault();
		const target = form.current!;
		const password = value(target, "password");
		setBusy(true);
		clear();
		try {
			const number = await solve(about.challenge, about.work);
			const made = await ask<{ user: string; state: string }>("POST", "/web/signup",
				{ ...wanted(target), password, challenge: about.challenge, number });
			if (made.state === "pending") {
				setPending(true);
			} else {
				sessionStorage.setItem("postern.new", "1");
				await login(made.user, password).then(() => setKept(password));
			}
		} catch (error) {
			show(error);
			if (error instanceof Refusal && error.problem.type.endsWith(":work"))
				void load();
		}
		setBusy(false);
	};

	return (
		<Card title="signup.title">
			<form class="login-form" ref={form} onSubmit={submit}>
				<Field label={t("signup.address")}>
					<span class="signup-address">
						<input name="address" type="text" autocomplete="off" autocapitalize="none" spellcheck={false} required maxLength={64}
							onBlur={() => void check()} {...mark("address")} />
						{domains.length > 1
							? <select name="domain" aria-label={t("signup.domain")}>{domains.map((one) => <option key={one} value={one}>@{one}</option>)}</select>
							: <bdi>@{domains[0]}</bdi>}
					</span>
				</Field>
				<Field label={t("signup.name")}>
					<input name="name" type="text" autocomplete="name" maxLength={100} {...mark("name")} />
				</Field>
				<Field label={t("login.password")} hint={t("signup.password.hint", { least: about.passwordLeast })}>
					<input name="password" type="password" autocomplete="new-password" required minLength={about.passwordLeast} maxLength={256}
						{...mark("password")} />
				</Field>
				{about.terms && (
					<label class="signup-terms">
						<input type="checkbox" required />
						<span>{t("signup.terms")} <a href={about.terms} target="_blank" rel="noopener noreferrer">{t("signup.terms.read")}</a></span>
					</label>
				)}
				<p id="problem" class="problem" role="alert">{problem?.text}</p>
				<Button type="submit" kind="primary" class="block" disabled={busy}>{t(busy ? "signup.busy" : "signup.submit")}</Button>
			</form>
			{toSignIn()}
		</Card>
	);
}

export function SetUpPage() {
	const [state, setState] = useState<{ open: boolean; domain: string } | null>(null);
	const [busy, setBusy] = useState(false);
	const [kept, setKept] = useState("");
	const [domain, setDomain] = useState("");
	const { problem, form, show, mark, clear } = useProblem();

	useEffect(() => {
		ask<{ open: boolean; domain: string }>("GET", "/web/setup").then(setState, show);
	}, []);
	const submit = async (event: Event) => {
		event.preventDefault();
		const target = form.current!;
		const password = value(target, "password");
		setBusy(true);
		clear();
		try {
			const made = await ask<{ user: string }>("POST", "/web/setup",
				{ token: location.hash.slice(1), address: value(target, "address").trim(), name: value(target, "name").trim(), password });
			await login(made.user, password);
			setDomain(made.user.split("@").pop()!);
			setKept(password);
		} catch (error) {
			show(error);
		}
		setBusy(false);
	};
	// What comes next is the DNS of the domain.
	if (kept)
		return <Keep password={kept} to={`/#/admin/dns/${encodeURIComponent(domain)}`} />;
	if (!state?.open)
		return (
			<Card title={state ? "setup.over" : "setup.title"}>
				<p role={problem ? "alert" : undefined}>{state ? t("setup.over.why") : problem?.text}</p>
				{state && toSignIn()}
			</Card>
		);
	return (
		<Card title="setup.title">
			<form class="login-form" ref={form} onSubmit={submit}>
				<p>{t("setup.why")}</p>
				<Field label={t("login.user")}>
					<input name="address" type="email" autocomplete="off" required {...mark("address")}
						placeholder={state.domain ? `name@${state.domain}` : undefined} />
				</Field>
				<Field label={t("signup.name")}>
					<input name="name" type="text" autocomplete="name" maxLength={100} />
				</Field>
				<Field label={t("login.password")} hint={t("signup.password.hint", { least: 8 })}>
					<input name="password" type="password" autocomplete="new-password" required minLength={8} maxLength={256} {...mark("password")} />
				</Field>
				<p id="problem" class="problem" role="alert">{problem?.text}</p>
				<Button type="submit" kind="primary" class="block" disabled={busy}>{t(busy ? "signup.busy" : "setup.submit")}</Button>
			</form>
		</Card>
	);
}
