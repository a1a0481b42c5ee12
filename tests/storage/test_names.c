/*
 * test_names.c - conformance: the module itself, accounts, mailbox names,
 * subscriptions and metadata.
 */
#include "conformance.h"

void
test_module(void)
{
	struct pst_error err = { 0 };
	const struct pst_store_ops *o = OPS;

	CHECK(o->size >= sizeof(uint32_t) + sizeof(void *), "size is set");
	CHECK(o->open && o->close, "open, close");
	CHECK(o->acct_open && o->acct_close && o->acct_remove, "accounts");
	CHECK(o->usage && o->list && o->create && o->remove && o->rename,
	    "mailboxes");
	CHECK(o->subscribe && o->meta_get && o->meta_set, "names");
	CHECK(o->box_open && o->box_close && o->state && o->load && o->refresh,
	    "boxes");
	CHECK(!o->watch == !o->unwatch, "watch and unwatch: both or none");
	CHECK(o->keywords && o->keyword && o->recent && o->body, "reading");
	CHECK(!o->cache_get == !o->cache_put, "cache: both or none");
	CHECK(o->stage_new && o->stage_write && o->stage_sync && o->commit &&
		  o->stage_free,
	    "new messages");
	CHECK(o->flags && o->copy && o->move && o->expunge, "changes");
	if (o->health != NULL)
		CHECK_RC(PST_OK, o->health(suite.store, &err));
	else
		skip(1, "no health()");
}

void
test_accounts(void)
{
	static const char *const odd[] = { "plain@example.test",
		"with.dot@example.test", "under_score+tag@sub.example.test",
		".leading@example.test", "sla/sh@example.test",
		"per%cent@example.test", "..@example.test",
		"postern.tmp@postern.lock", "quo\"te@example.test",
		"b\xc3\xbc"
		"cher@example.test",
		"x@postern.tmp" };
	enum { ODD = sizeof(odd) / sizeof(odd[0]) };
	struct pst_acct *acct[ODD] = { NULL }, *again;
	struct pst_usage usage;
	struct pst_error err = { 0 };
	bool created;

	for (size_t i = 0; i < ODD; i++) {
		created = false;
		CHECK_RC(PST_OK, OPS->acct_open(suite.store, odd[i], &acct[i],
				     &created, &err));
		CHECK(created, "%s is new", odd[i]);
	}
	for (size_t i = 0; i < ODD; i++) {
		struct pst_box *box = acct[i] ? box_of(acct[i], "INBOX") : NULL;
		struct rows rows;

		if (box == NULL)
			continue;
		load_rows(box, &rows);
		CHECK(rows.n == 0, "INBOX of %s is empty", odd[i]);
		rows_free(&rows);
		CHECK(put(box, odd[i], 0, 0, 1700000000) != 0, "put");
		OPS->box_close(box);
	}
	for (size_t i = 0; i < ODD; i++) {
		struct pst_box *box = acct[i] ? box_of(acct[i], "INBOX") : NULL;
		struct rows rows;

		if (box == NULL)
			continue;
		load_rows(box, &rows);
		CHECK(rows.n == 1 &&
			  body_is(box, rows.v[0].uid, odd[i], strlen(odd[i])),
		    "the mail of %s is its own", odd[i]);
		rows_free(&rows);
		OPS->box_close(box);
		CHECK_RC(PST_OK, OPS->usage(acct[i], &usage, &err));
		CHECK(usage.messages == 1 && usage.bytes == strlen(odd[i]),
		    "usage of %s", odd[i]);
		OPS->acct_close(acct[i]);
	}
	CHECK_RC(PST_OK,
	    OPS->acct_open(suite.store, odd[0], &again, &created, &err));
	CHECK(!created, "an account is made once");
	OPS->acct_close(again);
	CHECK_RC(PST_OK, OPS->acct_remove(suite.store, odd[0], &err));
	CHECK_RC(PST_E_NOTFOUND, OPS->acct_remove(suite.store, odd[0], &err));
	CHECK_RC(PST_E_NOTFOUND,
	    OPS->acct_remove(suite.store, "nobody@example.test", &err));
	CHECK_RC(PST_OK,
	    OPS->acct_open(suite.store, odd[0], &again, &created, &err));
	CHECK(created, "a removed account is made anew");
	CHECK_RC(PST_OK, OPS->usage(again, &usage, &err));
	CHECK(usage.messages == 0 && usage.bytes == 0, "and is empty");
	OPS->acct_close(again);
}

