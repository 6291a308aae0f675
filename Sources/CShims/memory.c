#include "CShims.h"

#include <malloc.h>

bool mainline_keep_freed_memory(int bytes) {
    return mallopt(M_TRIM_THRESHOLD, bytes) == 1 && mallopt(M_MMAP_THRESHOLD, bytes) == 1;
}
