// A small mail server for working on the client without Postern: serves the build by its manifest, and speaks as much of
// RFC 8620 and RFC 8621 as the client uses, in memory. node test/fake/server.mjs [--port=N] [--dist=DIR] [--big=N]
//
// Two users, user1@example.test and user2@example.test, password "secret". What one sends to the other arrives.

import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { randomUUID } from "node:crypto";
import { Account, EXTENSIONS, run } from "./jmap.mjs";
import { seed } from "./seed.mjs";

const APP = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; " +
	"frame-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; " +
	"require-trusted-types-for 'script'; trusted-types dompurify";
const FRAME = (images) => "sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox; default-src 'none'; " +
	`style-src 'unsafe-inline'; img-src data: blob: 'self'${images}; font-src data:; frame-ancestors 'self'; base-uri 'self'; form-action 'none'`;
const POLICIES = { app: APP, frame: FRAME(""), "frame-remote": FRAME(" https:"), none: "default-src 'none'; sandbox" };

// `without`: capabilities that the session does not have.
export async function startFake({ port = 0, dist, big = 0, now = Date.now(), without = [] } = {}) {
	// Read for each visit, so that what was built meanwhile is served.
	let files = new Map();
	const readManifest = () => {
		const manifest = JSON.parse(readFileSync(join(dist, "manifest.json"), "utf8"));
		files = new Map(manifest.files.map((f) => [f.path, f]));
	};
	readManifest();
	const accounts = new Map();
	const sessions = new Map();
	const deliver = (to, make) => accounts.get(to)?.receive(make);
	for (const user of ["user1@example.test", "user2@example.test"])
		accounts.set(user, new Account(user, deliver));
	seed(accounts.get("user1@example.test"), accounts.get("user2@example.test"), { big, now });

	const server = createServer((request, response) => {
		handle(request, response).catch((error) => {
			console.error(error);
			response.writeHead(500).end();
		});
	});

	async function handle(request, response) {
		const url = new URL(request.url, `http://${request.headers.host}`);
		if (url.pathname === "/")
			readManifest();
		const file = files.get(url.pathname === "/" ? "/index.html" : url.pathname);
		if (file)
			return sendFile(request, response, file);
		if (request.method !== "GET" && request.headers["x-postern"] !== "1")
			return json(response, 403, { type: "about:blank", status: 403 });
		if (url.pathname === "/web/login") {
			const { user, password } = JSON.parse(await body(request));
			if (!accounts.has(user) || password !== "secret")
				return json(response, 401, {});
			const token = randomUUID();
			sessions.set(token, user);
			response.setHeader("Set-Cookie", `session=${token}; HttpOnly; SameSite=Strict; Path=/`);
			return json(response, 200, { user });
		}
		const token = /session=([^;]+)/.exec(request.headers.cookie ?? "")?.[1];
		if (url.pathname === "/web/logout") {
			sessions.delete(token);
			return json(response, 200, {});
		}
		const account = accounts.get(sessions.get(token));
		if (!account)
			return json(response, 401, { type: "about:blank", status: 401 });
		if (url.pathname === "/web/me")
			return json(response, 200, { user: account.user, name: "", isAdmin: false });
		if (url.pathname === "/web/sessions")
			return json(response, 200, { sessions: [...sessions].filter(([, user]) => user === account.user).map(([id]) => ({
				id, peer: "127.0.0.1", agent: request.headers["user-agent"], created: Date.now() / 1000, used: Date.now() / 1000, isThis: id === token })) });
		if (url.pathname.startsWith("/web/sessions/") && request.method === "DELETE") {
			sessions.delete(url.pathname.slice(14));
			response.writeHead(204);
			return response.end();
		}
		if (url.pathname === "/web/settings") {
			account.settings ??= {};
			if (request.method === "PATCH")
				for (const [key, value] of Object.entries(JSON.parse(await body(request))))
					if (value === null)
						delete account.settings[key];
					else
						account.settings[key] = value;
			return json(response, 200, account.settings);
		}
		if (url.pathname === "/web/forwarding")
			return json(response, 200, { targets: [], keep: true, possible: true, most: 4 });
		if (url.pathname === "/.well-known/jmap")
			return json(response, 200, sessionObject(account, url.origin, without));
		if (url.pathname === "/jmap/api" && request.method === "POST")
			return json(response, 200, { methodResponses: run(account, JSON.parse(await body(request)).methodCalls), sessionState: "s" });
		if (url.pathname.startsWith("/jmap/upload/") && request.method === "POST") {
			const data = await body(request, true);
			const type = request.headers["content-type"];
			return json(response, 201, { accountId: account.id, blobId: account.addBlob(data, type), type, size: data.length });
		}
		if (url.pathname.startsWith("/jmap/download/")) {
			const [, , , , blobId, name] = url.pathname.split("/").map(decodeURIComponent);
			const blob = account.blobs.get(blobId);
			if (!blob)
				return json(response, 404, {});
			const type = url.searchParams.get("accept") ?? blob.type;
			const shown = /^(image\/(png|jpeg|gif|webp)|application\/pdf)$/.test(type);
			response.writeHead(200, {
				"Content-Type": shown ? type : "application/octet-stream",
				"Content-Disposition": `${shown ? "inline" : "attachment"}; filename*=utf-8''${encodeURIComponent(name)}`,
				"X-Content-Type-Options": "nosniff",
				"Content-Security-Policy": "sandbox; default-src 'none'",
			});
			return response.end(blob.data);
		}
		if (url.pathname === "/jmap/events") {
			response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
			response.write(": hello\n\n");
			const tell = () => response.write(`event: state\ndata: ${JSON.stringify({ "@type": "StateChange",
				changed: { [account.id]: account.states() } })}\n\n`);
			account.listeners.add(tell);
			request.on("close", () => account.listeners.delete(tell));
			return undefined;
		}
		return json(response, 404, {});
	}

	function sendFile(request, response, file) {
		const encoding = /\bbr\b/.test(request.headers["accept-encoding"] ?? "") && file.encodings.includes("br") ? "br" : null;
		const headers = {
			"Content-Type": file.type,
			"Content-Security-Policy": POLICIES[file.csp],
			"Cache-Control": file.cache === "immutable" ? "public, max-age=31536000, immutable" : "no-cache",
			"X-Content-Type-Options": "nosniff",
			"Referrer-Policy": "no-referrer",
			"Cross-Origin-Opener-Policy": "same-origin",
		};
		if (encoding)
			headers["Content-Encoding"] = encoding;
		response.writeHead(200, headers);
		response.end(readFileSync(join(dist, file.file + (encoding ? ".br" : ""))));
	}

	await new Promise((done) => server.listen(port, "127.0.0.1", done));
	return {
		url: `http://127.0.0.1:${server.address().port}`,
		accounts,
		endSessions: () => sessions.clear(),
		close: () => new Promise((done) => {
			server.closeAllConnections();
			server.close(done);
		}),
	};
}

