// SPDX-License-Identifier: MIT
// bench.cpp - what Boost.Asio takes for the rows of the comparison: C++20 coroutines on one thread.
#include <boost/asio.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

extern "C" {
#include "echo.h"
#include "peer.h"
}

namespace asio = boost::asio;
using asio::awaitable;
using asio::steady_timer;
using asio::use_awaitable;
using asio::ip::tcp;
using std::chrono::duration;
using std::chrono::duration_cast;

namespace {

constexpr long yields_per_pass = 200000, spawns_per_pass = 50000, fan_out = 10000;
constexpr long pairs = 100000, batch = 1000, batches = 200, burst = 100000, round_trips = 2000;
constexpr std::size_t buffer_bytes = 65536;

asio::io_context context{1}; // a hint: one thread runs it

steady_timer::duration seconds(double count) {
    return duration_cast<steady_timer::duration>(duration<double>(count));
}

template <typename Pass> double passes(Pass pass) {
    return bench_run_passes([](void *arg) { return (*static_cast<Pass *>(arg))(); }, &pass);
}

void run() {
    context.restart();
    context.run();
}

// --- tasks ---

double yield_ns;
bool yield_ends;

awaitable<void> yielder() {
    while (!yield_ends)
        co_await asio::post(context, use_awaitable);
}

awaitable<void> yield_measurer(long count) {
    long yields = (yields_per_pass + count - 1) / count;
    double values[BENCH_PASSES];

    for (int pass = -1; pass < BENCH_PASSES; pass++) {
        int64_t start_ns = bench_now_ns();
        for (long i = 0; i < yields; i++)
            co_await asio::post(context, use_awaitable);
        if (pass >= 0)
            values[pass] = double(bench_now_ns() - start_ns) / (double(yields) * double(count));
    }
    yield_ns = bench_median(values, BENCH_PASSES);
    yield_ends = true;
}

void measure_yield(long count) {
    asio::co_spawn(context, yield_measurer(count), asio::detached);
    for (long i = 1; i < count; i++)
        asio::co_spawn(context, yielder(), asio::detached);
    run();
    peer_report("yield", count, "", yield_ns);
}

awaitable<void> nothing() {
    co_return;
}

awaitable<void> spawn_measurer() {
    double values[BENCH_PASSES];
    for (int pass = -1; pass < BENCH_PASSES; pass++) {
        int64_t start_ns = bench_now_ns();
        for (long i = 0; i < spawns_per_pass; i++)
            co_await asio::co_spawn(context, nothing(), use_awaitable);
        if (pass >= 0)
            values[pass] = double(bench_now_ns() - start_ns) / spawns_per_pass;
    }
    bench_report("spawn-1", bench_median(values, BENCH_PASSES), "ns");
}

// The join of a fan-out is the count that comes to zero.
void measure_spawn(long) {
    asio::co_spawn(context, spawn_measurer(), asio::detached);
    run();
    double ns = passes([] {
        int64_t start_ns = bench_now_ns();
        for (int round = 0; round < 5; round++) {
            long left = fan_out;
            for (long i = 0; i < fan_out; i++)
                asio::co_spawn(context, nothing(), [&left](std::exception_ptr) { left--; });
            run();
            bench_require(left == 0 ? 0 : -EINVAL, "every task ends");
        }
        return double(bench_now_ns() - start_ns) / (5.0 * fan_out);
    });
    bench_report("spawn-10000", ns, "ns");
}

void measure_created(long count) {
    bench_touch_memory(std::size_t(count) * 512);
    bench_memory before = bench_memory_used();
    int64_t start_ns = bench_now_ns();
    for (long i = 0; i < count; i++)
        asio::co_spawn(context, nothing(), asio::detached);
    int64_t end_ns = bench_now_ns();
    bench_report_memory("created-memory", before, count);
    bench_report("created-time", double(end_ns - start_ns) / double(count), "ns");
    run();
}

long asleep_count;
steady_timer::time_point first_deadline;

awaitable<void> sleeper() {
    steady_timer timer(context, first_deadline + seconds(0.1 * bench_random()));
    asleep_count++;
    co_await timer.async_wait(use_awaitable);
}

void measure_sleepers(long count) {
    bench_touch_memory(std::size_t(count) * 2048);
    bench_memory before = bench_memory_used();
    first_deadline = steady_timer::clock_type::now() + seconds(1.5 + double(count) * 5e-6);
    int64_t start_ns = bench_now_ns();
    for (long i = 0; i < count; i++)
        asio::co_spawn(context, sleeper(), asio::detached);
    while (asleep_count < count)
        context.poll();
    int64_t asleep_ns = bench_now_ns();
    std::string memory_row = "sleepers-" + std::to_string(count) + "-memory";
    bench_report_memory(memory_row.c_str(), before, count);

    int64_t start_cpu_ns = bench_cpu_ns();
    run();
    peer_report("sleepers", count, "setup", double(asleep_ns - start_ns) / double(count));
    peer_report("sleepers", count, "wake", double(bench_cpu_ns() - start_cpu_ns) / double(count));
}

// --- timers ---

void measure_timers(long count) {
    std::vector<steady_timer> timers;
    long fired = 0;
    auto fire = [&fired](boost::system::error_code error) { fired += !error; };
    auto start = [&](long i, double delay) {
        timers[std::size_t(i)].expires_after(seconds(delay)); // cancels what is pending
        timers[std::size_t(i)].async_wait(fire);
    };

    timers.reserve(std::size_t(count));
    for (long i = 0; i < count; i++) {
        timers.emplace_back(context);
        start(i, peer_timeout(i));
    }
    double cancel_ns = passes([&] {
        long oldest = 0;
        int64_t start_ns = bench_now_ns();
        for (long i = 0; i < pairs; i++) {
            start(oldest, peer_timeout(i));
            oldest = oldest + 1 < count ? oldest + 1 : 0;
            if (i % 1000 == 0)
                context.poll(); // a cancelled wait is a handler to call
        }
        context.poll();
        return double(bench_now_ns() - start_ns) / pairs;
    });
    peer_report("timers", count, "cancel", cancel_ns);

    for (steady_timer &timer : timers)
        timer.cancel();
    run();
    auto expire = [&] {
        double first = bench_expiry_first(count), range = bench_expiry_range(count);
        for (long i = 0; i < count; i++)
            start(i, first + bench_random() * range);
        bench_spin(first + range + 0.01);
        int64_t start_ns = bench_now_ns();
        run();
        return double(bench_now_ns() - start_ns) / double(count);
    };
    double expire_ns =
        bench_run_few([](void *arg) { return (*static_cast<decltype(expire) *>(arg))(); }, &expire,
                      count);
    peer_report("timers", count, "expire", expire_ns);
}

void measure_futures(long count) {
    bench_touch_memory(std::size_t(count) * 512);
    bench_memory before = bench_memory_used();
    int64_t start_ns = bench_cpu_ns();
    {
        std::vector<steady_timer> timers;
        long left = count;
        timers.reserve(std::size_t(count));
        for (long i = 0; i < count; i++) {
            timers.emplace_back(context, seconds(3 + 0.1 * bench_random()));
            timers.back().async_wait([&left](boost::system::error_code) { left--; });
        }
        int64_t looking_ns = bench_cpu_ns();
        bench_report_memory("futures-memory", before, count);
        start_ns += bench_cpu_ns() - looking_ns;
        run();
        bench_require(left == 0 ? 0 : -EINVAL, "every future completes");
    }
    bench_report("futures-cpu", double(bench_cpu_ns() - start_ns) / double(count), "ns");
}

// --- callbacks ---

void measure_call_soon(long) {
    double ns = passes([] {
        volatile long ran = 0;
        int64_t start_ns = bench_now_ns();
        for (long i = 0; i < batches; i++) {
            for (long k = 0; k < batch; k++)
                asio::post(context, [&ran] { ran = ran + 1; });
            run();
        }
        return double(bench_now_ns() - start_ns) / double(batch * batches);
    });
    bench_report("call_soon", ns, "ns");
}

void measure_threadsafe(long) {
    asio::io_context loop; // not one thread's: others post
    double ns = passes([&loop] {
        auto work = asio::make_work_guard(loop);
        long left = burst;
        int64_t start_ns = bench_now_ns();
        std::thread producer([&] {
            for (long i = 0; i < burst; i++)
                asio::post(loop, [&] {
                    if (--left == 0)
                        work.reset();
                });
        });
        loop.restart();
        loop.run();
        int64_t end_ns = bench_now_ns();
        producer.join();
        return double(end_ns - start_ns) / burst;
    });
    bench_report("threadsafe", ns, "ns");
}

awaitable<void> executor_measurer(asio::io_context &loop, long processors) {
    asio::thread_pool pool(1);
    double values[BENCH_PASSES];
    for (double &value : values) {
        int64_t start_ns = bench_now_ns();
        for (long i = 0; i < round_trips; i++) {
            co_await asio::post(pool, use_awaitable); // the coroutine goes there itself
            co_await asio::post(loop, use_awaitable);
        }
        value = double(bench_now_ns() - start_ns) / round_trips;
    }
    peer_report("executor", processors, "", bench_median(values, BENCH_PASSES));
}

// --- echo ---

awaitable<void> serve_client(tcp::socket client) {
    std::unique_ptr<char[]> data(new char[buffer_bytes]);
    boost::system::error_code error;
    auto with_error = asio::redirect_error(use_awaitable, error);
    while (!error) {
        std::size_t bytes =
            co_await client.async_read_some(asio::buffer(data.get(), buffer_bytes), with_error);
        if (!error)
            co_await asio::async_write(client, asio::buffer(data.get(), bytes), with_error);
    }
}

awaitable<void> accept_clients(tcp::acceptor &acceptor) {
    for (;;) {
        tcp::socket client = co_await acceptor.async_accept(use_awaitable);
        client.set_option(tcp::no_delay(true));
        asio::co_spawn(context, serve_client(std::move(client)), asio::detached);
    }
}

void serve_echo(long) {
    echo_raise_descriptor_limit();
    tcp::acceptor acceptor(context);
    acceptor.open(tcp::v4());
    acceptor.bind({asio::ip::address_v4::loopback(), 0});
    acceptor.listen(4096);
    echo_announce(acceptor.local_endpoint().port());
    asio::co_spawn(context, accept_clients(acceptor), asio::detached);
    run();
}

void measure_executor(long processors) {
    asio::io_context loop;
    auto work = asio::make_work_guard(loop);
    asio::co_spawn(loop, executor_measurer(loop, processors),
                   [&work](std::exception_ptr) { work.reset(); });
    loop.run();
}

} // namespace

int main(int argc, char *argv[]) {
    static const peer_row rows[] = {
        {"yield", measure_yield},         {"spawn", measure_spawn},
        {"created", measure_created},     {"sleepers", measure_sleepers},
        {"timers", measure_timers},       {"futures", measure_futures},
        {"call_soon", measure_call_soon}, {"threadsafe", measure_threadsafe},
        {"executor", measure_executor},   {"echo", serve_echo},
        {nullptr, nullptr},
    };
    return peer_main(argc, argv, rows);
}
