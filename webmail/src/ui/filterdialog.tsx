// The form for one filter: what it looks at, and what it does then.

import { useEffect, useRef, useState } from "preact/hooks";
import {
	type Action, type Condition, DOINGS, type Doing, FIELDS, type Field, HOWS, PLACES, type Rule, asRule, hasTarget, hasValue, isAddress, isFieldName, sieveOf,
} from "../lib/rules.ts";
import { parseAddresses } from "../lib/address.ts";
import { active, askForwarding, change, compares, failure, knows, loadFilters, mayForward, nameOf, ours, script, scripts, trashName, wordsOf } from "../state/filters.ts";
import { newFolder } from "../state/folders.ts";
import { mailboxes, pathOf } from "../state/mailboxes.ts";
import { ask, askText, tell } from "../state/notices.ts";
import { addLabel, labelTitle } from "../state/remembered.ts";
import { allLabels } from "../state/actions.ts";
import { go, route } from "../state/route.ts";
import { ruleOpen } from "../state/ui.ts";
import { type Key, t } from "../text/text.ts";
import "../text/settings.ts";
import { Dialog } from "./dialog.tsx";
import { filterSheet } from "./filterparts.ts";
import { conditionWords, folderTitle, howTitle, nameFor } from "./filterwords.ts";
import { Icon } from "./icons.tsx";
import { Button, Field as Labelled, IconButton } from "./parts.tsx";
import { useSheet } from "./style.ts";
import { Switch } from "./switch.tsx";

const FRESH: Record<Field, string> = { from: "", to: "", subject: "", list: "", header: "", body: "", size: "5M", attachment: "" };

// What the server cannot do is not offered, unless the filter has it already.
const offeredFields = (now: Field) => FIELDS.filter((field) => field === now || field !== "body" || knows("body"));
const can: Record<Doing, () => boolean> = {
	move: () => knows("fileinto"), copy: () => knows("fileinto") && knows("copy"), label: () => knows("imap4flags"), star: () => knows("imap4flags"),
	read: () => knows("imap4flags"), forward: mayForward, trash: () => knows("fileinto"), discard: () => true,
};
const offeredDoings = (now: Doing, others: Doing[]) => DOINGS.filter((one) => one === now ||
	(can[one]() && !(PLACES.includes(one) && others.some((other) => PLACES.includes(other))) && !(!hasTarget(one) && others.includes(one)) &&
		!(one === "trash" && others.includes("trash"))));

function ConditionRow({ condition, n, set, remove }: { condition: Condition; n: number; set(to: Condition): void; remove: (() => void) | null }) {
	const { field, how, value, header } = condition;
	const choose = (to: Field) => set({
		field: to, how: HOWS[to].includes(how) ? how : HOWS[to][0]!, value: to === "size" || field === "size" ? FRESH[to] : value,
		...(to === "header" ? { header: header ?? "" } : {}),
	});
	return (
		<div class="filter-row" role="group" aria-label={t("filters.condition", { n })}>
			<select aria-label={t("filters.condition.field")} value={field} onChange={(event) => choose(event.currentTarget.value as Field)}>
				{offeredFields(field).map((one) => <option key={one} value={one}>{t(`filters.field.${one}` as Key)}</option>)}
			</select>
			{field === "header" && (
				<input type="text" class="code" aria-label={t("filters.header.name")} placeholder="X-Mailer" value={header} required maxLength={80} dir="ltr"
					autocapitalize="none" autocomplete="off" spellcheck={false}
					onInput={(event) => {
						const name = event.currentTarget.value.trim();
						event.currentTarget.setCustomValidity(name === "" || isFieldName(name) ? "" : t("filters.header.bad"));
						set({ ...condition, header: name });
					}} />
			)}
			<select aria-label={t("filters.condition.how")} value={how} onChange={(event) => set({ ...condition, how: event.currentTarget.value as Condition["how"] })}>
				{HOWS[field].map((one) => <option key={one} value={one}>{howTitle(condition, one)}</option>)}
			</select>
			{field === "size" ? (
				<span class="filter-size">
					<input type="number" min={1} max={999_999_999} step={1} required aria-label={t("filters.condition.value")} value={parseInt(value, 10) || ""}
						onInput={(event) => set({ ...condition, value: `${event.currentTarget.value}${value.slice(-1)}` })} />
					<select aria-label={t("filters.size.unit")} value={value.slice(-1)}
						onChange={(event) => set({ ...condition, value: `${parseInt(value, 10) || 1}${event.currentTarget.value}` })}>
						<option value="K">KB</option>
						<option value="M">MB</option>
					</select>
				</span>
			) : hasValue(condition) && (
				<input type="text" class="filter-value" aria-label={t("filters.condition.value")} value={value} required maxLength={1000} dir="auto" autocomplete="off"
					autocapitalize="none" onInput={(event) => set({ ...condition, value: event.currentTarget.value })} />
			)}
			{remove && <IconButton icon="close" label={t("filters.condition.remove", { n })} onClick={remove} />}
			{(how === "matches" || field === "attachment" || (isAddress(field) && (how === "is" || how === "isnt"))) && (
				<span class="field-hint">
					{t(how === "matches" ? "filters.matches.hint" : field === "attachment" ? "filters.attachment.hint" : "filters.address.hint")}
				</span>
			)}
		</div>
	);
}

