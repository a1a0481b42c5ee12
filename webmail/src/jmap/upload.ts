// Uploading a file, with progress (RFC 8620, 6.1). fetch() tells no progress, so this is an XMLHttpRequest.

import { Refused, Unreachable, accountId, ended, limit, ownUrl, session } from "./client.ts";
import type { Id } from "./types.ts";

export interface Uploaded {
	blobId: Id;
	type: string;
	size: number;
}

export class TooLarge extends Error {
	constructor(readonly most: number) {
		super();
	}
}

// upload(): progress(0..1) is called on the way; abort() of the signal ends it with an AbortError.
export function upload(file: Blob, progress: (part: number) => void, signal: AbortSignal): Promise<Uploaded> {
	const most = limit("maxSizeUpload", 50_000_000);
	if (file.size > most)
		return Promise.reject(new TooLarge(most));
	const url = ownUrl((session.value?.uploadUrl ?? "").replace("{accountId}", encodeURIComponent(accountId())));
	return new Promise((resolve, reject) => {
		const request = new XMLHttpRequest();
		request.open("POST", url);
		request.setRequestHeader("X-Postern", "1");
		request.setRequestHeader("Content-Type", file.type || "application/octet-stream");
		request.responseType = "json";
		request.upload.onprogress = (event) => progress(event.lengthComputable ? event.loaded / event.total : 0);
		request.onerror = () => reject(new Unreachable());
		request.onabort = () => reject(new DOMException("", "AbortError"));
		request.onload = () => {
			if (request.status === 401)
				ended.value = true;
			if (request.status === 413)
				reject(new TooLarge(most));
			else if (request.status < 200 || request.status > 299 || !request.response)
				reject(new Refused(`HTTP ${request.status}`, request.response?.detail));
			else
				resolve(request.response as Uploaded);
		};
		signal.addEventListener("abort", () => request.abort());
		request.send(file);
	});
}
