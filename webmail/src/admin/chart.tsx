// One number over time, as a small line; its words are for who does not see it.

import { clockTime } from "../lib/date.ts";
import { t } from "../text/admin.ts";
import { count } from "../text/text.ts";

export interface Point {
	time: number; // seconds since 1970
	value: number;
}

export interface Line {
	name: string;
	points: Point[];
}

const WIDTH = 300, HEIGHT = 72, GAP = 2.5;

// A round number above all values.
function ceiling(most: number): number {
	const step = 10 ** Math.floor(Math.log10(Math.max(most, 1)));
	for (const factor of [1, 2, 5, 10])
		if (step * factor >= most)
			return Math.max(step * factor, 4);
	return most;
}

// Where the server was not there the line is broken.
function pathOf(points: Point[], from: number, to: number, top: number, step: number): string {
	let path = "", before = -Infinity;
	for (const { time, value } of points) {
		const x = (time - from) / (to - from) * WIDTH;
		const y = HEIGHT - value / top * HEIGHT;
		// A point alone is a dot.
		path += `${time - before > step * GAP ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}h0`;
		before = time;
	}
	return path;
}

const show = (value: number) => value < 10 && value % 1 !== 0 ? value.toFixed(1) : count(Math.round(value));

export function Chart({ title, unit, lines, from, to, step }: {
	title: string; unit?: string; lines: Line[]; from: number; to: number; step: number;
}) {
	const most = Math.max(0, ...lines.flatMap((line) => line.points.map((p) => p.value)));
	const top = ceiling(most);
	const words = lines.map((line) => t("chart.words", {
		name: line.name, now: show(line.points.at(-1)?.value ?? 0), most: show(Math.max(0, ...line.points.map((p) => p.value))),
	})).join("; ");
	return (
		<figure class="card chart">
			<figcaption>
				<h3>{title}</h3>
				{unit && <span class="hint">{unit}</span>}
			</figcaption>
			<ul class="chart-lines">
				{lines.map((line, i) => (
					<li key={line.name}>
						<span class={`chart-mark line-${i}`} aria-hidden="true" />
						{line.name} <span class="strong">{show(line.points.at(-1)?.value ?? 0)}</span>
					</li>
				))}
			</ul>
			<svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={`${title}: ${words}`}>
				<path class="chart-grid" d={`M0 .5H${WIDTH}M0 ${HEIGHT / 2}H${WIDTH}M0 ${HEIGHT - .5}H${WIDTH}`} vector-effect="non-scaling-stroke" />
				{lines.map((line, i) => (
					<path key={line.name} class={`chart-line line-${i}`} d={pathOf(line.points, from, to, top, step)} vector-effect="non-scaling-stroke" />
				))}
			</svg>
			<p class="chart-axis" aria-hidden="true">
				<span>{clockTime(new Date(from * 1000))}</span>
				<span>{t("chart.top", { n: count(top) })}</span>
				<span>{t("chart.now")}</span>
			</p>
		</figure>
	);
}
