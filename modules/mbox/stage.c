/*
 * stage.c - a message on its way in. It stays in memory unless it is large; it
 * is made durable where it comes to, by commit().
 */
#include "mbox.h"

#include <stdlib.h>

enum pst_rc
mb_stage_new(struct pst_store *store, uint64_t size, struct pst_stage **stage_r,
    struct pst_error *err)
{
	struct pst_stage *s = li_alloc(sizeof(*s));

	(void)err;
	s->store = store;
	li_stage_init(&s->in, store->host, store->root.temp_fd, size,
	    MB_STAGE_MEMORY, true);
	*stage_r = s;
	return PST_OK;
}

static enum pst_rc
stage_fail(const struct pst_stage *s, int e, struct pst_error *err)
{
	return pst_fail(err,
	    li_rc_of(e) == PST_E_NOSPACE ? PST_E_NOSPACE : PST_E_TEMP, e,
	    "write %.180s/" LI_TEMP "/%s", s->store->root.path, s->in.name);
}

enum pst_rc
mb_stage_write(
    struct pst_stage *s, const void *data, size_t n, struct pst_error *err)
{
	int e;

	if (s->is_ended)
		return pst_fail(
		    err, PST_E_PERM, 0, "a message is written after its sync");
	e = li_stage_write(&s->in, data, n);
	return e ? stage_fail(s, e, err) : PST_OK;
}

enum pst_rc
mb_stage_sync(struct pst_stage *s, struct pst_error *err)
{
	int e;

	if (s->is_ended)
		return PST_OK;
	e = li_stage_end(&s->in, false);
	if (e != 0)
		return stage_fail(s, e, err);
	s->is_ended = true;
	return PST_OK;
}

void
mb_stage_free(struct pst_stage *s)
{
	li_stage_fini(&s->in);
	free(s);
}
