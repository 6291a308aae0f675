#include "names.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

/// False when one of the functions is missing, whose name is then in `missing`.
static bool find_functions(struct mainline_names_library *library, void *handle, const char **missing) {
    const struct {
        const char *name;
        void *place;
    } functions[] = {
        {"ares_library_init", &library->library_init},
        {"ares_init_options", &library->init_options},
        {"ares_destroy", &library->destroy},
        {"ares_set_socket_configure_callback", &library->set_socket_configure_callback},
        {"ares_get_servers", &library->get_servers},
        {"ares_set_servers", &library->set_servers},
        {"ares_free_data", &library->free_data},
        {"ares_getaddrinfo", &library->getaddrinfo},
        {"ares_freeaddrinfo", &library->freeaddrinfo},
        {"ares_getsock", &library->getsock},
        {"ares_timeout", &library->timeout},
        {"ares_process_fd", &library->process_fd},
        {"ares_cancel", &library->cancel},
        {"ares_strerror", &library->strerror},
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

struct mainline_names_library *mainline_names_open(const char *file, char *reason, size_t reason_size) {
    void *handle = dlopen(file, RTLD_LAZY | RTLD_LOCAL);
    if (handle == NULL) {
        const char *error = dlerror();
        snprintf(reason, reason_size, "%s", error != NULL ? error : file);
        return NULL;
    }
    struct mainline_names_library *library = calloc(1, sizeof *library);
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
    int code = library->library_init(ARES_START_ALL);
    if (code != 0) {
        snprintf(reason, reason_size, "%s does not start: %s", file, library->strerror(code));
        free(library);
        return NULL;
    }
    return library;
}
