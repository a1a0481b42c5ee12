/*
 * web/files.c - the client's files. A manifest names each with its type, how
 * long it may be kept, and which policy goes with it; all are held in memory,
 * compressed as they were when the client was built.
 */
#include "web/web.h"

#include "base/codec.h"
#include "base/log.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES_MAX = 2000, FILE_MAX = 32 << 20, VERSION_KNOWN = 1 };

enum coding { PLAIN, BROTLI, GZIP, CODINGS };

static const struct {
	const char *name, *suffix;
} codings[CODINGS] = { { "", "" }, { "br", ".br" }, { "gzip", ".gz" } };

/* Content-Security-Policy, by the class of the manifest. */
static const struct {
	const char *class, *policy;
} policies[] = {
	{ "app",
	    "default-src 'none'; script-src 'self'; style-src 'self'; "
	    "img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; "
	    "frame-src 'self'; manifest-src 'self'; worker-src 'self'; "
	    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
	    "require-trusted-types-for 'script'; trusted-types dompurify" },
	{ "frame", "sandbox allow-same-origin allow-popups "
		   "allow-popups-to-escape-sandbox; default-src 'none'; "
		   "style-src 'unsafe-inline'; img-src data: blob: 'self'; "
		   "font-src data:; frame-ancestors 'self'; base-uri 'self'; "
		   "form-action 'none'" },
	{ "frame-remote",
	    "sandbox allow-same-origin allow-popups "
	    "allow-popups-to-escape-sandbox; default-src 'none'; "
	    "style-src 'unsafe-inline'; img-src data: blob: 'self' https:; "
	    "font-src data:; frame-ancestors 'self'; base-uri 'self'; "
	    "form-action 'none'" },
	{ "none", "default-src 'none'; frame-ancestors 'none'; sandbox" },
};

struct file {
	char *path, *type;
	const char *policy;
	bool is_immutable;
	char etag[36];
	struct buf content[CODINGS];
};

/* Written once, before there are threads that read it. */
static struct file *files;
static size_t files_n;

/* --- loading ---------------------------------------------------------------
 */

static bool
read_file(
    const char *dir, const char *name, const char *suffix, struct buf *out)
{
	char path[PATH_MAX];
	struct stat st;
	char *p;
	int fd;
	bool ok = false;

	if (strchr(name, '/') != NULL ||
	    snprintf(path, sizeof(path), "%s/%s%s", dir, name, suffix) >=
		(int)sizeof(path))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_size <= FILE_MAX &&
	    (p = buf_reserve(out, (size_t)st.st_size + 1)) != NULL) {
		ok = read(fd, p, (size_t)st.st_size) == st.st_size;
		if (ok)
			buf_added(out, (size_t)st.st_size);
	}
	(void)close(fd);
	return ok;
}

static const char *
policy_of(const char *class)
{
	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++)
		if (strcmp(class, policies[i].class) == 0)
			return policies[i].policy;
	return NULL;
}

static void
set_etag(struct file *f)
{
	unsigned char digest[32] = { 0 };
	char hex[33];

	(void)gnutls_hash_fast(GNUTLS_DIG_SHA256, f->content[PLAIN].p,
	    f->content[PLAIN].n, digest);
	hex_encode(digest, 16, hex);
	(void)snprintf(f->etag, sizeof(f->etag), "\"%s\"", hex);
}