/* --- names ---------------------------------------------------------------- */

static const char *const names[] = { "Plain", "With space", "Dot.in.name",
	"&amp", "~home", "R\xc3\xa9sum\xc3\xa9", "\xe6\x97\xa5\xe6\x9c\xac",
	"\xf0\x9f\x93\xac mail", "per%cent", "back\\slash", "star*", "quo\"te",
	"tab\tin", "a/b/c", "a/b.c", "INBOX/below", "cur", "new/tmp",
	"postern.state", "...", ".hidden", "-dash", "&Jjo-", "trailing ",
	"deep/er/and/deep/er/still" };
enum { NAMES = sizeof(names) / sizeof(names[0]) };

static void
make_names(struct pst_acct *acct)
{
	struct pst_error err = { 0 };
	struct listing l;

	for (size_t i = 0; i < NAMES; i++) {
		CHECK_RC(PST_OK, OPS->create(acct, names[i], "", &err));
		CHECK_RC(PST_E_EXISTS, OPS->create(acct, names[i], "", &err));
	}
	listing_get(acct, &l);
	for (size_t i = 0; i < NAMES; i++) {
		const struct listed *row = listing_find(&l, names[i]);

		CHECK(row != NULL && row->exists && !row->subscribed,
		    "\"%s\" is listed", names[i]);
	}
	CHECK(listing_find(&l, "INBOX") != NULL &&
		  listing_find(&l, "INBOX")->exists,
	    "INBOX is listed");
	CHECK(listing_find(&l, "a") != NULL && !listing_find(&l, "a")->exists,
	    "a parent that is no mailbox is listed as such");
	CHECK(listing_find(&l, "deep/er/and") != NULL &&
		  !listing_find(&l, "deep/er/and")->exists,
	    "each parent");
	CHECK(listing_place(&l, "a") < listing_place(&l, "a/b") &&
		  listing_place(&l, "a/b") < listing_place(&l, "a/b/c"),
	    "parents come first");
	for (size_t i = 0; i < l.n; i++)
		for (size_t k = i + 1; k < l.n; k++)
			if (strcmp(l.v[i].name, l.v[k].name) == 0)
				CHECK(false, "%s is listed twice", l.v[i].name);
	/* And INBOX, a, a/b, new, deep, deep/er and three more of it. */
	CHECK(l.n == NAMES + 1 + 8, "%zu names are listed", l.n);
	listing_free(&l);
}

/* A message in each, and it is that mailbox's message. */
static void
use_names(struct pst_acct *acct)
{
	struct pst_error err = { 0 };
	struct pst_box_state s[NAMES];
	struct pst_box *box;

	for (size_t i = 0; i < NAMES; i++) {
		s[i] = (struct pst_box_state){ 0 };
		box = box_of(acct, names[i]);
		if (box == NULL)
			continue;
		CHECK_RC(PST_OK, OPS->state(box, &s[i], &err));
		CHECK(s[i].uidvalidity != 0 && s[i].uidnext == 1 &&
			  s[i].highestmodseq != 0 && s[i].objectid[0] != '\0',
		    "the state of a new mailbox");
		CHECK(put(box, names[i], 0, 0, 1700000000) == 1, "uid 1");
		OPS->box_close(box);
		for (size_t k = 0; k < i; k++)
			if (strcmp(s[i].objectid, s[k].objectid) == 0)
				CHECK(false, "object ids are unique");
	}
	for (size_t i = 0; i < NAMES; i++) {
		struct rows rows;

		box = box_of(acct, names[i]);
		if (box == NULL)
			continue;
		load_rows(box, &rows);
		CHECK(
		    rows.n == 1 && body_is(box, 1, names[i], strlen(names[i])),
		    "\"%s\" holds its own mail", names[i]);
		rows_free(&rows);
		OPS->box_close(box);
	}
}

