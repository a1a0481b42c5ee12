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
	CONFIG_HTTP,
	CONFIG_METRICS,
	CONFIG_REDIRECT, /* HTTP without TLS: leads to HTTPS */
	CONFIG_MANAGESIEVE,
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
/* What becomes of mail from a client that fails a check. */
enum config_guard { CONFIG_GUARD_OFF, CONFIG_GUARD_NOTE, CONFIG_GUARD_REJECT };
enum config_dnslist_kind { CONFIG_DNSLIST_BLOCK, CONFIG_DNSLIST_ALLOW };
/* What other servers are asked by an MTA-STS policy. */
enum config_sts {
	CONFIG_STS_OFF, /* there is no policy */
	CONFIG_STS_NONE,
	CONFIG_STS_TESTING,
	CONFIG_STS_ENFORCE,
};
enum config_spf { CONFIG_SPF_OFF, CONFIG_SPF_NOTE, CONFIG_SPF_REJECT };

/* What is said to users of whom too much is held. */
enum config_beyond { CONFIG_BEYOND_DEFER, CONFIG_BEYOND_REJECT };

enum config_delete { CONFIG_DELETE_EXPUNGE, CONFIG_DELETE_FLAG };

/* How a connection to another server is protected, at least. */
enum config_outbound_tls {
	CONFIG_OUTBOUND_UNSET,
	CONFIG_OUTBOUND_NONE,	/* plain text */
	CONFIG_OUTBOUND_MAY,	/* TLS when it is offered */
	CONFIG_OUTBOUND_MUST,	/* TLS, with any certificate */
	CONFIG_OUTBOUND_VERIFY, /* with a certificate that authorities signed */
	CONFIG_OUTBOUND_DANE,	/* with one that TLSA records name */
};

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
	bool local;   /* clients are processes of this host */
	bool proxy;   /* clients come through load balancers, which tell so */
	struct config_strings proxy_from; /* their networks, or "unix" */
	/* The networks, or "unix", of proxies that tell in fields of HTTP whose
	 * requests they hand on. */
	struct config_strings forwarded_from;
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
enum config_signup {
	CONFIG_SIGNUP_CLOSED,
	CONFIG_SIGNUP_INVITE,
	CONFIG_SIGNUP_OPEN,
	CONFIG_SIGNUP_APPROVAL,
	CONFIG_SIGNUP_DEFAULT, /* of a domain: signup.mode */
};

