// The mail that the fake server begins with.

const MINUTE = 60_000, HOUR = 60 * MINUTE, DAY = 24 * HOUR;

const people = [
	["Tomasz Kowal", "tomasz@kowal.example"], ["Ravi Shah", "ravi@shahdesign.example"], ["Lina Novak", "lina@choir.example"],
	["City Water", "service@citywater.example"], ["Elena Petrova", "elena@petrova.example"], ["Jonas Dahl", "jonas@dahl.example"],
	["North Bank", "statements@northbank.example"], ["Ines Costa", "ines@costa.example"], ["Marek Vlk", "marek@vlk.example"],
	["Book Club", "hello@bookclub.example"], ["Sofia Berg", "sofia@berg.example"], ["Dr Ahmed Karim", "praxis@karim.example"],
];
const subjects = [
	["Ferry times on Sunday", "The 14:20 runs all winter. I would book the return for the evening, it is never full."],
	["Contract, signed copy", "Attached. Let me know if the date on page two should be the first of the month."],
	["Choir rehearsal moved to Thursday", "Fine by me. I will bring the second set of scores."],
	["Meter reading due", "Send your reading by 30 November to avoid an estimate."],
	["Photos from the lake", "I put the best ones in the shared folder, the rest are on the old drive."],
	["Bicycle for sale?", "Is it still available? I could come by on Saturday."],
	["Statement for October", "Your statement is available in online banking."],
	["Dinner on Friday", "We are eight now. Could you bring the long table from the cellar?"],
	["Garden plan", "The apple trees come in the second week. Two of them need a stake."],
	["Next month's book", "We chose the short one. Copies are at the counter."],
	["Train tickets", "Booked for the 8:12, seats beside each other."],
	["Appointment confirmed", "Your appointment is on Tuesday at 9:30. Please bring the letter."],
];

const iso = (time) => new Date(time).toISOString().replace(/\.\d+Z$/, "Z");
const person = ([name, email]) => [{ name, email }];

function text(value) {
	return { textBody: [part("text", "text/plain")], htmlBody: [part("text", "text/plain")], bodyValues: { text: { value } } };
}

function html(value, plain) {
	return {
		textBody: [part("text", "text/plain")], htmlBody: [part("html", "text/html")],
		bodyValues: { text: { value: plain }, html: { value } },
	};
}

const part = (partId, type) => ({ partId, blobId: null, size: 100, name: null, type, charset: "utf-8", disposition: null, cid: null });

