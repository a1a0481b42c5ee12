// What is open beside the panes.

import { signal } from "@preact/signals";
import type { Condition, Rule } from "../lib/rules.ts";

export const drawerOpen = signal(false); // folders, on a phone
export const sheetOpen = signal(false); // keyboard shortcuts
export const paletteOpen = signal(false);
export const scheduledOpen = signal(false); // messages that wait to be sent

// The filter that is being made or changed; what else of a message it could look at.
export const ruleOpen = signal<{ rule: Rule; isNew: boolean; offers: Condition[] } | null>(null);
