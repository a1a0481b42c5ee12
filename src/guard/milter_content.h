/*
 * guard/milter_content.h - a message's content on its way to a milter, and the
 * changes that come back; and the parts of milter_link.c that this needs.
 */
#ifndef GUARD_MILTER_CONTENT_H
#define GUARD_MILTER_CONTENT_H

#include "guard/milter_link.h"

enum milter_outcome milter_content(
    struct milter_link *l, struct milter_scene *s, struct milter_answer *a);

/* milter_link.c */
/* Gives the connection up; l->err tells why. Returns MILTER_FAILED. */
enum milter_outcome milter_link_fail(struct milter_link *l);
/* What an answer means. */
enum milter_outcome milter_link_read(struct milter_link *l,
    const struct milter_packet *p, struct milter_answer *a);
/* The next packet that tells something. */
enum milter_outcome milter_link_next(
    struct milter_link *l, int64_t seconds, struct milter_packet *packet_r);
/* Sends l->out. */
enum milter_outcome milter_link_send(struct milter_link *l, int64_t seconds);
/* The same, and the answer, unless the step `mute` was agreed on. */
enum milter_outcome milter_link_ask(
    struct milter_link *l, uint32_t mute, struct milter_answer *a);
/* Macros before a command, to l->out. */
void milter_link_macros(struct milter_link *l, const struct milter_scene *s,
    enum milter_stage stage, enum milter_command command);

#endif
