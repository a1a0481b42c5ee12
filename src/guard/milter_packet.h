/*
 * guard/milter_packet.h - the packets of the milter protocol, version 6, as
 * libmilter of Sendmail speaks it: a length of four octets, a letter, data.
 * Texts in the data end in NUL.
 *
 * Pure.
 */
#ifndef GUARD_MILTER_PACKET_H
#define GUARD_MILTER_PACKET_H

#include "base/mem.h"

enum {
	MILTER_VERSION = 6,
	MILTER_LENGTH = 4,		 /* octets before a packet */
	MILTER_PACKET_MAX = 1024 * 1024, /* of a packet that comes */
	MILTER_CHUNK = 65535,		 /* of the body, that goes */
	MILTER_REPLY_MAX = 2048,	 /* octets of a whole reply */
	MILTER_STAGES = 7,
};

/* What is told to a milter. */
enum milter_command {
	MILTER_ABORT = 'A',
	MILTER_BODY = 'B',
	MILTER_CONNECT = 'C',
	MILTER_MACROS = 'D',
	MILTER_END = 'E', /* of the message */
	MILTER_HELO = 'H',
	MILTER_HEADER = 'L',
	MILTER_MAIL = 'M',
	MILTER_END_OF_HEADER = 'N',
	MILTER_OPTIONS = 'O',
	MILTER_QUIT = 'Q',
	MILTER_RCPT = 'R',
	MILTER_DATA = 'T',
};

/* What it says. */
enum milter_answer_kind {
	MILTER_ADD_RCPT = '+',
	MILTER_DELETE_RCPT = '-',
	MILTER_ADD_RCPT_ARGS = '2',
	MILTER_SHUTDOWN = '4',
	MILTER_SAYS_ACCEPT = 'a',
	MILTER_REPLACE_BODY = 'b',
	MILTER_SAYS_CONTINUE = 'c',
	MILTER_SAYS_DISCARD = 'd',
	MILTER_CHANGE_FROM = 'e',
	MILTER_CONNECTION_FAILURE = 'f',
	MILTER_ADD_HEADER = 'h',
	MILTER_INSERT_HEADER = 'i',
	MILTER_CHANGE_HEADER = 'm',
	MILTER_PROGRESS = 'p',
	MILTER_QUARANTINE = 'q',
	MILTER_SAYS_REJECT = 'r',
	MILTER_SAYS_SKIP = 's',
	MILTER_SAYS_TEMPFAIL = 't',
	MILTER_REPLY = 'y',
};

/* What a milter may do. */
enum milter_action {
	MILTER_MAY_ADD_HEADERS = 0x1,
	MILTER_MAY_CHANGE_BODY = 0x2,
	MILTER_MAY_ADD_RCPT = 0x4,
	MILTER_MAY_DELETE_RCPT = 0x8,
	MILTER_MAY_CHANGE_HEADERS = 0x10,
	MILTER_MAY_QUARANTINE = 0x20,
	MILTER_MAY_CHANGE_FROM = 0x40,
	MILTER_MAY_ADD_RCPT_ARGS = 0x80,
	MILTER_MAY_SET_MACROS = 0x100,
	MILTER_ACTIONS = 0x1ff,
};

/* What it does not want to hear (NO), what it does not answer (MUTE). */
enum milter_step {
	MILTER_NO_CONNECT = 0x1,
	MILTER_NO_HELO = 0x2,
	MILTER_NO_MAIL = 0x4,
	MILTER_NO_RCPT = 0x8,
	MILTER_NO_BODY = 0x10,
	MILTER_NO_HEADER = 0x20,
	MILTER_NO_END_OF_HEADER = 0x40,
	MILTER_MUTE_HEADER = 0x80,
	MILTER_NO_UNKNOWN = 0x100,
	MILTER_NO_DATA = 0x200,
	MILTER_SKIPS = 0x400,
	MILTER_MUTE_CONNECT = 0x1000,
	MILTER_MUTE_HELO = 0x2000,
	MILTER_MUTE_MAIL = 0x4000,
	MILTER_MUTE_RCPT = 0x8000,
	MILTER_MUTE_DATA = 0x10000,
	MILTER_MUTE_UNKNOWN = 0x20000,
	MILTER_MUTE_END_OF_HEADER = 0x40000,
	MILTER_MUTE_BODY = 0x80000,
	MILTER_LEADING_SPACE = 0x100000, /* values keep theirs */
	/* All, but hearing of recipients that were refused (0x800). */
	MILTER_STEPS = 0x1ff7ff,
	/* Those of version 2. */
	MILTER_OLD_STEPS = 0x7f,
};

/* --- what goes --------------------------------------------------------- */

/* Begins a packet; what is put until milter_end() is its data. */
size_t milter_begin(struct buf *out, enum milter_command command);
void milter_put_u32(struct buf *out, uint32_t value);
void milter_put_text(struct buf *out, struct pst_str text);
void milter_end(struct buf *out, size_t begun);
/* Without data. */
void milter_put(struct buf *out, enum milter_command command);

/* --- what comes -------------------------------------------------------- */

struct milter_packet {
	char kind;
	struct pst_str data;
};

enum milter_taken { MILTER_TAKEN, MILTER_NEEDS_MORE, MILTER_BROKEN };
/* The packet at the beginning of `in`; slices point into it. */
enum milter_taken milter_take(
    struct pst_str in, struct milter_packet *packet_r, size_t *used_r);

struct milter_options {
	uint32_t version, actions, steps;
	/* The names of macros that it wants at a stage, separated by spaces;
	 * p == NULL: it did not say. */
	struct pst_str macros[MILTER_STAGES];
};
/* False: malformed, or it asks for what was not offered. */
bool milter_parse_options(struct pst_str data, struct milter_options *out);

/* A change of the message. Slices point into the packet. */
struct milter_change {
	char kind;
	uint32_t index;	     /* of INSERT_HEADER and CHANGE_HEADER */
	struct pst_str name; /* of a field; an address; a reason */
	struct pst_str text; /* a field's value; arguments; a piece of body */
};
/* False: the packet is no well-formed change. */
bool milter_parse_change(
    const struct milter_packet *packet, struct milter_change *out);
/* The action that must have been agreed on for it. */
enum milter_action milter_change_needs(const struct milter_change *c);

/*
 * The data of MILTER_REPLY as an SMTP reply of one or more lines, without the
 * last line end: code 4xx or 5xx, the same in all lines, each with an enhanced
 * status code, no controls. False: it is none.
 */
bool milter_parse_reply(struct pst_str data, struct buf *out);

#endif