function json(response, status, value) {
	response.writeHead(status, { "Content-Type": "application/json", "Cache-Control": "no-store" });
	response.end(JSON.stringify(value));
}

async function body(request, binary = false) {
	const parts = [];
	for await (const part of request)
		parts.push(part);
	const whole = Buffer.concat(parts);
	return binary ? whole : whole.toString("utf8");
}

function sessionObject(account, origin, without) {
	const capabilities = {
		"urn:ietf:params:jmap:core": {
			maxSizeUpload: 50_000_000, maxConcurrentUpload: 4, maxSizeRequest: 10_000_000, maxConcurrentRequests: 4, maxCallsInRequest: 16,
			maxObjectsInGet: 500, maxObjectsInSet: 500, collationAlgorithms: [],
		},
		"urn:ietf:params:jmap:mail": {},
		"urn:ietf:params:jmap:submission": {},
		"urn:ietf:params:jmap:vacationresponse": {},
		"urn:ietf:params:jmap:quota": {},
		"urn:ietf:params:jmap:sieve": { implementation: "fake" },
	};
	for (const one of without)
		delete capabilities[one];
	return {
		capabilities,
		accounts: {
			[account.id]: {
				name: account.user, isPersonal: true, isReadOnly: false,
				accountCapabilities: {
					...Object.fromEntries(Object.keys(capabilities).map((c) => [c, {}])),
					...(capabilities["urn:ietf:params:jmap:sieve"] ? { "urn:ietf:params:jmap:sieve": {
						maxSizeScriptName: 512, maxSizeScript: 65_536, maxNumberScripts: 16, maxNumberRedirects: 4, sieveExtensions: EXTENSIONS,
						notificationMethods: null, externalLists: null,
					} } : {}),
					"urn:ietf:params:jmap:submission": { maxDelayedSend: 2_592_000, submissionExtensions: { FUTURERELEASE: [] } },
				},
			},
		},
		primaryAccounts: Object.fromEntries(Object.keys(capabilities).map((c) => [c, account.id])),
		username: account.user,
		apiUrl: `${origin}/jmap/api`,
		downloadUrl: `${origin}/jmap/download/{accountId}/{blobId}/{name}?accept={type}`,
		uploadUrl: `${origin}/jmap/upload/{accountId}/`,
		eventSourceUrl: `${origin}/jmap/events?types={types}&closeafter={closeafter}&ping={ping}`,
		state: "s",
	};
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	const option = (name) => process.argv.find((a) => a.startsWith(`--${name}=`))?.slice(name.length + 3);
	const here = dirname(fileURLToPath(import.meta.url));
	const fake = await startFake({
		port: Number(option("port") ?? 8080),
		dist: resolve(option("dist") ?? join(here, "..", "..", "dist")),
		big: Number(option("big") ?? 0),
	});
	console.log(fake.url);
}
