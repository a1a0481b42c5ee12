/*
 * jmap/send.c - from a message in a mailbox to delivery, as a submission by
 * SMTP would come.
 */
#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/str.h"
#include "base/trail.h"
#include "delivery/delivery.h"
#include "jmap/outbox.h"
#include "mailbox/catalog.h"
#include "message/header.h"
#include "trust/signer.h"
#include "trust/trust.h"

#include <stdlib.h>

enum { PIECE = 64 * 1024, ID_OCTETS = 8 };

static const char *
email_of(json_t *object)
{
	return json_string_value(json_object_get(object, "email"));
}

json_t *
jmap_check_recipients(const struct services *sv, struct config *cfg,
    json_t *recipients, enum pst_rc *rc_r)
{
	struct delivery *d = delivery_new(sv, cfg);
	json_t *bad = json_array(), *one;
	size_t i;

	*rc_r = PST_OK;
	json_array_foreach(recipients, i, one)
	{
		const struct delivery_recipient r = {
			.address = str_of(email_of(one)), .may_relay = true
		};
		struct pst_error err;
		enum pst_rc rc = delivery_add(d, &r, &err);

		if (rc == PST_E_TEMP)
			*rc_r = rc;
		else if (rc != PST_OK)
			(void)json_array_append_new(
			    bad, json_string(email_of(one)));
	}
	delivery_free(&d);
	return bad;
}

/* --- the content -----------------------------------------------------------
 */

static enum pst_rc
write_body(
    struct delivery *d, const struct pst_body *body, struct pst_error *err)
{
	char *piece = mem_alloc(PIECE);
	enum pst_rc rc = PST_OK;

	for (uint64_t at = 0; at < body->length && rc == PST_OK;) {
		uint64_t left = body->length - at;
		size_t n = left < PIECE ? (size_t)left : PIECE;

		rc = mail_body_read(body, at, piece, n, err);
		if (rc == PST_OK)
			rc = delivery_write(d, piece, n, err);
		at += n;
	}
	free(piece);
	return rc;
}

static enum pst_rc
open_email(struct catalog *c, json_t *submission, struct pst_body *body_r,
    struct pst_error *err)
{
	const char *id = json_string_value(
	    json_object_get(submission, "emailId"));
	struct catalog_place place;

	if (catalog_find(c, str_of(id), &place, 1) == 0)
		return pst_fail(err, PST_E_NOTFOUND, 0, "the message is gone");
	return view_body(place.box->view, place.uid, body_r, err);
}

static void
put_trace(const struct config *cfg, const char *id, struct buf *out)
{
	char date[40];

	msg_format_date(clock_seconds(), 0, date);
	(void)buf_printf(out,
	    "Received: by %s (Postern) with HTTP id %s;\r\n\t%s\r\n",
	    cfg->hostname, id, date);
}

struct handing {
	const struct jmap_sending *s;
	const char *id;
	bool begun;
};

static enum pst_rc
note_handing(void *arg, struct pst_error *err)
{
	struct handing *h = arg;
	const struct jmap_sending *s = h->s;
	enum pst_rc rc;

	if (json_object_get(s->submission, "handing") == NULL)
		(void)json_object_set_new(s->submission, "handing",
		    json_pack("{s:s, s:I}", "id", h->id, "since",
			(json_int_t)clock_seconds()));
	rc = jmap_outbox_begun(s->cfg, s->account, s->id, s->submission, err);
	h->begun = rc == PST_OK;
	return rc;
}

static const char *
was_queued(void *arg, struct pst_str to)
{
	const struct handing *h = arg;
	json_t *queued = json_object_get(
	    json_object_get(h->s->submission, "handing"), "queued");
	char address[1024];

	return str_copy(address, sizeof(address), to)
		   ? json_string_value(json_object_get(queued, address))
		   : NULL;
}

static enum pst_rc
begin(struct delivery *d, const struct jmap_sending *s, struct handing *h,
    struct trust_signer **signer_r, struct pst_error *err)
{
	json_t *from = json_object_get(
	    json_object_get(s->submission, "envelope"), "mailFrom");
	struct outbound_envelope out = { .body = OUTBOUND_7BIT };
	struct delivery_message m = { .sender = str_of(email_of(from)),
		.id = str_of(h->id),
		.author = str_of(s->user),
		.envelope = &out,
		.one_answer = false,
		.foreign = true,
		.handing = note_handing,
		.handing_arg = h,
		.was_queued = was_queued,
		.again = json_integer_value(json_object_get(
		    json_object_get(s->submission, "handing"), "since")) };
	struct delivery_seal seal;
	struct buf trace;
	enum pst_rc rc;

	if (s->cfg->dkim.sign) {
		*signer_r = trust_signer_new(
		    s->cfg, s->sv->accounts, s->sv->trust->keys, 0);
		seal = (struct delivery_seal){
			.content = trust_signer_content,
			.fields = trust_signer_fields,
			.arg = *signer_r,
		};
		m.seal = &seal;
	}
	buf_init(&trace, 4096);
	put_trace(s->cfg, h->id, &trace);
	m.trace = buf_str(&trace);
	rc = delivery_begin(d, &m, err);
	buf_fini(&trace);
	return rc;
}

