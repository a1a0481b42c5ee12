/*
 * imap/fetch_items.c - the data items of FETCH (RFC 3501, 6.4.5 and 7.4.2). A
 * further one is a row in the table and its writer.
 */
#include "imap/fetch_items.h"

#include "base/str.h"
#include "imap/binary.h"
#include "imap/envelope.h"
#include "imap/modseq.h"
#include "imap/preview.h"
#include "imap/respond.h"
#include "mailbox/catalog.h"

enum { ITEMS_MAX = 1000 };

static void
put_uid(struct buf *out, struct imap_fetch_message *m,
    const struct imap_fetch_node *node)
{
	(void)node;
	(void)buf_add(out, "UID ", 4);
	(void)buf_put_u64(out, m->row.uid);
}

void
imap_put_fetch_flags(struct buf *out, const struct imap_fetch_message *m)
{
	(void)buf_add(out, "FLAGS ", 6);
	imap_put_flags(out, m->row.flags, m->row.keywords,
	    !m->rev2 && view_is_recent(m->view, m->row.uid), m->keywords);
}

static void
put_flags(struct buf *out, struct imap_fetch_message *m,
    const struct imap_fetch_node *node)
{
	(void)node;
	imap_put_fetch_flags(out, m);
}

static void
put_date(struct buf *out, struct imap_fetch_message *m,
    const struct imap_fetch_node *node)
{
	(void)node;
	(void)buf_add(out, "INTERNALDATE ", 13);
	imap_put_date(out, m->row.internal_date);
}

static void
put_size(struct buf *out, struct imap_fetch_message *m,
    const struct imap_fetch_node *node)
{
	(void)node;
	(void)buf_add(out, "RFC822.SIZE ", 12);
	(void)buf_put_u64(out, m->row.size);
}

static void
put_envelope(struct buf *out, struct imap_fetch_message *m,
    const struct imap_fetch_node *node)
{
	(void)node;
	(void)buf_puts(out, "ENVELOPE ");
	imap_put_envelope(out, m->scratch, m->msg->root);
}

static void
put_body(struct buf *out, struct imap_fetch_message *m,
    const struct imap_fetch_node *node)
{
	(void)node;
	(void)buf_puts(out, "BODY ");
	imap_put_structure(out, m->scratch, m->msg->root, false, m->rev2);
}

static void
put_bodystructure(struct buf *out, struct imap_fetch_message *m,
    const struct imap_fetch_node *node)
{
	(void)node;
	(void)buf_puts(out, "BODYSTRUCTURE ");
	imap_put_structure(out, m->scratch, m->msg->root, true, m->rev2);
}

static void
put_section(struct buf *out, struct imap_fetch_message *m,
    const struct imap_fetch_node *node)
{
	struct imap_octets at;

	if (node->is_kept)
		at = imap_section_choose(node->section, node->kept, &m->made);
	else
		at = imap_section_find(
		    node->section, m->msg, m->body.length, &m->made);
	(void)buf_add_str(out, node->section->label);
	if (at.is_nil) {
		(void)buf_puts(out, " NIL");
		return;
	}
	(void)buf_puts(out, " {");
	(void)buf_put_u64(out, at.length);
	(void)buf_puts(out, "}\r\n");
	m->send = at;
}

/* RFC 7162, 3.1.4.2 */
static void
put_modseq(struct buf *out, struct imap_fetch_message *m,
    const struct imap_fetch_node *node)
{
	(void)node;
	imap_put_modseq(out, m->row.modseq);
}

/* RFC 8514, 4.2 */
static void
put_save_date(struct buf *out, struct imap_fetch_message *m,
    const struct imap_fetch_node *node)
{
	(void)node;
	(void)buf_puts(out, "SAVEDATE ");
	if (m->row.save_date == 0)
		(void)buf_puts(out, "NIL");
	else
		imap_put_date(out, m->row.save_date);
}

/* RFC 8474, 5.3 */
static void
put_emailid(struct buf *out, struct imap_fetch_message *m,
    const struct imap_fetch_node *node)
{
	(void)node;
	(void)buf_puts(out, "EMAILID (");
	(void)buf_puts(out, m->ident);
	(void)buf_putc(out, ')');
}

/* RFC 8474, 5.2 */
static void
put_threadid(struct buf *out, struct imap_fetch_message *m,
    const struct imap_fetch_node *node)
{
	char id[CATALOG_THREAD_ID];

	(void)node;
	catalog_thread_id(m->thread, id);
	if (m->thread != 0)
		(void)buf_printf(out, "THREADID (%s)", id);
	else
		(void)buf_puts(out, "THREADID NIL");
}

