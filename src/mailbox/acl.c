/*
 * mailbox/acl.c - access control lists: their text, and what they grant (RFC
 * 4314, 2 and 3).
 *
 * A list is kept as one line an entry: the rights, a space, the identifier.
 */
#include "mailbox/acl.h"

#include "account/account.h"
#include "base/str.h"
#include <stdlib.h>

/* In the order in which they are told; the bit is the index. */
static const char letters[] = "lrswipkxtea";

void
acl_fini(struct acl *acl)
{
	free(acl->entry);
	*acl = (struct acl){ 0 };
}

/* --- rights ------------------------------------------------------------------
 */

static unsigned
right_of(char c)
{
	const char *at = c != '\0' ? strchr(letters, c) : NULL;

	if (at != NULL)
		return 1u << (at - letters);
	if (c == 'c')
		return ACL_CREATE | ACL_REMOVE;
	if (c == 'd')
		return ACL_DELETE | ACL_EXPUNGE;
	return 0;
}

bool
acl_parse_rights(struct pst_str text, unsigned *rights_r)
{
	*rights_r = 0;
	for (size_t i = 0; i < text.n; i++) {
		unsigned right = right_of(text.p[i]);

		if (right == 0)
			return false;
		*rights_r |= right;
	}
	return true;
}

bool
acl_parse_change(
    struct pst_str text, enum acl_change *change_r, unsigned *rights_r)
{
	*change_r = ACL_SET;
	if (text.n > 0 && (text.p[0] == '+' || text.p[0] == '-')) {
		*change_r = text.p[0] == '+' ? ACL_ADD : ACL_TAKE;
		text = str_from(text, 1);
	}
	return acl_parse_rights(text, rights_r);
}

static void
put_standard(struct buf *out, unsigned rights)
{
	for (unsigned i = 0; letters[i] != '\0'; i++)
		if (rights >> i & 1)
			(void)buf_putc(out, letters[i]);
}

void
acl_put_rights(struct buf *out, unsigned rights)
{
	put_standard(out, rights);
	if (rights & (ACL_CREATE | ACL_REMOVE))
		(void)buf_putc(out, 'c');
	if (rights & (ACL_DELETE | ACL_EXPUNGE))
		(void)buf_putc(out, 'd');
}

void
acl_put_optional(struct buf *out, unsigned required)
{
	unsigned optional = ACL_ALL & ~required;

	for (unsigned i = 0; letters[i] != '\0'; i++)
		if (optional >> i & 1)
			(void)buf_printf(out, " %c", letters[i]);
	/* None is told twice (3.7). */
	if (!(required & (ACL_CREATE | ACL_REMOVE)))
		(void)buf_puts(out, " c");
	if (!(required & (ACL_DELETE | ACL_EXPUNGE)))
		(void)buf_puts(out, " d");
}

uint32_t
acl_flags(unsigned rights)
{
	uint32_t flags = 0;

	if (rights & ACL_SEEN)
		flags |= PST_SEEN;
	if (rights & ACL_DELETE)
		flags |= PST_DELETED;
	if (rights & ACL_WRITE)
		flags |= PST_FLAGS_ALL & ~(uint32_t)(PST_SEEN | PST_DELETED);
	return flags;
}

/* --- identifiers -------------------------------------------------------------
 */

/* An address that begins with '-' cannot be meant: that is a negative one. */
bool
acl_clean_identifier(struct pst_str text, char out[ACL_IDENTIFIER_MAX])
{
	char address[321];
	bool negative = text.n > 0 && text.p[0] == '-';

	if (negative)
		text = str_from(text, 1);
	if (str_is_case(text, "anyone"))
		(void)str_copy(address, sizeof(address), STR("anyone"));
	else if (!account_normalise(text, address) || address[0] == '-')
		return false;
	for (const char *p = address; *p != '\0'; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f || *p == '/')
			return false;
	(void)snprintf(
	    out, ACL_IDENTIFIER_MAX, "%s%s", negative ? "-" : "", address);
	return true;
}

