// Changes on their way to the server, in order. While it cannot be reached they wait here.

import { signal } from "@preact/signals";
import { Refused, SessionEnded, Unreachable, ended, online } from "../jmap/client.ts";

interface Job {
	run(): Promise<void>;
	refused(error: Error): void;
}

const jobs: Job[] = [];
export const waiting = signal(0);
let busy = false;
let wake: (() => void) | null = null;

// enqueue(): run() is called until the server was reached; it may then be refused.
export function enqueue(run: () => Promise<void>, refused: (error: Error) => void): void {
	jobs.push({ run, refused });
	waiting.value = jobs.length;
	void work();
}

async function work(): Promise<void> {
	if (busy)
		return;
	busy = true;
	let delay = 1000;
	while (jobs[0]) {
		try {
			await jobs[0].run();
		} catch (error) {
			if (error instanceof Unreachable || error instanceof SessionEnded) {
				await pause(error instanceof SessionEnded ? 3_600_000 : delay);
				delay = Math.min(delay * 2, 30_000);
				continue;
			}
			jobs[0].refused(error instanceof Error ? error : new Refused(String(error)));
		}
		delay = 1000;
		jobs.shift();
		waiting.value = jobs.length;
	}
	busy = false;
}

// Resolves when nothing is on its way any more, or after a while.
export function settled(): Promise<void> {
	return new Promise((resolve) => {
		if (waiting.peek() === 0)
			return resolve();
		const end = () => {
			stop();
			clearTimeout(timer);
			resolve();
		};
		const timer = setTimeout(end, 3000);
		const stop = waiting.subscribe((n) => n === 0 && queueMicrotask(end));
	});
}

// Waits, but no longer than until the network or the session is back.
function pause(ms: number): Promise<void> {
	return new Promise((resolve) => {
		const timer = setTimeout(resolve, ms);
		wake = () => {
			clearTimeout(timer);
			resolve();
		};
	});
}

addEventListener("online", () => wake?.());
online.subscribe((is) => is && wake?.());
ended.subscribe((is) => !is && wake?.());

// Leaving now would lose something.
addEventListener("beforeunload", (event) => {
	if (jobs.length > 0)
		event.preventDefault();
});
