# SPDX-License-Identifier: MIT
"""What Python's asyncio takes for the rows of the comparison; with uvloop in its place, if told.

usage: bench.py asyncio|uvloop ROW [COUNT]
"""

import asyncio
import json
import mmap
import random
import resource
import socket
import sys
import threading
import time
from statistics import median

BUFFER_BYTES = 65536
TIMEOUTS = (10, 20, 30, 60, 120)
PASSES = 5


def report(row, value, unit="ns"):
    print(json.dumps({"row": row, "value": round(value, 3), "unit": unit}), flush=True)


def memory():
    """Resident bytes and page tables of this process."""
    with open("/proc/self/smaps_rollup") as pages, open("/proc/self/status") as status:
        lines = [*pages, *status]
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(("Rss:", "VmPTE:")))


async def passes(one):
    await one()
    return median([await one() for _ in range(PASSES)])


# --- tasks ---

async def yield_(count):
    async def work():
        while True:
            await asyncio.sleep(0)

    others = [asyncio.create_task(work()) for _ in range(count - 1)]
    yields = max(1, 50_000 // count)

    async def one():
        start = time.perf_counter_ns()
        for _ in range(yields):
            await asyncio.sleep(0)
        return (time.perf_counter_ns() - start) / (yields * count)

    report(f"yield-{count}", await passes(one))
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


async def nothing():
    pass


async def spawn(_count):
    async def one_at_a_time():
        start = time.perf_counter_ns()
        for _ in range(10_000):
            await asyncio.create_task(nothing())
        return (time.perf_counter_ns() - start) / 10_000

    async def fan_out():
        start = time.perf_counter_ns()
        await asyncio.gather(*[asyncio.create_task(nothing()) for _ in range(10_000)])
        return (time.perf_counter_ns() - start) / 10_000

    async def groups():
        start = time.perf_counter_ns()
        for _ in range(10):
            async with asyncio.TaskGroup() as group:
                for _ in range(1000):
                    group.create_task(nothing())
        return (time.perf_counter_ns() - start) / 10_000

    report("spawn-1", await passes(one_at_a_time))
    report("spawn-10000", await passes(fan_out))
    if hasattr(asyncio, "TaskGroup"):  # Python 3.11
        report("group-1000", await passes(groups))


async def created(count):
    before, start = memory(), time.perf_counter_ns()
    tasks = [asyncio.create_task(nothing()) for _ in range(count)]
    end = time.perf_counter_ns()
    report("created-memory", (memory() - before) / count, "bytes")
    report("created-time", (end - start) / count)
    await asyncio.gather(*tasks)


async def sleepers(count):
    loop, asleep = asyncio.get_running_loop(), 0

    async def sleeper():
        nonlocal asleep
        asleep += 1
        await asyncio.sleep(deadline + 0.1 * random.random() - loop.time())

    before, start = memory(), time.perf_counter_ns()
    deadline = loop.time() + 1.5 + count * 30e-6
    tasks = [asyncio.create_task(sleeper()) for _ in range(count)]
    while asleep < count:
        await asyncio.sleep(0)
    end = time.perf_counter_ns()
    report(f"sleepers-{count}-memory", (memory() - before) / count, "bytes")
    report(f"sleepers-{count}-setup", (end - start) / count)
    start = time.process_time_ns()
    await asyncio.gather(*tasks)
    report(f"sleepers-{count}-wake", (time.process_time_ns() - start) / count)


# --- what two tasks hand over to each other ---

MOVES = 20_000


async def sync(_count):
    async def measure(row, *players, moves=2):
        """Both play; the time of a move, or of what so many moves are."""
        async def one():
            start = time.perf_counter_ns()
            await asyncio.gather(*[asyncio.create_task(player()) for player in players])
            return (time.perf_counter_ns() - start) / (moves * MOVES)

        report(row, await passes(one))

    def user(lock):
        async def play():
            for move in range(MOVES):
                async with lock:
                    if move == 0:
                        await asyncio.sleep(0)  # the other comes and waits: now it is handed over
        return play

    def waiter(mine, yours):
        async def play():
            for _ in range(MOVES):
                await mine.wait()
                mine.clear()
                yours.set()
        return play

    def passer(mine, yours):
        async def play():
            for _ in range(MOVES):
                await yours.put(await mine.get())
        return play

    def putter(queue):
        async def play():
            for _ in range(MOVES):
                await queue.put(None)
        return play

    def getter(queue):
        async def play():
            for _ in range(MOVES):
                await queue.get()
        return play

    async def timeout():
        start = time.perf_counter_ns()
        for _ in range(MOVES):
            async with asyncio.timeout(10):
                await events[0].wait()
        return (time.perf_counter_ns() - start) / MOVES

    lock, semaphore = asyncio.Lock(), asyncio.Semaphore(1)
    events, queues = (asyncio.Event(), asyncio.Event()), (asyncio.Queue(), asyncio.Queue())
    events[0].set()
    queues[0].put_nowait(None)
    if hasattr(asyncio, "timeout"):  # Python 3.11
        report("timeout", await passes(timeout))
    await measure("lock-hand-over", user(lock), user(lock))
    await measure("semaphore-hand-over", user(semaphore), user(semaphore))
    await measure("event-hand-over", waiter(*events), waiter(*reversed(events)))
    await measure("queue-hand-over", passer(*queues), passer(*reversed(queues)))
    for row, capacity in (("unbounded", 0), ("1", 1), ("100", 100)):
        queue = asyncio.Queue(capacity)
        await measure(f"queue-{row}", putter(queue), getter(queue), moves=1)


# --- timers ---

async def timers(count):
    loop = asyncio.get_running_loop()
    pending = [loop.call_later(TIMEOUTS[i % 5], print) for i in range(count)]

    async def cancel():
        oldest, start = 0, time.perf_counter_ns()
        for i in range(50_000):
            pending[oldest].cancel()
            pending[oldest] = loop.call_later(TIMEOUTS[i % 5], print)
            oldest = oldest + 1 if oldest + 1 < count else 0
        await asyncio.sleep(0)  # asyncio sorts out cancelled ones here
        return (time.perf_counter_ns() - start) / 50_000

    report(f"timers-{count}-cancel", await passes(cancel))
    for timer in pending:
        timer.cancel()
    await asyncio.sleep(0)

    async def expire():
        first, span, left = 0.01 + count * 3e-6, 0.02 + count * 1e-7, count
        done = loop.create_future()

        def fire():
            nonlocal left
            left -= 1
            if not left:
                done.set_result(None)

        for _ in range(count):
            loop.call_later(first + span * random.random(), fire)
        due = time.perf_counter() + first + span + 0.005
        while time.perf_counter() < due:  # awake: after a sleep the caches are cold
            pass
        start = time.perf_counter_ns()
        await done
        return (time.perf_counter_ns() - start) / count

    one_is_enough = count > 10_000
    report(f"timers-{count}-expire", await (expire() if one_is_enough else passes(expire)))


async def futures(count):
    loop = asyncio.get_running_loop()
    looked = 0

    def after(seconds):
        future = loop.create_future()
        loop.call_later(seconds, future.set_result, None)
        return future

    def look():
        nonlocal looked
        start = time.process_time_ns()
        report("futures-memory", (memory() - before) / count, "bytes")
        looked = time.process_time_ns() - start

    before, start = memory(), time.process_time_ns()
    loop.call_later(1 + count * 4e-6, look)
    await asyncio.gather(*[after(2 + count * 5e-6 + 0.1 * random.random()) for _ in range(count)])
    report("futures-cpu", (time.process_time_ns() - start - looked) / count)


# --- callbacks and threads ---

async def call_soon(_count):
    loop = asyncio.get_running_loop()

    async def one():
        start = time.perf_counter_ns()
        for _ in range(100):
            for _ in range(999):
                loop.call_soon(int)
            done = loop.create_future()
            loop.call_soon(done.set_result, None)
            await done
        return (time.perf_counter_ns() - start) / 100_000

    report("call_soon", await passes(one))


async def threadsafe(_count):
    loop, burst = asyncio.get_running_loop(), 20_000

    async def one():
        done, left = loop.create_future(), burst

        def call():
            nonlocal left
            left -= 1
            if not left:
                done.set_result(None)

        def produce():
            for _ in range(burst):
                loop.call_soon_threadsafe(call)

        start = time.perf_counter_ns()
        thread = threading.Thread(target=produce)
        thread.start()
        await done
        taken = (time.perf_counter_ns() - start) / burst
        thread.join()
        return taken

    report("threadsafe", await passes(one))


async def executor(processors):
    async def one():
        start = time.perf_counter_ns()
        for _ in range(2000):
            await asyncio.to_thread(int)
        return (time.perf_counter_ns() - start) / 2000

    report(f"executor-{processors}", await passes(one))


async def names(_count):
    loop = asyncio.get_running_loop()
    # localhost, with some of its letters large: other names, and the same line of /etc/hosts
    many = ["".join(c.upper() if n >> i & 1 else c for i, c in enumerate("localhost"))
            for n in range(100)]

    def look_up(name):
        return loop.getaddrinfo(name, 80, family=socket.AF_INET, type=socket.SOCK_STREAM)

    async def one_by_one():
        start = time.perf_counter_ns()
        for _ in range(20):
            for name in many:
                await look_up(name)
        return (time.perf_counter_ns() - start) / 2000

    def at_once(hosts):
        async def one():
            start = time.perf_counter_ns()
            for _ in range(20):
                await asyncio.gather(*map(look_up, hosts))
            return (time.perf_counter_ns() - start) / 2000
        return one

    report("names-1", await passes(one_by_one))
    report("names-100", await passes(at_once(many)))
    report("names-same", await passes(at_once(["localhost"] * 100)))


# --- processes ---

async def process(mebibytes):
    """Small pages, each touched."""
    memory = mmap.mmap(-1, mebibytes << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.madvise(mmap.MADV_NOHUGEPAGE)
    for at in range(0, mebibytes << 20, mmap.PAGESIZE):
        memory[at] = 1
    called = 0

    async def one():
        nonlocal called
        called, start = 0, time.perf_counter_ns()
        for _ in range(40):
            before = time.perf_counter_ns()
            child = await asyncio.create_subprocess_exec("/bin/true")
            called += time.perf_counter_ns() - before
            await child.wait()
        return (time.perf_counter_ns() - start) / 40

    async def one_called():
        await one()
        return called / 40

    report(f"process-{mebibytes}", await passes(one))
    report(f"process-{mebibytes}-call", await passes(one_called))


# --- echo ---

class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


async def echo(_count):
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", 0, backlog=4096)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await server.serve_forever()


ROWS = {"yield": yield_, "spawn": spawn, "sync": sync, "created": created, "sleepers": sleepers,
        "timers": timers, "futures": futures, "call_soon": call_soon, "threadsafe": threadsafe,
        "executor": executor, "names": names, "process": process, "echo": echo}


def main():
    loop, row, *count = sys.argv[1:]
    work = ROWS[row](int(count[0]) if count else 1)
    if loop == "uvloop":
        import uvloop
        uvloop.run(work)
    else:
        asyncio.run(work)


if __name__ == "__main__":
    main()
