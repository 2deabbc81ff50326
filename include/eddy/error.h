/* SPDX-License-Identifier: MIT
 * eddy/error.h - a code to act on, and beside it a sentence to read.
 *
 * Every call returns >= 0 or a negative code: errno's, negated (-ECONNREFUSED), or one of eddy's
 * own below. Outputs come last and are untouched on failure. The sentence that belongs to the
 * running task's last failed eddy call, with the place where it was raised and the tasks it came
 * through, is eddy_last_error(). */
#ifndef EDDY_ERROR_H
#define EDDY_ERROR_H

#include <errno.h>
#include <stdio.h>

#include <eddy/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* eddy's own codes: negative already, and outside errno's range (which ends at 4095). */
enum eddy_error_code {
    EDDY_EINVALID_STATE = -10001,  /* the future is already done, or not done yet */
    EDDY_EWRONG_THREAD = -10002,   /* the call belongs to the loop's own thread */
    EDDY_EFORKED = -10003,         /* the loop was made before fork(); it belongs to the parent */
    EDDY_ESHUTDOWN = -10004,       /* the loop, queue or channel accepts nothing more */
    EDDY_ECLOSED = -10005,         /* the stream, server or session was closed under the call */
    EDDY_EINCOMPLETE = -10006,     /* the peer ended before all that was promised had come */
    EDDY_ELIMIT = -10007,          /* more data than the limit allows */
    EDDY_ENAME = -10008,           /* the host name could not be resolved */
    EDDY_EBROKEN_BARRIER = -10009, /* the barrier was reset, or aborted */
    EDDY_EPROTOCOL = -10010,       /* the peer broke the protocol */
    EDDY_ECERTIFICATE = -10011,    /* the peer's certificate was refused; the sentence says why */
    EDDY_ETLS = -10012,            /* TLS failed for another reason than the certificate */
    EDDY_EURL = -10013,            /* a malformed URL, or a scheme that is not supported */
    EDDY_EREDIRECTS = -10014,      /* too many redirects */

    /* Why TLS (eddy/tls.h) refused the peer's certificate; EDDY_ECERTIFICATE: for another reason.
     */
    EDDY_ECERT_EXPIRED = -10020,
    EDDY_ECERT_NOT_YET = -10021,     /* it will be valid later */
    EDDY_ECERT_HOST = -10022,        /* it is for another host */
    EDDY_ECERT_SELF_SIGNED = -10023, /* nobody but itself vouches for it */
    EDDY_ECERT_ISSUER = -10024,      /* an authority that is not trusted vouches for it */
    EDDY_ECERT_WEAK = -10025,        /* its key or signature is too weak */
    EDDY_ECERT_REVOKED = -10026,
    EDDY_ETRUNCATED = -10027, /* TLS ended without notice: the end may be missing */
    EDDY_ENO_TLS = -10028,    /* the peer speaks something else than TLS */
    EDDY_EALERT = -10029,     /* the peer ended TLS, and said why */
};

/* A record of one failure: immutable, counted, and readable from any thread.
 * A record that nobody had to format (a plain errno) is static: file and function are NULL, line is
 * 0. When a task ends with an error, its name is put around the record: `task` and `cause` are that
 * chain, from the outermost task inwards, down to the record that eddy_raise() made. Who awaits the
 * task adds where. A cancel without a reason stays bare. */
typedef struct eddy_error {
    int code;
    int line;            /* where it was raised; 0: unknown */
    const char *message; /* one sentence, never NULL */
    const char *file;
    const char *function;
    const char *task;  /* the task that ended with it, or NULL */
    const char *place; /* where that task was created, or NULL */
    const struct eddy_error *cause;
    const struct eddy_error *const *others; /* of a task group: what failed after it, in time */
    int others_count;
    const eddy_place *awaited; /* where the failure was awaited, or NULL */
    int detail; /* the code of the library behind it, or 0. Of a look-up: EAI_AGAIN ..., <netdb.h>
                 */
} eddy_error;

/* Records a failure of the running task, with this place, and returns `code`: `return
 * eddy_raise(-EINVAL, ...)`. Aborts when code >= 0. Without memory for the text, the code's static
 * record stands in. */
#define eddy_raise(code, ...) eddy_raise_at((code), __FILE__, __LINE__, __func__, __VA_ARGS__)
EDDY_API int eddy_raise_at(int code, const char *file, int line, const char *function,
                           const char *format, ...) EDDY_PRINTF(5, 6);

/* The record of the running task's last failed eddy call, or NULL if none failed. Outside a task:
 * the thread's. Borrowed until this task's next failing call; eddy_error_ref() keeps it longer. */
EDDY_API const eddy_error *eddy_last_error(void);

/* A reference of your own, and its end. Any thread. unref(NULL) does nothing; unref returns NULL.
 */
EDDY_API const eddy_error *eddy_error_ref(const eddy_error *error);
EDDY_API const eddy_error *eddy_error_unref(const eddy_error *error);

/* Writes the record as Python writes a traceback: the tasks it came through with the places where
 * they were created and awaited, the place where it was raised, the sentence; the errors of a task
 * group as branches. Of very many tasks the outermost and the innermost. Does nothing for NULL. */
EDDY_API void eddy_error_print(const eddy_error *error, FILE *stream);

/* The name of a code ("ECONNREFUSED", "EDDY_ELIMIT") and its general text ("Connection refused").
 * Never NULL: an unknown code is "E?" and "Unknown error". */
EDDY_API const char *eddy_error_name(int code);
EDDY_API const char *eddy_error_text(int code);

#ifdef __cplusplus
}
#endif

#endif
