// The messages that wait to be sent, and how to get one back.

import { nameOf } from "../lib/address.ts";
import { fullTime } from "../lib/date.ts";
import { editDraft } from "../state/compose.ts";
import { forgetBodies } from "../state/emails.ts";
import { dismiss, tell } from "../state/notices.ts";
import { type Scheduled, cancel, loadScheduled, scheduled } from "../state/scheduled.ts";
import { sync } from "../state/sync.ts";
import { scheduledOpen } from "../state/ui.ts";
import { enumerate, t } from "../text/text.ts";
import { Dialog } from "./dialog.tsx";
import { Button, IconButton } from "./parts.tsx";

export function ScheduledDialog() {
	const shut = () => (scheduledOpen.value = false);
	const edit = async ({ submissionId, message }: Scheduled) => {
		shut();
		dismiss();
		try {
			await cancel(submissionId);
		} catch {
			tell(t("compose.sendTooLate"), { bad: true });
			return;
		}
		forgetBodies([message.id]);
		await Promise.all([sync(), loadScheduled()]);
		await editDraft(message.id);
	};
	return (
		<Dialog label={t("scheduled.title")} onClose={shut}>
			<div class="dialog-title">
				<h2>{t("scheduled.title")}</h2>
				<IconButton icon="close" label={t("do.close")} onClick={shut} />
			</div>
			{scheduled.value.length === 0 && <p>{t("scheduled.none")}</p>}
			<ul class="scheduled">
				{scheduled.value.map((one) => (
					<li key={one.submissionId}>
						<span>
							<span class="strong">{one.message.subject || t("list.noSubject")}</span>
							<span class="field-hint">
								{t("scheduled.to", { names: enumerate((one.message.to ?? []).map(nameOf)), time: fullTime(one.sendAt) })}
							</span>
						</span>
						<Button onClick={() => void edit(one)}>{t("scheduled.edit")}</Button>
					</li>
				))}
			</ul>
		</Dialog>
	);
}
