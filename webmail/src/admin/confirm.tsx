// Asks an administrator who they are, for what a session alone does not do; the server then believes them for a while.

import { useEffect, useState } from "preact/hooks";
import { type Factors, ask } from "../jmap/account.ts";
import { t } from "../text/admin.ts";
import { ConfirmDialog } from "../ui/confirm.tsx";
import { asked } from "./api.ts";

function Question({ answer }: { answer(shown: boolean): void }) {
	const [passkeys, setPasskeys] = useState(false);
	useEffect(() => {
		void ask<Factors>("GET", "/web/factors").then((factors) => setPasskeys(factors.canPasskey && factors.passkeys.length > 0), () => undefined);
	}, []);
	return (
		<ConfirmDialog title={t("confirm")} action={t("confirm.go")} passkeys={passkeys} close={() => answer(false)}
			run={async (proof) => {
				await ask("POST", "/web/confirm", proof);
				answer(true);
			}}>
			<p>{t("confirm.why")}</p>
		</ConfirmDialog>
	);
}

export function ConfirmHost() {
	return asked.value && <Question answer={asked.value.answer} />;
}
