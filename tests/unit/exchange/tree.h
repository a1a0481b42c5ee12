/*
 * tree.h - a directory that a test made goes again.
 */
#ifndef TESTS_UNIT_EXCHANGE_TREE_H
#define TESTS_UNIT_EXCHANGE_TREE_H

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* With all that is below it. */
static inline void
remove_tree(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	char path[600];

	cr_assert_not_null(d);
	while ((e = readdir(d)) != NULL) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (e->d_type == DT_DIR)
			remove_tree(path);
		else
			cr_assert_eq(unlink(path), 0);
	}
	(void)closedir(d);
	cr_assert_eq(rmdir(dir), 0);
}

#endif
