// SPDX-License-Identifier: MIT
// bench.cpp - what Boost.Context takes: the switch of a fiber, and making one. No scheduler.
#include <boost/context/fiber.hpp>
#include <boost/context/pooled_fixedsize_stack.hpp>
#include <climits>
#include <cstdlib>
#include <utility>

extern "C" {
#include "peer.h"
}

namespace ctx = boost::context;

namespace {

constexpr long round_trips = 500000, spawns_per_pass = 100000;

ctx::fiber flows[2]; // that which runs is empty here
int running;
volatile long for_ever = LONG_MAX, trips = round_trips;

// Both flows leave from this one call: see limit_switch.c.
__attribute__((noinline)) void switch_times(long switches) {
    for (long i = 0; i < switches; i++) {
        int from = running;
        running ^= 1;
        ctx::fiber came = std::move(flows[running]).resume();
        flows[from ^ 1] = std::move(came);
    }
}

double pass_one_place(void *) {
    int64_t start_ns = bench_now_ns();
    switch_times(trips);
    return double(bench_now_ns() - start_ns) / (2.0 * round_trips);
}

double pass_two_places(void *arg) {
    ctx::fiber &other = *static_cast<ctx::fiber *>(arg);
    int64_t start_ns = bench_now_ns();
    for (long i = 0; i < round_trips; i++)
        other = std::move(other).resume();
    return double(bench_now_ns() - start_ns) / (2.0 * round_trips);
}

void measure_switch(long) {
    ctx::fiber other{[](ctx::fiber &&main) {
        for (;;)
            main = std::move(main).resume();
        return std::move(main);
    }};
    bench_report("switch", bench_run_passes(pass_two_places, &other), "ns");

    flows[1] = ctx::fiber{[](ctx::fiber &&main) {
        flows[0] = std::move(main);
        for (;;)
            switch_times(for_ever);
        return std::move(flows[0]);
    }};
    bench_report("switch-same", bench_run_passes(pass_one_place, nullptr), "ns");
}

// A fiber is made, runs to its end, and its stack goes back to the pool.
double pass_spawn(void *arg) {
    auto &pool = *static_cast<ctx::pooled_fixedsize_stack *>(arg);
    int64_t start_ns = bench_now_ns();
    for (long i = 0; i < spawns_per_pass; i++) {
        ctx::fiber fiber{std::allocator_arg, pool,
                         [](ctx::fiber &&main) { return std::move(main); }};
        std::move(fiber).resume();
    }
    return double(bench_now_ns() - start_ns) / spawns_per_pass;
}

void measure_spawn(long) {
    ctx::pooled_fixedsize_stack pool{65536};
    bench_report("spawn-1", bench_run_passes(pass_spawn, &pool), "ns");
}

} // namespace

int main(int argc, char *argv[]) {
    static const peer_row rows[] = {
        {"switch", measure_switch},
        {"spawn", measure_spawn},
        {nullptr, nullptr},
    };
    int status = peer_main(argc, argv, rows);
    std::fflush(stdout);
    std::_Exit(status); // the flows never end
}
