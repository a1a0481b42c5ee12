/*
 * exchange/content.c - see content.h.
 */
#include "exchange/content.h"

#include <stdlib.h>

enum {
	BLOCK = 16 * 1024,
	READY_MAX = 4 * 1024 * 1024, /* what one block becomes, with headers */
};

struct content {
	struct queue *queue;
	struct queue_message *message;
	struct queue_reader *reader; /* NULL: not begun */

	/* When it is converted. */
	struct msg_limits limits;
	struct msg *msg;
	struct msg_sevenbit *sevenbit;
	struct buf ready; /* converted, not read yet */
};

struct content *
content_new(struct queue *q, struct queue_message *m)
{
	struct content *c = mem_alloc(sizeof(*c));

	c->queue = q;
	c->message = m;
	buf_init(&c->ready, READY_MAX);
	return c;
}

static void
forget_conversion(struct content *c)
{
	msg_sevenbit_free(&c->sevenbit);
	if (c->msg != NULL)
		msg_free(&c->msg);
}

void
content_free(struct content **cp)
{
	struct content *c = *cp;

	*cp = NULL;
	if (c == NULL)
		return;
	forget_conversion(c);
	queue_read_free(&c->reader);
	buf_fini(&c->ready);
	free(c);
}

/* Hands all of it to `take`. */
static enum pst_rc
pass(struct content *c, void (*take)(void *arg, const char *p, size_t n),
    void *arg, struct pst_error *err)
{
	struct queue_reader *r = queue_read_new(c->queue, c->message);
	char *block = mem_alloc(BLOCK);
	enum pst_rc rc = PST_OK;
	size_t got = 1;

	while (rc == PST_OK && got > 0) {
		rc = queue_read(r, block, BLOCK, &got, err);
		if (rc == PST_OK && got > 0)
			take(arg, block, got);
	}
	free(block);
	queue_read_free(&r);
	return rc;
}

static void
take_structure(void *arg, const char *p, size_t n)
{
	(void)msg_reader_feed(arg, p, n);
}

static void
take_look(void *arg, const char *p, size_t n)
{
	msg_sevenbit_look(arg, p, n);
}

enum pst_rc
content_make_sevenbit(struct content *c, const struct msg_limits *limits,
    enum msg_sevenbit_result *result_r, const char **why_r,
    struct pst_error *err)
{
	struct msg_reader *reader;
	enum pst_rc rc;

	c->limits = *limits;
	reader = msg_reader_new(&c->limits, false);
	rc = pass(c, take_structure, reader, err);
	c->msg = msg_reader_finish(&reader);
	c->sevenbit = msg_sevenbit_new(c->msg, &c->limits);
	if (rc == PST_OK)
		rc = pass(c, take_look, c->sevenbit, err);
	if (rc == PST_OK)
		*result_r = msg_sevenbit_begin(c->sevenbit, why_r);
	if (rc != PST_OK || *result_r != MSG_SEVENBIT_WORTH)
		forget_conversion(c);
	return rc;
}

/* Converts until something is ready, or all is. */
static enum pst_rc
get_ready(struct content *c, struct pst_error *err)
{
	char block[BLOCK];
	enum pst_rc rc = PST_OK;
	size_t got = 1;

	buf_clear(&c->ready);
	while (rc == PST_OK && got > 0 && c->ready.n == 0) {
		rc = queue_read(c->reader, block, sizeof(block), &got, err);
		if (rc == PST_OK &&
		    !msg_sevenbit_feed(c->sevenbit, block, got, &c->ready))
			rc = pst_fail(err, PST_E_LIMIT, 0,
			    "conversion to 7 bits: a header is too large");
	}
	return rc;
}

enum pst_rc
content_read(
    void *content, void *p, size_t n, size_t *got_r, struct pst_error *err)
{
	struct content *c = content;

	if (c->reader == NULL)
		c->reader = queue_read_new(c->queue, c->message);
	if (c->sevenbit == NULL)
		return queue_read(c->reader, p, n, got_r, err);
	if (c->ready.n == 0) {
		enum pst_rc rc = get_ready(c, err);

		if (rc != PST_OK)
			return rc;
	}
	*got_r = n < c->ready.n ? n : c->ready.n;
	memcpy(p, c->ready.p, *got_r);
	buf_consume(&c->ready, *got_r);
	return PST_OK;
}
