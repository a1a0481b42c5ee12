// Doing something to the filters at once, and telling when it was not done.

import { loadFilters, wordsOf } from "../state/filters.ts";
import { tell } from "../state/notices.ts";
import { t } from "../text/text.ts";

export async function attempt(work: () => Promise<unknown>): Promise<boolean> {
	try {
		await work();
		return true;
	} catch (error) {
		tell(t("settings.identity.refused", { why: wordsOf(error) }), { bad: true });
		await loadFilters();
		return false;
	}
}