static void
no_such_names(struct pst_acct *acct)
{
	static const char *const none[] = { "None", "a", "plain", "a/b/c/d",
		"Plain/", "\xef\xbf\xbd%2E%2E", "../etc", "..", "./x" };
	struct pst_error err = { 0 };
	struct pst_box *box = NULL;

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		CHECK(OPS->box_open(acct, none[i], &box, &err) != PST_OK,
		    "\"%s\" is no mailbox", none[i]);
		CHECK(OPS->remove(acct, none[i], &err) != PST_OK,
		    "\"%s\" is not removed", none[i]);
	}
	CHECK_RC(PST_E_NOTFOUND, OPS->box_open(acct, "None", &box, &err));
	CHECK_RC(PST_E_NOTFOUND, OPS->remove(acct, "None", &err));
	CHECK_RC(PST_E_NOTFOUND, OPS->rename(acct, "None", "Nothing", &err));
	CHECK_RC(PST_E_EXISTS, OPS->create(acct, "INBOX", "", &err));
	CHECK_RC(PST_E_EXISTS, OPS->rename(acct, "Plain", "a/b.c", &err));
}

static void
long_names(struct pst_acct *acct)
{
	struct pst_error err = { 0 };
	char name[1001];
	enum pst_rc rc;

	memset(name, 'x', 1000);
	name[1000] = '\0';
	rc = OPS->create(acct, name, "", &err);
	CHECK(rc == PST_OK || rc == PST_E_LIMIT, "a long name: %d", (int)rc);
	name[100] = '\0';
	CHECK_RC(PST_OK, OPS->create(acct, name, "", &err));
	CHECK_RC(PST_OK, OPS->remove(acct, name, &err));
	for (size_t i = 99; i < 999; i += 2)
		name[i] = '/';
	name[100] = 'x';
	name[999] = '\0';
	rc = OPS->create(acct, name, "", &err);
	CHECK(rc == PST_OK || rc == PST_E_LIMIT, "a deep name: %d", (int)rc);
}

static void
removal(struct pst_acct *acct)
{
	struct pst_error err = { 0 };
	struct pst_box_state old, new;
	struct pst_box *box;
	struct listing l;

	box = box_of(acct, "a/b/c");
	CHECK_RC(PST_OK, OPS->create(acct, "a/b/c/d", "", &err));
	CHECK_RC(PST_OK, OPS->state(box, &old, &err));
	OPS->box_close(box);
	CHECK_RC(PST_OK, OPS->remove(acct, "a/b/c", &err));
	CHECK_RC(PST_E_NOTFOUND, OPS->box_open(acct, "a/b/c", &box, &err));
	box = box_of(acct, "a/b/c/d");
	OPS->box_close(box);
	listing_get(acct, &l);
	CHECK(listing_find(&l, "a/b/c") != NULL &&
		  !listing_find(&l, "a/b/c")->exists &&
		  listing_find(&l, "a/b/c/d")->exists,
	    "children stay");
	listing_free(&l);
	for (int i = 0; i < 3; i++) {
		struct rows rows;

		CHECK_RC(PST_OK, OPS->create(acct, "a/b/c", "", &err));
		box = box_of(acct, "a/b/c");
		CHECK_RC(PST_OK, OPS->state(box, &new, &err));
		CHECK(new.uidvalidity > old.uidvalidity,
		    "UIDVALIDITY grows with each life");
		CHECK(strcmp(new.objectid, old.objectid) != 0,
		    "another object id");
		load_rows(box, &rows);
		CHECK(rows.n == 0 && new.uidnext == 1, "it is empty");
		rows_free(&rows);
		old = new;
		OPS->box_close(box);
		CHECK_RC(PST_OK, OPS->remove(acct, "a/b/c", &err));
	}
}

