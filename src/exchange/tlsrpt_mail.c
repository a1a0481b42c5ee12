/*
 * exchange/tlsrpt_mail.c - where TLS reports go, and their messages (RFC 8460,
 * 3 and 5.3).
 */
#include "exchange/tlsrpt.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/str.h"
#include "message/header.h"

#include <inttypes.h>
#include <zlib.h>

enum {
	BOUNDARY = 33,
	LINE_OCTETS = 57, /* that are 76 in base64 */
	GZIP_WINDOW = 15 + 16,
};

/* --- the record -----------------------------------------------------------
 */

/* An address without anything odd: no quotes, no comments, no percents. */
static bool
is_plain_address(struct pst_str a)
{
	size_t at = str_find(a, '@');

	if (at == 0 || at + 1 >= a.n || a.n > 320)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (a.p[i] <= ' ' || a.p[i] >= 0x7f ||
		    strchr("<>()[]\\,;:\"%?&", a.p[i]) != NULL ||
		    (a.p[i] == '@' && i != at))
			return false;
	return true;
}

static void
take_uri(struct tlsrpt_record *r, struct pst_str uri)
{
	if (r->n == TLSRPT_RUA_MAX)
		return;
	if (str_has_prefix_case(uri, "mailto:")) {
		uri = str_from(uri, 7);
		uri = str_first(uri, str_find(uri, '?'));
		if (!is_plain_address(uri))
			return;
	} else {
		if (!str_has_prefix_case(uri, "https://"))
			return;
		for (size_t i = 0; i < uri.n; i++)
			if (uri.p[i] <= ' ' || uri.p[i] >= 0x7f)
				return;
	}
	if (str_copy(r->uri[r->n], TLSRPT_URI_MAX, uri))
		r->n++;
}

bool
tlsrpt_record_parse(struct pst_str text, struct tlsrpt_record *r)
{
	struct pst_str rest = text, field, name, uri;
	bool has_rua = false;

	*r = (struct tlsrpt_record){ 0 };
	if (!str_split(&rest, ';', &field) ||
	    !str_is(str_trim(field), "v=TLSRPTv1"))
		return false;
	while (str_split(&rest, ';', &field)) {
		if (str_find(field, '=') == field.n) {
			if (str_trim(field).n > 0)
				return false;
			continue;
		}
		(void)str_split(&field, '=', &name);
		if (!str_is(str_trim(name), "rua"))
			continue; /* an extension */
		if (has_rua) {
			r->n = 0;
			return false;
		}
		has_rua = true;
		while (str_split(&field, ',', &uri))
			take_uri(r, str_trim(uri));
	}
	return r->n > 0;
}

/* --- the message ----------------------------------------------------------
 */

void
tlsrpt_contact(const struct config *cfg, char out[321])
{
	if (*cfg->tls_reports.contact != '\0')
		(void)str_copy(out, 321, str_of(cfg->tls_reports.contact));
	else
		(void)snprintf(out, 321, "postmaster@%s",
		    cfg->domains.n > 0 ? cfg->domains.v[0] : cfg->hostname);
}

bool
tlsrpt_gzip(struct pst_str json, struct buf *out)
{
	z_stream z = { 0 };
	uLong most;
	char *to;
	int rc;

	if (deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, 9,
		Z_DEFAULT_STRATEGY) != Z_OK)
		return false;
	most = deflateBound(&z, (uLong)json.n);
	to = buf_reserve(out, most);
	if (to == NULL) {
		(void)deflateEnd(&z);
		return false;
	}
	z.next_in = (Bytef *)(uintptr_t)json.p;
	z.avail_in = (uInt)json.n;
	z.next_out = (Bytef *)to;
	z.avail_out = (uInt)most;
	rc = deflate(&z, Z_FINISH);
	buf_added(out, most - z.avail_out);
	(void)deflateEnd(&z);
	return rc == Z_STREAM_END;
}

static void
put_header(const struct config *cfg, const struct tlsrpt_report *r,
    const char *to, const char *boundary, struct buf *out)
{
	char contact[321], date[40];

	tlsrpt_contact(cfg, contact);
	msg_format_date(clock_seconds(), 0, date);
	(void)buf_printf(out,
	    "From: %s\r\nTo: %s\r\nDate: %s\r\n"
	    "Message-ID: <tlsrpt.%s.%s@%s>\r\n",
	    contact, to, date, r->id, r->domain, cfg->hostname);
	/* RFC 8689, 5: a report of a broken TLS has to arrive. */
	(void)buf_printf(out,
	    "Subject: Report Domain: %s\r\n Submitter: %s\r\n"
	    " Report-ID: <%s@%s>\r\n"
	    "TLS-Report-Domain: %s\r\nTLS-Report-Submitter: %s\r\n"
	    "TLS-Required: No\r\nAuto-Submitted: auto-generated\r\n"
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: multipart/report; report-type=\"tlsrpt\";\r\n"
	    "\tboundary=\"%s\"\r\n\r\n",
	    r->domain, cfg->hostname, r->id, cfg->hostname, r->domain,
	    cfg->hostname, boundary);
}

void
tlsrpt_mail(const struct config *cfg, const struct tlsrpt_report *r,
    const char *to, struct pst_str gzip, struct buf *out)
{
	unsigned char octets[(BOUNDARY - 1) / 2];
	char boundary[BOUNDARY];

	random_bytes(octets, sizeof(octets));
	hex_encode(octets, sizeof(octets), boundary);
	put_header(cfg, r, to, boundary, out);
	(void)buf_printf(out,
	    "--%s\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n"
	    "This is an aggregate report (RFC 8460) of TLS connections from "
	    "%s\r\nto the mail servers of %s.\r\n\r\n",
	    boundary, cfg->hostname, r->domain);
	(void)buf_printf(out,
	    "--%s\r\nContent-Type: application/tlsrpt+gzip\r\n"
	    "Content-Transfer-Encoding: base64\r\n"
	    "Content-Disposition: attachment;\r\n"
	    "\tfilename=\"%s!%s!%" PRId64 "!%" PRId64 "!%s.json.gz\"\r\n\r\n",
	    boundary, cfg->hostname, r->domain, r->start, r->end, r->id);
	for (size_t at = 0; at < gzip.n; at += LINE_OCTETS) {
		struct pst_str line = str_from(gzip, at);

		if (line.n > LINE_OCTETS)
			line.n = LINE_OCTETS;
		(void)base64_encode(line, out);
		(void)buf_puts(out, "\r\n");
	}
	(void)buf_printf(out, "\r\n--%s--\r\n", boundary);
}
