/*
 * trust/domain.c - names by libidn2, organisations by libpsl.
 */
#include "trust/domain.h"

#include "base/str.h"
#include "net/dns.h"
#include <idn2.h>
#include <libpsl.h>
#include <pthread.h>
#include <stdlib.h>

enum { NAME_MAX_OCTETS = 255 };

/* The distribution's list when it is newer than libpsl's own. */
static psl_ctx_t *list;
static pthread_once_t list_once = PTHREAD_ONCE_INIT;

static void
forget_list(void)
{
	psl_free(list);
}

static void
read_list(void)
{
	list = psl_latest(NULL);
	if (list != NULL)
		(void)atexit(forget_list);
}

const char *
trust_domain(struct arena *a, struct pst_str text)
{
	char copy[NAME_MAX_OCTETS * 2], *ascii = NULL;
	struct pst_str name = STR_NONE;
	char *out;

	if (text.n > 0 && text.p[text.n - 1] == '.')
		text.n--;
	if (text.n == 0 || memchr(text.p, '\0', text.n) != NULL ||
	    !str_copy(copy, sizeof(copy), text))
		return NULL;
	if (str_is_ascii(text))
		name = text;
	else if (str_is_utf8(text) &&
		 idn2_to_ascii_8z(copy, &ascii,
		     IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT) == IDN2_OK)
		name = str_of(ascii);
	out = name.p != NULL ? arena_text(a, name) : NULL;
	idn2_free(ascii);
	if (out == NULL || !dns_is_name(out))
		return NULL;
	for (char *p = out; *p != '\0'; p++)
		*p = ascii_lower(*p);
	return out;
}

bool
trust_is_below(const char *name, const char *domain)
{
	size_t n = strlen(name), d = strlen(domain);

	if (n < d || strcmp(name + n - d, domain) != 0)
		return false;
	return n == d || name[n - d - 1] == '.';
}

const char *
trust_organisation(const char *domain)
{
	const char *found = NULL;

	(void)pthread_once(&list_once, read_list);
	if (list != NULL)
		found = psl_registrable_domain(list, domain);
	return found != NULL ? found : domain;
}
