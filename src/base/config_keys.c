/*
 * base/config_keys.c - every key of postern.conf: where it goes, its default
 * and its range. postern.conf(5) documents each of them; a test compares.
 */
#include "base/config_keys.h"

#define KIB INT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define DAY INT64_C(86400)

#define TOP(field, kind, preset)                                             \
	{                                                                    \
		"", #field, kind, offsetof(struct config, field), preset, 0, \
		    0, NULL                                                  \
	}
#define IN(section, field, kind, preset, min, max)                            \
	{                                                                     \
#section, #field, kind,                                       \
		    offsetof(struct config, section.field), preset, min, max, \
		    NULL                                                      \
	}
#define PICK(section, field, preset, choices)                             \
	{                                                                 \
#section, #field, CONFIG_CHOICE,                          \
		    offsetof(struct config, section.field), preset, 0, 0, \
		    choices                                               \
	}
#define ITEM(section, field, kind, preset, min, max, choices)              \
	{                                                                  \
#section, #field, kind,                                    \
		    offsetof(struct config_##section, field), preset, min, \
		    max, choices                                           \
	}

#define OUTBOUND_TLS "unset none may must verify dane"

const struct config_key config_keys[] = {
	TOP(hostname, CONFIG_TEXT, ""),
	TOP(domains, CONFIG_STRINGS, ""),
	TOP(user, CONFIG_TEXT, ""),
	TOP(group, CONFIG_TEXT, ""),
	TOP(state_dir, CONFIG_TEXT, POSTERN_STATEDIR),
	TOP(run_dir, CONFIG_TEXT, POSTERN_RUNDIR),
	TOP(module_dir, CONFIG_TEXT, POSTERN_MODULEDIR),
	TOP(default_storage, CONFIG_TEXT, ""),

	ITEM(listener, protocol, CONFIG_CHOICE, "imap", 0, 0,
	    "smtp submission lmtp imap pop3 http metrics redirect "
	    "managesieve"),
	ITEM(listener, address, CONFIG_STRINGS, "*", 0, 0, NULL),
	ITEM(listener, port, CONFIG_NUMBER, "0", 0, 65535, NULL),
	ITEM(listener, path, CONFIG_TEXT, "", 0, 0, NULL),
	ITEM(listener, tls, CONFIG_CHOICE, "starttls", 0, 0,
	    "none starttls implicit"),
	ITEM(listener, local, CONFIG_BOOL, "false", 0, 0, NULL),
	ITEM(listener, proxy, CONFIG_BOOL, "false", 0, 0, NULL),
	ITEM(listener, proxy_from, CONFIG_STRINGS, "", 0, 0, NULL),
	ITEM(listener, forwarded_from, CONFIG_STRINGS, "", 0, 0, NULL),

	ITEM(certificate, certificate, CONFIG_TEXT, "", 0, 0, NULL),
	ITEM(certificate, key, CONFIG_TEXT, "", 0, 0, NULL),
	ITEM(certificate, names, CONFIG_STRINGS, "", 0, 0, NULL),

	ITEM(storage, module, CONFIG_TEXT, "", 0, 0, NULL),
	ITEM(storage, path, CONFIG_TEXT, "", 0, 0, NULL),
	ITEM(storage, fsync, CONFIG_BOOL, "true", 0, 0, NULL),
	ITEM(storage, option, CONFIG_STRINGS, "", 0, 0, NULL),

	ITEM(dnslist, zone, CONFIG_TEXT, "", 0, 0, NULL),
	ITEM(dnslist, kind, CONFIG_CHOICE, "block", 0, 0, "block allow"),
	ITEM(dnslist, weight, CONFIG_NUMBER, "1", 1, 1000, NULL),
	ITEM(dnslist, answers, CONFIG_STRINGS, "127.*.*.*", 0, 0, NULL),

	ITEM(milter, socket, CONFIG_TEXT, "", 0, 0, NULL),
	ITEM(milter, protocols, CONFIG_STRINGS, "smtp", 0, 0, NULL),
	ITEM(milter, exempt, CONFIG_STRINGS, "", 0, 0, NULL),
	ITEM(milter, failure, CONFIG_CHOICE, "tempfail", 0, 0,
	    "accept tempfail reject"),
	ITEM(milter, connect_time, CONFIG_TIME, "30", 1, 600, NULL),
	ITEM(milter, command_time, CONFIG_TIME, "30", 1, 600, NULL),
	ITEM(milter, content_time, CONFIG_TIME, "5m", 1, 3600, NULL),

	ITEM(domain, storage, CONFIG_TEXT, "", 0, 0, NULL),
	ITEM(domain, signup, CONFIG_CHOICE, "default", 0, 0,
	    "closed invite open approval default"),

	ITEM(mailbox, special_use, CONFIG_TEXT, "", 0, 0, NULL),
	ITEM(mailbox, create, CONFIG_BOOL, "true", 0, 0, NULL),
	ITEM(mailbox, subscribe, CONFIG_BOOL, "true", 0, 0, NULL),

	ITEM(hide, listener, CONFIG_STRINGS, "", 0, 0, NULL),
	ITEM(hide, user, CONFIG_STRINGS, "", 0, 0, NULL),
	ITEM(hide, client, CONFIG_STRINGS, "", 0, 0, NULL),
	ITEM(hide, capabilities, CONFIG_STRINGS, "", 0, 0, NULL),

	ITEM(filter, search, CONFIG_TEXT, "", 0, 0, NULL),
	ITEM(filter, description, CONFIG_TEXT, "", 0, 0, NULL),

	ITEM(local, users, CONFIG_STRINGS, "", 0, 0, NULL),
	ITEM(local, addresses, CONFIG_STRINGS, "", 0, 0, NULL),

	ITEM(sending_users, users, CONFIG_STRINGS, "", 0, 0, NULL),
	ITEM(sending_users, messages_hour, CONFIG_NUMBER, "0", 0, UINT32_MAX,
	    NULL),
	ITEM(sending_users, messages_day, CONFIG_NUMBER, "0", 0, UINT32_MAX,
	    NULL),
	ITEM(sending_users, recipients_day, CONFIG_NUMBER, "0", 0, UINT32_MAX,
	    NULL),
	ITEM(sending_users, new_recipients_day, CONFIG_NUMBER, "0", 0,
	    UINT32_MAX, NULL),
	ITEM(sending_users, bounce_share, CONFIG_NUMBER, "0", 0, 100, NULL),

	ITEM(retention, mailbox, CONFIG_TEXT, "", 0, 0, NULL),
	ITEM(retention, special_use, CONFIG_TEXT, "", 0, 0, NULL),
	ITEM(retention, age, CONFIG_TIME, "0", 0, 36500 * DAY, NULL),
	ITEM(retention, max_messages, CONFIG_NUMBER, "0", 0, UINT32_MAX, NULL),
	ITEM(retention, max_size, CONFIG_SIZE, "0", 0, INT64_MAX, NULL),
	ITEM(retention, undelete, CONFIG_BOOL, "true", 0, 0, NULL),

	ITEM(relay, host, CONFIG_STRINGS, "", 0, 0, NULL),
	ITEM(relay, tls, CONFIG_CHOICE, "unset", 0, 0, OUTBOUND_TLS),
	ITEM(relay, implicit_tls, CONFIG_BOOL, "false", 0, 0, NULL),
	ITEM(relay, names, CONFIG_STRINGS, "", 0, 0, NULL),
	ITEM(relay, username, CONFIG_TEXT, "", 0, 0, NULL),
	ITEM(relay, password_file, CONFIG_TEXT, "", 0, 0, NULL),
	ITEM(relay, mechanisms, CONFIG_STRINGS,
	    "SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN", 0, 0, NULL),

	ITEM(destination, domains, CONFIG_STRINGS, "", 0, 0, NULL),
	ITEM(destination, senders, CONFIG_STRINGS, "", 0, 0, NULL),
	ITEM(destination, relay, CONFIG_TEXT, "", 0, 0, NULL),
	ITEM(destination, tls, CONFIG_CHOICE, "unset", 0, 0, OUTBOUND_TLS),
	ITEM(destination, names, CONFIG_STRINGS, "", 0, 0, NULL),
	ITEM(destination, source, CONFIG_STRINGS, "", 0, 0, NULL),
	ITEM(destination, helo, CONFIG_TEXT, "", 0, 0, NULL),
	ITEM(destination, port, CONFIG_NUMBER, "0", 0, 65535, NULL),
	ITEM(destination, at_once, CONFIG_NUMBER, "0", 0, 1000, NULL),
	ITEM(destination, rate, CONFIG_NUMBER, "0", 0, 1000000, NULL),

	IN(accounts, database, CONFIG_TEXT, "sqlite", 0, 0),
	IN(accounts, path, CONFIG_TEXT, "", 0, 0),

	PICK(log, target, "stderr", "stderr syslog file"),
	IN(log, path, CONFIG_TEXT, "", 0, 0),
	PICK(log, format, "plain", "plain json"),
	PICK(log, level, "info", "error warning info debug"),

	IN(tls, min_version, CONFIG_TEXT, "1.2", 0, 0),
	IN(tls, priority, CONFIG_TEXT, "", 0, 0),
	IN(tls, tickets, CONFIG_BOOL, "true", 0, 0),
	IN(tls, handshake_time, CONFIG_TIME, "30", 1, 600),

	IN(limits, connections, CONFIG_NUMBER, "20000", 1, 4000000),
	IN(limits, connections_per_address, CONFIG_NUMBER, "1000", 1, 4000000),
	IN(limits, connections_per_user, CONFIG_NUMBER, "200", 1, 4000000),
	IN(limits, workers_min, CONFIG_NUMBER, "4", 1, 1024),
	IN(limits, workers_max, CONFIG_NUMBER, "128", 1, 4096),
	IN(limits, output, CONFIG_SIZE, "256K", 4 * KIB, 64 * MIB),
	IN(limits, write_time, CONFIG_TIME, "120", 1, DAY),
	IN(limits, proxy_time, CONFIG_TIME, "10", 1, 600),
	IN(limits, shutdown_time, CONFIG_TIME, "10", 0, 3600),
	IN(limits, header_size, CONFIG_SIZE, "256K", 4 * KIB, 64 * MIB),
	IN(limits, mime_depth, CONFIG_NUMBER, "100", 1, 1000),
	IN(limits, mime_parts, CONFIG_NUMBER, "10000", 1, 1000000),
	IN(limits, open_mailboxes, CONFIG_NUMBER, "1000", 0, 10000000),
	IN(limits, open_messages, CONFIG_NUMBER, "2000000", 0, 4000000000),

	IN(smtp, message_size, CONFIG_SIZE, "50M", KIB, 4 * GIB),
	IN(smtp, recipients, CONFIG_NUMBER, "1000", 100, 100000),
	IN(smtp, command_line, CONFIG_SIZE, "4096", 1024, 64 * KIB),
	IN(smtp, idle_time, CONFIG_TIME, "300", 1, DAY),
	IN(smtp, data_time, CONFIG_TIME, "180", 1, DAY),
	IN(smtp, login_time, CONFIG_TIME, "120", 1, DAY),
	IN(smtp, errors, CONFIG_NUMBER, "20", 1, 10000),
	IN(smtp, messages, CONFIG_NUMBER, "10000", 1, 1000000000),
	IN(smtp, hops, CONFIG_NUMBER, "100", 1, 1000),
	PICK(smtp, bare_newline, "reject", "reject keep"),
	IN(smtp, detail_separator, CONFIG_TEXT, "+", 0, 0),
	IN(smtp, received_hide_client, CONFIG_BOOL, "true", 0, 0),

	IN(imap, command_line, CONFIG_SIZE, "64K", 8 * KIB, 16 * MIB),
	IN(imap, literal, CONFIG_SIZE, "1M", KIB, 64 * MIB),
	IN(imap, message_size, CONFIG_SIZE, "50M", KIB, 4 * GIB),
	IN(imap, idle_time, CONFIG_TIME, "30m", 60, DAY),
	IN(imap, login_time, CONFIG_TIME, "120", 1, DAY),
	IN(imap, errors, CONFIG_NUMBER, "20", 1, 10000),
	IN(imap, keyword_length, CONFIG_NUMBER, "100", 10, 250),
	IN(imap, progress_time, CONFIG_TIME, "10", 1, 3600),
	IN(imap, message_limit, CONFIG_NUMBER, "0", 0, UINT32_MAX),
	IN(imap, notify_mailboxes, CONFIG_NUMBER, "500", 0, 100000),
	IN(imap, hide, CONFIG_STRINGS, "", 0, 0),

	IN(pop3, command_line, CONFIG_SIZE, "1024", 255, 32 * KIB),
	IN(pop3, idle_time, CONFIG_TIME, "10m", 1, DAY),
	IN(pop3, login_time, CONFIG_TIME, "120", 1, DAY),
	IN(pop3, errors, CONFIG_NUMBER, "20", 1, 10000),
	IN(pop3, messages, CONFIG_NUMBER, "1000000", 1, 100000000),
	IN(pop3, lock, CONFIG_BOOL, "true", 0, 0),
	IN(pop3, login_delay, CONFIG_TIME, "0", 0, DAY),
	IN(pop3, expire, CONFIG_NUMBER, "0", 0, 36500),
	PICK(pop3, delete, "expunge", "expunge flag"),
	IN(pop3, deleted_flag, CONFIG_TEXT, "$POP3Deleted", 0, 0),
	IN(pop3, mark_seen, CONFIG_BOOL, "true", 0, 0),
	IN(pop3, channel_binding, CONFIG_BOOL, "false", 0, 0),
	PICK(pop3, language, "en", "en de"),

	IN(managesieve, idle_time, CONFIG_TIME, "30m", 1, DAY),
	IN(managesieve, login_time, CONFIG_TIME, "120", 1, DAY),
	IN(managesieve, errors, CONFIG_NUMBER, "20", 1, 10000),

	IN(http, header_size, CONFIG_SIZE, "32K", KIB, 60 * KIB),
	IN(http, body_size, CONFIG_SIZE, "10M", 4 * KIB, 256 * MIB),
	IN(http, upload_size, CONFIG_SIZE, "50M", 4 * KIB, GIB),
	IN(http, idle_time, CONFIG_TIME, "120", 1, DAY),
	IN(http, body_time, CONFIG_TIME, "60", 1, DAY),
	IN(http, acme_dir, CONFIG_TEXT, "", 0, 0),

	IN(jmap, requests, CONFIG_NUMBER, "8", 1, 1000),
	IN(jmap, uploads, CONFIG_NUMBER, "8", 1, 1000),
	IN(jmap, upload_space, CONFIG_SIZE, "500M", MIB, 1024 * GIB),
	IN(jmap, ping_time, CONFIG_TIME, "120", 1, 3600),
	IN(jmap, push_subscriptions, CONFIG_NUMBER, "20", 0, 1000),
	IN(jmap, push_life, CONFIG_TIME, "7d", 2 * DAY, 365 * DAY),
	IN(jmap, push_interval, CONFIG_TIME, "5", 0, 3600),
	IN(jmap, push_threads, CONFIG_NUMBER, "4", 1, 64),
	IN(jmap, push_private, CONFIG_BOOL, "false", 0, 0),
	IN(jmap, push_contact, CONFIG_TEXT, "", 0, 0),

	IN(web, dir, CONFIG_TEXT, POSTERN_WEBDIR, 0, 0),
	IN(web, url, CONFIG_TEXT, "", 0, 0),
	IN(web, session_idle, CONFIG_TIME, "7d", 60, 3650 * DAY),
	IN(web, session_life, CONFIG_TIME, "30d", 60, 3650 * DAY),
	IN(web, confirm_life, CONFIG_TIME, "10m", 10, DAY),
	PICK(web, mta_sts, "testing", "off none testing enforce"),
	IN(web, mta_sts_age, CONFIG_TIME, "7d", 60, 365 * DAY),
	IN(web, forwarding, CONFIG_BOOL, "true", 0, 0),

	PICK(signup, mode, "closed", "closed invite open approval"),
	IN(signup, work, CONFIG_NUMBER, "18", 0, 24),
	IN(signup, per_address, CONFIG_NUMBER, "3", 0, 1000000),
	IN(signup, window, CONFIG_TIME, "1d", 1, 30 * DAY),
	IN(signup, terms, CONFIG_TEXT, "", 0, 0),

	IN(search, fulltext, CONFIG_BOOL, "true", 0, 0),
	PICK(search, index, "searched", "searched all"),
	IN(search, delay, CONFIG_TIME, "2", 0, 3600),
	IN(search, message_text, CONFIG_SIZE, "4M", 64 * KIB, 64 * MIB),
	IN(search, batch, CONFIG_SIZE, "8M", 64 * KIB, 64 * MIB),

	IN(auth, plaintext_on_loopback, CONFIG_BOOL, "false", 0, 0),
	IN(auth, failure_delay, CONFIG_NUMBER, "1000", 0, 60000),
	IN(auth, failures, CONFIG_NUMBER, "20", 1, 1000000),
	IN(auth, window, CONFIG_TIME, "10m", 1, 30 * DAY),
	IN(auth, block_time, CONFIG_TIME, "10m", 1, 30 * DAY),
	IN(auth, cache_time, CONFIG_TIME, "5m", 0, DAY),
	IN(auth, hash_cost, CONFIG_NUMBER, "5", 1, 11),
	IN(auth, scram_iterations, CONFIG_NUMBER, "4096", 4096, 10000000),
	IN(auth, password_length, CONFIG_NUMBER, "8", 1, 256),
	IN(auth, common_passwords, CONFIG_TEXT, POSTERN_COMMON_PASSWORDS, 0, 0),

	IN(queue, enabled, CONFIG_BOOL, "true", 0, 0),
	IN(queue, path, CONFIG_TEXT, "", 0, 0),
	IN(queue, relay, CONFIG_TEXT, "", 0, 0),
	IN(queue, life, CONFIG_TIME, "5d", 60, 100 * DAY),
	IN(queue, warn_after, CONFIG_TIME, "4h", 0, 100 * DAY),
	IN(queue, retry_first, CONFIG_TIME, "5m", 1, DAY),
	IN(queue, retry_most, CONFIG_TIME, "4h", 1, 7 * DAY),
	IN(queue, sleep_first, CONFIG_TIME, "1m", 1, DAY),
	IN(queue, sleep_most, CONFIG_TIME, "30m", 1, DAY),
	IN(queue, connections, CONFIG_NUMBER, "200", 1, 10000),
	IN(queue, at_once, CONFIG_NUMBER, "20", 1, 1000),
	IN(queue, rate, CONFIG_NUMBER, "0", 0, 1000000),
	IN(queue, replies, CONFIG_TEXT, "", 0, 0),
	IN(queue, idle_connections, CONFIG_NUMBER, "100", 0, 10000),
	IN(queue, idle_time, CONFIG_TIME, "5", 1, 300),
	IN(queue, return_size, CONFIG_SIZE, "256K", 0, GIB),
	IN(queue, segment, CONFIG_SIZE, "64M", 64 * KIB, 4 * GIB),
	IN(queue, port, CONFIG_NUMBER, "25", 1, 65535),
	IN(queue, ipv6, CONFIG_BOOL, "true", 0, 0),
	IN(queue, dane, CONFIG_BOOL, "true", 0, 0),
	IN(queue, mta_sts, CONFIG_BOOL, "true", 0, 0),
	IN(queue, https_port, CONFIG_NUMBER, "443", 1, 65535),
	IN(queue, ca_file, CONFIG_TEXT, "", 0, 0),

	IN(forward, enabled, CONFIG_BOOL, "true", 0, 0),
	IN(forward, arc, CONFIG_BOOL, "true", 0, 0),
	IN(forward, srs_domain, CONFIG_TEXT, "", 0, 0),
	IN(forward, srs_keys, CONFIG_TEXT, "", 0, 0),
	IN(forward, srs_age, CONFIG_TIME, "21d", DAY, 365 * DAY),
	IN(forward, targets, CONFIG_NUMBER, "10", 1, 1000),

	IN(sieve, enabled, CONFIG_BOOL, "true", 0, 0),
	IN(sieve, script_size, CONFIG_SIZE, "64K", KIB, MIB),
	IN(sieve, scripts, CONFIG_NUMBER, "32", 1, 500),
	IN(sieve, depth, CONFIG_NUMBER, "15", 15, 100),
	IN(sieve, actions, CONFIG_NUMBER, "32", 1, 1000),
	IN(sieve, redirects, CONFIG_NUMBER, "4", 0, 100),
	IN(sieve, includes, CONFIG_NUMBER, "10", 0, 100),
	IN(sieve, variables, CONFIG_NUMBER, "256", 128, 10000),
	IN(sieve, variable_size, CONFIG_SIZE, "4096", 4000, MIB),
	IN(sieve, work, CONFIG_NUMBER, "2000000", 10000, 1000000000),
	IN(sieve, body_size, CONFIG_SIZE, "1M", 0, 64 * MIB),
	IN(sieve, vacation_days_min, CONFIG_NUMBER, "1", 0, 365),
	IN(sieve, vacation_days_max, CONFIG_NUMBER, "30", 1, 365),
	IN(sieve, before, CONFIG_TEXT, "", 0, 0),
	IN(sieve, after, CONFIG_TEXT, "", 0, 0),
	{ "sieve", "default", CONFIG_TEXT,
	    offsetof(struct config, sieve.preset), "", 0, 0, NULL },
	IN(sieve, global, CONFIG_TEXT, "", 0, 0),

	IN(sending, enabled, CONFIG_BOOL, "true", 0, 0),
	IN(sending, messages_hour, CONFIG_NUMBER, "300", 0, UINT32_MAX),
	IN(sending, messages_day, CONFIG_NUMBER, "1000", 0, UINT32_MAX),
	IN(sending, recipients_day, CONFIG_NUMBER, "2000", 0, UINT32_MAX),
	IN(sending, new_recipients_day, CONFIG_NUMBER, "200", 0, UINT32_MAX),
	IN(sending, bounce_share, CONFIG_NUMBER, "40", 0, 100),
	IN(sending, bounce_least, CONFIG_NUMBER, "20", 1, UINT32_MAX),
	IN(sending, held, CONFIG_NUMBER, "1000", 0, UINT32_MAX),
	PICK(sending, beyond, "defer", "defer reject"),
	IN(trail, enabled, CONFIG_BOOL, "true", 0, 0),
	IN(trail, path, CONFIG_TEXT, "", 0, 0),
	IN(trail, size, CONFIG_SIZE, "512M", MIB, 1024 * GIB),
	IN(trail, age, CONFIG_TIME, "14d", 60, 3650 * DAY),

	IN(tls_reports, enabled, CONFIG_BOOL, "false", 0, 0),
	IN(tls_reports, organization, CONFIG_TEXT, "", 0, 0),
	IN(tls_reports, contact, CONFIG_TEXT, "", 0, 0),
	IN(tls_reports, interval, CONFIG_TIME, "1d", 1, DAY),

	IN(quota, bytes, CONFIG_SIZE, "0", 0, INT64_MAX),
	IN(quota, messages, CONFIG_NUMBER, "0", 0, UINT32_MAX),

	IN(sharing, enabled, CONFIG_BOOL, "true", 0, 0),
	IN(sharing, anyone, CONFIG_BOOL, "false", 0, 0),
	IN(sharing, private_seen, CONFIG_BOOL, "true", 0, 0),

	IN(dns, servers, CONFIG_STRINGS, "", 0, 0),
	IN(dns, stubs, CONFIG_STRINGS, "", 0, 0),
	IN(dns, anchors, CONFIG_STRINGS, "", 0, 0),
	IN(dns, validate, CONFIG_BOOL, "true", 0, 0),
	IN(dns, root_key, CONFIG_TEXT, "/usr/share/dns/root.key", 0, 0),
	IN(dns, time, CONFIG_TIME, "10", 1, 120),
	IN(dns, cache_size, CONFIG_SIZE, "16M", MIB, 4 * GIB),

	IN(trust, check, CONFIG_BOOL, "true", 0, 0),
	IN(trust, exempt, CONFIG_STRINGS, "127.0.0.0/8 ::1", 0, 0),
	PICK(trust, spf, "note", "off note reject"),
	PICK(trust, dmarc, "note", "off note junk reject"),
	IN(trust, arc, CONFIG_BOOL, "true", 0, 0),
	IN(trust, arc_trusted, CONFIG_STRINGS, "", 0, 0),
	IN(trust, defer_failures, CONFIG_BOOL, "false", 0, 0),
	IN(trust, signatures, CONFIG_NUMBER, "10", 1, 100),
	IN(trust, time, CONFIG_TIME, "30", 1, 300),
	IN(trust, threads, CONFIG_NUMBER, "64", 1, 1024),
	IN(trust, queue, CONFIG_NUMBER, "1000", 1, 1000000),
	IN(trust, memory, CONFIG_SIZE, "256K", 16 * KIB, 64 * MIB),

	IN(guard, allow, CONFIG_STRINGS, "", 0, 0),
	IN(guard, deny, CONFIG_STRINGS, "", 0, 0),
	IN(guard, rate_time, CONFIG_TIME, "1m", 1, DAY),
	IN(guard, connections, CONFIG_NUMBER, "0", 0, 1000000),
	IN(guard, messages, CONFIG_NUMBER, "0", 0, 1000000),
	IN(guard, recipients, CONFIG_NUMBER, "0", 0, 1000000),
	IN(guard, unknown, CONFIG_NUMBER, "0", 0, 1000000),
	IN(guard, network_connections, CONFIG_NUMBER, "0", 0, 1000000),
	IN(guard, network_messages, CONFIG_NUMBER, "0", 0, 1000000),
	IN(guard, network_recipients, CONFIG_NUMBER, "0", 0, 1000000),
	IN(guard, network_unknown, CONFIG_NUMBER, "0", 0, 1000000),
	IN(guard, network_ipv4, CONFIG_NUMBER, "24", 8, 32),
	IN(guard, network_ipv6, CONFIG_NUMBER, "64", 16, 128),
	IN(guard, table, CONFIG_NUMBER, "65536", 1024, 16777216),
	IN(guard, greet_wait, CONFIG_NUMBER, "0", 0, 60000),
	PICK(guard, greet_early, "reject", "off note reject"),
	IN(guard, greet_remember, CONFIG_TIME, "30d", 1, 365 * DAY),
	PICK(guard, hello_syntax, "off", "off note reject"),
	PICK(guard, hello_own, "off", "off note reject"),
	PICK(guard, hello_unknown, "off", "off note reject"),
	PICK(guard, reverse_missing, "off", "off note reject"),
	PICK(guard, reverse_unconfirmed, "off", "off note reject"),
	PICK(guard, dnslists, "reject", "off note reject"),
	IN(guard, dnslist_threshold, CONFIG_NUMBER, "1", 1, 1000000),
	IN(guard, greylist, CONFIG_BOOL, "false", 0, 0),
	IN(guard, grey_wait, CONFIG_TIME, "2m", 1, DAY),
	IN(guard, grey_retry, CONFIG_TIME, "2d", 60, 30 * DAY),
	IN(guard, grey_life, CONFIG_TIME, "36d", 60, 3650 * DAY),
	IN(guard, grey_network, CONFIG_NUMBER, "2", 0, 1000000),
	IN(guard, grey_entries, CONFIG_NUMBER, "1000000", 1000, 100000000),
	IN(guard, grey_providers, CONFIG_STRINGS, "", 0, 0),
	IN(guard, time, CONFIG_TIME, "10", 1, 120),
	IN(guard, threads, CONFIG_NUMBER, "64", 1, 1024),
	IN(guard, queue, CONFIG_NUMBER, "4000", 1, 1000000),

	IN(dkim, sign, CONFIG_BOOL, "true", 0, 0),
	IN(dkim, dir, CONFIG_TEXT, "", 0, 0),
	IN(dkim, headers, CONFIG_STRINGS,
	    "From Sender Reply-To To Cc Subject Date Message-ID In-Reply-To "
	    "References MIME-Version Content-Type Content-Transfer-Encoding "
	    "Content-Disposition Content-ID Content-Description Resent-Date "
	    "Resent-From Resent-To Resent-Cc List-Id List-Help List-Post "
	    "List-Subscribe List-Unsubscribe List-Unsubscribe-Post "
	    "List-Owner List-Archive",
	    0, 0),
	IN(dkim, oversign, CONFIG_STRINGS,
	    "From Reply-To To Cc Subject Date Message-ID MIME-Version "
	    "Content-Type Content-Transfer-Encoding",
	    0, 0),
	IN(dkim, expire, CONFIG_TIME, "0", 0, 365 * DAY),
	IN(dkim, wait, CONFIG_TIME, "1d", 0, 30 * DAY),

	IN(undelete, keep, CONFIG_TIME, "14d", 0, 3650 * DAY),
	IN(undelete, size, CONFIG_SIZE, "1G", 0, INT64_MAX),

	IN(upkeep, interval, CONFIG_TIME, "1h", 1, 7 * DAY),
};
const size_t config_keys_count = sizeof(config_keys) / sizeof(config_keys[0]);

#define BLOCKS(section, number)                             \
	{                                                   \
#section, offsetof(struct config, section), \
		    offsetof(struct config, number),        \
		    sizeof(struct config_##section)         \
	}

const struct config_blocks config_blocks[] = {
	BLOCKS(listener, listeners),
	BLOCKS(certificate, certificates),
	BLOCKS(storage, storages),
	BLOCKS(domain, domain_blocks),
	BLOCKS(mailbox, mailboxes),
	BLOCKS(retention, retentions),
	BLOCKS(hide, hides),
	BLOCKS(filter, filters),
	BLOCKS(dnslist, dnslists),
	BLOCKS(local, locals),
	BLOCKS(sending_users, sending_users_blocks),
	BLOCKS(relay, relays),
	BLOCKS(destination, destinations),
	BLOCKS(milter, milters),
};
const size_t config_blocks_count = sizeof(config_blocks) /
				   sizeof(config_blocks[0]);
