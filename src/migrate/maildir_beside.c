/*
 * maildir_beside.c - what Dovecot and Courier keep beside the messages of one
 * mailbox: uids, keywords, ids for POP3.
 */
#include "migrate/files.h"
#include "migrate/maildir.h"

#include "base/str.h"
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define COURIER_KEYWORDS "courierimapkeywords"

enum { UPDATES_MAX = 100000, UPDATE_MAX = 1 << 17 };

void
maildir_beside_fini(struct maildir_beside *b)
{
	mig_uidlist_fini(&b->list);
	mig_courier_keywords_fini(&b->courier);
	mig_courier_uidls_fini(&b->courier_uidls);
	buf_fini(&b->uids);
	buf_fini(&b->keywords);
	buf_fini(&b->uidls);
}

/* --- Dovecot ------------------------------------------------------------- */

static enum pst_rc
read_dovecot(struct maildir_source *s, struct pst_error *err)
{
	struct maildir_beside *b = &s->beside;
	enum pst_rc rc = mig_read_list(
	    s->dir_fd, "dovecot-uidlist", &b->uids, err);

	if (rc == PST_OK)
		rc = mig_read_list(
		    s->dir_fd, "dovecot-keywords", &b->keywords, err);
	if (rc != PST_OK)
		return rc;
	if (b->uids.n > 0 && !mig_uidlist_parse(buf_str(&b->uids), &b->list))
		mig_note(&s->base,
		    "dovecot-uidlist is of a version that is not known, or "
		    "damaged: the messages get new uids");
	mig_dovecot_keywords(buf_str(&b->keywords), b->letter);
	return PST_OK;
}

/* --- Courier ------------------------------------------------------------- */

/* Beside the list there may be a file for each message whose keywords changed
 * since, with a name in each line; it stands for all keywords of it. As lines
 * of the list's form they come behind what the list says. */
static enum pst_rc
read_update(int dir_fd, const char *name, struct buf *names, struct buf *lines,
    struct pst_error *err)
{
	struct pst_str base = str_of(name), rest, word;
	struct buf text;
	enum pst_rc rc;

	/* ".NUMBER.NAME" is one on its way to become "NAME". */
	if (base.p[0] == '.') {
		base = str_from(base, 1);
		if (!str_split(&base, '.', &word) || base.n == 0)
			return PST_OK;
	}
	buf_init(&text, UPDATE_MAX);
	rc = mig_read_list(dir_fd, name, &text, err);
	(void)buf_add_str(lines, base);
	(void)buf_putc(lines, ':');
	rest = buf_str(&text);
	while (rc == PST_OK && str_split(&rest, '\n', &word)) {
		uint32_t number = 0;
		struct pst_str all = buf_str(names), known;

		if (word.n == 0)
			continue;
		while (str_split(&all, '\n', &known) && known.n > 0 &&
		       !str_eq(known, word))
			number++;
		if (known.n == 0) {
			(void)buf_add_str(names, word);
			(void)buf_putc(names, '\n');
		}
		(void)buf_printf(lines, "%lu ", (unsigned long)number);
	}
	(void)buf_putc(lines, '\n');
	buf_fini(&text);
	return rc;
}

/* The list's own lines, without those about files in `lines`. */
static void
add_old_lines(struct pst_str list, struct buf *lines)
{
	struct mig_courier_keywords updated;
	struct pst_str line;
	struct buf form;

	buf_init(&form, MIG_LIST_MAX);
	(void)buf_putc(&form, '\n');
	(void)buf_add(&form, lines->p, lines->n);
	mig_courier_keywords_parse(buf_str(&form), &updated);
	while (str_split(&list, '\n', &line)) {
		struct pst_str base = mig_file_base(line);
		bool is_old = false;

		for (size_t i = 0; i < updated.files && !is_old; i++)
			is_old = str_eq(updated.file[i].base, base);
		if (!is_old && line.n > 0) {
			(void)buf_add_str(lines, line);
			(void)buf_putc(lines, '\n');
		}
	}
	mig_courier_keywords_fini(&updated);
	buf_fini(&form);
}

static enum pst_rc
read_updates(
    int dir_fd, struct buf *names, struct buf *lines, struct pst_error *err)
{
	DIR *dir = fdopendir(dup(dir_fd));
	const struct dirent *e;
	enum pst_rc rc = PST_OK;
	size_t n = 0;

	if (dir == NULL)
		return pst_fail(err, PST_E_TEMP, errno, COURIER_KEYWORDS ": %s",
		    strerror(errno));
	rewinddir(dir);
	while (rc == PST_OK && (e = readdir(dir)) != NULL)
		if (strcmp(e->d_name, ".") != 0 &&
		    strcmp(e->d_name, "..") != 0 && e->d_name[0] != ':' &&
		    n++ < UPDATES_MAX)
			rc = read_update(dir_fd, e->d_name, names, lines, err);
	(void)closedir(dir);
	return rc;
}

