/*
 * jmap/email_set.c - Email/set (RFC 8621, 4.6): flags and mailboxes of
 * messages, new ones, and their end.
 */
#include "base/clock.h"
#include "base/str.h"
#include "jmap/blob.h"
#include "jmap/email.h"

#include <stdlib.h>

enum { KEYWORDS = 100, PATH_MAX_OCTETS = 4096 };

/* --- keywords --------------------------------------------------------------
 */

static uint32_t
flag_of(const char *keyword)
{
	static const struct {
		const char *keyword;
		uint32_t flag;
	} flags[] = {
		{ "$seen", PST_SEEN },
		{ "$flagged", PST_FLAGGED },
		{ "$answered", PST_ANSWERED },
		{ "$draft", PST_DRAFT },
	};

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (strcasecmp(keyword, flags[i].keyword) == 0)
			return flags[i].flag;
	return 0;
}

/* RFC 8621, 4.1.1: an atom of IMAP of at most 255 octets. */
static bool
is_keyword(const char *s)
{
	size_t n = strlen(s);

	for (size_t i = 0; i < n; i++)
		if (s[i] <= ' ' || s[i] >= 127 ||
		    strchr("(){]%*\"\\", s[i]) != NULL)
			return false;
	return n > 0 && n <= 255;
}

json_t *
jmap_flags_of(
    json_t *keywords, uint32_t *flags_r, const char ***names_r, size_t *n_r)
{
	const char *keyword;
	json_t *value;

	*flags_r = 0;
	*n_r = 0;
	*names_r = mem_array(json_object_size(keywords) + 1, sizeof(char *));
	if (keywords != NULL && !json_is_object(keywords))
		return jmap_set_error("invalidProperties", "keywords", NULL);
	if (json_object_size(keywords) > KEYWORDS)
		return jmap_set_error("tooManyKeywords", NULL, NULL);
	json_object_foreach(keywords, keyword, value)
	{
		uint32_t flag = flag_of(keyword);

		if (!json_is_true(value) || !is_keyword(keyword))
			return jmap_set_error(
			    "invalidProperties", "keywords", NULL);
		*flags_r |= flag;
		if (flag == 0)
			(*names_r)[(*n_r)++] = keyword;
	}
	return NULL;
}

static json_t *
store(const struct catalog_place *p, enum pst_flag_op op, uint32_t flags,
    const char *const *names, size_t n)
{
	const struct view_store change = { .op = op,
		.flags = flags,
		.keywords = names,
		.keyword_count = n,
		.unchanged_since = UINT64_MAX };
	struct pst_range range = { p->uid, p->uid };
	struct pst_error err = { 0 };
	enum pst_rc rc = view_store(
	    p->box->view, (struct pst_uids){ &range, 1 }, &change, NULL, &err);

	if (rc == PST_E_LIMIT)
		return jmap_set_error("tooManyKeywords", NULL, NULL);
	return rc != PST_OK ? jmap_set_failed(&err) : NULL;
}

/* What is in `a` and not in `b`. */
static json_t *
without(json_t *a, json_t *b)
{
	json_t *rest = json_object(), *value;
	const char *keyword;

	json_object_foreach(a, keyword, value)
	{
		if (json_object_get(b, keyword) == NULL)
			(void)json_object_set(rest, keyword, value);
	}
	return rest;
}

/* Adds or removes them in all places. */
static json_t *
store_all(const struct catalog_place *places, size_t n, enum pst_flag_op op,
    json_t *keywords)
{
	const char **names = NULL;
	json_t *error;
	uint32_t flags;
	size_t count;

	error = jmap_flags_of(keywords, &flags, &names, &count);
	if (json_object_size(keywords) == 0)
		n = 0;
	for (size_t i = 0; i < n && error == NULL; i++)
		error = store(
		    &places[i], op, flags, (const char *const *)names, count);
	free(names);
	return error;
}

/* Only what differs is changed: what somebody else changes at the same time
 * stays. */
static json_t *
set_keywords(
    const struct catalog_place *places, size_t n, json_t *old, json_t *keywords)
{
	json_t *added = without(keywords, old), *gone = without(old, keywords);
	json_t *error = store_all(NULL, 0, PST_FLAGS_ADD, keywords);

	if (error == NULL)
		error = store_all(places, n, PST_FLAGS_ADD, added);
	if (error == NULL)
		error = store_all(places, n, PST_FLAGS_REMOVE, gone);
	json_decref(added);
	json_decref(gone);
	return error;
}

/* --- mailboxes -------------------------------------------------------------
 */

