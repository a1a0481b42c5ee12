/*
 * base/config.h - the configuration file, read with libconfuse into one plain
 * structure by a table of all keys (config_keys.c), from which the man page's
 * test, `posternd -T` and --set work too.
 *
 * Threads: a configuration never changes once it is loaded. A reload makes a
 * new one; who runs for long takes a reference and lets go of it in the end.
 * Units: seconds and octets unless the key's text says otherwise.
 */
#ifndef BASE_CONFIG_H
#define BASE_CONFIG_H

#include "base/mem.h"

enum config_tls { CONFIG_TLS_NONE, CONFIG_TLS_STARTTLS, CONFIG_TLS_IMPLICIT };

enum config_protocol {
	CONFIG_SMTP,	   /* from other servers */
	CONFIG_SUBMISSION, /* from users */
	CONFIG_LMTP,
	CONFIG_IMAP,
	CONFIG_POP3,
};

/* Which mailboxes have a full-text index. */
enum config_index { CONFIG_INDEX_SEARCHED, CONFIG_INDEX_ALL };

enum config_bare_newline { CONFIG_BARE_REJECT, CONFIG_BARE_KEEP };
/* What a DMARC failure leads to, at most. */
enum config_dmarc {
	CONFIG_DMARC_OFF,
	CONFIG_DMARC_NOTE,
	CONFIG_DMARC_JUNK,
	CONFIG_DMARC_REJECT,
};
enum config_spf { CONFIG_SPF_OFF, CONFIG_SPF_NOTE, CONFIG_SPF_REJECT };

enum config_delete { CONFIG_DELETE_EXPUNGE, CONFIG_DELETE_FLAG };

struct config_strings {
	char **v;
	size_t n;
};

struct config_listener {
	char *name;
	int protocol;		       /* enum config_protocol */
	struct config_strings address; /* "*", "127.0.0.1", "::1" */
	int64_t port; /* 0: the kernel chooses (sandbox only) */
	char *path;   /* a Unix socket instead, or "" */
	int tls;      /* enum config_tls */
	bool proxy;   /* clients come through load balancers, which tell so */
	struct config_strings proxy_from; /* their networks, or "unix" */
};

struct config_certificate {
	char *name;
	char *certificate; /* PEM, leaf first */
	char *key;
	struct config_strings names; /* SNI; empty: those in the certificate */
};

struct config_storage {
	char *name;
	char *module; /* default: the block's name */
	char *path;
	bool fsync;
	struct config_strings option; /* "key=value", for other modules */
};

/* What is different for one of `domains`. */
struct config_domain {
	char *name;
	char *storage; /* of users without their own; "": the default */
};

struct config_mailbox {
	char *name;
	char *special_use; /* "\\Sent" or "" */
	bool create;
	bool subscribe;
};

/* Capabilities that are kept from some IMAP clients. A condition that is empty
 * is met by all; * and ? in one stand for any octets and for one. */
struct config_hide {
	char *name;
	struct config_strings listener, user, client;
	struct config_strings capabilities;
};

/* A search that all users can name (RFC 5466). */
struct config_filter {
	char *name;
	char *search;
	char *description;
};

struct config_retention {
	char *name;
	char *mailbox; /* a pattern, or "" */
	char *special_use;
	int64_t age;			/* since a message was saved; 0: any */
	int64_t max_messages, max_size; /* of a mailbox; 0: any */
	bool undelete;			/* keep what is removed, as usual */
};

struct config {
	char *hostname;
	struct config_strings domains;
	char *user, *group; /* to become after binding; "" stay */
	char *state_dir;    /* accounts.db and the like */
	char *run_dir;	    /* the control socket */
	char *module_dir;
	char *default_storage; /* name of a storage block; "": the first */

	struct config_listener *listener;
	size_t listeners;
	struct config_certificate *certificate;
	size_t certificates;
	struct config_storage *storage;
	size_t storages;
	struct config_domain *domain;
	size_t domain_blocks;
	struct config_mailbox *mailbox; /* made for each new user */
	size_t mailboxes;
	struct config_retention *retention;
	size_t retentions;
	struct config_hide *hide;
	size_t hides;
	struct config_filter *filter;
	size_t filters;

