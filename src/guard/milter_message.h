/*
 * guard/milter_message.h - a message while milters look at it and change it.
 *
 * It comes octet for octet as the client sends it, through the rewriter of
 * delivery/rewrite.h, which takes out what is forged. Fields that nobody
 * changes go out as they came. The body is held in memory, then in a file
 * (delivery/hold.h); one that milters put in its place likewise.
 *
 * Threads: belongs to one at a time.
 */
#ifndef GUARD_MILTER_MESSAGE_H
#define GUARD_MILTER_MESSAGE_H

#include "base/config.h"

struct milter_message;

typedef enum pst_rc (*milter_sink)(void *arg, const void *p, size_t n);

/* `cfg` must outlive it. `foreign`: Authentication-Results of this server in
 * it are forged. */
struct milter_message *milter_message_new(
    const struct config *cfg, bool foreign);
void milter_message_free(struct milter_message **m);

/* LIMIT: the header is larger than limits.header_size. NOSPACE, TEMP. */
enum pst_rc milter_message_add(
    struct milter_message *m, const void *p, size_t n, struct pst_error *err);
/* That was all. */
enum pst_rc milter_message_end(struct milter_message *m, struct pst_error *err);

/* The fields as they are now, from 0; false: there are no more. The value is
 * what stands between the colon and the last line end. */
bool milter_message_field(const struct milter_message *m, size_t i,
    struct pst_str *name_r, struct pst_str *value_r);
enum pst_rc milter_message_body(struct milter_message *m, milter_sink sink,
    void *arg, struct pst_error *err);

/*
 * Changes. In values LF begins a folded line. `spaced`: a value has its own
 * space in front. False: the name or value can be none, or there is too much.
 */
/* Before field number `index` (from 1); 0 and 1: on top of everything. */
bool milter_message_insert(struct milter_message *m, uint32_t index,
    struct pst_str name, struct pst_str value, bool spaced);
bool milter_message_append(struct milter_message *m, struct pst_str name,
    struct pst_str value, bool spaced);
/* The field number `index` (from 1) of that name; when there is none it is
 * appended. An empty value removes it. */
bool milter_message_change(struct milter_message *m, uint32_t index,
    struct pst_str name, struct pst_str value, bool spaced);
/* The first piece of a new body, with `anew`, or a further one. It takes the
 * place of the old one with milter_message_replaced(). */
enum pst_rc milter_message_replace(struct milter_message *m, struct pst_str p,
    bool anew, struct pst_error *err);
void milter_message_replaced(struct milter_message *m);

/* --- what came out --- */

/* It is not any more what came. */
bool milter_message_is_changed(const struct milter_message *m);

/* The fields on top of everything, whole. */
void milter_message_top(const struct milter_message *m, struct buf *out);
/* All below them. */
enum pst_rc milter_message_write(struct milter_message *m, milter_sink sink,
    void *arg, struct pst_error *err);

#endif
