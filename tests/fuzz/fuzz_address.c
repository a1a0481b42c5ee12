/*
 * Address lists and SMTP mailboxes: nothing points astray, groups are closed,
 * and what is printed reads as the same address again.
 */
#include <stdlib.h>

#include "base/str.h"
#include "message/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool claim)
{
	if (!claim)
		abort();
}

static void
check_mailbox(struct arena *a, struct pst_str text, bool utf8)
{
	struct pst_str local, domain, local2, domain2;
	struct msg_address ad = { .kind = MSG_ADDRESS };
	struct msg_address *again;
	struct buf out;

	if (!msg_smtp_mailbox(a, text, utf8, &local, &domain))
		return;
	check(utf8 || str_is_ascii(text));
	ad.mailbox = local;
	ad.host = domain;
	buf_init(&out, 1000);
	check(msg_address_print(&ad, &out));
	/* UTF-8 that was quoted needs no quotes, but never the other way. */
	check(msg_smtp_mailbox(a, buf_str(&out), utf8, &local2, &domain2));
	check(str_eq(local, local2) && str_eq(domain, domain2));
	again = msg_addresses(a, buf_str(&out), 10);
	check(again != NULL && again->next == NULL);
	check(str_eq(again->mailbox, local) && str_eq(again->host, domain));
	buf_fini(&out);
}

static void
check_list(struct arena *a, struct pst_str text, size_t max)
{
	bool in_group = false;
	size_t n = 0;

	for (struct msg_address *ad = msg_addresses(a, text, max); ad != NULL;
	     ad = ad->next) {
		struct buf out;

		n++;
		switch (ad->kind) {
		case MSG_GROUP_START:
			check(!in_group && ad->mailbox.p != NULL);
			in_group = true;
			break;
		case MSG_GROUP_END:
			check(in_group && ad->mailbox.p == NULL);
			in_group = false;
			break;
		case MSG_ADDRESS:
			check(ad->mailbox.p != NULL);
			check(ad->name.p == NULL || ad->name.n > 0);
			check(ad->host.p == NULL || ad->host.n > 0);
			buf_init(&out, 4 * text.n + 10);
			check(msg_address_print(ad, &out));
			buf_fini(&out);
			break;
		}
	}
	check(!in_group);
	check(n <= max + 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pst_str text = str_n((const char *)data, size);
	struct arena *a = arena_new(0);

	check_list(a, text, 1000);
	check_list(a, text, 2);
	check_mailbox(a, text, false);
	check_mailbox(a, text, true);
	arena_free(&a);
	return 0;
}