/* --- what became of it -----------------------------------------------------
 */

static void
put_status(json_t *status, const char *email, enum pst_rc rc, bool is_queued)
{
	(void)json_object_set_new(status, email,
	    json_pack("{s:s, s:s, s:s}", "smtpReply",
		rc == PST_OK	     ? "250 2.0.0 Accepted"
		: rc == PST_E_QUOTA  ? "552 5.2.2 Mailbox full"
		: rc == PST_E_TEMP   ? "451 4.3.0 Try again later"
		: rc == PST_E_DENIED ? "550 5.7.1 Not allowed"
				     : "550 5.1.1 Not delivered",
		"delivered",
		rc != PST_OK ? "no"
		: is_queued  ? "queued"
			     : "yes",
		"displayed", "unknown"));
}

static enum pst_rc
finish(struct delivery *d, json_t *recipients, json_t *submission,
    struct pst_error *err)
{
	size_t i, n = json_array_size(recipients), stored = 0, done = 0;
	enum pst_rc *results = mem_array(n + 1, sizeof(*results));
	json_t *status = json_object(), *one;
	enum delivery_verdict verdict = delivery_finish(
	    d, results, &stored, err);
	enum pst_rc rc = PST_OK;

	if (verdict == DELIVERY_FORGED)
		rc = pst_fail(err, PST_E_DENIED, 0, "the author is another");
	else if (verdict != DELIVERY_DONE)
		rc = pst_fail(err,
		    verdict == DELIVERY_UNSURE ? PST_E_TEMP : PST_E_PERM, 0,
		    "the message is refused");
	json_array_foreach(recipients, i, one)
	{
		if (rc != PST_OK)
			break;
		put_status(status, email_of(one), results[i],
		    delivery_queued(d) != NULL);
		done += results[i] == PST_OK;
	}
	if (rc == PST_OK && done == 0)
		rc = results[0] != PST_OK ? results[0] : PST_E_PERM;
	(void)json_object_set_new(submission, "deliveryStatus", status);
	free(results);
	return rc;
}

/* As a submission by SMTP is noted. */
static void
note(const char *user, json_t *submission, json_t *recipients)
{
	json_t *from = json_object_get(
		   json_object_get(submission, "envelope"), "mailFrom"),
	       *one;
	size_t i;

	trail_event(NULL, "mail", "from", email_of(from), "by", "jmap", "user",
	    user, NULL);
	json_array_foreach(recipients, i, one)
	    trail_event(NULL, "rcpt", "to", email_of(one), NULL);
}

/* By which id it was handed over before, or a new one. */
static void
choose_id(json_t *submission, char id_r[2 * ID_OCTETS + 1])
{
	const char *old = json_string_value(
	    json_object_get(json_object_get(submission, "handing"), "id"));
	unsigned char octets[ID_OCTETS];

	if (old != NULL && strlen(old) == (size_t)2 * ID_OCTETS) {
		(void)str_copy(id_r, 2 * ID_OCTETS + 1, str_of(old));
		return;
	}
	random_bytes(octets, sizeof(octets));
	hex_encode(octets, sizeof(octets), id_r);
}

enum pst_rc
jmap_send(const struct jmap_sending *s, struct pst_error *err)
{
	json_t *envelope = json_object_get(s->submission, "envelope");
	json_t *recipients = json_object_get(envelope, "rcptTo"), *one;
	struct delivery *d = delivery_new(s->sv, s->cfg);
	struct trust_signer *signer = NULL;
	struct pst_body body = { .fd = -1 };
	char id[2 * ID_OCTETS + 1];
	struct handing h = { .s = s, .id = id };
	enum pst_rc rc = PST_OK;
	size_t i;

	choose_id(s->submission, id);
	trail_about(id);
	note(s->user, s->submission, recipients);
	json_array_foreach(recipients, i, one)
	{
		const struct delivery_recipient r = {
			.address = str_of(email_of(one)), .may_relay = true
		};

		if (rc == PST_OK)
			rc = delivery_add(d, &r, err);
	}
	if (rc == PST_OK)
		rc = open_email(s->catalog, s->submission, &body, err);
	if (rc == PST_OK)
		rc = begin(d, s, &h, &signer, err);
	if (rc == PST_OK)
		rc = write_body(d, &body, err);
	if (rc == PST_OK)
		rc = finish(d, recipients, s->submission, err);
	if (rc == PST_OK)
		log_event(PST_LOG_INFO, 0, "message", "id", id, "from",
		    email_of(json_object_get(envelope, "mailFrom")), "user",
		    s->user, "queued", delivery_queued(d), NULL);
	if (h.begun)
		jmap_outbox_ended(s->cfg, s->account, s->id, s->submission, rc);
	if (body.release != NULL)
		body.release(&body);
	delivery_free(&d);
	trust_signer_free(&signer);
	trail_about(NULL);
	return rc;
}
