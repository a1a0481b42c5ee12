import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Zip, crc32, safeName } from "../../src/lib/zip.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

test("checksums", () => {
	assert.equal(crc32(bytes("123456789")), 0xcbf43926);
	assert.equal(crc32(bytes("")), 0);
});

test("names lead nowhere", () => {
	const cases: [string, string][] = [
		["plan.pdf", "plan.pdf"], ["../../etc/passwd", "_.._etc_passwd"], ["a\\b:c.txt", "a_b_c.txt"], ["", "file"], ["...", "file"],
		["Grundriß \u{1f600}.png", "Grundriß \u{1f600}.png"], ["x\u202egnp.exe", "x_gnp.exe"], [`${"y".repeat(300)}.pdf`, `${"y".repeat(120)}.pdf`],
	];
	for (const [name, want] of cases)
		assert.equal(safeName(name), want, name);
});

// Python's zipfile reads what was written, and checks the sums.
test("another program reads the archive", async () => {
	const zip = new Zip();
	zip.add("a.txt", bytes("one"), new Date(2026, 10, 24, 8, 30, 2));
	zip.add("A.txt", bytes("two"), new Date(1970, 0, 1));
	zip.add("../Grüße.txt", bytes("drei".repeat(10_000)), new Date(2026, 10, 24));
	zip.add("empty", bytes(""), new Date(2026, 10, 24));
	assert.equal(zip.files, 4);
	const dir = mkdtempSync(join(tmpdir(), "zip-test-"));
	try {
		const path = join(dir, "x.zip");
		writeFileSync(path, Buffer.from(await zip.finish().arrayBuffer()));
		const out = execFileSync("python3", ["-c",
			"import sys,zipfile,json; z=zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None;" +
			"print(json.dumps([[i.filename,i.file_size,list(i.date_time)] for i in z.infolist()]))", path], { encoding: "utf8" });
		assert.deepEqual(JSON.parse(out), [
			["a.txt", 3, [2026, 11, 24, 8, 30, 2]], ["A (2).txt", 3, [1980, 1, 1, 0, 0, 0]],
			["_Grüße.txt", 40_000, [2026, 11, 24, 0, 0, 0]], ["empty", 0, [2026, 11, 24, 0, 0, 0]],
		]);
	} finally {
		rmSync(dir, { recursive: true });
	}
});

test("an archive of nothing", async () => {
	assert.equal(new Zip().finish().size, 22);
});
