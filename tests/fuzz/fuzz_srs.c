/*
 * Reverse-paths of the Sender Rewriting Scheme: whatever is written can be read
 * back, also by a chain of two; whatever is read was written with our key.
 */
#include "base/str.h"
#include "delivery/srs.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const int64_t now = INT64_C(1800000000);

static void
check(bool claim)
{
	if (!claim)
		abort();
}

/* Nothing that is not signed is good, but the empty key of `s` could be hit. */
static void
read_any(const struct srs *s, struct pst_str text)
{
	struct pst_str domain = STR_NONE;
	struct buf local;

	buf_init(&local, 1024);
	(void)srs_read(s, text, 21, now, &local, &domain);
	buf_fini(&local);
}

static void
round_trip(const struct srs *s, struct pst_str local, struct pst_str domain)
{
	struct pst_str again = STR_NONE;
	struct buf path, back;

	buf_init(&path, 1024);
	buf_init(&back, 1024);
	if (srs_write(s, local, domain, now, &path)) {
		check(path.n <= SRS_LOCAL_MAX);
		check(srs_is(buf_str(&path)));
		check(srs_read(s, buf_str(&path), 21, now, &back, &again) ==
		      SRS_GOOD);
		if (!srs_is(local)) {
			check(str_eq(buf_str(&back), local));
			check(str_eq(again, domain));
		} else {
			check(srs_is(buf_str(&back)));
		}
		/* The case that it comes back in does not matter. */
		for (size_t i = 0; i < path.n; i++)
			path.p[i] = ascii_lower(path.p[i]);
		buf_clear(&back);
		check(srs_read(s, buf_str(&path), 21, now, &back, &again) ==
		      SRS_GOOD);
	}
	buf_fini(&path);
	buf_fini(&back);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct srs s = { .keys = 2 };
	struct pst_str text = str_n((const char *)data, size), rest = text;
	struct pst_str local = STR_NONE;

	memset(s.key[0], 1, SRS_KEY);
	read_any(&s, text);
	if (str_split(&rest, '@', &local))
		round_trip(&s, local, rest);
	return 0;
}
