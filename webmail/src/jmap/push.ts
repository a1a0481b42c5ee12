// Hearing of changes as they happen (RFC 8620, 7.3). One tab of all that are open holds the connection, and tells the
// others: a browser has few connections for one server, and they all hold the same mail.

import { signal } from "@preact/signals";
import { ended, online, ownUrl, session } from "./client.ts";

type Listener = () => void;

const channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel("postern.changes");

// Counts how often that was, for parts that are loaded later.
export const heard = signal(0);

// listen(told): calls it whenever something may have changed, after a lost connection too. Returns how to end it.
export function listen(told: Listener): () => void {
	const changed = () => {
		heard.value++;
		told();
	};
	const stop = new AbortController();
	const fromOther = (event: MessageEvent) => {
		if (event.data === session.value?.username)
			changed();
	};
	channel?.addEventListener("message", fromOther);
	const lead = () => holdConnection(() => {
		channel?.postMessage(session.value?.username);
		changed();
	}, stop.signal);
	if (navigator.locks)
		navigator.locks.request("postern.push", { signal: stop.signal }, lead).catch(() => undefined);
	else
		void lead();

	// A laptop that wakes up: the connection may be dead without knowing.
	const awake = () => {
		if (document.visibilityState === "visible")
			changed();
	};
	document.addEventListener("visibilitychange", awake);
	window.addEventListener("online", changed);
	return () => {
		stop.abort();
		channel?.removeEventListener("message", fromOther);
		document.removeEventListener("visibilitychange", awake);
		window.removeEventListener("online", changed);
	};
}

// Keeps an event source open until told to stop; the browser reconnects by itself unless the server refuses.
async function holdConnection(changed: Listener, stop: AbortSignal): Promise<void> {
	let delay = 1000;
	while (!stop.aborted && session.value) {
		const url = ownUrl(session.value.eventSourceUrl
			.replace("{types}", "*").replace("{closeafter}", "no").replace("{ping}", "30"));
		const source = new EventSource(url);
		await new Promise<void>((done) => {
			source.onopen = () => {
				delay = 1000;
				online.value = true;
				changed(); // something may have come before the connection stood, or while it was down
			};
			source.addEventListener("state", changed);
			source.onerror = () => {
				if (source.readyState === EventSource.CLOSED)
					done();
			};
			stop.addEventListener("abort", () => done(), { once: true });
		});
		source.close();
		if (stop.aborted || ended.value)
			return;
		await new Promise((wake) => setTimeout(wake, delay));
		delay = Math.min(delay * 2, 60_000);
		changed();
	}
}
