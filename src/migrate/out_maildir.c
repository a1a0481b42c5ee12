/*
 * out_maildir.c - a Maildir++ as Dovecot keeps it: dovecot-uidlist (version 3),
 * dovecot-keywords, subscriptions.
 *
 * The lists of a mailbox come after its messages, whose sizes they tell.
 */
#include "base/str.h"
#include "migrate/lists.h"
#include "migrate/out_files.h"
#include "migrate/target.h"
#include <stdlib.h>

enum {
	LISTS_MAX = 512 << 20,
	NAME_OCTETS = 4096,
	/* Dovecot's keywords in names of files. */
	KEYWORDS = MIG_LETTERS,
};

struct out_maildir {
	struct mig_target base;
	struct out_files *files;
	/* The mailbox. */
	struct mig_out_box box;
	char *name;
	char *keyword[KEYWORDS];
	size_t keywords;
	struct buf uids;
	/* The message. */
	struct mig_message m;
	uint64_t letters; /* bit n: 'a' + n */
	char *uidl;
	struct mig_lf lf;
	struct buf text;
	uint64_t octets, wire; /* as it is on the disk; with CRLF */
	char last;
};

static struct out_maildir *
self(struct mig_target *base)
{
	return (struct out_maildir *)base;
}

static void
drop_box(struct out_maildir *o)
{
	for (size_t i = 0; i < o->keywords; i++)
		free(o->keyword[i]);
	o->keywords = 0;
	buf_clear(&o->uids);
	free(o->name);
	o->name = NULL;
}

/* ".A.B" */
static bool
put_directory(const char *name, struct buf *out)
{
	struct pst_str rest = str_of(name), level;

	while (str_split(&rest, '/', &level)) {
		(void)buf_putc(out, '.');
		if (!mig_put_level(level, true, out))
			return false;
	}
	return buf_putc(out, '\0');
}

static enum pst_rc
maildir_begin(struct mig_target *base, const struct mig_out_box *box,
    struct pst_error *err)
{
	struct out_maildir *o = self(base);
	struct buf dir;
	enum pst_rc rc;

	drop_box(o);
	o->box = *box;
	o->name = str_dup(str_of(box->name));
	buf_init(&dir, NAME_OCTETS);
	if (box->is_inbox)
		(void)buf_add(&dir, ".", 2);
	if (!box->is_inbox && !put_directory(box->name, &dir))
		rc = pst_fail(
		    err, PST_E_LIMIT, 0, "%.150s: too long a name", box->name);
	else
		rc = o->files->ops->begin(o->files, dir.p, err);
	buf_fini(&dir);
	return rc;
}

/* --- messages ------------------------------------------------------------ */

static void
add_keyword(struct out_maildir *o, const char *name)
{
	size_t i = 0;

	while (i < o->keywords &&
	       !str_eq_case(str_of(o->keyword[i]), str_of(name)))
		i++;
	if (i == KEYWORDS) {
		o->base.keywords++;
		return;
	}
	if (i == o->keywords)
		o->keyword[o->keywords++] = str_dup(str_of(name));
	o->letters |= UINT64_C(1) << i;
}

static enum pst_rc
maildir_message(
    struct mig_target *base, const struct mig_message *m, struct pst_error *err)
{
	struct out_maildir *o = self(base);

	(void)err;
	o->m = *m;
	o->letters = 0;
	for (size_t i = 0; i < m->keyword_count; i++)
		add_keyword(o, m->keywords[i]);
	free(o->uidl);
	o->uidl = m->uidl != NULL ? str_dup(str_of(m->uidl)) : NULL;
	o->lf = (struct mig_lf){ 0 };
	o->octets = o->wire = 0;
	o->last = '\0';
	return PST_OK;
}

static enum pst_rc
flush(struct out_maildir *o, struct pst_error *err)
{
	enum pst_rc rc = PST_OK;

	/* RFC822.SIZE as Dovecot counts it: each LF is two octets, but for
	 * one that a CR has stayed before. */
	for (size_t i = 0; i < o->text.n; i++) {
		o->wire += 1 + (o->text.p[i] == '\n' && o->last != '\r');
		o->last = o->text.p[i];
	}
	o->octets += o->text.n;
	if (o->text.n > 0)
		rc = o->files->ops->write(o->files, o->text.p, o->text.n, err);
	buf_clear(&o->text);
	return rc;
}

static enum pst_rc
maildir_write(
    struct mig_target *base, const char *p, size_t n, struct pst_error *err)
{
	struct out_maildir *o = self(base);

	mig_lf_add(&o->lf, p, n, &o->text);
	return flush(o, err);
}

static void
put_uid(struct out_maildir *o, const char *file)
{
	(void)buf_printf(&o->uids, "%lu ", (unsigned long)o->m.uid);
	/* An id is only of use where POP3 looks. That of one without is as
	 * Postern makes it, and Dovecot by default. */
	if (o->box.is_inbox && o->uidl != NULL)
		(void)buf_printf(&o->uids, "P%s ", o->uidl);
	else if (o->box.is_inbox)
		(void)buf_printf(&o->uids, "P%08lx%08lx ",
		    (unsigned long)o->m.uid,
		    (unsigned long)o->box.state.uidvalidity);
	(void)buf_printf(
	    &o->uids, "W%llu :%s\n", (unsigned long long)o->wire, file);
}

