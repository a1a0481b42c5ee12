// Where one is, as the part of the URL behind #: bookmarks, the back button and new tabs work.
//
//	#/f/MAILBOX  #/starred  #/label/NAME  #/search/TEXT      and /t/THREAD behind it;  #/settings/PAGE;
//	#/admin/PAGE/ITEM

import { computed, signal } from "@preact/signals";
import type { Id } from "../jmap/types.ts";
import { byRole } from "./mailboxes.ts";

export type Place =
	| { kind: "folder"; id: Id }
	| { kind: "starred" }
	| { kind: "label"; name: string }
	| { kind: "search"; text: string };

export type Route =
	| { page: "mail"; place: Place | null; thread: Id | null }
	| { page: "settings"; section: string }
	| { page: "admin"; section: string; item: string };

export function parseRoute(hash: string): Route {
	const parts = hash.replace(/^#?\/?/, "").split("/").map((part) => {
		try {
			return decodeURIComponent(part);
		} catch {
			return part;
		}
	});
	if (parts[0] === "settings")
		return { page: "settings", section: parts[1] || "look" };
	if (parts[0] === "admin")
		return { page: "admin", section: parts[1] || "overview", item: parts[2] ?? "" };
	const threadAt = parts.lastIndexOf("t");
	const thread = threadAt > 0 && parts[threadAt + 1] ? parts[threadAt + 1]! : null;
	let place: Place | null = null;
	if (parts[0] === "f" && parts[1])
		place = { kind: "folder", id: parts[1] };
	else if (parts[0] === "starred")
		place = { kind: "starred" };
	else if (parts[0] === "label" && parts[1])
		place = { kind: "label", name: parts[1] };
	else if (parts[0] === "search" && parts[1])
		place = { kind: "search", text: parts[1] };
	return { page: "mail", place, thread };
}

function placePath(place: Place): string {
	switch (place.kind) {
	case "folder":
		return `f/${encodeURIComponent(place.id)}`;
	case "starred":
		return "starred";
	case "label":
		return `label/${encodeURIComponent(place.name)}`;
	case "search":
		return `search/${encodeURIComponent(place.text)}`;
	}
}

export function routeHash(route: Route): string {
	if (route.page === "settings")
		return `#/settings/${route.section}`;
	if (route.page === "admin")
		return `#/admin/${route.section}${route.item ? `/${encodeURIComponent(route.item)}` : ""}`;
	const place = route.place ? placePath(route.place) : "";
	return `#/${place}${route.thread ? `/t/${encodeURIComponent(route.thread)}` : ""}`;
}

export const route = signal<Route>(parseRoute(location.hash));

addEventListener("popstate", () => (route.value = parseRoute(location.hash)));
addEventListener("hashchange", () => (route.value = parseRoute(location.hash)));

export function go(to: Route, replace = false): void {
	const hash = routeHash(to);
	if (hash !== location.hash)
		history[replace ? "replaceState" : "pushState"](null, "", hash);
	route.value = to;
}

// The place that is shown: the Inbox if none is named.
export const place = computed<Place | null>(() => {
	const now = route.value;
	if (now.page === "mail" && now.place)
		return now.place;
	return byRole.value.inbox ? { kind: "folder", id: byRole.value.inbox.id } : null;
});

export const openThreadId = computed(() => (route.value.page === "mail" ? route.value.thread : null));

export const goTo = (to: Place) => go({ page: "mail", place: to, thread: null });

export function openThread(id: Id | null, replace = false): void {
	go({ page: "mail", place: place.value, thread: id }, replace);
}
