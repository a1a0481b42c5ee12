// Settings, Forwarding: to whom mail is sent on. The password is asked for again.

import { useEffect, useRef, useState } from "preact/hooks";
import { Refusal, ask } from "../jmap/account.ts";
import { session } from "../jmap/client.ts";
import { parseAddresses } from "../lib/address.ts";
import { tell } from "../state/notices.ts";
import { t } from "../text/text.ts";
import { Icon } from "./icons.tsx";
import { Button, Field } from "./parts.tsx";
import { Switch } from "./switch.tsx";

interface About {
	targets: string[];
	keep: boolean;
	possible: boolean;
	most: number;
}

export function Forwarding() {
	const [about, setAbout] = useState<About | null>(null);
	const [targets, setTargets] = useState<string[]>([]);
	const [keep, setKeep] = useState(true);
	const [problem, setProblem] = useState("");
	const fresh = useRef<HTMLInputElement>(null);
	const password = useRef<HTMLInputElement>(null);
	const load = () => ask<About>("GET", "/web/forwarding").then((found) => {
		setAbout(found);
		setTargets(found.targets);
		setKeep(found.keep);
	}).catch((error) => setProblem(error instanceof Refusal ? error.problem.detail : t("offline.short")));
	useEffect(() => void load(), []);

	// The address in the field is meant, too, whether or not Add was pressed.
	const withField = (): string[] | null => {
		const text = fresh.current?.value.trim() ?? "";
		if (text === "")
			return targets;
		const { found, rest } = parseAddresses(text);
		if (found.length === 0 || rest.length > 0) {
			setProblem(t("compose.recipient.bad", { text: rest[0] ?? text }));
			fresh.current!.focus();
			return null;
		}
		const next = [...new Set([...targets, ...found.map((a) => a.email)])];
		fresh.current!.value = "";
		setTargets(next);
		setProblem("");
		return next;
	};
	const submit = async (event: Event) => {
		event.preventDefault();
		const wanted = withField();
		if (!wanted)
			return;
		try {
			await ask("PUT", "/web/forwarding", { targets: wanted, keep, password: password.current!.value });
			password.current!.value = "";
			setProblem("");
			tell(t(wanted.length > 0 ? "forwarding.set" : "forwarding.ended"));
			await load();
		} catch (error) {
			setProblem(error instanceof Refusal ? error.problem.detail : t("offline.short"));
		}
	};
	const same = about && keep === about.keep && targets.join(" ") === about.targets.join(" ");
	return (
		<section class="settings-section">
			<h2>{t("forwarding.title")}</h2>
			{about && !about.possible && <p>{t("forwarding.impossible")}</p>}
			{about && (about.possible || about.targets.length > 0) && (
				<form class="card" onSubmit={submit}>
					<p class="field-hint">{t("forwarding.why")}</p>
					{targets.length === 0 ? <p>{t("forwarding.none")}</p> : (
						<ul class="sessions" aria-label={t("forwarding.targets")}>
							{targets.map((address) => (
								<li key={address}>
									<bdi class="strong">{address}</bdi>
									<Button disabled={!about.possible} aria-label={t("compose.recipient.remove", { name: address })}
										onClick={() => setTargets(targets.filter((a) => a !== address))}>
										<Icon name="close" />{t("do.remove")}
									</Button>
								</li>
							))}
						</ul>
					)}
					{about.possible && (
						<>
							{targets.length < about.most && (
								<div class="field-row">
									<Field label={t("forwarding.add")}>
										<input ref={fresh} type="text" inputMode="email" autocomplete="off" autocapitalize="none" spellcheck={false}
											onKeyDown={(event) => {
												if (event.key === "Enter") {
													event.preventDefault();
													withField();
												}
											}} />
									</Field>
									<Button onClick={() => withField()}>{t("do.add")}</Button>
								</div>
							)}
							<Switch title={t("forwarding.keep")} hint={t(keep ? "forwarding.keep.on" : "forwarding.keep.off")} on={keep} set={setKeep} />
							<input type="text" name="user" autocomplete="username" value={session.value?.username ?? ""} readOnly hidden />
							<Field label={t("security.password.old")} hint={t("forwarding.password")}>
								<input ref={password} type="password" autocomplete="current-password" required />
							</Field>
							<p class="problem" role="alert">{problem}</p>
							<p class="save-line">
								<Button type="submit" kind="primary">{t("do.save")}</Button>
								{!same && <span class="field-hint">{t("forwarding.unsaved")}</span>}
							</p>
						</>
					)}
				</form>
			)}
			{!about && <p class="problem" role="alert">{problem}</p>}
		</section>
	);
}
