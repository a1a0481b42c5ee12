/*
 * exchange/schedule_state.c - what was learnt of providers, over a restart. A
 * small file of text:
 *	postern-destinations 1 WHEN
 *	LIMIT NAPS SLEEPS RATE RATED USUAL KEY
 *	...
 *	end CHECKSUM
 * Times are seconds since 1970, USUAL microseconds; the checksum is of all
 * lines before. It is worth little: what is damaged or old is not used, and
 * nobody waits for it to be on the disk.
 */
#include "exchange/schedule_priv.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#define HEAD "postern-destinations 1 "

enum {
	OCTETS = 16 << 20,
	AGE = 86400,	     /* seconds: older ones are not used */
	SLEEP_MOST = 604800, /* seconds, as of a rule */
	NAPS_MOST = 30,
};

/* --- writing --------------------------------------------------------------
 */

/* clock_monotonic as seconds since 1970; 0: it is over. */
static int64_t
absolute(int64_t until)
{
	int64_t left = until - clock_monotonic();

	return left > 0 ? clock_seconds() + left / 1000000 + 1 : 0;
}

static bool
is_worth_it(const struct schedule *s, const struct provider *p)
{
	int64_t now = clock_monotonic();

	return p->found == HOSTS_FOUND &&
	       (p->limit != s->opt.at_once_first || p->naps > 0 ||
		   p->sleeps > now || p->told_until > now);
}

static void
put_provider(struct buf *out, const struct provider *p)
{
	int64_t rated = absolute(p->told_until);

	(void)buf_printf(out,
	    "%u %u %" PRId64 " %u %" PRId64 " %" PRId64 " %s\n", p->limit,
	    p->naps, absolute(p->sleeps), rated > 0 ? p->told_rate : 0, rated,
	    (int64_t)p->usual, p->key);
}

static enum pst_rc
replace(const char *path, struct pst_str text, struct pst_error *err)
{
	char fresh[4200];
	int fd;
	bool done;

	(void)snprintf(fresh, sizeof(fresh), "%s.new", path);
	fd = open(
	    fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	done = fd >= 0 && write(fd, text.p, text.n) == (ssize_t)text.n;
	if (fd >= 0 && close(fd) != 0)
		done = false;
	if (done && rename(fresh, path) == 0)
		return PST_OK;
	return pst_fail(
	    err, PST_E_TEMP, errno, "%s: %s", path, strerror(errno));
}

enum pst_rc
schedule_save(struct schedule *s, const char *path, struct pst_error *err)
{
	struct buf out;
	enum pst_rc rc;

	buf_init(&out, OCTETS);
	(void)buf_printf(&out, HEAD "%" PRId64 "\n", clock_seconds());
	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < SCHEDULE_BUCKETS; i++)
		for (const struct provider *p = s->bucket[i]; p != NULL;
		     p = p->next)
			if (is_worth_it(s, p) && out.n < OCTETS / 2)
				put_provider(&out, p);
	pthread_mutex_unlock(&s->lock);
	(void)buf_printf(
	    &out, "end %08" PRIx32 "\n", journal_checksum(0, out.p, out.n));
	rc = replace(path, buf_str(&out), err);
	buf_fini(&out);
	return rc;
}

/* --- reading --------------------------------------------------------------
 */

/* The lines between head and end, when all is as it was written. */
static bool
check(struct pst_str *text, int64_t now)
{
	struct pst_str all = *text, line;
	char end[32];
	uint64_t when;
	size_t n;

	if (!str_has_prefix_case(all, HEAD) || all.n < 14)
		return false;
	n = all.n - 13; /* "end 01234567\n" */
	(void)snprintf(end, sizeof(end), "end %08" PRIx32 "\n",
	    journal_checksum(0, all.p, n));
	if (!str_is(str_from(all, n), end))
		return false;
	*text = str_first(all, n);
	return str_split(text, '\n', &line) &&
	       str_to_u64(str_from(line, sizeof(HEAD) - 1), &when) &&
	       when <= (uint64_t)now && (uint64_t)now - when <= AGE;
}

static int64_t
monotonic(uint64_t at, int64_t now, int64_t most)
{
	int64_t left = at > (uint64_t)now && at < (uint64_t)now + INT32_MAX
			   ? (int64_t)at - now
			   : 0;

	return left > 0
		   ? clock_monotonic() + (left < most ? left : most) * 1000000
		   : 0;
}

static void
take_provider(struct schedule *s, struct pst_str line, int64_t now)
{
	struct pst_str part;
	uint64_t n[6];
	char key[512];
	struct provider *p;

	for (size_t i = 0; i < sizeof(n) / sizeof(n[0]); i++)
		if (!str_split(&line, ' ', &part) || !str_to_u64(part, &n[i]))
			return;
	if (line.n == 0 || !str_copy(key, sizeof(key), line) || n[0] == 0)
		return;
	p = provider_remember(s, key);
	if (p == NULL)
		return;
	p->limit = (unsigned)(n[0] < s->opt.at_once_most ? n[0]
							 : s->opt.at_once_most);
	p->naps = (unsigned)(n[1] < NAPS_MOST ? n[1] : NAPS_MOST);
	p->sleeps = monotonic(n[2], now, SLEEP_MOST);
	p->told_rate = (unsigned)(n[3] < 1000000 ? n[3] : 1000000);
	p->told_until = p->told_rate > 0
			    ? monotonic(n[4], now, SCHEDULE_RATE_TIME)
			    : 0;
	if (n[5] < UINT64_C(3600000000))
		p->usual = p->recent = (double)n[5];
}

void
schedule_read(struct schedule *s, struct pst_str text)
{
	int64_t now = clock_seconds();
	struct pst_str line;

	if (!check(&text, now)) {
		log_text(PST_LOG_INFO, 0, "queue",
		    "what was learnt of destinations is damaged or old, and "
		    "not used");
		return;
	}
	pthread_mutex_lock(&s->lock);
	while (str_split(&text, '\n', &line))
		take_provider(s, line, now);
	pthread_mutex_unlock(&s->lock);
}

void
schedule_restore(struct schedule *s, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char block[4096];
	ssize_t got = 1;
	struct buf text;

	if (fd < 0)
		return;
	buf_init(&text, OCTETS);
	while (got > 0) {
		got = read(fd, block, sizeof(block));
		if (got > 0 && !buf_add(&text, block, (size_t)got))
			got = -1;
	}
	(void)close(fd);
	if (got == 0)
		schedule_read(s, buf_str(&text));
	buf_fini(&text);
}
