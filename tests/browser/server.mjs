// The real server for browser tests: posternd --sandbox in a directory of its own, and mail for it by SMTP.

import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { built } from "./support.mjs";

const prefix = resolve(process.env.POSTERN_PREFIX ?? "build/install");

// `more`: pairs for --set. `prepare` is given the directory of the users' Maildirs before the server starts.
export async function startServer(more = [], prepare = undefined, users = 2) {
	const home = mkdtempSync(join(tmpdir(), "postern-browser-"));
	const dir = join(home, "sandbox");
	prepare?.(join(dir, "mail/example.test"));
	const child = spawn(join(prefix, "sbin/posternd"), ["--sandbox", dir, "--ports", "auto", "--users", String(users), "--set", `web.dir=${built}/dist`,
		...more.flatMap((pair) => ["--set", pair])],
		{ stdio: ["ignore", "ignore", "pipe"] });
	let log = "";
	child.stderr.on("data", (data) => (log += data));
	const ended = new Promise((done) => child.on("exit", done));
	const ready = join(dir, "ready.json");
	for (let i = 0; i < 300 && !existsSync(ready); i++) {
		if (child.exitCode !== null)
			throw new Error(`posternd did not start: ${log}`);
		await new Promise((wake) => setTimeout(wake, 100));
	}
	const { host, ports } = JSON.parse(readFileSync(ready, "utf8"));
	return {
		host, ports,
		url: `https://${host}:${ports.https}`,
		// The same by a name, and in a way that is secure to browsers: they have passkeys for it.
		named: `http://localhost:${ports.http}`,
		log: () => log,
		dir,
		read: (path) => readFileSync(join(dir, path), "utf8"),
		// The last argument may be an object: more for execFileSync().
		ctl: (...args) => execFileSync(join(prefix, "sbin/posternctl"),
			["--sandbox", dir, ...args.filter((one) => typeof one === "string")],
			{ encoding: "utf8", ...args.find((one) => typeof one === "object") }),
		deliver: (to, message, from) => deliver(host, ports.smtp, to, message, from),
		// What is stored, by another's eyes: see stored.py. Throws when the password is refused.
		stored: (user, mailbox, subject = "", password = "secret") => JSON.parse(execFileSync("python3",
			[join(import.meta.dirname, "stored.py"), String(ports.imap), user, password, mailbox, subject],
			{ encoding: "utf8", maxBuffer: 100_000_000, stdio: ["ignore", "pipe", "ignore"], timeout: 60_000 })),
		// It is a while ago that anybody showed who they are, in whichever session.
		age: () => execFileSync("python3", ["-c", "import sqlite3, sys\nwith sqlite3.connect(sys.argv[1]) as db:\n" +
			"\tdb.execute(\"UPDATE account_credential SET expires = expires - 600 WHERE kind = 'session'\")", join(dir, "state/accounts.db")]),
		tls: () => ({ cert: readFileSync(join(dir, "cert.pem")), key: readFileSync(join(dir, "key.pem")) }),
		close: async () => {
			child.kill("SIGTERM");
			await ended;
			rmSync(home, { recursive: true, force: true });
		},
	};
}

// deliver(): gives a message to the server as another server would (RFC 5321).
export async function deliver(host, port, to, message, from = "ines@costa.example") {
	const socket = connect(port, host);
	socket.setEncoding("utf8");
	let text = "", wake = () => undefined;
	socket.on("data", (data) => {
		text += data;
		wake();
	});
	const reply = async (code) => {
		for (;;) {
			const found = /^(?:\d{3}-.*\r\n)*(\d{3}) .*\r\n/.exec(text);
			if (found) {
				text = text.slice(found[0].length);
				if (found[1] !== code)
					throw new Error(`the server says ${found[0]}`);
				return;
			}
			await new Promise((done) => (wake = done));
		}
	};
	const say = (line, code) => {
		socket.write(`${line}\r\n`);
		return reply(code);
	};
	await reply("220");
	await say("EHLO client.example", "250");
	await say(`MAIL FROM:<${from}>`, "250");
	await say(`RCPT TO:<${to}>`, "250");
	await say("DATA", "354");
	await say(`${message.replace(/\r?\n/g, "\r\n").replace(/^\./gm, "..")}\r\n.`, "250");
	await say("QUIT", "221");
	socket.end();
}

let last = 0;

// An HTML message, whose lines are short enough for any server.
export function htmlMail(subject, html) {
	const body = Buffer.from(html).toString("base64").replace(/.{76}/g, "$&\r\n");
	return `From: Ines Costa <ines@costa.example>\r\nTo: user1@example.test\r\nSubject: ${subject}\r\n` +
		`Date: ${new Date().toUTCString().replace("GMT", "+0000")}\r\nMessage-ID: <${++last}.${Date.now()}@costa.example>\r\n` +
		`MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n${body}\r\n`;
}

export function textMail(subject, text, headers = "") {
	return `From: Ines Costa <ines@costa.example>\r\nTo: user1@example.test\r\nSubject: ${subject}\r\n` +
		`Date: ${new Date().toUTCString().replace("GMT", "+0000")}\r\nMessage-ID: <${++last}.${Date.now()}@costa.example>\r\n${headers}\r\n${text}\r\n`;
}
