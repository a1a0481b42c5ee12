// Runs before anything is painted: the theme and density that this browser was told to use.
// (The rest of the settings: state/settings.ts.)

let stored: { theme?: string; density?: string } = {};
try {
	stored = JSON.parse(localStorage.getItem("postern.settings") ?? "{}");
} catch {
	// Storage is forbidden or broken: the system's theme.
}
document.documentElement.dataset.theme = stored.theme ?? "auto";
document.documentElement.dataset.density = stored.density ?? "comfortable";
