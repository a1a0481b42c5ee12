// Settings, Filters: the rules, or the script as text.

import { useEffect, useState } from "preact/hooks";
import { heard } from "../jmap/push.ts";
import type { SieveScript } from "../jmap/types.ts";
import { OURS, active, activate, activateOurs, failure, loadFilters, ours, replaceByRules, rules, script, scripts } from "../state/filters.ts";
import { ask } from "../state/notices.ts";
import { ruleOpen } from "../state/ui.ts";
import { t } from "../text/text.ts";
import { attempt } from "./filterattempt.ts";
import { RuleList } from "./filterlist.tsx";
import { filterSheet, newRule } from "./filterparts.ts";
import { ScriptText } from "./filtertext.tsx";
import { Icon } from "./icons.tsx";
import { Button } from "./parts.tsx";
import { useSheet } from "./style.ts";
import { Switch } from "./switch.tsx";

type View = "rules" | "text";

function Views({ view, set }: { view: View; set(view: View): void }) {
	return (
		<fieldset class="choice">
			<legend class="visually-hidden">{t("filters.view")}</legend>
			<div class="segments">
				{(["rules", "text"] as const).map((one) => (
					<label key={one} class={view === one ? "on" : ""}>
						<input type="radio" name="view" checked={view === one} onChange={() => set(one)} />
						{t(one === "rules" ? "filters.view.rules" : "filters.view.text")}
					</label>
				))}
			</div>
		</fieldset>
	);
}

// Another program's script decides now.
const foreign = (): SieveScript | null => (active.value && active.value.id !== ours.value?.id ? active.value : null);

async function turn(on: boolean): Promise<void> {
	const other = foreign();
	if (on && other && !await ask(t("filters.instead.ask", { name: other.name ?? "" }), t("filters.instead")))
		return;
	await attempt(() => (on ? activateOurs() : activate(null)));
}

function Foreign({ name, edit }: { name: string; edit(): void }) {
	return (
		<div class="banner warning filters-notice">
			<Icon name="warn" />
			<div>
				<p>{t("filters.foreign", { name })}</p>
				<p class="filters-buttons">
					<Button onClick={edit}>{t("filters.foreign.edit")}</Button>
					<Button onClick={() => void turn(true)}>{t("filters.instead")}</Button>
				</p>
			</div>
		</div>
	);
}

function Edited() {
	const back = async () => {
		const n = script.peek().rules.length;
		if (await ask(n > 0 ? t("filters.replace.ask", { n }) : t("filters.replace.none"), t("filters.replace"), true))
			await attempt(replaceByRules);
	};
	return (
		<div class="banner warning filters-notice">
			<Icon name="warn" />
			<div>
				<p>{t("filters.edited")}</p>
				<p class="filters-buttons">
					<Button onClick={() => void back()}>{t("filters.replace")}</Button>
				</p>
			</div>
		</div>
	);
}

function Rules({ edit }: { edit(name: string): void }) {
	const other = foreign();
	const list = rules.value;
	const add = () => (ruleOpen.value = { rule: newRule(), isNew: true, offers: [] });
	if (script.value.state === "edited")
		return (
			<>
				<Edited />
				<ScriptText name={OURS} choose={edit} />
			</>
		);
	const isOn = ours.value?.isActive ?? false;
	return (
		<>
			{other && <Foreign name={other.name ?? ""} edit={() => edit(other.name ?? "")} />}
			{(ours.value || other) && (
				<div class="card">
					<Switch title={t("filters.use")} hint={t(isOn ? "filters.use.on" : "filters.use.off")} on={isOn} set={(on) => void turn(on)} />
				</div>
			)}
			{list.length > 0 ? <RuleList rules={list} dim={!isOn} /> : (
				<div class="filters-empty">
					<Icon name="filter" />
					<p class="strong">{t("filters.none")}</p>
					<p class="field-hint">{t("filters.none.hint")}</p>
				</div>
			)}
			<p class={list.length > 0 ? "" : "filters-first"}>
				<Button kind="primary" onClick={add}><Icon name="plus" />{t("filters.new")}</Button>
			</p>
			{script.value.isMixed && (
				<p class="field-hint">
					{t("filters.mixed")} <Button kind="plain" onClick={() => edit(ours.value!.name!)}>{t("filters.mixed.show")}</Button>
				</p>
			)}
		</>
	);
}

export function Filters() {
	useSheet(filterSheet);
	const [view, setView] = useState<View>("rules");
	const [name, setName] = useState<string | null>(null);
	// Others may change them: programs, another browser.
	useEffect(() => heard.subscribe(() => void loadFilters()), []);
	const edit = (which: string) => {
		setName(which);
		setView("text");
	};
	return (
		<section class="settings-section wide filters">
			<h2>{t("filters.title")}</h2>
			<p class="field-hint">{t("filters.why")}</p>
			{scripts.value && <Views view={view} set={setView} />}
			{failure.value && (
				<p class="problem" role="alert">{failure.value} <Button kind="plain" onClick={() => void loadFilters()}>{t("list.retry")}</Button></p>
			)}
			{scripts.value && (view === "rules" ? <Rules edit={edit} /> : <ScriptText name={name} choose={setName} />)}
		</section>
	);
}
