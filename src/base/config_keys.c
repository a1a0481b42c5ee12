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
	    "smtp submission lmtp imap pop3"),
	ITEM(listener, address, CONFIG_STRINGS, "*", 0, 0, NULL),
	ITEM(listener, port, CONFIG_NUMBER, "0", 0, 65535, NULL),
	ITEM(listener, path, CONFIG_TEXT, "", 0, 0, NULL),
	ITEM(listener, tls, CONFIG_CHOICE, "starttls", 0, 0,
	    "none starttls implicit"),
	ITEM(listener, proxy, CONFIG_BOOL, "false", 0, 0, NULL),
	ITEM(listener, proxy_from, CONFIG_STRINGS, "", 0, 0, NULL),

	ITEM(certificate, certificate, CONFIG_TEXT, "", 0, 0, NULL),
	ITEM(certificate, key, CONFIG_TEXT, "", 0, 0, NULL),
	ITEM(certificate, names, CONFIG_STRINGS, "", 0, 0, NULL),

	ITEM(storage, module, CONFIG_TEXT, "", 0, 0, NULL),
	ITEM(storage, path, CONFIG_TEXT, "", 0, 0, NULL),
	ITEM(storage, fsync, CONFIG_BOOL, "true", 0, 0, NULL),
	ITEM(storage, option, CONFIG_STRINGS, "", 0, 0, NULL),

	ITEM(domain, storage, CONFIG_TEXT, "", 0, 0, NULL),

	ITEM(mailbox, special_use, CONFIG_TEXT, "", 0, 0, NULL),
	ITEM(mailbox, create, CONFIG_BOOL, "true", 0, 0, NULL),
	ITEM(mailbox, subscribe, CONFIG_BOOL, "true", 0, 0, NULL),

	ITEM(hide, listener, CONFIG_STRINGS, "", 0, 0, NULL),
	ITEM(hide, user, CONFIG_STRINGS, "", 0, 0, NULL),
	ITEM(hide, client, CONFIG_STRINGS, "", 0, 0, NULL),
	ITEM(hide, capabilities, CONFIG_STRINGS, "", 0, 0, NULL),

	ITEM(filter, search, CONFIG_TEXT, "", 0, 0, NULL),
	ITEM(filter, description, CONFIG_TEXT, "", 0, 0, NULL),

	ITEM(retention, mailbox, CONFIG_TEXT, "", 0, 0, NULL),
	ITEM(retention, special_use, CONFIG_TEXT, "", 0, 0, NULL),
	ITEM(retention, age, CONFIG_TIME, "0", 0, 36500 * DAY, NULL),
	ITEM(retention, max_messages, CONFIG_NUMBER, "0", 0, UINT32_MAX, NULL),
	ITEM(retention, max_size, CONFIG_SIZE, "0", 0, INT64_MAX, NULL),
	ITEM(retention, undelete, CONFIG_BOOL, "true", 0, 0, NULL),

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
	IN(queue, return_size, CONFIG_SIZE, "256K", 0, GIB),
	IN(queue, segment, CONFIG_SIZE, "64M", 64 * KIB, 4 * GIB),
	IN(queue, port, CONFIG_NUMBER, "25", 1, 65535),
	IN(queue, ipv6, CONFIG_BOOL, "true", 0, 0),
	IN(queue, dane, CONFIG_BOOL, "true", 0, 0),

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
};
const size_t config_blocks_count = sizeof(config_blocks) /
				   sizeof(config_blocks[0]);
