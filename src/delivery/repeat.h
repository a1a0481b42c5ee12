/*
 * delivery/repeat.h - what was stored for some recipients of a message whose
 * sender was told to try again.
 *
 * A sender that hears one answer for all recipients repeats the whole message
 * when one of them failed. For some time it is remembered here who has it
 * already, so that the repetition gives nobody a second copy. It lives in
 * memory: after a restart a repetition may duplicate, as it may anywhere
 * (RFC 5321, 4.5.4.1), but never lose.
 *
 * Threads: from any thread.
 */
#ifndef DELIVERY_REPEAT_H
#define DELIVERY_REPEAT_H

#include "base/mem.h"

/* SHA-256 over sender, recipients and content. */
struct repeat_key {
	unsigned char octets[32];
};

struct repeat_hash;

struct repeat_hash *repeat_hash_new(void); /* NULL: not to be had */
void repeat_hash_add(struct repeat_hash *h, const void *p, size_t n);
/* Ends and frees; `key_r` may be NULL. */
void repeat_hash_free(struct repeat_hash **h, struct repeat_key *key_r);

/* Remembers that `names`, `n` texts, have the message. */
void repeat_remember(
    const struct repeat_key *key, const char *const *names, size_t n);
/* Sets has_r[i] when names[i] has it. False: nothing is known. */
bool repeat_recall(const struct repeat_key *key, const char *const *names,
    size_t n, bool *has_r);
void repeat_forget(const struct repeat_key *key);
void repeat_forget_all(void);

#endif
