/*
 * Names of metadata (RFC 5464, 3.2).
 */
#include "base/str.h"
#include "imap/metadata.h"

#include <criterion/criterion.h>

static const struct {
	const char *name;
	bool above, good;
	const char *clean;
} names[] = {
	{ "/private/comment", false, true, "/private/comment" },
	{ "/SHARED/Comment", false, true, "/shared/comment" },
	{ "/private/a b", false, true, "/private/a b" },
	{ "/private/vendor/x/y", false, true, "/private/vendor/x/y" },
	{ "/private/vendor/x", false, false, NULL },
	{ "/private/vendor/x", true, true, "/private/vendor/x" },
	{ "/private", false, false, NULL },
	{ "/private", true, true, "/private" },
	{ "/private/", true, false, NULL },
	{ "/private//x", true, false, NULL },
	{ "/other/x", true, false, NULL },
	{ "/", true, false, NULL },
	{ "", true, false, NULL },
	{ "private/x", true, false, NULL },
	{ "/private/*", true, false, NULL },
	{ "/private/%", true, false, NULL },
	{ "/private/\xc3\xbc", true, false, NULL },
	{ "/private/\x1f", true, false, NULL },
};

Test(imap_metadata, names)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char out[METADATA_NAME_MAX + 1];
		bool good = metadata_name_clean(
		    str_of(names[i].name), names[i].above, out);

		cr_expect_eq(good, names[i].good, "%s", names[i].name);
		if (good && names[i].good)
			cr_expect_str_eq(out, names[i].clean);
	}
}

Test(imap_metadata, longest)
{
	char name[METADATA_NAME_MAX + 2], out[METADATA_NAME_MAX + 1];

	memset(name, 'x', sizeof(name));
	memcpy(name, "/private/", 9);
	cr_expect(
	    metadata_name_clean(str_n(name, METADATA_NAME_MAX), false, out));
	cr_expect_not(metadata_name_clean(
	    str_n(name, METADATA_NAME_MAX + 1), false, out));
}
