/*
 * exchange/queue_table.c - ids, and messages and domains by their names in
 * memory.
 */
#include "exchange/queue_priv.h"

#include "base/str.h"

#include <stdlib.h>

/* --- numbers --------------------------------------------------------------
 */

static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

void
queue_id_print(uint64_t id, char text[QUEUE_ID])
{
	for (int i = QUEUE_ID - 2; i >= 0; i--, id >>= 5)
		text[i] = digits[id & 31];
	text[QUEUE_ID - 1] = '\0';
}

bool
queue_id_parse(struct pst_str text, uint64_t *id_r)
{
	*id_r = 0;
	for (size_t i = 0; i < text.n; i++) {
		const char *at = strchr(digits, ascii_upper(text.p[i]));

		if (text.p[i] == '\0' || at == NULL || *id_r >> 59 != 0)
			return false;
		*id_r = *id_r << 5 | (uint64_t)(at - digits);
	}
	return text.n > 0 && text.n < QUEUE_ID;
}

void
queue_put_number(char p[QUEUE_NUMBER], uint32_t v)
{
	for (int i = 0; i < QUEUE_NUMBER; i++)
		p[i] = (char)(v >> (8 * i));
}

bool
queue_get_number(struct pst_str *meta, uint32_t *v_r)
{
	*v_r = 0;
	if (meta->n < QUEUE_NUMBER)
		return false;
	for (int i = 0; i < QUEUE_NUMBER; i++)
		*v_r |= (uint32_t)(unsigned char)meta->p[i] << (8 * i);
	*meta = str_from(*meta, QUEUE_NUMBER);
	return true;
}

/* --- tables; all with the lock, but for uses -------------------------------
 */

static size_t
slot_of(uint64_t id, size_t buckets)
{
	return (size_t)((id * UINT64_C(0x9e3779b97f4a7c15)) >> 20) &
	       (buckets - 1);
}

struct queue_message **
queue_slot(struct queue *q, uint64_t id)
{
	struct queue_message **at = &q->bucket[slot_of(id, q->buckets)];

	while (*at != NULL && (*at)->id != id)
		at = &(*at)->next;
	return at;
}

static void
grow_table(struct queue *q)
{
	size_t buckets = q->buckets * 2;
	struct queue_message **bucket = mem_array(buckets, sizeof(*bucket));

	for (size_t i = 0; i < q->buckets; i++) {
		struct queue_message *m = q->bucket[i], *next;

		for (; m != NULL; m = next) {
			struct queue_message **at =
			    &bucket[slot_of(m->id, buckets)];

			next = m->next;
			m->next = *at;
			*at = m;
		}
	}
	free(q->bucket);
	q->bucket = bucket;
	q->buckets = buckets;
}

void
queue_insert(struct queue *q, struct queue_message *m)
{
	struct queue_message **at;

	if (q->messages >= q->buckets)
		grow_table(q);
	at = &q->bucket[slot_of(m->id, q->buckets)];
	m->next = *at;
	*at = m;
	q->messages++;
	q->jobs += m->jobs;
	if (m->id > q->last_id)
		q->last_id = m->id;
}

static size_t
domain_slot(struct pst_str name, size_t buckets)
{
	uint64_t h = UINT64_C(1469598103934665603);

	for (size_t i = 0; i < name.n; i++)
		h = (h ^ (unsigned char)ascii_lower(name.p[i])) *
		    UINT64_C(1099511628211);
	return (size_t)h & (buckets - 1);
}

static void
grow_domains(struct queue *q)
{
	size_t buckets = q->domain_buckets * 2;
	struct queue_domain **bucket = mem_array(buckets, sizeof(*bucket));

	for (size_t i = 0; i < q->domain_buckets; i++) {
		struct queue_domain *d = q->domain[i], *next;

		for (; d != NULL; d = next) {
			struct queue_domain **at =
			    &bucket[domain_slot(str_of(d->name), buckets)];

			next = d->next;
			d->next = *at;
			*at = d;
		}
	}
	free(q->domain);
	q->domain = bucket;
	q->domain_buckets = buckets;
}

/* The domain, for one more job. */
static struct queue_domain *
domain_use(struct queue *q, struct pst_str name)
{
	struct queue_domain *d;
	size_t slot;

	if (q->domains >= q->domain_buckets)
		grow_domains(q);
	slot = domain_slot(name, q->domain_buckets);
	for (d = q->domain[slot]; d != NULL; d = d->next)
		if (str_is_case(name, d->name))
			break;
	if (d == NULL) {
		d = mem_alloc(sizeof(*d) + name.n + 1);
		for (size_t i = 0; i < name.n; i++)
			d->name[i] = ascii_lower(name.p[i]);
		d->next = q->domain[slot];
		q->domain[slot] = d;
		q->domains++;
	}
	d->jobs++;
	return d;
}