static const struct imap_fetch_item items[] = {
	/* name, level, sets \Seen, section, which, kept as, writer */
	{ "BINARY.PEEK[", IMAP_FETCH_BODY, false, true, 0, -1,
	    imap_put_binary },
	{ "BINARY.SIZE[", IMAP_FETCH_BODY, false, true, 0, -1,
	    imap_put_binary_size },
	{ "BINARY[", IMAP_FETCH_BODY, true, true, 0, -1, imap_put_binary },
	{ "BODY", IMAP_FETCH_STRUCTURE, false, false, 0, MAIL_CACHE_BODY,
	    put_body },
	{ "BODY.PEEK[", IMAP_FETCH_BODY, false, true, 0, -1, put_section },
	{ "BODYSTRUCTURE", IMAP_FETCH_STRUCTURE, false, false, 0,
	    MAIL_CACHE_BODYSTRUCTURE, put_bodystructure },
	{ "BODY[", IMAP_FETCH_BODY, true, true, 0, -1, put_section },
	{ "EMAILID", IMAP_FETCH_ROW, false, false, 0, -1, put_emailid },
	{ "ENVELOPE", IMAP_FETCH_HEADER, false, false, 0, MAIL_CACHE_ENVELOPE,
	    put_envelope },
	{ "FLAGS", IMAP_FETCH_ROW, false, false, 0, -1, put_flags },
	{ "INTERNALDATE", IMAP_FETCH_ROW, false, false, 0, -1, put_date },
	{ "MODSEQ", IMAP_FETCH_ROW, false, false, 0, -1, put_modseq },
	{ "PREVIEW", IMAP_FETCH_STRUCTURE, false, false, 0, MAIL_CACHE_PREVIEW,
	    imap_put_preview },
	{ "RFC822", IMAP_FETCH_BODY, true, true, IMAP_SECTION_ALL, -1,
	    put_section },
	{ "RFC822.HEADER", IMAP_FETCH_HEADER, false, true, IMAP_SECTION_HEADER,
	    -1, put_section },
	{ "RFC822.SIZE", IMAP_FETCH_ROW, false, false, 0, -1, put_size },
	{ "RFC822.TEXT", IMAP_FETCH_HEADER, true, true, IMAP_SECTION_TEXT, -1,
	    put_section },
	{ "SAVEDATE", IMAP_FETCH_ROW, false, false, 0, -1, put_save_date },
	{ "THREADID", IMAP_FETCH_ROW, false, false, 0, -1, put_threadid },
	{ "UID", IMAP_FETCH_ROW, false, false, 0, -1, put_uid },
};

static const struct {
	const char *name;
	const char *items;
} macros[] = {
	{ "ALL", "(FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)" },
	{ "FAST", "(FLAGS INTERNALDATE RFC822.SIZE)" },
	{ "FULL", "(FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY)" },
};

static const struct imap_fetch_item *
find_item(struct pst_str name)
{
	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
		if (str_is_case(name, items[i].name))
			return &items[i];
	}
	return NULL;
}

bool
imap_fetch_is_binary(const struct imap_fetch_item *item)
{
	return item->write == imap_put_binary ||
	       item->write == imap_put_binary_size;
}

int
imap_fetch_cache_kind(const struct imap_fetch_node *node)
{
	if (node->section != NULL && imap_section_is_common(node->section))
		return MAIL_CACHE_FIELDS;
	return node->item->cache;
}

/* preview-mod (RFC 8970, 6) */
static bool
parse_preview(struct imap_parser *ps, struct imap_fetch_node *node)
{
	if (ps->end - ps->p < 2 || ps->p[0] != ' ' || ps->p[1] != '(')
		return true;
	ps->p += 2;
	do {
		if (!imap_skip_word(ps, "LAZY"))
			return imap_bad(ps, "Unknown modifier of PREVIEW");
	} while (imap_skip(ps, ' '));
	node->is_lazy = true;
	return imap_expect(ps, ')');
}

static bool
parse_section(struct imap_parser *ps, const struct imap_fetch_item *item,
    struct imap_fetch_node *node)
{
	node->section = arena_alloc(ps->arena, sizeof(*node->section));
	if (node->section == NULL)
		return imap_bad(ps, "Command is too large");
	if (imap_fetch_is_binary(item))
		return imap_binary_parse(
		    ps, item->write == imap_put_binary, node->section);
	if (item->name[strlen(item->name) - 1] == '[')
		return imap_section_parse(ps, node->section);
	node->section->text = item->text;
	node->section->label = str_of(item->name);
	return true;
}