/* --- lists -------------------------------------------------------------------
 */

static struct acl_entry *
find(const struct acl *acl, const char *identifier)
{
	for (size_t i = 0; i < acl->n; i++)
		if (strcmp(acl->entry[i].identifier, identifier) == 0)
			return &acl->entry[i];
	return NULL;
}

unsigned
acl_find(const struct acl *acl, const char *identifier)
{
	const struct acl_entry *e = find(acl, identifier);

	return e != NULL ? e->rights : 0;
}

static void
drop(struct acl *acl, struct acl_entry *e)
{
	size_t at = (size_t)(e - acl->entry);

	memmove(e, e + 1, (acl->n - at - 1) * sizeof(*e));
	acl->n--;
}

enum pst_rc
acl_apply(struct acl *acl, const char *identifier, enum acl_change change,
    unsigned rights)
{
	struct acl_entry *e = find(acl, identifier);
	unsigned before = e != NULL ? e->rights : 0;

	switch (change) {
	case ACL_SET:
		break;
	case ACL_ADD:
		rights |= before;
		break;
	case ACL_TAKE:
		rights = before & ~rights;
		break;
	}
	if (rights == 0) {
		if (e != NULL)
			drop(acl, e);
		return PST_OK;
	}
	if (e == NULL) {
		if (acl->n == ACL_ENTRIES_MAX)
			return PST_E_LIMIT;
		mem_grow(&acl->entry, &acl->cap, acl->n + 1, sizeof(*e));
		e = &acl->entry[acl->n++];
		(void)str_copy(
		    e->identifier, sizeof(e->identifier), str_of(identifier));
	}
	e->rights = rights;
	return PST_OK;
}

unsigned
acl_rights_of(const struct acl *acl, const char *address)
{
	unsigned granted = 0, taken = 0;

	for (size_t i = 0; i < acl->n; i++) {
		const struct acl_entry *e = &acl->entry[i];
		bool negative = e->identifier[0] == '-';
		const char *who = e->identifier + negative;

		if (strcmp(who, "anyone") != 0 && strcmp(who, address) != 0)
			continue;
		*(negative ? &taken : &granted) |= e->rights;
	}
	return granted & ~taken;
}

bool
acl_forget(struct acl *acl, const char *address)
{
	size_t before = acl->n;

	for (size_t i = acl->n; i-- > 0;) {
		const char *who = acl->entry[i].identifier;

		if (strcmp(who + (*who == '-'), address) == 0)
			drop(acl, &acl->entry[i]);
	}
	return acl->n < before;
}

/* --- the text ----------------------------------------------------------------
 */

void
acl_print(const struct acl *acl, struct buf *out)
{
	for (size_t i = 0; i < acl->n; i++) {
		put_standard(out, acl->entry[i].rights);
		(void)buf_putc(out, ' ');
		(void)buf_puts(out, acl->entry[i].identifier);
		(void)buf_putc(out, '\n');
	}
}

static bool
parse_line(struct pst_str line, struct acl *acl)
{
	size_t space = str_find(line, ' ');
	struct pst_str identifier = str_from(line, space + 1);
	char clean[ACL_IDENTIFIER_MAX];
	unsigned rights;

	return acl_parse_rights(str_first(line, space), &rights) &&
	       rights != 0 && acl_clean_identifier(identifier, clean) &&
	       str_is(identifier, clean) && find(acl, clean) == NULL &&
	       acl_apply(acl, clean, ACL_SET, rights) == PST_OK;
}

bool
acl_parse(struct pst_str text, struct acl *acl)
{
	struct pst_str line;

	*acl = (struct acl){ 0 };
	if (text.n > 0 && text.p[text.n - 1] != '\n')
		return false; /* cut short */
	while (text.n > 0 && str_split(&text, '\n', &line)) {
		if (!parse_line(line, acl)) {
			acl_fini(acl);
			return false;
		}
	}
	return true;
}
