/*
 * check.c - looks for what is wrong with a mailbox: the list against the file,
 * read as a whole. Where they differ the file is right, and the list is made
 * anew.
 */
#include "mbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

struct check {
	struct pst_box *box;
	bool mend;
	pst_finding_fn fn;
	void *arg;
	struct pst_finding *found; /* told in the end, without the lock */
	char **text;
	size_t n, cap, text_cap;
};

static void
find(struct check *c, uint32_t uid, const char *kind, bool is_mended,
    const char *text)
{
	size_t n = c->n;

	LI_PUSH(c->text, n, c->text_cap);
	LI_PUSH(c->found, c->n, c->cap);
	c->text[c->n] = li_strdup(text);
	c->found[c->n] = (struct pst_finding){ .uid = uid,
		.kind = kind,
		.text = c->text[c->n],
		.is_mended = is_mended };
	c->n++;
}

/* Each message of the list is in the file as it says. */
static void
compare(struct check *c)
{
	struct pst_box *b = c->box;

	for (size_t i = 0; i < b->n; i++) {
		const struct mb_msg *m = &b->msg[i];
		struct mb_found f;

		if (!mb_look_at(b->fd, m, &f)) {
			find(c, m->uid, "place", c->mend,
			    "it is not where the index says");
			b->must_scan = c->mend;
			return; /* nothing after it is either */
		}
		if (f.msg.size != m->size || f.msg.id[0] != m->id[0] ||
		    f.msg.id[1] != m->id[1]) {
			find(c, m->uid, "size", c->mend,
			    "its content is not what the index says");
			b->must_scan = c->mend;
		} else if (f.msg.flags != m->flags) {
			find(c, m->uid, "flags", c->mend,
			    "its flags are not what the index says");
			b->must_scan = c->mend;
		}
	}
}

/* Ends of the file that were set aside, for somebody to look at. */
static void
look_for_torn(struct check *c)
{
	int fd = openat(
	    c->box->folder->base.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *d;
	char text[400];

	if (dir == NULL) {
		if (fd >= 0)
			(void)close(fd);
		return;
	}
	while ((d = readdir(dir)) != NULL)
		if (strncmp(d->d_name, "torn-", 5) == 0) {
			(void)snprintf(text, sizeof(text),
			    "a message that was not written to its end is in "
			    "the file %s",
			    d->d_name);
			find(c, 0, "torn", false, text);
		}
	(void)closedir(dir);
}

enum pst_rc
mb_check(struct pst_box *b, uint32_t first, uint32_t *next_r, bool mend,
    pst_finding_fn fn, void *arg, struct pst_error *err)
{
	struct check c = { .box = b, .mend = mend, .fn = fn, .arg = arg };
	enum pst_rc rc;

	/* One pass is one step: the file must stay as it is meanwhile. */
	(void)first;
	*next_r = 0;
	rc = mb_begin(b, true, err);
	if (rc == PST_OK) {
		compare(&c);
		look_for_torn(&c);
		mb_end(b);
		if (b->must_scan)
			rc = mb_catch_up(b, err);
	}
	for (size_t i = 0; i < c.n; i++) {
		fn(arg, &c.found[i]);
		free(c.text[i]);
	}
	free(c.found);
	free(c.text);
	return rc;
}
