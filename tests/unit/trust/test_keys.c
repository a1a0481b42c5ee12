/*
 * Key files: made, found again, the one that signs, and a cache that notices.
 */
#include "base/str.h"
#include "trust/keys.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/postern-keys-XXXXXX", path[400];

static void
begin(void)
{
	cr_assert_not_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/dkim", dir);
}

static bool
remove_domain(void *arg, const char *domain)
{
	struct dkim_key_files files;
	struct pst_error err = { 0 };

	(void)dkim_key_files_read(path, domain, &files, &err);
	for (size_t i = 0; i < files.n; i++)
		(void)dkim_key_file_remove(
		    path, domain, files.file[i].selector, &err);
	dkim_key_files_fini(&files);
	(void)arg;
	return true;
}

static void
end(void)
{
	dkim_key_domains(path, remove_domain, NULL);
	(void)rmdir(path);
	(void)rmdir(dir);
}

static void
make(const char *domain, enum dkim_algorithm a, int64_t now, int64_t from)
{
	struct pst_error err = { 0 };

	cr_assert_eq(dkim_key_file_make(path, domain, a, now, from, &err),
	    PST_OK, "%s", err.detail);
}

Test(keys, the_last_one_that_may_signs, .init = begin, .fini = end)
{
	struct dkim_key_files files;
	struct pst_error err = { 0 };
	struct stat st;
	char file[800];

	make("example.org", DKIM_ED25519_SHA256, 1000, 1000);
	make("example.org", DKIM_ED25519_SHA256, 2000, 5000);
	make("example.org", DKIM_ED25519_SHA256, 2000, 6000);
	cr_assert_eq(
	    dkim_key_files_read(path, "example.org", &files, &err), PST_OK);
	cr_assert_eq(files.n, 3);
	cr_expect_str_eq(files.file[0].selector, "19700101a-ed25519");
	cr_expect_str_eq(files.file[2].selector, "19700101c-ed25519");
	cr_expect_eq(files.file[1].made, 2000);
	cr_expect_eq(files.file[1].use_from, 5000);
	cr_expect_null(
	    dkim_key_files_current(&files, DKIM_ED25519_SHA256, 999));
	cr_expect_eq(dkim_key_files_current(&files, DKIM_ED25519_SHA256, 4999),
	    &files.file[0]);
	cr_expect_eq(dkim_key_files_current(&files, DKIM_ED25519_SHA256, 5000),
	    &files.file[1]);
	cr_expect_eq(dkim_key_files_current(&files, DKIM_ED25519_SHA256, 6000),
	    &files.file[2]);
	cr_expect_null(dkim_key_files_current(&files, DKIM_RSA_SHA256, 6000));
	(void)snprintf(file, sizeof(file), "%s/example.org/%s.pem", path,
	    files.file[0].selector);
	cr_assert_eq(stat(file, &st), 0);
	cr_expect_eq(st.st_mode & 0777, 0600);
	dkim_key_files_fini(&files);
}

Test(keys, names_do_not_lead_elsewhere, .init = begin, .fini = end)
{
	struct dkim_key_files files;
	struct pst_error err = { 0 };

	cr_expect_eq(
	    dkim_key_files_read(path, "../x", &files, &err), PST_E_SYNTAX);
	cr_expect_eq(dkim_key_files_read(path, "", &files, &err), PST_E_SYNTAX);
	cr_expect_eq(
	    dkim_key_file_make(path, "a/b", DKIM_ED25519_SHA256, 1, 1, &err),
	    PST_E_SYNTAX);
	cr_expect_eq(dkim_key_file_remove(path, "example.org", "../../x", &err),
	    PST_E_NOTFOUND);
	cr_expect_eq(dkim_key_file_remove(path, "example.org", "s1", &err),
	    PST_E_NOTFOUND);
	cr_expect_eq(
	    dkim_key_files_read(path, "none.example", &files, &err), PST_OK);
	cr_expect_eq(files.n, 0);
}

static size_t
count_of(struct dkim_keys *k, const char *domain)
{
	struct dkim_key_set *set = dkim_keys_of(k, domain);
	size_t n = set != NULL ? set->files.n : 0;

	if (set != NULL)
		dkim_keys_drop(k, &set);
	return n;
}

Test(keys, are_read_again_when_they_change, .init = begin, .fini = end)
{
	struct dkim_keys *k = dkim_keys_new(path);
	struct dkim_key_set *old;
	struct pst_error err = { 0 };

	cr_expect_not(dkim_keys_any(k));
	cr_expect_eq(count_of(k, "example.org"), 0);
	make("example.org", DKIM_ED25519_SHA256, 1000, 1000);
	cr_expect(dkim_keys_any(k));
	cr_expect_eq(count_of(k, "example.org"), 1);
	cr_expect_eq(count_of(k, "example.com"), 0);
	cr_expect_eq(count_of(k, "../dkim/example.org"), 0);
	old = dkim_keys_of(k, "example.org");
	make("example.org", DKIM_ED25519_SHA256, 1000, 1000);
	cr_expect_eq(count_of(k, "example.org"), 2);
	/* Who has the old ones keeps them. */
	cr_expect_eq(old->files.n, 1);
	dkim_keys_drop(k, &old);
	cr_expect_eq(dkim_key_file_remove(
			 path, "example.org", "19700101a-ed25519", &err),
	    PST_OK);
	cr_expect_eq(count_of(k, "example.org"), 1);
	cr_expect_eq(dkim_key_file_remove(
			 path, "example.org", "19700101b-ed25519", &err),
	    PST_OK);
	cr_expect_eq(count_of(k, "example.org"), 0);
	dkim_keys_free(&k);
}

Test(keys, a_broken_file_is_passed_over, .init = begin, .fini = end)
{
	struct dkim_key_files files;
	struct pst_error err = { 0 };
	char name[800];
	FILE *f;

	make("example.org", DKIM_ED25519_SHA256, 1000, 1000);
	(void)snprintf(name, sizeof(name), "%s/example.org/bad.pem", path);
	f = fopen(name, "w");
	cr_assert_not_null(f);
	(void)fputs("-----BEGIN PRIVATE KEY-----\nAAAA\n", f);
	(void)fclose(f);
	cr_assert_eq(
	    dkim_key_files_read(path, "example.org", &files, &err), PST_OK);
	cr_expect_eq(files.n, 1);
	dkim_key_files_fini(&files);
	(void)unlink(name);
}

Test(keys, make_records_to_publish, .init = begin, .fini = end)
{
	struct dkim_key_files files;
	struct pst_error err = { 0 };
	struct buf out;

	make("example.org", DKIM_RSA_SHA256, 1000, 1000);
	cr_assert_eq(
	    dkim_key_files_read(path, "example.org", &files, &err), PST_OK);
	cr_assert_eq(files.n, 1);
	buf_init(&out, 4096);
	cr_expect(dkim_key_record(&files.file[0].key, &out));
	cr_expect(str_has_prefix_case(
	    buf_str(&out), "v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEF"));
	buf_fini(&out);
	dkim_key_files_fini(&files);
}