/* The mailboxes of "mailboxIds". NULL, or a SetError. */
static json_t *
boxes_of(
    struct jmap_call *c, json_t *ids, struct catalog_box **boxes_r, size_t *n_r)
{
	const char *id;
	json_t *value;

	*n_r = 0;
	if (!json_is_object(ids) || json_object_size(ids) == 0)
		return jmap_set_error("invalidProperties", "mailboxIds",
		    "A message is in at least one mailbox.");
	if (json_object_size(ids) > JMAP_MAILBOXES)
		return jmap_set_error("tooManyMailboxes", NULL, NULL);
	json_object_foreach(ids, id, value)
	{
		const char *real = jmap_real_id(c->q, id);
		struct catalog_box *box = real != NULL
					      ? catalog_find_box(
						    c->q->catalog, str_of(real))
					      : NULL;

		if (box == NULL || !json_is_true(value))
			return jmap_set_error("invalidProperties", "mailboxIds",
			    "There is no such mailbox.");
		boxes_r[(*n_r)++] = box;
	}
	return NULL;
}

static json_t *
copy_to(struct jmap_call *c, const struct catalog_place *from,
    const struct catalog_box *to, bool move)
{
	struct pst_range range = { from->uid, from->uid };
	struct view_copied copied = { 0 };
	struct pst_error err = { 0 };
	enum pst_rc rc = view_copy(from->box->view,
	    (struct pst_uids){ &range, 1 }, catalog_account(c->q->catalog),
	    to->name, move, &copied, &err);

	view_copied_fini(&copied);
	return rc != PST_OK ? jmap_set_failed(&err) : NULL;
}

static json_t *
remove_from(const struct catalog_place *p)
{
	struct pst_range range = { p->uid, p->uid };
	struct pst_error err = { 0 };
	enum pst_rc rc = view_remove(
	    p->box->view, (struct pst_uids){ &range, 1 }, &err);

	return rc != PST_OK ? jmap_set_failed(&err) : NULL;
}

static bool
is_among(
    const struct catalog_box *box, struct catalog_box *const *boxes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (boxes[i] == box)
			return true;
	return false;
}

static bool
is_in(const struct catalog_box *box, const struct catalog_place *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i].box == box)
			return true;
	return false;
}

/* The places that it leaves; the number of them. */
static size_t
find_leaving(const struct catalog_place *places, size_t n,
    struct catalog_box *const *boxes, size_t wanted, size_t *leaving_r)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		if (!is_among(places[i].box, boxes, wanted))
			leaving_r[count++] = i;
	return count;
}

/*
 * Makes the message be in these mailboxes. One that it leaves for another is a
 * move, which is done or not; copies come first, while it is still there.
 */
static json_t *
set_mailboxes(struct jmap_call *c, const struct catalog_place *places, size_t n,
    json_t *ids)
{
	struct catalog_box *boxes[JMAP_MAILBOXES], *added[JMAP_MAILBOXES];
	size_t leaving[JMAP_PLACES], wanted, adds = 0, leaves, copies, moved;
	json_t *error = boxes_of(c, ids, boxes, &wanted);

	if (error != NULL)
		return error;
	for (size_t k = 0; k < wanted; k++)
		if (!is_in(boxes[k], places, n))
			added[adds++] = boxes[k];
	leaves = find_leaving(places, n, boxes, wanted, leaving);
	copies = adds > leaves ? adds - leaves : 0;
	moved = adds - copies;
	for (size_t k = 0; k < copies && error == NULL; k++)
		error = copy_to(c, &places[0], added[k], false);
	for (size_t k = 0; k < moved && error == NULL; k++)
		error = copy_to(
		    c, &places[leaving[k]], added[copies + k], true);
	for (size_t k = moved; k < leaves && error == NULL; k++)
		error = remove_from(&places[leaving[k]]);
	return error;
}

/* --- update ----------------------------------------------------------------
 */

static size_t
find(struct jmap_call *c, const char *id, struct catalog_place *places)
{
	size_t n = catalog_find(c->q->catalog, str_of(id), places, JMAP_PLACES);

	return n < JMAP_PLACES ? n : JMAP_PLACES;
}

static json_t *
mailbox_ids(const struct catalog_place *places, size_t n)
{
	json_t *ids = json_object();

	for (size_t i = 0; i < n; i++)
		(void)json_object_set_new(ids, places[i].box->id, json_true());
	return ids;
}

/* One path of a patch as ours are: keywords in lower case (RFC 8621, 4.1.1), a
 * creation id as what it stands for. */
