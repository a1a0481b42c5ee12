// What is open beside the panes.

import { signal } from "@preact/signals";

export const drawerOpen = signal(false); // folders, on a phone
export const sheetOpen = signal(false); // keyboard shortcuts
export const paletteOpen = signal(false);
export const scheduledOpen = signal(false); // messages that wait to be sent
