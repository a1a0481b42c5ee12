/*
 * params.c - parameters and results in PostgreSQL's binary form: integers are
 * big-endian, arrays have a header of dimensions.
 */
#include "pg.h"

#include <endian.h>

enum { TYPE_BYTEA = 17, TYPE_INT8 = 20, TYPE_TEXT = 25, ARRAY_HEADER = 20 };

void *
pg_grow(void *p, size_t n, size_t each)
{
	if (each != 0 && n > SIZE_MAX / each)
		abort();
	p = realloc(p, n * each + (n * each == 0));
	if (p == NULL)
		abort();
	return p;
}

char *
pg_dup(const char *text)
{
	size_t n = strlen(text) + 1;

	return memcpy(pg_grow(NULL, n, 1), text, n);
}

/* --- arrays ----------------------------------------------------------------
 */

static void
put_u32(char *at, uint32_t v)
{
	v = htobe32(v);
	memcpy(at, &v, sizeof(v));
}

static char *
element(struct pg_array *a, uint32_t type, size_t n)
{
	size_t need = (a->n == 0 ? ARRAY_HEADER : a->n) + 4 + n;
	char *at;

	if (need > a->cap) {
		a->cap = need > a->cap * 2 ? need : a->cap * 2;
		a->p = pg_grow(a->p, a->cap, 1);
	}
	if (a->n == 0)
		a->n = ARRAY_HEADER;
	at = a->p + a->n;
	put_u32(at, (uint32_t)n);
	a->n = need;
	a->type = type;
	a->count++;
	return at + 4;
}

void
pg_array_i64(struct pg_array *a, int64_t v)
{
	uint64_t be = htobe64((uint64_t)v);

	memcpy(element(a, TYPE_INT8, sizeof(be)), &be, sizeof(be));
}

void
pg_array_bytes(struct pg_array *a, const void *p, size_t n)
{
	char *at = element(a, TYPE_BYTEA, n);

	if (n > 0)
		memcpy(at, p, n);
}

void
pg_array_text(struct pg_array *a, const char *text)
{
	size_t n = strlen(text);

	memcpy(element(a, TYPE_TEXT, n), text, n);
}

void
pg_array_fini(struct pg_array *a)
{
	free(a->p);
	*a = (struct pg_array){ 0 };
}

/* --- parameters ------------------------------------------------------------
 */

static void
param(struct pg_params *p, const char *value, size_t n, bool is_binary)
{
	if (p->n >= PG_PARAMS)
		abort(); /* a statement of ours, not what somebody sent */
	p->value[p->n] = value;
	p->length[p->n] = (int)n;
	p->format[p->n] = is_binary;
	p->n++;
}

void
pg_values(const struct pg_params *p, const char *value_r[PG_PARAMS])
{
	for (int i = 0; i < p->n; i++)
		value_r[i] = p->is_number[i] ? p->number[i] : p->value[i];
}

static void
number(struct pg_params *p, const void *v, size_t n)
{
	param(p, NULL, n, true);
	p->is_number[p->n - 1] = true;
	memcpy(p->number[p->n - 1], v, n);
}

void
pg_p_i64(struct pg_params *p, int64_t v)
{
	uint64_t be = htobe64((uint64_t)v);

	number(p, &be, sizeof(be));
}

void
pg_p_bool(struct pg_params *p, bool v)
{
	char octet = v;

	number(p, &octet, 1);
}

void
pg_p_text(struct pg_params *p, const char *text)
{
	param(p, text, text ? strlen(text) : 0, false);
}

void
pg_p_bytes(struct pg_params *p, const void *data, size_t n)
{
	param(p, n > 0 ? data : "", n, true);
}

void
pg_p_array(struct pg_params *p, struct pg_array *a)
{
	if (a->count == 0) {
		param(p, "{}", 2, false);
		return;
	}
	put_u32(a->p, 1);     /* dimensions */
	put_u32(a->p + 4, 0); /* no nulls */
	put_u32(a->p + 8, a->type);
	put_u32(a->p + 12, (uint32_t)a->count);
	put_u32(a->p + 16, 1); /* the first index */
	param(p, a->p, a->n, true);
}

/* --- results ---------------------------------------------------------------
 */

int64_t
pg_number(struct pst_str field)
{
	int64_t v = 0;

	if (field.n == 0 || field.n > sizeof(v))
		return 0;
	if (field.n > 1 && (unsigned char)field.p[0] >= 0x80)
		v = -1;
	for (size_t i = 0; i < field.n; i++)
		v = (int64_t)((uint64_t)v << 8 | (unsigned char)field.p[i]);
	return v;
}

struct pst_str
pg_bytes(const PGresult *r, int row, int column)
{
	if (row >= PQntuples(r) || column >= PQnfields(r) ||
	    PQgetisnull(r, row, column))
		return (struct pst_str){ NULL, 0 };
	return (struct pst_str){ PQgetvalue(r, row, column),
		(size_t)PQgetlength(r, row, column) };
}

int64_t
pg_i64(const PGresult *r, int row, int column)
{
	return pg_number(pg_bytes(r, row, column));
}

static uint32_t
get_u32(const char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return be32toh(v);
}

bool
pg_elements(struct pst_str array, pg_element_fn fn, void *arg)
{
	size_t at = ARRAY_HEADER, count;

	if (array.n >= 12 && get_u32(array.p) == 0)
		return true;
	if (array.n < ARRAY_HEADER || get_u32(array.p) != 1)
		return false;
	count = get_u32(array.p + 12);
	for (size_t i = 0; i < count; i++) {
		struct pst_str one = { NULL, 0 };
		uint32_t n;

		if (array.n - at < 4)
			return false;
		n = get_u32(array.p + at);
		at += 4;
		if (n != UINT32_MAX) {
			if (array.n - at < n)
				return false;
			one = (struct pst_str){ array.p + at, n };
			at += n;
		}
		fn(arg, i, one);
	}
	return true;
}
