// Settings, Mail programs: what to enter there, to be copied, and help for some of them.

import { useEffect, useState } from "preact/hooks";
import { ask } from "../jmap/account.ts";
import { say, tell } from "../state/notices.ts";
import { go } from "../state/route.ts";
import { type Key, t } from "../text/text.ts";
import { Icon } from "./icons.tsx";
import { Button, IconButton } from "./parts.tsx";
import { QrCode } from "./qr.tsx";

interface Server {
	kind: "IMAP" | "POP3" | "SMTP";
	host: string;
	port: number;
	security: "tls" | "starttls";
}

interface About {
	user: string;
	name: string;
	appPasswordNeeded: boolean;
	servers: Server[];
}

async function copy(text: string, what: string): Promise<void> {
	try {
		await navigator.clipboard.writeText(text);
		say(t("programs.copied", { what }));
		tell(t("programs.copied", { what }), { seconds: 3 });
	} catch {
		tell(t("programs.notCopied"), { bad: true });
	}
}

function Value({ label, value }: { label: string; value: string }) {
	return (
		<div>
			<dt>{label}</dt>
			<dd>
				<code>{value}</code>
				<IconButton icon="copy" label={t("programs.copy", { what: `${label}: ${value}` })} onClick={() => void copy(value, label)} />
			</dd>
		</div>
	);
}

const TITLES: Record<Server["kind"], Key> = { IMAP: "programs.imap", POP3: "programs.pop3", SMTP: "programs.smtp" };

function ServerCard({ server, user }: { server: Server; user: string }) {
	return (
		<div class="card">
			<h3>{t(TITLES[server.kind])}</h3>
			<dl class="values">
				<Value label={t("programs.host")} value={server.host} />
				<Value label={t("programs.port")} value={String(server.port)} />
				<Value label={t("programs.security")} value={server.security === "tls" ? "SSL/TLS" : "STARTTLS"} />
				<Value label={t("programs.user")} value={user} />
			</dl>
		</div>
	);
}

function Guide({ title, children }: { title: Key; children: preact.ComponentChildren }) {
	return (
		<details class="guide">
			<summary>{t(title)}</summary>
			<div>{children}</div>
		</details>
	);
}

export function Programs() {
	const [about, setAbout] = useState<About | null>(null);
	useEffect(() => void ask<About>("GET", "/web/programs").then(setAbout).catch(() => undefined), []);
	if (!about)
		return <section class="settings-section"><h2>{t("programs.title")}</h2></section>;
	const has = (kind: Server["kind"]) => about.servers.find((s) => s.kind === kind);
	const imap = has("IMAP"), smtp = has("SMTP");
	const here = `${location.origin}/#/settings/programs`;
	return (
		<section class="settings-section">
			<h2>{t("programs.title")}</h2>
			<p>{t("programs.why")}</p>
			<div class="card">
				<h3>{t("programs.password")}</h3>
				<p>{t(about.appPasswordNeeded ? "programs.password.needed" : "programs.password.why")}</p>
				<p><Button onClick={() => go({ page: "settings", section: "security" })}>{t("programs.password.make")}</Button></p>
			</div>
			{imap && <ServerCard server={imap} user={about.user} />}
			{smtp && <ServerCard server={smtp} user={about.user} />}
			<div class="guides">
				{imap && smtp && (
					<Guide title="programs.apple">
						<p>{t("programs.apple.how")}</p>
						<p><a class="button" href="/web/profile.mobileconfig"><Icon name="download" />{t("programs.apple.get")}</a></p>
					</Guide>
				)}
				<Guide title="programs.android"><p>{t("programs.android.how")}</p></Guide>
				<Guide title="programs.thunderbird"><p>{t("programs.thunderbird.how", { user: about.user })}</p></Guide>
				<Guide title="programs.outlook"><p>{t("programs.outlook.how")}</p></Guide>
				{has("POP3") && (
					<Guide title="programs.pop3">
						<p>{t("programs.pop3.why")}</p>
						<ServerCard server={has("POP3")!} user={about.user} />
					</Guide>
				)}
			</div>
			<div class="card programs-phone">
				<QrCode text={here} label={t("programs.qr.label")} />
				<div>
					<h3>{t("programs.qr")}</h3>
					<p>{t("programs.qr.why")}</p>
				</div>
			</div>
		</section>
	);
}
