// A dialog for what changes how one signs in: it asks for the password once more, or for a passkey.

import type { ComponentChildren } from "preact";
import { useRef, useState } from "preact/hooks";
import { Refusal, ask } from "../jmap/account.ts";
import { session } from "../jmap/client.ts";
import { type PasskeyAnswer, type PasskeyRequest, passkeysPossible, usePasskey } from "../lib/webauthn.ts";
import "../text/signin.ts";
import { t } from "../text/text.ts";
import { Dialog } from "./dialog.tsx";
import { Button, Field } from "./parts.tsx";

// What shows that it is the user: a part of the request.
export type Proof = { password: string } | { passkey: PasskeyAnswer };

export function wordsOf(error: unknown): string {
	if (error instanceof DOMException)
		return t(error.name === "InvalidStateError" ? "passkey.there" : "passkey.cancelled");
	return error instanceof Refusal ? error.problem.detail : t("login.failed");
}

export function ConfirmDialog({ title, action, danger, passkeys, children, run, close }: {
	title: string; action: string; danger?: boolean; passkeys: boolean; children?: ComponentChildren;
	run(proof: Proof, fields: FormData): Promise<void>; close(): void;
}) {
	const form = useRef<HTMLFormElement>(null);
	const password = useRef<HTMLInputElement>(null);
	const [busy, setBusy] = useState(false);
	const [problem, setProblem] = useState("");
	const go = async (prove: () => Promise<Proof>) => {
		setBusy(true);
		setProblem("");
		try {
			await run(await prove(), new FormData(form.current!));
		} catch (error) {
			setProblem(wordsOf(error));
		}
		setBusy(false);
	};
	const submit = (event: Event) => {
		event.preventDefault();
		void go(async () => ({ password: password.current!.value }));
	};
	const byPasskey = () => {
		password.current!.required = false;
		const complete = form.current!.reportValidity();
		password.current!.required = true;
		if (complete)
			void go(async () => ({ passkey: await usePasskey(await ask<PasskeyRequest>("POST", "/web/passkeys/confirm", {})) }));
	};
	return (
		<Dialog label={title} onClose={close}>
			<form class="confirm" ref={form} onSubmit={submit}>
				<h2>{title}</h2>
				{children}
				<input type="text" name="user" autocomplete="username" value={session.value?.username ?? ""} readOnly hidden />
				<Field label={t("security.password.old")}>
					<input ref={password} name="password" type="password" autocomplete="current-password" required maxLength={256} />
				</Field>
				<p class="problem" role="alert">{problem}</p>
				<div class="dialog-buttons">
					<Button onClick={close}>{t("do.cancel")}</Button>
					{passkeys && passkeysPossible() && <Button disabled={busy} onClick={byPasskey}>{t("login.passkey.use")}</Button>}
					<Button type="submit" kind={danger ? "danger" : "primary"} disabled={busy}>{action}</Button>
				</div>
			</form>
		</Dialog>
	);
}
