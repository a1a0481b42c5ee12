/*
 * crash/end_at.c - ends a server at a given change of a file: a library that is
 * loaded before the others (LD_PRELOAD).
 *
 * END_AT is "before N TEXT" or "after N TEXT": the Nth rename() to a path with
 * TEXT in it is not made any more, or is the last thing that happens.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int renames;

int
rename(const char *from, const char *to)
{
	int (*real)(const char *, const char *);
	const char *at = getenv("END_AT");
	char when[8], text[64];
	int n, result;

	*(void **)&real = dlsym(RTLD_NEXT, "rename");
	if (at == NULL || sscanf(at, "%7s %d %63s", when, &n, text) != 3 ||
	    strstr(to, text) == NULL ||
	    __atomic_add_fetch(&renames, 1, __ATOMIC_SEQ_CST) != n)
		return real(from, to);
	if (strcmp(when, "before") == 0)
		(void)kill(getpid(), SIGKILL);
	result = real(from, to);
	(void)kill(getpid(), SIGKILL);
	return result;
}
