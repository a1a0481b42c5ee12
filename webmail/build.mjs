// Builds the client: node build.mjs [--outdir=DIR] [--no-minify]
//
// Writes scripts, styles and fonts under names with a hash of their content, index.html and the two frame pages,
// a .br and .gz beside everything that compresses, and manifest.json, by which the server knows what there is and how
// each file is to be sent. Fails when the first load is heavier than it may be.

import { build, transform } from "esbuild";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const FIRST_LOAD_LIMIT = 90 * 1024; // gzip, scripts and styles of the inbox
const CHUNK_LIMIT = 40 * 1024; // gzip, each part that is loaded later

const here = dirname(fileURLToPath(import.meta.url));
const option = (name) => process.argv.find((a) => a.startsWith(`--${name}=`))?.slice(name.length + 3);
const outdir = resolve(option("outdir") ?? join(here, "dist"));
const minify = !process.argv.includes("--no-minify");
const source = (...parts) => join(here, "src", ...parts);

// An icon is drawn by Preact, not by innerHTML: an .svg becomes the list of its shapes.
const icons = {
	name: "icons",
	setup(build) {
		build.onLoad({ filter: /\.svg$/ }, (args) => {
			const svg = readFileSync(args.path, "utf8");
			const shapes = [...svg.matchAll(/<(path|circle|rect|line|polyline|polygon|ellipse)\s([^>]*?)\/>/g)];
			const list = shapes.map(([, tag, attributes]) => [
				tag,
				Object.fromEntries([...attributes.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, k, v]) => [k, v])),
			]);
			return { contents: `export default ${JSON.stringify(list)}`, loader: "js" };
		});
	},
};

// "x.css?text" is the text of a style sheet, for a part that is loaded later.
const sheets = {
	name: "sheets",
	setup(build) {
		build.onResolve({ filter: /\.css\?text$/ }, (args) => ({
			path: join(args.resolveDir, args.path.replace("?text", "")), namespace: "sheet",
		}));
		build.onLoad({ filter: /.*/, namespace: "sheet" }, async (args) => {
			const { code } = await transform(readFileSync(args.path, "utf8"), { loader: "css", minify, target: common.target });
			return { contents: code, loader: "text" };
		});
	},
};

const common = {
	bundle: true,
	minify,
	outdir,
	write: false,
	metafile: true,
	target: ["es2022", "chrome111", "firefox111", "safari16.4"],
	legalComments: "none",
	logLevel: "warning",
	entryNames: "[name]-[hash]",
	chunkNames: "part-[hash]",
	assetNames: "[name]-[hash]",
	absWorkingDir: here,
	nodePaths: [join(here, "node_modules")],
};

const app = await build({
	...common,
	entryPoints: [source("app.tsx"), source("style", "app.css")],
	format: "esm",
	splitting: true,
	jsx: "automatic",
	jsxImportSource: "preact",
	loader: { ".woff2": "file" },
	plugins: [icons, sheets],
});
const theme = await build({ ...common, entryPoints: [source("theme.ts")], format: "iife" });

const files = new Map(); // name -> { body, type, cache, csp }

const types = {
	js: "text/javascript", css: "text/css", html: "text/html; charset=utf-8", svg: "image/svg+xml",
	woff2: "font/woff2", png: "image/png", webmanifest: "application/manifest+json", txt: "text/plain; charset=utf-8",
};
const add = (name, body, cache, csp = "none") =>
	files.set(name, { body: Buffer.from(body), type: types[name.split(".").pop()], cache, csp });

for (const file of [...app.outputFiles, ...theme.outputFiles])
	add(basename(file.path), file.contents, "immutable");

