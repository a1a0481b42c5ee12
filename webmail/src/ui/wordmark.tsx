import { t } from "../text/text.ts";

export function Wordmark() {
	return (
		<span class="wordmark">
			<svg class="logo" viewBox="0 0 64 64" aria-hidden="true">
				<rect width="64" height="64" rx="16" />
				<path d="M18 50V28a14 14 0 0 1 28 0v22" stroke-width="6" />
				<path d="m24 32 8 7 8-7M24 31h16v14H24z" stroke-width="3.5" />
			</svg>
			<span>{t("product")}</span>
		</span>
	);
}
