/*
 * localindex/text_dir.h - the folder with the segments of a full-text index.
 */
#ifndef LOCALINDEX_TEXT_DIR_H
#define LOCALINDEX_TEXT_DIR_H

#include "localindex/fulltext.h"
#include "localindex/segment.h"

enum { LI_NAME = 9 }; /* eight hexadecimal digits and a NUL */

struct li_text_file {
	uint32_t number;
	uint64_t size;
};

struct li_text_dir {
	int fd;			   /* -1: there is none */
	struct li_text_file *file; /* ascending by size */
	size_t n, cap;
	uint32_t next; /* a number that is free */
};

/* Opens and lists it; `make` makes it when it is not there. 0 or an errno. */
int li_text_dir_open(struct li_text_dir *d, int dirfd, bool make);
void li_text_dir_close(struct li_text_dir *d);
void li_text_name(uint32_t number, char name_r[LI_NAME]);
/*
 * Opens a segment, or only peeks into it. What is damaged is removed, and with
 * `drop_old` also what is of another version. The result of li_segment_open().
 */
int li_text_open(const struct li_text_box *b, const struct li_text_dir *d,
    const struct li_text_file *f, bool drop_old, struct li_segment *s);
int li_text_peek(const struct li_text_box *b, const struct li_text_dir *d,
    const struct li_text_file *f, bool drop_old, struct li_segment *s);
/* For a segment that turned out to be damaged. */
void li_text_damaged(const struct li_text_box *b, const struct li_text_dir *d,
    const struct li_text_file *f);
void li_text_remove(const struct li_text_dir *d, const struct li_text_file *f);

enum pst_rc li_text_fail(const struct li_text_box *b, struct pst_error *err,
    int e, const char *what);

#endif
