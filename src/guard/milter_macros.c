/*
 * guard/milter_macros.c - a small table.
 */
#include "guard/milter_macros.h"

#include "base/str.h"
#include <stdlib.h>

static const char *const usual[MILTER_STAGES] = {
	[MILTER_AT_CONNECT] = "j {daemon_name} {daemon_addr} v _ {client_addr} "
			      "{client_name} {client_ptr} {client_port}",
	[MILTER_AT_HELO] = "{tls_version} {cipher}",
	[MILTER_AT_MAIL] = "i {auth_type} {auth_authen} {auth_author} "
			   "{mail_addr} {mail_host} {mail_mailer}",
	[MILTER_AT_RCPT] = "i {rcpt_addr} {rcpt_host} {rcpt_mailer}",
	[MILTER_AT_DATA] = "i {nrcpts}",
	[MILTER_AT_END] = "i {nrcpts}",
	[MILTER_AT_END_OF_HEADER] = "i",
};

void
milter_macro_set(
    struct milter_macros *m, const char *name, struct pst_str value)
{
	size_t i = 0;

	while (i < m->n && strcmp(m->item[i].name, name) != 0)
		i++;
	if (i == m->n) {
		if (value.n == 0 || m->n == MILTER_MACROS_MAX)
			return;
		m->n++;
	} else {
		free(m->item[i].value);
	}
	m->item[i].name = name;
	m->item[i].value = str_dup(value);
}

void
milter_macros_fini(struct milter_macros *m)
{
	for (size_t i = 0; i < m->n; i++)
		free(m->item[i].value);
	m->n = 0;
}

/* Names may stand with or without braces: "{i}" is "i". */
static bool
is_name(struct pst_str wanted, const char *name)
{
	struct pst_str n = str_of(name);

	if (str_eq(wanted, n))
		return true;
	if (n.n == 1)
		return wanted.n == 3 && wanted.p[0] == '{' &&
		       wanted.p[1] == n.p[0];
	return str_eq(wanted, str_n(n.p + 1, n.n - 2));
}

void
milter_macros_put(const struct milter_macros *m, enum milter_stage stage,
    struct pst_str wanted, enum milter_command command, struct buf *out)
{
	size_t begun = milter_begin(out, MILTER_MACROS);
	struct pst_str name;

	(void)buf_putc(out, (char)command);
	if (wanted.p == NULL)
		wanted = str_of(usual[stage]);
	while (str_split(&wanted, ' ', &name))
		for (size_t i = 0; i < m->n; i++)
			if (*m->item[i].value != '\0' &&
			    is_name(name, m->item[i].name)) {
				milter_put_text(out, str_of(m->item[i].name));
				milter_put_text(out, str_of(m->item[i].value));
			}
	milter_end(out, begun);
}
