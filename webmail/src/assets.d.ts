// What build.mjs makes of files that are not scripts.

declare module "*.svg" {
	// The shapes of an icon: tag and attributes.
	const shapes: [string, Record<string, string>][];
	export default shapes;
}

declare module "*.woff2" {
	const url: string;
	export default url;
}

declare module "*.css?text" {
	// A style sheet that comes with a part of the client that is loaded later.
	const text: string;
	export default text;
}
