// Settings, Security: what one signs in with besides the password.

import { useEffect, useState } from "preact/hooks";
import { type Factors, type Passkey, ask } from "../jmap/account.ts";
import { browserOf } from "../lib/agent.ts";
import { messageTime } from "../lib/date.ts";
import { type PasskeyCreation, makePasskey, passkeysPossible } from "../lib/webauthn.ts";
import { askText, tell } from "../state/notices.ts";
import "../text/signin.ts";
import { t } from "../text/text.ts";
import { CodesDialog } from "./codes.tsx";
import { ConfirmDialog } from "./confirm.tsx";
import { Lazy } from "./lazy.tsx";
import { Button, Field } from "./parts.tsx";

const loadQr = () => import("./qr.tsx").then((m) => m.QrCode);
const when = (seconds: number) => messageTime(new Date(seconds * 1000).toISOString());

interface Trial {
	ticket: string;
	secret: string;
	url: string;
}

type Open = { what: "app"; trial: Trial } | { what: "appAway" | "codes" | "passkey" | "ask" | "askNot" } | { what: "passkeyAway"; passkey: Passkey };

// Made by a change: recovery codes to be shown, or none.
interface Changed {
	recoveryCodes?: string[] | null;
}

function AppFields({ trial }: { trial: Trial }) {
	return (
		<>
			<p>{t("factor.app.scan")}</p>
			<div class="qr-frame"><Lazy load={loadQr} text={trial.url} label={t("factor.app.qr")} /></div>
			<p><a href={trial.url}>{t("factor.app.open")}</a></p>
			<p>{t("factor.app.secret")}<br /><code class="secret">{trial.secret.replace(/.{4}(?=.)/g, "$& ")}</code></p>
			<Field label={t("factor.app.code")}>
				<input name="code" type="text" inputMode="numeric" autocomplete="one-time-code" required maxLength={7} class="code-input" />
			</Field>
		</>
	);
}