static void
add_node(struct imap_fetch_items *out, struct imap_fetch_node ***tail,
    struct imap_fetch_node *node)
{
	const struct imap_fetch_item *item = node->item;
	enum imap_fetch_level level = item->level;

	if (node->section != NULL && imap_section_needs_header(node->section))
		level = IMAP_FETCH_HEADER;
	if (node->section != NULL &&
	    imap_section_needs_structure(node->section))
		level = IMAP_FETCH_STRUCTURE;
	if (node->is_lazy)
		level = IMAP_FETCH_BODY;
	node->level = level;
	if (imap_fetch_cache_kind(node) >= 0)
		out->cached |= 1U << imap_fetch_cache_kind(node);
	if (level > out->level)
		out->level = level;
	out->has_binary |= imap_fetch_is_binary(item);
	out->has_preview |= item->write == imap_put_preview;
	out->has_lazy |= node->is_lazy;
	out->sets_seen |= item->sets_seen;
	out->has_uid |= item->write == put_uid;
	out->has_flags |= item->write == put_flags;
	out->has_modseq |= item->write == put_modseq;
	out->needs_ident |= item->write == put_emailid;
	out->needs_thread |= item->write == put_threadid;
	**tail = node;
	*tail = &node->next;
}

static bool
parse_item(struct imap_parser *ps, struct imap_fetch_items *out,
    struct imap_fetch_node ***tail)
{
	struct imap_fetch_node *node;
	const struct imap_fetch_item *item;
	struct pst_str name;

	if (!imap_word(ps, &name))
		return imap_bad(ps, "Missing data item");
	if (imap_skip(ps, '['))
		name.n++;
	item = find_item(name);
	if (item == NULL)
		return imap_bad(ps, "Unknown data item");
	node = arena_alloc(ps->arena, sizeof(*node));
	if (node == NULL)
		return imap_bad(ps, "Command is too large");
	node->item = item;
	if (item->has_section && !parse_section(ps, item, node))
		return false;
	if (item->write == imap_put_preview && !parse_preview(ps, node))
		return false;
	add_node(out, tail, node);
	return true;
}

static bool
parse_items(struct imap_parser *ps, struct imap_fetch_items *out,
    struct imap_fetch_node ***tail)
{
	unsigned n = 0;

	if (!imap_skip(ps, '('))
		return parse_item(ps, out, tail);
	do {
		if (++n > ITEMS_MAX)
			return imap_bad(ps, "Too many data items");
		if (!parse_item(ps, out, tail))
			return false;
	} while (imap_skip(ps, ' '));
	return imap_expect(ps, ')');
}

static bool
parse_macro(struct imap_parser *ps, struct imap_fetch_items *out,
    struct imap_fetch_node ***tail)
{
	for (size_t i = 0; i < sizeof(macros) / sizeof(macros[0]); i++) {
		struct imap_parser sub;

		if (!imap_skip_word(ps, macros[i].name))
			continue;
		imap_parser_init(&sub, str_of(macros[i].items), ps->arena);
		return parse_items(&sub, out, tail);
	}
	return false;
}

bool
imap_fetch_items_parse(
    struct imap_parser *ps, bool uid, struct imap_fetch_items *out)
{
	struct imap_fetch_node *last = NULL, **tail = &out->first;

	memset(out, 0, sizeof(*out));
	if (!parse_macro(ps, out, &tail) && !parse_items(ps, out, &tail))
		return false;
	if (!uid || out->has_uid)
		return true;
	last = arena_alloc(ps->arena, sizeof(*last));
	if (last == NULL)
		return imap_bad(ps, "Command is too large");
	last->item = find_item(STR("UID"));
	last->next = out->first;
	out->first = last;
	out->has_uid = true;
	return true;
}

bool
imap_fetch_items_add(
    struct imap_parser *ps, const char *name, struct imap_fetch_items *out)
{
	struct imap_fetch_node *node = arena_alloc(ps->arena, sizeof(*node));
	struct imap_fetch_node **tail = &out->first;

	if (node == NULL)
		return imap_bad(ps, "Command is too large");
	node->item = find_item(str_of(name));
	while (*tail != NULL)
		tail = &(*tail)->next;
	add_node(out, &tail, node);
	return true;
}