static const char *
text_of(json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

static enum pst_rc
load_one(const char *dir, json_t *entry, struct file *f, struct pst_error *err)
{
	const char *name = text_of(entry, "file");
	json_t *encodings = json_object_get(entry, "encodings"), *one;
	size_t i;

	f->path = str_dup(str_of(text_of(entry, "path")));
	f->type = str_dup(str_of(text_of(entry, "type")));
	f->policy = policy_of(text_of(entry, "csp"));
	f->is_immutable = strcmp(text_of(entry, "cache"), "immutable") == 0;
	for (i = 0; i < CODINGS; i++)
		buf_init(&f->content[i], FILE_MAX + 1);
	if (f->policy == NULL || f->path[0] != '/' || f->type[0] == '\0' ||
	    !read_file(dir, name, "", &f->content[PLAIN]))
		return pst_fail(err, PST_E_PERM, 0,
		    "%s/manifest.json: %s is not there, or not described", dir,
		    name);
	json_array_foreach(encodings, i, one)
	{
		for (int k = BROTLI; k < CODINGS; k++)
			if (strcmp(json_string_value(one), codings[k].name) ==
			    0)
				(void)read_file(dir, name, codings[k].suffix,
				    &f->content[k]);
	}
	set_etag(f);
	return PST_OK;
}

enum pst_rc
web_files_load(const struct config *cfg, struct pst_error *err)
{
	char path[PATH_MAX];
	json_t *manifest, *list, *entry;
	enum pst_rc rc = PST_OK;
	size_t i;

	if (cfg->web.dir[0] == '\0' ||
	    snprintf(path, sizeof(path), "%s/manifest.json", cfg->web.dir) >=
		(int)sizeof(path) ||
	    access(path, R_OK) < 0)
		return PST_OK;
	manifest = json_load_file(path, 0, NULL);
	list = json_object_get(manifest, "files");
	if (json_integer_value(json_object_get(manifest, "version")) !=
		VERSION_KNOWN ||
	    !json_is_array(list) || json_array_size(list) > FILES_MAX) {
		json_decref(manifest);
		return pst_fail(err, PST_E_PERM, 0,
		    "%s is not of a version that this server knows", path);
	}
	files = mem_array(json_array_size(list) + 1, sizeof(*files));
	json_array_foreach(list, i, entry)
	{
		if (rc == PST_OK)
			rc = load_one(
			    cfg->web.dir, entry, &files[files_n++], err);
	}
	json_decref(manifest);
	return rc;
}

void
web_files_free(void)
{
	for (size_t i = 0; i < files_n; i++) {
		free(files[i].path);
		free(files[i].type);
		for (int k = 0; k < CODINGS; k++)
			buf_fini(&files[i].content[k]);
	}
	free(files);
	files = NULL;
	files_n = 0;
}

/* --- serving ---------------------------------------------------------------
 */

static const struct file *
find(struct pst_str path)
{
	for (size_t i = 0; i < files_n; i++)
		if (str_is(path, files[i].path))
			return &files[i];
	return NULL;
}

/* Places within the client are paths too: what looks like one gets the page. */
static const struct file *
find_page(const struct http_asked *asked)
{
	struct pst_str rest = asked->path, last = STR_NONE;

	while (str_split(&rest, '/', &last))
		;
	if (str_find(last, '.') < last.n ||
	    !http_head_lists(asked->head, "Accept", "text/html"))
		return NULL;
	return find(STR("/index.html"));
}

static void
put_fields(struct http_request *h, const struct file *f)
{
	http_add(h, "Content-Security-Policy", f->policy);
	http_add(h, "Referrer-Policy", "no-referrer");
	http_add(h, "Cross-Origin-Opener-Policy", "same-origin");
	http_add(h, "Cross-Origin-Resource-Policy", "same-origin");
	http_add(h, "Permissions-Policy",
	    "camera=(), microphone=(), geolocation=()");
	http_add(h, "Cache-Control",
	    f->is_immutable ? "public, max-age=31536000, immutable"
			    : "no-cache");
	http_add(h, "ETag", f->etag);
	http_add(h, "Vary", "Accept-Encoding");
	if (http_is_secure(h))
		http_add(h, "Strict-Transport-Security", "max-age=31536000");
}

static void
run_file(struct http_request *h)
{
	const struct http_asked *asked = http_asked(h);
	const struct file *f = str_is(asked->path, "/")
				   ? find(STR("/index.html"))
				   : find(asked->path);
	struct pst_str known;
	enum coding coding = PLAIN;

	if (f == NULL)
		f = find_page(asked);
	if (f == NULL) {
		http_problem(h, 404, NULL, "There is nothing here.");
		return;
	}
	put_fields(h, f);
	known = http_head_field(asked->head, "If-None-Match");
	if (str_find_case(known, str_of(f->etag)) != SIZE_MAX) {
		http_answer(h, 304, NULL, STR_NONE);
		return;
	}
	for (int k = BROTLI; k < CODINGS && coding == PLAIN; k++)
		if (f->content[k].n > 0 &&
		    http_head_lists(
			asked->head, "Accept-Encoding", codings[k].name))
			coding = (enum coding)k;
	if (coding != PLAIN)
		http_add(h, "Content-Encoding", codings[coding].name);
	http_answer(h, 200, f->type, buf_str(&f->content[coding]));
}

const struct http_route web_file_routes[] = {
	{ "GET", "/*", 0, run_file, NULL, NULL, NULL },
	{ NULL, NULL, 0, NULL, NULL, NULL, NULL },
};
