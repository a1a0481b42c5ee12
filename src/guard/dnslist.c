/*
 * guard/dnslist.c - names and answers of DNS lists.
 */
#include "guard/dnslist.h"

#include "base/str.h"

bool
guard_dnslist_name(
    const struct ip_address *ip, const char *zone, char name_r[256])
{
	char *to = name_r;
	int n;

	if (ip->v4) {
		n = snprintf(name_r, 256, "%u.%u.%u.%u.%s", ip->octets[15],
		    ip->octets[14], ip->octets[13], ip->octets[12], zone);
		return n > 0 && n <= 253;
	}
	for (int i = 15; i >= 0; i--) {
		*to++ = "0123456789abcdef"[ip->octets[i] & 15];
		*to++ = '.';
		*to++ = "0123456789abcdef"[ip->octets[i] >> 4];
		*to++ = '.';
	}
	n = snprintf(to, 256 - 64, "%s", zone);
	return n > 0 && n <= 253 - 64;
}

/* The list was checked when the configuration was read. */
static bool
matches(const char *pattern, const unsigned char answer[4])
{
	struct pst_str rest = str_of(pattern), part;
	uint32_t low, high;

	for (size_t i = 0; i < 4; i++) {
		size_t dash;

		if (!str_split(&rest, '.', &part))
			return false;
		if (str_is(part, "*"))
			continue;
		dash = str_find(part, '-');
		if (!str_to_u32(str_first(part, dash), &low))
			return false;
		high = low;
		if (dash < part.n &&
		    !str_to_u32(str_from(part, dash + 1), &high))
			return false;
		if (answer[i] < low || answer[i] > high)
			return false;
	}
	return true;
}

bool
guard_dnslist_refuses(const unsigned char answer[4])
{
	return answer[0] == 127 && answer[1] == 255 && answer[2] == 255;
}

bool
guard_dnslist_counts(
    const struct config_strings *patterns, const unsigned char answer[4])
{
	if (answer[0] != 127 || guard_dnslist_refuses(answer))
		return false;
	for (size_t i = 0; i < patterns->n; i++)
		if (matches(patterns->v[i], answer))
			return true;
	return false;
}
