/*
 * admin/ctl.h - posternctl: its options, its commands, and what they share.
 *
 * User, alias and domain commands work on the accounts database themselves,
 * storage init on a storage, and those of DKIM on the key files, whether a
 * server runs or not. All others talk to the server.
 *
 * Threads: posternctl has one.
 */
#ifndef ADMIN_CTL_H
#define ADMIN_CTL_H

#include "account/account.h"
#include "admin/client.h"
#include "admin/import.h"
#include "base/config.h"
#include "mailbox/database.h"
#include <jansson.h>
#include <limits.h>

/* What scripts may rely on; posternctl(8). */
enum ctl_exit {
	CTL_OK = 0,
	CTL_FAILED = 1,
	CTL_USAGE = 2,
	CTL_NOT_FOUND = 3,
	CTL_EXISTS = 4,
	CTL_NO_DAEMON = 5,
};

/* Options that only some commands take: a mask. */
enum ctl_option {
	CTL_OPT_NAME = 1 << 0,
	CTL_OPT_QUOTA = 1 << 1,
	CTL_OPT_QUOTA_MESSAGES = 1 << 2,
	CTL_OPT_STORAGE = 1 << 3,
	CTL_OPT_ADMIN = 1 << 4,
	CTL_OPT_NO_ADMIN = 1 << 5,
	CTL_OPT_NO_PASSWORD = 1 << 6,
	CTL_OPT_KEEP_MAIL = 1 << 7,
	CTL_OPT_SPECIAL_USE = 1 << 8,
	CTL_OPT_NO_SUBSCRIBE = 1 << 9,
	CTL_OPT_REPAIR = 1 << 10,
	CTL_OPT_MAILBOX = 1 << 11,
	CTL_OPT_SINCE = 1 << 12,
	CTL_OPT_ID = 1 << 13,
	CTL_OPT_LIST = 1 << 14,
	CTL_OPT_DRY_RUN = 1 << 15,
	CTL_OPT_PURGE = 1 << 16,
	CTL_OPT_REPLACE = 1 << 17,
	CTL_OPT_FROM = 1 << 18,
	CTL_OPT_INTO = 1 << 19,
	CTL_OPT_MAP = 1 << 20,
	CTL_OPT_SKIP = 1 << 21,
	CTL_OPT_POP3_UIDL = 1 << 22,
	CTL_OPT_TO = 1 << 23,
	CTL_OPT_DOMAIN = 1 << 24,
	CTL_OPT_ALL = 1 << 25,
	CTL_OPT_VERIFY = 1 << 26,
	CTL_OPT_REMOVE_SOURCE = 1 << 27,
	CTL_OPT_ALONE = 1 << 28,
	CTL_OPT_PASSWORD_FILE = 1 << 29,
	CTL_OPT_TRUST = 1 << 30,
	/* The last bit is no option: the command keeps the rights of who runs
	 * it, since it reads or writes files of others. */
	CTL_AS_CALLER = INT_MIN,
};

struct ctl {
	const char *config_path, *socket_path, *sandbox;
	bool json;
	unsigned given; /* enum ctl_option, or-ed */
	const char *name, *quota, *quota_messages, *storage, *special_use,
	    *mailbox, *since, *id, *from, *pop3_uidl, *to, *domain, *verify,
	    *password_file, *trust;
	struct import_rules rules;

	struct config *cfg;
	struct accounts *accounts;	/* by ctl_accounts() */
	struct mail_database *database; /* that it is in, or NULL */
	FILE *out;
};

struct ctl_command {
	const char *group; /* "user", or "" */
	const char *verb;
	const char *arguments; /* for the usage text */
	int least, most;       /* how many of them */
	unsigned options;      /* enum ctl_option that are allowed */
	int (*run)(struct ctl *c, char **args, int n);
};

extern const struct ctl_command ctl_accounts_commands[];
extern const struct ctl_command ctl_acl_commands[];
extern const struct ctl_command ctl_convert_commands[];
extern const struct ctl_command ctl_status_commands[];
extern const struct ctl_command ctl_trace_commands[];
extern const struct ctl_command ctl_user_commands[];
extern const struct ctl_command ctl_index_commands[];
extern const struct ctl_command ctl_mailbox_commands[];
extern const struct ctl_command ctl_quota_commands[];
extern const struct ctl_command ctl_storage_commands[];
extern const struct ctl_command ctl_undelete_commands[];
extern const struct ctl_command ctl_retention_commands[];
extern const struct ctl_command ctl_export_commands[];
extern const struct ctl_command ctl_import_commands[];
extern const struct ctl_command ctl_alias_commands[];
extern const struct ctl_command ctl_domain_commands[];
extern const struct ctl_command ctl_dkim_commands[];

/* The whole program. */
int ctl_main(int argc, char **argv);

/* Opens the accounts database when it is not open yet. */
enum pst_rc ctl_accounts(struct ctl *c, struct pst_error *err);
/* Says on stderr what went wrong; the exit status for it. */
int ctl_fail(enum pst_rc rc, const char *fmt, ...) PST_PRINTF(2, 3);
int ctl_usage(const char *fmt, ...) PST_PRINTF(1, 2);

/*
 * One request to the server. `items_r` (may be NULL) gets an array of the
 * items, to be given up by the caller, also when it is empty. Says itself what
 * went wrong; the exit status.
 */
int ctl_request(struct ctl *c, json_t *request, json_t **items_r);
/* The same, but quietly: PST_OK, or what the server said. */
enum pst_rc ctl_ask(struct ctl *c, json_t *request, json_t **items_r,
    bool *no_daemon_r, struct pst_error *err);
/* Refuses, and says so, when mail of the user or of users of the domain would
 * stay behind in their present storage; one of both is NULL. */
int ctl_refuse_behind(struct ctl *c, const char *address, const char *domain);
/* Connects; says what is wrong when it cannot. */
int ctl_connect(struct ctl *c, struct admin_connection *conn_r);

/*
 * A new password: from the terminal, twice and unseen, or one line of standard
 * input. Fills `out`; the caller wipes it.
 */
enum pst_rc ctl_password(
    const char *address, char *out, size_t size, struct pst_error *err);

/* "500M", "1G", "none" (0), "default" (-1). False: none of these. */
bool ctl_parse_size(const char *text, int64_t *value_r);
/* "2h" (ago), "2026-01-31", "2026-01-31 12:00:00" (UTC): seconds since 1970. */
bool ctl_parse_time(const char *text, int64_t *time_r);
/* A plain count, "none" or "default". */
bool ctl_parse_count(const char *text, int64_t *value_r);

#endif
