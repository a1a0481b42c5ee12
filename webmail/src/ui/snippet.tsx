// Text in which what was searched for is marked. The server's snippets are escaped HTML whose only tag is <mark>
// (RFC 8621, 5): they are cut and unescaped here, never parsed.

const entities: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", "#39": "'", "#x27": "'", "#34": '"' };
const unescape = (text: string) => text.replace(/&(#?\w+);/g, (whole, name) => entities[name.toLowerCase()] ?? whole);

export function Snippet({ html }: { html: string }) {
	return <>{html.split(/<mark>(.*?)<\/mark>/s).map((part, i) => (i % 2 ? <mark key={i}>{unescape(part)}</mark> : unescape(part)))}</>;
}

// The same for text of which the server gave no snippet.
export function Marked({ text, words }: { text: string; words: string[] }) {
	const wanted = words.filter((w) => w.length > 1).map((w) => w.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
	if (wanted.length === 0)
		return <>{text}</>;
	return <>{text.split(new RegExp(`(${wanted.join("|")})`, "gi")).map((part, i) => (i % 2 ? <mark key={i}>{part}</mark> : part))}</>;
}
