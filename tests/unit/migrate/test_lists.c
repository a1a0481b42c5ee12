/*
 * test_lists.c - the lists that Dovecot and Courier keep beside messages.
 */
#include "migrate/lists.h"

#include "base/str.h"
#include "migrate/source.h"
#include <criterion/criterion.h>

static const char uidlist_3[] =
    "3 N25022 V1275660208 G3085f01b7f11094c501100008c4a11c1\n"
    "25006 W1394 Pid-1 :1276528487.M364837P9451.host,S=1355,W=1394:2,\n"
    "25017 :1276533073.M242911P3632.host:2,F\n"
    "0 :zero\n"
    "25018 G0123 :b c with spaces\n"
    "nonsense\n"
    "4294967296 :too-large\n"
    "30000 W1 no-colon\n"
    "25019 :1276533073.M242911P3632.host:2,S";

Test(lists, dovecot_uidlist)
{
	struct mig_uidlist l;
	const struct mig_uid *u;

	cr_assert(mig_uidlist_parse(str_of(uidlist_3), &l));
	cr_expect_eq(l.uidvalidity, 1275660208);
	cr_expect_eq(l.uidnext, 25022);
	cr_expect(str_is(l.guid, "3085f01b7f11094c501100008c4a11c1"));
	cr_expect_eq(l.n, 3);
	u = mig_uidlist_find(
	    &l, STR("1276528487.M364837P9451.host,S=1355,W=1394"));
	cr_assert_not_null(u);
	cr_expect_eq(u->uid, 25006);
	cr_expect(str_is(u->uidl, "id-1"));
	u = mig_uidlist_find(&l, STR("b c with spaces"));
	cr_assert_not_null(u);
	cr_expect(str_is(u->guid, "0123"));
	/* It is there twice: the later uid counts. */
	u = mig_uidlist_find(&l, STR("1276533073.M242911P3632.host"));
	cr_assert_not_null(u);
	cr_expect_eq(u->uid, 25019);
	cr_expect_null(mig_uidlist_find(&l, STR("zero")));
	mig_uidlist_fini(&l);
}

Test(lists, uidlist_of_version_1)
{
	struct mig_uidlist l;

	cr_assert(mig_uidlist_parse(
	    STR("1 1275660208 7\r\n6 1.a b:2,S\r\n9 2.x\r\n"), &l));
	cr_expect_eq(l.uidvalidity, 1275660208);
	cr_expect_eq(l.uidnext, 10, "above what is there: %u", l.uidnext);
	cr_expect_eq(mig_uidlist_find(&l, STR("1.a b"))->uid, 6);
	mig_uidlist_fini(&l);
}

Test(lists, uidlists_that_are_none)
{
	static const char *const texts[] = { "", "\n", "2 V1 N1\n", "3\n",
		"3 V0 N5\n", "3 N5\n", "1\n", "1 0 5\n", "1 x 5\n", "x",
		"99999999999 V1 N1\n" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct mig_uidlist l;

		cr_expect_not(
		    mig_uidlist_parse(str_of(texts[i]), &l), "%s", texts[i]);
		cr_expect_eq(l.n, 0);
		mig_uidlist_fini(&l);
	}
}

