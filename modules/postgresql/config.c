/*
 * config.c - the module's part of the configuration.
 */
#include "postgresql.h"

#include <errno.h>
#include <limits.h>

enum { CONNECTIONS = 8, WAIT_S = 10, STATEMENT_S = 60, SWEEP_S = 600 };

static const char *
text_of(const struct pst_host *host, const struct pst_section *section,
    const char *key, const char *otherwise)
{
	const char *value = host->config(section, key);

	return value != NULL && *value != '\0' ? value : otherwise;
}

static enum pst_rc
number_of(const struct pst_host *host, const struct pst_section *section,
    const char *key, int least, int most, int *value, struct pst_error *err)
{
	const char *text = text_of(host, section, key, NULL);
	char *end;
	long n;

	if (text == NULL)
		return PST_OK;
	errno = 0;
	n = strtol(text, &end, 10);
	if (errno != 0 || *end != '\0' || end == text || n < least || n > most)
		return pst_fail(err, PST_E_SYNTAX, 0,
		    "%s: expected a number from %d to %d, not \"%.80s\"", key,
		    least, most, text);
	*value = (int)n;
	return PST_OK;
}

static enum pst_rc
check_texts(const struct pg_config *c, const char *init, struct pst_error *err)
{
	char *why = NULL;
	PQconninfoOption *o;

	if (strcmp(init, "open") != 0 && strcmp(init, "command") != 0)
		return pst_fail(err, PST_E_SYNTAX, 0,
		    "init: expected \"command\" or \"open\", not \"%.80s\"",
		    init);
	if (strlen(c->schema) > 63)
		return pst_fail(err, PST_E_SYNTAX, 0,
		    "schema: expected at most 63 octets, not \"%.80s\"",
		    c->schema);
	o = PQconninfoParse(c->conninfo, &why);
	if (o == NULL) {
		(void)pst_fail(err, PST_E_SYNTAX, 0,
		    "conninfo: expected a connection string of libpq: %.*s",
		    why ? (int)strcspn(why, "\n") : 0, why ? why : "");
		PQfreemem(why);
		return PST_E_SYNTAX;
	}
	PQconninfoFree(o);
	return PST_OK;
}

enum pst_rc
pg_config_read(struct pg_config *c, const struct pst_host *host,
    const struct pst_section *section, struct pst_error *err)
{
	const char *init = text_of(host, section, "init", "command");
	int connections = CONNECTIONS, wait = WAIT_S, statement = STATEMENT_S,
	    sweep = SWEEP_S;
	enum pst_rc rc;

	*c = (struct pg_config){
		.conninfo = text_of(host, section, "conninfo", ""),
		.init_conninfo = text_of(host, section, "init_conninfo", ""),
		.schema = text_of(host, section, "schema", "postern"),
		.path = text_of(host, section, "path", ""),
		.init_at_open = strcmp(init, "open") == 0,
	};
	rc = check_texts(c, init, err);
	if (rc == PST_OK)
		rc = number_of(
		    host, section, "connections", 1, 1000, &connections, err);
	if (rc == PST_OK)
		rc = number_of(host, section, "timeout", 1, 600, &wait, err);
	if (rc == PST_OK)
		rc = number_of(host, section, "statement_timeout", 0, 86400,
		    &statement, err);
	if (rc == PST_OK)
		rc = number_of(
		    host, section, "sweep_after", 0, 864000, &sweep, err);
	c->connections = connections;
	c->wait_ms = wait * 1000;
	c->statement_ms = statement * 1000;
	c->sweep_s = sweep;
	return rc;
}
