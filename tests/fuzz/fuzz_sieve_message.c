/*
 * Messages: one script that looks at everything is run over what comes in. The
 * fields "Key" and "Keys" of the message are what it looks for, so that values
 * and patterns meet. What a test finds cannot depend on the rest of the script,
 * and what it wants done can be done.
 */
#include <stdlib.h>

#include "base/str.h"
#include "sieve/sieve.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char script[] =
    "require [\"variables\", \"fileinto\", \"envelope\", \"subaddress\","
    "\"relational\", \"comparator-i;ascii-numeric\","
    "\"comparator-i;unicode-casemap\", \"date\", \"index\", \"body\","
    "\"imap4flags\", \"spamtest\", \"spamtestplus\", \"virustest\","
    "\"duplicate\", \"reject\", \"vacation\", \"copy\"];\n"
    "if header :matches \"key\" \"*\" { set \"k\" \"${1}\"; }\n"
    "if header :matches \"keys\" \"*,*\" {\n"
    "  set \"a\" \"${1}\"; set :quotewildcard \"b\" \"${2}\"; }\n"
    "set :length \"n\" \"${k}\";\n"
    "if anyof (header :matches \"subject\" [\"${k}\", \"${a}*\", \"*${b}\"],\n"
    "  header :matches :comparator \"i;octet\" \"subject\" \"${k}\",\n"
    "  header :matches :comparator \"i;unicode-casemap\" [\"subject\","
    "    \"from\"] [\"${k}\", \"*${a}*?\", \"*${b}*\"]) {\n"
    "  addflag [\"${1}\", \"${2} ${3}\", \"found\"];\n"
    "}\n"
    "if header :contains [\"subject\", \"x\"] [\"${k}\", \"${a}\"] {\n"
    "  if header :contains :comparator \"i;octet\" \"subject\" \"${k}\" {}\n"
    "  if header :contains :comparator \"i;unicode-casemap\" \"subject\" "
    "\"${k}\" { addflag \"contains\"; } }\n"
    "if header :value \"lt\" [\"subject\", \"key\"] \"${a}\" {}\n"
    "if header :value \"ge\" :comparator \"i;ascii-numeric\" "
    "\"subject\" \"${n}\" {}\n"
    "if header :index 2 :last :count \"ge\" [\"received\", \"x\"] \"1\" {}\n"
    "if address :matches [\"from\", \"to\", \"cc\"] \"*@*\" {\n"
    "  set \"local\" \"${1}\"; set \"domain\" \"${2}\"; }\n"
    "if address :user [\"from\", \"to\"] \"${k}\" {}\n"
    "if address :detail :contains [\"from\", \"to\"] \"\" {}\n"
    "if address :domain :count \"gt\" \"to\" \"${n}\" {}\n"
    "if date :originalzone :matches \"date\" \"iso8601\" \"*T*\" {\n"
    "  set \"day\" \"${1}\"; }\n"
    "if date :index 1 :zone \"-0330\" :matches \"received\" \"std11\" \"*\" "
    "{}\n"
    "if date :value \"gt\" \"date\" \"julian\" \"50000\" {}\n"
    "if anyof (body :contains [\"${k}\", \"${b}\"],\n"
    "  body :raw :matches \"*${k}*\", body :content [\"text\", \"${a}\"]\n"
    "  :comparator \"i;unicode-casemap\" :matches [\"${k}\", \"*${a}?*\"],\n"
    "  body :content \"\" :contains :comparator \"i;octet\" \"${a}\") {\n"
    "  addflag \"body\"; }\n"
    "if spamtest :value \"ge\" :comparator \"i;ascii-numeric\" \"5\" {}\n"
    "if spamtest :percent :is \"${n}\" {}\n"
    "if virustest \"5\" { addflag \"virus\"; }\n"
    "if duplicate :header \"${k}\" { addflag \"again\"; }\n"
    "if hasflag :matches \"*o*\" { removeflag [\"${1}\", \"${2}\"]; }\n"
    "fileinto :copy \"x${k}\";\n"
    "fileinto :copy \"${day}/${domain}x\";\n"
    "if string :is \"${k}\" \"away\" {\n"
    "  vacation :subject \"${a}\" :addresses [\"${local}\"] \"${b}${k}\"; }\n"
    "if string :is \"${k}\" \"redirect\" {\n"
    "  redirect :copy \"${local}@${domain}\"; }\n";

static void
check(bool claim)
{
	if (!claim)
		abort();
}

static bool
duplicate(void *arg, struct pst_str id, int64_t seconds, bool last)
{
	(void)arg;
	(void)last;
	check(id.n == 64 && seconds > 0);
	return id.p[0] < '8';
}

static bool
is_text(struct pst_str s)
{
	return s.n == 0 || str_is_utf8(s);
}

static void
check_action(const struct sieve_action *a)
{
	check(is_text(a->mailbox) && is_text(a->text) && is_text(a->subject));
	check(is_text(a->address) && (a->own == NULL || is_text(a->own[0])));
	for (size_t i = 0; i < a->flags; i++) {
		check(a->flag[i].n > 0);
		check(str_find(a->flag[i], ' ') == a->flag[i].n);
	}
	if (a->kind == SIEVE_REDIRECT)
		check(str_find(a->address, '\n') == a->address.n &&
		      str_find(a->address, '@') < a->address.n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sieve_script *s;
	struct sieve_limits limits = sieve_limits_default;
	struct pst_str text = str_n((const char *)data, size);
	struct sieve_host host = {
		.now = 1796119200, .zone = 60, .duplicate = duplicate
	};
	struct sieve_message m = { .content = text,
		.size = size,
		.from = str_first(text, 40),
		.to = STR("bob+lists@example.com") };
	struct sieve_result r;
	struct sieve_problem p;
	struct msg *msg;

	if (s == NULL)
		s = sieve_compile(STR(script), &limits, &p);
	check(s != NULL);
	m.msg = msg = msg_read(text, &msg_limits_default);
	/* Less may be at hand than there is. */
	if (size % 4 == 1)
		m.content.n /= 2;
	limits.work = 200000;
	limits.variable_size = 100;
	sieve_run(s, &m, &host, &limits, &r);
	check(r.actions > 0 && r.actions <= limits.actions + 1);
	check(!r.failed || (r.actions == 1 && r.problem.text[0] != '\0'));
	for (size_t i = 0; i < r.actions; i++)
		check_action(&r.action[i]);
	sieve_result_fini(&r);
	msg_free(&msg);
	return 0;
}
