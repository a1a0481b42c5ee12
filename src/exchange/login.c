/*
 * exchange/login.c - see login.h.
 */
#include "exchange/login.h"

#include "base/codec.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <gsasl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	STEP_TIME = 300,	 /* seconds, as for other commands */
	LINE_MAX_OCTETS = 12288, /* RFC 4954, 4 */
	PASSWORD_MAX = 1000,
	STEPS = 8, /* of any mechanism, and some more */
};

static const char plus[] = "SCRAM-SHA-256-PLUS";

static bool
is_offered(const struct client *c, const char *mechanism)
{
	struct pst_str rest = str_of(client_mechanisms(c)), one;

	while (str_split(&rest, ' ', &one))
		if (str_is_case(one, mechanism))
			return true;
	return false;
}

/* --- one mechanism --------------------------------------------------------
 */

struct dialog {
	struct client *c;
	Gsasl_session *session;
	const char *mechanism;
	struct pst_error *err;
	bool is_proven; /* gsasl says that the other side is who it should be */
};

static enum client_result
fail(struct dialog *d, enum client_result result, const char *why)
{
	(void)pst_fail(d->err, PST_E_TEMP, 0, "AUTH %s: %s", d->mechanism, why);
	return result;
}

/* What the mechanism answers to `in`, in base64 behind `line`. */
static enum client_result
step(struct dialog *d, struct pst_str in, struct buf *line)
{
	char *out = NULL;
	size_t n = 0;
	int code = gsasl_step(d->session, in.p, in.n, &out, &n);
	bool fits = true;

	if (code != GSASL_OK && code != GSASL_NEEDS_MORE)
		return fail(d,
		    code == GSASL_AUTHENTICATION_ERROR ? CLIENT_UNTRUSTED
						       : CLIENT_LACKS,
		    gsasl_strerror(code));
	d->is_proven = code == GSASL_OK;
	if (n > 0)
		fits = base64_encode(str_n(out, n), line);
	else if (line->n > 0)
		fits = buf_putc(line, '='); /* RFC 4954, 4 */
	if (out != NULL) {
		explicit_bzero(out, n);
		gsasl_free(out);
	}
	return fits ? CLIENT_OK : fail(d, CLIENT_LACKS, "too long");
}

/* The answer to the challenge of the last reply. */
static enum client_result
answer(struct dialog *d, struct buf *line)
{
	struct buf challenge;
	enum client_result result;

	buf_init(&challenge, LINE_MAX_OCTETS);
	buf_clear(line);
	if (base64_decode(
		str_trim(buf_str(&client_reply(d->c)->text)), &challenge))
		result = step(d, buf_str(&challenge), line);
	else
		result = fail(d, CLIENT_LACKS, "the challenge is no base64");
	buf_fini(&challenge);
	/* RFC 4954, 4: so the server knows that nothing comes any more. */
	if (result != CLIENT_OK)
		(void)client_say(d->c, STR("*"), STEP_TIME, d->err);
	return result;
}

static enum client_result
talk(struct dialog *d, struct buf *line)
{
	enum client_result result = CLIENT_OK;

	(void)buf_printf(line, "AUTH %s", d->mechanism);
	if (strcmp(d->mechanism, "LOGIN") != 0) {
		(void)buf_putc(line, ' ');
		result = step(d, STR_NONE, line);
	}
	if (result == CLIENT_OK)
		result = client_say(d->c, buf_str(line), STEP_TIME, d->err);
	for (unsigned i = 0; result == CLIENT_OK && i < STEPS; i++) {
		if (client_reply(d->c)->code != 334)
			break;
		result = answer(d, line);
		if (result == CLIENT_OK)
			result = client_say(
			    d->c, buf_str(line), STEP_TIME, d->err);
	}
	if (result != CLIENT_OK)
		return result;
	if (client_reply(d->c)->code != 235)
		return fail(
		    d, CLIENT_LACKS, "the server does not come to an end");
	/* RFC 5802, 3: a server that cannot prove that it knows the password
	 * might have said anything. */
	if (!d->is_proven)
		return fail(d, CLIENT_UNTRUSTED,
		    "the server did not prove that it knows the password");
	return CLIENT_OK;
}

static bool
bind_channel(struct dialog *d)
{
	unsigned char exporter[32];
	struct buf text;
	bool done;

	if (!client_exporter(d->c, exporter))
		return false;
	buf_init(&text, 64);
	done = base64_encode(
		   str_n((const char *)exporter, sizeof(exporter)), &text) &&
	       buf_putc(&text, '\0') &&
	       gsasl_property_set(d->session, GSASL_CB_TLS_EXPORTER, text.p) ==
		   GSASL_OK;
	buf_fini(&text);
	return done;
}

