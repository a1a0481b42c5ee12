/*
 * schema_policies.c - version 3: policies of rows. Each transaction says whose
 * rows it is about in the setting postern.account: the ids of one account or
 * two, nothing, or "*". What belongs to others is not there for it, whatever a
 * statement asks for.
 *
 * Nothing: the names of accounts are there, as long as it is not known which
 * one it is about. "*": work of the store as a whole; only the functions below
 * set it, for as long as they run. They are SECURITY DEFINER, so that a role
 * that serves needs no more than its policies. (A setting of our own cannot be
 * had by CREATE FUNCTION ... SET, which only a superuser may use so.)
 *
 * What is asked once per statement stands in "(SELECT ...)": it is an init
 * plan, and a row costs a comparison.
 */
#include "pg.h"

const char pg_schema_3[] =
    /* One expression each, so that they become part of a statement's plan. */
    "CREATE FUNCTION own_accounts() RETURNS bigint[] LANGUAGE sql STABLE"
    " AS $$ SELECT string_to_array(nullif(current_setting('postern.account',"
    "  true), '*'), ',')::bigint[] $$;"
    "CREATE FUNCTION is_of_store() RETURNS boolean LANGUAGE sql STABLE"
    " AS $$ SELECT current_setting('postern.account', true) = '*' $$;"

    "CREATE TYPE moved AS (id bigint, stamp bigint);"
    /* A new account with its INBOX; no row: somebody else made it. */
    "CREATE TYPE made_account AS (id bigint, stamp bigint);"
    "CREATE FUNCTION make_account(wanted text, seconds bigint)"
    " RETURNS SETOF made_account LANGUAGE sql VOLATILE AS $$"
    " WITH a AS (INSERT INTO account (name, uidvalidity)"
    "   SELECT wanted, greatest(seconds, s.uidvalidity + 1)"
    "   FROM store s ON CONFLICT (name) DO NOTHING"
    "   RETURNING account.id, account.stamp, account.uidvalidity),"
    "  m AS (INSERT INTO mailbox (account_id, name, uidvalidity)"
    "   SELECT a.id, 'INBOX', a.uidvalidity FROM a)"
    " SELECT a.id, a.stamp FROM a $$;"

    /* A content that is there already, whoever has it, fails as its key would:
     * a commit that is repeated meets what it did before. Of the statement
     * itself it is not there yet. */
    "CREATE FUNCTION is_new_content(content bigint) RETURNS boolean"
    " LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path FROM CURRENT"
    " AS $$"
    " DECLARE own text := current_setting('postern.account', true);"
    " BEGIN"
    "  PERFORM set_config('postern.account', '*', true);"
    "  IF EXISTS (SELECT 1 FROM content c WHERE c.id = $1) THEN"
    "   RAISE unique_violation USING MESSAGE = 'the content is there',"
    "    CONSTRAINT = 'content_pkey';"
    "  END IF;"
    "  PERFORM set_config('postern.account', coalesce(own, ''), true);"
    "  RETURN true;"
    " END $$;"

    /* A content of many chunks, when they are all there. */
    "CREATE FUNCTION make_content(content bigint, octets bigint,"
    "  chunks bigint) RETURNS SETOF bigint LANGUAGE sql VOLATILE AS $$"
    " INSERT INTO content (id, size) SELECT content, octets"
    "  FROM (SELECT count(*) AS n, coalesce(sum(octet_length(data)), 0) AS size"
    "   FROM chunk WHERE content_id = content) AS k"
    "  WHERE k.n = chunks AND k.size = octets RETURNING id $$;"

    /* Contents of the account that have a text like that. */
    "CREATE FUNCTION text_hits(account bigint, pattern text, headers boolean)"
    " RETURNS SETOF bigint LANGUAGE plpgsql STABLE SECURITY DEFINER"
    " SET search_path FROM CURRENT SET enable_seqscan = off AS $$"
    " DECLARE own text := 'account_id = $1';"
    " BEGIN"
    "  IF NOT coalesce(account = ANY (own_accounts()), false) THEN"
    "   RAISE insufficient_privilege USING"
    "    MESSAGE = 'texts of an account that this is not about';"
    "  END IF;"
    /* A needle without three letters has no trigram: then the account's texts
     * are read, not the whole index. */
    "  IF pattern ~ '[[:alnum:]]{3}'"
    "    AND to_regclass('message_text_words') IS NOT NULL THEN"
    "   own := 'account_id::text = $1::text';"
    "  END IF;"
    "  RETURN QUERY EXECUTE 'SELECT content_id FROM message_text WHERE '"
    "   || own || ' AND body LIKE $2' USING account, pattern;"
    "  IF headers THEN"
    "   RETURN QUERY EXECUTE 'SELECT content_id FROM message_text WHERE '"
    "    || own || ' AND header LIKE $2' USING account, pattern;"
    "  END IF;"
    " END $$;"

    "DO $do$ DECLARE"
    "  own constant text := '(%1$s = ANY ((SELECT own_accounts())::bigint[]))';"
    /* Content is there for whoever has a message of it, expunged ones
     * included. OFFSET 0 has each content looked up: else the planner, that
     * knows nothing of a new table, gathers all contents of an account to
     * show one. */
    "  of_content constant text :="
    "   '(EXISTS (SELECT 1 FROM message m WHERE m.content_id = %1$s AND '"
    "   || format(own, 'm.account_id') || ' OFFSET 0)"
    "    OR EXISTS (SELECT 1 FROM kept k WHERE k.content_id = %1$s AND '"
    "   || format(own, 'k.account_id') || ' OFFSET 0))';"
    "  one record;"
    " BEGIN"
    "  FOR one IN SELECT t, c FROM (VALUES ('mailbox', 'account_id'),"
    "    ('message', 'account_id'), ('expunged', 'account_id'),"
    "    ('metadata', 'account_id'), ('subscription', 'account_id'),"
    "    ('kept', 'account_id'), ('message_text', 'account_id'),"
    "    ('account', 'id')) AS v (t, c) LOOP"
    "   EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY,"
    "     FORCE ROW LEVEL SECURITY', one.t);"
    "   EXECUTE format('CREATE POLICY own ON %I USING ', one.t)"
    "    || format(own, one.c);"
    "  END LOOP;"
    "  FOR one IN SELECT t, c, w, i FROM (VALUES"
    /* It is made before its message, and is nobody's then. */
    "    ('content', 'content.id', 'UPDATE', 'true'),"
    /* Nothing is added to what was made, whoever has it;
     * each has a first part, whose key is taken. */
    "    ('chunk', 'chunk.content_id', '',"
    "     'n = 0 OR is_new_content(content_id)'),"
    "    ('cached', 'cached.content_id', 'UPDATE',"
    "     format(of_content, 'cached.content_id')))"
    "    AS v (t, c, w, i) LOOP"
    "   EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY,"
    "     FORCE ROW LEVEL SECURITY', one.t);"
    "   EXECUTE format('CREATE POLICY own ON %I FOR SELECT USING ', one.t)"
    "    || format(of_content, one.c);"
    "   EXECUTE format('CREATE POLICY made ON %I FOR INSERT"
    "     WITH CHECK (', one.t) || one.i || ')';"
    "   IF one.w = 'UPDATE' THEN"
    "    EXECUTE format('CREATE POLICY changed ON %I FOR UPDATE USING ', one.t)"
    "     || format(of_content, one.c);"
    "   END IF;"
    "  END LOOP;"
    /* What the functions of the store do. */
    "  FOR one IN SELECT t, c FROM (VALUES ('account', 'SELECT'),"
    "    ('account', 'INSERT'), ('mailbox', 'SELECT'), ('mailbox', 'INSERT'),"
    "    ('mailbox', 'UPDATE'), ('message', 'SELECT'), ('kept', 'SELECT'),"
    "    ('expunged', 'SELECT'), ('expunged', 'DELETE'),"
    "    ('content', 'SELECT'), ('content', 'DELETE'), ('chunk', 'SELECT'),"
    "    ('chunk', 'DELETE'), ('cached', 'SELECT'), ('cached', 'DELETE'),"
    "    ('message_text', 'SELECT'), ('message_text', 'DELETE'))"
    "    AS v (t, c) LOOP"
    "   EXECUTE format('CREATE POLICY %I ON %I FOR %s %s"
    "     ((SELECT is_of_store()))', 'store_' || lower(one.c), one.t, one.c,"
    "    CASE one.c WHEN 'INSERT' THEN 'WITH CHECK' ELSE 'USING' END);"
    "  END LOOP;"
    /* What was f does the work, called by one that says so meanwhile. */
    "  FOR one IN SELECT f, a, r FROM (VALUES"
    "    ('moved_mailboxes', 'bigint[], bigint[]', 'SETOF moved'),"
    "    ('moved_accounts', 'bigint[], bigint[]', 'SETOF moved'),"
    "    ('sweep_contents', 'integer', 'SETOF bigint'),"
    "    ('sweep_expunged', 'integer', 'SETOF bigint'),"
    "    ('audit', '', 'SETOF fault'),"
    "    ('make_account', 'text, bigint', 'SETOF made_account'),"
    "    ('make_content', 'bigint, bigint, bigint', 'SETOF bigint'))"
    "    AS v (f, a, r) LOOP"
    "   EXECUTE format('ALTER FUNCTION %1$I(%2$s) RENAME TO %1$s_now',"
    "    one.f, one.a);"
    "   EXECUTE format('CREATE FUNCTION %1$I(%2$s) RETURNS %3$s"
    "     LANGUAGE plpgsql VOLATILE SECURITY DEFINER"
    "     SET search_path FROM CURRENT AS $f$"
    "     DECLARE own text := current_setting(''postern.account'', true);"
    "     BEGIN"
    "      PERFORM set_config(''postern.account'', ''*'', true);"
    "      RETURN QUERY SELECT * FROM %1$s_now(%4$s);"
    "      PERFORM set_config(''postern.account'', coalesce(own, ''''), true);"
    "     END $f$', one.f, one.a, one.r, (SELECT string_agg('$' || n, ', ')"
    "      FROM generate_series(1, array_length(string_to_array(one.a, ','), "
    "1)) AS n));"
    "   EXECUTE format('REVOKE EXECUTE ON FUNCTION %1$I(%2$s), %1$s_now(%2$s)"
    "     FROM PUBLIC', one.f, one.a);"
    "  END LOOP;"
    " END $do$;"

    "CREATE POLICY names ON account FOR SELECT"
    " USING ((SELECT current_setting('postern.account', true) = ''));"
    /* LIKE is evaluated behind policies, never by an index: text_hits() has to
     * be free of them. */
    "ALTER TABLE message_text NO FORCE ROW LEVEL SECURITY;"
    "REVOKE EXECUTE ON FUNCTION text_hits(bigint, text, boolean),"
    " make_text_index() FROM PUBLIC;";
