/*
 * notify.c - the messages that systemd understands: sd_notify(3), without its
 * library. A datagram of lines "KEY=VALUE" to the socket in NOTIFY_SOCKET.
 */
#include "daemon/process.h"

#include "base/clock.h"
#include "base/str.h"
#include <inttypes.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void
send_to(const char *path, const char *text, size_t n)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	socklen_t len;
	int fd;

	if (!str_copy(sun.sun_path, sizeof(sun.sun_path), str_of(path)))
		return;
	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
			  strlen(path));
	/* A name in the abstract space: no file, a NUL in front. */
	if (sun.sun_path[0] == '@')
		sun.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	(void)sendto(fd, text, n, MSG_NOSIGNAL, (struct sockaddr *)&sun, len);
	(void)close(fd);
}

void
daemon_notify(const char *fmt, ...)
{
	const char *path = getenv("NOTIFY_SOCKET");
	char text[512];
	va_list ap;
	int n;

	if (path == NULL || (*path != '/' && *path != '@'))
		return;
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n > 0 && (size_t)n < sizeof(text))
		send_to(path, text, (size_t)n);
}

void
daemon_notify_reloading(void)
{
	daemon_notify(
	    "RELOADING=1\nMONOTONIC_USEC=%" PRId64, clock_monotonic());
}

int
daemon_watchdog(void)
{
	const char *usec = getenv("WATCHDOG_USEC");
	const char *pid = getenv("WATCHDOG_PID");
	uint64_t us;
	uint32_t n;

	if (usec == NULL || !str_to_u64(str_of(usec), &us) || us < 2000)
		return -1;
	if (pid != NULL &&
	    (!str_to_u32(str_of(pid), &n) || n != (uint32_t)getpid()))
		return -1;
	us /= 2000;
	return us > 3600000 ? 3600000 : (int)us;
}
