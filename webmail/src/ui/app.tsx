// The whole page.

import { useEffect } from "preact/hooks";
import { ended, online } from "../jmap/client.ts";
import { openThreadId, route } from "../state/route.ts";
import { settings } from "../state/settings.ts";
import { endVacation, phase, vacation } from "../state/start.ts";
import { drawerOpen, paletteOpen, ruleOpen, scheduledOpen, sheetOpen } from "../state/ui.ts";
import { isSpeaking, t } from "../text/text.ts";
import { ComposerHost } from "./composerhost.tsx";
import { QuestionHost } from "./dialog.tsx";
import { handleKey } from "./keys.ts";
import { Lazy } from "./lazy.tsx";
import { MessageList } from "./list.tsx";
import { LoginDialog, LoginPage } from "./login.tsx";
import { MenuHost } from "./menu.tsx";
import { Button } from "./parts.tsx";
import { Reader } from "./reader.tsx";
import { Sidebar } from "./sidebar.tsx";
import { Skeleton } from "./skeleton.tsx";
import { ToastHost } from "./toast.tsx";
import { TopBar } from "./topbar.tsx";

const loadAdmin = () => import("../admin/admin.tsx").then((m) => m.AdminPage);
const loadReset = () => import("./reset.tsx").then((m) => m.ResetPage);
const loadSettings = () => import("./settings.tsx").then((m) => m.SettingsPage);
const loadSignUp = () => import("./signup.tsx").then((m) => m.SignUpPage);
const loadSetUp = () => import("./signup.tsx").then((m) => m.SetUpPage);
const loadSheet = () => import("./sheet.tsx").then((m) => m.Sheet);
const loadScheduledDialog = () => import("./scheduled.tsx").then((m) => m.ScheduledDialog);
const loadRule = () => import("./filterdialog.tsx").then((m) => m.FilterDialog);
const loadPalette = () => import("./palette.tsx").then((m) => m.Palette);

export function App() {
	useEffect(() => {
		document.addEventListener("keydown", handleKey);
		return () => document.removeEventListener("keydown", handleKey);
	}, []);
	if (phase.value === "starting" || !isSpeaking.value)
		return <Skeleton />;
	if (location.pathname === "/signup")
		return <Lazy key="signup" load={loadSignUp} />;
	if (location.pathname === "/setup")
		return <Lazy key="setup" load={loadSetUp} />;
	if (location.pathname === "/reset")
		return <Lazy key="reset" load={loadReset} />;
	if (phase.value === "out")
		return <LoginPage />;
	return (
		<>
			{route.value.page === "settings" ? <Lazy key="settings" load={loadSettings} />
				: route.value.page === "admin" ? <Lazy key="admin" load={loadAdmin} /> : <Mail />}
			<ComposerHost />
			<MenuHost />
			<ToastHost />
			<QuestionHost />
			{sheetOpen.value && <Lazy load={loadSheet} />}
			{scheduledOpen.value && <Lazy load={loadScheduledDialog} />}
			{ruleOpen.value && <Lazy load={loadRule} />}
			{paletteOpen.value && <Lazy load={loadPalette} />}
			{ended.value && <LoginDialog />}
		</>
	);
}

// While others get an automatic answer, one should know.
function VacationBar() {
	const now = vacation.value;
	const time = new Date().toISOString();
	if (!now?.isEnabled || (now.fromDate && now.fromDate > time) || (now.toDate && now.toDate < time))
		return null;
	return (
		<p class="notice">
			<span>{t("settings.vacation.active")}</span>
			<Button kind="plain" onClick={() => void endVacation()}>{t("settings.vacation.end")}</Button>
		</p>
	);
}

function Mail() {
	const reading = openThreadId.value !== null;
	const pane = settings.value.pane;
	return (
		<div class={`mail pane-${pane} ${reading ? "reading" : ""} ${drawerOpen.value ? "drawer-open" : ""}`}>
			<a class="skip" href="#list" onClick={(event) => {
				event.preventDefault();
				document.querySelector<HTMLElement>(".row[tabindex='0']")?.focus();
			}}>{t("nav.skip")}</a>
			<TopBar />
			{!online.value && <p class="offline" role="status">{t("offline")}</p>}
			<VacationBar />
			<div class="panes">
				<Sidebar />
				<MessageList />
				<Reader />
			</div>
			{drawerOpen.value && <div class="scrim" onClick={() => (drawerOpen.value = false)} />}
		</div>
	);
}
