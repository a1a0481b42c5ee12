/*
 * sql.c - the statements of the module. Types of parameters are said where
 * they are used: values come in binary form.
 *
 * Whoever changes messages of a mailbox has the lock of its row, and takes a
 * new modseq there: so modseqs become visible in ascending order, and who knows
 * one has seen all that has a smaller one. Where a statement has to see what
 * was there when the lock was granted, the lock is taken by a statement before
 * it: each statement sees what was committed before it began.
 */
#include "sql.h"

/* clang-format off */

/* As box_take_row() reads them. */
#define BOX_COLUMNS \
	" id, uidvalidity, uidnext, modseq, recent, gone_from," \
	" keyword_epoch, keywords, objectid "
/* As pg_row() reads them. */
#define ROW_COLUMNS \
	" m.uid, m.flags, m.keywords, m.modseq, m.internal_date," \
	" m.save_date, m.size "

#define OF_BOX " account_id = $1::bigint AND id = $2::bigint "
#define OF_ACCOUNT " account_id = $1::bigint "
#define MESSAGES_OF_BOX \
	" m.account_id = $1::bigint AND m.mailbox_id = $2::bigint "

/*
 * Columns of messages, with the ranges of uids $3 and $4. OFFSET 0 has each
 * range looked up in the key, whatever the planner thinks of the size of a
 * mailbox: where one has few messages in the mean, another has a million.
 */
#define IN_RANGES(columns, where) \
	" unnest($3::bigint[], $4::bigint[]) AS r (lo, hi)" \
	" CROSS JOIN LATERAL (SELECT " columns " FROM message m" \
	" WHERE" MESSAGES_OF_BOX "AND m.uid BETWEEN r.lo AND r.hi " where \
	" OFFSET 0) AS m "
/* The same for the messages whose uids are in w. */
#define OF_UIDS \
	" CROSS JOIN LATERAL (SELECT m.uid, m.content_id FROM message m" \
	"  WHERE" MESSAGES_OF_BOX "AND m.uid = w.uid OFFSET 0) AS m"
/* The rows that such a query found in s, for who changes them: they stay where
 * they are while the row of the mailbox is locked. */
#define FOUND " m.account_id = $1::bigint AND m.ctid = s.place "

/* Keywords are written by the numbers of this epoch; a negative one: there are
 * none. */
#define EPOCH_IS(n) \
	" keyword_epoch = CASE WHEN " n " < 0 THEN keyword_epoch ELSE " n " END "
#define EPOCH_IS_5 EPOCH_IS("$5::bigint")
#define EPOCH_IS_9 EPOCH_IS("$9::bigint")
#define EPOCH_IS_10 EPOCH_IS("$10::bigint")

#define DUE(n) " now() + make_interval(secs => " n "::bigint::float8) "
#define DUE_2 DUE("$2")
#define DUE_3 DUE("$3")
#define DUE_5 DUE("$5")

/* The mailbox named $2, or 0 for the account itself when it is null. */
#define NAMED_OR_ACCOUNT \
	" (SELECT id FROM mailbox WHERE" OF_ACCOUNT "AND name = $2::text" \
	" UNION ALL SELECT 0 WHERE $2::text IS NULL) "

/* What a mailbox m has metadata d for. */
#define USE \
	" metadata d ON d.account_id = m.account_id" \
	" AND d.mailbox_id = m.id AND d.key = '/private/specialuse' "
/* A mailbox b goes: its name and use stay with what is kept of it. */
#define NAMED_KEPT \
	" b AS (SELECT m.name, m.keywords," \
	" coalesce(convert_from(d.value, 'UTF8'), '') AS use" \
	" FROM mailbox m LEFT JOIN" USE \
	" WHERE m.account_id = $1::bigint AND m.id = $2::bigint)," \
	" n AS (UPDATE kept SET name = b.name, special_use = b.use FROM b" \
	" WHERE account_id = $1::bigint AND mailbox_id = $2::bigint)"
/* Rows of messages d, of the mailbox b, are kept since `now`. */
#define KEEP(now) \
	" kept_now AS (INSERT INTO kept (account_id, mailbox_id, name," \
	" special_use, expunged, uid, internal_date, size, content_id," \
	" flags, keywords) SELECT $1::bigint, $2::bigint, b.name, b.use," \
	" " now "::bigint, d.uid, d.internal_date, d.size, d.content_id," \
	" d.flags, CASE d.keywords WHEN 0 THEN '{}'" \
	" ELSE ARRAY(SELECT x.name FROM unnest(b.keywords)" \
	" WITH ORDINALITY AS x (name, n) WHERE x.name <> '' AND" \
	" d.keywords & (1::bigint << (x.n::integer - 1)) <> 0) END" \
	" FROM d, b ORDER BY d.uid)"
#define KEEP_3 KEEP("$3")
#define KEEP_5 KEEP("$5")

