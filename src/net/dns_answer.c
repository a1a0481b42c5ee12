/*
 * net/dns_answer.c - names and records in wire format (RFC 1035, 3.3 and 4.1;
 * RFC 6698, 2.1). libunbound hands out names without compression.
 */
#include "base/str.h"
#include "net/dns.h"

void
dns_answer_fini(struct dns_answer *a)
{
	if (a->arena != NULL)
		arena_free(&a->arena);
	*a = (struct dns_answer){ .status = DNS_FAILED };
}

bool
dns_is_name(const char *name)
{
	struct pst_str rest = str_of(name), label;

	if (rest.n > 0 && rest.p[rest.n - 1] == '.')
		rest.n--;
	if (rest.n == 0 || rest.n > 253)
		return false;
	while (str_split(&rest, '.', &label)) {
		if (label.n == 0 || label.n > 63)
			return false;
		for (size_t i = 0; i < label.n; i++)
			if (label.p[i] <= ' ' || label.p[i] > '~' ||
			    label.p[i] == '\\')
				return false;
	}
	return true;
}

static struct pst_str
record(const struct dns_answer *a, size_t i)
{
	return i < a->records ? a->record[i] : STR_NONE;
}

bool
dns_txt(const struct dns_answer *a, size_t i, struct buf *out)
{
	struct pst_str r = record(a, i);
	bool good = r.n > 0;

	while (good && r.n > 0) {
		size_t n = (unsigned char)r.p[0];

		good = n < r.n && buf_add(out, r.p + 1, n);
		if (good)
			r = str_from(r, n + 1);
	}
	return good;
}

/* A whole name in `r`. */
static bool
take_name(struct pst_str r, char name_r[256])
{
	size_t used = 0;

	while (r.n > 0 && r.p[0] != 0) {
		size_t n = (unsigned char)r.p[0];

		if (n > 63 || n >= r.n || used + n + 1 > 254)
			return false;
		for (size_t i = 1; i <= n; i++)
			if (r.p[i] == '.' || r.p[i] == '\0')
				return false;
		memcpy(name_r + used, r.p + 1, n);
		used += n;
		name_r[used++] = '.';
		r = str_from(r, n + 1);
	}
	if (r.n != 1)
		return false;
	if (used == 0)
		name_r[used++] = '.';
	else
		used--;
	name_r[used > 0 ? used : 1] = '\0';
	return true;
}

bool
dns_ptr(const struct dns_answer *a, size_t i, char name_r[256])
{
	return take_name(record(a, i), name_r);
}

bool
dns_mx(const struct dns_answer *a, size_t i, unsigned *preference_r,
    char name_r[256])
{
	struct pst_str r = record(a, i);

	if (r.n < 3)
		return false;
	*preference_r = (unsigned)(unsigned char)r.p[0] << 8 |
			(unsigned char)r.p[1];
	return take_name(str_from(r, 2), name_r);
}

bool
dns_srv(
    const struct dns_answer *a, size_t i, unsigned *port_r, char name_r[256])
{
	struct pst_str r = record(a, i);

	if (r.n < 7)
		return false;
	*port_r = (unsigned)(unsigned char)r.p[4] << 8 | (unsigned char)r.p[5];
	return take_name(str_from(r, 6), name_r);
}

bool
dns_address(
    const struct dns_answer *a, size_t i, unsigned char out[16], size_t *n_r)
{
	struct pst_str r = record(a, i);

	if (r.n != 4 && r.n != 16)
		return false;
	memcpy(out, r.p, r.n);
	*n_r = r.n;
	return true;
}

bool
dns_tlsa(const struct dns_answer *a, size_t i, struct dns_tlsa *out)
{
	struct pst_str r = record(a, i);

	if (r.n < 4)
		return false;
	out->usage = (unsigned char)r.p[0];
	out->selector = (unsigned char)r.p[1];
	out->matching = (unsigned char)r.p[2];
	out->data = str_from(r, 3);
	return true;
}
