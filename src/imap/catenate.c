/*
 * imap/catenate.c - sources of CATENATE (RFC 4469, 3): messages and parts of
 * them in the user's own mailboxes, as FETCH BODY[...] would show them.
 */
#include "imap/catenate.h"

#include "base/str.h"
#include "imap/places.h"
#include "imap/respond.h"
#include "imap/url.h"
#include <stdlib.h>

enum { MADE_MAX = 4 << 20, SHOWN_MAX = 1000 };

void
imap_source_close(struct imap_source *src)
{
	if (src->is_open)
		src->body.release(&src->body);
	src->is_open = false;
	src->at.length = 0;
	buf_fini(&src->made);
}

void
imap_source_fini(struct imap_source *src)
{
	imap_source_close(src);
	if (src->own != NULL)
		view_close(&src->own);
	free(src->name);
	src->name = NULL;
}

static bool
open_view(struct imap_session *s, struct imap_source *src, const char *name)
{
	struct mail_place place;
	struct pst_error err;
	enum pst_rc rc = imap_place(s, name, ACL_READ, &place, &err);

	if (rc == PST_OK) {
		rc = view_open_at(&place, true, NULL, &src->own, &err);
		mail_place_fini(&place);
	}
	if (rc != PST_OK)
		src->own = NULL;
	return rc == PST_OK;
}

/* The mailbox stays open for the next URL, which mostly means the same. */
static bool
find_view(struct imap_session *s, struct imap_source *src, const char *name)
{
	if (s->view != NULL && !view_is_dead(s->view) &&
	    strcmp(view_name(s->view), name) == 0) {
		src->view = s->view;
		return true;
	}
	if (src->own != NULL && strcmp(src->name, name) != 0) {
		view_close(&src->own);
		free(src->name);
		src->name = NULL;
	}
	if (src->own == NULL) {
		if (!open_view(s, src, name))
			return false;
		src->name = str_dup(str_of(name));
	}
	src->view = src->own;
	return true;
}

static bool
find_octets(struct imap_session *s, struct imap_source *src,
    const struct imap_section *section)
{
	const struct msg_limits limits = imap_msg_limits(net_config(s->c));
	struct msg *msg = NULL;
	struct pst_error err;

	if (imap_section_needs_header(section) &&
	    mail_body_parse(&src->body, &limits,
		!imap_section_needs_structure(section), &msg, &err) != PST_OK)
		return false;
	buf_init(&src->made, MADE_MAX);
	src->at = imap_section_find(section, msg, src->body.length, &src->made);
	if (msg != NULL)
		msg_free(&msg);
	return !src->at.is_nil && !src->made.overflow;
}

bool
imap_source_open(
    struct imap_session *s, struct imap_source *src, struct pst_str text)
{
	struct arena *arena = arena_new(0);
	struct pst_box_state state;
	struct pst_error err;
	struct imap_url url;
	bool good;

	good = imap_url_parse(text, s->view != NULL ? view_name(s->view) : NULL,
		   arena, &url) &&
	       find_view(s, src, url.mailbox);
	if (good && url.uidvalidity != 0) {
		view_state(src->view, &state);
		good = state.uidvalidity == url.uidvalidity;
	}
	good = good && view_seq(src->view, url.uid) != 0 &&
	       view_body(src->view, url.uid, &src->body, &err) == PST_OK;
	if (good) {
		src->is_open = true;
		good = find_octets(s, src, &url.section);
	}
	if (!good)
		imap_source_close(src);
	arena_free(&arena);
	return good;
}

enum pst_rc
imap_source_read(struct imap_source *src, char *p, size_t n, size_t *n_r,
    struct pst_error *err)
{
	enum pst_rc rc = PST_OK;

	if (n > src->at.length)
		n = (size_t)src->at.length;
	if (n > 0 && src->at.is_made)
		memcpy(p, src->made.p + src->at.offset, n);
	else if (n > 0)
		rc = mail_body_read(&src->body, src->at.offset, p, n, err);
	if (rc == PST_OK && n > 0)
		imap_clean(p, n);
	src->at.offset += n;
	src->at.length -= n;
	*n_r = n;
	return rc;
}

/* url-resp-text (RFC 4469, 5) has no ']'; in the quotes of its example there
 * is nothing that would need an escape. */
void
imap_put_bad_url(struct buf *out, struct pst_str url)
{
	(void)buf_puts(out, "[BADURL \"");
	for (size_t i = 0; i < url.n && i < SHOWN_MAX; i++) {
		unsigned char c = (unsigned char)url.p[i];

		if (c > ' ' && c < 0x7f && c != '"' && c != '\\' && c != ']')
			(void)buf_putc(out, (char)c);
		else
			(void)buf_printf(out, "%%%02X", c);
	}
	(void)buf_puts(out, "\"] No such message or part");
}
