/*
 * What a mailbox remembers: exactly that, or nothing.
 */
#include "localindex/memory.h"

#include "folder.h"

enum { ENTRIES = 100, VALIDITY = 77, MODSEQ = 900 };

static void
entry_of(const void *arg, size_t i, struct li_entry *e)
{
	(void)arg;
	e->uid = (uint32_t)i * 3 + 1;
	e->flags = (uint32_t)i & 31;
	e->keywords = i << 40;
	e->modseq = 5 + i;
}

static void
write_some(const struct folder *f)
{
	struct li_history h = { 0 };

	li_history_begin(&h, 4);
	for (uint32_t uid = 1000; uid < 1010; uid++)
		li_history_note(&h, uid, 800);
	li_history_note(&h, 1010, 801);
	cr_assert_eq(li_memory_write(
			 f->fd, VALIDITY, MODSEQ, entry_of, NULL, ENTRIES, &h),
	    0);
	li_history_fini(&h);
}

static bool
reads(const struct folder *f, uint32_t validity, uint64_t modseq)
{
	struct li_history h = { 0 };
	struct li_entry *e = NULL, want;
	size_t n = 0;
	bool ok = li_memory_read(f->fd, validity, modseq, &e, &n, &h);

	if (ok) {
		cr_expect_eq(n, ENTRIES);
		for (size_t i = 0; i < n; i++) {
			entry_of(NULL, i, &want);
			cr_expect(e[i].uid == want.uid &&
				  e[i].flags == want.flags &&
				  e[i].keywords == want.keywords &&
				  e[i].modseq == want.modseq);
		}
		cr_expect_eq(h.from, 4);
		cr_expect_eq(h.n, 2);
		cr_expect(h.gone[0].uids.first == 1000 &&
			  h.gone[0].uids.last == 1009 &&
			  h.gone[0].modseq == 800);
		cr_expect(
		    h.gone[1].uids.first == 1010 && h.gone[1].modseq == 801);
	}
	free(e);
	li_history_fini(&h);
	return ok;
}

Test(memory, is_of_one_moment)
{
	struct folder f;

	folder_begin(&f);
	cr_expect(!reads(&f, VALIDITY, MODSEQ), "there is none");
	write_some(&f);
	cr_expect(reads(&f, VALIDITY, MODSEQ));
	cr_expect(!reads(&f, VALIDITY, MODSEQ + 1));
	cr_expect(!reads(&f, VALIDITY + 1, MODSEQ));
	folder_end(&f, LI_MEMORY_FILE);
}

Test(memory, holds_on_when_only_new_messages_came)
{
	struct folder f;

	folder_begin(&f);
	write_some(&f);
	li_memory_renew(f.fd, VALIDITY, MODSEQ, MODSEQ + 20);
	cr_expect(!reads(&f, VALIDITY, MODSEQ));
	cr_expect(reads(&f, VALIDITY, MODSEQ + 20));
	li_memory_renew(f.fd, VALIDITY, MODSEQ, MODSEQ + 30);
	cr_expect(!reads(&f, VALIDITY, MODSEQ + 30), "it was of another one");
	cr_expect(reads(&f, VALIDITY, MODSEQ + 20));
	folder_end(&f, LI_MEMORY_FILE);
}

Test(memory, believes_no_damaged_octet)
{
	struct folder f;
	off_t size;

	folder_begin(&f);
	write_some(&f);
	size = folder_size(&f, LI_MEMORY_FILE);
	for (off_t at = 0; at < size; at++) {
		folder_spoil(&f, LI_MEMORY_FILE, at);
		cr_expect(!reads(&f, VALIDITY, MODSEQ), "octet %ld", (long)at);
		folder_spoil(&f, LI_MEMORY_FILE, at);
	}
	cr_expect(reads(&f, VALIDITY, MODSEQ));
	for (off_t cut = size - 1; cut >= 0; cut -= 7) {
		folder_cut(&f, LI_MEMORY_FILE, cut);
		cr_expect(
		    !reads(&f, VALIDITY, MODSEQ), "cut to %ld", (long)cut);
	}
	folder_end(&f, LI_MEMORY_FILE);
}

/* The sums are right, the numbers are not. */
static void
entry_reversed(const void *arg, size_t i, struct li_entry *e)
{
	(void)arg;
	*e = (struct li_entry){ .uid = (uint32_t)(ENTRIES - i), .modseq = 5 };
}

static void
entry_late(const void *arg, size_t i, struct li_entry *e)
{
	(void)arg;
	*e = (struct li_entry){ .uid = (uint32_t)i + 1, .modseq = MODSEQ + i };
}

static void
write_strange(const struct folder *f,
    void (*entry)(const void *, size_t, struct li_entry *),
    const struct li_gone *gone, size_t n, uint64_t from)
{
	struct li_gone copy[2] = { { { 0 }, 0 } };
	const struct li_history h = { copy, n, n, from };

	if (n > 0)
		memcpy(copy, gone, n * sizeof(*gone));
	cr_assert_eq(
	    li_memory_write(f->fd, VALIDITY, MODSEQ, entry, NULL, ENTRIES, &h),
	    0);
	cr_expect(!reads(f, VALIDITY, MODSEQ));
}

Test(memory, believes_no_impossible_numbers)
{
	static const struct li_gone reversed[] = { { { 9, 5 }, 10 } },
				    zero[] = { { { 0, 5 }, 10 } },
				    late[] = { { { 5, 9 }, MODSEQ + 1 } },
				    back[] = { { { 5, 9 }, 11 },
					    { { 1, 3 }, 10 } };
	struct folder f;

	folder_begin(&f);
	write_strange(&f, entry_reversed, NULL, 0, 4);
	write_strange(&f, entry_late, NULL, 0, 4);
	write_strange(&f, entry_of, reversed, 1, 4);
	write_strange(&f, entry_of, zero, 1, 4);
	write_strange(&f, entry_of, late, 1, 4);
	write_strange(&f, entry_of, back, 2, 4);
	write_strange(&f, entry_of, late, 0, MODSEQ + 1);
	folder_end(&f, LI_MEMORY_FILE);
}

/* Without a good header no memory is taken for the rest. */
Test(memory, is_not_led_to_take_memory)
{
	struct folder f;

	folder_begin(&f);
	write_some(&f);
	folder_cut(&f, LI_MEMORY_FILE, 3L << 30);
	folder_limit_memory();
	cr_expect(!reads(&f, VALIDITY, MODSEQ));
	folder_end(&f, LI_MEMORY_FILE);
}

Test(memory, forgets_the_oldest_expunges)
{
	struct li_history h = { 0 };

	li_history_begin(&h, 1);
	for (uint32_t i = 0; i < 20000; i++)
		li_history_note(&h, 1 + i * 2, 10 + i / 3);
	cr_expect_lt(h.n, 10000);
	cr_expect_gt(h.from, 1);
	for (size_t i = 0; i < h.n; i++)
		cr_expect_gt(
		    h.gone[i].modseq, h.from, "complete above what it says");
	cr_expect_eq(h.gone[h.n - 1].modseq, 10 + 19999 / 3);
	li_history_fini(&h);
}
