// Recovery codes, shown once: to be copied, kept as a file or printed. One is typed back, so that they are kept somewhere.

import { useState } from "preact/hooks";
import { session } from "../jmap/client.ts";
import "../text/signin.ts";
import { t } from "../text/text.ts";
import { Dialog } from "./dialog.tsx";
import { Button, Field } from "./parts.tsx";

const plain = (code: string) => code.toLowerCase().replace(/[-\s]/g, "");

function save(codes: string[]) {
	const link = document.createElement("a");
	link.href = URL.createObjectURL(new Blob([codes.join("\n"), "\n"], { type: "text/plain" }));
	link.download = `${t("codes.file", { name: session.value?.username ?? location.hostname })}.txt`;
	link.click();
	setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

// Only the codes go to the paper (style/settings.css).
function print() {
	document.documentElement.classList.add("printing-codes");
	window.print();
	document.documentElement.classList.remove("printing-codes");
}

export function Codes({ codes, done }: { codes: string[]; done(): void }) {
	const [copied, setCopied] = useState(false);
	const [typed, setTyped] = useState("");
	const [problem, setProblem] = useState("");
	const submit = (event: Event) => {
		event.preventDefault();
		if (codes.some((code) => plain(code) === plain(typed)))
			done();
		else
			setProblem(t("codes.type.wrong"));
	};
	return (
		<form class="recovery-codes" onSubmit={submit}>
			<p>{t("codes.why")}</p>
			<ol class="codes" aria-label={t("codes.title")}>
				{codes.map((code) => <li key={code}><code>{code}</code></li>)}
			</ol>
			<p class="codes-buttons">
				{navigator.clipboard && <Button onClick={() => void navigator.clipboard.writeText(codes.join("\n")).then(() => setCopied(true), () => undefined)}>
					{t(copied ? "codes.copied" : "codes.copy")}</Button>}
				<Button onClick={() => save(codes)}>{t("codes.download")}</Button>
				<Button onClick={print}>{t("codes.print")}</Button>
			</p>
			<Field label={t("codes.type")} hint={t("codes.type.hint")}>
				<input name="code" type="text" autocomplete="off" autocapitalize="none" spellcheck={false} required maxLength={40} value={typed}
					onInput={(event) => setTyped(event.currentTarget.value)} aria-invalid={problem !== ""} aria-describedby="codes-problem" />
			</Field>
			<p id="codes-problem" class="problem" role="alert">{problem}</p>
			<div class="dialog-buttons"><Button type="submit" kind="primary">{t("codes.kept")}</Button></div>
		</form>
	);
}

// In a dialog that does not go away by mistake: they are not shown again.
export function CodesDialog({ codes, done }: { codes: string[]; done(): void }) {
	return (
		<Dialog label={t("codes.title")} onClose={() => undefined}>
			<h2>{t("codes.title")}</h2>
			<Codes codes={codes} done={done} />
		</Dialog>
	);
}