static enum pst_rc
maildir_end_message(struct mig_target *base, struct pst_error *err)
{
	struct out_maildir *o = self(base);
	struct buf name;
	enum pst_rc rc;

	mig_lf_end(&o->lf, &o->text);
	rc = flush(o, err);
	if (rc != PST_OK)
		return rc;
	buf_init(&name, 1024);
	(void)buf_printf(&name, "cur/%lld.U%luV%lu.postern,S=%llu,W=%llu",
	    (long long)(o->m.date > 0 ? o->m.date : 0), (unsigned long)o->m.uid,
	    (unsigned long)o->box.state.uidvalidity,
	    (unsigned long long)o->octets, (unsigned long long)o->wire);
	(void)buf_putc(&name, '\0');
	put_uid(o, name.p + 4);
	name.n--;
	(void)buf_puts(&name, ":2,");
	(void)mig_put_letters(&name, o->m.flags, false);
	for (size_t i = 0; i < KEYWORDS; i++)
		if ((o->letters & (UINT64_C(1) << i)) != 0)
			(void)buf_putc(&name, (char)('a' + i));
	(void)buf_putc(&name, '\0');
	rc = o->files->ops->end_file(o->files, name.p, o->m.date, err);
	buf_fini(&name);
	return rc;
}

/* --- lists --------------------------------------------------------------- */

static enum pst_rc
put_uidlist(struct out_maildir *o, struct pst_error *err)
{
	char header[64];
	int n = snprintf(header, sizeof(header), "3 V%lu N%lu\n",
	    (unsigned long)o->box.state.uidvalidity,
	    (unsigned long)o->box.state.uidnext);
	enum pst_rc rc;

	if (o->uids.overflow)
		return pst_fail(
		    err, PST_E_LIMIT, 0, "%.150s: too many messages", o->name);
	rc = o->files->ops->write(o->files, header, (size_t)n, err);
	if (rc == PST_OK && o->uids.n > 0)
		rc = o->files->ops->write(o->files, o->uids.p, o->uids.n, err);
	return rc == PST_OK ? o->files->ops->end_file(
				  o->files, "dovecot-uidlist", INT64_MIN, err)
			    : rc;
}

static enum pst_rc
put_keywords(struct out_maildir *o, struct pst_error *err)
{
	struct buf text;
	enum pst_rc rc;

	if (o->keywords == 0)
		return PST_OK;
	buf_init(&text, 65536);
	for (size_t i = 0; i < o->keywords; i++)
		(void)buf_printf(&text, "%zu %s\n", i, o->keyword[i]);
	rc = o->files->ops->write(o->files, text.p, text.n, err);
	buf_fini(&text);
	return rc == PST_OK ? o->files->ops->end_file(
				  o->files, "dovecot-keywords", INT64_MIN, err)
			    : rc;
}

static enum pst_rc
maildir_end(struct mig_target *base, struct pst_error *err)
{
	struct out_maildir *o = self(base);
	enum pst_rc rc = put_uidlist(o, err);

	if (rc == PST_OK)
		rc = put_keywords(o, err);
	if (rc == PST_OK && !o->box.is_inbox)
		rc = o->files->ops->end_file(
		    o->files, "maildirfolder", INT64_MIN, err);
	return rc == PST_OK ? o->files->ops->end(o->files, err) : rc;
}

static enum pst_rc
maildir_finish(struct mig_target *base, const struct mig_names *names,
    struct pst_error *err)
{
	struct out_maildir *o = self(base);
	struct buf text;
	enum pst_rc rc;

	buf_init(&text, LISTS_MAX);
	for (size_t i = 0; i < names->n; i++) {
		struct buf dir;

		if (!names->v[i].subscribed)
			continue;
		buf_init(&dir, NAME_OCTETS);
		if (put_directory(names->v[i].text, &dir))
			(void)buf_printf(&text, "%s\n", dir.p + 1);
		buf_fini(&dir);
	}
	rc = o->files->ops->finish(
	    o->files, "subscriptions", text.p, text.n, err);
	buf_fini(&text);
	return rc;
}

static void
maildir_free(struct mig_target *base)
{
	struct out_maildir *o = self(base);

	drop_box(o);
	o->files->ops->free(o->files);
	buf_fini(&o->uids);
	buf_fini(&o->text);
	free(o->uidl);
	free(o);
}

static const struct mig_target_ops out_maildir_ops = {
	.begin = maildir_begin,
	.message = maildir_message,
	.write = maildir_write,
	.end_message = maildir_end_message,
	.end = maildir_end,
	.finish = maildir_finish,
	.free = maildir_free,
};

static struct mig_target *
make(struct out_files *files)
{
	struct out_maildir *o = mem_alloc(sizeof(*o));

	o->base.ops = &out_maildir_ops;
	o->files = files;
	buf_init(&o->uids, LISTS_MAX);
	buf_init(&o->text, 1 << 20);
	return &o->base;
}

enum pst_rc
mig_out_maildir(
    const char *path, struct mig_target **t_r, struct pst_error *err)
{
	struct out_files *files;
	enum pst_rc rc = out_files_directory(path, &files, err);

	*t_r = rc == PST_OK ? make(files) : NULL;
	return rc;
}

enum pst_rc
mig_out_tar(const char *path, struct mig_target **t_r, struct pst_error *err)
{
	struct out_files *files;
	enum pst_rc rc = out_files_tar(path, &files, err);

	*t_r = rc == PST_OK ? make(files) : NULL;
	return rc;
}
