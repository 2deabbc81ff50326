/* SPDX-License-Identifier: MIT
 * backtrace.c - unwinding by the compiler's own tables, which need no frame pointers. */
#include "backtrace.h"

#include <unwind.h>

struct backtrace {
    uintptr_t *calls;
    int count, capacity;
    int skipped; /* our own frame */
};

static _Unwind_Reason_Code frame_note(struct _Unwind_Context *context, void *arg) {
    struct backtrace *backtrace = arg;
    int is_before = 0;
    uintptr_t address = _Unwind_GetIPInfo(context, &is_before);

    if (!address || backtrace->count == backtrace->capacity)
        return _URC_END_OF_STACK;
    if (backtrace->skipped++ == 0)
        return _URC_NO_REASON;
    /* Where it goes on may be the next function's first instruction already. */
    backtrace->calls[backtrace->count++] = is_before ? address : address - 1;
    return _URC_NO_REASON;
}

__attribute__((noinline)) int eddy__backtrace(uintptr_t *calls, int capacity) {
    struct backtrace backtrace = {.calls = calls, .capacity = capacity};

    _Unwind_Backtrace(frame_note, &backtrace);
    return backtrace.count;
}