static enum client_result
try_mechanism(struct client *c, Gsasl *gsasl, const char *mechanism,
    const struct login *l, struct pst_error *err)
{
	struct dialog d = { .c = c, .mechanism = mechanism, .err = err };
	enum client_result result = CLIENT_OK;
	struct buf line;

	if (gsasl_client_start(gsasl, mechanism, &d.session) != GSASL_OK)
		return fail(&d, CLIENT_LACKS, "not known here");
	if (gsasl_property_set(d.session, GSASL_AUTHID, l->username) !=
		GSASL_OK ||
	    gsasl_property_set(d.session, GSASL_PASSWORD, l->password) !=
		GSASL_OK ||
	    (strcmp(mechanism, plus) == 0 && !bind_channel(&d)))
		result = fail(&d, CLIENT_LACKS, "cannot be begun");
	buf_init(&line, LINE_MAX_OCTETS);
	if (result == CLIENT_OK)
		result = talk(&d, &line);
	if (line.p != NULL)
		explicit_bzero(line.p, line.cap);
	buf_fini(&line);
	gsasl_finish(d.session);
	return result;
}

/* --- all ------------------------------------------------------------------
 */

static bool
is_possible(const struct client *c, const char *mechanism)
{
	unsigned char exporter[32];

	return is_offered(c, mechanism) &&
	       (strcmp(mechanism, plus) != 0 || client_exporter(c, exporter));
}

enum client_result
login_run(struct client *c, struct login *l, struct pst_error *err)
{
	enum client_result result = CLIENT_LACKS;
	Gsasl *gsasl;

	if (!client_is_tls(c) && !l->is_loopback) {
		(void)pst_fail(err, PST_E_TEMP, 0,
		    "AUTH: the password is not sent without TLS");
		return CLIENT_LACKS;
	}
	if (gsasl_init(&gsasl) != GSASL_OK) {
		(void)pst_fail(err, PST_E_TEMP, 0, "AUTH: no library");
		return CLIENT_LACKS;
	}
	(void)pst_fail(err, PST_E_TEMP, 0,
	    "AUTH: the server offers none of the mechanisms that may be used "
	    "(%s)",
	    *client_mechanisms(c) != '\0' ? client_mechanisms(c) : "nothing");
	for (size_t i = 0; i < l->mechanism_count; i++) {
		const char *mechanism = l->mechanisms[i];

		if (!is_possible(c, mechanism))
			continue;
		l->used = mechanism;
		result = try_mechanism(c, gsasl, mechanism, l, err);
		/* Binding fails where a proxy ends TLS; else the next
		 * mechanism would be refused like this one. */
		if (result != CLIENT_REFUSED || strcmp(mechanism, plus) != 0)
			break;
	}
	gsasl_done(gsasl);
	return result;
}

/* --- the password ---------------------------------------------------------
 */

enum pst_rc
login_read_password(const char *path, char **password_r, struct pst_error *err)
{
	char text[PASSWORD_MAX + 2];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct pst_str line;
	struct stat st;
	ssize_t n;

	*password_r = NULL;
	if (fd < 0)
		return pst_fail(
		    err, PST_E_TEMP, errno, "%s: %s", path, strerror(errno));
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ||
	    (st.st_mode & S_IRWXO) != 0) {
		(void)close(fd);
		return pst_fail(err, PST_E_DENIED, 0,
		    "%s: must be a file that only its owner and group may read "
		    "(chmod 640)",
		    path);
	}
	n = read(fd, text, sizeof(text));
	(void)close(fd);
	if (n < 0)
		return pst_fail(
		    err, PST_E_TEMP, errno, "%s: %s", path, strerror(errno));
	line = str_n(text, (size_t)n);
	line = str_first(line, str_find(line, '\n'));
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	if (line.n == 0 || line.n > PASSWORD_MAX)
		(void)pst_fail(err, PST_E_SYNTAX, 0,
		    "%s: expected a password in the first line", path);
	else
		*password_r = str_dup(line);
	explicit_bzero(text, sizeof(text));
	return *password_r != NULL ? PST_OK : PST_E_SYNTAX;
}

void
login_forget(char **password)
{
	if (*password != NULL)
		explicit_bzero(*password, strlen(*password));
	free(*password);
	*password = NULL;
}
