/*
 * What postern-sendmail makes of a message: whatever comes, only lines that end
 * with CR LF go out, no NUL, and no line that would end the message early. The
 * first octet: -i, -t.
 */
#include "base/str.h"
#include "sendmail/compose.h"
#include "sendmail/content.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
expect_lines(struct pst_str text)
{
	bool at_line = true;

	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '\0')
			abort();
		if (text.p[i] == '\r' &&
		    (i + 1 == text.n || text.p[i + 1] != '\n'))
			abort();
		if (text.p[i] == '\n' && (i == 0 || text.p[i - 1] != '\r'))
			abort();
		if (at_line && text.p[i] == '.' && i + 2 < text.n &&
		    text.p[i + 1] == '\r')
			abort();
		at_line = text.p[i] == '\n';
	}
	if (text.n > 0 && text.p[text.n - 1] != '\n')
		abort();
}

static void
expect_addresses(const struct compose *c)
{
	for (size_t i = 0; i < c->recipients; i++)
		for (size_t k = 0; k < c->recipient[i].n; k++)
			if (c->recipient[i].p[k] == '\r' ||
			    c->recipient[i].p[k] == '\n' ||
			    c->recipient[i].p[k] == '\0')
				abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct content content;
	struct compose c;
	struct buf header, body, out;
	bool at_line = true;
	int fd;

	if (n == 0)
		return 0;
	fd = memfd_create("message", MFD_CLOEXEC);
	if (fd < 0 || write(fd, data + 1, n - 1) != (ssize_t)(n - 1) ||
	    lseek(fd, 0, SEEK_SET) != 0)
		abort();
	content_init(&content, fd, (data[0] & 1) != 0);
	compose_init(&c);
	c.domain = "h.test";
	c.sender = "me@h.test";
	c.name = (data[0] & 4) != 0 ? "N\xc3\xa4me" : "";
	c.collect = (data[0] & 2) != 0;
	buf_init(&header, CONTENT_HEADER_MAX);
	buf_init(&body, 16 << 20);
	buf_init(&out, 64 << 20);
	if (content_header(&content, &header, &body)) {
		compose_header(&c, buf_str(&header));
		expect_addresses(&c);
		while (content_more(&content, &body, 64 + data[0]))
			;
		content_stuff(buf_str(&c.header), &at_line, &out);
		content_stuff(STR("\r\n"), &at_line, &out);
		content_stuff(buf_str(&body), &at_line, &out);
		expect_lines(buf_str(&out));
	}
	compose_fini(&c);
	buf_fini(&header);
	buf_fini(&body);
	buf_fini(&out);
	(void)close(fd);
	return 0;
}
