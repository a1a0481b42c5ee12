// Before anything is known: the shape of what comes. It shows itself only after a moment (style/layout.css).

export function Skeleton() {
	return <main class="starting" aria-busy="true" aria-label="Postern" />;
}