export function SecondFactor({ factors, reload }: { factors: Factors; reload(): void }) {
	const [open, setOpen] = useState<Open | null>(null);
	const [codes, setCodes] = useState<string[] | null>(null);
	const close = () => setOpen(null);
	const passkeys = factors.passkeys.length > 0;
	const changed = (answer: Changed | null, note: string) => {
		setCodes(answer?.recoveryCodes ?? null);
		setOpen(null);
		tell(note);
		reload();
	};
	const begin = () => void ask<Trial>("POST", "/web/totp", {}).then((trial) => setOpen({ what: "app", trial }), () => tell(t("login.failed"), { bad: true }));
	const rename = async (passkey: Passkey) => {
		const name = await askText(t("passkey.rename"), t("do.rename"), t("passkey.name"), passkey.name);
		if (name)
			await ask("PUT", `/web/passkeys/${passkey.id}`, { name }).then(reload, () => tell(t("login.failed"), { bad: true }));
	};
	return (
		<>
			<div class="card">
				<h3>{t("factor.title")}</h3>
				<p class="field-hint">{t("factor.why")}</p>
				<p class={factors.isOn ? "factor-state on" : "factor-state"}>{t(factors.isOn ? "factor.on" : "factor.off")}</p>
				{factors.totp && (
					<ul class="sessions">
						<li>
							<span>
								<span class="strong">{t("factor.app")}</span>
								<span class="field-hint">
									{t("factor.since", { time: when(factors.totp.created) })}
									{factors.totp.used !== null && ` · ${t("security.app.used", { time: when(factors.totp.used) })}`}
								</span>
							</span>
							<Button onClick={() => setOpen({ what: "appAway" })}>{t("factor.app.remove")}</Button>
						</li>
					</ul>
				)}
				{!factors.totp && <p><Button kind={factors.isOn ? undefined : "primary"} onClick={begin}>{t("factor.app.add")}</Button></p>}
			</div>
			{(passkeys || (factors.canPasskey && passkeysPossible())) && (
				<div class="card">
					<h3>{t("passkey.title")}</h3>
					<p class="field-hint">{t("passkey.why")}</p>
					{passkeys && (
						<ul class="sessions">
							{factors.passkeys.map((one) => (
								<li key={one.id}>
									<span>
										<span class="strong">{one.name}</span>
										<span class="field-hint">
											{t("factor.since", { time: when(one.created) })}
											{" · "}{one.used ? t("security.app.used", { time: when(one.used) }) : t("security.app.unused")}
										</span>
									</span>
									<span class="row-buttons">
										<Button aria-label={`${t("do.rename")}: ${one.name}`} onClick={() => void rename(one)}>{t("do.rename")}</Button>
										<Button aria-label={`${t("passkey.remove")}: ${one.name}`}
											onClick={() => setOpen({ what: "passkeyAway", passkey: one })}>{t("passkey.remove")}</Button>
									</span>
								</li>
							))}
						</ul>
					)}
					{factors.canPasskey && passkeysPossible() && <p><Button onClick={() => setOpen({ what: "passkey" })}>{t("passkey.add")}</Button></p>}
					{passkeys && (
						<label class="signup-terms">
							<input type="checkbox" checked={factors.passkeysAsked} onClick={(event) => {
								event.preventDefault();
								setOpen({ what: factors.passkeysAsked ? "askNot" : "ask" });
							}} />
							<span>{t("passkey.ask")}</span>
						</label>
					)}
				</div>
			)}
			<div class="card">
				<h3>{t("codes.title")}</h3>
				<p class="field-hint">{t("codes.what")}</p>
				<p>{factors.recoveryCodes > 0 ? t("codes.left", { n: factors.recoveryCodes }) : t("codes.none")}</p>
				<p><Button onClick={() => setOpen({ what: "codes" })}>{t(factors.recoveryCodes > 0 ? "codes.renew" : "codes.make")}</Button></p>
			</div>

			{open?.what === "app" && (
				<ConfirmDialog title={t("factor.app.add")} action={t("factor.app.do")} passkeys={passkeys} close={close}
					run={async (proof, fields) => changed(await ask<Changed>("POST", "/web/totp/confirm",
						{ ticket: open.trial.ticket, code: fields.get("code"), ...proof }), t("factor.app.done"))}>
					<AppFields trial={open.trial} />
				</ConfirmDialog>
			)}
			{open?.what === "appAway" && (
				<ConfirmDialog title={t("factor.app.remove.ask")} action={t("factor.app.remove")} danger passkeys={passkeys} close={close}
					run={async (proof) => changed(await ask<null>("POST", "/web/totp/remove", proof), t("factor.app.removed"))}>
					<p>{t("factor.app.remove.why")}</p>
				</ConfirmDialog>
			)}
			{open?.what === "codes" && (
				<ConfirmDialog title={t("codes.make")} action={t("codes.make.do")} passkeys={passkeys} close={close}
					run={async (proof) => changed(await ask<Changed>("POST", "/web/recovery-codes", proof), t("codes.made"))}>
					{factors.recoveryCodes > 0 && <p>{t("codes.renew.why")}</p>}
				</ConfirmDialog>
			)}
			{open?.what === "passkey" && (
				<ConfirmDialog title={t("passkey.add")} action={t("passkey.add.do")} passkeys={passkeys} close={close}
					run={async (proof, fields) => {
						const credential = await makePasskey(await ask<PasskeyCreation>("POST", "/web/passkeys/options", proof));
						await ask<Passkey>("POST", "/web/passkeys", { name: fields.get("name"), credential });
						changed(null, t("passkey.added"));
					}}>
					<Field label={t("passkey.name")} hint={t("passkey.name.hint")}>
						<input name="name" type="text" required maxLength={60} defaultValue={browserOf(navigator.userAgent)} />
					</Field>
				</ConfirmDialog>
			)}
			{open?.what === "passkeyAway" && (
				<ConfirmDialog title={t("passkey.remove.ask", { name: open.passkey.name })} action={t("passkey.remove")} danger passkeys={passkeys} close={close}
					run={async (proof) => changed(await ask<null>("POST", "/web/passkeys/remove", { id: open.passkey.id, ...proof }), t("passkey.removed"))}>
					<p>{t("passkey.remove.why")}</p>
				</ConfirmDialog>
			)}
			{(open?.what === "ask" || open?.what === "askNot") && (
				<ConfirmDialog title={t(open.what === "ask" ? "passkey.ask.on" : "passkey.ask.off")} action={t(open.what === "ask" ? "factor.turnOn" : "factor.turnOff")}
					danger={open.what === "askNot"} passkeys={passkeys} close={close}
					run={async (proof) => changed(await ask<Changed>("PUT", "/web/passkeys", { asked: open.what === "ask", ...proof }),
						t(open.what === "ask" ? "factor.on" : "passkey.ask.isOff"))}>
					<p>{t(open.what === "ask" ? "passkey.ask.on.why" : "passkey.ask.off.why")}</p>
				</ConfirmDialog>
			)}
			{codes && <CodesDialog codes={codes} done={() => setCodes(null)} />}
		</>
	);
}

// What there is; null: the server has nothing of the kind, or does not answer.
export function useFactors(): [Factors | null, () => void] {
	const [factors, setFactors] = useState<Factors | null>(null);
	const load = () => void ask<Factors>("GET", "/web/factors").then(setFactors, () => undefined);
	useEffect(load, []);
	return [factors, load];
}
