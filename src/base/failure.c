/* SPDX-License-Identifier: MIT
 * failure.c - error records: names, texts, static and counted ones. Read next: traceback.c (how
 * they print). */
#include "failure.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "memory.h"
#include "util.h"

#define ERRNO_CODES 134 /* Linux ends at EHWPOISON, 133 */

struct failure {
    eddy_error error; /* first, so that one is the other */
    atomic_int refs;  /* 0: static, never freed */
    bool is_group;    /* holds references to the others; what was copied from it does not */
    char text[] __attribute__((aligned(8))); /* or the others of a group */
};

static const struct {
    int code;
    const char *name, *text;
} own_codes[] = {
    {EDDY_EINVALID_STATE, "EDDY_EINVALID_STATE", "The future is not in the state for this call"},
    {EDDY_EWRONG_THREAD, "EDDY_EWRONG_THREAD", "The call belongs to the loop's own thread"},
    {EDDY_EFORKED, "EDDY_EFORKED", "The loop was made before fork() and belongs to the parent"},
    {EDDY_ESHUTDOWN, "EDDY_ESHUTDOWN", "It was shut down and accepts nothing more"},
    {EDDY_ECLOSED, "EDDY_ECLOSED", "It was closed during the call"},
    {EDDY_EINCOMPLETE, "EDDY_EINCOMPLETE", "The data ended before all that was promised had come"},
    {EDDY_ELIMIT, "EDDY_ELIMIT", "More data than the limit allows"},
    {EDDY_ENAME, "EDDY_ENAME", "The host name could not be resolved"},
    {EDDY_EBROKEN_BARRIER, "EDDY_EBROKEN_BARRIER", "The barrier was reset or aborted"},
    {EDDY_EPROTOCOL, "EDDY_EPROTOCOL", "The peer broke the protocol"},
    {EDDY_ECERTIFICATE, "EDDY_ECERTIFICATE", "The peer's certificate was refused"},
    {EDDY_ETLS, "EDDY_ETLS", "The TLS connection failed"},
    {EDDY_EURL, "EDDY_EURL", "The URL is malformed or not supported"},
    {EDDY_EREDIRECTS, "EDDY_EREDIRECTS", "Too many redirects"},
    {EDDY_ECERT_EXPIRED, "EDDY_ECERT_EXPIRED", "The peer's certificate has expired"},
    {EDDY_ECERT_NOT_YET, "EDDY_ECERT_NOT_YET", "The peer's certificate is not valid yet"},
    {EDDY_ECERT_HOST, "EDDY_ECERT_HOST", "The peer's certificate is for another host"},
    {EDDY_ECERT_SELF_SIGNED, "EDDY_ECERT_SELF_SIGNED", "The peer's certificate is self-signed"},
    {EDDY_ECERT_ISSUER, "EDDY_ECERT_ISSUER", "The issuer of the peer's certificate is not trusted"},
    {EDDY_ECERT_WEAK, "EDDY_ECERT_WEAK", "The certificate's key or signature is too weak"},
    {EDDY_ECERT_REVOKED, "EDDY_ECERT_REVOKED", "The peer's certificate was revoked"},
    {EDDY_ETRUNCATED, "EDDY_ETRUNCATED", "TLS ended without notice: the end may be missing"},
    {EDDY_ENO_TLS, "EDDY_ENO_TLS", "The peer does not speak TLS"},
    {EDDY_EALERT, "EDDY_EALERT", "The peer ended the TLS connection"},
};

static struct failure static_records[ERRNO_CODES + ARRAY_SIZE(own_codes) + 1];

const char *eddy_error_name(int code) {
    for (size_t i = 0; i < ARRAY_SIZE(own_codes); i++)
        if (own_codes[i].code == code)
            return own_codes[i].name;

    const char *name = code < 0 && code > -ERRNO_CODES ? strerrorname_np(-code) : NULL;
    return name ? name : "E?";
}

const char *eddy_error_text(int code) {
    for (size_t i = 0; i < ARRAY_SIZE(own_codes); i++)
        if (own_codes[i].code == code)
            return own_codes[i].text;

    const char *text = code < 0 && code > -ERRNO_CODES ? strerrordesc_np(-code) : NULL;
    return text ? text : "Unknown error";
}

