/* SPDX-License-Identifier: MIT
 * test_visit.c - a call on the stack of a suspended flow, which unwinds into that flow. */
#include <string.h>

#include "backtrace.h"
#include "fixture.h"
#include "symbol.h"

struct visit {
    uintptr_t calls[32];
    int count, visits;
    char *local;
};

static void look(void *arg) {
    struct visit *visit = arg;
    char local;

    visit->visits++;
    visit->local = &local;
    visit->count = eddy__backtrace(visit->calls, 32);
}

#if SWITCH_VISITS

__attribute__((noinline)) static void inner(int *sum) {
    flow_leave();
    *sum += 1;
}

__attribute__((noinline)) static void outer(void *sum) {
    inner(sum);
    *(int *)sum *= 10;
}

static bool is_among(const struct visit *visit, const char *function) {
    char text[200];

    for (int i = 0; i < visit->count; i++) {
        eddy__symbol_format(visit->calls[i], text, sizeof(text));
        if (strncmp(text, function, strlen(function)) == 0)
            return true;
    }
    return false;
}

TEST(a_visit_sees_the_calls_of_a_suspended_flow_to_its_beginning) {
    POOL pool = test_pool();
    struct visit visit = {.visits = 0};
    int sum = 1;
    struct flow flow = flow_new(&pool, outer, &sum);
    flow_resume(&flow);
    eddy__coro_visit(flow.place, flow.stack, look, &visit);
    flow_resume(&flow);

    ASSERT_INT_EQ(visit.visits, 1);
    ASSERT(is_among(&visit, "look ("));
    ASSERT(is_among(&visit, "inner ("));
    ASSERT(is_among(&visit, "outer ("));
    ASSERT(is_among(&visit, "flow_entry ("));
    ASSERT(!is_among(&visit, "test_")); /* who visits is no caller */
    ASSERT_INT_EQ(sum, 20);             /* and the flow went on as if nothing had been */
}

TEST(a_flow_can_be_visited_again_and_again) {
    POOL pool = test_pool();
    int sum = 1;
    struct flow flow = flow_new(&pool, outer, &sum);
    struct visit visit = {.visits = 0};
    flow_resume(&flow);
    for (int i = 0; i < 1000; i++)
        eddy__coro_visit(flow.place, flow.stack, look, &visit);
    flow_resume(&flow);

    ASSERT_INT_EQ(visit.visits, 1000);
    ASSERT_INT_EQ(sum, 20);
}

#if !EDDY__ASAN /* which may keep locals elsewhere */

TEST(a_visit_takes_place_on_the_stack_of_the_flow) {
    POOL pool = test_pool();
    struct visit visit = {.visits = 0};
    int sum = 1;
    struct flow flow = flow_new(&pool, outer, &sum);
    flow_resume(&flow);
    char *bottom = eddy__stack_bottom(flow.stack), *place = flow.place;
    eddy__coro_visit(flow.place, flow.stack, look, &visit);
    flow_resume(&flow);

    ASSERT(visit.local > bottom);
    ASSERT(visit.local < place);
}

#endif

#endif

__attribute__((noinline)) static void nearly_full(void *visit) {
    char *room = __builtin_alloca((32 << 10) - 4096 - 6000); /* the guard, and less than a visit */

    __asm__ volatile("" : : "r"(room) : "memory");
    (void)visit;
    flow_leave();
}

TEST(a_stack_that_is_nearly_full_is_not_visited) {
    POOL pool = test_pool();
    struct visit visit = {.visits = 0};
    struct flow flow = flow_new(&pool, nearly_full, NULL);
    flow_resume_sized(&flow, STACK_BYTES_MIN);
    eddy__coro_visit(flow.place, flow.stack, look, &visit);
    flow_resume(&flow);

    ASSERT_INT_EQ(visit.visits, 0);
}
