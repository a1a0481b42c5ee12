// A component that is loaded when it is first shown.

import type { FunctionComponent } from "preact";
import { useEffect, useState } from "preact/hooks";
import { translated } from "../text/text.ts";

export function Lazy<P extends object>({ load, ...props }: { load(): Promise<FunctionComponent<P>> } & P) {
	const [loaded, setLoaded] = useState<{ part: FunctionComponent<P> } | null>(null);
	useEffect(() => {
		let here = true;
		void load().then(async (part) => {
			await translated();
			if (here)
				setLoaded({ part });
		});
		return () => {
			here = false;
		};
	}, []);
	const Part = loaded?.part;
	return Part ? <Part {...(props as unknown as P)} /> : null;
}
