/*
 * message/section.c - the parts that IMAP section numbers name (RFC 3501,
 * 6.4.5; RFC 9051, 6.4.5.1).
 */
#include "message/message.h"

static const struct msg_part *
nth_child(const struct msg_part *part, uint32_t number)
{
	const struct msg_part *child = part->child;

	if (number == 0)
		return NULL;
	while (child != NULL && --number > 0)
		child = child->next;
	return child;
}

/* The parts of a message are those of its multipart, or its one body, which
 * has the number 1. */
static const struct msg_part *
part_of_message(const struct msg_part *message, uint32_t number)
{
	if (message->is_multipart)
		return nth_child(message, number);
	return number == 1 ? message : NULL;
}

const struct msg_part *
msg_section(const struct msg *m, const uint32_t *numbers, size_t n)
{
	const struct msg_part *part = m->root;

	for (size_t i = 0; i < n && part != NULL; i++) {
		if (i == 0)
			part = part_of_message(part, numbers[i]);
		else if (part->is_multipart)
			part = nth_child(part, numbers[i]);
		else if (part->is_message && part->child != NULL)
			part = part_of_message(part->child, numbers[i]);
		else
			part = NULL;
	}
	return part;
}