static void
real_path(struct jmap_call *c, const char *path, struct buf *out)
{
	static const char keywords[] = "keywords/", boxes[] = "mailboxIds/";
	const char *id = NULL;

	if (strncmp(path, boxes, sizeof(boxes) - 1) == 0 &&
	    path[sizeof(boxes) - 1] == '#')
		id = jmap_real_id(c->q, path + sizeof(boxes) - 1);
	if (id != NULL) {
		(void)buf_printf(out, "%s%s", boxes, id);
	} else {
		bool lower = strncmp(path, keywords, sizeof(keywords) - 1) == 0;

		for (; *path != '\0'; path++)
			(void)buf_putc(out, lower ? ascii_lower(*path) : *path);
	}
	(void)buf_putc(out, '\0');
}

static json_t *
real_patch(struct jmap_call *c, json_t *patch)
{
	json_t *real = json_object(), *value;
	const char *path;
	struct buf text;

	buf_init(&text, PATH_MAX_OCTETS);
	json_object_foreach(patch, path, value)
	{
		buf_clear(&text);
		real_path(c, path, &text);
		(void)json_object_set(
		    real, text.overflow ? path : text.p, value);
	}
	buf_fini(&text);
	return real;
}

/* RFC 8620, 5.3: what cannot change may be there as it is. */
static bool
is_unchanged(
    struct jmap_call *c, const char *id, const char *name, json_t *value)
{
	json_t *args = json_pack("{s:s, s:[s], s:[s]}", "accountId",
		   c->q->account, "ids", id, "properties", name),
	       *got;
	struct jmap_call inner = {
		.q = c->q, .name = "Email/get", .id = c->id, .args = args
	};
	bool same;

	if (!jmap_email_knows(name)) {
		json_decref(args);
		return false;
	}
	got = jmap_email_get(&inner);
	same = json_equal(
	    json_object_get(
		json_array_get(json_object_get(got, "list"), 0), name),
	    value);
	json_decref(got);
	json_decref(args);
	return same;
}

static json_t *
check_patch(struct jmap_call *c, const char *id, json_t *patch)
{
	const char *path;
	json_t *value;

	json_object_foreach(patch, path, value)
	{
		if (strcmp(path, "keywords") != 0 &&
		    strcmp(path, "mailboxIds") != 0 &&
		    strncmp(path, "keywords/", 9) != 0 &&
		    strncmp(path, "mailboxIds/", 11) != 0 &&
		    !is_unchanged(c, id, path, value))
			return jmap_set_error("invalidProperties", path,
			    "Only keywords and mailboxIds can change.");
	}
	return NULL;
}

json_t *
jmap_update_email(struct jmap_call *c, const char *id, json_t *patch)
{
	struct catalog_place *places = mem_array(JMAP_PLACES, sizeof(*places));
	size_t n = find(c, id, places);
	json_t *object, *real, *error, *old_boxes, *old_words;

	if (n == 0) {
		free(places);
		return jmap_set_error("notFound", NULL, NULL);
	}
	object = json_pack("{s:o, s:o}", "keywords", jmap_keywords(places, n),
	    "mailboxIds", mailbox_ids(places, n));
	old_boxes = json_deep_copy(json_object_get(object, "mailboxIds"));
	old_words = json_deep_copy(json_object_get(object, "keywords"));
	real = real_patch(c, patch);
	error = check_patch(c, id, real);
	if (error == NULL)
		error = jmap_patch(object, real);
	/* Flags first: they go along with copies. */
	if (error == NULL &&
	    !json_equal(json_object_get(object, "keywords"), old_words))
		error = set_keywords(
		    places, n, old_words, json_object_get(object, "keywords"));
	if (error == NULL &&
	    !json_equal(json_object_get(object, "mailboxIds"), old_boxes))
		error = set_mailboxes(
		    c, places, n, json_object_get(object, "mailboxIds"));
	json_decref(real);
	json_decref(object);
	json_decref(old_boxes);
	json_decref(old_words);
	free(places);
	if (error == NULL) {
		struct pst_error err;

		/* Later changes of this request see it. */
		(void)catalog_sync(c->q->catalog, &err);
	}
	return error;
}

static json_t *
update(struct jmap_call *c, const char *id, json_t *patch, json_t **changed_r)
{
	(void)changed_r;
	return jmap_update_email(c, id, patch);
}

/* --- destroy ---------------------------------------------------------------
 */