static size_t static_index(int code) {
    if (code < 0 && code > -ERRNO_CODES)
        return (size_t)-code;
    for (size_t i = 0; i < ARRAY_SIZE(own_codes); i++)
        if (own_codes[i].code == code)
            return ERRNO_CODES + i;
    return ARRAY_SIZE(static_records) - 1;
}

/* Before main(), so that no thread ever sees one half written. */
__attribute__((constructor)) static void static_records_init(void) {
    for (int code = 1; code < ERRNO_CODES; code++)
        static_records[code].error = (eddy_error){.code = -code, .message = eddy_error_text(-code)};
    for (size_t i = 0; i < ARRAY_SIZE(own_codes); i++)
        static_records[ERRNO_CODES + i].error =
            (eddy_error){.code = own_codes[i].code, .message = own_codes[i].text};
    static_records[ARRAY_SIZE(static_records) - 1].error =
        (eddy_error){.code = -ERRNO_CODES, .message = "Unknown error"};
}

const eddy_error *eddy__error_static(int code) {
    return &static_records[static_index(code)].error;
}

/* --- the slots ------------------------------------------------------------------------------- */

static THREAD_LOCAL const eddy_error *thread_error;
static THREAD_LOCAL bool thread_error_will_end;
static pthread_key_t thread_error_key;
static pthread_once_t thread_error_once = PTHREAD_ONCE_INIT;

static void thread_error_end(void *unused) {
    (void)unused;
    eddy__error_set(&thread_error, NULL);
    thread_error_will_end = false;
}

static void thread_error_init(void) {
    pthread_key_create(&thread_error_key, thread_error_end);
}

/* A thread that uses its slot has it emptied when it ends. */
const eddy_error **eddy__thread_error_slot(void) {
    if (unlikely(!thread_error_will_end)) {
        pthread_once(&thread_error_once, thread_error_init);
        thread_error_will_end = pthread_setspecific(thread_error_key, &thread_error) == 0;
    }
    return &thread_error;
}

const eddy_error **(*eddy__error_slot)(void) = eddy__thread_error_slot;

void eddy__error_set(const eddy_error **slot, const eddy_error *error) {
    const eddy_error *former = *slot;

    *slot = error;
    eddy_error_unref(former);
}

const eddy_error *eddy_last_error(void) {
    return *eddy__error_slot();
}

/* A code that is neither errno's nor ours has no static record: a program may have codes of its
 * own. */
const eddy_error *eddy__error_of(int code) {
    const eddy_error *error = eddy__error_static(code);

    return error->code == code ? error : eddy__error_format(code, "Unknown error %d", code);
}

int eddy__fail(int code) {
    eddy__error_set(eddy__error_slot(), eddy__error_of(code));
    return code;
}

int eddy__fail_with(const eddy_error *error) {
    eddy__error_set(eddy__error_slot(), eddy_error_ref(error));
    return error->code;
}

/* --- counted records ------------------------------------------------------------------------- */

static struct failure *failure_of(const eddy_error *error) {
    return container_of(error, struct failure, error);
}

const eddy_error *eddy_error_ref(const eddy_error *error) {
    if (error && atomic_load_explicit(&failure_of(error)->refs, memory_order_relaxed) > 0)
        atomic_fetch_add_explicit(&failure_of(error)->refs, 1, memory_order_relaxed);
    return error;
}

const eddy_error *eddy_error_unref(const eddy_error *error) {
    while (error && atomic_load_explicit(&failure_of(error)->refs, memory_order_relaxed) > 0) {
        const eddy_error *cause = error->cause;

        if (atomic_fetch_sub_explicit(&failure_of(error)->refs, 1, memory_order_acq_rel) > 1)
            break;
        for (int i = 0; failure_of(error)->is_group && i < error->others_count; i++)
            eddy_error_unref(error->others[i]);
        eddy__free(failure_of(error));
        error = cause;
    }
    return NULL;
}

static struct failure *failure_new(int code, size_t text_bytes) {
    struct failure *failure = eddy__alloc(sizeof(*failure) + text_bytes);

    if (failure) {
        *failure = (struct failure){.error.code = code};
        atomic_init(&failure->refs, 1);
    }
    return failure;
}

const eddy_error *eddy__error_new(int code, const char *file, int line, const char *function,
                                  const char *format, va_list arguments) {
    struct failure *failure;
    va_list again;
    int length;

    va_copy(again, arguments);
    length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    failure = length < 0 ? NULL : failure_new(code, (size_t)length + 1);
    if (!failure)
        return eddy__error_static(code);

    vsnprintf(failure->text, (size_t)length + 1, format, arguments);
    failure->error.message = failure->text;
    failure->error.file = file;
    failure->error.line = line;
    failure->error.function = function;
    return &failure->error;
}

