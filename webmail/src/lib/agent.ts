// "Firefox, Linux": what a person calls it, out of what a browser says of itself.
export function browserOf(agent: string): string {
	const browser = /(Edg|OPR|Firefox|Chrome|Safari)[a-zA-Z]*\//.exec(agent)?.[1];
	const system = /(Android|iPhone|iPad|Windows|Mac OS X|Linux)/.exec(agent)?.[1];
	const names: Record<string, string> = { Edg: "Edge", OPR: "Opera", "Mac OS X": "Mac" };
	return [browser, system].filter((part) => part !== undefined).map((part) => names[part] ?? part).join(", ") || agent.slice(0, 60);
}