export function seed(account, other, { big = 0, now = Date.now() }) {
	const inbox = { [account.role("inbox")]: true }, sent = { [account.role("sent")]: true };
	const me = [{ name: "Anna Lind", email: "user1@example.test" }];
	const maja = person(["Maja Olsen", "maja@olsen.example"]), ben = person(["Ben Hart", "user2@example.test"]);
	const house = account.addMailbox("House"), choir = account.addMailbox("Choir");
	account.addMailbox("Travel");
	account.addMailbox("Invoices", null, house);

	for (let i = 0; i < 260; i++) {
		const who = people[i % people.length], [subject, body] = subjects[i % subjects.length];
		const at = now - DAY - i * 5.3 * HOUR;
		const box = i % 9 === 8 ? { [choir]: true } : i % 13 === 12 ? { [account.role("archive")]: true } : inbox;
		const first = account.add({
			mailboxIds: box, keywords: i > 3 ? { $seen: true } : {}, from: person(who), to: me, subject, receivedAt: iso(at),
			...text(`Hi Anna,\n\n${body}\n\n${who[0].split(" ")[0]}`), ...(i % 11 === 1 ? attach(account, "contract-signed.pdf", "application/pdf", 184_000) : {}),
		});
		if (i % 7 === 0)
			account.add({
				mailboxIds: sent, keywords: { $seen: true }, from: me, to: person(who), subject: `Re: ${subject}`, receivedAt: iso(at + HOUR),
				inReplyTo: first.messageId, references: first.messageId,
				...text(`Thank you, that is fine.\n\nAnna\n\nOn Sunday, ${who[0]} wrote:\n> Hi Anna,\n>\n> ${body}`),
			});
		if (i % 17 === 2)
			account.emails.get(first.id).keywords.$flagged = true;
	}
	for (let i = 0; i < big; i++)
		account.add({
			mailboxIds: inbox, keywords: { $seen: true }, from: person(people[i % people.length]), to: me, subject: `${subjects[i % subjects.length][0]} ${i}`,
			receivedAt: iso(now - 60 * DAY - i * 7 * MINUTE), ...text(subjects[i % subjects.length][1]),
		});

	const books = account.add({
		mailboxIds: inbox, from: person(["Harbour Books", "orders@harbourbooks.example"]), to: me, subject: "Your order is ready to collect",
		receivedAt: iso(now - 3 * HOUR), ...html(newsletter, "Order 4417 is waiting at the front desk until Friday."),
		"header:Authentication-Results:asText:all": ["mail.example.test; dmarc=pass; spf=pass; dkim=pass"],
	});
	books.preview = "Order 4417 is waiting at the front desk until Friday. Bring this message or the number.";

	const plan1 = account.add({
		mailboxIds: inbox, keywords: { $seen: true }, from: maja, to: me, subject: "Floor plan for the reading room", receivedAt: iso(now - 40 * HOUR),
		...text("Two versions so far, both keep the window wall free.\n\nMaja"),
	});
	const plan2 = account.add({
		mailboxIds: sent, keywords: { $seen: true }, from: me, to: maja, subject: "Re: Floor plan for the reading room", receivedAt: iso(now - 25 * HOUR),
		inReplyTo: plan1.messageId, references: plan1.messageId, ...text("I like the first one. Could the door swing the other way?\n\nAnna"),
	});
	account.add({
		mailboxIds: inbox, keywords: { $flagged: true }, from: maja, to: [...me, ...ben], subject: "Re: Floor plan for the reading room", receivedAt: iso(now - HOUR),
		inReplyTo: plan2.messageId, references: [...plan1.messageId, ...plan2.messageId],
		...html(`<p>Hi Anna,</p><p>The second drawing moves the door, so the shelves can run along the whole north side. That gives you about eleven metres, and the desk stays by the window.</p><p>If you are happy with it I will send it to Ben for the estimate on Tuesday.</p><p>Maja</p><img src="https://tracker.example/open.gif?id=1" width="1" height="1"><blockquote type="cite"><p>I like the first one. Could the door swing the other way?</p></blockquote>`,
			"Hi Anna,\n\nThe second drawing moves the door, so the shelves can run along the whole north side."),
		...attach(account, "reading-room-v2.pdf", "application/pdf", 412_000),
	});
	account.add({
		mailboxIds: { [account.role("junk")]: true }, from: person(["user1@example.test", "prince@far.example"]), to: me, subject: "You have won",
		receivedAt: iso(now - 5 * HOUR), ...text("Click http://far.example/win now."),
		"header:Authentication-Results:asText:all": ["mail.example.test; dmarc=fail (p=reject) header.from=far.example; spf=fail; dkim=none"],
	});
	account.add({
		mailboxIds: { [account.role("drafts")]: true }, keywords: { $draft: true, $seen: true }, from: me, to: ben, subject: "Estimate for the reading room",
		receivedAt: iso(now - 2 * HOUR), ...html("<div>Hi Ben,</div><div><br></div><div>Maja will send you the second drawing on Tuesday.</div>", "Hi Ben,\n\nMaja will send you the second drawing on Tuesday."),
	});
	other.add({
		mailboxIds: { [other.role("inbox")]: true }, from: me, to: ben, subject: "Welcome", receivedAt: iso(now - DAY), ...text("Your address works.\n\nAnna"),
	});
}

function attach(account, name, type, size) {
	const blobId = account.addBlob(Buffer.alloc(size, "%PDF-1.4 "), type);
	return { attachments: [{ partId: "a", blobId, size, name, type, disposition: "attachment", cid: null }] };
}

const newsletter = `<html><head><style>.btn{background:#22506b;color:#fff;padding:12px 20px;border-radius:6px;text-decoration:none}</style></head>
<body bgcolor="#f3efe6"><table width="100%" cellpadding="0" cellspacing="0" bgcolor="#f3efe6"><tr><td align="center" style="padding:24px">
<table width="520" style="background:#ffffff;border-radius:8px"><tr><td style="padding:28px;font-family:Georgia,serif;color:#2b2b2b">
<h1 style="font-size:22px;margin:0 0 12px">Your order is ready</h1><p>Order <b>4417</b> is waiting at the front desk until Friday.</p>
<p><a class="btn" href="https://harbourbooks.example/orders/4417">See your order</a></p>
<img src="https://harbourbooks.example/cover.jpg" width="180" height="240" alt="Cover">
<p style="color:#777;font-size:13px">Harbour Books, Quay 4</p></td></tr></table></td></tr></table></body></html>`;
