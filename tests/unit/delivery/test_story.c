/* The lives of messages: all ids of one lead to the same, and a user hears of
 * their own alone. */
#include "base/clock.h"
#include "base/str.h"
#include "delivery/story.h"
#include "tests/unit/exchange/tree.h"
#include <criterion/criterion.h>
#include <stdlib.h>

static char dir[64];

static void
setup(void)
{
	struct trail_options options = { dir, 16 << 20, 86400 };
	struct pst_error err = { 0 };

	(void)str_copy(dir, sizeof(dir), STR("/tmp/postern-story-XXXXXX"));
	cr_assert(mkdtemp(dir) != NULL);
	cr_assert(trail_open(&options, &story_keys, &err) == PST_OK);
}

static void
teardown(void)
{
	trail_close();
	remove_tree(dir);
}

TestSuite(story, .init = setup, .fini = teardown);

/* Handed in as A, to two servers as Q1 and Q2, the second of which bounces by
 * Q3; and others. */
static void
live(void)
{
	trail_event("A", "mail", "from", "ann@x", NULL);
	trail_event("B", "mail", "from", "bob@x", NULL);
	trail_event("A", "rcpt", "to", "one@y", NULL);
	trail_event(
	    "A", "content", "message-id", "m1@x", "author", "ann@x", NULL);
	trail_event("A", "queued", "queue", "Q1", NULL);
	trail_event("A", "queued", "queue", "Q2", NULL);
	trail_event(
	    "B", "content", "message-id", "m2@x", "author", "bob@x", NULL);
	trail_event("B", "rcpt", "to", "one@y", NULL);
	trail_event("Q2", "bounced", "to", "two@z", NULL);
	trail_event("Q2", "queued", "queue", "Q3", NULL);
	trail_event("Q1", "sent", "to", "one@y", NULL);
	trail_event("Q3", "sent", "to", "ann@x", NULL);
	trail_flush();
}

static bool
print(void *arg, const struct story *s)
{
	struct buf *out = arg;

	(void)buf_printf(out, "[%s:", s->id);
	for (size_t i = 0; i < s->events; i++)
		(void)buf_printf(
		    out, " %s-%s", s->event[i].id, s->event[i].event);
	(void)buf_puts(out, s->cut ? " cut]" : "]");
	return true;
}

static bool
expect(struct story_query q, const char *want)
{
	struct pst_error err = { 0 };
	struct buf out;
	bool more;

	q.until = INT64_MAX;
	if (q.most == 0)
		q.most = 10;
	buf_init(&out, 1 << 20);
	cr_assert(story_find(dir, &q, print, &out, &more, &err) == PST_OK);
	cr_assert(str_is(buf_str(&out), want), "%.*s", STR_ARG(buf_str(&out)));
	buf_fini(&out);
	return more;
}

#define LIFE_OF_A                                                   \
	"[A: A-mail A-rcpt A-content A-queued A-queued Q2-bounced " \
	"Q2-queued Q1-sent Q3-sent]"
#define LIFE_OF_B "[B: B-mail B-content B-rcpt]"

Test(story, is_found_by_all_its_names)
{
	static const char *const ids[] = { "A", "Q1", "Q2", "Q3" };

	live();
	for (size_t i = 0; i < 4; i++)
		(void)expect((struct story_query){ .id = ids[i] }, LIFE_OF_A);
	(void)expect((struct story_query){ .message_id = "M1@X" }, LIFE_OF_A);
	(void)expect((struct story_query){ .to = "two@z" }, LIFE_OF_A);
	(void)expect((struct story_query){ .from = "bob@x" }, LIFE_OF_B);
	(void)expect((struct story_query){ .id = "C" }, "");
}

/* The newest first, each once. */
Test(story, several)
{
	live();
	(void)expect(
	    (struct story_query){ .to = "one@y" }, LIFE_OF_A LIFE_OF_B);
	(void)expect(
	    (struct story_query){ .to = "one@y", .from = "bob@x" }, LIFE_OF_B);
	cr_assert(expect(
	    (struct story_query){ .to = "one@y", .most = 1 }, LIFE_OF_A));
	cr_assert(!expect((struct story_query){ .to = "one@y", .most = 2 },
	    LIFE_OF_A LIFE_OF_B));
	(void)expect((struct story_query){ .to = "one@y",
			 .since = clock_now() + 1000000 },
	    "");
}

/* Who asks for others' messages by whatever name hears nothing. */
Test(story, of_one_user)
{
	live();
	(void)expect(
	    (struct story_query){ .to = "one@y", .user = "ann@x" }, LIFE_OF_A);
	(void)expect(
	    (struct story_query){ .id = "Q1", .user = "ann@x" }, LIFE_OF_A);
	(void)expect((struct story_query){ .id = "A", .user = "bob@x" }, "");
	(void)expect(
	    (struct story_query){ .message_id = "m1@x", .user = "bob@x" }, "");
	(void)expect((struct story_query){ .id = "A", .user = "" }, "");
}

Test(story, has_an_end)
{
	for (size_t i = 0; i < 6000; i++)
		trail_event("A", "rcpt", "to", "x@y", NULL);
	trail_flush();
	{
		const struct story_query q = {
			.id = "A", .until = INT64_MAX, .most = 1
		};
		struct pst_error err = { 0 };
		struct buf out;
		bool more;

		buf_init(&out, 1 << 20);
		cr_assert(
		    story_find(dir, &q, print, &out, &more, &err) == PST_OK);
		cr_assert(
		    str_find_case(buf_str(&out), STR(" cut]")) != SIZE_MAX);
		buf_fini(&out);
	}
}
