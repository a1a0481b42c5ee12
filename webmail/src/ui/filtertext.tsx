// A script as text, and the list of all scripts.

import { useEffect, useRef, useState } from "preact/hooks";
import type { SieveScript } from "../jmap/types.ts";
import { Changed, OURS, activate, active, ours, remove, saveText, scripts, textOfBlob, validate, wordsOf } from "../state/filters.ts";
import { ask, tell } from "../state/notices.ts";
import { t } from "../text/text.ts";
import { attempt } from "./filterattempt.ts";
import { Button } from "./parts.tsx";

// What was typed and not saved, by the name of the script: it is there still when one comes back.
const kept = new Map<string, { text: string; base: string | null }>();

// "line 3: …"
const lineOf = (problem: string) => Number(/\bline (\d+)/i.exec(problem)?.[1] ?? 0);

function Code({ text, set, bad, field }: { text: string; set(text: string): void; bad: number; field: { current: HTMLTextAreaElement | null } }) {
	const numbers = useRef<HTMLDivElement>(null);
	const count = text.split("\n").length;
	return (
		<div class="code-box" dir="ltr">
			<div class="code-numbers" ref={numbers} aria-hidden="true">
				{Array.from({ length: count }, (_, n) => <span key={n} class={n + 1 === bad ? "bad" : ""}>{n + 1}</span>)}
			</div>
			<textarea ref={field} aria-label={t("filters.text")} aria-invalid={bad > 0} aria-describedby="filter-problem" value={text} wrap="off" spellcheck={false}
				autocapitalize="none" autocomplete="off" rows={Math.max(12, Math.min(28, count + 1))} onInput={(event) => set(event.currentTarget.value)}
				onScroll={(event) => (numbers.current!.scrollTop = event.currentTarget.scrollTop)} />
		</div>
	);
}

export function ScriptText({ name, choose }: { name: string | null; choose(name: string): void }) {
	const shown = scripts.value?.find((one) => one.name === name) ?? active.value ?? ours.value ?? scripts.value?.[0] ?? null;
	const title = shown?.name ?? OURS;
	return (
		<>
			<Editor key={title} title={title} shown={shown} />
			{scripts.value!.length > 0 && <Scripts shown={title} choose={choose} />}
		</>
	);
}

