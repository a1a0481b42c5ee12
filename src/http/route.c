/*
 * http/route.c - who answers a request.
 */
#include "http/priv.h"

#include "base/str.h"

static bool
matches_path(const struct http_route *route, struct http_request *r)
{
	struct pst_str pattern = str_of(route->path), path = r->asked.path;

	if (pattern.p[pattern.n - 1] != '*')
		return str_eq(pattern, path);
	pattern.n--;
	if (path.n < pattern.n || memcmp(path.p, pattern.p, pattern.n) != 0)
		return false;
	r->asked.under = str_from(path, pattern.n);
	return true;
}

static bool
matches_method(const struct http_route *route, const struct http_request *r)
{
	return str_is(r->head.method, route->method) ||
	       (r->asked.is_head && strcmp(route->method, "GET") == 0);
}

/* RFC 9110, 15.5.6: 405 says what can be done. */
static void
allow(struct buf *methods, const char *method)
{
	if (str_find_case(buf_str(methods), str_of(method)) != SIZE_MAX)
		return;
	(void)buf_printf(methods, "%s%s", methods->n > 0 ? ", " : "", method);
	if (strcmp(method, "GET") == 0)
		(void)buf_puts(methods, ", HEAD");
}

const struct http_route *
http_find_route(
    const struct http_site *site, struct http_request *r, int *status_r)
{
	struct buf methods;

	buf_init(&methods, 256);
	*status_r = 404;
	for (size_t i = 0; site != NULL && i < site->tables; i++) {
		const struct http_route *route = site->table[i];

		for (; route->path != NULL; route++) {
			if (!matches_path(route, r))
				continue;
			if (matches_method(route, r)) {
				buf_fini(&methods);
				return route;
			}
			allow(&methods, route->method);
			*status_r = 405;
		}
	}
	if (*status_r == 405 && buf_putc(&methods, '\0'))
		http_add(r, "Allow", methods.p);
	buf_fini(&methods);
	return NULL;
}
