/*
 * web/web.h - what browsers get besides JMAP: the client's files, logging in
 * and out.
 */
#ifndef WEB_WEB_H
#define WEB_WEB_H

#include "http/http.h"

/* For a site's tables. The files match whatever others do not: last. */
extern const struct http_route web_app_routes[];
extern const struct http_route web_confirm_routes[];
extern const struct http_route web_deleted_routes[];
extern const struct http_route web_export_routes[];
extern const struct http_route web_factor_routes[];
extern const struct http_route web_forward_routes[];
extern const struct http_route web_invite_routes[];
extern const struct http_route web_passkey_routes[];
extern const struct http_route web_password_routes[];
extern const struct http_route web_profile_routes[];
extern const struct http_route web_programs_routes[];
extern const struct http_route web_recover_routes[];
extern const struct http_route web_security_routes[];
extern const struct http_route web_session_routes[];
extern const struct http_route web_settings_routes[];
extern const struct http_route web_setup_routes[];
extern const struct http_route web_signup_routes[];
extern const struct http_route web_known_routes[];
/* For administrators, and by links that they made. */
extern const struct http_route web_admin_routes[];
extern const struct http_route web_user_routes[];
extern const struct http_route web_domain_routes[];
extern const struct http_route web_reset_routes[];
extern const struct http_route web_sample_routes[];
/* What ACME asks for, on listeners for HTTP and for redirecting; and the rest
 * of the latter. */
extern const struct http_route web_challenge_routes[];
extern const struct http_route web_redirect_routes[];
/* Of listeners with protocol = metrics. */
extern const struct http_route web_metrics_routes[];

/* For services.measure: a metric "postern_NAME" of a type, and its values, with
 * a label or NULL. */
void web_metric(struct buf *out, const char *name, const char *type);
void web_value(struct buf *out, const char *name, const char *label,
    const char *label_value, uint64_t value);
extern const struct http_route web_file_routes[];

/* The text of the MTA-STS policy (RFC 8461, 3.2); empty: there is none. */
void web_sts_policy(const struct config *cfg, struct buf *out);

/* Reads the client's files into memory, from cfg->web.dir. OK when there are
 * none. Before anything is served; not to be called while something is. */
enum pst_rc web_files_load(const struct config *cfg, struct pst_error *err);
void web_files_free(void);

/* While there is no administrator: the URL to make one goes to the log, and
 * into the file state_dir/setup-url. */
void web_setup_start(struct accounts *a, const struct config *cfg);

#endif
