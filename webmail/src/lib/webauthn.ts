// Passkeys of the browser (Web Authentication Level 2): the server speaks of them in JSON, with octets in base64url.

const octets = (text: string): Uint8Array<ArrayBuffer> =>
	Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));

function base64url(buffer: ArrayBuffer): string {
	let text = "";
	for (const octet of new Uint8Array(buffer))
		text += String.fromCharCode(octet);
	return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

interface Descriptor {
	type: "public-key";
	id: string;
}

// What .get() is to be given.
export interface PasskeyRequest {
	challenge: string;
	rpId: string;
	timeout: number;
	userVerification: UserVerificationRequirement;
	allowCredentials: Descriptor[];
}

// What .create() is to be given.
export interface PasskeyCreation extends Omit<PublicKeyCredentialCreationOptions, "challenge" | "user" | "excludeCredentials"> {
	challenge: string;
	user: { id: string; name: string; displayName: string };
	excludeCredentials: Descriptor[];
}

// What either answers, for the server.
export type PasskeyAnswer = Record<string, unknown>;

const descriptors = (list: Descriptor[]) => list.map(({ type, id }) => ({ type, id: octets(id) }));

// Browsers have passkeys for names alone, over secure connections.
export const passkeysPossible = () =>
	isSecureContext && "PublicKeyCredential" in window && !/^[\d.]+$|^\[/.test(location.hostname);

// The browser can offer passkeys where the address is typed.
export async function passkeysOffered(): Promise<boolean> {
	return passkeysPossible() && (await PublicKeyCredential.isConditionalMediationAvailable?.() ?? false);
}

export async function usePasskey(options: PasskeyRequest, more: { mediation?: CredentialMediationRequirement; signal?: AbortSignal } = {}): Promise<PasskeyAnswer> {
	const found = await navigator.credentials.get({
		...more, publicKey: { ...options, challenge: octets(options.challenge), allowCredentials: descriptors(options.allowCredentials) },
	}) as PublicKeyCredential;
	const response = found.response as AuthenticatorAssertionResponse;
	return {
		id: found.id, type: found.type, response: {
			clientDataJSON: base64url(response.clientDataJSON), authenticatorData: base64url(response.authenticatorData),
			signature: base64url(response.signature), userHandle: response.userHandle ? base64url(response.userHandle) : undefined,
		},
	};
}

export async function makePasskey(options: PasskeyCreation): Promise<PasskeyAnswer> {
	const made = await navigator.credentials.create({
		publicKey: {
			...options, challenge: octets(options.challenge), user: { ...options.user, id: octets(options.user.id) },
			excludeCredentials: descriptors(options.excludeCredentials),
		},
	}) as PublicKeyCredential;
	const response = made.response as AuthenticatorAttestationResponse;
	return {
		id: made.id, type: made.type,
		response: { clientDataJSON: base64url(response.clientDataJSON), attestationObject: base64url(response.attestationObject) },
	};
}