	struct {
		char *database; /* "sqlite", or a storage block's name */
		char *path;	/* "": state_dir/accounts.db */
	} accounts;
	struct {
		int target; /* enum log_target */
		char *path;
		int format; /* enum log_format */
		int level;  /* enum pst_log_level */
	} log;
	struct {
		char *min_version; /* "1.2" or "1.3" */
		char *priority;	   /* appended to ours, GnuTLS syntax */
		bool tickets;
		int64_t handshake_time;
	} tls;
	struct {
		int64_t connections, connections_per_address,
		    connections_per_user;
		int64_t workers_min, workers_max;
		int64_t output;	    /* high-water mark of unsent octets */
		int64_t write_time; /* a client that does not read */
		int64_t
		    proxy_time; /* until a load balancer's header is there */
		int64_t shutdown_time;
		int64_t header_size; /* of a message, for the reader */
		int64_t mime_depth, mime_parts;
		int64_t open_mailboxes; /* kept in memory without a session */
		int64_t open_messages;	/* in all of those */
	} limits;
	struct {
		int64_t message_size;
		int64_t recipients;
		int64_t command_line;	   /* octets with CRLF */
		int64_t idle_time;	   /* between commands */
		int64_t data_time;	   /* between pieces of a message */
		int64_t login_time;	   /* submission: until authenticated */
		int64_t errors;		   /* bad commands before 421 */
		int64_t messages;	   /* transactions in one connection */
		int64_t hops;		   /* Received fields before a loop */
		int bare_newline;	   /* enum config_bare_newline */
		char *detail_separator;	   /* "+"; "": no details */
		bool received_hide_client; /* submission: no client address */
	} smtp;
	struct {
		int64_t command_line; /* octets of a command without literals */
		int64_t literal;      /* of a literal that is no message */
		int64_t message_size; /* APPEND */
		int64_t idle_time;    /* logged in: until BYE, >= 30 min */
		int64_t login_time;
		int64_t errors;
		int64_t keyword_length;
		int64_t progress_time;	    /* between signs of life */
		int64_t message_limit;	    /* of one command; 0: none */
		int64_t notify_mailboxes;   /* that one session watches */
		struct config_strings hide; /* capabilities not announced */
	} imap;
	struct {
		int64_t command_line; /* octets with CRLF */
		int64_t idle_time;    /* logged in; RFC 1939: >= 10 min */
		int64_t login_time;
		int64_t errors;
		int64_t messages;     /* that a session shows at most */
		bool lock;	      /* one session a maildrop */
		int64_t login_delay;  /* between logins of a user */
		int64_t expire;	      /* days, as announced; 0: never */
		int delete;	      /* enum config_delete: what DELE means */
		char *deleted_flag;   /* "\\Deleted" or a keyword */
		bool mark_seen;	      /* RETR sets \Seen */
		bool channel_binding; /* offer SCRAM-SHA-256-PLUS */
		int language;	      /* enum pop3_language, for "LANG *" */
	} pop3;
	struct {
		bool fulltext; /* keep indexes, and use them */
		int index;     /* enum config_index */
		int64_t delay; /* of new messages until they are indexed */
		int64_t message_text; /* octets of one message's text */
		int64_t batch;	      /* octets of text indexed at once */
	} search;
	struct {
		bool plaintext_on_loopback; /* AUTH without TLS there */
		int64_t failure_delay;	    /* milliseconds, grows */
		int64_t failures;	    /* in `window`: then blocked */
		int64_t window;
		int64_t block_time;
		int64_t cache_time; /* of a good password; 0: none */
		int64_t hash_cost;  /* yescrypt, 1 to 11 */
		int64_t scram_iterations;
		int64_t password_length; /* least */
	} auth;
	struct {
		int64_t bytes, messages; /* of a user without own; 0: none */
	} quota;
	struct {
		bool enabled; /* users may send to other servers */
		char *path;   /* "": state_dir/queue */
		char *relay;  /* all mail goes there; "": to the MX hosts */
		int64_t life; /* of a message, then it comes back */
		int64_t warn_after; /* the sender hears of a delay; 0: never */
		int64_t retry_first, retry_most;
		int64_t sleep_first, sleep_most; /* of a destination */
		int64_t connections;		 /* to all destinations */
		int64_t at_once;		 /* to one */
		int64_t rate;	     /* messages a minute to one; 0: any */
		int64_t return_size; /* most of a message that is returned */
		int64_t segment;     /* octets of a file */
		int64_t port;	     /* of other servers; 25, but for tests */
		bool ipv6, dane;
	} queue;
	struct {
		bool enabled;	   /* access control lists */
		bool anyone;	   /* users may grant rights to all */
		bool private_seen; /* \Seen of others' mailboxes */
	} sharing;
	struct {
		/* "system", or addresses of resolvers; none: from the root */
		struct config_strings servers;
		struct config_strings stubs;   /* "zone=address@port" */
		struct config_strings anchors; /* files */
		bool validate;		       /* DNSSEC */
		char *root_key;		       /* a file */
		int64_t time;		       /* for one question */
		int64_t cache_size;
	} dns;
	struct {
		bool check; /* mail that comes to protocol = smtp */
		struct config_strings exempt; /* networks not checked */
		int spf;		      /* enum config_spf */
		int dmarc;		      /* enum config_dmarc */
		bool arc;
		struct config_strings arc_trusted; /* sealers' domains */
		bool defer_failures;		   /* 451 when the DNS fails */
		int64_t signatures; /* of one message that are verified */
		int64_t time;	    /* for all checks of one message */
		int64_t threads;    /* that wait for the DNS */
		int64_t queue;	    /* messages that wait for a thread */
		int64_t memory;	    /* of a message while it is held */
	} trust;
	struct {
		bool sign;		       /* what users hand in */
		char *dir;		       /* "": state_dir/dkim */
		struct config_strings headers; /* signed when present */
		struct config_strings oversign;
		int64_t expire; /* seconds until x=; 0: none */
		int64_t wait;	/* from publishing to using */
	} dkim;
	struct {
		int64_t keep; /* how long expunged messages are; 0: not */
		int64_t size; /* of those of one account; 0: any */
	} undelete;
	struct {
		int64_t interval; /* between looks for accounts that are due */
	} upkeep;

