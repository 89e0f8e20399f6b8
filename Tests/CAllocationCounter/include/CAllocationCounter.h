/// Counts what a thread takes from the heap, for tests that promise it takes nothing.
///
/// Linking this target replaces malloc, calloc, realloc and the aligned forms with wrappers
/// of glibc's own. Each thread has its own count, so tests that run beside one another do not
/// disturb it.
#ifndef C_ALLOCATION_COUNTER_H
#define C_ALLOCATION_COUNTER_H

#include <stdint.h>

/// Calls of malloc, calloc, realloc and the aligned forms by this thread since it started.
uint64_t allocation_counter_count(void);

#endif
