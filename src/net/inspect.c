/*
 * net/inspect.c - looking at connections from outside.
 */
#include "net/inspect.h"

#include "net/priv.h"

static uint32_t
slots_used(struct net *n)
{
	uint32_t used;

	pthread_mutex_lock(&n->free_lock);
	used = n->unused;
	pthread_mutex_unlock(&n->free_lock);
	return used;
}

void
net_each(
    struct net *n, void (*fn)(void *arg, const struct net_info *i), void *arg)
{
	uint32_t used = slots_used(n);

	for (uint32_t i = 0; i < used; i++) {
		struct net_slot *s = &n->slot[i];
		const struct net_conn *c;

		pthread_mutex_lock(&s->lock);
		c = s->conn;
		if (c != NULL) {
			struct net_info info = {
				.id = c->id,
				.protocol = c->protocol->name,
				.listener = c->listener->name,
				.peer = c->peer,
				.peer_port = c->peer_port,
				.user = c->user != NULL ? c->user : "",
				.activity = c->activity != NULL ? c->activity
								: "",
				.since = c->since,
			};

			/* A running connection's worker changes the rest. */
			if (s->state == SLOT_PARKED) {
				info.tls = net_tls_info(c);
				info.octets_in = c->octets_in;
				info.octets_out = c->octets_out;
			} else {
				info.tls = "";
				info.activity = "running";
			}
			fn(arg, &info);
		}
		pthread_mutex_unlock(&s->lock);
	}
}

bool
net_kick(struct net *n, uint64_t id)
{
	uint32_t used = slots_used(n);
	bool found = false;

	for (uint32_t i = 0; i < used && !found; i++) {
		struct net_slot *s = &n->slot[i];

		pthread_mutex_lock(&s->lock);
		if (s->conn != NULL && s->conn->id == id) {
			found = true;
			s->kick = true;
			slot_rouse(n, s, i);
		}
		pthread_mutex_unlock(&s->lock);
	}
	return found;
}

void
net_count(struct net *n, struct net_counters *out)
{
	size_t workers = atomic_load(&n->workers_count);
	size_t waiting = atomic_load(&n->workers_waiting);

	*out = (struct net_counters){
		.connections = atomic_load(&n->connections),
		.workers = workers,
		.workers_busy = workers > waiting ? workers - waiting : 0,
		.accepted = atomic_load(&n->accepted),
		.refused = atomic_load(&n->refused),
	};
}
