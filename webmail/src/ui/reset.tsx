// Choosing a password by a link that an administrator made: /reset#CODE

import { useEffect, useState } from "preact/hooks";
import { Refusal, ask } from "../jmap/account.ts";
import { t } from "../text/text.ts";
import { Button, Field } from "./parts.tsx";
import { Card, enter, toSignIn, useProblem, value } from "./signup.tsx";

interface Whose {
	user: string;
	passwordLeast: number;
}

export function ResetPage() {
	const token = location.hash.slice(1);
	const [whose, setWhose] = useState<Whose | null>(null);
	const [over, setOver] = useState(false);
	const [busy, setBusy] = useState(false);
	const { problem, form, show, mark, clear } = useProblem();
	const failed = (error: unknown) => {
		if (error instanceof Refusal && error.problem.type.endsWith(":over"))
			setOver(true);
		else
			show(error);
	};

	useEffect(() => {
		ask<Whose>("POST", "/web/reset/check", { token }).then(setWhose, failed);
	}, []);
	if (over)
		return <Card title="reset.over"><p>{t("reset.over.why")}</p>{toSignIn()}</Card>;
	if (!whose)
		return <Card title="reset.title"><p class="problem" role="alert">{problem?.text}</p></Card>;

	const submit = async (event: Event) => {
		event.preventDefault();
		const password = value(form.current!, "password");
		setBusy(true);
		clear();
		try {
			await ask("POST", "/web/reset", { token, password });
			await enter(whose.user, password);
		} catch (error) {
			failed(error);
		}
		setBusy(false);
	};
	return (
		<Card title="reset.title">
			<form class="login-form" ref={form} onSubmit={submit}>
				<p>{t("reset.for", { user: whose.user })}</p>
				<input type="text" name="user" autocomplete="username" value={whose.user} readOnly hidden />
				<Field label={t("login.password")} hint={t("signup.password.hint", { least: whose.passwordLeast })}>
					<input name="password" type="password" autocomplete="new-password" required minLength={whose.passwordLeast} maxLength={256}
						{...mark("password")} />
				</Field>
				<p id="problem" class="problem" role="alert">{problem?.text}</p>
				<Button type="submit" kind="primary" class="block" disabled={busy}>{t("reset.submit")}</Button>
			</form>
		</Card>
	);
}