static void
renaming(struct pst_acct *acct)
{
	struct pst_error err = { 0 };
	struct pst_box_state before, after;
	struct pst_box *box;
	struct rows rows;
	struct listing l;

	CHECK_RC(PST_OK, OPS->create(acct, "old", "", &err));
	CHECK_RC(PST_OK, OPS->create(acct, "old/one", "", &err));
	CHECK_RC(PST_OK, OPS->create(acct, "old/two/three", "", &err));
	CHECK_RC(PST_OK, OPS->create(acct, "older", "", &err));
	box = box_of(acct, "old/two/three");
	CHECK(put(box, "before", PST_SEEN, 0, 1) == 1, "put");
	CHECK(put(box, "after", PST_FLAGGED, 0, 2) == 2, "put");
	CHECK_RC(PST_OK, OPS->state(box, &before, &err));
	OPS->box_close(box);
	CHECK_RC(PST_OK, OPS->rename(acct, "old", "n\xc3\xa9w.name", &err));
	listing_get(acct, &l);
	CHECK(listing_find(&l, "old") == NULL &&
		  listing_find(&l, "old/one") == NULL &&
		  listing_find(&l, "old/two") == NULL,
	    "the old names are gone");
	CHECK(listing_find(&l, "older") != NULL, "others stay");
	CHECK(listing_find(&l, "n\xc3\xa9w.name/one") != NULL &&
		  listing_find(&l, "n\xc3\xa9w.name/two/three") != NULL,
	    "children come along");
	listing_free(&l);
	box = box_of(acct, "n\xc3\xa9w.name/two/three");
	CHECK_RC(PST_OK, OPS->state(box, &after, &err));
	CHECK(after.uidvalidity == before.uidvalidity &&
		  after.uidnext == before.uidnext &&
		  strcmp(after.objectid, before.objectid) == 0,
	    "the state stays");
	load_rows(box, &rows);
	CHECK(rows.n == 2 && rows.v[0].flags == PST_SEEN &&
		  rows.v[1].flags == PST_FLAGGED && body_is(box, 2, "after", 5),
	    "so do the messages");
	rows_free(&rows);
	OPS->box_close(box);
	CHECK_RC(
	    PST_E_EXISTS, OPS->rename(acct, "older", "n\xc3\xa9w.name", &err));
	/* The name is free again, with another identity. */
	CHECK_RC(PST_OK, OPS->create(acct, "old/two/three", "", &err));
	box = box_of(acct, "old/two/three");
	CHECK_RC(PST_OK, OPS->state(box, &after, &err));
	CHECK(after.uidvalidity > before.uidvalidity,
	    "a UIDVALIDITY larger than that of the renamed one");
	OPS->box_close(box);
	/* The target's tree is taken although the target is not. */
	CHECK_RC(PST_OK, OPS->create(acct, "t/sub", "", &err));
	CHECK_RC(PST_OK, OPS->create(acct, "s", "", &err));
	CHECK_RC(PST_OK, OPS->create(acct, "s/sub", "", &err));
	CHECK_RC(PST_E_EXISTS, OPS->rename(acct, "s", "t", &err));
	listing_get(acct, &l);
	CHECK(listing_find(&l, "s")->exists &&
		  listing_find(&l, "s/sub")->exists &&
		  !listing_find(&l, "t")->exists,
	    "a refused rename changes nothing");
	listing_free(&l);
	CHECK(OPS->rename(acct, "s", "s/sub/s", &err) != PST_OK,
	    "not into itself");
}

