// Runs the tests of the client alone: each test/unit/*.test.ts is bundled and given to node --test.

import { build } from "esbuild";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const out = mkdtempSync(join(tmpdir(), "webmail-test-"));
try {
	await build({
		entryPoints: readdirSync(join(here, "unit")).filter((f) => f.endsWith(".test.ts")).map((f) => join(here, "unit", f)),
		bundle: true, format: "esm", platform: "node", outdir: out, outExtension: { ".js": ".mjs" }, logLevel: "warning",
		nodePaths: [join(here, "..", "node_modules")],
	});
	const files = readdirSync(out).filter((f) => f.endsWith(".mjs")).map((f) => join(out, f));
	process.exitCode = spawnSync(process.execPath, ["--test", "--test-reporter=tap", ...files], {
		stdio: "inherit", env: { ...process.env, WEBMAIL_SOURCE: join(here, "..", "src") },
	}).status ?? 1;
} finally {
	rmSync(out, { recursive: true });
}
