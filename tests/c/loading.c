/* dlopen, a whole session's life, dlclose, and again; threads that used the library end after it
 * was closed. */
#include "host.h"

#include <dlfcn.h>
#include <pthread.h>

typedef tern_config *(*config_new_fn)(void);
typedef void (*config_free_fn)(tern_config *);
typedef tern_result (*set_str_fn)(tern_config *, uint32_t, const char *, size_t, tern_error **);
typedef tern_result (*session_new_fn)(const tern_config *, tern_session **, tern_error **);
typedef tern_result (*close_fn)(const tern_session *, int32_t, uint32_t *, tern_error **);
typedef void (*release_fn)(tern_session *);

/* POSIX's way around ISO C's rule about function pointers. */
static void load(void *library, const char *name, void *out)
{
    void *symbol = dlsym(library, name);
    CHECK(symbol != NULL);
    memcpy(out, &symbol, sizeof symbol);
}

static void life(void *library)
{
    config_new_fn config_new;
    config_free_fn config_free;
    set_str_fn set_str;
    session_new_fn session_new;
    close_fn session_close;
    release_fn session_release;
    tern_config *config;
    tern_session *session;
    load(library, "tern_config_new", &config_new);
    load(library, "tern_config_free", &config_free);
    load(library, "tern_config_set_str", &set_str);
    load(library, "tern_session_new", &session_new);
    load(library, "tern_session_close", &session_close);
    load(library, "tern_session_release", &session_release);
    config = config_new();
    CHECK(set_str(config, TERN_OPT_LISTEN, "127.0.0.1:0", 11, NULL) == TERN_OK);
    CHECK(session_new(config, &session, NULL) == TERN_OK);
    config_free(config);
    CHECK(session_close(session, PATIENCE_MS, NULL, NULL) == TERN_OK);
    session_release(session);
}

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

/* Uses the library, then outlives its closing. */
static void *outlive(void *library)
{
    life(library);
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    return NULL;
}

int main(void)
{
    const char *path = getenv("TERN_LIBRARY");
    pthread_t thread;
    void *library;
    int i;
    CHECK(path != NULL);
    for (i = 0; i < 2; i++) {
        library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        if (!library)
            fprintf(stderr, "%s\n", dlerror());
        CHECK(library != NULL);
        life(library);
        CHECK(dlclose(library) == 0);
    }
    library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    CHECK(library != NULL);
    pthread_mutex_lock(&gate);
    CHECK(pthread_create(&thread, NULL, outlive, library) == 0);
    life(library);
    CHECK(dlclose(library) == 0);
    pthread_mutex_unlock(&gate);
    CHECK(pthread_join(thread, NULL) == 0);
    return 0;
}
