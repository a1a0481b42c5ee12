// HTML of our own editor as plain text: the other half of multipart/alternative, and switching to plain text.

export function toText(root: Node): string {
	const lines: string[] = [""];
	write(root, "", lines);
	return lines.map((line) => line.trimEnd()).join("\n").replace(/\n{3,}/g, "\n\n").trim();
}

const BLOCKS = new Set(["P", "DIV", "LI", "UL", "OL", "BLOCKQUOTE", "PRE", "H1", "H2", "H3", "H4", "TABLE", "TR", "HR"]);

function write(node: Node, prefix: string, lines: string[]): void {
	const fresh = () => {
		if (lines[lines.length - 1] !== prefix)
			lines.push(prefix);
	};
	for (const child of node.childNodes) {
		if (child.nodeType === Node.TEXT_NODE) {
			lines[lines.length - 1] += (child.textContent ?? "").replace(/\u200b/g, "").replace(/\s+/g, " ");
			continue;
		}
		if (child.nodeType !== Node.ELEMENT_NODE)
			continue;
		const element = child as Element;
		const tag = element.tagName;
		if (tag === "BR") {
			// The last break of a block only holds it open.
			if (element.nextSibling)
				lines.push(prefix);
			else if (!element.previousSibling)
				lines.push(prefix);
			continue;
		}
		if (tag === "IMG") {
			lines[lines.length - 1] += element.getAttribute("alt") ? `[${element.getAttribute("alt")}]` : "";
			continue;
		}
		if (!BLOCKS.has(tag)) {
			write(element, prefix, lines);
			const href = tag === "A" ? element.getAttribute("href") : null;
			if (href && href !== element.textContent && href !== `mailto:${element.textContent}`)
				lines[lines.length - 1] += ` <${href}>`;
			continue;
		}
		fresh();
		if (tag === "HR") {
			lines[lines.length - 1] += "----------";
		} else if (tag === "BLOCKQUOTE") {
			lines.pop();
			lines.push(`${prefix}> `);
			write(element, `${prefix}> `, lines);
			lines.push(prefix);
			continue;
		} else if (tag === "LI") {
			const list = element.parentElement;
			const number = list?.tagName === "OL" ? [...list.children].indexOf(element) + 1 : 0;
			lines[lines.length - 1] += number ? `${number}. ` : "- ";
			write(element, prefix, lines);
		} else {
			write(element, prefix, lines);
		}
		fresh();
	}
}

// Plain text as HTML for the editor, as DOM: nothing is parsed.
export function fromText(text: string): DocumentFragment {
	const fragment = document.createDocumentFragment();
	for (const line of text.split("\n")) {
		const block = document.createElement("div");
		block.append(line === "" ? document.createElement("br") : line);
		fragment.append(block);
	}
	return fragment;
}
