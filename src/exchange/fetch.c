/*
 * exchange/fetch.c - see fetch.h.
 */
#include "exchange/fetch.h"

#include "base/clock.h"
#include "base/network.h"
#include "base/str.h"
#include "exchange/hosts.h"

#include <curl/curl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

enum {
	CONNECT_TIME = 20, /* seconds */
	DNS_TIME = 20,
	HTTPS_PORT = 443,
	LINE_OCTETS = 1024,
};

struct transfer {
	const struct fetch *f;
	struct buf *out;
	bool too_large, is_refused;
};

static void
begin_library(void)
{
	(void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

static size_t
take(char *p, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;

	if (buf_add(t->out, p, size * n))
		return size * n;
	t->too_large = true;
	return 0;
}

/* Not 0: stop. */
static int
progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	struct transfer *t = arg;
	struct pollfd p = { .fd = t->f->stop_fd, .events = POLLIN };

	(void)a;
	(void)b;
	(void)c;
	(void)d;
	return poll(&p, 1, 0) > 0;
}

/* Where it really goes, whatever names and addresses were told. */
static curl_socket_t
open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct transfer *t = arg;

	(void)purpose;
	if (t->f->only_global && !network_is_global(&to->addr)) {
		t->is_refused = true;
		return CURL_SOCKET_BAD;
	}
	return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

/* --- where it goes --------------------------------------------------------
 */

struct target {
	char host[256];
	int port;
};

static bool
read_url(const struct fetch *f, struct target *to, struct pst_error *err)
{
	CURLU *u = curl_url();
	char *host = NULL, *port = NULL, *scheme = NULL;
	uint32_t number = f->port != 0 ? (uint32_t)f->port : HTTPS_PORT;
	bool good = u != NULL &&
		    curl_url_set(u, CURLUPART_URL, f->url, 0) == CURLUE_OK &&
		    curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) ==
			CURLUE_OK &&
		    strcmp(scheme, "https") == 0 &&
		    curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
		    str_copy(to->host, sizeof(to->host), str_of(host)) &&
		    dns_is_name(to->host);

	if (good && curl_url_get(u, CURLUPART_PORT, &port, 0) == CURLUE_OK)
		good = str_to_u32(str_of(port), &number) && number > 0 &&
		       number <= 65535;
	to->port = (int)number;
	curl_free(scheme);
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(u);
	if (!good)
		(void)pst_fail(err, PST_E_SYNTAX, 0, "this is no https URL");
	return good;
}

/* "host:port:address,address", for a library that shall ask nobody. */
static bool
find_addresses(const struct fetch *f, const struct dns_resolver *dns,
    const struct target *to, char *line, size_t size, struct pst_error *err)
{
	struct host_addresses a;
	struct host host = { .port = to->port };
	int64_t wait = f->dns_seconds != 0 ? f->dns_seconds : DNS_TIME;
	struct buf text;

	(void)str_copy(host.name, sizeof(host.name), str_of(to->host));
	if (host_addresses(dns, &host, f->ipv6,
		clock_monotonic() + INT64_C(1000000) * wait, &a,
		err) != HOSTS_FOUND)
		return false;
	buf_init(&text, size - 1);
	(void)buf_printf(&text, "%s:%d:", to->host, to->port);
	for (size_t i = 0; i < a.n; i++) {
		char one[64];

		wire_address_print(&a.address[i], one);
		(void)buf_printf(&text,
		    strchr(one, ':') != NULL ? "%s[%s]" : "%s%s",
		    i > 0 ? "," : "", one);
	}
	(void)str_copy(line, size, buf_str(&text));
	buf_fini(&text);
	return true;
}

/* --- the request ----------------------------------------------------------
 */

