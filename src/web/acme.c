/*
 * web/acme.c - what is there without TLS: answers to the challenges by which an
 * authority sees that a host is ours (RFC 8555, 8.3), as an ACME client has put
 * them below http.acme_dir, and the way to HTTPS for everybody else.
 *
 * Strangers name the file. So the name is a token and nothing more, the file
 * one that is no link, and it is sent only if it is what belongs to that token.
 */
#include "web/web.h"

#include "base/str.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	TOKEN_MAX = 128,
	ANSWER_MAX = TOKEN_MAX + 128, /* "token.thumbprint", perhaps a line */
	THUMBPRINT = 43,	      /* SHA-256 in base64url */
	URL_MAX = 8 * 1024,
};

#define CHALLENGES "/.well-known/acme-challenge/"

/* base64url without padding (RFC 4648, section 5). */
static bool
is_base64url(struct pst_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_is_alpha(s.p[i]) && !ascii_is_digit(s.p[i]) &&
		    s.p[i] != '-' && s.p[i] != '_')
			return false;
	return s.n > 0;
}

/* A key authorization (RFC 8555, 8.1) for this token. */
static bool
is_answer(struct pst_str s, struct pst_str token)
{
	return s.n == token.n + 1 + THUMBPRINT &&
	       memcmp(s.p, token.p, token.n) == 0 && s.p[token.n] == '.' &&
	       is_base64url(str_from(s, token.n + 1));
}

static size_t
read_answer(const char *dir, struct pst_str token, char *text, size_t size)
{
	char path[PATH_MAX];
	struct stat st;
	ssize_t n = -1;
	int fd;

	if (snprintf(path, sizeof(path), "%s" CHALLENGES "%.*s", dir,
		STR_ARG(token)) >= (int)sizeof(path))
		return 0;
	/* A FIFO is not waited for. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return 0;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_size <= (off_t)size)
		n = read(fd, text, size);
	(void)close(fd);
	return n > 0 ? (size_t)n : 0;
}

/* In `text`; empty: there is none. */
static struct pst_str
find_answer(const char *dir, struct pst_str token, char text[ANSWER_MAX])
{
	struct pst_str answer;

	if (dir[0] == '\0' || token.n > TOKEN_MAX || !is_base64url(token))
		return STR_NONE;
	answer = str_trim(
	    str_n(text, read_answer(dir, token, text, ANSWER_MAX)));
	return is_answer(answer, token) ? answer : STR_NONE;
}

static void
run_challenge(struct http_request *h)
{
	char text[ANSWER_MAX];
	struct pst_str answer = find_answer(
	    http_config(h)->http.acme_dir, http_asked(h)->under, text);

	http_add(h, "Cache-Control", "no-store");
	if (answer.n > 0)
		http_answer(h, 200, "application/octet-stream", answer);
	else
		http_problem(h, 404, NULL, "There is nothing here.");
}

const struct http_route web_challenge_routes[] = {
	{ "GET", CHALLENGES "*", 0, run_challenge, NULL, NULL, NULL },
	{ NULL, NULL, 0, NULL, NULL, NULL, NULL },
};

/* --- the way to HTTPS ------------------------------------------------------
 */

/* The port of a listener for HTTPS; 0: there is none. */
static int
https_port(struct http_request *h)
{
	const struct config *cfg = http_config(h);

	for (size_t i = 0; i < cfg->listeners; i++) {
		const struct config_listener *l = &cfg->listener[i];

		if (l->protocol == CONFIG_HTTP && l->tls == CONFIG_TLS_IMPLICIT)
			return net_port_of(http_conn(h), l->name);
	}
	return 0;
}

/* Without its port; an IPv6 address has brackets. */
static struct pst_str
host_of(struct http_request *h)
{
	struct pst_str host = str_of(http_origin(h));
	size_t end;

	host = str_from(host, sizeof("http://") - 1);
	end = str_find(host, ']');
	if (end < host.n)
		return str_first(host, end + 1);
	return str_first(host, str_find(host, ':'));
}

/* False: there is no HTTPS, or they have it and yet came here. */
static bool
put_https(struct http_request *h, struct buf *url)
{
	const char *told = http_config(h)->web.url;
	int port = https_port(h);

	if (str_has_prefix_case(str_of(told), "https://")) {
		(void)buf_puts(url, told);
		return true;
	}
	if (port == 0 || http_is_secure(h))
		return false;
	(void)buf_printf(url, "https://%.*s", STR_ARG(host_of(h)));
	if (port != 443)
		(void)buf_printf(url, ":%d", port);
	return true;
}

static void
run_redirect(struct http_request *h)
{
	const struct http_head *head = http_asked(h)->head;
	struct buf url;

	buf_init(&url, URL_MAX);
	if (!put_https(h, &url)) {
		http_problem(h, 404, NULL, "There is nothing here.");
		buf_fini(&url);
		return;
	}
	(void)buf_add_str(&url, head->path);
	if (head->query.n > 0)
		(void)buf_printf(&url, "?%.*s", STR_ARG(head->query));
	if (buf_putc(&url, '\0')) {
		http_add(h, "Location", url.p);
		http_answer(h, 301, NULL, STR_NONE);
	} else {
		http_problem(h, 414, NULL, "There is a limit on addresses.");
	}
	buf_fini(&url);
}

const struct http_route web_redirect_routes[] = {
	{ "GET", "/*", 0, run_redirect, NULL, NULL, NULL },
	{ NULL, NULL, 0, NULL, NULL, NULL, NULL },
};
