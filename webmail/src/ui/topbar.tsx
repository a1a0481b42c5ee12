// The bar above the panes: name, search, help, settings, account.

import { session } from "../jmap/client.ts";
import { isAdmin } from "../state/me.ts";
import { go } from "../state/route.ts";
import { identities, leave } from "../state/start.ts";
import { drawerOpen, sheetOpen } from "../state/ui.ts";
import { t } from "../text/text.ts";
import { Icon } from "./icons.tsx";
import { openMenu } from "./menu.tsx";
import { Avatar, IconButton } from "./parts.tsx";
import { SearchField } from "./searchfield.tsx";
import { Wordmark } from "./wordmark.tsx";

export function TopBar() {
	const name = session.value?.username ?? "";
	const account = (event: MouseEvent) => openMenu(event.currentTarget as Element, t("nav.account", { name }), [
		{ label: t("nav.settings"), icon: <Icon name="settings" />, run: () => go({ page: "settings", section: "look" }) },
		...(isAdmin.value ? [{ label: t("nav.admin"), icon: <Icon name="server" />, run: () => go({ page: "admin", section: "overview", item: "" }) }] : []),
		{ label: t("nav.shortcuts"), icon: <Icon name="help" />, run: () => (sheetOpen.value = true) },
		{ label: t("logout"), icon: <Icon name="logout" />, run: () => void leave() },
	]);
	return (
		<header class="topbar">
			<IconButton icon="menu" class="only-phone" label={t("nav.menu")} onClick={() => (drawerOpen.value = !drawerOpen.value)} />
			<div class="topbar-name"><Wordmark /></div>
			<SearchField />
			<div class="spacer" />
			<IconButton icon="help" class="not-phone" label={t("nav.shortcuts")} shortcut="?" onClick={() => (sheetOpen.value = true)} />
			<IconButton icon="settings" class="not-phone" label={t("nav.settings")} onClick={() => go({ page: "settings", section: "look" })} />
			<button type="button" class="avatar-button" aria-haspopup="menu" aria-label={t("nav.account", { name })} title={name} onClick={account}>
				<Avatar address={{ name: identities.value[0]?.name || null, email: name }} />
			</button>
		</header>
	);
}