function Editor({ title, shown }: { title: string; shown: SieveScript | null }) {
	const [text, setText] = useState<string | null>(kept.get(title)?.text ?? (shown ? null : ""));
	const [base, setBase] = useState<string | null>(kept.get(title)?.base ?? null);
	const [server, setServer] = useState<string | null>(shown ? null : "");
	const [problem, setProblem] = useState("");
	const [status, setStatus] = useState<"" | "saved" | "good">("");
	const [busy, setBusy] = useState(false);
	const field = useRef<HTMLTextAreaElement>(null);
	const turn = useRef(0);
	const blob = shown?.blobId ?? null;
	const changed = text !== null && server !== null && text !== server;
	const conflict = changed && base !== null && base !== blob;

	const type = (next: string) => {
		setText(next);
		setStatus("");
		if (server !== null && next === server)
			kept.delete(title);
		else
			kept.set(title, { text: next, base: base ?? blob });
		if (base === null)
			setBase(blob);
	};
	const take = (now: string) => {
		kept.delete(title);
		setText(now);
		setServer(now);
		setBase(blob);
		setProblem("");
	};
	// What the server has is shown, unless something else was typed.
	useEffect(() => {
		let here = true;
		if (blob)
			textOfBlob(blob).then((now) => {
				if (!here)
					return;
				if (kept.has(title))
					setServer(now);
				else
					take(now);
			}).catch((error) => here && setProblem(wordsOf(error)));
		return () => {
			here = false;
		};
	}, [blob]);
	// The server looks at it while one types.
	useEffect(() => {
		const mine = ++turn.current;
		if (!changed)
			return undefined;
		const timer = setTimeout(() => void validate(text).then((found) => {
			if (mine !== turn.current)
				return;
			setProblem(found);
			setStatus(found ? "" : "good");
		}).catch(() => undefined), 600);
		return () => clearTimeout(timer);
	}, [text, changed]);

	const save = async (over: boolean) => {
		const mine = ++turn.current;
		const content = text ?? "";
		setBusy(true);
		try {
			await saveText(title, content, over ? null : base);
			if (mine === turn.current || field.current?.value === content) {
				kept.delete(title);
				setServer(content);
				setBase(scripts.peek()?.find((one) => one.name === title)?.blobId ?? null);
			}
			setProblem("");
			setStatus("saved");
		} catch (error) {
			if (!(error instanceof Changed))
				setProblem(wordsOf(error));
		}
		setBusy(false);
	};
	const bad = lineOf(problem);
	const goThere = () => {
		const all = (text ?? "").split("\n");
		const at = all.slice(0, bad - 1).reduce((sum, line) => sum + line.length + 1, 0);
		field.current!.focus();
		field.current!.setSelectionRange(at, at + (all[bad - 1] ?? "").length);
		field.current!.scrollTop = Math.max(0, (bad - 4) * 20);
	};
	return (
		<div class="card filter-text">
			<h3><bdi>{title}</bdi></h3>
			<p class="field-hint">{t(title === OURS ? "filters.text.ours" : "filters.text.other")}</p>
			{text === null ? <p role="status">{problem || t("list.loading")}</p> : <Code text={text} set={type} bad={bad} field={field} />}
			{conflict && (
				<div class="banner warning filters-notice">
					<div>
						<p role="alert">{t("filters.conflict")}</p>
						<p class="filters-buttons">
							<Button onClick={() => take(server!)}>{t("filters.conflict.theirs")}</Button>
							<Button onClick={() => void save(true)}>{t("filters.conflict.mine")}</Button>
						</p>
					</div>
				</div>
			)}
			<div id="filter-problem" class="filter-problem">
				<p class="problem" role="alert">{text !== null && problem}</p>
				{bad > 0 && <Button kind="plain" onClick={goThere}>{t("filters.line", { n: bad })}</Button>}
			</div>
			<div class="save-line">
				<Button kind="primary" disabled={busy || text === null || conflict || (!changed && shown !== null)} onClick={() => void save(false)}>{t("do.save")}</Button>
				{changed && <Button onClick={() => take(server!)}>{t("filters.revert")}</Button>}
				<span role="status" class="field-hint">
					{status === "saved" && !changed ? t("do.saved") : changed ? t(status === "good" ? "filters.valid" : "forwarding.unsaved") : ""}
				</span>
			</div>
		</div>
	);
}

function Scripts({ shown, choose }: { shown: string; choose(name: string): void }) {
	const drop = async (one: SieveScript) => {
		const name = one.name ?? "";
		if (await ask(t(one.isActive ? "filters.delete.active" : "filters.delete.ask", { name }), t("do.delete"), true) && await attempt(() => remove(one))) {
			kept.delete(name);
			tell(t("filters.deleted", { name }));
		}
	};
	return (
		<div class="card">
			<h3>{t("filters.scripts")}</h3>
			<p class="field-hint">{t("filters.scripts.why")}</p>
			<ul class="sessions scripts">
				{scripts.value!.map((one) => (
					<li key={one.id}>
						<span>
							<bdi class="strong">{one.name}</bdi>
							<span class={one.isActive ? "field-hint script-active" : "field-hint"}>{t(one.isActive ? "filters.active" : "filters.inactive")}</span>
						</span>
						<span class="row-buttons">
							{one.name !== shown && (
								<Button aria-label={`${t("filters.show")}: ${one.name}`} onClick={() => choose(one.name ?? "")}>{t("filters.show")}</Button>
							)}
							<Button aria-label={`${t(one.isActive ? "filters.deactivate" : "filters.activate")}: ${one.name}`}
								onClick={() => void attempt(() => activate(one.isActive ? null : one))}>
								{t(one.isActive ? "filters.deactivate" : "filters.activate")}
							</Button>
							<Button aria-label={`${t("do.delete")}: ${one.name}`} onClick={() => void drop(one)}>{t("do.delete")}</Button>
						</span>
					</li>
				))}
			</ul>
		</div>
	);
}
