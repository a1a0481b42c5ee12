/*
 * web/tickets.c - see tickets.h.
 */
#include "web/tickets.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/str.h"
#include <gnutls/gnutls.h>
#include <pthread.h>

enum { OCTETS = 32, SLOTS = 1024, OF_USER = 8 };

struct slot {
	char ticket[TICKET];
	char user[321];
	char data[TICKET_DATA];
	enum ticket_kind kind;
	unsigned tries;
	int64_t until; /* clock_monotonic(); 0: free */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards `slots` */
static struct slot slots[SLOTS];

/* With the lock: a free slot, or the oldest; of the user's own when there are
 * many. */
static struct slot *
claim(const char *user)
{
	struct slot *oldest = &slots[0], *own = NULL;
	unsigned owned = 0;

	for (size_t i = 0; i < SLOTS; i++) {
		struct slot *s = &slots[i];

		if (s->until < oldest->until)
			oldest = s;
		if (s->until <= clock_monotonic() || strcmp(s->user, user) != 0)
			continue;
		owned++;
		if (own == NULL || s->until < own->until)
			own = s;
	}
	return owned >= OF_USER ? own : oldest;
}

void
ticket_make(enum ticket_kind kind, const char *user, const char *data,
    char ticket_r[TICKET])
{
	char octets[OCTETS];
	struct buf text;
	struct slot *s;

	random_bytes(octets, sizeof(octets));
	buf_init(&text, 2 * TICKET);
	(void)base64url_encode(str_n(octets, sizeof(octets)), &text);
	(void)str_copy(ticket_r, TICKET, buf_str(&text));
	buf_fini(&text);
	(void)pthread_mutex_lock(&lock);
	s = claim(user);
	memset(s, 0, sizeof(*s));
	(void)str_copy(s->ticket, sizeof(s->ticket), str_of(ticket_r));
	(void)str_copy(s->user, sizeof(s->user), str_of(user));
	(void)str_copy(s->data, sizeof(s->data), str_of(data));
	s->kind = kind;
	s->until = clock_monotonic() + TICKET_LIFE * INT64_C(1000000);
	(void)pthread_mutex_unlock(&lock);
}

/* With the lock. NULL: there is none. */
static struct slot *
find(const char *ticket)
{
	struct slot *found = NULL;

	if (strlen(ticket) != TICKET - 1)
		return NULL;
	for (size_t i = 0; i < SLOTS; i++)
		if (slots[i].until > clock_monotonic() &&
		    gnutls_memcmp(slots[i].ticket, ticket, TICKET - 1) == 0)
			found = &slots[i];
	return found;
}

bool
ticket_try(enum ticket_kind kind, const char *ticket, char user_r[321],
    char data_r[TICKET_DATA])
{
	struct slot *s;
	bool good;

	(void)pthread_mutex_lock(&lock);
	s = find(ticket);
	good = s != NULL && s->kind == kind && s->tries < TICKET_TRIES;
	if (good) {
		s->tries++;
		memcpy(user_r, s->user, sizeof(s->user));
		memcpy(data_r, s->data, sizeof(s->data));
	}
	(void)pthread_mutex_unlock(&lock);
	return good;
}

bool
ticket_finish(const char *ticket)
{
	struct slot *s;

	(void)pthread_mutex_lock(&lock);
	s = find(ticket);
	if (s != NULL)
		gnutls_memset(s, 0, sizeof(*s));
	(void)pthread_mutex_unlock(&lock);
	return s != NULL;
}

void
ticket_forget(const char *user)
{
	(void)pthread_mutex_lock(&lock);
	for (size_t i = 0; i < SLOTS; i++)
		if (strcmp(slots[i].user, user) == 0)
			gnutls_memset(&slots[i], 0, sizeof(slots[i]));
	(void)pthread_mutex_unlock(&lock);
}