static void
subscriptions(struct pst_acct *acct)
{
	struct pst_error err = { 0 };
	struct listing l;

	CHECK_RC(PST_OK, OPS->subscribe(acct, "Plain", true, &err));
	CHECK_RC(PST_OK, OPS->subscribe(acct, "Plain", true, &err));
	CHECK_RC(PST_OK, OPS->subscribe(acct, "ghost/of name", true, &err));
	CHECK_RC(PST_OK, OPS->subscribe(acct, "never", false, &err));
	CHECK_RC(PST_OK, OPS->subscribe(acct, "INBOX", true, &err));
	listing_get(acct, &l);
	CHECK(listing_find(&l, "Plain") != NULL &&
		  listing_find(&l, "Plain")->subscribed &&
		  listing_find(&l, "Plain")->exists,
	    "a subscribed mailbox");
	CHECK(listing_find(&l, "ghost/of name") != NULL &&
		  listing_find(&l, "ghost/of name")->subscribed &&
		  !listing_find(&l, "ghost/of name")->exists,
	    "a subscribed name");
	CHECK(listing_find(&l, "ghost") != NULL &&
		  !listing_find(&l, "ghost")->exists &&
		  !listing_find(&l, "ghost")->subscribed,
	    "its parent");
	CHECK(listing_find(&l, "never") == NULL, "nothing was subscribed");
	CHECK(listing_find(&l, "INBOX")->subscribed, "INBOX");
	listing_free(&l);
	CHECK_RC(PST_OK, OPS->subscribe(acct, "Plain", false, &err));
	CHECK_RC(PST_OK, OPS->subscribe(acct, "ghost/of name", false, &err));
	listing_get(acct, &l);
	CHECK(!listing_find(&l, "Plain")->subscribed, "not any more");
	CHECK(listing_find(&l, "ghost") == NULL, "nor its parent");
	listing_free(&l);
}

void
test_names(void)
{
	struct pst_acct *acct = acct_of("names@example.test");

	if (acct == NULL)
		return;
	make_names(acct);
	use_names(acct);
	no_such_names(acct);
	long_names(acct);
	removal(acct);
	renaming(acct);
	subscriptions(acct);
	OPS->acct_close(acct);
}

/* --- metadata ------------------------------------------------------------- */

struct value {
	unsigned calls;
	char key[64];
	char text[400];
	size_t n;
};

static void
take_value(void *arg, const char *key, struct pst_str value)
{
	struct value *v = arg;

	v->calls++;
	(void)snprintf(v->key, sizeof(v->key), "%s", key);
	v->n = value.n;
	if (value.n <= sizeof(v->text) && value.n > 0)
		memcpy(v->text, value.p, value.n);
}

