/*
 * pop3/maildrop.c - the messages of a session: INBOX as it was at the login
 * (RFC 1939, 4). What others add or remove meanwhile does not change numbers,
 * sizes and counts.
 *
 * The view is opened for reading only, so that messages stay \Recent for the
 * sessions of IMAP; what QUIT changes is changed through another one.
 */
#include "base/str.h"
#include "pop3/locks.h"
#include "pop3/parse.h"
#include "pop3/session.h"
#include <stdlib.h>

enum { BATCH = 256 }; /* rows at a time */

/* --- opening and closing ---------------------------------------------------
 */

/* What pop3.delete = flag marks a message with: a system flag or a keyword. */
static uint32_t
deleted_flag(const struct config *cfg)
{
	return cfg->pop3.deleted_flag[0] == '\\' ? PST_DELETED : 0;
}

static uint64_t
deleted_keyword(const struct config *cfg, struct mailbox_view *v)
{
	const char *const *names = view_keywords(v);

	for (unsigned i = 0; i < PST_KEYWORDS_MAX; i++)
		if (names[i] != NULL &&
		    str_is_case(str_of(names[i]), cfg->pop3.deleted_flag))
			return (uint64_t)1 << i;
	return 0;
}

static void
add_message(struct pop3_session *s, const struct pst_row *row)
{
	s->message[s->messages++] = (struct pop3_message){
		.uid = row->uid,
		.size = row->size,
		.marks = row->flags & PST_SEEN ? POP3_SEEN : 0,
	};
}

static void
take_messages(struct pop3_session *s)
{
	const struct config *cfg = pop3_config(s);
	bool hides = cfg->pop3.delete == CONFIG_DELETE_FLAG;
	uint32_t flags = hides ? deleted_flag(cfg) : 0;
	uint64_t keywords = hides ? deleted_keyword(cfg, s->view) : 0;
	uint32_t count = view_count(s->view);
	uint32_t most = (uint32_t)cfg->pop3.messages;
	struct pst_row rows[BATCH];

	s->message = mem_array(
	    count < most ? count : most, sizeof(*s->message));
	for (uint32_t seq = 1; seq <= count; seq += BATCH) {
		uint32_t n = count - seq + 1 < BATCH ? count - seq + 1 : BATCH;

		view_rows(s->view, seq, n, rows);
		for (uint32_t i = 0; i < n && s->messages < most; i++)
			if (rows[i].uid != 0 && !(rows[i].flags & flags) &&
			    !(rows[i].keywords & keywords))
				add_message(s, &rows[i]);
	}
}

enum pst_rc
pop3_maildrop_open(struct pop3_session *s, struct pst_error *err)
{
	enum pst_rc rc = view_open(
	    s->account, "INBOX", true, NULL, &s->view, err);

	if (rc == PST_OK)
		take_messages(s);
	return rc;
}

static void
log_end(const struct pop3_session *s)
{
	char retrieved[24], tops[24], deleted[24], octets[24];

	(void)snprintf(retrieved, sizeof(retrieved), "%llu",
	    (unsigned long long)s->retrieved);
	(void)snprintf(tops, sizeof(tops), "%llu", (unsigned long long)s->tops);
	(void)snprintf(
	    deleted, sizeof(deleted), "%llu", (unsigned long long)s->deleted);
	(void)snprintf(
	    octets, sizeof(octets), "%llu", (unsigned long long)s->octets);
	log_event(PST_LOG_INFO, net_id(s->conn), "logout", "protocol", "pop3",
	    "user", s->address, "retrieved", retrieved, "top", tops, "deleted",
	    deleted, "octets", octets, NULL);
}

void
pop3_maildrop_close(struct pop3_session *s)
{
	if (s->state == POP3_TRANSACTION && s->account != NULL)
		log_end(s);
	pop3_send_end(s);
	pop3_uidl_end(s);
	free(s->message);
	s->message = NULL;
	s->messages = 0;
	view_close(&s->view);
	if (s->account != NULL)
		mail_account_close(&s->account);
	if (s->locked)
		pop3_unlock(s->services->pop3_locks, s->address);
	s->locked = false;
}