const NEW = "\n"; // no folder, and no label, is called so

function FolderChoice({ value, set }: { value: string; set(name: string): void }) {
	const all = [...mailboxes.value.values()].filter((m) => m.myRights?.mayAddItems !== false && m.role !== "drafts" && m.role !== "sent")
		.map((m) => ({ name: nameOf(m), title: pathOf(m), special: m.role !== null }))
		.sort((a, b) => Number(b.special) - Number(a.special) || a.title.localeCompare(b.title));
	return (
		<select required aria-label={t("filters.folder")} value={value} onChange={(event) => {
			const box = event.currentTarget;
			if (box.value !== NEW)
				return set(box.value);
			box.value = value;
			return void newFolder(null).then((made) => made && set(nameOf(made)));
		}}>
			<option value="" disabled>{t("filters.folder.choose")}</option>
			{value !== "" && !all.some((one) => one.name === value) && <option value={value}>{folderTitle(value)}</option>}
			{all.map((one) => <option key={one.name} value={one.name}>{one.title}</option>)}
			<option value={NEW}>{t("filters.folder.new")}</option>
		</select>
	);
}

function LabelChoice({ value, set }: { value: string; set(keyword: string): void }) {
	const all = allLabels();
	return (
		<select required aria-label={t("labels.name")} value={value} onChange={(event) => {
			const box = event.currentTarget;
			if (box.value !== NEW)
				return set(box.value);
			box.value = value;
			return void askText(t("filters.label.new"), t("do.create"), t("labels.name")).then((name) => {
				const keyword = name ? addLabel(name) : "";
				if (keyword)
					set(keyword);
			});
		}}>
			<option value="" disabled>{t("filters.label.choose")}</option>
			{value !== "" && !all.includes(value) && <option value={value}>{labelTitle(value)}</option>}
			{all.map((one) => <option key={one} value={one}>{labelTitle(one)}</option>)}
			<option value={NEW}>{t("filters.label.new")}</option>
		</select>
	);
}

function ActionRow({ action, n, others, set, remove }: {
	action: Action; n: number; others: Doing[]; set(to: Action): void; remove: (() => void) | null;
}) {
	const doing = action.do;
	const choose = (to: Doing) => set({ do: to, value: to === "trash" ? trashName() : ["move", "copy"].includes(to) && ["move", "copy"].includes(doing) ? action.value : "" });
	return (
		<div class="filter-row action" role="group" aria-label={t("filters.action", { n })}>
			<select aria-label={t("filters.action.do")} value={doing} onChange={(event) => choose(event.currentTarget.value as Doing)}>
				{offeredDoings(doing, others).map((one) => <option key={one} value={one}>{t(`filters.do.${one}` as Key)}</option>)}
			</select>
			{(doing === "move" || doing === "copy") && <FolderChoice value={action.value} set={(value) => set({ do: doing, value })} />}
			{doing === "label" && <LabelChoice value={action.value} set={(value) => set({ do: doing, value })} />}
			{doing === "forward" && (
				<input type="text" inputMode="email" aria-label={t("filters.forward.to")} required value={action.value} autocomplete="off" autocapitalize="none"
					spellcheck={false} onInput={(event) => {
						const { found, rest } = parseAddresses(event.currentTarget.value);
						event.currentTarget.setCustomValidity(found.length === 1 && rest.length === 0 ? "" : t("filters.forward.bad"));
						set({ do: doing, value: event.currentTarget.value });
					}} />
			)}
			{remove && <IconButton icon="close" label={t("filters.action.remove", { n })} onClick={remove} />}
			{doing === "discard" && <span class="field-hint">{t("filters.discard.hint")}</span>}
		</div>
	);
}

