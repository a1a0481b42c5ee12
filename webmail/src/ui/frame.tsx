// The body of an HTML message, in a frame page of its own: its policy (sent by the server with the page) lets no script
// run and nothing be loaded; what is put into it was sanitised besides. Either alone has failed others.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Email } from "../jmap/types.ts";
import { downloadUrl } from "../jmap/client.ts";
import { shortName } from "../lib/address.ts";
import { misleadingLink } from "../lib/auth.ts";
import { sanitiseMessage } from "../lib/sanitise.ts";
import { ask } from "../state/notices.ts";
import { remember, remembered } from "../state/remembered.ts";
import { isDark } from "../state/settings.ts";
import { t } from "../text/text.ts";
import { Icon } from "./icons.tsx";
import { handleKey } from "./keys.ts";
import { linkHint } from "./linkhint.tsx";
import { Button } from "./parts.tsx";
import { mailto } from "./plaintext.tsx";
import { lendFont } from "./framefont.ts";

const SANDBOX = "allow-same-origin allow-popups allow-popups-to-escape-sandbox";

// What the message itself says about its colours.
const ownDark = /color-scheme\s*:\s*[^;}"']*dark|prefers-color-scheme\s*:\s*dark/i;
const ownColours = /bgcolor|background|[;"'\s{]color\s*[:=]/i;

export function HtmlBody({ message, html }: { message: Email; html: string }) {
	const frame = useRef<HTMLIFrameElement>(null);
	const from = message.from?.[0];
	const sender = from?.email.toLowerCase() ?? "";
	const once = useSignal(false);
	const blocked = useSignal(0);
	const remote = once.value || remembered.value.imagesFrom.includes(sender);
	const dark = isDark();
	const plainColours = !ownColours.test(html);
	const darkened = dark && (plainColours || ownDark.test(html) || remembered.value.darkenFrom.includes(sender));
	const forced = dark && !plainColours && !ownDark.test(html);

	useEffect(() => {
		const element = frame.current!;
		let stop: (() => void) | undefined;
		const fill = () => {
			stop?.();
			stop = draw(element, message, html, remote, darkened, plainColours, (n) => (blocked.value = n));
		};
		element.addEventListener("load", fill);
		if (element.contentDocument?.readyState === "complete" && element.contentDocument.URL.endsWith(page(remote)))
			fill();
		return () => {
			element.removeEventListener("load", fill);
			stop?.();
		};
	}, [message.id, remote, darkened]);

	return (
		<>
			{blocked.value > 0 && !remote && (
				<div class="banner">
					<Icon name="eyeOff" />
					<span class="banner-text">{t("reader.images")}</span>
					<Button kind="plain" onClick={() => (once.value = true)}>{t("reader.images.once")}</Button>
					{from && (
						<Button kind="plain" onClick={() => remember({ imagesFrom: [...remembered.peek().imagesFrom, sender] })}>
							{t("reader.images.always", { name: shortName(from) })}
						</Button>
					)}
				</div>
			)}
			<div class={`html-body ${dark && !darkened ? "card" : ""}`}>
				<iframe key={page(remote)} ref={frame} src={page(remote)} sandbox={SANDBOX} title={t("reader.body", { name: from ? shortName(from) : "" })} />
			</div>
			{forced && (
				<Button kind="plain" class="darken" onClick={() => remember({
					darkenFrom: darkened ? remembered.peek().darkenFrom.filter((a) => a !== sender) : [...remembered.peek().darkenFrom, sender],
				})}>
					<Icon name={darkened ? "sun" : "moon"} />{t(darkened ? "reader.lighten" : "reader.darken")}
				</Button>
			)}
		</>
	);
}

const page = (remote: boolean) => (remote ? "/frame-remote.html" : "/frame.html");

// Fills the frame, and keeps it as high as its content. Returns how to end that.
function draw(element: HTMLIFrameElement, message: Email, html: string, remote: boolean, darkened: boolean, plainColours: boolean,
	tellBlocked: (n: number) => void): () => void {
	const view = element.contentWindow as (Window & typeof globalThis) | null;
	const page = element.contentDocument;
	if (!view || !page)
		return () => undefined;
	const { fragment, blocked } = sanitiseMessage(html, view, {
		remote,
		cid: (id) => {
			const part = message.attachments?.find((p) => p.cid === id) ?? message.htmlBody?.find((p) => p.cid === id);
			return part?.blobId && /^image\//i.test(part.type) ? downloadUrl(part.blobId, part.name ?? "image", part.type) : undefined;
		},
	});
	page.documentElement.className = darkened ? "pst-dark" : "";
	const body = page.importNode(fragment, true);
	if (darkened && !plainColours && !ownDark.test(html))
		stripColours(body);
	page.body.replaceChildren(body);
	void lendFont(view);
	page.body.dir = "auto";
	foldQuotes(page);
	tellBlocked(blocked);

	const fit = () => {
		const height = Math.ceil(Math.max(page.body.getBoundingClientRect().height, page.body.scrollHeight)) + (page.documentElement.scrollWidth > element.clientWidth ? 16 : 0);
		if (element.style.height !== `${height}px`)
			element.style.height = `${height}px`;
	};
	const observer = new ResizeObserver(fit);
	observer.observe(page.body);
	page.querySelectorAll("img").forEach((image) => image.addEventListener("load", fit));
	page.querySelectorAll("details").forEach((quote) => quote.addEventListener("toggle", fit));
	fit();

	const linkOf = (event: Event) => (event.target as Element).closest?.("a[href]") as HTMLAnchorElement | null;
	const hint = (event: Event) => (linkHint.value = linkOf(event)?.href ?? "");
	const click = (event: Event) => {
		const link = linkOf(event);
		if (!link)
			return;
		mailto(event, link.href);
		const lie = misleadingLink(link.textContent ?? "", link.href);
		if (!lie)
			return;
		event.preventDefault();
		void ask(t("warn.link", lie), t("warn.link.open", { real: lie.real }), true)
			.then((yes) => yes && window.open(link.href, "_blank", "noopener,noreferrer"));
	};
	page.addEventListener("keydown", handleKey);
	page.addEventListener("mouseover", hint);
	page.addEventListener("focusin", hint);
	page.addEventListener("click", click);
	element.addEventListener("mouseleave", () => (linkHint.value = ""));
	return () => {
		observer.disconnect();
		linkHint.value = "";
	};
}

// The colours of a message that shall be dark are given up.
function stripColours(body: DocumentFragment): void {
	body.querySelectorAll("style").forEach((style) => style.remove());
	for (const element of body.querySelectorAll<HTMLElement>("*")) {
		for (const name of ["bgcolor", "background", "color"])
			element.removeAttribute(name);
		for (const name of ["color", "background", "background-color", "background-image", "border-color"])
			element.style?.removeProperty(name);
	}
}

// The quotation at the end is folded away. <details> opens without any script.
function foldQuotes(page: Document): void {
	const quote = page.querySelector("blockquote[type=cite], .gmail_quote, blockquote.protonmail_quote, .yahoo_quoted, div.moz-cite-prefix + blockquote");
	if (!quote || (page.body.textContent ?? "").trim() === (quote.textContent ?? "").trim())
		return;
	const details = page.createElement("details");
	details.className = "pst-quote";
	const summary = page.createElement("summary");
	summary.textContent = "…";
	summary.title = t("reader.quote");
	summary.setAttribute("aria-label", t("reader.quote"));
	quote.replaceWith(details);
	details.append(summary, quote);
}