// entry(prefix): the name of an entry point's output, and the outputs that it cannot start without.
const outputs = { ...app.metafile.outputs, ...theme.metafile.outputs };
const entry = (file) => {
	const found = Object.entries(outputs).find(([, o]) => o.entryPoint?.endsWith(file));
	return basename(found[0]);
};
const needed = (name, seen = new Set()) => {
	seen.add(name);
	const [, output] = Object.entries(outputs).find(([path]) => basename(path) === name);
	for (const { path, kind } of output.imports)
		if (kind === "import-statement" && !seen.has(basename(path)))
			needed(basename(path), seen);
	return seen;
};

const script = entry("app.tsx");
const style = entry("app.css");
const preload = [...needed(script)].filter((name) => name !== script)
	.map((name) => `<link rel="modulepreload" href="/${name}">`).join("");
const font = app.outputFiles.map((file) => basename(file.path)).find((name) => name.startsWith("inter-latin-wght-normal"));
const page = (name, cache, csp) => {
	const html = readFileSync(source("pages", name), "utf8")
		.replace("%THEME%", `/${entry("theme.ts")}`)
		.replace("%SCRIPT%", `/${script}`)
		.replace("%STYLE%", `/${style}`)
		.replace("%FONT%", `/${font}`)
		.replace("%PRELOAD%", preload);
	add(name, html, cache, csp);
};
page("index.html", "revalidate", "app");
page("frame.html", "revalidate", "frame");
page("frame-remote.html", "revalidate", "frame-remote");
for (const name of ["postern.webmanifest", "icon.svg"])
	add(name, readFileSync(source("pages", name)), "revalidate");
add("licences.txt", licences(), "revalidate");

// The licences of all packages of which something is in the output.
function licences() {
	const packages = new Set();
	for (const input of Object.keys(app.metafile.inputs)) {
		const match = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input);
		if (match)
			packages.add(match[1]);
	}
	return [...packages].sort().map((name) => {
		const dir = join(here, "node_modules", name);
		const about = JSON.parse(readFileSync(join(dir, "package.json"), "utf8"));
		const file = readdirSync(dir).find((f) => /^licen[sc]e/i.test(f));
		return `${name} ${about.version} (${about.license})\n\n${file ? readFileSync(join(dir, file), "utf8") : ""}`;
	}).join(`\n${"-".repeat(72)}\n\n`);
}

const compressible = (name) => !/\.(woff2|png)$/.test(name);
const sizes = new Map();
const manifest = { version: 1, files: [] };

rmSync(outdir, { recursive: true, force: true });
mkdirSync(outdir, { recursive: true });
for (const [name, { body, type, cache, csp }] of [...files].sort()) {
	const encodings = [];
	writeFileSync(join(outdir, name), body);
	if (compressible(name)) {
		const gzip = gzipSync(body, { level: 9 });
		const brotli = brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
		sizes.set(name, gzip.length);
		writeFileSync(join(outdir, `${name}.gz`), gzip);
		writeFileSync(join(outdir, `${name}.br`), brotli);
		encodings.push("br", "gzip");
	}
	const sha256 = createHash("sha256").update(body).digest("hex");
	manifest.files.push({ path: `/${name}`, file: name, type, cache, csp, encodings, sha256 });
}
writeFileSync(join(outdir, "manifest.json"), JSON.stringify(manifest, null, "\t") + "\n");

const first = [...needed(script), style, entry("theme.ts")];
const weight = first.reduce((sum, name) => sum + sizes.get(name), 0);
const kb = (bytes) => `${(bytes / 1024).toFixed(1)} KB`;
console.log(`first load ${kb(weight)} gzip of at most ${kb(FIRST_LOAD_LIMIT)} (${first.map((n) => `${n} ${kb(sizes.get(n))}`).join(", ")})`);
let failed = weight > FIRST_LOAD_LIMIT;
for (const [name, size] of sizes) {
	if (!name.endsWith(".js") || first.includes(name))
		continue;
	console.log(`later ${name} ${kb(size)} gzip`);
	failed ||= size > CHUNK_LIMIT;
}
if (failed) {
	console.error("The client has become too heavy.");
	process.exit(1);
}