Test(lists, names_of_files)
{
	static const struct {
		const char *file, *base, *letters;
		uint32_t flags;
		bool passed;
	} cases[] = {
		{ "1.a:2,S", "1.a", "S", PST_SEEN, false },
		{ "1.a", "1.a", "", 0, false },
		{ "1.a:2,", "1.a", "", 0, false },
		{ "1.a:1,S", "1.a", "", 0, false },
		{ "1.a:2,DFPRSTabz", "1.a", "DFPRSTabz", PST_FLAGS_ALL, true },
		{ "1.a:2,F,x=S", "1.a", "F", PST_FLAGGED, false },
		{ ":2,S", "", "S", PST_SEEN, false },
		{ "", "", "", 0, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pst_str file = str_of(cases[i].file);
		struct pst_str letters = mig_file_letters(file);
		struct buf out;
		bool passed;

		cr_expect(str_is(mig_file_base(file), cases[i].base));
		cr_expect(
		    str_is(letters, cases[i].letters), "%s", cases[i].file);
		cr_expect_eq(
		    mig_letter_flags(letters, &passed), cases[i].flags);
		cr_expect_eq(passed, cases[i].passed);
		buf_init(&out, 100);
		cr_expect(mig_put_letters(&out, cases[i].flags, passed));
		cr_expect_eq(
		    mig_letter_flags(buf_str(&out), &passed), cases[i].flags);
		buf_fini(&out);
	}
}

Test(lists, dovecot_keywords)
{
	struct pst_str name[MIG_LETTERS];

	mig_dovecot_keywords(
	    STR("0 $Forwarded\n2 Two words\n25 z\n26 beyond\nx y\n7\n"), name);
	cr_expect(str_is(name[0], "$Forwarded"));
	cr_expect_eq(name[1].n, 0);
	cr_expect(str_is(name[2], "Two words"));
	cr_expect(str_is(name[25], "z"));
	cr_expect_eq(name[7].n, 0);
}

static void
gather(void *arg, struct pst_str name)
{
	struct buf *out = arg;

	(void)buf_add_str(out, name);
	(void)buf_putc(out, ' ');
}

Test(lists, courier_keywords)
{
	struct mig_courier_keywords k;
	struct buf out;

	mig_courier_keywords_parse(
	    STR("a\nb\nc\n\n2.x:0 2\n1.y:1\nbroken\n3.z:9 x 2 \n:1\n"), &k);
	cr_expect_eq(k.names, 3);
	buf_init(&out, 1000);
	mig_courier_keywords_of(&k, STR("2.x"), gather, &out);
	mig_courier_keywords_of(&k, STR("1.y"), gather, &out);
	mig_courier_keywords_of(&k, STR("3.z"), gather, &out);
	mig_courier_keywords_of(&k, STR("4"), gather, &out);
	cr_expect(str_is(buf_str(&out), "a c b c "));
	buf_fini(&out);
	mig_courier_keywords_fini(&k);
	mig_courier_keywords_parse(STR_NONE, &k);
	cr_expect_eq(k.names + k.files, 0);
	mig_courier_keywords_fini(&k);
}

Test(lists, courier_ids)
{
	static const char list[] = "/3 9 222\n"
				   "1.a:2,S 60 3:222:0\n"
				   "2.b 60 4:0:1\n"
				   "3'c+d 60 0:0:0\n"
				   "4 name 60 5:333:0\n"
				   "bad 60\nbad2 60 x:1\n";
	static const struct {
		const char *base, *id;
	} cases[] = { { "1.a", "UID3-222" }, { "2.b", "UID4" },
		{ "3'c+d", "3+27c+2Bd" }, { "4 name", "UID5-333" },
		{ "bad", "" }, { "bad2", "" }, { "none", "" } };
	struct mig_courier_uidls u;

	mig_courier_uidls_parse(str_of(list), &u);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf out;
		bool found;

		buf_init(&out, 1000);
		found = mig_courier_uidl(&u, str_of(cases[i].base), &out);
		cr_expect_eq(found, cases[i].id[0] != '\0');
		cr_expect(str_eq(buf_str(&out), str_of(cases[i].id)) || !found);
		buf_fini(&out);
	}
	mig_courier_uidls_fini(&u);

	mig_courier_uidls_parse(STR("1.a 7\n2.b:2,S 8\n"), &u);
	cr_expect_eq(u.n, 2);
	cr_expect_eq(u.v[1].uid, 8);
	mig_courier_uidls_fini(&u);
	mig_courier_uidls_parse(STR("/4 1 1\n1.a 60 3:222:0\n"), &u);
	cr_expect_eq(u.n, 0, "a version that is not known");
	mig_courier_uidls_fini(&u);
}

