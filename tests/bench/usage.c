/*
 * usage.c - what a server uses: of its cgroup where there is one, else of the
 * process and all its descendants in /proc.
 */
#include "bench.h"

#include "base/mem.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXT = 4096 };

struct process {
	int pid, parent;
	int64_t ticks; /* its own, and of its children that have ended */
	bool counts;
};

struct processes {
	struct process *v;
	size_t n, cap;
};

static bool
read_file(const char *path, char text[TEXT])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, text, TEXT - 1);
	(void)close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* The number behind `key` and white space in a file; -1: it isn't there. */
static int64_t
value_of(const char *path, const char *key)
{
	char text[TEXT];
	const char *at;

	if (!read_file(path, text))
		return -1;
	at = strstr(text, key);
	return at == NULL ? -1 : strtoll(at + strlen(key), NULL, 10);
}

/* --- the tree of processes ------------------------------------------------
 */

/* proc(5): the name may hold anything, so fields are counted from its end. */
static bool
read_process(int pid, struct process *p_r)
{
	char path[64], text[TEXT], *at;
	unsigned long own[2];
	long ended[2];

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (!read_file(path, text) || (at = strrchr(text, ')')) == NULL)
		return false;
	if (sscanf(at + 1,
		" %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %ld %ld",
		&p_r->parent, &own[0], &own[1], &ended[0], &ended[1]) != 5)
		return false;
	p_r->pid = pid;
	p_r->ticks = (int64_t)(own[0] + own[1]) + ended[0] + ended[1];
	p_r->counts = pid == bench.pid;
	return true;
}

static bool
mark_children(struct processes *all)
{
	bool more = false;

	for (size_t i = 0; i < all->n; i++)
		for (size_t k = 0; k < all->n; k++)
			if (!all->v[i].counts && all->v[k].counts &&
			    all->v[i].parent == all->v[k].pid)
				all->v[i].counts = more = true;
	return more;
}

static void
list_processes(struct processes *all)
{
	DIR *d = opendir("/proc");
	struct dirent *e;

	*all = (struct processes){ 0 };
	while (d != NULL && (e = readdir(d)) != NULL) {
		int pid = (int)strtol(e->d_name, NULL, 10);

		if (pid <= 0)
			continue;
		mem_grow(&all->v, &all->cap, all->n + 1, sizeof(*all->v));
		if (read_process(pid, &all->v[all->n]))
			all->n++;
	}
	if (d != NULL)
		(void)closedir(d);
	while (mark_children(all))
		;
}

int64_t
usage_cpu(void)
{
	struct processes all;
	int64_t ticks = 0, value;

	if (bench.cpu_file != NULL) {
		value = value_of(bench.cpu_file, "usage_usec");
		return value >= 0 ? value : value_of(bench.cpu_file, "") / 1000;
	}
	list_processes(&all);
	for (size_t i = 0; i < all.n; i++)
		if (all.v[i].counts)
			ticks += all.v[i].ticks;
	free(all.v);
	return ticks * 1000000 / sysconf(_SC_CLK_TCK);
}

void
usage_memory(struct usage_memory *m_r)
{
	struct processes all;
	char path[64];

	*m_r = (struct usage_memory){ .kernel = -1 };
	list_processes(&all);
	for (size_t i = 0; i < all.n; i++) {
		if (!all.v[i].counts)
			continue;
		(void)snprintf(
		    path, sizeof(path), "/proc/%d/smaps_rollup", all.v[i].pid);
		m_r->pss += value_of(path, "\nPss:") * 1024;
		m_r->processes++;
	}
	free(all.v);
	if (bench.memory_file == NULL)
		return;
	/* cgroup v2: memory.stat; v1: memory.kmem.usage_in_bytes */
	m_r->kernel = value_of(bench.memory_file, "\nkernel ");
	if (m_r->kernel < 0)
		m_r->kernel = value_of(bench.memory_file, "");
}