static bool
prepare(CURL *c, struct transfer *t, const struct target *to,
    struct curl_slist *addresses, struct curl_slist *header, char *words)
{
	const struct fetch *f = t->f;
	bool good = true;

#define SET(option, value) \
	good = good && curl_easy_setopt(c, option, value) == CURLE_OK
	SET(CURLOPT_URL, f->url);
	SET(CURLOPT_PORT, (long)to->port);
	SET(CURLOPT_PROTOCOLS_STR, "https");
	SET(CURLOPT_RESOLVE, addresses);
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
	SET(CURLOPT_OPENSOCKETDATA, t);
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_TIMEOUT, (long)f->seconds);
	SET(CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIME);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (*f->ca_file != '\0')
		SET(CURLOPT_CAINFO, f->ca_file);
	SET(CURLOPT_USERAGENT, "Postern");
	SET(CURLOPT_ERRORBUFFER, words);
	SET(CURLOPT_WRITEFUNCTION, take);
	SET(CURLOPT_WRITEDATA, t);
	SET(CURLOPT_NOPROGRESS, 0L);
	SET(CURLOPT_XFERINFOFUNCTION, progress);
	SET(CURLOPT_XFERINFODATA, t);
	if (f->body.n > 0) {
		SET(CURLOPT_POST, 1L);
		SET(CURLOPT_POSTFIELDS, f->body.p);
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)f->body.n);
		SET(CURLOPT_HTTPHEADER, header);
	}
#undef SET
	return good;
}

static void
read_answer(CURL *c, unsigned *status_r, char type_r[64])
{
	const char *type = NULL;
	long status = 0;

	(void)curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	(void)curl_easy_getinfo(c, CURLINFO_CONTENT_TYPE, &type);
	*status_r = (unsigned)status;
	if (type != NULL) {
		struct pst_str t = str_of(type);

		(void)str_copy(
		    type_r, 64, str_trim(str_first(t, str_find(t, ';'))));
		for (char *p = type_r; *p != '\0'; p++)
			*p = ascii_lower(*p);
	}
}

static int64_t
retry_after(CURL *c)
{
	curl_off_t seconds = 0;

	(void)curl_easy_getinfo(c, CURLINFO_RETRY_AFTER, &seconds);
	return seconds > 0 ? (int64_t)seconds : 0;
}

static enum fetch_result
judge(CURLcode code, const struct transfer *t, const char *words,
    struct pst_error *err)
{
	if (code == CURLE_OK)
		return FETCH_DONE;
	(void)pst_fail(err, t->is_refused ? PST_E_DENIED : PST_E_TEMP, 0, "%s",
	    t->is_refused      ? "the host is not in the Internet"
	    : t->too_large     ? "the answer is too large"
	    : words[0] != '\0' ? words
			       : curl_easy_strerror(code));
	return code == CURLE_PEER_FAILED_VERIFICATION ||
		       code == CURLE_SSL_ISSUER_ERROR
		   ? FETCH_UNTRUSTED
		   : FETCH_FAILED;
}

enum fetch_result
fetch_run(const struct fetch *f, const struct dns_resolver *dns,
    unsigned *status_r, char type_r[64], struct buf *out, struct pst_error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct transfer t = { .f = f, .out = out };
	struct curl_slist *addresses = NULL, *header = NULL;
	char line[LINE_OCTETS], words[CURL_ERROR_SIZE] = "";
	enum fetch_result result = FETCH_FAILED;
	struct target to;
	CURL *c;

	*status_r = 0;
	type_r[0] = '\0';
	(void)pthread_once(&once, begin_library);
	if (!read_url(f, &to, err) ||
	    !find_addresses(f, dns, &to, line, sizeof(line), err))
		return FETCH_FAILED;
	c = curl_easy_init();
	addresses = curl_slist_append(NULL, line);
	if (f->body.n > 0) {
		(void)snprintf(
		    line, sizeof(line), "Content-Type: %s", f->content_type);
		header = curl_slist_append(NULL, line);
	}
	for (size_t i = 0; f->fields != NULL && f->fields[i] != NULL; i++)
		header = curl_slist_append(header, f->fields[i]);
	if (c != NULL && prepare(c, &t, &to, addresses, header, words)) {
		result = judge(curl_easy_perform(c), &t, words, err);
		read_answer(c, status_r, type_r);
		if (f->retry_after_r != NULL)
			*f->retry_after_r = retry_after(c);
	} else {
		(void)pst_fail(err, PST_E_TEMP, 0, "libcurl cannot be used");
	}
	curl_easy_cleanup(c);
	curl_slist_free_all(addresses);
	curl_slist_free_all(header);
	return result;
}