	int refs; /* private to config.c */
};

/* One "KEY=VALUE" that overrides the file, as given to --set. */
struct config_override {
	const char *key; /* "limits.connections", "listener.imap.port" */
	const char *value;
};

/*
 * Reads `path` (NULL: only defaults and overrides). On failure returns NULL and
 * fills `err.detail` with "file:line: what was expected"; further problems go
 * to `report`, one text each, when it is not NULL.
 */
struct config *config_load(const char *path,
    const struct config_override *overrides, size_t n,
    void (*report)(void *arg, const char *text), void *arg,
    struct pst_error *err);
/* The same from text, for the sandbox and tests. */
struct config *config_parse(const char *text,
    const struct config_override *overrides, size_t n,
    void (*report)(void *arg, const char *text), void *arg,
    struct pst_error *err);
struct config *config_ref(struct config *c); /* from any thread */
void config_unref(struct config **c);
/* All effective values in the syntax of the file. */
void config_print(const struct config *c, FILE *out);
/* Calls back with each key's dotted name, for the man page's test. */
void config_each_key(void (*fn)(void *arg, const char *key), void *arg);
/* The text of `key` for a module: a known key of the block, or an option. */
const char *config_storage_value(
    const struct config_storage *s, const char *key);
const struct config_storage *config_default_storage(const struct config *c);
/* NULL: there is no such block. */
const struct config_storage *config_find_storage(
    const struct config *c, const char *name);
/* Accounts are in the server's own SQLite file, not in a storage's database. */
bool config_accounts_in_file(const struct config *c);
bool config_is_local_domain(const struct config *c, struct pst_str domain);

#endif
