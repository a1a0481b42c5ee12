// Where composers stand: docked at the bottom right, full size in the middle, or under the conversation they answer.

import { useEffect } from "preact/hooks";
import type { Draft } from "../state/draft.ts";
import { floating, recoverDrafts } from "../state/compose.ts";
import { Lazy } from "./lazy.tsx";

// Loaded with the editor when first needed.
const load = () => import("./composer.tsx").then((m) => m.Composer);

export function ComposerHost() {
	useEffect(() => void recoverDrafts(), []);
	const list = floating();
	return list.length > 0 ? (
		<div class="composers">
			{list.map((draft) => <Lazy key={draft.key} load={load} draft={draft} inline={false} />)}
		</div>
	) : null;
}

export function InlineComposer({ draft }: { draft: Draft }) {
	return <Lazy load={load} draft={draft} inline={true} />;
}