/* `name` NULL: the account's own. */
static void
meta_values(struct pst_acct *acct, const char *name)
{
	char octets[256];
	struct pst_str value = { octets, sizeof(octets) };
	struct pst_str none = { NULL, 0 };
	struct pst_error err = { 0 };
	struct value v = { 0 };

	for (size_t i = 0; i < sizeof(octets); i++)
		octets[i] = (char)i;
	CHECK_RC(
	    PST_OK, OPS->meta_set(acct, name, "/private/comment", value, &err));
	CHECK_RC(PST_OK, OPS->meta_get(acct, name, "/private/comment",
			     take_value, &v, &err));
	CHECK(v.calls == 1 && strcmp(v.key, "/private/comment") == 0 &&
		  v.n == sizeof(octets) &&
		  memcmp(v.text, octets, sizeof(octets)) == 0,
	    "all octets come back");
	value.n = 3;
	CHECK_RC(
	    PST_OK, OPS->meta_set(acct, name, "/private/comment", value, &err));
	value.n = 0;
	CHECK_RC(PST_OK,
	    OPS->meta_set(acct, name, "/private/other key", value, &err));
	v = (struct value){ 0 };
	CHECK_RC(PST_OK,
	    OPS->meta_get(acct, name, "/private/c", take_value, &v, &err));
	CHECK(v.calls == 1 && v.n == 3, "it is replaced");
	v = (struct value){ 0 };
	CHECK_RC(PST_OK,
	    OPS->meta_get(acct, name, "/private/", take_value, &v, &err));
	CHECK(v.calls == 2, "a prefix finds both");
	v = (struct value){ 0 };
	CHECK_RC(PST_OK,
	    OPS->meta_get(acct, name, "/private/o", take_value, &v, &err));
	CHECK(v.calls == 1 && v.n == 0 &&
		  strcmp(v.key, "/private/other key") == 0,
	    "an empty value is a value");
	CHECK_RC(
	    PST_OK, OPS->meta_set(acct, name, "/private/comment", none, &err));
	CHECK_RC(
	    PST_OK, OPS->meta_set(acct, name, "/private/comment", none, &err));
	CHECK_RC(PST_OK,
	    OPS->meta_set(acct, name, "/private/other key", none, &err));
	v = (struct value){ 0 };
	CHECK_RC(PST_OK, OPS->meta_get(acct, name, "", take_value, &v, &err));
	CHECK(v.calls == 0, "removed");
}

void
test_meta(void)
{
	struct pst_acct *acct = acct_of("meta@example.test");
	struct pst_str value = { "x", 1 };
	struct pst_error err = { 0 };
	struct pst_box *box;
	struct value v = { 0 };
	struct listing l;

	if (acct == NULL)
		return;
	CHECK_RC(PST_OK, OPS->create(acct, "Box", "", &err));
	meta_values(acct, NULL);
	meta_values(acct, "Box");
	meta_values(acct, "INBOX");
	box = box_of(acct, "Box"); /* the same with the mailbox open */
	meta_values(acct, "Box");
	CHECK(put(box, "x", 0, 0, 1) == 1, "put");
	CHECK_RC(PST_OK, OPS->meta_set(acct, "Box", "/shared/a", value, &err));
	CHECK(put(box, "x", 0, 0, 1) == 2, "put");
	OPS->box_close(box);
	CHECK_RC(PST_OK,
	    OPS->meta_get(acct, "Box", "/shared/a", take_value, &v, &err));
	CHECK(v.calls == 1 && v.n == 1, "it survives the box");
	v = (struct value){ 0 };
	CHECK_RC(PST_OK,
	    OPS->meta_get(acct, "INBOX", "/shared/a", take_value, &v, &err));
	CHECK_RC(PST_OK,
	    OPS->meta_get(acct, NULL, "/shared/a", take_value, &v, &err));
	CHECK(v.calls == 0, "and is of this mailbox only");
	CHECK_RC(PST_OK, OPS->rename(acct, "Box", "Moved", &err));
	CHECK_RC(PST_OK,
	    OPS->meta_get(acct, "Moved", "/shared/a", take_value, &v, &err));
	CHECK(v.calls == 1, "it comes along with a rename");
	CHECK_RC(PST_E_NOTFOUND,
	    OPS->meta_get(acct, "Box", "", take_value, &v, &err));
	CHECK_RC(PST_E_NOTFOUND,
	    OPS->meta_set(acct, "Box", "/shared/a", value, &err));
	CHECK_RC(PST_OK, OPS->create(acct, "Sent", "\\Sent", &err));
	listing_get(acct, &l);
	CHECK(listing_find(&l, "Sent") != NULL &&
		  strcmp(listing_find(&l, "Sent")->special_use, "\\Sent") == 0,
	    "special use is listed");
	CHECK(strcmp(listing_find(&l, "INBOX")->special_use, "") == 0,
	    "INBOX has none");
	listing_free(&l);
	OPS->acct_close(acct);
}
