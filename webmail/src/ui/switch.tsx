// A setting that is on or off.

export function Switch({ title, hint, on, set }: { title: string; hint?: string; on: boolean; set(on: boolean): void }) {
	return (
		<label class="switch-row">
			<span>
				<span class="switch-title">{title}</span>
				{hint && <span class="field-hint">{hint}</span>}
			</span>
			<input type="checkbox" role="switch" checked={on} onChange={(event) => set(event.currentTarget.checked)} />
		</label>
	);
}