const char *const pg_sql[PG_STATEMENTS] = {
	[PG_S_BEGIN] = "BEGIN",
	[PG_S_BEGIN_SNAPSHOT] =
	    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
	[PG_S_COMMIT] = "COMMIT",
	[PG_S_ROLLBACK] = "ROLLBACK",
	[PG_S_ACCOUNT] =
	    "SELECT set_config('postern.account', $1::text, true)",
	[PG_S_ACCOUNT_XID] =
	    "SELECT set_config('postern.account', $1::text, true),"
	    " pg_current_xact_id()::text",
	[PG_S_XACT_STATUS] =
	    "SELECT s, CASE s WHEN 'in progress' THEN (SELECT"
	    " bool_or(pg_terminate_backend(pid)) FROM pg_stat_activity"
	    " WHERE backend_xid = $1::text::xid8::xid AND pid <>"
	    " pg_backend_pid()) END FROM pg_xact_status($1::text::xid8) AS s",
	[PG_S_ONE] = "SELECT 1",
	[PG_S_ASYNC] =
	    "SELECT set_config('synchronous_commit', 'off', true)",

	/* --- accounts ---------------------------------------------------- */

	[PG_S_ACCOUNT_FIND] =
	    "SELECT id, stamp FROM account WHERE name = $1::text",
	/* $2: seconds since 1970 */
	[PG_S_ACCOUNT_MAKE] =
	    "SELECT id, stamp FROM make_account($1::text, $2::bigint)",
	[PG_S_ACCOUNT_STAMP] =
	    "UPDATE account SET stamp = stamp + 1 WHERE id = $1::bigint"
	    " RETURNING stamp",
	[PG_S_ACCOUNT_LOCK_BOXES] =
	    "SELECT id FROM mailbox WHERE" OF_ACCOUNT "ORDER BY id FOR UPDATE",
	/* $2: seconds until contents may go */
	[PG_S_ACCOUNT_EMPTY] =
	    "WITH d AS (DELETE FROM message WHERE" OF_ACCOUNT " RETURNING"
	    " content_id), e AS (DELETE FROM expunged WHERE" OF_ACCOUNT "),"
	    " t AS (DELETE FROM metadata WHERE" OF_ACCOUNT "), s AS (DELETE"
	    " FROM subscription WHERE" OF_ACCOUNT "), x AS (DELETE"
	    " FROM message_text WHERE" OF_ACCOUNT "), k AS (DELETE"
	    " FROM kept WHERE" OF_ACCOUNT "RETURNING content_id), b AS (DELETE"
	    " FROM mailbox WHERE" OF_ACCOUNT ") INSERT INTO loose"
	    " SELECT content_id," DUE_2 " FROM (SELECT content_id FROM d"
	    " UNION SELECT content_id FROM k) AS a ORDER BY 1"
	    " ON CONFLICT DO NOTHING",
	[PG_S_ACCOUNT_DROP] =
	    "WITH a AS (DELETE FROM account WHERE id = $1::bigint"
	    " RETURNING uidvalidity) UPDATE store"
	    " SET uidvalidity = greatest(store.uidvalidity, a.uidvalidity)"
	    " FROM a RETURNING store.uidvalidity",
	[PG_S_USAGE] =
	    "SELECT coalesce(sum(messages), 0)::bigint, coalesce(sum(bytes),"
	    " 0)::bigint FROM mailbox WHERE" OF_ACCOUNT,
	/* With the locks of the mailboxes. */
	[PG_S_RECOUNT] =
	    "WITH"
	    " c AS (SELECT b.id, count(m.uid) AS messages,"
	    " coalesce(sum(m.size), 0)::bigint AS bytes FROM mailbox b"
	    " LEFT JOIN message m ON m.account_id = b.account_id AND"
	    " m.mailbox_id = b.id WHERE b.account_id = $1::bigint"
	    " GROUP BY b.id) UPDATE mailbox"
	    " SET messages = c.messages, bytes = c.bytes FROM c WHERE"
	    OF_ACCOUNT "AND mailbox.id = c.id AND (mailbox.messages,"
	    " mailbox.bytes) IS DISTINCT FROM (c.messages, c.bytes)",

	/* --- names ------------------------------------------------------- */

	[PG_S_LIST] =
	    "SELECT m.name, true, d.value, s.name IS NOT NULL FROM mailbox m"
	    " LEFT JOIN metadata d ON d.account_id = m.account_id AND"
	    " d.mailbox_id = m.id AND d.key = '/private/specialuse'"
	    " LEFT JOIN subscription s ON s.account_id = m.account_id AND"
	    " s.name = m.name WHERE m.account_id = $1::bigint UNION ALL"
	    " SELECT s.name, false, NULL, true FROM subscription s"
	    " WHERE s.account_id = $1::bigint AND NOT EXISTS (SELECT 1"
	    " FROM mailbox m"
	    " WHERE m.account_id = $1::bigint AND m.name = s.name)",
	/* $2: name, $3: seconds since 1970, $4: special use */
	[PG_S_CREATE] =
	    "WITH a AS (UPDATE account"
	    " SET stamp = stamp + 1, uidvalidity = greatest($3::bigint,"
	    " uidvalidity + 1) WHERE id = $1::bigint"
	    " RETURNING stamp, uidvalidity),"
	    " m AS (INSERT INTO mailbox (account_id, name, uidvalidity)"
	    " SELECT $1::bigint, $2::text, uidvalidity FROM a RETURNING id),"
	    " t AS (INSERT INTO metadata"
	    " SELECT $1::bigint, id, '/private/specialuse',"
	    " convert_to($4::text, 'UTF8') FROM m WHERE $4::text <> '')"
	    " SELECT stamp FROM a",
	[PG_S_LOCK_NAME] =
	    "SELECT id FROM mailbox WHERE" OF_ACCOUNT "AND name = $2::text FOR"
	    " UPDATE",
	/* $3: seconds until contents may go */
	[PG_S_REMOVE] =
	    "WITH d AS (DELETE FROM message m WHERE" MESSAGES_OF_BOX
	    " RETURNING content_id), l AS (INSERT INTO loose"
	    " SELECT DISTINCT content_id," DUE_3 " FROM d ORDER BY 1"
	    " ON CONFLICT DO NOTHING), e AS (DELETE FROM expunged m WHERE"
	    MESSAGES_OF_BOX "), t AS (DELETE FROM metadata m WHERE"
	    MESSAGES_OF_BOX ")," NAMED_KEPT
	    " DELETE FROM mailbox WHERE" OF_BOX,
	/* $3: now */
	[PG_S_REMOVE_KEEP] =
	    "WITH d AS (DELETE FROM message m WHERE" MESSAGES_OF_BOX
	    " RETURNING m.*), e AS (DELETE FROM expunged m WHERE"
	    MESSAGES_OF_BOX "), t AS (DELETE FROM metadata m WHERE"
	    MESSAGES_OF_BOX ")," NAMED_KEPT "," KEEP_3
	    " DELETE FROM mailbox WHERE" OF_BOX,
	/* $2: from, $3: to */
	[PG_S_RENAME] =
	    "WITH c AS (SELECT EXISTS (SELECT 1 FROM mailbox WHERE" OF_ACCOUNT " AND name = $2::text) AS is_there, EXISTS (SELECT 1 FROM mailbox"
	    " WHERE" OF_ACCOUNT " AND (name = $3::text OR starts_with(name,"
	    " $3::text || '/'))) AS is_taken), u AS (UPDATE mailbox"
	    " SET name = $3::text || substr(name, length($2::text) + 1) FROM c"
	    " WHERE is_there AND NOT is_taken AND" OF_ACCOUNT " AND (name ="
	    " $2::text OR starts_with(name, $2::text || '/')))"
	    " SELECT is_there, is_taken FROM c",
	[PG_S_SUBSCRIBE] =
	    "WITH s AS (INSERT INTO subscription VALUES ($1::bigint, $2::text)"
	    " ON CONFLICT DO NOTHING) UPDATE account SET stamp = stamp + 1"
	    " WHERE id = $1::bigint RETURNING stamp",
	[PG_S_UNSUBSCRIBE] =
	    "WITH s AS (DELETE FROM subscription WHERE" OF_ACCOUNT " AND name"
	    " = $2::text) UPDATE account SET stamp = stamp + 1"
	    " WHERE id = $1::bigint RETURNING stamp",
	/* $2: name or null, $3: how keys begin */
	[PG_S_META_GET] =
	    "SELECT m.id, d.key, d.value FROM" NAMED_OR_ACCOUNT "m"
	    " LEFT JOIN metadata d ON d.account_id = $1::bigint AND"
	    " d.mailbox_id = m.id AND starts_with(d.key, $3::text)"
	    " ORDER BY d.key",
	/* $3: key, $4: value */
	[PG_S_META_SET] =
	    "WITH m AS" NAMED_OR_ACCOUNT ", i AS (INSERT INTO metadata"
	    " SELECT $1::bigint, m.id, $3::text, $4::bytea FROM m"
	    " ON CONFLICT (account_id, mailbox_id, key) DO UPDATE"
	    " SET value = excluded.value) UPDATE account SET stamp = stamp + 1"
	    " FROM m WHERE account.id = $1::bigint RETURNING stamp",
	[PG_S_META_REMOVE] =
	    "WITH m AS" NAMED_OR_ACCOUNT ", i AS (DELETE FROM metadata USING m"
	    " WHERE account_id = $1::bigint AND mailbox_id = m.id AND key ="
	    " $3::text) UPDATE account SET stamp = stamp + 1 FROM m"
	    " WHERE account.id = $1::bigint RETURNING stamp",
	[PG_S_BOX_OPEN] =
	    "SELECT" BOX_COLUMNS "FROM mailbox WHERE" OF_ACCOUNT "AND name ="
	    " $2::text",
	[PG_S_BOX_STATE] =
	    "SELECT" BOX_COLUMNS "FROM mailbox WHERE" OF_BOX,
	[PG_S_BOX_LOCK] =
	    "SELECT" BOX_COLUMNS "FROM mailbox WHERE" OF_BOX "FOR NO KEY UPDATE",

	/* --- what a mailbox holds ---------------------------------------- */

	[PG_S_LOAD] =
	    "SELECT" ROW_COLUMNS "FROM message m WHERE" MESSAGES_OF_BOX "ORDER"
	    " BY m.uid",
	/* $3: modseq */
	[PG_S_CHANGED] =
	    "SELECT" ROW_COLUMNS "FROM message m WHERE m.account_id = $1::bigint"
	    " AND m.mailbox_id + 0 = $2::bigint AND m.modseq > $3::bigint",
	[PG_S_GONE] =
	    "SELECT first, last, modseq FROM expunged m WHERE" MESSAGES_OF_BOX "AND m.modseq > $3::bigint ORDER BY"
	    " first",
	[PG_S_UIDS] =
	    "SELECT uid FROM message m WHERE" MESSAGES_OF_BOX "ORDER BY m.uid",
	/* $3: uid */
	[PG_S_RECENT] =
	    "SELECT min(uid) FROM message m WHERE" MESSAGES_OF_BOX "AND m.uid"
	    " >= $3::bigint",
	[PG_S_CLAIM] =
	    "UPDATE mailbox SET recent = $3::bigint WHERE" OF_BOX "AND recent"
	    " < $3::bigint",
	[PG_S_KEYWORDS_USED] =
	    "SELECT coalesce(bit_or(keywords), 0) FROM message m WHERE"
	    MESSAGES_OF_BOX,
	/* $4: 1 when a number has another meaning now */
	[PG_S_KEYWORDS_SET] =
	    "UPDATE mailbox"
	    " SET keywords = $3::text[], keyword_epoch = keyword_epoch +"
	    " $4::bigint WHERE" OF_BOX "RETURNING keyword_epoch",
	[PG_S_BODY] =
	    "SELECT c.size, k.data"
	    " FROM message m JOIN content c ON c.id = m.content_id"
	    " LEFT JOIN chunk k ON k.content_id = c.id WHERE" MESSAGES_OF_BOX
	    "AND m.uid = $3::bigint ORDER BY k.n",
	[PG_S_IDENT] =
	    "SELECT c.id, c.ident"
	    " FROM message m JOIN content c ON c.id = m.content_id WHERE"
	    MESSAGES_OF_BOX "AND m.uid = $3::bigint",

	/* --- new messages ------------------------------------------------ */

	[PG_S_CONTENT_BLOCK] = "SELECT nextval('content_block')",
	/* $3: how many, $4: octets, $5: epoch of keywords, $6 to $8: ids,
	 * sizes and octets of new contents, $9: now, then of each message:
	 * flags, keywords, date, size, content */
	[PG_S_COMMIT_NEW] =
	    "WITH b AS (UPDATE mailbox"
	    " SET uidnext = uidnext + $3::bigint, modseq = modseq + 1,"
	    " messages = messages + $3::bigint, bytes = bytes + $4::bigint"
	    " WHERE" OF_BOX "AND" EPOCH_IS_5 " RETURNING uidnext - $3::bigint"
	    " AS base, modseq), c AS (INSERT INTO content (id, size)"
	    " SELECT x.id, x.size"
	    " FROM unnest($6::bigint[], $7::bigint[]) AS x (id, size), b),"
	    " k AS (INSERT INTO chunk SELECT x.id, 0, x.data"
	    " FROM unnest($6::bigint[], $8::bytea[]) AS x (id, data), b),"
	    " m AS (INSERT INTO message (account_id, mailbox_id, uid, modseq,"
	    " keywords, internal_date, save_date, size, content_id, flags)"
	    " SELECT $1::bigint, $2::bigint, b.base + x.n - 1, b.modseq,"
	    " x.keywords, x.date, $9::bigint, x.size, x.content,"
	    " x.flags::smallint"
	    " FROM unnest($10::bigint[], $11::bigint[], $12::bigint[],"
	    " $13::bigint[], $14::bigint[]) WITH ORDINALITY AS x (flags,"
	    " keywords, date, size, content, n), b) SELECT base, modseq FROM b",
	/* $3: the content of one of the messages of a commit, $4: its uid or 0
	 */
	[PG_S_COMMITTED] =
	    "SELECT uid, modseq, save_date FROM message m WHERE" MESSAGES_OF_BOX "AND m.content_id = $3::bigint AND ($4::bigint = 0 OR m.uid = $4::bigint) ORDER BY uid"
	    " LIMIT 1",
	[PG_S_LOOSE_DROP] =
	    "DELETE FROM loose WHERE content_id = ANY ($1::bigint[])",
	/* $1: content, $2: its number, $3: octets */
	[PG_S_CHUNK] =
	    "INSERT INTO chunk VALUES ($1::bigint, $2::bigint, $3::bytea)"
	    " ON CONFLICT DO NOTHING",
	[PG_S_CHUNK_LOOSE] =
	    "INSERT INTO loose VALUES ($1::bigint," DUE_2 ")"
	    " ON CONFLICT DO NOTHING",
	/* $2: octets, $3: chunks; only when they are all there */
	[PG_S_CONTENT_WHOLE] =
	    "SELECT * FROM make_content($1::bigint, $2::bigint, $3::bigint)",
	[PG_S_LOOSE_NOW] =
	    "UPDATE loose SET due = now() WHERE content_id = $1::bigint",

	/* --- changes ----------------------------------------------------- */

	/* $5: modseq */
	[PG_S_CONFLICTS] =
	    "SELECT m.uid FROM"
	    IN_RANGES("m.uid", "AND m.modseq > $5::bigint")
	    "ORDER BY m.uid",
	/* $5, $6: flags to keep, to add; $7, $8: keywords; $9: unchanged since;
	 * $10: epoch of keywords */
	[PG_S_FLAGS] =
	    "WITH b AS (SELECT modseq + 1 AS modseq FROM mailbox"
	    " WHERE" OF_BOX "AND" EPOCH_IS_10 "),"
	    " s AS MATERIALIZED (SELECT m.place FROM"
	    IN_RANGES("m.ctid AS place", "AND m.modseq <= $9::bigint"
		" AND ((m.flags & $5::bigint) | $6::bigint <> m.flags"
		" OR (m.keywords & $7::bigint) | $8::bigint <> m.keywords)")
	    "),"
	    " m AS (UPDATE message m SET modseq = b.modseq,"
	    " flags = ((m.flags & $5::bigint) | $6::bigint)::smallint,"
	    " keywords = (m.keywords & $7::bigint) | $8::bigint"
	    " FROM s, b WHERE" FOUND "RETURNING" ROW_COLUMNS "),"
	    " u AS (UPDATE mailbox SET modseq = modseq + 1"
	    " WHERE" OF_BOX "AND EXISTS (SELECT 1 FROM m))"
	    " SELECT" ROW_COLUMNS "FROM m ORDER BY m.uid",
	/* $5: seconds until contents may go; $6: their messages are nowhere
	 * else, as far as we know */
	[PG_S_EXPUNGE] =
	    "WITH s AS MATERIALIZED (SELECT m.place FROM"
	    IN_RANGES("m.ctid AS place", "") "),"
	    " d AS (DELETE FROM message m USING s WHERE" FOUND
	    " RETURNING m.uid, m.size, m.content_id),"
	    " l AS (INSERT INTO loose"
	    " SELECT DISTINCT content_id," DUE_5 "FROM d WHERE $6::boolean"
	    " ORDER BY 1 ON CONFLICT DO NOTHING),"
	    " u AS (UPDATE mailbox SET modseq = modseq + 1,"
	    " messages = messages - (SELECT count(*) FROM d),"
	    " bytes = bytes - (SELECT coalesce(sum(size), 0) FROM d)"
	    " WHERE" OF_BOX "AND EXISTS (SELECT 1 FROM d) RETURNING modseq),"
	    " e AS (INSERT INTO expunged (account_id, mailbox_id, modseq,"
	    " first, last)"
	    " SELECT $1::bigint, $2::bigint, u.modseq, min(g.uid), max(g.uid)"
	    " FROM (SELECT uid, uid - row_number() OVER (ORDER BY uid) AS run"
	    " FROM d) AS g, u GROUP BY g.run, u.modseq)"
	    " SELECT d.uid, u.modseq FROM d, u ORDER BY d.uid",
	/* $5: now */
	[PG_S_EXPUNGE_KEEP] =
	    "WITH b AS (SELECT name, keywords, '' AS use FROM mailbox WHERE"
	    OF_BOX "), s AS MATERIALIZED (SELECT m.place FROM"
	    IN_RANGES("m.ctid AS place", "") "),"
	    " d AS (DELETE FROM message m USING s WHERE" FOUND
	    " RETURNING m.*)," KEEP_5 ","
	    " u AS (UPDATE mailbox SET modseq = modseq + 1,"
	    " messages = messages - (SELECT count(*) FROM d),"
	    " bytes = bytes - (SELECT coalesce(sum(size), 0) FROM d)"
	    " WHERE" OF_BOX "AND EXISTS (SELECT 1 FROM d) RETURNING modseq),"
	    " e AS (INSERT INTO expunged (account_id, mailbox_id, modseq,"
	    " first, last)"
	    " SELECT $1::bigint, $2::bigint, u.modseq, min(g.uid), max(g.uid)"
	    " FROM (SELECT uid, uid - row_number() OVER (ORDER BY uid) AS run"
	    " FROM d) AS g, u GROUP BY g.run, u.modseq)"
	    " SELECT d.uid, u.modseq FROM d, u ORDER BY d.uid",
	/* $3, $4: account and mailbox of the other one */
	[PG_S_COPY_LOCK] =
	    "SELECT" BOX_COLUMNS "FROM mailbox"
	    " WHERE id = ANY (ARRAY[$2::bigint, $4::bigint]) AND account_id ="
	    " ANY (ARRAY[$1::bigint, $3::bigint]) ORDER BY id FOR NO KEY UPDATE",
	[PG_S_COPY_KEYWORDS] =
	    "SELECT coalesce(bit_or(m.keywords), 0) FROM"
	    IN_RANGES("m.keywords", ""),
	/* $5, $6: account and mailbox of the target; $7, $8: masks of keywords
	 * there and here; $9: now */
	[PG_S_COPY] =
	    "WITH"
	    " s AS (SELECT m.*, row_number() OVER (ORDER BY m.uid) AS n,"
	    " (SELECT coalesce(bit_or(x.here), 0)"
	    " FROM unnest($7::bigint[], $8::bigint[]) AS x (there, here)"
	    " WHERE m.keywords & x.there <> 0) AS here FROM"
	    IN_RANGES("m.*", "") "),"
	    " t AS (SELECT count(*) AS n, coalesce(sum(size), 0)::bigint AS"
	    " bytes FROM s), u AS (UPDATE mailbox b"
	    " SET uidnext = b.uidnext + t.n, modseq = b.modseq + 1, messages ="
	    " b.messages + t.n, bytes = b.bytes + t.bytes FROM t"
	    " WHERE b.account_id = $5::bigint AND b.id = $6::bigint AND t.n > 0"
	    " RETURNING b.uidnext - t.n AS base, b.modseq),"
	    " m AS (INSERT INTO message (account_id, mailbox_id, uid, modseq,"
	    " keywords, internal_date, save_date, size, content_id, flags)"
	    " SELECT $5::bigint, $6::bigint, u.base + s.n - 1, u.modseq,"
	    " s.here, s.internal_date, $9::bigint, s.size, s.content_id,"
	    " s.flags FROM s, u)"
	    " SELECT u.base + s.n - 1, s.flags, s.here, u.modseq,"
	    " s.internal_date, $9::bigint, s.size, s.uid, s.content_id"
	    " FROM s, u ORDER BY s.uid",

	/* --- conversion -------------------------------------------------- */

	/* $3: uidvalidity, $4: object id, $5: uidnext, $6: modseq */
	[PG_S_ADOPT] =
	    "WITH b AS (UPDATE mailbox"
	    " SET uidvalidity = $3::bigint, objectid = $4::text, uidnext ="
	    " greatest(uidnext, $5::bigint), recent = CASE recent WHEN uidnext"
	    " THEN greatest(uidnext, $5::bigint) ELSE recent END, modseq ="
	    " greatest(modseq, $6::bigint), gone_from = greatest(modseq,"
	    " $6::bigint) WHERE" OF_BOX " AND (messages = 0 OR uidvalidity ="
	    " $3::bigint) RETURNING" BOX_COLUMNS "), e AS (DELETE"
	    " FROM expunged m USING b WHERE" MESSAGES_OF_BOX ") SELECT"
	    BOX_COLUMNS "FROM b",
	[PG_S_ADOPT_FLOOR] =
	    "UPDATE account SET uidvalidity = greatest(uidvalidity, $2::bigint)"
	    " WHERE id = $1::bigint",
	/* $3: how many, $4: octets, $5: epoch, $6 to $9: ids, sizes, octets and
	 * idents of new contents, then of each message: flags, keywords, date,
	 * size, content, save date; $16: its uid and modseq in turns */
	[PG_S_PLACE_NEW] =
	    "WITH"
	    " x AS (SELECT x.*, ($16::bigint[])[2 * x.n - 1] AS uid,"
	    " ($16::bigint[])[2 * x.n] AS modseq"
	    " FROM unnest($10::bigint[], $11::bigint[], $12::bigint[],"
	    " $13::bigint[], $14::bigint[], $15::bigint[]) WITH ORDINALITY AS"
	    " x (flags, keywords, date, size, content, save_date, n)),"
	    " f AS (SELECT greatest(b.modseq, max(x.modseq)) AS top,"
	    " max(x.uid) AS last, min(x.uid) AS first, (min(x.modseq) ="
	    " 0)::integer AS extra FROM mailbox b, x"
	    " WHERE b.account_id = $1::bigint AND b.id = $2::bigint"
	    " GROUP BY b.modseq), b AS (UPDATE mailbox"
	    " SET messages = messages + $3::bigint, uidnext ="
	    " greatest(uidnext, f.last + 1), modseq = f.top + f.extra, bytes ="
	    " bytes + $4::bigint FROM f WHERE" OF_BOX "AND" EPOCH_IS_5 " AND"
	    " NOT EXISTS (SELECT 1 FROM message m WHERE" MESSAGES_OF_BOX " AND"
	    " m.uid >= f.first) RETURNING f.top + f.extra AS modseq),"
	    " c AS (INSERT INTO content"
	    " SELECT y.id, y.size, nullif(y.ident, '')"
	    " FROM unnest($6::bigint[], $7::bigint[], $9::text[]) AS y (id,"
	    " size, ident), b), k AS (INSERT INTO chunk SELECT y.id, 0, y.data"
	    " FROM unnest($6::bigint[], $8::bytea[]) AS y (id, data), b),"
	    " m AS (INSERT INTO message (account_id, mailbox_id, uid, modseq,"
	    " keywords, internal_date, save_date, size, content_id, flags)"
	    " SELECT $1::bigint, $2::bigint, x.uid, coalesce(nullif(x.modseq,"
	    " 0), b.modseq), x.keywords, x.date, x.save_date, x.size,"
	    " x.content, x.flags::smallint FROM x, b) SELECT modseq FROM b",
	/* $3: uids, then of each: flags, keywords, date, save date, modseq;
	 * $9: epoch */
	[PG_S_PLACE_OLD] =
	    "WITH x AS (SELECT * FROM unnest($3::bigint[], $4::bigint[],"
	    " $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[])"
	    " AS x (uid, flags, keywords, date, save_date, modseq)),"
	    " f AS (SELECT greatest(b.modseq, max(x.modseq)) +"
	    " (min(x.modseq) = 0)::integer AS modseq FROM mailbox b, x"
	    " WHERE b.account_id = $1::bigint AND b.id = $2::bigint"
	    " GROUP BY b.modseq),"
	    " b AS (UPDATE mailbox SET modseq = f.modseq FROM f"
	    " WHERE" OF_BOX "AND" EPOCH_IS_9 "RETURNING f.modseq),"
	    " s AS MATERIALIZED (SELECT x.*, y.place FROM x CROSS JOIN LATERAL"
	    " (SELECT m.ctid AS place FROM message m WHERE" MESSAGES_OF_BOX
	    " AND m.uid = x.uid OFFSET 0) AS y)"
	    " UPDATE message m SET flags = s.flags::smallint,"
	    " keywords = s.keywords, internal_date = s.date,"
	    " save_date = s.save_date,"
	    " modseq = coalesce(nullif(s.modseq, 0), b.modseq)"
	    " FROM s, b WHERE" FOUND "RETURNING m.uid",
	[PG_S_PLACE_IDENT] =
	    "UPDATE content SET ident = $2::text"
	    " WHERE id = $1::bigint AND ident IS NULL",

	/* --- what is kept ------------------------------------------------ */

	[PG_S_KEPT_EACH] =
	    "SELECT k.id, coalesce(m.name, k.name), CASE WHEN m.id IS NULL"
	    "  THEN k.special_use"
	    "  ELSE coalesce(convert_from(d.value, 'UTF8'), '') END,"
	    " m.id IS NOT NULL OR EXISTS (SELECT 1 FROM mailbox x"
	    "  WHERE x.account_id = k.account_id AND x.name = k.name),"
	    " k.expunged, k.uid, k.flags, k.internal_date, k.size, k.keywords"
	    " FROM kept k LEFT JOIN mailbox m ON m.account_id = k.account_id"
	    "  AND m.id = k.mailbox_id LEFT JOIN" USE " WHERE k.account_id = $1::bigint",
	/* $2: ids, $3: octets */
	[PG_S_KEPT_HEADS] =
	    "SELECT k.id, substring(h.data FROM 1 FOR $3::bigint::integer)"
	    " FROM kept k, LATERAL (SELECT data FROM chunk"
	    "  WHERE content_id = k.content_id ORDER BY n LIMIT 1) h"
	    " WHERE k.account_id = $1::bigint AND k.id = ANY ($2::bigint[])",
	/* $2: ids */
	[PG_S_KEPT_WORDS] =
	    "SELECT DISTINCT w.name FROM kept k, unnest(k.keywords) AS w (name)"
	    " WHERE k.account_id = $1::bigint AND k.id = ANY ($2::bigint[])",
	/* $3: ids; $4, $5: keywords and their masks; $6: now */
	[PG_S_KEPT_RESTORE] =
	    "WITH w AS (SELECT id, min(n) AS place FROM unnest($3::bigint[])"
	    "   WITH ORDINALITY AS w (id, n) GROUP BY id),"
	    " d AS (DELETE FROM kept k USING w WHERE k.account_id = $1::bigint"
	    "  AND k.id = w.id RETURNING k.*, w.place),"
	    " s AS (SELECT d.*, row_number() OVER (ORDER BY d.place) AS n"
	    "  FROM d),"
	    " t AS (SELECT count(*) AS n,"
	    "  coalesce(sum(size), 0)::bigint AS bytes FROM s),"
	    " u AS (UPDATE mailbox b SET uidnext = b.uidnext + t.n,"
	    "   modseq = b.modseq + 1, messages = b.messages + t.n,"
	    "   bytes = b.bytes + t.bytes FROM t WHERE"
	    "   b.account_id = $1::bigint AND b.id = $2::bigint AND t.n > 0"
	    "  RETURNING b.uidnext - t.n AS base, b.modseq),"
	    " m AS (INSERT INTO message (account_id, mailbox_id, uid, modseq,"
	    "   keywords, internal_date, save_date, size, content_id, flags)"
	    "  SELECT $1::bigint, $2::bigint, u.base + s.n - 1, u.modseq,"
	    "   (SELECT coalesce(bit_or(x.mask), 0)"
	    "    FROM unnest($4::text[], $5::bigint[]) AS x (name, mask)"
	    "    WHERE x.name = ANY (s.keywords)),"
	    "   s.internal_date, $6::bigint, s.size, s.content_id,"
	    "   (s.flags & ~8)::smallint FROM s, u RETURNING *)"
	    " SELECT" ROW_COLUMNS ", s.place, m.content_id FROM s, u, m"
	    " WHERE m.uid = u.base + s.n - 1 ORDER BY m.uid",
	/* $2: before, $3: octets that may stay or 0, $4: how many at most, $5:
	 * seconds until contents may go */
	[PG_S_KEPT_PURGE] =
	    "WITH a AS (SELECT id, size, expunged, sum(size) OVER"
	    "   (ORDER BY expunged DESC, id DESC) AS with_newer"
	    "  FROM kept WHERE" OF_ACCOUNT "),"
	    " g AS (SELECT id, row_number() OVER (ORDER BY expunged, id) AS n"
	    "  FROM a WHERE expunged < $2::bigint"
	    "   OR ($3::bigint > 0 AND with_newer > $3::bigint)),"
	    " d AS (DELETE FROM kept k USING g WHERE"
	    "   k.account_id = $1::bigint AND k.id = g.id AND g.n <= $4::bigint"
	    "  RETURNING k.id, k.size, k.content_id),"
	    " l AS (INSERT INTO loose SELECT DISTINCT content_id," DUE_5 "  FROM d ORDER BY 1 ON CONFLICT DO NOTHING)"
		      " SELECT (SELECT count(*) FROM d),"
		      "  (SELECT coalesce(sum(size), 0)::bigint FROM d), "
		      "count(*),"
		      "  coalesce(sum(a.size), 0)::bigint, min(a.expunged),"
		      "  (SELECT count(*) > $4::bigint FROM g)"
		      " FROM a WHERE NOT EXISTS (SELECT 1 FROM d WHERE d.id = "
		      "a.id)",

	/* --- what was worked out ----------------------------------------- */

	/* $3: kind, $4: uids */
	[PG_S_CACHE_GET] =
	    "SELECT m.uid, c.value FROM unnest($4::bigint[]) AS w (uid)"
	    OF_UIDS
	    " CROSS JOIN LATERAL (SELECT c.value FROM cached c"
	    "  WHERE c.content_id = m.content_id AND c.kind = $3::bigint"
	    "  OFFSET 0) AS c ORDER BY m.uid",
	/* $5: values. Of copies of a message one counts. */
	[PG_S_CACHE_PUT] =
	    "INSERT INTO cached SELECT DISTINCT ON (m.content_id)"
	    "  m.content_id, $3::bigint::smallint, w.value"
	    " FROM unnest($4::bigint[], $5::bytea[]) AS w (uid, value)"
	    OF_UIDS
	    " ORDER BY m.content_id ON CONFLICT (content_id, kind)"
	    " DO UPDATE SET value = excluded.value"
	    "  WHERE cached.value <> excluded.value",
	/* $3: how many at most; the last ones */
	[PG_S_HISTORY] = "SELECT first, last, modseq FROM expunged m"
			 " WHERE" MESSAGES_OF_BOX
			 "ORDER BY modseq DESC, first DESC LIMIT $3::bigint",

	/* --- texts ------------------------------------------------------- */

	/* $3: version; of each message: $4 uid, $5 doubt, $6 octets, $7 header,
	 * $8 body. Of copies of a message one counts. */
	[PG_S_TEXT_PUT] =
	    "INSERT INTO message_text (account_id, content_id, version, doubt,"
	    "  octets, header, body) SELECT DISTINCT ON (m.content_id)"
	    "  $1::bigint, m.content_id, $3::bigint, w.doubt::smallint,"
	    "  w.octets::integer, w.header, w.body"
	    " FROM unnest($4::bigint[], $5::bigint[], $6::bigint[], $7::text[],"
	    "  $8::text[]) AS w (uid, doubt, octets, header, body)"
	    OF_UIDS
	    " ORDER BY m.content_id ON CONFLICT (account_id, content_id)"
	    " DO UPDATE SET version = excluded.version, doubt = excluded.doubt,"
	    "  octets = excluded.octets, header = excluded.header,"
	    "  body = excluded.body"
	    "  WHERE message_text.version <> excluded.version",
	[PG_S_TEXT_HAS_INDEX] =
	    "SELECT to_regclass('message_text_words') IS NOT NULL",
	/* $3: version, $4: pattern or null, $5: headers, too. One array of four
	 * times the uid and 0: no, 1: yes, 2: maybe. */
	[PG_S_TEXT_SEARCH] =
	    "WITH h AS MATERIALIZED (SELECT DISTINCT content_id"
	    "  FROM text_hits($1::bigint, $4::text, $5::boolean)"
	    "   AS t (content_id) WHERE $4::text IS NOT NULL)"
	    " SELECT array_agg(m.uid * 4 + CASE WHEN $4::text IS NULL THEN 1"
	    "   WHEN t.doubt = 2 THEN 2 WHEN h.content_id IS NOT NULL THEN 1"
	    "   WHEN t.doubt = 1 THEN 2 ELSE 0 END ORDER BY m.uid)"
	    " FROM message m JOIN message_text t ON t.account_id = m.account_id"
	    "  AND t.content_id = m.content_id AND t.version = $3::bigint"
	    " LEFT JOIN h ON h.content_id = m.content_id"
	    " WHERE" MESSAGES_OF_BOX,
	/* $3: version */
	[PG_S_TEXT_STATE] =
	    "SELECT count(*), coalesce(sum(t.octets), 0)::bigint FROM message m"
	    " JOIN message_text t ON t.account_id = m.account_id"
	    "  AND t.content_id = m.content_id AND t.version = $3::bigint"
	    " WHERE" MESSAGES_OF_BOX,
	[PG_S_TEXT_DROP] =
	    "DELETE FROM message_text t USING message m WHERE" MESSAGES_OF_BOX
	    "AND t.account_id = m.account_id AND t.content_id = m.content_id",

	/* --- looking for what is wrong ----------------------------------- */

	[PG_S_CHECK_BOX] =
	    "SELECT b.messages, b.bytes, b.uidnext, b.modseq,"
	    "  count(m.uid), coalesce(sum(m.size), 0)::bigint,"
	    "  coalesce(max(m.uid), 0), coalesce(max(m.modseq), 0)"
	    " FROM mailbox b LEFT JOIN message m"
	    "  ON m.account_id = b.account_id AND m.mailbox_id = b.id"
	    " WHERE b.account_id = $1::bigint AND b.id = $2::bigint"
	    " GROUP BY b.account_id, b.id",
	/* $3 to $6: messages, bytes, uidnext, modseq */
	[PG_S_CHECK_MEND_BOX] =
	    "UPDATE mailbox SET messages = $3::bigint, bytes = $4::bigint,"
	    " uidnext = greatest(uidnext, $5::bigint),"
	    " modseq = greatest(modseq, $6::bigint) WHERE" OF_BOX,
	/* $3: first uid, $4: how many */
	[PG_S_CHECK] =
	    "SELECT m.uid, m.size, c.size, k.n, k.octets, k.last FROM"
	    " (SELECT * FROM message m WHERE" MESSAGES_OF_BOX
	    "  AND m.uid >= $3::bigint ORDER BY m.uid LIMIT $4::bigint) AS m"
	    " LEFT JOIN content c ON c.id = m.content_id"
	    " LEFT JOIN LATERAL (SELECT count(*) AS n,"
	    "   coalesce(sum(octet_length(data)), 0)::bigint AS octets,"
	    "   coalesce(max(k.n), -1) AS last FROM chunk k"
	    "  WHERE k.content_id = m.content_id) AS k ON true ORDER BY m.uid",
	/* $3: uid, $4: octets */
	[PG_S_CHECK_MEND_SIZE] =
	    "WITH b AS (UPDATE mailbox SET modseq = modseq + 1,"
	    "   bytes = bytes + $4::bigint - (SELECT size FROM message m"
	    "    WHERE" MESSAGES_OF_BOX "AND m.uid = $3::bigint)"
	    "  WHERE" OF_BOX "RETURNING modseq)"
	    " UPDATE message m SET size = $4::bigint, modseq = b.modseq FROM b"
	    " WHERE" MESSAGES_OF_BOX "AND m.uid = $3::bigint",

	/* --- housekeeping ------------------------------------------------ */

	[PG_S_SWEEP_CONTENTS] =
	    "SELECT sweep_contents($1::bigint::integer)",
	[PG_S_SWEEP_EXPUNGED] =
	    "SELECT sweep_expunged($1::bigint::integer)",
};
/* clang-format on */
