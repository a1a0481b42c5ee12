/*
 * The PROXY protocol's header. The result doesn't depend on what follows it, a
 * shorter piece is never anything but "more", what is one is within the bounds,
 * and a line written from what was understood is understood in the same way.
 */
#include "base/str.h"
#include "net/proxy.h"

#include <arpa/inet.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Of memory that ends where the input ends. */
static enum proxy_result
parse(const uint8_t *data, size_t n, struct proxy_header *h)
{
	char *exactly = malloc(n > 0 ? n : 1);
	const char *why = NULL;
	enum proxy_result result;

	if (n > 0)
		memcpy(exactly, data, n);
	result = proxy_parse(str_n(exactly, n), h, &why);
	if ((result == PROXY_BAD) != (why != NULL))
		abort();
	free(exactly);
	return result;
}

static void
check_again(const struct proxy_header *h)
{
	int family = h->family == PROXY_INET ? AF_INET : AF_INET6;
	char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN], line[128];
	struct proxy_header again;
	const char *why;
	int n;

	(void)inet_ntop(family, h->from.octets, from, sizeof(from));
	(void)inet_ntop(family, h->to.octets, to, sizeof(to));
	n = snprintf(line, sizeof(line), "PROXY TCP%c %s %s %d %d\r\n",
	    family == AF_INET ? '4' : '6', from, to, h->from.port, h->to.port);
	if (proxy_parse(str_n(line, (size_t)n), &again, &why) != PROXY_DONE ||
	    again.family != h->family ||
	    memcmp(&again.from, &h->from, sizeof(h->from)) != 0 ||
	    memcmp(&again.to, &h->to, sizeof(h->to)) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct proxy_header h, shorter;
	enum proxy_result result = parse(data, n, &h);

	if (result != PROXY_DONE) {
		if (result == PROXY_MORE && n >= PROXY_HEADER_MAX)
			abort();
		return 0;
	}
	if (h.length > n || h.length > PROXY_HEADER_MAX)
		abort();
	for (size_t i = 0; i < h.length; i++)
		if (parse(data, i, &shorter) != PROXY_MORE)
			abort();
	if (parse(data, h.length, &shorter) != PROXY_DONE ||
	    memcmp(&h, &shorter, sizeof(h)) != 0)
		abort();
	if (h.family == PROXY_INET || h.family == PROXY_INET6)
		check_again(&h);
	return 0;
}
