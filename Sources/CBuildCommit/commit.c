#include "CBuildCommit.h"

// Package.swift defines it. A file of its own in a target of its own: another commit rebuilds nothing else.
#ifndef MAINLINE_BUILD_COMMIT
#define MAINLINE_BUILD_COMMIT
#endif

#define TEXT_OF(...) #__VA_ARGS__
#define TEXT(...) TEXT_OF(__VA_ARGS__)

const char *mainline_build_commit(void) {
    return TEXT(MAINLINE_BUILD_COMMIT);
}
