/*
 * The texts of other servers: lists beside a Maildir, mbox files, IMAP
 * responses. The first octet says what it is. What is taken keeps its promises:
 * an mbox gives the same whatever pieces it comes in, sorted lists find what is
 * in them, names are names.
 */
#include <stdlib.h>

#include "base/str.h"
#include "migrate/imap_text.h"
#include "migrate/lists.h"
#include "migrate/mbox_text.h"
#include "migrate/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool claim)
{
	if (!claim)
		abort();
}

static void
try_uidlist(struct pst_str text)
{
	struct mig_uidlist l;

	if (mig_uidlist_parse(text, &l)) {
		check(l.uidvalidity != 0);
		for (size_t i = 0; i < l.n; i++) {
			const struct mig_uid *u = &l.v[i];

			check(u->uid != 0 && u->base.n > 0);
			check(u->uid < l.uidnext || u->uid == UINT32_MAX);
			check(mig_uidlist_find(&l, u->base) == u);
		}
	}
	mig_uidlist_fini(&l);
}

static void
count(void *arg, struct pst_str name)
{
	check(name.n > 0);
	++*(size_t *)arg;
}

static void
try_beside(struct pst_str text)
{
	struct pst_str name[MIG_LETTERS];
	struct mig_courier_keywords k;
	struct mig_courier_uidls u;
	size_t n = 0;

	mig_dovecot_keywords(text, name);
	mig_courier_keywords_parse(text, &k);
	for (size_t i = 0; i < k.files; i++)
		mig_courier_keywords_of(&k, k.file[i].base, count, &n);
	mig_courier_keywords_fini(&k);
	mig_courier_uidls_parse(text, &u);
	for (size_t i = 0; i < u.n; i++) {
		struct buf id;

		buf_init(&id, 1 << 20);
		(void)mig_courier_uidl(&u, u.v[i].base, &id);
		for (size_t c = 0; c < id.n; c++)
			check(id.p[c] > 0x20 && id.p[c] < 0x7f);
		buf_fini(&id);
	}
	mig_courier_uidls_fini(&u);
}

static void
check_name(void *arg, struct pst_str name)
{
	struct pst_str level;

	(void)arg;
	while (str_split(&name, '/', &level))
		check(level.n > 0 && str_is_utf8(level));
}

/* A name that can be written is read as it was. */
static void
try_names(struct pst_str text)
{
	struct buf name, again;

	mig_subscriptions(text, '.', check_name, NULL);
	buf_init(&name, 65536);
	buf_init(&again, 65536);
	if (text.n > 0 && str_is_utf8(text) &&
	    memchr(text.p, '/', text.n) == NULL &&
	    !str_is_case(text, "INBOX") && mig_put_level(text, true, &name) &&
	    mig_folder_name(buf_str(&name), '.', &again))
		check(str_eq(buf_str(&again), text));
	buf_fini(&name);
	buf_fini(&again);
}

static void
read_mbox(struct pst_str all, size_t step, struct buf *out)
{
	struct pst_str rest = str_first(all, 0), text = STR_NONE;
	struct mbox_parser p;
	size_t end = 0;
	enum mbox_event e;

	mbox_parser_init(&p);
	rest.p = all.p;
	do {
		e = mbox_parse(&p, &rest, end == all.n, &text);
		if (e == MBOX_MORE) {
			size_t more = all.n - end < step ? all.n - end : step;

			check(end < all.n);
			rest.n += more;
			end += more;
			/* What is used up may have left no pointer. */
			rest.p = all.p + end - rest.n;
		} else if (e == MBOX_MESSAGE) {
			(void)buf_printf(out, "<%x %u %zu>", p.about.flags,
			    p.about.uid, p.about.keyword_count);
			(void)buf_add(out, text.p, text.n);
		} else if (e == MBOX_TEXT) {
			check(text.n > 0);
			(void)buf_add(out, text.p, text.n);
		}
	} while (e != MBOX_OVER && e != MBOX_NONE);
	mbox_parser_fini(&p);
}

static void
try_mbox(struct pst_str text)
{
	struct buf once, again;

	buf_init(&once, 1 << 24);
	buf_init(&again, 1 << 24);
	read_mbox(text, SIZE_MAX, &once);
	read_mbox(text, 1 + text.n % 7, &again);
	check(once.n == again.n &&
	      (once.n == 0 || memcmp(once.p, again.p, once.n) == 0));
	buf_fini(&once);
	buf_fini(&again);
}

static void
try_imap(struct pst_str text)
{
	struct imap_namespaces spaces;
	struct imap_response r;
	struct imap_fetched f;
	struct imap_listed l;
	struct imap_text t;
	int64_t date;
	uint64_t n;

	(void)imap_literal_size(text, &n);
	(void)imap_is_message_literal(text);
	(void)imap_parse_date(text, &date);
	imap_response_parse(text, &r);
	(void)imap_code_number(r.code, "UIDNEXT", &n);
	imap_fetched_init(&f);
	t.rest = r.kind == IMAP_NUMBER ? r.text.rest : text;
	if (imap_fetched_parse(&t, &f))
		check(!f.has_uid || f.uid != 0);
	imap_fetched_fini(&f);
	imap_listed_init(&l);
	t.rest = r.kind == IMAP_DATA ? r.text.rest : text;
	if (imap_listed_parse(&t, &l))
		check(l.name.n > 0);
	imap_listed_fini(&l);
	t.rest = r.kind == IMAP_DATA ? r.text.rest : text;
	(void)imap_namespaces_parse(&t, &spaces);
}

static void
try_texts(struct pst_str text)
{
	char *z = str_dup(text);
	struct pst_error err;
	struct imap_url url;
	struct buf id;

	if (import_source_parse(z, &url, &err) == PST_OK)
		check(url.user[0] != '\0' && url.host[0] != '\0');
	buf_init(&id, 4096);
	(void)mig_uidl(z, 1, 2, STR("base"), STR_NONE, &id);
	buf_fini(&id);
	free(z);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pst_str text;

	if (size == 0)
		return 0;
	text = str_n((const char *)data + 1, size - 1);
	switch (data[0] % 6) {
	case 0:
		try_uidlist(text);
		break;
	case 1:
		try_beside(text);
		break;
	case 2:
		try_names(text);
		break;
	case 3:
		try_mbox(text);
		break;
	case 4:
		try_imap(text);
		break;
	default:
		try_texts(text);
		break;
	}
	return 0;
}