json_t *
jmap_destroy_email(struct jmap_call *c, const char *id)
{
	struct catalog_place *places = mem_array(JMAP_PLACES, sizeof(*places));
	size_t n = find(c, id, places);
	struct pst_error err;
	json_t *error = NULL;

	if (n == 0)
		error = jmap_set_error("notFound", NULL, NULL);
	else if (jmap_has_keyword(places, n, "$draft"))
		jmap_blob_rescue(c, &places[0]);
	for (size_t i = 0; i < n && error == NULL; i++)
		error = remove_from(&places[i]);
	free(places);
	if (error == NULL)
		(void)catalog_sync(c->q->catalog, &err);
	return error;
}

/* --- create ----------------------------------------------------------------
 */

static json_t *
append(struct jmap_call *c, struct pst_str content,
    struct catalog_box *const *boxes, size_t n, json_t *keywords,
    int64_t received)
{
	struct mail_account *acct = catalog_account(c->q->catalog);
	struct mail_append a = { .internal_date = received };
	struct mail_appended where;
	struct pst_error err = { 0 };
	const char **names = NULL;
	json_t *error;
	enum pst_rc rc;

	error = jmap_flags_of(keywords, &a.flags, &names, &a.keyword_count);
	a.keywords = (const char *const *)names;
	if (error != NULL) {
		free(names);
		return error;
	}
	rc = mail_account_room(acct, content.n, &err);
	if (rc == PST_OK)
		rc = mail_stage_new(acct, content.n, &a.stage, &err);
	if (rc == PST_OK)
		rc = mail_stage_write(a.stage, content.p, content.n, &err);
	for (size_t i = 0; i < n && rc == PST_OK; i++) {
		a.last = i + 1 == n;
		rc = mail_append(acct, boxes[i]->name, &a, 1, &where, &err);
	}
	if (a.stage != NULL)
		mail_stage_free(&a.stage);
	free(names);
	return rc != PST_OK ? jmap_set_failed(&err) : NULL;
}

/* The message that was put at the end of a mailbox just now. */
static json_t *
describe(struct catalog_box *box)
{
	struct catalog_place p = { .box = box, .seq = (uint32_t)box->n };
	const struct catalog_entry *e = catalog_entry(&p);
	char thread[CATALOG_THREAD_ID];

	p.uid = view_uid(box->view, p.seq);
	view_rows(box->view, p.seq, 1, &p.row);
	catalog_thread_id(e->thread, thread);
	return json_pack("{s:s, s:s, s:s, s:I}", "id", e->id, "blobId", e->id,
	    "threadId", thread, "size", (json_int_t)p.row.size);
}

json_t *
jmap_put_email(struct jmap_call *c, struct pst_str content, json_t *mailbox_ids,
    json_t *keywords, int64_t received, json_t **made_r)
{
	struct catalog_box *boxes[JMAP_MAILBOXES];
	struct pst_error err = { 0 };
	json_t *error;
	size_t n, before;

	if (content.n > (uint64_t)c->q->cfg->smtp.message_size)
		return jmap_set_error("tooLarge", NULL, NULL);
	error = boxes_of(c, mailbox_ids, boxes, &n);
	if (error != NULL)
		return error;
	before = boxes[0]->n;
	error = append(c, content, boxes, n, keywords, received);
	if (error != NULL)
		return error;
	if (catalog_sync(c->q->catalog, &err) != PST_OK)
		return jmap_set_failed(&err);
	if (boxes[0]->n <= before)
		return jmap_set_error("serverFail", NULL, NULL);
	*made_r = describe(boxes[0]);
	return NULL;
}

static json_t *
create(
    struct jmap_call *c, const char *creation, json_t *object, json_t **made_r)
{
	const char *received = json_string_value(
	    json_object_get(object, "receivedAt"));
	int64_t at = clock_seconds();
	struct buf content;
	json_t *error;

	(void)creation;
	if (received != NULL && !jmap_parse_date(received, &at))
		return jmap_set_error("invalidProperties", "receivedAt", NULL);
	buf_init(&content, (size_t)c->q->cfg->smtp.message_size + 1);
	error = jmap_compose(c, object, &content);
	if (error == NULL)
		error = jmap_put_email(c, buf_str(&content),
		    json_object_get(object, "mailboxIds"),
		    json_object_get(object, "keywords"), at, made_r);
	buf_fini(&content);
	return error;
}

static json_t *
destroy(struct jmap_call *c, const char *id)
{
	/* Each is destroyed once (5.3), even if it is named twice. */
	if (json_object_del(c->gone, id) == 0)
		return NULL;
	return jmap_destroy_email(c, id);
}

json_t *
jmap_email_set(struct jmap_call *c)
{
	static const struct jmap_setter setter = { .state = jmap_email_state,
		.create = create,
		.update = update,
		.destroy = destroy,
		.bulk = jmap_email_bulk };

	return jmap_set(c, &setter);
}