const eddy_error *eddy__error_format(int code, const char *format, ...) {
    const eddy_error *error;
    va_list arguments;

    va_start(arguments, format);
    error = eddy__error_new(code, NULL, 0, NULL, format, arguments);
    va_end(arguments);
    return error;
}

static int refs_of(const eddy_error *error) {
    return atomic_load_explicit(&failure_of(error)->refs, memory_order_acquire);
}

static bool is_bare_cancel(const eddy_error *error) {
    return error->code == -ECANCELED && refs_of(error) == 0;
}

const eddy_error *eddy__error_leave_task(const eddy_error *cause, const char *task,
                                         const char *place) {
    size_t task_bytes = strlen(task) + 1, place_bytes = strlen(place) + 1;
    struct failure *failure;

    if (is_bare_cancel(cause))
        return cause;
    failure = failure_new(cause->code, task_bytes + place_bytes);
    if (!failure)
        return cause;

    failure->error = *cause;
    failure->error.awaited = NULL;
    failure->error.task = memcpy(failure->text, task, task_bytes);
    failure->error.place = memcpy(failure->text + task_bytes, place, place_bytes);
    failure->error.cause = cause;
    return &failure->error;
}

/* Another record of the same failure: what a task has left behind once more, for another awaiter;
 * else a record around it. NULL: no memory. */
static struct failure *failure_again(const eddy_error *error) {
    struct failure *failure;

    if (error->task && !error->awaited) {
        const eddy_error *cause = eddy_error_ref(error->cause);
        const eddy_error *again = eddy__error_leave_task(cause, error->task, error->place);
        if (again == cause)
            eddy_error_unref(cause);
        return again == cause ? NULL : failure_of(again);
    }
    failure = failure_new(error->code, 0);
    if (failure) {
        failure->error = *error;
        failure->error.task = failure->error.place = NULL;
        failure->error.cause = eddy_error_ref(error);
    }
    return failure;
}

/* A record that nobody else holds is written to. One that was awaited in this task before gets
 * another around it: a task group's body awaits, and then its end does. */
void eddy__error_awaited(const eddy_place *place) {
    const eddy_error **slot = eddy__error_slot(), *error = *slot;
    struct failure *failure;

    if (!place || !error || is_bare_cancel(error))
        return;
    if (refs_of(error) == 1 && !error->awaited) {
        failure_of(error)->error.awaited = place;
        return;
    }
    failure = failure_again(error);
    if (!failure)
        return;
    failure->error.awaited = place;
    eddy__error_set(slot, &failure->error);
}

const eddy_error *eddy__error_behind(int result) {
    const eddy_error *last = result < 0 ? eddy_last_error() : NULL;

    return last && last->code == result ? eddy_error_ref(last) : NULL;
}

const eddy_error *eddy__error_group(const eddy_error *const *errors, int count) {
    struct failure *failure = NULL;
    const eddy_error **others;

    if (count > 1)
        failure = failure_new(errors[0]->code, (size_t)(count - 1) * sizeof(*others));
    if (!failure)
        return eddy_error_ref(errors[0]);

    others = (const eddy_error **)failure->text;
    for (int i = 1; i < count; i++)
        others[i - 1] = eddy_error_ref(errors[i]);
    failure->is_group = true;
    failure->error = *errors[0];
    failure->error.cause = eddy_error_ref(errors[0]);
    failure->error.task = failure->error.place = NULL;
    failure->error.awaited = NULL;
    failure->error.others = others;
    failure->error.others_count = count - 1;
    return &failure->error;
}

int eddy_raise_at(int code, const char *file, int line, const char *function, const char *format,
                  ...) {
    va_list arguments;

    if (code >= 0)
        eddy__fatal("eddy_raise(%d) at %s:%d: a failure's code is negative", code, file, line);
    va_start(arguments, format);
    eddy__error_set(eddy__error_slot(),
                    eddy__error_new(code, file, line, function, format, arguments));
    va_end(arguments);
    return code;
}

int eddy__error_detail(int code, int detail) {
    struct failure *failure = failure_of(eddy_last_error());

    if (refs_of(&failure->error) == 1) /* not without memory for a record of its own */
        failure->error.detail = detail;
    return code;
}
