// The sheet of keyboard shortcuts.

import { sheetOpen } from "../state/ui.ts";
import { type Key, t } from "../text/text.ts";
import "../text/settings.ts";
import { Dialog } from "./dialog.tsx";
import { IconButton } from "./parts.tsx";

const GROUPS: [Key, [string, Key][]][] = [
	["keys.group.move", [
		["j", "keys.next"], ["k", "keys.previous"], ["o", "keys.open"], ["u", "keys.back"], ["/", "keys.search"],
		["g i", "keys.go.inbox"], ["g s", "keys.go.starred"], ["g d", "keys.go.drafts"], ["g t", "keys.go.sent"],
		["Ctrl K", "keys.palette"], ["?", "keys.help"],
	]],
	["keys.group.act", [
		["e", "do.archive"], ["#", "do.delete"], ["!", "do.junk"], ["s", "do.star"], ["I", "do.read"], ["U", "do.unread"],
		["v", "do.move"], ["l", "do.label"], ["x", "keys.select"], ["* a", "keys.selectAll"], ["* n", "keys.selectNone"], ["z", "do.undo"],
	]],
	["keys.group.write", [
		["c", "keys.write"], ["r", "do.reply"], ["a", "do.replyAll"], ["f", "do.forward"], ["Ctrl Enter", "keys.send"],
	]],
];

export function Sheet() {
	return (
		<Dialog label={t("keys.title")} onClose={() => (sheetOpen.value = false)} wide>
			<div class="dialog-title">
				<h2>{t("keys.title")}</h2>
				<IconButton icon="close" label={t("do.close")} onClick={() => (sheetOpen.value = false)} />
			</div>
			<div class="sheet">
				{GROUPS.map(([title, keys]) => (
					<section key={title}>
						<h3>{t(title)}</h3>
						<dl>
							{keys.map(([pressed, meaning]) => (
								<div key={pressed}>
									<dt>{t(meaning)}</dt>
									<dd>{pressed.split(" ").map((k) => <kbd key={k}>{k}</kbd>)}</dd>
								</div>
							))}
						</dl>
					</section>
				))}
			</div>
		</Dialog>
	);
}
