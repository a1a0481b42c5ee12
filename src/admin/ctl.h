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

/* What scripts may rely on; posternctl(8). */
enum ctl_exit {
	CTL_OK = 0,
	CTL_FAILED = 1,
	CTL_USAGE = 2,
	CTL_NOT_FOUND = 3,
	CTL_EXISTS = 4,
	CTL_NO_DAEMON = 5,
};

/* Options that only some commands take: bits of a mask. */
#define CTL_OPT_NAME (UINT64_C(1) << 0)
#define CTL_OPT_QUOTA (UINT64_C(1) << 1)
#define CTL_OPT_QUOTA_MESSAGES (UINT64_C(1) << 2)
#define CTL_OPT_STORAGE (UINT64_C(1) << 3)
#define CTL_OPT_ADMIN (UINT64_C(1) << 4)
#define CTL_OPT_NO_ADMIN (UINT64_C(1) << 5)
#define CTL_OPT_NO_PASSWORD (UINT64_C(1) << 6)
#define CTL_OPT_KEEP_MAIL (UINT64_C(1) << 7)
#define CTL_OPT_SPECIAL_USE (UINT64_C(1) << 8)
#define CTL_OPT_NO_SUBSCRIBE (UINT64_C(1) << 9)
#define CTL_OPT_REPAIR (UINT64_C(1) << 10)
#define CTL_OPT_MAILBOX (UINT64_C(1) << 11)
#define CTL_OPT_SINCE (UINT64_C(1) << 12)
#define CTL_OPT_ID (UINT64_C(1) << 13)
#define CTL_OPT_LIST (UINT64_C(1) << 14)
#define CTL_OPT_DRY_RUN (UINT64_C(1) << 15)
#define CTL_OPT_PURGE (UINT64_C(1) << 16)
#define CTL_OPT_REPLACE (UINT64_C(1) << 17)
#define CTL_OPT_FROM (UINT64_C(1) << 18)
#define CTL_OPT_INTO (UINT64_C(1) << 19)
#define CTL_OPT_MAP (UINT64_C(1) << 20)
#define CTL_OPT_SKIP (UINT64_C(1) << 21)
#define CTL_OPT_POP3_UIDL (UINT64_C(1) << 22)
#define CTL_OPT_TO (UINT64_C(1) << 23)
#define CTL_OPT_DOMAIN (UINT64_C(1) << 24)
#define CTL_OPT_ALL (UINT64_C(1) << 25)
#define CTL_OPT_VERIFY (UINT64_C(1) << 26)
#define CTL_OPT_REMOVE_SOURCE (UINT64_C(1) << 27)
#define CTL_OPT_ALONE (UINT64_C(1) << 28)
#define CTL_OPT_PASSWORD_FILE (UINT64_C(1) << 29)
#define CTL_OPT_TRUST (UINT64_C(1) << 30)
#define CTL_OPT_REASON (UINT64_C(1) << 31)
#define CTL_OPT_OLDER (UINT64_C(1) << 32)
#define CTL_OPT_YOUNGER (UINT64_C(1) << 33)
#define CTL_OPT_HELD (UINT64_C(1) << 34)
#define CTL_OPT_USER (UINT64_C(1) << 35)
#define CTL_OPT_KEEP (UINT64_C(1) << 50)
#define CTL_OPT_NO_KEEP (UINT64_C(1) << 51)
#define CTL_OPT_ADDRESS (UINT64_C(1) << 40)
#define CTL_OPT_RESET (UINT64_C(1) << 44)
/* No option: the command keeps the rights of who runs it, since it reads or
 * writes files of others. */
#define CTL_AS_CALLER (UINT64_C(1) << 63)
/* Nor this: it works without a server, and without its configuration, too, if
 * that cannot be read; ctl.cfg is NULL then. */
#define CTL_ALONE (UINT64_C(1) << 62)

struct ctl {
	const char *config_path, *socket_path, *sandbox;
	bool json;
	uint64_t given; /* CTL_OPT_*, or-ed */
	const char *name, *quota, *quota_messages, *storage, *special_use,
	    *mailbox, *since, *id, *from, *pop3_uidl, *to, *domain, *verify,
	    *password_file, *trust, *reason, *older, *younger, *user, *address;
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
	uint64_t options;      /* CTL_OPT_* that are allowed */
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
extern const struct ctl_command ctl_queue_commands[];
extern const struct ctl_command ctl_quota_commands[];
extern const struct ctl_command ctl_sending_commands[];
extern const struct ctl_command ctl_sieve_commands[];
extern const struct ctl_command ctl_storage_commands[];
extern const struct ctl_command ctl_undelete_commands[];
extern const struct ctl_command ctl_retention_commands[];
extern const struct ctl_command ctl_export_commands[];
extern const struct ctl_command ctl_import_commands[];
extern const struct ctl_command ctl_alias_commands[];
extern const struct ctl_command ctl_app_password_commands[];
extern const struct ctl_command ctl_factor_commands[];
extern const struct ctl_command ctl_forward_commands[];
extern const struct ctl_command ctl_invite_commands[];
extern const struct ctl_command ctl_domain_commands[];
extern const struct ctl_command ctl_dkim_commands[];
extern const struct ctl_command ctl_why_commands[];
extern const struct ctl_command ctl_dns_commands[];

/* The whole program. */
int ctl_main(int argc, char **argv);

/* Gives up the rights of a command with CTL_AS_CALLER. */
enum pst_rc ctl_become(struct ctl *c, struct pst_error *err);
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

/* A password that exists: the first line of `file`, or without one from the
 * terminal or standard input. `what` is shown there. */
enum pst_rc ctl_password_known(const char *what, const char *file, char *out,
    size_t size, struct pst_error *err);

/* "500M", "1G", "none" (0), "default" (-1). False: none of these. */
bool ctl_parse_size(const char *text, int64_t *value_r);
/* "2h" (ago), "2026-01-31", "2026-01-31 12:00:00" (UTC): seconds since 1970. */
bool ctl_parse_time(const char *text, int64_t *time_r);
/* A plain count, "none" or "default". */
bool ctl_parse_count(const char *text, int64_t *value_r);

#endif
