/*
 * bench.h - what the parts of the load generator share: the options, how a
 * cell fails, and the measuring of one.
 *
 * The program is one thread and runs one cell; it ends with exit status 0 and
 * one JSON object on standard output, or with 1 and a line on standard error:
 * then the cell's answers were wrong and its figures mean nothing.
 */
#ifndef TESTS_BENCH_H
#define TESTS_BENCH_H

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

struct bench_options {
	const char *host, *user, *password; /* user: with %u for a number */
	const char *cpu_file;	 /* cgroup: cpuacct.usage or cpu.stat */
	const char *memory_file; /* cgroup: kernel memory */
	int uid;		 /* whose the made mail is; 0: our own */
	int pid;		 /* the server, when there is no cpu_file */
	int imap, lmtp;		 /* ports */
	bool tls;
	unsigned first, users; /* user numbers FIRST .. FIRST + USERS - 1 */
	unsigned connections, count, repeat;
	unsigned wait;	 /* ms, for work that begins later in the background */
	uint64_t octets; /* that the messages have on the wire; 0: any */
	const char *mailbox; /* of the user, for cells that take one */
	const char *word;    /* for searches; the criteria */
	const char *dir;     /* for making mail */
	const char *style;
};

extern struct bench_options bench;

/* The cell is void. */
_Noreturn void bench_fail(const char *fmt, ...) PST_PRINTF(1, 2);

/*
 * The time and the server's CPU time of what happens between begin and end,
 * which may come in turns and add up. With `settle`, end waits until the
 * server has nothing more to do, a few seconds at most, and counts what it
 * still used: the answer is not all that a command costs.
 */
struct bench_time {
	int64_t wall, cpu, settled; /* microseconds, sums; settled: is in cpu */
	int64_t wall_at, cpu_at;
};

void bench_begin(struct bench_time *t);
void bench_end(struct bench_time *t, bool settle);
/* Waits until the server uses no more CPU time, at most `ms`. */
void bench_settle(int ms);

/* FNV-1a, to compare what two servers have answered. */
uint64_t bench_digest(uint64_t so_far, struct pst_str s);

/* `text` with the number in place of its "%u", if it has one; ends in NUL. */
void bench_numbered(const char *text, unsigned number, struct buf *out);

/* One JSON object: the times, `ops`, and the digest unless it is 0. */
void bench_report(const struct bench_time *t, uint64_t ops, uint64_t digest);

/* --- usage.c ----------------------------------------------------------------
 */
/* Of the server's processes, those that have ended included; microseconds. */
int64_t usage_cpu(void);
struct usage_memory {
	int64_t pss, kernel; /* octets; kernel: -1 when it isn't known */
	unsigned processes;
};
void usage_memory(struct usage_memory *m_r);

#endif
