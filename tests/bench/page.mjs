// page.mjs CLIENT URL USER: the web client in Chromium on a large mailbox. Prints figures as JSON.
//
// CLIENT is where webmail/build.sh --tests has built it. Times are those that the page's own performance API tells.

import { createRequire } from "node:module";

const [client, url, user] = process.argv.slice(2);
const { chromium } = createRequire(`${client}/package.json`)("playwright-core");
const FRAMES = 300;

// In the page, before all else: when the first row stands there, the largest paint, and what kept the page from working.
function watch() {
	window.seen = { row: 0, paint: 0, blocked: 0, longest: 0 };
	new MutationObserver((_, observer) => {
		if (document.querySelector(".row[data-id]")) {
			window.seen.row = performance.now();
			observer.disconnect();
		}
	}).observe(document, { childList: true, subtree: true });
	new PerformanceObserver((list) => list.getEntries().forEach((e) => (window.seen.paint = e.startTime)))
		.observe({ type: "largest-contentful-paint", buffered: true });
	new PerformanceObserver((list) => list.getEntries().forEach((e) => {
		window.seen.blocked += e.duration;
		window.seen.longest = Math.max(window.seen.longest, e.duration);
	})).observe({ type: "longtask", buffered: true });
}

// What came over the wire until now, and what of it is script and style.
const transferred = () => {
	const all = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
	const sum = (list) => list.reduce((n, e) => n + e.transferSize, 0);
	return { all: sum(all), code: sum(all.filter((e) => /\.(js|css)$/.test(new URL(e.name).pathname))) };
};

// Scrolls by a row and a half a frame, and measures the frames.
async function scroll(frames) {
	const box = document.querySelector(".list-scroll");
	const times = [];
	let nodes = 0, last = 0;
	await new Promise((done) => {
		const step = (now) => {
			if (last > 0)
				times.push(now - last);
			last = now;
			nodes = Math.max(nodes, document.getElementsByTagName("*").length);
			box.scrollTop += 110;
			if (times.length < frames)
				requestAnimationFrame(step);
			else
				done();
		};
		requestAnimationFrame(step);
	});
	times.sort((a, b) => a - b);
	return { median: times[Math.floor(frames / 2)], p95: times[Math.floor(frames * 0.95)], most: times[frames - 1], nodes };
}

async function load(context) {
	const page = await context.newPage();
	await page.addInitScript(watch);
	await page.goto(url);
	await page.locator(".row[data-id]").first().waitFor();
	await page.waitForLoadState("networkidle");
	return page;
}

const options = { viewport: { width: 1440, height: 900 }, ignoreHTTPSErrors: true };
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
try {
	const first = await browser.newContext(options);
	const page = await first.newPage();
	await page.goto(url);
	await page.getByLabel("Address").fill(user);
	await page.getByLabel("Password", { exact: true }).fill("secret");
	await page.getByRole("button", { name: "Sign in" }).click();
	await page.locator(".row[data-id]").first().waitFor();
	const storageState = await first.storageState();
	await first.close();

	const context = await browser.newContext({ ...options, storageState });
	const cold = await load(context);
	const seen = await cold.evaluate(() => window.seen);
	const octets = await cold.evaluate(transferred);
	const warm = await load(context);
	const again = await warm.evaluate(() => window.seen);
	const near = await warm.evaluate(scroll, FRAMES);
	// Where nothing is known yet: each page has to be asked for.
	await warm.evaluate(() => {
		const box = document.querySelector(".list-scroll");
		box.scrollTop = box.scrollHeight / 2;
	});
	await warm.waitForTimeout(500);
	const far = await warm.evaluate(scroll, FRAMES);
	console.log(JSON.stringify({
		transferred_octets: octets.all, code_octets: octets.code,
		first_row_ms: seen.row, largest_paint_ms: seen.paint, long_tasks_ms: seen.blocked, longest_task_ms: seen.longest,
		again_first_row_ms: again.row,
		frame_median_ms: near.median, frame_p95_ms: near.p95, frame_most_ms: near.most,
		deep_frame_p95_ms: far.p95, dom_nodes: Math.max(near.nodes, far.nodes),
	}));
} finally {
	await browser.close();
}