/* --- looking ----------------------------------------------------------------
 */

uint32_t
pop3_maildrop_count(const struct pop3_session *s, uint64_t *octets_r)
{
	uint32_t count = 0;

	*octets_r = 0;
	for (uint32_t i = 0; i < s->messages; i++) {
		if (s->message[i].marks & POP3_DELETED)
			continue;
		*octets_r += s->message[i].size;
		count++;
	}
	return count;
}

struct pop3_message *
pop3_maildrop_at(struct pop3_session *s, uint32_t number, enum net_next *next_r)
{
	if (number == 0 || number > s->messages) {
		*next_r = pop3_err(s, NULL, POP3_TEXT_NO_MESSAGE);
		return NULL;
	}
	if (s->message[number - 1].marks & POP3_DELETED) {
		*next_r = pop3_err(s, NULL, POP3_TEXT_IS_DELETED);
		return NULL;
	}
	return &s->message[number - 1];
}

struct pop3_message *
pop3_maildrop_find(
    struct pop3_session *s, struct pst_str args, enum net_next *next_r)
{
	uint32_t number;

	if (!pop3_parse_number(args, &number)) {
		*next_r = pop3_bad(s, POP3_TEXT_SYNTAX);
		return NULL;
	}
	return pop3_maildrop_at(s, number, next_r);
}

/* --- the UPDATE state -------------------------------------------------------
 */

/* The uids of messages that have of `mask` the marks `want`. */
static void
collect(const struct pop3_session *s, unsigned mask, unsigned want,
    struct uidset *uids)
{
	for (uint32_t i = 0; i < s->messages; i++)
		if ((s->message[i].marks & mask) == want)
			uidset_add(uids, s->message[i].uid, s->message[i].uid);
}

static enum pst_rc
add_flags(struct mailbox_view *v, const struct uidset *uids, uint32_t flags,
    const char *keyword, struct pst_error *err)
{
	const struct view_store change = {
		.op = PST_FLAGS_ADD,
		.flags = flags,
		.keywords = &keyword,
		.keyword_count = keyword != NULL,
		.unchanged_since = UINT64_MAX,
	};

	return view_store(v, uidset_peek(uids), &change, NULL, err);
}

static enum pst_rc
delete_messages(const struct config *cfg, struct mailbox_view *v,
    const struct uidset *uids, struct pst_error *err)
{
	uint32_t flags = deleted_flag(cfg);

	switch ((enum config_delete)cfg->pop3.delete) {
	case CONFIG_DELETE_FLAG:
		return add_flags(v, uids, flags,
		    flags == 0 ? cfg->pop3.deleted_flag : NULL, err);
	case CONFIG_DELETE_EXPUNGE:
		break;
	}
	return view_remove(v, uidset_peek(uids), err);
}

/* What others removed meanwhile is no error: it is not there, as it should be.
 */
enum pst_rc
pop3_maildrop_update(struct pop3_session *s, struct pst_error *err)
{
	const struct config *cfg = pop3_config(s);
	struct uidset deleted = { 0 }, seen = { 0 };
	struct pst_error ignored;
	enum pst_rc rc = PST_OK;

	collect(s, POP3_DELETED, POP3_DELETED, &deleted);
	if (cfg->pop3.mark_seen)
		collect(
		    s, POP3_DELETED | POP3_READ | POP3_SEEN, POP3_READ, &seen);
	view_allow_changes(s->view);
	if (seen.n > 0 &&
	    add_flags(s->view, &seen, PST_SEEN, NULL, &ignored) != PST_OK)
		log_failure(
		    PST_LOG_ERROR, net_id(s->conn), "pop3-seen", &ignored);
	if (deleted.n > 0)
		rc = delete_messages(cfg, s->view, &deleted, err);
	if (rc == PST_OK)
		s->deleted += uidset_count(&deleted);
	uidset_fini(&deleted);
	uidset_fini(&seen);
	return rc;
}
