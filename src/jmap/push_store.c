/*
 * jmap/push_store.c - see push_store.h.
 */
#include "jmap/push_store.h"

#include "jmap/files.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_LARGEST = 16 << 20 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void
push_store_lock(void)
{
	pthread_mutex_lock(&lock);
}

void
push_store_unlock(void)
{
	pthread_mutex_unlock(&lock);
}

static bool
path_of(const struct config *cfg, const char *account, char path[PATH_MAX])
{
	return jmap_dir(cfg, PUSH_DIR, account, path);
}

json_t *
push_store_get(const struct config *cfg, const char *account)
{
	char path[PATH_MAX];
	json_t *root = NULL;
	struct stat st;

	if (path_of(cfg, account, path) && stat(path, &st) == 0 &&
	    st.st_size <= FILE_LARGEST)
		root = json_load_file(path, 0, NULL);
	if (!json_is_object(json_object_get(root, "subscriptions"))) {
		json_decref(root);
		root = json_pack("{s:{}}", "subscriptions");
	}
	return root;
}

enum pst_rc
push_store_put(const struct config *cfg, const char *account, json_t *root,
    struct pst_error *err)
{
	char path[PATH_MAX], dir[PATH_MAX], *text;
	enum pst_rc rc = jmap_dir_make(cfg, PUSH_DIR, NULL, dir, err);

	if (rc != PST_OK)
		return rc;
	if (json_object_size(json_object_get(root, "subscriptions")) == 0) {
		if (path_of(cfg, account, path) && unlink(path) < 0 &&
		    errno != ENOENT)
			return pst_fail(err, PST_E_TEMP, errno, "%s: %s", path,
			    strerror(errno));
		return jmap_dir_sync(dir, err);
	}
	text = json_dumps(root, JSON_COMPACT);
	rc = jmap_file_put(dir, account, text != NULL ? text : "{}", err);
	free(text);
	return rc;
}

int64_t
push_number(json_t *subscription, const char *name)
{
	return (int64_t)json_integer_value(json_object_get(subscription, name));
}

const char *
push_text(json_t *subscription, const char *name)
{
	const char *text = json_string_value(
	    json_object_get(subscription, name));

	return text != NULL ? text : "";
}

bool
push_is(json_t *subscription, const char *name)
{
	return json_is_true(json_object_get(subscription, name));
}
