/*
 * fuzz_maildir.c - the parsers of the maildir module: file names of messages,
 * state files, folder names, account names. They read what other programs
 * wrote, so anything may come. The first octet chooses the parser; each has
 * properties that must hold for every input.
 */
#include "../../modules/maildir/folder.h"
#include "../../modules/maildir/name.h"
#include "localindex/root.h"
#include "localindex/state.h"

#include <stdlib.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

/* A made name parses to what went in, and keeps the stem of its source. */
static void
fuzz_name(const char *s, size_t n)
{
	char made[MD_NAME_MAX + 1], a[MD_NAME_MAX + 1], b[MD_NAME_MAX + 1];
	struct md_name name, again;
	struct md_name_parts parts;
	size_t key_n, a_n, b_n;

	if (n > MD_NAME_MAX || memchr(s, '\0', n) || memchr(s, '/', n))
		return;
	md_name_parse(s, n, &name);
	must(name.key_n <= n && name.s == s);
	parts = (struct md_name_parts){ .source = s,
		.source_n = n,
		.size = name.size,
		.wire = md_name_octets(&name),
		.date = name.date,
		.save_date = name.save_date,
		.uid = name.uid ? name.uid : 1 };
	key_n = md_name_make(made, &parts);
	if (key_n == 0)
		return;
	must(key_n <= MD_KEY_MAX);
	a_n = md_name_stem(s, n, a, sizeof(a));
	b_n = md_name_stem(made, key_n, b, sizeof(b));
	must(a_n == b_n && memcmp(a, b, a_n) == 0);
	must(md_name_letters(made, key_n, name.flags, name.keywords, &name) ||
	     n > 150);
	md_name_parse(made, strlen(made), &again);
	must(again.has_uid && again.uid == parts.uid);
	must(again.has_size && again.size == parts.size);
	must(md_name_octets(&again) == parts.wire);
	must(again.date == parts.date && again.save_date == parts.save_date);
	must(again.key_n == key_n);
	if (n <= 150)
		must(again.flags == name.flags &&
		     again.keywords == name.keywords);
}

/* What is printed parses to the same text again. */
static void
fuzz_state(const char *s, size_t n)
{
	struct li_buf one = { 0 }, two = { 0 };
	struct li_state st, again;

	if (li_state_parse((struct pst_str){ s, n }, &st) == LI_STATE_OK) {
		li_state_print(&one, &st);
		must(li_state_parse((struct pst_str){ one.p, one.n }, &again) ==
		     LI_STATE_OK);
		li_state_print(&two, &again);
		must(one.n == two.n && memcmp(one.p, two.p, one.n) == 0);
		must(again.uidnext == st.uidnext &&
		     again.uidvalidity == st.uidvalidity);
		li_state_free(&again);
	}
	li_state_free(&st);
	li_buf_free(&one);
	li_buf_free(&two);
}

static void
fuzz_account(const char *s, size_t n)
{
	struct li_account_state st;
	struct li_buf text = { 0 };

	if (li_account_parse((struct pst_str){ s, n }, &st) == LI_STATE_OK)
		li_account_print(&text, &st);
	li_account_state_free(&st);
	li_buf_free(&text);
}

static bool
is_inside(const struct li_buf *b)
{
	return b->n > 0 && strchr(b->p, '/') == NULL && strlen(b->p) == b->n &&
	       strcmp(b->p, ".") != 0 && strcmp(b->p, "..") != 0;
}

/* Folder to name and back is the same folder. */
static void
fuzz_folder(const char *s)
{
	struct li_buf name = { 0 }, dir = { 0 };

	if (strchr(s, '/') == NULL && md_folder_decode(s, &name)) {
		enum pst_rc rc = md_folder_encode(name.p, &dir, NULL);

		must(rc == PST_OK || (rc == PST_E_LIMIT && strlen(s) > 255));
		if (rc == PST_OK)
			must(strcmp(dir.p, s) == 0);
	}
	li_buf_free(&name);
	li_buf_free(&dir);
}

/* Name to folder and back is the same name, and never leads out. */
static void
fuzz_mailbox(const char *s)
{
	struct li_buf name = { 0 }, dir = { 0 };

	if (md_folder_encode(s, &dir, NULL) == PST_OK && dir.n > 0) {
		must(is_inside(&dir) && dir.p[0] == '.');
		must(md_folder_decode(dir.p, &name));
		/* "inbox" in another spelling is the one exception. */
		if (strncasecmp(s, "inbox", 5) != 0)
			must(strcmp(name.p, s) == 0);
	}
	li_buf_free(&name);
	li_buf_free(&dir);
}

static void
fuzz_id(const char *s)
{
	struct li_buf domain = { 0 }, user = { 0 };

	if (li_account_path(s, &domain, &user, NULL) == PST_OK) {
		must(is_inside(&domain) && is_inside(&user));
		must(domain.p[0] != '.' && user.p[0] != '.');
		must(strncmp(domain.p, "postern.", 8) != 0);
		must(strncmp(user.p, "postern.", 8) != 0);
	}
	li_buf_free(&domain);
	li_buf_free(&user);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (size == 0)
		return 0;
	text = li_memdup((const char *)data + 1, size - 1);
	switch (data[0] % 6) {
	case 0:
		fuzz_name(text, size - 1);
		break;
	case 1:
		fuzz_state(text, size - 1);
		break;
	case 2:
		fuzz_account(text, size - 1);
		break;
	case 3:
		fuzz_folder(text);
		break;
	case 4:
		fuzz_mailbox(text);
		break;
	default:
		fuzz_id(text);
		break;
	}
	free(text);
	return 0;
}
