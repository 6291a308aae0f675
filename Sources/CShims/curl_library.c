#include "curl.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/// Older versions of libcurl must not be started up by two threads at once.
static pthread_mutex_t starting = PTHREAD_MUTEX_INITIALIZER;

/// False when one of the functions is missing, whose name is then in `missing`.
static bool find_functions(struct mainline_http_library *library, void *handle, const char **missing) {
    const struct {
        const char *name;
        void *place;
    } functions[] = {
        {"curl_global_init", &library->global_init},
        {"curl_easy_init", &library->easy_init},
        {"curl_easy_setopt", &library->easy_setopt},
        {"curl_easy_getinfo", &library->easy_getinfo},
        {"curl_easy_strerror", &library->easy_strerror},
        {"curl_easy_cleanup", &library->easy_cleanup},
        {"curl_multi_init", &library->multi_init},
        {"curl_multi_setopt", &library->multi_setopt},
        {"curl_multi_add_handle", &library->multi_add_handle},
        {"curl_multi_remove_handle", &library->multi_remove_handle},
        {"curl_multi_perform", &library->multi_perform},
        {"curl_multi_info_read", &library->multi_info_read},
        {"curl_multi_poll", &library->multi_poll},
        {"curl_multi_wakeup", &library->multi_wakeup},
        {"curl_multi_cleanup", &library->multi_cleanup},
        {"curl_url", &library->url},
        {"curl_url_set", &library->url_set},
        {"curl_url_get", &library->url_get},
        {"curl_url_cleanup", &library->url_cleanup},
        {"curl_free", &library->free},
        {"curl_slist_append", &library->list_append},
        {"curl_slist_free_all", &library->list_free},
        {"curl_share_init", &library->share_init},
        {"curl_share_setopt", &library->share_setopt},
        {"curl_share_cleanup", &library->share_cleanup},
    };
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        void *function = dlsym(handle, functions[i].name);
        if (function == NULL) {
            *missing = functions[i].name;
            return false;
        }
        // POSIX lets a pointer to an object carry a function.
        *(void **)functions[i].place = function;
    }
    return true;
}

struct mainline_http_library *mainline_http_open(const char *file, char *reason, size_t reason_size) {
    void *handle = dlopen(file, RTLD_LAZY | RTLD_LOCAL);
    if (handle == NULL) {
        const char *error = dlerror();
        snprintf(reason, reason_size, "%s", error != NULL ? error : file);
        return NULL;
    }
    struct mainline_http_library *library = calloc(1, sizeof *library);
    if (library == NULL) {
        snprintf(reason, reason_size, "no memory");
        return NULL;
    }
    const char *missing = NULL;
    if (!find_functions(library, handle, &missing)) {
        snprintf(reason, reason_size, "%s has no %s, it is too old", file, missing);
        free(library);
        return NULL;
    }
    pthread_mutex_lock(&starting);
    int code = library->global_init(CURL_START_ALL);
    pthread_mutex_unlock(&starting);
    if (code != 0) {
        snprintf(reason, reason_size, "%s does not start: %s", file, library->easy_strerror(code));
        free(library);
        return NULL;
    }
    return library;
}