struct config_domain {
	char *name;
	char *storage; /* of users without their own; "": the default */
	int signup;    /* enum config_signup */
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

/* What becomes of mail when a milter fails. */
enum config_milter_failure {
	CONFIG_MILTER_ACCEPT, /* as if it were not there */
	CONFIG_MILTER_TEMPFAIL,
	CONFIG_MILTER_REJECT,
};

/* A program that looks at mail as it comes; in the order of the file. */
struct config_milter {
	char *name;
	char *socket;			 /* as base/network.h has it */
	struct config_strings protocols; /* "smtp", "submission" */
	struct config_strings exempt;	 /* networks of clients */
	int failure;			 /* enum config_milter_failure */
	int64_t connect_time, command_time, content_time;
};

/* A DNS list of clients' addresses (RFC 5782). */
struct config_dnslist {
	char *name;
	char *zone; /* default: the block's name */
	int kind;   /* enum config_dnslist_kind */
	int64_t weight;
	struct config_strings answers; /* that count, as guard/dnslist.h has */
};

/* What users of the system may send as, over a listener with `local`. */
struct config_local {
	char *name;
	struct config_strings users, addresses; /* patterns with * and ? */
};

/* What counts for some users instead of the limits in `sending`. */
struct config_sending_users {
	char *name;
	struct config_strings users; /* patterns with * and ? */
	int64_t messages_hour, messages_day;
	int64_t recipients_day, new_recipients_day;
	int64_t bounce_share;
};

struct config_retention {
	char *name;
	char *mailbox; /* a pattern, or "" */
	char *special_use;
	int64_t age;			/* since a message was saved; 0: any */
	int64_t max_messages, max_size; /* of a mailbox; 0: any */
	bool undelete;			/* keep what is removed, as usual */
};

/* A server that takes mail for all the world from us. */
struct config_relay {
	char *name;
	struct config_strings host;  /* "host", "host:587", in their order */
	int tls;		     /* enum config_outbound_tls */
	bool implicit_tls;	     /* from the first octet */
	struct config_strings names; /* that its certificate may be for */
	char *username;		     /* "": no authentication */
	char *password_file;
	struct config_strings mechanisms; /* that may be used */
};

#define CONFIG_RELAY_DIRECT "direct" /* in place of a relay's name */

/* What is different for mail to some domains, or of some senders. A value that
 * is empty, 0 or UNSET says nothing. */
struct config_destination {
	char *name;
	struct config_strings domains, senders; /* empty: all */
	char *relay;
	int tls;		      /* enum config_outbound_tls */
	struct config_strings names;  /* that certificates may be for */
	struct config_strings source; /* addresses, one of a family */
	char *helo;
	int64_t port;
	int64_t at_once, rate;
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
	struct config_dnslist *dnslist;
	size_t dnslists;
	struct config_local *local;
	size_t locals;
	struct config_sending_users *sending_users;
	size_t sending_users_blocks;
	struct config_relay *relay;
	size_t relays;
	struct config_destination *destination;
	size_t destinations;
	struct config_milter *milter;
	size_t milters;

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
		int64_t idle_time; /* logged in; RFC 5804, 1.2: >= 30 min */
		int64_t login_time;
		int64_t errors;
	} managesieve;
	struct {
		int64_t header_size; /* of a request, with its first line */
		int64_t body_size;   /* of its content */
		int64_t upload_size; /* of a file that is uploaded */
		int64_t idle_time;   /* between requests */
		int64_t body_time;   /* for a header; between its pieces */
		char *acme_dir;	     /* where ACME clients put files, or "" */
	} http;
	struct {
		int64_t requests, uploads;  /* of a user at a time */
		int64_t upload_space;	    /* of a user's uploads */
		int64_t ping_time;	    /* of idle WebSockets */
		int64_t push_subscriptions; /* of a user; 0: none */
		int64_t push_life;	    /* of one */
		int64_t push_interval;	    /* between pushes to one */
		int64_t push_threads;
		bool push_private;  /* also to hosts of the own network */
		char *push_contact; /* a URL; "": of the postmaster */
	} jmap;
	struct {
		char *dir; /* of the client's files; "": none */
		/* Where browsers find us: "https://mail.example.org", in lower
		 * case, without a path or a port that goes without saying; "":
		 * wherever they do. */
		char *url;
		int64_t session_idle; /* unused: until it ends */
		int64_t session_life; /* whatever it does */
		int64_t confirm_life; /* that somebody has shown who they are */
		int mta_sts;	      /* enum config_sts: what is published */
		int64_t mta_sts_age;
		bool forwarding; /* users may say whom to forward to */
	} web;
	struct {
		int mode;	     /* enum config_signup; of other domains */
		int64_t work;	     /* bits of the proof; 0: none is asked */
		int64_t per_address; /* accounts made; 0: no limit */
		int64_t window;	     /* in which they count */
		char *terms;	     /* a URL; "": none */
	} signup;
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
		char *common_passwords;	 /* a file; "": none */
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
		int64_t https_port;  /* of MTA-STS; 443, but for tests */
		bool ipv6, dane, mta_sts;
		char *ca_file; /* authorities; "": the system's */
		char *replies; /* file of rules; "": those we bring along */
		int64_t idle_connections;
		int64_t idle_time; /* seconds */
	} queue;
	struct {
		bool enabled;	    /* count, and send (RFC 8460) */
		char *organization; /* "": the host's name */
		char *contact;	    /* an address, whose they are, or "" */
		int64_t interval;   /* a day, but for tests */
	} tls_reports;
	/* How much a user may send to other servers; 0: any. */
	struct {
		bool enabled;
		int64_t messages_hour, messages_day;
		int64_t recipients_day, new_recipients_day;
		int64_t bounce_share; /* percent of a day's recipients... */
		int64_t bounce_least; /* ...and so many at least */
		int64_t held;	      /* messages of a user that are kept */
		int beyond;	      /* enum config_beyond */
	} sending;
	struct {
		bool enabled;	  /* addresses here may lead to other servers */
		bool arc;	  /* the results are sealed */
		char *srs_domain; /* "": that of who forwards */
		char *srs_keys;	  /* "": state_dir/srs.keys */
		int64_t srs_age;  /* of a rewritten reverse-path */
		int64_t targets;  /* of one user */
	} forward;
	struct {
		bool enabled;	     /* users' filters are run */
		int64_t script_size; /* of one script */
		int64_t scripts;     /* of one user */
		int64_t depth;	     /* of blocks and tests in each other */
		int64_t actions;     /* of one message */
		int64_t redirects;   /* of these */
		int64_t includes;    /* scripts in one run */
		int64_t variables;
		int64_t variable_size;
		int64_t work;	   /* steps of one run */
		int64_t body_size; /* of a message that is looked at */
		/* Days between two answers to a sender, at least and at most
		 * (RFC 5230, 4.1). */
		int64_t vacation_days_min, vacation_days_max;
		char *before; /* a script, run before those of all users */
		char *after;  /* or after them; "": none */
		char *preset; /* of users without an active one; "": none */
		char *global; /* directory of `include :global`; "": none */
	} sieve;
	struct {
		bool enabled; /* what happens to messages is noted */
		char *path;   /* "": state_dir/trail */
		int64_t size; /* of all that is kept */
		int64_t age;
	} trail;
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
		struct config_strings allow, deny; /* networks */
		/* How many in `rate_time` from an address, and from a network;
		 * 0: any number. */
		int64_t rate_time;
		int64_t connections, messages, recipients, unknown;
		int64_t network_connections, network_messages,
		    network_recipients, network_unknown;
		int64_t network_ipv4, network_ipv6; /* bits of a network */
		int64_t table;			    /* addresses remembered */
		int64_t greet_wait;		    /* milliseconds; 0: none */
		int greet_early;		    /* enum config_guard, and */
		int64_t greet_remember;		    /* who waited for it */
		int hello_syntax, hello_own, hello_unknown;
		int reverse_missing, reverse_unconfirmed;
		int dnslists;
		int64_t dnslist_threshold;
		bool greylist;
		int64_t grey_wait;    /* until the second try */
		int64_t grey_retry;   /* which must come within this */
		int64_t grey_life;    /* of what has passed, unused */
		int64_t grey_network; /* that passed, then all do; 0: never */
		int64_t grey_entries;
		struct config_strings grey_providers; /* domains with SPF */
		int64_t time;	 /* for all questions to the DNS */
		int64_t threads; /* that wait for the DNS */
		int64_t queue;	 /* questions that wait for a thread */
	} guard;
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
enum { CONFIG_URL = 300 };
/* Where people are sent to with a browser: web.url, or else https at the host's
 * name. `to` is returned. */
const char *config_web_url(const struct config *c, char to[CONFIG_URL]);

#endif