// What stands in the way of saving, or should be known.
function Standing() {
	if (!scripts.value)
		return failure.value ? <p class="problem" role="alert">{failure.value}</p> : null;
	if (script.value.state === "edited")
		return <p class="banner warning"><Icon name="warn" /><span>{t("filters.edited")}</span></p>;
	if (active.value && active.value.id !== ours.value?.id)
		return <p class="banner warning"><Icon name="warn" /><span>{t("filters.foreign", { name: active.value.name ?? "" })}</span></p>;
	if (ours.value && !ours.value.isActive)
		return <p class="banner warning"><Icon name="warn" /><span>{t("filters.use.off")}</span></p>;
	return null;
}

const toAddress = (one: Action): Action => (one.do === "forward" ? { ...one, value: parseAddresses(one.value).found[0]?.email ?? one.value } : one);

export function FilterDialog() {
	const { rule: given, isNew, offers } = ruleOpen.value!;
	const [rule, setRule] = useState(given);
	const [busy, setBusy] = useState(false);
	const [problem, setProblem] = useState("");
	const form = useRef<HTMLFormElement>(null);
	const fresh = useRef("");
	useSheet(filterSheet);
	useEffect(() => {
		void loadFilters();
		void askForwarding();
	}, []);
	useEffect(() => {
		// What is empty is to be filled in first; else one begins at the top.
		const fields = [...form.current!.querySelectorAll<HTMLInputElement>("[required]")];
		(fields.find((one) => one.value === "") ?? form.current!.querySelector<HTMLElement>("input"))?.focus();
	}, []);
	// The row that was just added.
	useEffect(() => {
		if (fresh.current)
			form.current!.querySelector<HTMLElement>(`${fresh.current} .filter-row:last-child select`)?.focus();
		fresh.current = "";
	});

	const set = (part: Partial<Rule>) => setRule({ ...rule, ...part });
	const close = async () => {
		if (JSON.stringify(rule) === JSON.stringify(given) || await ask(t("filters.discard.ask"), t("filters.discard.yes"), true))
			ruleOpen.value = null;
	};
	const conditions = rule.match === "every" ? [] : rule.if;
	const match = (to: Rule["match"]) => set({ match: to, if: to === "every" || rule.if.length > 0 ? rule.if : [{ field: "from", how: "contains", value: "" }] });
	const left = offers.filter((offer) => !rule.if.some((one) => one.field === offer.field && one.how === offer.how && one.value === offer.value));
	const finished = () => {
		const made = asRule({ ...rule, then: rule.then.map(toAddress) });
		return { ...made, name: made.name || nameFor(made) };
	};
	const submit = async (event: Event) => {
		event.preventDefault();
		if (rule.then.length === 0 && !rule.stop) {
			setProblem(t("filters.nothing"));
			return;
		}
		setBusy(true);
		setProblem("");
		const done = finished();
		try {
			await change((rules) => (rules.some((one) => one.id === done.id) ? rules.map((one) => (one.id === done.id ? done : one)) : [...rules, done]), false);
		} catch (error) {
			setProblem(t("settings.identity.refused", { why: wordsOf(error) }));
			setBusy(false);
			return;
		}
		ruleOpen.value = null;
		const here = route.peek().page === "settings";
		tell(t("filters.saved", { name: done.name }), {
			seconds: 6, ...(here ? {} : { action: { label: t("filters.saved.show"), run: () => go({ page: "settings", section: "filters" }) } }),
		});
	};
	const title = t(isNew ? "filters.new" : "filters.edit");
	return (
		<Dialog label={title} onClose={() => void close()} wide>
			<form class="filter-form" ref={form} onSubmit={(event) => void submit(event)}>
				<header>
					<h2>{title}</h2>
					<IconButton icon="close" label={t("do.close")} onClick={() => void close()} />
				</header>
				<Standing />
				<Labelled label={t("filters.name")}>
					<input type="text" value={rule.name} maxLength={200} dir="auto" autocomplete="off"
						placeholder={rule.if[0]?.value ? nameFor(rule) : t("filters.name.example")} onInput={(event) => set({ name: event.currentTarget.value })} />
				</Labelled>
				<fieldset class="filter-part filter-if">
					<legend>{t("filters.if")}</legend>
					<div class="segments">
						{(["all", "any", "every"] as const).map((one) => (
							<label key={one} class={rule.match === one ? "on" : ""}>
								<input type="radio" name="match" checked={rule.match === one} onChange={() => match(one)} />
								{t(`filters.match.${one}` as Key)}
							</label>
						))}
					</div>
					{conditions.length > 0 && (
						<div class="filter-rows">
							{conditions.map((condition, n) => (
								<ConditionRow key={n} condition={condition} n={n + 1} set={(to) => set({ if: rule.if.map((one, i) => (i === n ? to : one)) })}
									remove={conditions.length > 1 ? () => set({ if: rule.if.filter((_, i) => i !== n) }) : null} />
							))}
						</div>
					)}
					{rule.match !== "every" && (
						<p class="filters-buttons">
							<Button kind="plain" onClick={() => {
								fresh.current = ".filter-if";
								set({ if: [...rule.if, { field: rule.if.some((one) => one.field === "subject") ? "from" : "subject", how: "contains", value: "" }] });
							}}><Icon name="plus" />{t("filters.condition.add")}</Button>
							{left.map((offer) => (
								<Button kind="plain" class="filter-offer" key={offer.field} onClick={() => set({ if: [...rule.if, offer] })}>
									<Icon name="plus" /><span dir="auto">{conditionWords(offer)}</span>
								</Button>
							))}
						</p>
					)}
				</fieldset>
				<fieldset class="filter-part filter-then">
					<legend>{t("filters.then")}</legend>
					<div class="filter-rows">
						{rule.then.map((action, n) => (
							<ActionRow key={n} action={action} n={n + 1} others={rule.then.filter((_, i) => i !== n).map((one) => one.do)}
								set={(to) => set({ then: rule.then.map((one, i) => (i === n ? to : one)) })}
								remove={() => set({ then: rule.then.filter((_, i) => i !== n) })} />
						))}
					</div>
					<p class="filters-buttons">
						<Button kind="plain" onClick={() => {
							fresh.current = ".filter-then";
							const taken = rule.then.map((one) => one.do);
							const next = (["label", "star", "read", "copy", "move", "forward"] as Doing[]).find((one) => !taken.includes(one) && offeredDoings("discard", taken).includes(one));
							set({ then: [...rule.then, { do: next ?? "copy", value: "" }] });
						}}><Icon name="plus" />{t("filters.action.add")}</Button>
					</p>
					<Switch title={t("filters.stop")} hint={t("filters.stop.hint")} on={rule.stop} set={(stop) => set({ stop })} />
				</fieldset>
				<details class="filter-sieve">
					<summary>{t("filters.sieve")}</summary>
					<pre dir="ltr" tabIndex={0}><code>{sieveOf(finished(), { unicode: compares(), variables: false, encoded: false })}</code></pre>
				</details>
				<p class="problem" role="alert">{problem}</p>
				<div class="dialog-buttons">
					<Button onClick={() => void close()}>{t("do.cancel")}</Button>
					<Button type="submit" kind="primary" disabled={busy || script.value.state === "edited"}>{t(busy ? "compose.saving" : "do.save")}</Button>
				</div>
			</form>
		</Dialog>
	);
}
