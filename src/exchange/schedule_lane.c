/*
 * exchange/schedule_lane.c - the domains of a schedule. What is known of their
 * hosts stays for as long as it holds, also when there are no jobs for a while:
 * the next message need not ask again.
 */
#include "exchange/schedule_priv.h"

#include "base/clock.h"
#include "base/str.h"

#include <stdlib.h>

static struct lane **
slot_of(struct schedule *s, const char *name)
{
	return &s->lane[schedule_hash(name) & (s->lane_buckets - 1)];
}

static void
grow(struct schedule *s)
{
	struct lane **old = s->lane;
	size_t n = s->lane_buckets;

	s->lane_buckets = n > 0 ? n * 2 : SCHEDULE_LANES_MIN;
	s->lane = mem_array(s->lane_buckets, sizeof(*s->lane));
	for (size_t i = 0; i < n; i++)
		for (struct lane *lane = old[i], *next; lane != NULL;
		     lane = next) {
			struct lane **at = slot_of(s, lane->name);

			next = lane->by_name;
			lane->by_name = *at;
			*at = lane;
		}
	free(old);
}

static void
wake(struct schedule *s, struct lane *lane)
{
	if (!lane->rests)
		return;
	lane->rests = false;
	s->resting--;
	if (lane->rested_before != NULL)
		lane->rested_before->rested_behind = lane->rested_behind;
	else
		s->rest = lane->rested_behind;
	if (lane->rested_behind != NULL)
		lane->rested_behind->rested_before = lane->rested_before;
	else
		s->rest_last = lane->rested_before;
}

void
lane_leave(struct lane *lane)
{
	struct lane *l;

	if (lane->domain == NULL)
		return;
	if (lane->domain->priv == lane) {
		lane->domain->priv = lane->sister;
	} else {
		for (l = lane->domain->priv; l->sister != lane; l = l->sister)
			;
		l->sister = lane->sister;
	}
	lane->sister = NULL;
	lane->domain = NULL;
}

static void
end(struct schedule *s, struct lane *lane)
{
	struct lane **at = slot_of(s, lane->name);

	wake(s, lane);
	provider_drop(s, lane->provider);
	lane_leave(lane);
	while (*at != lane)
		at = &(*at)->by_name;
	*at = lane->by_name;
	s->lanes--;
	free(lane);
}

struct lane *
lane_of(struct schedule *s, struct queue_job *job)
{
	struct queue_domain *d = job->domain;
	struct lane *lane = d->priv, **at;
	size_t n = strlen(d->name);

	while (lane != NULL && lane->route != job->route)
		lane = lane->sister;
	if (lane != NULL)
		return lane;
	if (s->lanes >= s->lane_buckets)
		grow(s);
	at = slot_of(s, d->name);
	for (lane = *at; lane != NULL; lane = lane->by_name)
		if (lane->route == job->route &&
		    strcmp(lane->name, d->name) == 0)
			break;
	if (lane == NULL) {
		lane = mem_alloc(sizeof(*lane) + n + 1);
		memcpy(lane->name, d->name, n + 1);
		lane->route = job->route;
		lane->by_name = *at;
		*at = lane;
		s->lanes++;
	}
	wake(s, lane);
	lane->domain = d;
	lane->sister = d->priv;
	d->priv = lane;
	return lane;
}

void
lane_drop(struct schedule *s, struct lane *lane)
{
	if (lane->jobs > 0 || lane->refs > 0 || lane->is_asked || lane->rests)
		return;
	if (lane->domain != NULL || lane->provider == NULL ||
	    lane->provider->found != HOSTS_FOUND ||
	    lane->until <= clock_monotonic()) {
		end(s, lane);
		return;
	}
	lane->rests = true;
	s->resting++;
	lane->rested_behind = NULL;
	lane->rested_before = s->rest_last;
	if (s->rest_last != NULL)
		s->rest_last->rested_behind = lane;
	else
		s->rest = lane;
	s->rest_last = lane;
	if (s->resting > SCHEDULE_RESTING)
		end(s, s->rest);
}

void
lanes_tidy(struct schedule *s)
{
	int64_t now = clock_monotonic();

	for (struct lane *lane = s->rest, *next; lane != NULL; lane = next) {
		next = lane->rested_behind;
		if (lane->until <= now)
			end(s, lane);
	}
}

void
lanes_free(struct schedule *s)
{
	for (size_t i = 0; i < s->lane_buckets; i++)
		for (struct lane *lane = s->lane[i], *next; lane != NULL;
		     lane = next) {
			next = lane->by_name;
			free(lane);
		}
	free(s->lane);
}

void
lane_ask(struct schedule *s, struct lane *lane)
{
	if (lane->is_asked)
		return;
	lane->is_asked = true;
	lane->next = NULL;
	*s->ask_last = lane;
	s->ask_last = &lane->next;
}
