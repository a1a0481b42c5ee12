/*
 * cells.h - what can be measured; one function each, that takes its options
 * from `bench` and ends with bench_report() or bench_fail().
 */
#ifndef TESTS_BENCH_CELLS_H
#define TESTS_BENCH_CELLS_H

void cell_make(void);	   /* not a cell: a Maildir, without any server */
void cell_fill(void);	   /* likewise: some of it elsewhere */
void cell_check(void);	   /* not a cell: counts, and warms up */
void cell_login(void);	   /* LOGIN, SELECT, LOGOUT */
void cell_envelopes(void); /* FETCH of what a client's list shows */
void cell_bodies(void);	   /* UID FETCH BODY.PEEK[] */
void cell_changedsince(void);
void cell_qresync(void);
void cell_store(void);
void cell_copy(void);
void cell_move(void);
void cell_append(void);
void cell_search(void); /* and SORT and THREAD: any command with numbers */
void cell_idle(void);	/* memory, and the time to EXISTS */
void cell_large(void);	/* one large mailbox: opening, pages, search */

#endif
