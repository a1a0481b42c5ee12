// The objects of RFC 8620 and RFC 8621 as far as this client uses them. Names are those of the RFCs.

export type Id = string;

export interface Session {
	username: string;
	apiUrl: string;
	downloadUrl: string;
	uploadUrl: string;
	eventSourceUrl: string;
	state: string;
	capabilities: Record<string, any>;
	accounts: Record<Id, { name: string; isPersonal: boolean; isReadOnly: boolean; accountCapabilities: Record<string, any> }>;
	primaryAccounts: Record<string, Id>;
}

// RFC 8621, 2
export interface Mailbox {
	id: Id;
	name: string;
	parentId: Id | null;
	role: string | null;
	sortOrder: number;
	totalEmails: number;
	unreadEmails: number;
	totalThreads: number;
	unreadThreads: number;
	myRights: Record<string, boolean>;
	isSubscribed: boolean;
}

// RFC 8621, 4.1.2.3
export interface Address {
	name: string | null;
	email: string;
}

// RFC 8621, 4.1.4
export interface BodyPart {
	partId: string | null;
	blobId: Id | null;
	size: number;
	name: string | null;
	type: string;
	charset?: string | null;
	disposition: string | null;
	cid: string | null;
}

// RFC 8621, 4.1. What a list shows is always there, the rest once the message was opened.
export interface Email {
	id: Id;
	blobId?: Id;
	threadId: Id;
	mailboxIds: Record<Id, boolean>;
	keywords: Record<string, boolean>;
	size: number;
	receivedAt: string;
	from: Address[] | null;
	to: Address[] | null;
	subject: string | null;
	preview: string;
	hasAttachment: boolean;

	cc?: Address[] | null;
	bcc?: Address[] | null;
	replyTo?: Address[] | null;
	sender?: Address[] | null;
	sentAt?: string | null;
	messageId?: string[] | null;
	inReplyTo?: string[] | null;
	references?: string[] | null;
	textBody?: BodyPart[];
	htmlBody?: BodyPart[];
	attachments?: BodyPart[];
	bodyValues?: Record<string, { value: string; isEncodingProblem?: boolean; isTruncated?: boolean }>;
	"header:Authentication-Results:asText:all"?: string[];
	"header:List-Unsubscribe:asURLs"?: string[] | null;
}

// RFC 8621, 6
export interface Identity {
	id: Id;
	name: string;
	email: string;
	replyTo: Address[] | null;
	bcc: Address[] | null;
	textSignature: string;
	htmlSignature: string;
	mayDelete: boolean;
}

// RFC 8621, 8
export interface VacationResponse {
	id: "singleton";
	isEnabled: boolean;
	fromDate: string | null;
	toDate: string | null;
	subject: string | null;
	textBody: string | null;
	htmlBody: string | null;
}

// RFC 9425, 4
export interface Quota {
	id: Id;
	resourceType: string;
	used: number;
	hardLimit: number;
	scope: string;
	name: string;
}

// RFC 9661, 2
export interface SieveScript {
	id: Id;
	name: string | null;
	blobId: Id;
	isActive: boolean;
}

export type FilterCondition = Record<string, unknown>;
export interface FilterOperator {
	operator: "AND" | "OR" | "NOT";
	conditions: Filter[];
}
export type Filter = FilterCondition | FilterOperator;

// RFC 8620, 5.3
export interface SetError {
	type: string;
	description?: string | null;
	properties?: string[];
}

export interface SetResponse {
	created?: Record<string, any> | null;
	updated?: Record<string, any> | null;
	destroyed?: Id[] | null;
	notCreated?: Record<string, SetError> | null;
	notUpdated?: Record<string, SetError> | null;
	notDestroyed?: Record<string, SetError> | null;
	oldState?: string;
	newState: string;
}
