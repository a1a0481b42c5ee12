/*
 * localindex/stage.h - a message on its way in: in memory as long as it is
 * small, then in a file of a folder for such files.
 *
 * Programs that read mail files expect lines that end in LF. A message in which
 * every CR and every LF is part of a CRLF is taken so, which loses nothing.
 * With the first CR or LF by itself what was written so far gets its CRs again,
 * and the message is kept octet for octet.
 *
 * Threads: belongs to one thread at a time.
 */
#ifndef LOCALINDEX_STAGE_H
#define LOCALINDEX_STAGE_H

#include "localindex/util.h"

struct li_stage {
	const struct pst_host *host;
	int temp_fd;   /* of the folder */
	int fd;	       /* -1: all of it is in `buffer` */
	char name[36]; /* of the file; "": there is none */
	char *buffer;
	size_t n, cap;
	uint64_t size;	 /* as it came */
	uint64_t octets; /* as it is kept */
	bool as_lf;	 /* no CR or LF stood by itself so far */
	bool has_cr;	 /* held back: LF should follow */
	int sys_errno;	 /* of the first failure: it stays */
};

/* `size` is what is expected, or 0; not more than `memory` octets of memory are
 * taken. `as_lf`: with LF line ends where that can be. */
void li_stage_init(struct li_stage *s, const struct pst_host *host, int temp_fd,
    uint64_t size, size_t memory, bool as_lf);
/* 0 or an errno. */
int li_stage_write(struct li_stage *s, const void *data, size_t n);
/* No more is written: `octets` and `as_lf` are final. What is in a file is all
 * there, with `to_file` also what would fit into memory. 0 or an errno. */
int li_stage_end(struct li_stage *s, bool to_file);
/* Removes the file. */
void li_stage_fini(struct li_stage *s);

#endif
