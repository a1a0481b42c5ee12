/*
 * What people may choose: names and passwords.
 */
#include "account/rules.h"
#include "base/str.h"
#include "fixture.h"
#include <criterion/criterion.h>
#include <stdlib.h>

static bool
is_good(const struct config *cfg, const char *password)
{
	struct pst_error err;

	return rules_password(cfg, "maja@kiosk.test", "Maja Olsen",
		   str_of(password), &err) == PST_OK;
}

Test(rules, passwords)
{
	static const char *const bad[] = { "", "a", "seven77", "password",
		"PASSWORD", "p4ssw0rd", "P@ssw0rd1!", "123password456",
		"sunshine2026", "monkeymonkey", "1q2w3e4r", "qwertyuiop",
		"12345678", "87654321", "aaaaaaaa", "abababab", "abcabcabc",
		"majamaja", "maja2026!", "Olsen12345", "kiosk.test",
		"bad \xff utf8", "tab\tin it" };
	static const char *const good[] = { "correct horse battery",
		"plum kettle ninety", "maja and the nine whales", "xk7-Rr2.vq",
		"gr\xc3\xbc\xc3\x9f Gott im Wald", "password manager of mine",
		"abcdefgz" };
	struct config *cfg = fixture_parse("");
	char text[300];

	free(cfg->auth.common_passwords);
	(void)snprintf(text, sizeof(text), "%s/conf/common-passwords",
	    getenv("top_srcdir"));
	cfg->auth.common_passwords = str_dup(str_of(text));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_not(is_good(cfg, bad[i]), "%s", bad[i]);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		cr_expect(is_good(cfg, good[i]), "%s", good[i]);
	memset(text, 0, sizeof(text));
	for (int i = 0; i < 256; i++)
		text[i] = "gkpwz"[(i * i + i / 7) % 5];
	cr_expect(is_good(cfg, text));
	text[256] = 'x';
	cr_expect_not(is_good(cfg, text));
	config_unref(&cfg);
}

Test(rules, names)
{
	cr_expect(rules_is_reserved("postmaster@example.test"));
	cr_expect(rules_is_reserved("abuse+x@example.test"));
	cr_expect(rules_is_reserved("root@example.test"));
	cr_expect_not(rules_is_reserved("postmaster2@example.test"));
	cr_expect_not(rules_is_reserved("maja@example.test"));
}
