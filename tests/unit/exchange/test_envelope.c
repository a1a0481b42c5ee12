/*
 * Envelopes as octets, there and back; what is no envelope is refused.
 */
#include "exchange/envelope.h"

#include "base/str.h"

#include <criterion/criterion.h>

static void
encode(const struct envelope *e, struct buf *out)
{
	buf_init(out, 65536);
	cr_assert(envelope_encode(e, out));
}

Test(envelope, flags_stand_alone)
{
	for (unsigned flags = 0; flags < 16; flags++) {
		struct envelope e = { .sender = STR("a@b.test"),
			.smtputf8 = (flags & 1) != 0,
			.require_tls = (flags & 2) != 0,
			.unproven = (flags & 4) != 0,
			.tls_optional = (flags & 8) != 0 };
		struct envelope back;
		struct arena *a = arena_new(0);
		struct buf out;

		encode(&e, &out);
		cr_assert(envelope_decode(buf_str(&out), a, &back));
		cr_expect_eq(back.smtputf8, e.smtputf8);
		cr_expect_eq(back.require_tls, e.require_tls);
		cr_expect_eq(back.unproven, e.unproven);
		cr_expect_eq(back.tls_optional, e.tls_optional);
		arena_free(&a);
		buf_fini(&out);
	}
}

Test(envelope, recipients)
{
	struct envelope_recipient to[] = {
		{ .address = STR("c@d.test"),
		    .orcpt = STR("rfc822;x@y"),
		    .notify = NOTIFY_SUCCESS | NOTIFY_DELAY },
		{ .address = STR("e@f.test"), .notify = NOTIFY_NEVER },
	};
	struct envelope e = { .sender = STR(""),
		.envid = STR("id"),
		.ret = RET_HDRS,
		.recipient = to,
		.recipients = 2 };
	struct envelope back;
	struct arena *a = arena_new(0);
	struct buf out;

	encode(&e, &out);
	cr_assert(envelope_decode(buf_str(&out), a, &back));
	cr_expect_eq(back.recipients, 2);
	cr_expect_eq(back.recipient[0].notify, to[0].notify);
	cr_expect(str_eq(back.recipient[0].orcpt, to[0].orcpt));
	cr_expect_eq(back.recipient[1].notify, NOTIFY_NEVER);
	cr_expect_eq(back.ret, RET_HDRS);
	for (size_t n = 0; n < out.n; n++)
		cr_expect_not(
		    envelope_decode(str_first(buf_str(&out), n), a, &back));
	arena_free(&a);
	buf_fini(&out);
}

/* RFC 8689, 5: a notification goes in any case. */
Test(envelope, notifications_need_nothing)
{
	const struct envelope e = { .sender = STR("a@b"), .require_tls = true },
			      n = { .require_tls = true };

	cr_expect(envelope_needs_tls(&e));
	cr_expect_not(envelope_needs_tls(&n));
}