static void
domain_drop(struct queue *q, struct queue_domain *d)
{
	struct queue_domain **at;

	if (--d->jobs > 0)
		return;
	at = &q->domain[domain_slot(str_of(d->name), q->domain_buckets)];
	while (*at != d)
		at = &(*at)->next;
	*at = d->next;
	q->domains--;
	free(d);
}

/* Of the user, or of the address where there is none. */
static uint32_t
hash_sender(const struct envelope *e)
{
	struct pst_str text = e->author.n > 0 ? e->author : e->sender;
	uint32_t h = 2166136261U;

	for (size_t i = 0; i < text.n; i++)
		h = (h ^ (unsigned char)ascii_lower(text.p[i])) * 16777619U;
	return h;
}

bool
queue_all_told(const struct envelope *e, const struct queue_job *job)
{
	for (size_t i = job->first; i < (size_t)job->first + job->n; i++)
		if (e->recipient[i].state == RECIPIENT_WAITS &&
		    !e->recipient[i].told_delay)
			return false;
	return true;
}

/* The recipients of `e` are in order. */
struct queue_message *
queue_message_make(struct queue *q, uint64_t id, const struct envelope *e)
{
	struct queue_message *m;
	size_t jobs = 0;

	for (size_t i = 0; i < e->recipients; i++)
		if (i == 0 ||
		    str_cmp_case(envelope_domain(e->recipient[i].address),
			envelope_domain(e->recipient[i - 1].address)) != 0)
			jobs++;
	m = mem_alloc(sizeof(*m) + jobs * sizeof(m->job[0]));
	m->id = id;
	for (size_t i = 0; i < e->recipients; i++) {
		struct pst_str name = envelope_domain(e->recipient[i].address);
		struct queue_job *job;

		if (m->jobs == 0 ||
		    !str_is_case(name, m->job[m->jobs - 1].domain->name)) {
			job = &m->job[m->jobs++];
			job->message = m;
			job->domain = domain_use(q, name);
			job->first = (uint32_t)i;
			job->due = e->arrived;
			job->held = e->held;
			job->sender = hash_sender(e);
			if (q->opt.route != NULL)
				job->route = q->opt.route(
				    q->opt.route_arg, e->sender, name);
		}
		m->job[m->jobs - 1].n++;
	}
	m->left = m->jobs;
	return m;
}

void
queue_message_free(struct queue *q, struct queue_message *m)
{
	for (size_t i = 0; i < m->jobs; i++) {
		domain_drop(q, m->job[i].domain);
		free(m->job[i].unsaved);
	}
	free(m->chunk);
	free(m);
}

void
queue_use_begin(struct queue *q, struct queue_use *u)
{
	pthread_mutex_lock(&q->lock);
	u->since = journal_tail(q->journal);
	u->next = q->uses;
	q->uses = u;
	pthread_mutex_unlock(&q->lock);
}

void
queue_use_end(struct queue *q, struct queue_use *u)
{
	struct queue_use **at;

	pthread_mutex_lock(&q->lock);
	for (at = &q->uses; *at != u; at = &(*at)->next)
		;
	*at = u->next;
	pthread_mutex_unlock(&q->lock);
}

bool
queue_is_used(struct queue *q, uint32_t segment)
{
	bool used = false;

	pthread_mutex_lock(&q->lock);
	for (struct queue_use *u = q->uses; u != NULL && !used; u = u->next)
		used = segment >= u->since;
	pthread_mutex_unlock(&q->lock);
	return used;
}

/* Takes it out of the table. */
void
queue_message_remove(struct queue *q, struct queue_message **at)
{
	struct queue_message *m = *at;

	*at = m->next;
	q->messages--;
	q->jobs -= m->jobs;
	m->is_gone = true;
}

void
queue_forget_places(struct queue *q, const struct queue_message *m)
{
	for (size_t i = 0; i < m->chunks; i++)
		journal_forget(q->journal, m->chunk[i]);
	journal_forget(q->journal, m->place);
	for (size_t i = 0; i < m->jobs; i++)
		journal_forget(q->journal, m->job[i].progress);
}

void
queue_need_places(struct queue *q, const struct queue_message *m)
{
	for (size_t i = 0; i < m->chunks; i++)
		journal_need(q->journal, m->chunk[i]);
	journal_need(q->journal, m->place);
	for (size_t i = 0; i < m->jobs; i++)
		journal_need(q->journal, m->job[i].progress);
}
