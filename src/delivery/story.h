/*
 * delivery/story.h - the lives of messages, as the trail (base/trail.h) tells
 * them.
 *
 * A message has several ids: that of the transaction it came by, those of the
 * queue for what goes to other servers, and its Message-ID. Events name them,
 * so that all that is known of it is found under each. A notification about a
 * message is part of its story.
 *
 * Threads: from any thread; reading blocks on the disk.
 */
#ifndef DELIVERY_STORY_H
#define DELIVERY_STORY_H

#include "base/config.h"
#include "base/trail_file.h"

extern const struct trail_keys story_keys;

/* Opens the trail, when the configuration wants one; trail_close() ends it. */
enum pst_rc story_open(const struct config *cfg, struct pst_error *err);
void story_reconfigure(const struct config *cfg);
void story_path(const struct config *cfg, char *path, size_t size);

struct story_query {
	/* NULL: any. With an id it is the one message that has it. */
	const char *id, *message_id, *from, *to;
	/* Only of messages that this user handed in; NULL: of all. */
	const char *user;
	int64_t since, until; /* microseconds since 1970 */
	size_t most;	      /* stories, the newest */
};

struct story {
	const char *id; /* under which it began */
	const struct trail_event *event;
	size_t events;
	bool cut; /* there is more than is told */
};

/*
 * Calls back for each story, newest first; false ends it. *more_r: there were
 * more than `most`. NOTFOUND: there is no trail.
 */
enum pst_rc story_find(const char *path, const struct story_query *q,
    bool (*fn)(void *arg, const struct story *s), void *arg, bool *more_r,
    struct pst_error *err);

#endif
