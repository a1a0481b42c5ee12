/*
 * What is special about mail that is sent on: the reverse-path, who it stands
 * for, the mark by which it is known again, and what its sender asked for.
 */
#include "delivery/forward.h"

#include "base/str.h"
#include "delivery/notice.h"
#include "delivery/srs_keys.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>

static char dir[] = "/tmp/postern-forward-XXXXXX", path[100];
static struct config *cfg;
static struct services sv;

static struct config *
parse(const char *more)
{
	struct pst_error err = { .detail = "" };
	struct config *c;
	char text[600];

	(void)snprintf(text, sizeof(text),
	    "hostname = \"mail.a.test\"\ndomains = { \"a.test\", \"b.test\" }\n"
	    "state_dir = \"%s\"\nstorage maildir { path = \"%s\" }\n"
	    "listener smtp {\n\tprotocol = smtp\n\tport = 25\n}\n%s",
	    dir, dir, more);
	c = config_parse(text, NULL, 0, NULL, NULL, &err);
	cr_assert_not_null(c, "%s", err.detail);
	return c;
}

static void
begin(void)
{
	struct pst_error err = { .detail = "" };

	cr_assert_not_null(mkdtemp(dir));
	cfg = parse("");
	sv.accounts = accounts_open(cfg, &err);
	cr_assert_not_null(sv.accounts, "%s", err.detail);
	(void)snprintf(path, sizeof(path), "%s/srs.keys", dir);
	cr_assert_eq(srs_keys_open(path, &sv.srs, &err), PST_OK);
}

static void
end(void)
{
	static const char *const names[] = { "accounts.db", "accounts.db-wal",
		"accounts.db-shm", "srs.keys" };

	srs_keys_free(&sv.srs);
	accounts_close(&sv.accounts);
	config_unref(&cfg);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		(void)unlink(path);
	}
	(void)rmdir(dir);
}

TestSuite(forward, .init = begin, .fini = end);

/* The path under which `forwarder` sends on what is from `sender`. */
static void
sender_of(const char *forwarder, const char *sender, char out[512])
{
	struct pst_error err = { .detail = "" };
	struct buf b;

	buf_init(&b, 500);
	cr_expect_eq(forward_sender(
			 &sv, cfg, str_of(forwarder), str_of(sender), &b, &err),
	    PST_OK, "%s", err.detail);
	(void)str_copy(out, 512, buf_str(&b));
	buf_fini(&b);
}

static enum pst_rc
original_of(const char *address, char out[512])
{
	struct pst_error err = { .detail = "" };
	struct buf b;
	enum pst_rc rc;

	buf_init(&b, 500);
	rc = forward_original(&sv, cfg, str_of(address), &b, &err);
	(void)str_copy(out, 512, buf_str(&b));
	buf_fini(&b);
	return rc;
}

Test(forward, there_and_back)
{
	static const char *const senders[] = { "ann@x.test", "Ann.B@X.test",
		"\"a b\"@x.test", "a=b@x.test", "\"a@b\"@x.test",
		"x@[192.0.2.1]", "\xc3\xa4@x.test",
		"SRS0=a=b=c.test=d@x.test" };
	char text[512], back[512];

	for (size_t i = 0; i < sizeof(senders) / sizeof(senders[0]); i++) {
		sender_of("away@b.test", senders[i], text);
		cr_expect_str_neq(text, senders[i]);
		cr_expect_str_eq(strrchr(text, '@'), "@b.test");
		cr_expect_eq(original_of(text, back), PST_OK, "%s", text);
		cr_expect_str_eq(back, senders[i]);
	}
}

Test(forward, what_stays)
{
	static const char *const senders[] = { "", "x@a.test", "x@B.TEST",
		"no address", "x@" };
	char text[512];

	for (size_t i = 0; i < sizeof(senders) / sizeof(senders[0]); i++) {
		sender_of("away@b.test", senders[i], text);
		cr_expect_str_eq(text, senders[i]);
	}
	/* Without keys all does. */
	srs_keys_free(&sv.srs);
	sender_of("away@b.test", "ann@x.test", text);
	cr_expect_str_eq(text, "ann@x.test");
	cr_expect_eq(original_of("SRS0=a=b=c=d@a.test", text), PST_E_NOTFOUND);
}

Test(forward, a_domain_for_it)
{
	char text[512], back[512];

	config_unref(&cfg);
	cfg = parse("forward {\n srs_domain = \"SRS.test\"\n}\n");
	sender_of("away@b.test", "ann@x.test", text);
	cr_expect_str_eq(strrchr(text, '@'), "@srs.test");
	cr_expect_eq(original_of(text, back), PST_OK);
	cr_expect_str_eq(back, "ann@x.test");
	/* Its own paths are not rewritten again. */
	sender_of("away@b.test", text, back);
	cr_expect_str_eq(back, text);
}

Test(forward, what_is_refused)
{
	static const struct {
		const char *address;
		enum pst_rc rc;
	} cases[] = {
		{ "SRS0=AAAAAA=AA=x.test=ann@a.test", PST_E_DENIED },
		{ "srs1=x@A.test", PST_E_DENIED },
		{ "SRS0=AAAAAA=AA=x.test=ann@other.test", PST_E_NOTFOUND },
		{ "SRS0@a.test", PST_E_NOTFOUND },
		{ "ann@a.test", PST_E_NOTFOUND },
		{ "postmaster", PST_E_NOTFOUND },
		{ "", PST_E_NOTFOUND },
	};
	char text[512];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect_eq(original_of(cases[i].address, text), cases[i].rc,
		    "%s", cases[i].address);
}

Test(forward, known_again)
{
	struct buf b;

	buf_init(&b, 1000);
	forward_mark(STR("away@a.test"), &b);
	cr_expect(str_eq(buf_str(&b), STR("Delivered-To: away@a.test\r\n")));
	buf_fini(&b);
	cr_expect(forward_came_back(
	    STR("away@a.test"), STR(" x@y\r\n\0\r\n <Away@A.test>\r\n")));
	cr_expect(forward_came_back(STR("away@a.test"), STR("away@a.test")));
	cr_expect_not(forward_came_back(STR("away@a.test"), STR_NONE));
	cr_expect_not(forward_came_back(STR("away@a.test"), STR(" <>\r\n")));
	cr_expect_not(
	    forward_came_back(STR("away@a.test"), STR("xaway@a.test")));
}

/* RFC 3461, 5.2.7.3 (c): 1 NEVER, 2 SUCCESS, 4 FAILURE, 8 DELAY. */
Test(forward, what_goes_on_of_notify)
{
	cr_expect_eq(notice_passed_on(0, 5), 0);
	cr_expect_eq(notice_passed_on(1, 5), 1);
	cr_expect_eq(notice_passed_on(2, 1), 2);
	cr_expect_eq(notice_passed_on(14, 1), 14);
	cr_expect_eq(notice_passed_on(14, 2), 12);
	cr_expect_eq(notice_passed_on(2, 2), 1);
}

Test(forward, orcpt)
{
	struct buf b;

	buf_init(&b, 100);
	cr_expect(notice_orcpt(STR("\"a b\"+=@c"), &b));
	cr_expect(str_eq(buf_str(&b), STR("rfc822;\"a+20b\"+2B+3D@c")));
	buf_clear(&b);
	cr_expect_not(notice_orcpt(STR("\xc3\xa4@c"), &b));
	buf_fini(&b);
}
