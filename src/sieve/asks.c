/*
 * sieve/asks.c - tests that ask the world: mailboxes and their metadata (RFC
 * 5490), special uses (RFC 8579), where the script runs (RFC 5183), what was
 * there before (RFC 7352), what this engine can do (RFC 5463).
 */
#include "base/str.h"
#include "sieve/run.h"

enum {
	DAY = 86400,
	DUPLICATE_USUAL = 7 * DAY, /* that a message is remembered */
	DUPLICATE_MOST = 90 * DAY,
};

bool
run_test_mailboxexists(struct run *r, const struct sieve_node *n)
{
	struct strings names = run_strings(r, &n->arg[0]);

	for (size_t i = 0; i < names.n; i++)
		if (r->host->has_mailbox == NULL || !run_work(r, ASK) ||
		    !r->host->has_mailbox(r->host->arg, names.v[i]))
			return false;
	return true;
}

bool
run_test_specialuse(struct run *r, const struct sieve_node *n)
{
	struct pst_str mailbox = n->args > 1 ? run_string(r, &n->arg[0])
					     : STR_NONE;
	struct strings uses = run_strings(r, &n->arg[n->args - 1]);

	for (size_t i = 0; i < uses.n; i++)
		if (r->host->has_special_use == NULL || !run_work(r, ASK) ||
		    !r->host->has_special_use(r->host->arg, mailbox, uses.v[i]))
			return false;
	return true;
}

/* --- metadata --------------------------------------------------------------
 */

static bool
metadata(
    struct run *r, struct pst_str mailbox, struct pst_str name, struct buf *out)
{
	return r->host->metadata != NULL && run_work(r, ASK) &&
	       r->host->metadata(r->host->arg, mailbox, name, out);
}

bool
run_test_metadata(struct run *r, const struct sieve_node *n)
{
	bool of_server = n->command->op == OP_SERVERMETADATA;
	const struct sieve_value *arg = n->arg + (of_server ? 0 : 1);
	struct pst_str mailbox = of_server ? STR_NONE
					   : run_string(r, &n->arg[0]);
	struct match m;
	struct buf value;

	match_begin(&m, r, n, &arg[1]);
	buf_init(&value, STRING_MAX);
	if (metadata(r, mailbox, run_string(r, &arg[0]), &value))
		(void)match_value(&m, run_keep(r, &value));
	buf_fini(&value);
	return match_end(&m);
}

bool
run_test_metadataexists(struct run *r, const struct sieve_node *n)
{
	bool of_server = n->command->op == OP_SERVERMETADATAEXISTS;
	struct pst_str mailbox = of_server ? STR_NONE
					   : run_string(r, &n->arg[0]);
	struct strings names = run_strings(r, &n->arg[of_server ? 0 : 1]);
	bool all = true;

	for (size_t i = 0; all && i < names.n; i++) {
		struct buf value;

		buf_init(&value, STRING_MAX);
		all = metadata(r, mailbox, names.v[i], &value);
		buf_fini(&value);
	}
	return all;
}

/* --- environment -----------------------------------------------------------
 */

static const struct {
	const char *name, *value;
} items[] = {
	{ "location", "MS" },
	{ "name", "Postern" },
	{ "phase", "during" },
	{ "version", PACKAGE_VERSION },
};

static bool
environment(struct run *r, struct pst_str name, struct buf *out)
{
	char lower[64];

	if (name.n >= sizeof(lower))
		return false;
	for (size_t i = 0; i < name.n; i++)
		lower[i] = ascii_lower(name.p[i]);
	name = str_n(lower, name.n);
	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++)
		if (str_is(name, items[i].name))
			return buf_puts(out, items[i].value);
	return r->host->environment != NULL && run_work(r, ASK) &&
	       r->host->environment(r->host->arg, name, out);
}

/* An item that is not known fails; for :count an empty one is none. */
bool
run_test_environment(struct run *r, const struct sieve_node *n)
{
	struct match m;
	struct buf value;

	match_begin(&m, r, n, &n->arg[1]);
	buf_init(&value, STRING_MAX);
	if (!environment(r, run_string(r, &n->arg[0]), &value)) {
		buf_fini(&value);
		return false;
	}
	if (n->match != MATCH_COUNT || value.n > 0)
		(void)match_value(&m, run_keep(r, &value));
	buf_fini(&value);
	return match_end(&m);
}

/* --- duplicate -------------------------------------------------------------
 */

/* RFC 7352, 3.1. {NULL, 0}: the message has none. */
static struct pst_str
unique_id(struct run *r, const struct sieve_node *n)
{
	struct pst_str id = run_tag(r, n, TAG_UNIQUEID);
	struct pst_str name = run_tag(r, n, TAG_HEADER);
	struct fields f;

	if (id.p != NULL)
		return id;
	if (name.p == NULL)
		name = STR("Message-ID");
	f = run_fields(r, n, (struct strings){ &name, 1 });
	return f.n > 0 ? run_field_text(r, f.v[0]) : STR_NONE;
}

bool
run_test_duplicate(struct run *r, const struct sieve_node *n)
{
	const struct sieve_value *given = sieve_tag_value(n, TAG_SECONDS);
	uint64_t seconds = given != NULL ? given->number : DUPLICATE_USUAL;
	struct pst_str what[] = { run_tag(r, n, TAG_HANDLE), unique_id(r, n) };
	char id[RUN_HASH];

	if (what[1].p == NULL || seconds == 0 || r->host->duplicate == NULL ||
	    !run_work(r, ASK))
		return false;
	if (seconds > DUPLICATE_MOST)
		seconds = DUPLICATE_MOST;
	run_hash(what, 2, id);
	return r->host->duplicate(r->host->arg, str_of(id), (int64_t)seconds,
	    sieve_has_tag(n, TAG_LAST));
}

/* --- ihave -----------------------------------------------------------------
 */

/* RFC 5463, 4: not those that change how a script is read, unless they are
 * required. */
bool
run_test_ihave(struct run *r, const struct sieve_node *n)
{
	for (size_t i = 0; i < n->arg[0].strings; i++) {
		enum sieve_ext ext;

		if (!run_work(r, 1) ||
		    !sieve_ext_find(n->arg[0].string[i], &ext))
			return false;
		if ((ext == EXT_VARIABLES || ext == EXT_ENCODED_CHARACTER) &&
		    !run_has(r, ext))
			return false;
	}
	return true;
}
