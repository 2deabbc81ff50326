/* SPDX-License-Identifier: MIT
 * local.c - task-local variables: reading, setting, undoing; snapshots of them.
 *
 * Programs have few such variables and read them more often than they set them, so a context is a
 * small array that is searched. Python's is a persistent tree, which copies less when there are
 * hundreds. Read next: local.h (who shares a context). */
#include "local.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "memory.h"

/* A value that has a destroy function, counted by the bindings and tokens that have it. */
struct owned {
    atomic_uint refs;
    void *value;
    void (*destroy)(void *value);
};

struct binding {
    const eddy_local *local;
    void *value;
    struct owned *owned; /* a reference, or NULL: the value is borrowed */
};

struct eddy_context {
    atomic_uint refs; /* of tasks, threads and snapshots, in any thread */
    unsigned count;
    struct binding bindings[];
};

/* What lies in an eddy_local_token. */
struct token {
    struct binding old;  /* with a reference of its own. local NULL: the token is clear */
    eddy_context **slot; /* whose set it undoes */
    bool was_bound;      /* false: it had its initial value */
};
_Static_assert(sizeof(struct token) <= sizeof(eddy_local_token), "a token has room for it");

THREAD_LOCAL eddy_context *eddy__thread_context;

/* --- values ----------------------------------------------------------------------------------- */

static void owned_ref(struct owned *owned) {
    if (owned)
        atomic_fetch_add_explicit(&owned->refs, 1, memory_order_relaxed);
}

static void owned_unref(struct owned *owned) {
    if (!owned || atomic_fetch_sub_explicit(&owned->refs, 1, memory_order_acq_rel) > 1)
        return;
    owned->destroy(owned->value);
    eddy__free(owned);
}

static struct owned *owned_new(void *value, void (*destroy)(void *)) {
    struct owned *owned = eddy__alloc(sizeof(*owned));

    if (owned)
        *owned = (struct owned){.refs = 1, .value = value, .destroy = destroy};
    return owned;
}

/* --- contexts --------------------------------------------------------------------------------- */

/* Has a reference that is never given back. */
static eddy_context no_values = {.refs = 1};

eddy_context *eddy_context_ref(eddy_context *context) {
    if (context)
        atomic_fetch_add_explicit(&context->refs, 1, memory_order_relaxed);
    return context;
}

eddy_context *eddy_context_unref(eddy_context *context) {
    if (!context || atomic_fetch_sub_explicit(&context->refs, 1, memory_order_acq_rel) > 1)
        return NULL;
    for (unsigned i = 0; i < context->count; i++)
        owned_unref(context->bindings[i].owned);
    eddy__free(context);
    return NULL;
}

/* Where the running flow has its context. */
static eddy_context **context_slot(void) {
    return eddy__current ? &eddy__current->context : &eddy__thread_context;
}

eddy_context *eddy_context_copy(void) {
    eddy_context *context = *context_slot();

    return eddy_context_ref(context ? context : &no_values);
}

static struct binding *context_find(eddy_context *context, const eddy_local *local) {
    for (unsigned i = 0; context && i < context->count; i++)
        if (context->bindings[i].local == local)
            return &context->bindings[i];
    return NULL;
}

/* Nobody else sees it change. */
static bool context_is_own(eddy_context *context) {
    return atomic_load_explicit(&context->refs, memory_order_acquire) == 1;
}

/* A copy without the binding `left_out` (NULL: with all), and room for one more. */
static eddy_context *context_without(const eddy_context *context, const struct binding *left_out) {
    unsigned count = context ? context->count : 0;
    eddy_context *copy = eddy__alloc(sizeof(*copy) + (count + 1) * sizeof(struct binding));

    if (!copy)
        return NULL;
    copy->refs = 1;
    copy->count = 0;
    for (unsigned i = 0; i < count; i++) {
        if (&context->bindings[i] == left_out)
            continue;
        copy->bindings[copy->count++] = context->bindings[i];
        owned_ref(context->bindings[i].owned);
    }
    return copy;
}

/* Puts another context into the slot. */
static void slot_replace(eddy_context **slot, eddy_context *context) {
    eddy_context *old = *slot;

    *slot = context;
    eddy_context_unref(old);
}

/* Binds in the slot's context, on failure nothing. The binding's reference is taken on success. */
static int slot_bind(eddy_context **slot, struct binding binding) {
    struct binding *found = context_find(*slot, binding.local);
    eddy_context *copy;

    if (found && context_is_own(*slot)) {
        struct owned *old = found->owned;
        *found = binding;
        owned_unref(old);
        return 0;
    }
    copy = context_without(*slot, found);
    if (!copy)
        return -ENOMEM;
    copy->bindings[copy->count++] = binding;
    slot_replace(slot, copy);
    return 0;
}

/* The variable has its initial value again. */
static int slot_unbind(eddy_context **slot, const eddy_local *local) {
    struct binding *found = context_find(*slot, local);
    eddy_context *copy;

    if (!found)
        return 0;
    if (context_is_own(*slot)) {
        struct owned *old = found->owned;
        *found = (*slot)->bindings[--(*slot)->count];
        owned_unref(old);
        return 0;
    }
    copy = context_without(*slot, found);
    if (!copy)
        return -ENOMEM;
    slot_replace(slot, copy);
    return 0;
}

/* --- the calls -------------------------------------------------------------------------------- */

void *eddy_local_get(const eddy_local *local) {
    const struct binding *binding = context_find(*context_slot(), local);

    return binding ? binding->value : local->initial;
}

/* What undoes the next set. */
static struct token token_of(eddy_context **slot, const eddy_local *local) {
    const struct binding *binding = context_find(*slot, local);
    struct token token = {.old = {.local = local}, .slot = slot, .was_bound = binding};

    if (binding)
        token.old = *binding;
    owned_ref(token.old.owned);
    return token;
}

/* Takes binding.owned. */
static int local_bind(struct binding binding, eddy_local_token *out) {
    eddy_context **slot = context_slot();
    struct token token = token_of(slot, binding.local);
    int r;

    if (!eddy__current)
        eddy__thread_remember(); /* its values go when it ends */
    r = slot_bind(slot, binding);
    if (r < 0)
        owned_unref(binding.owned);
    if (r == 0 && out)
        memcpy(out, &token, sizeof(token));
    else
        owned_unref(token.old.owned);
    return r < 0 ? eddy__fail(r) : 0;
}

int eddy_local_set(const eddy_local *local, void *value, eddy_local_token *token) {
    return local_bind((struct binding){.local = local, .value = value}, token);
}

int eddy_local_set_with(const eddy_local *local, void *value, void (*destroy)(void *),
                        eddy_local_token *token) {
    struct owned *owned = owned_new(value, destroy);

    if (!owned) {
        destroy(value);
        return eddy__fail(-ENOMEM);
    }
    return local_bind((struct binding){local, value, owned}, token);
}

int eddy_local_reset(eddy_local_token *given) {
    struct token token;
    int r;

    memcpy(&token, given, sizeof(token));
    if (!token.old.local)
        return eddy_raise(EDDY_EINVALID_STATE, "this token of a task-local variable is clear: "
                                               "it was reset before, or never set");
    if (token.slot != context_slot())
        return eddy_raise(EDDY_EINVALID_STATE, "a task-local variable is reset by another task "
                                               "than the one that set it");
    r = token.was_bound ? slot_bind(token.slot, token.old)
                        : slot_unbind(token.slot, token.old.local);
    if (r < 0)
        return eddy__fail(r);
    *given = (eddy_local_token){0};
    return 0;
}
