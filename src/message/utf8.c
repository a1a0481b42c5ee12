/*
 * message/utf8.c - UTF-8 sequences one by one (RFC 3629).
 */
#include "message/internal.h"

bool
msg_utf8_put(struct buf *out, uint32_t c)
{
	char s[4];
	size_t n;

	if (c < 0x80) {
		return buf_putc(out, (char)c);
	} else if (c < 0x800) {
		s[0] = (char)(0xc0 | c >> 6);
		n = 2;
	} else if (c < 0x10000) {
		s[0] = (char)(0xe0 | c >> 12);
		n = 3;
	} else {
		s[0] = (char)(0xf0 | c >> 18);
		n = 4;
	}
	for (size_t i = 1; i < n; i++)
		s[i] = (char)(0x80 | (c >> (6 * (n - 1 - i)) & 0x3f));
	return buf_add(out, s, n);
}

/* The smallest and largest second octet after the first one (RFC 3629, 4). */
static void
second_range(unsigned char first, unsigned char *low_r, unsigned char *high_r)
{
	*low_r = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
	*high_r = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
}

size_t
msg_utf8_length(const char *p, const char *end, bool *cut_r)
{
	unsigned char c = (unsigned char)*p, low, high;
	size_t n;

	if (cut_r != NULL)
		*cut_r = false;
	if (c < 0x80)
		return 1;
	if (c < 0xc2 || c > 0xf4)
		return 0;
	n = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	second_range(c, &low, &high);
	for (size_t i = 1; i < n; i++) {
		unsigned char next;

		if (p + i == end) {
			if (cut_r != NULL)
				*cut_r = true;
			return 0;
		}
		next = (unsigned char)p[i];
		if (next < low || next > high)
			return 0;
		low = 0x80;
		high = 0xbf;
	}
	return n;
}