Test(lists, formats_of_ids)
{
	static const struct {
		const char *format, *id; /* NULL: no format */
	} cases[] = {
		{ "%08Xu%08Xv", "0000000a499602d2" },
		{ "%u", "10" },
		{ "%v-%u", "1234567890-10" },
		{ "%5u", "   10" },
		{ "%UXu", "A" },
		{ "%f", "Base,S=1" },
		{ "%Lf%%", "base,s=1%" },
		{ "%g", "GuiD" },
		{ "UID%u-%v", "UID10-1234567890" },
		{ "%m", NULL },
		{ "%", NULL },
		{ "%99999999u", NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf out;
		bool ok;

		buf_init(&out, 1000);
		ok = mig_uidl(cases[i].format, 10, 1234567890, STR("Base,S=1"),
		    STR("GuiD"), &out);
		cr_expect_eq(ok, cases[i].id != NULL, "%s", cases[i].format);
		if (ok)
			cr_expect(str_is(buf_str(&out), cases[i].id),
			    "%s: %.*s", cases[i].format,
			    STR_ARG(buf_str(&out)));
		buf_fini(&out);
	}
}

Test(lists, names_of_mailboxes)
{
	static const struct {
		const char *text, *name; /* NULL: none */
		char separator;
	} cases[] = {
		{ "Sent", "Sent", '.' },
		{ "A.B.C", "A/B/C", '.' },
		{ "Entw&APw-rfe", "Entw\xc3\xbcrfe", '.' },
		{ "A &- B", "A & B", '.' },
		{ "Entw\xc3\xbcrfe", "Entw\xc3\xbcrfe", '.' },
		{ "Tom & Jerry", "Tom & Jerry", '.' },
		{ "a/b.c", "a_b/c", '.' },
		{ "a.b/c", "a.b/c", '/' },
		{ "inbox", "INBOX", '.' },
		{ "inbox.x", "INBOX/x", '.' },
		{ "inboxes", "inboxes", '.' },
		{ "a..b", NULL, '.' },
		{ "", NULL, '.' },
		{ ".", NULL, '.' },
		{ "\xff", NULL, '.' },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf out;
		bool ok;

		buf_init(&out, 1000);
		ok = mig_folder_name(
		    str_of(cases[i].text), cases[i].separator, &out);
		cr_expect_eq(ok, cases[i].name != NULL, "%s", cases[i].text);
		if (ok)
			cr_expect(str_is(buf_str(&out), cases[i].name));
		buf_fini(&out);
	}
}

Test(lists, subscriptions)
{
	struct buf out;

	buf_init(&out, 1000);
	mig_subscriptions(STR("INBOX\nA.B\n\n..\nSent"), '.', gather, &out);
	cr_expect(str_is(buf_str(&out), "INBOX A/B Sent "));
	buf_clear(&out);
	mig_subscriptions(STR("V\t2\n\nA.b\tB\nSent\n"), '.', gather, &out);
	cr_expect(str_is(buf_str(&out), "A.b/B Sent "));
	buf_fini(&out);
}

/* A parent and what is below it come before what only begins like it. */
Test(source, names_are_in_order)
{
	static const char *const in[] = { "b", "a b", "a/z", "a", "a-b" };
	static const char *const want[] = { "a", "a/z", "a b", "a-b", "b" };
	struct mig_names names = { 0 };

	for (size_t i = 0; i < 5; i++) {
		(void)mig_names_get(&names, str_of(in[i]));
		(void)mig_names_get(&names, str_of(in[i]));
	}
	cr_assert_eq(names.n, 5);
	mig_names_sort(&names);
	for (size_t i = 0; i < 5; i++)
		cr_expect_str_eq(names.v[i].text, want[i]);
	mig_names_fini(&names);
}

static enum pst_rc
to_buf(void *arg, const void *p, size_t n, struct pst_error *err)
{
	(void)err;
	return buf_add(arg, p, n) ? PST_OK : PST_E_LIMIT;
}

Test(source, line_ends_wherever_they_are_cut)
{
	static const char in[] = "a\nb\r\n\n\r\nc\rd\n\r";
	static const char want[] = "a\r\nb\r\n\r\n\r\nc\rd\r\n\r";

	for (size_t cut = 0; cut < sizeof(in); cut++) {
		struct mig_crlf c = { 0 };
		struct pst_error err;
		struct buf out;

		buf_init(&out, 1000);
		cr_assert_eq(
		    mig_crlf_write(&c, in, cut, to_buf, &out, &err), PST_OK);
		cr_assert_eq(mig_crlf_write(&c, in + cut, sizeof(in) - 1 - cut,
				 to_buf, &out, &err),
		    PST_OK);
		cr_expect(str_is(buf_str(&out), want), "cut at %zu", cut);
		buf_fini(&out);
	}
}