static enum pst_rc
read_courier_keywords(struct maildir_source *s, struct pst_error *err)
{
	int dir_fd = mig_open_dir(s->dir_fd, COURIER_KEYWORDS);
	struct buf list, lines, *out = &s->beside.keywords;
	struct pst_str rest, line;
	enum pst_rc rc;

	if (dir_fd < 0)
		return PST_OK;
	buf_init(&list, MIG_LIST_MAX);
	buf_init(&lines, MIG_LIST_MAX);
	rc = mig_read_list(dir_fd, ":list", &list, err);
	rest = buf_str(&list);
	while (str_split(&rest, '\n', &line) && line.n > 0) {
		(void)buf_add_str(out, line);
		(void)buf_putc(out, '\n');
	}
	if (rc == PST_OK)
		rc = read_updates(dir_fd, out, &lines, err);
	add_old_lines(rest, &lines);
	(void)buf_putc(out, '\n');
	if (lines.n > 0)
		(void)buf_add(out, lines.p, lines.n);
	buf_fini(&list);
	buf_fini(&lines);
	(void)close(dir_fd);
	return rc;
}

static enum pst_rc
read_courier(struct maildir_source *s, struct pst_error *err)
{
	struct maildir_beside *b = &s->beside;
	enum pst_rc rc = mig_read_list(
	    s->dir_fd, "courierimapuiddb", &b->uids, err);

	if (rc == PST_OK)
		rc = mig_read_list(
		    s->dir_fd, "courierpop3dsizelist", &b->uidls, err);
	if (rc == PST_OK)
		rc = read_courier_keywords(s, err);
	if (rc != PST_OK)
		return rc;
	if (b->uids.n > 0 && !mig_uidlist_parse(buf_str(&b->uids), &b->list))
		mig_note(&s->base, "courierimapuiddb is damaged: the messages "
				   "get new uids");
	mig_courier_keywords_parse(buf_str(&b->keywords), &b->courier);
	mig_courier_uidls_parse(buf_str(&b->uidls), &b->courier_uidls);
	return PST_OK;
}

enum pst_rc
maildir_beside_read(struct maildir_source *s, struct pst_error *err)
{
	struct maildir_beside *b = &s->beside;

	*b = (struct maildir_beside){ 0 };
	buf_init(&b->uids, MIG_LIST_MAX);
	buf_init(&b->keywords, MIG_LIST_MAX);
	buf_init(&b->uidls, MIG_LIST_MAX);
	b->is_courier =
	    s->kind == MIG_MAILDIR_COURIER ||
	    (s->kind == MIG_MAILDIR_ANY &&
		faccessat(s->dir_fd, "dovecot-uidlist", F_OK, 0) < 0 &&
		(faccessat(s->dir_fd, "courierimapuiddb", F_OK, 0) == 0 ||
		    faccessat(s->dir_fd, "courierpop3dsizelist", F_OK, 0) ==
			0));
	return b->is_courier ? read_courier(s, err) : read_dovecot(s, err);
}

/* --- of one message ------------------------------------------------------ */

static void
add_keyword(void *arg, struct pst_str name)
{
	struct maildir_source *s = arg;
	const char *text;

	if (name.n == 0 || s->keywords == PST_KEYWORDS_MAX)
		return;
	for (size_t i = 0; i < s->keywords; i++)
		if (str_is_case(name, s->keyword[i]))
			return;
	text = arena_text(s->words, name);
	if (text != NULL)
		s->keyword[s->keywords++] = text;
}

void
maildir_describe(struct maildir_source *s, const struct maildir_file *f)
{
	struct maildir_beside *b = &s->beside;
	struct pst_str base = mig_file_base(str_of(f->name));
	struct pst_str letters = mig_file_letters(str_of(f->name));
	bool passed, has_uidl = false;

	(void)mig_letter_flags(letters, &passed);
	s->keywords = 0;
	arena_reset(s->words);
	if (passed)
		add_keyword(s, STR("$Forwarded"));
	for (size_t i = 0; i < letters.n && !b->is_courier; i++)
		if (letters.p[i] >= 'a' && letters.p[i] <= 'z')
			add_keyword(s, b->letter[letters.p[i] - 'a']);
	if (b->is_courier)
		mig_courier_keywords_of(&b->courier, base, add_keyword, s);
	/* POP3 shows no other mailbox. */
	buf_clear(&s->uidl);
	if (s->is_inbox && b->is_courier)
		has_uidl = mig_courier_uidl(&b->courier_uidls, base, &s->uidl);
	else if (s->is_inbox && f->uidl.n > 0)
		has_uidl = buf_add_str(&s->uidl, f->uidl);
	else if (s->is_inbox && f->uid != 0)
		has_uidl = mig_uidl(s->uidl_format, f->uid, b->list.uidvalidity,
		    base, f->guid, &s->uidl);
	if (!has_uidl)
		buf_clear(&s->uidl);
	else
		(void)buf_putc(&s->uidl, '\0');
}
