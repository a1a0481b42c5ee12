/*
 * imap/compress.c - COMPRESS (RFC 4978). The tagged OK is the last thing that
 * goes out plain, so it is written here; news of the mailbox wait for the next
 * command.
 */
#include "base/str.h"
#include "imap/commands.h"

enum imap_step
imap_compress(struct imap_session *s, struct imap_parser *ps)
{
	struct buf *out = imap_out(s);
	struct pst_str name;

	if (!imap_space(ps) || !imap_atom(ps, &name) || !imap_end(ps))
		return imap_bad_arguments(s, ps);
	if (!str_is_case(name, "DEFLATE"))
		return imap_bad_command(s, "Unknown compression mechanism");
	if (net_deflate_active(s->c))
		return imap_bad_command(
		    s, "[COMPRESSIONACTIVE] Compression is already active");
	if (net_input(s->c).n > 0) /* 3: the client waits for the answer */
		return imap_bad_command(s, "Commands behind COMPRESS");
	(void)buf_puts(out, s->run->tag);
	(void)buf_puts(out, " OK DEFLATE active\r\n");
	if (!net_start_deflate(s->c))
		return IMAP_BREAK;
	s->commands++;
	imap_end_run(s);
	return IMAP_NEXT;
}
