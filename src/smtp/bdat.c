/*
 * smtp/bdat.c - BDAT (RFC 3030, CHUNKING and BINARYMIME).
 *
 * The octets of a chunk follow the command at once, whether it is welcome or
 * not: a chunk that is refused is read to its end before the reply, or its
 * octets would be taken for commands.
 */
#include "base/str.h"
#include "smtp/session.h"

#include <inttypes.h>

/* Whether the octets of a chunk are to be looked at. */
static bool
has_lines(const struct smtp_session *s)
{
	return s->env->mail.body != SMTP_BINARYMIME &&
	       smtp_refuses_bare_newline(s);
}

static const char *
out_of_sequence(const struct smtp_session *s)
{
	if (s->hello == NULL)
		return "503 5.5.1 Say EHLO first";
	if (s->env == NULL)
		return "503 5.5.1 Say MAIL first";
	if (s->env->recipients == 0)
		return s->kind == SMTP_LMTP ? "503 5.5.1 No valid recipients"
					    : "554 5.5.1 No valid recipients";
	return NULL;
}

/* The chunk is there. */
static enum net_next
end_chunk(struct smtp_session *s)
{
	struct smtp_envelope *env = s->env;

	s->mode = SMTP_COMMAND;
	if (s->chunk_refusal != NULL)
		return smtp_error(s, s->chunk_refusal);
	if (s->chunk_last) {
		smtp_lines_end(&env->lines);
		if (env->lines.bare && has_lines(s))
			smtp_content_refuse(s, smtp_bare_newline);
		return smtp_content_end(s);
	}
	if (env->refusal != NULL) {
		(void)smtp_reply(s, env->refusal);
		smtp_envelope_end(s);
		return NET_READ;
	}
	return smtp_replyf(
	    s, "250 2.0.0 %" PRIu64 " octets received", s->chunk_size);
}

static void
begin_chunk(struct smtp_session *s)
{
	struct smtp_envelope *env = s->env;
	const char *refusal = smtp_content_begin(s);

	env->chunked = true;
	if (refusal != NULL)
		smtp_content_refuse(s, refusal);
	if (s->chunk_size >
	    (uint64_t)smtp_config(s)->smtp.message_size - env->size)
		smtp_content_refuse(s, "552 5.3.4 The message is too large");
}

enum net_next
smtp_run_bdat(struct smtp_session *s, struct pst_str args)
{
	uint64_t limit = (uint64_t)smtp_config(s)->smtp.message_size;

	if (smtp_parse_bdat(args, &s->chunk_size, &s->chunk_last) != SMTP_OK) {
		/* How many octets to skip is not known. */
		(void)smtp_reply(s, "501 5.5.4 Say BDAT, a size, LAST");
		return NET_CLOSE;
	}
	s->chunk_refusal = out_of_sequence(s);
	if (s->chunk_size / 2 > limit + 524288) {
		(void)smtp_reply(s, s->chunk_refusal != NULL
					? s->chunk_refusal
					: "552 5.3.4 The message is too large");
		return NET_CLOSE;
	}
	if (s->chunk_refusal == NULL)
		begin_chunk(s);
	s->chunk_left = s->chunk_size;
	s->mode = SMTP_CHUNK;
	return s->chunk_left > 0 ? NET_READ : end_chunk(s);
}

static void
add(struct smtp_session *s, const char *p, size_t n)
{
	struct smtp_envelope *env = s->env;

	if (has_lines(s)) {
		smtp_lines_feed(&env->lines, p, n);
		if (env->lines.bare)
			smtp_content_refuse(s, smtp_bare_newline);
		if (env->lines.nul)
			smtp_content_refuse(s, smtp_nul);
	}
	smtp_content_add(s, p, n);
}

enum net_next
smtp_chunk_input(
    struct smtp_session *s, const char *p, size_t n, size_t *used_r)
{
	if (n > s->chunk_left)
		n = (size_t)s->chunk_left;
	*used_r = n;
	s->chunk_left -= n;
	if (s->chunk_refusal == NULL)
		add(s, p, n);
	return s->chunk_left > 0 ? NET_READ : end_chunk(s);
}
