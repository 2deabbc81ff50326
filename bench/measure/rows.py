# SPDX-License-Identifier: MIT
"""The rows of the comparison, and the programs that measure them. To add a row, begin here."""

from dataclasses import dataclass, replace
from typing import Optional


@dataclass(frozen=True)
class Goal:
    """At most (or at least) so many times what stands beside it; of "value": at most so much."""

    bound: float
    of: str = "ratio"  # or "value"

    def is_met(self, row, ratio, value):
        measured = ratio if self.of == "ratio" else value
        if measured is None:
            return False
        return measured >= self.bound if row.more_is_better else measured <= self.bound


@dataclass(frozen=True)
class Row:
    name: str  # as the programs print it
    title: str
    goal: Optional[Goal] = None
    ours: str = "eddy"
    beside: str = "limit"  # the side it is compared with
    more_is_better: bool = False
    crosses_cores: bool = False  # the host's state matters: rounds of two states are not compared


@dataclass(frozen=True)
class Program:
    side: str
    command: tuple  # {words} are filled in
    where: str = "build"  # or "peers", or "system": a program found on PATH
    rounds: int = 1000  # at most: what takes long is measured less often
    both_cores: bool = False
    environment: tuple = ()  # of pairs
    cpu_of: Optional[str] = None  # it prints nothing: its CPU time by request is this row
    seconds: int = 60  # then it is ended


@dataclass(frozen=True)
class Load:
    """What is sent to a server, from the other core."""

    command: tuple
    rename: tuple = ()  # of a row: what is replaced, and by what
    holds: bool = False  # it holds its connections while the loads after it measure


@dataclass(frozen=True)
class Group:
    """Programs that run one directly after the other in each round; with loads they are servers."""

    name: str
    programs: tuple
    loads: tuple = ()
    needs_web_server: bool = False


# --- sides ---

PEERS = {  # the folder in bench/peers, and how it is called
    "asio": "Boost.Asio",
    "context": "Boost.Context",
    "libuv": "libuv",
    "libevent": "libevent",
    "state_threads": "State Threads",
    "go": "Go",
    "tokio": "Tokio",
    "node": "Node",
    "uvloop": "uvloop",
    "asyncio": "asyncio",
}
OURS = ("eddy", "eddy 64 KiB stacks", "eddy io_uring", "eddy epoll")
LIMITS = ("limit", "limit io_uring", "limit epoll")
SIDES = (*OURS, *LIMITS, *PEERS.values(), "libcurl + epoll", "curl --parallel")

TASKS = ("asio", "state_threads", "go", "tokio", "node", "uvloop", "asyncio")
SYNC = ("go", "tokio", "uvloop", "asyncio")
FUTURES = ("asio", "libuv", "libevent", "go", "tokio", "node", "uvloop", "asyncio")
CALLBACKS = ("asio", "libuv", "libevent", "node", "uvloop", "asyncio")
THREADSAFE = ("asio", "libuv", "libevent", "go", "tokio", "node", "uvloop", "asyncio")
CHANNELS = ("go", "tokio")
PROCESSES = ("libuv", "uvloop", "asyncio")
EXECUTORS = ("asio", "libuv", "tokio", "node", "uvloop", "asyncio")
NAMES = ("libuv", "uvloop", "asyncio")
SERVERS = ("asio", "libuv", "libevent", "state_threads", "go", "tokio", "node", "uvloop", "asyncio")

PEER_ROUNDS = 3


def pair(program, *arguments, **options):
    """The limit program and the eddy program, with the same arguments."""
    return tuple(Program(side, (f"{side}_{program}", *arguments), **options)
                 for side in ("limit", "eddy"))


def peers(names, row, *arguments, **options):
    options.setdefault("rounds", PEER_ROUNDS)
    return tuple(Program(PEERS[name], (f"{name}/bench", row, *arguments), where="peers", **options)
                 for name in names)


# --- what is measured ---


ROWS = [
    Row("switch-same", "context switch, from one place", Goal(1.2)),
    Row("switch", "context switch, from two places", Goal(1.2)),
    Row("yield-2", "two tasks yield to each other"),
    Row("yield-10", "sleep(0), 10 tasks", Goal(2.5)),
    Row("yield-1000", "sleep(0), 1,000 tasks", Goal(2.5)),
    Row("yield-10000", "sleep(0), 10,000 tasks", Goal(2.5)),
    Row("spawn-1", "spawn + join, one at a time", Goal(3.0)),
    Row("spawn-10000", "spawn + join, 10,000 at once", Goal(5.0)),
    Row("group-1000", "task group of 1,000: each task"),
    Row("lock-hand-over", "lock, from task to task"),
    Row("semaphore-hand-over", "semaphore, from task to task"),
    Row("event-hand-over", "event, from task to task and back: each"),
    Row("queue-hand-over", "queues, an item to and fro: each"),
    Row("queue-unbounded", "queue without bound: an item"),
    Row("queue-1", "queue of capacity 1: an item"),
    Row("queue-100", "queue of capacity 100: an item"),
    Row("timeout", "time-out around a call that does not wait"),
    Row("sleepers-100000-setup", "100,000 sleepers: set up, each"),
    Row("sleepers-100000-wake", "100,000 sleepers: wake and end, each"),
    Row("sleepers-100000-memory", "100,000 sleepers: memory, each",
        Goal(4.75 * 1024, of="value")),
    Row("sleepers-1000000-setup", "a million sleepers: set up, each"),
    Row("sleepers-1000000-setup", "a million sleepers, 64 KiB stacks: set up, each",
        Goal(1.3), ours="eddy 64 KiB stacks"),
    Row("sleepers-1000000-wake", "a million sleepers: wake and end, each"),
    Row("sleepers-1000000-memory", "a million sleepers: memory, each",
        Goal(4.75 * 1024, of="value")),
    Row("sleepers-1000000-memory", "a million sleepers, 64 KiB stacks: memory, each",
        Goal(4.4 * 1024, of="value"), ours="eddy 64 KiB stacks"),
    Row("created-memory", "a million tasks created, none run: memory, each"),
    Row("created-time", "a million tasks created, none run: time, each"),
    Row("futures-memory", "a million time-outs in one gather: memory, each"),
    Row("futures-cpu", "a million time-outs in one gather: CPU, each"),
]

TIMERS = (1_000, 100_000, 1_000_000)
ROWS += [Row(f"timers-{count}-cancel", f"timer: cancel + add, {count:,} pending", Goal(3.0))
         for count in TIMERS]
ROWS += [Row(f"timers-{count}-expire", f"timer: expire, {count:,} at once")
         for count in TIMERS]

ROWS += [
    Row("call_soon", "call_soon, in batches of 1,000"),
    Row("threadsafe", "call_soon from another thread, bursts of 100,000", Goal(3.0),
        crosses_cores=True),
    Row("threadsafe-2", "the same from two threads", Goal(3.0), crosses_cores=True),
    Row("datagram-echo", "UDP, 64 B to and fro between two tasks"),
    Row("datagram-batch", "UDP, 64 B in batches of 32: each"),
    Row("descriptor-echo", "eddy_recv and eddy_send, 64 B to and fro between two tasks"),
    Row("channel-trip", "a channel between two threads, there and back", crosses_cores=True),
    Row("channel-items", "a channel of 128 between two threads, one item of 100,000",
        crosses_cores=True),
    Row("executor-1", "to_thread and back, one core", Goal(1.15)),
    Row("executor-2", "to_thread and back, two cores", Goal(1.15), crosses_cores=True),
    Row("names-1", "getaddrinfo from /etc/hosts, one at a time", crosses_cores=True),
    Row("names-100", "getaddrinfo from /etc/hosts, 100 at once", crosses_cores=True),
    Row("names-same", "getaddrinfo of one name, 100 at once", crosses_cores=True),
    Row("process-1024", "a program, from a parent of 1 GiB: spawn and end", Goal(1.2)),
    Row("process-1024-call", "... the call that spawns"),
]
for backend in ("io_uring", "epoll"):
    FILES = {"ours": f"eddy {backend}"}
    ROWS += [
        Row("file-1", f"a cached read of 4 KiB: {backend}, beside pread", Goal(1.3), **FILES),
        Row("file-1", f"a cached read of 4 KiB: {backend}, beside a ring", beside="limit io_uring",
            **FILES),
        Row("file-32", f"the same by 32 tasks: {backend}, beside pread", Goal(1.3), **FILES),
        Row("file-32", f"the same by 32 tasks: {backend}, beside a ring, 32 at once",
            beside="limit io_uring", **FILES),
        Row("file-open", f"open, stat and close: {backend}", **FILES),
    ]


def size_text(size):
    return f"{size} B" if size < 1024 else f"{size // 1024} KiB"


def echo_rows(name, title):
    """Requests a second and CPU for each backend; the latencies have a table of their own."""
    for backend, bound in (("io_uring", 0.95), ("epoll", 0.97)):
        sides = {"ours": f"eddy {backend}", "beside": f"limit {backend}", "crosses_cores": True}
        yield Row(name, f"{title}: {backend}", Goal(bound), more_is_better=True, **sides)
    for backend in ("io_uring", "epoll"):
        sides = {"ours": f"eddy {backend}", "beside": f"limit {backend}", "crosses_cores": True}
        yield Row(f"{name}-cpu", f"{title}: {backend}, server CPU", **sides)
        yield Row(f"{name}-p99", f"{title}: {backend}, 99th percentile", **sides)


ECHO_CASES = ((64, 1), (64, 50), (64, 1000), (1024, 50), (16384, 50))
ECHO_MORE = ((1024, 1), (16384, 1), (1024, 1000), (16384, 1000))  # --only echo-more
ECHO_NAMES = {}  # the base names, and their titles
for size, connections in (*ECHO_CASES, *ECHO_MORE):
    ECHO_NAMES[f"echo-{size}x{connections}"] = (
        f"echo, {size_text(size)}, {connections:,} connection{'s' if connections > 1 else ''}")
ECHO_NAMES["echo-64x10000"] = "echo, 64 B, 10,000 connections"
ECHO_NAMES["active-10000"] = "echo, 64 B, 50 connections beside 10,000 silent ones"
for name, title in ECHO_NAMES.items():
    ROWS += echo_rows(name, title)

for backend in ("io_uring", "epoll"):
    SERVER = {"ours": f"eddy {backend}", "beside": f"limit {backend}", "crosses_cores": True}
    ROWS += [
        Row("idle-10000-memory", f"a silent connection: server's memory, {backend}", **SERVER),
        Row("idle-10000-connect", f"connect and one answer, {backend}", **SERVER),
    ]

TLS_CASES = {"64x50": "echo, 64 B, 50 connections", "16384x50": "echo, 16 KiB, 50 connections",
             "shakex50": "hand-shakes, 50 at a time", "resumex50": "hand-shakes, resumed"}
for backend in ("io_uring", "epoll"):
    SERVER = {"ours": f"eddy {backend}", "beside": "limit epoll", "crosses_cores": True}
    for case, title in TLS_CASES.items():
        ROWS += [Row(f"tls-{case}", f"TLS {title}: {backend}", more_is_better=True, **SERVER),
                 Row(f"tls-{case}-cpu", f"TLS {title}: {backend}, server CPU", **SERVER)]
    ROWS.append(Row("tls-idle", f"a silent connection of TLS: server's memory, {backend}", **SERVER))

REQUESTS, CONCURRENCY, BODY_BYTES = 10_000, 100, 1024
ROWS += [
    Row("http-get", "HTTP GET, client's CPU per request", Goal(1.1),
        beside="libcurl + epoll", crosses_cores=True),
    Row("http-get", "HTTP GET, client's CPU per request", beside="curl --parallel",
        crosses_cores=True),
]
ROWS = tuple(ROWS)

# --- who measures it ---

ECHO_SERVERS = (
    Program("limit io_uring", ("limit_echo_uring",)),
    Program("eddy io_uring", ("eddy_echo",), environment=(("EDDY_BACKEND", "io_uring"),)),
    Program("limit epoll", ("limit_echo_epoll",)),
    Program("eddy epoll", ("eddy_echo",), environment=(("EDDY_BACKEND", "epoll"),)),
    *peers(SERVERS, "echo", rounds=2),
)


TLS_SERVERS = (
    Program("limit epoll", ("limit_tls_epoll",)),
    Program("eddy io_uring", ("eddy_tls",), environment=(("EDDY_BACKEND", "io_uring"),)),
    Program("eddy epoll", ("eddy_tls",), environment=(("EDDY_BACKEND", "epoll"),)),
)


def tls_load(case, connections=50):
    return Load(("tls_load", "{port}", str(connections), case, "{milliseconds}", "{pid}"))


def load(connections, size, time="{milliseconds}", **options):
    return Load(("echo_load", "{port}", str(connections), str(size), time, "{pid}"), **options)


def for_many(servers):
    """Without those that look at every connection each time."""
    return tuple(server for server in servers if server.side != "State Threads")


def less_often(programs, rounds):
    return tuple(replace(program, rounds=min(program.rounds, rounds)) for program in programs)


HTTP_ARGUMENTS = ("{url}", str(REQUESTS), str(CONCURRENCY), str(BODY_BYTES))
CURL = ("curl", "--disable", "--silent", "--show-error", "--fail", "--parallel",
        "--parallel-max", str(CONCURRENCY), "--output", "/dev/null", "{url}?[1-%d]" % REQUESTS)
MILLION_STACKS = ("eddy_sleepers", "1000000", "65536")

GROUPS = (
    Group("switch", pair("switch") + peers(("context",), "switch")),
    *(Group(f"yield-{count}", pair("yield", str(count)) + peers(TASKS, "yield", str(count)))
      for count in (2, 10, 1000, 10000)),
    Group("spawn", pair("spawn") + peers(("context", *TASKS), "spawn")),
    Group("sync", pair("sync") + peers(SYNC, "sync")),
    *(Group(f"timers-{count}",
            pair("timers", str(count), rounds=1000 if count < 1_000_000 else 2) +
            peers(FUTURES, "timers", str(count), rounds=2 if count < 1_000_000 else 1))
      for count in TIMERS),
    Group("call_soon", pair("call_soon") + peers(CALLBACKS, "call_soon")),
    Group("threadsafe", pair("threadsafe", both_cores=True) +
          peers(THREADSAFE, "threadsafe", both_cores=True)),
    Group("threadsafe-2", pair("threadsafe", "2", both_cores=True)),
    Group("datagram", pair("datagram")),
    Group("channel", pair("channel", both_cores=True) +
          peers(CHANNELS, "channel", both_cores=True)),
    Group("executor-1", pair("executor", "1") + peers(EXECUTORS, "executor", "1")),
    Group("executor-2", pair("executor", "2", both_cores=True) +
          peers(EXECUTORS, "executor", "2", both_cores=True)),
    Group("names", pair("names", both_cores=True) + peers(NAMES, "names", both_cores=True)),
    Group("file", (
        Program("limit", ("limit_file",)),
        Program("eddy io_uring", ("eddy_file",), environment=(("EDDY_BACKEND", "io_uring"),)),
        Program("limit io_uring", ("limit_file_uring",)),
        Program("eddy epoll", ("eddy_file",), environment=(("EDDY_BACKEND", "epoll"),)),
    ) + peers(("libuv",), "file", rounds=2)),
    Group("process", pair("process", "1024") + peers(PROCESSES, "process", "1024")),
    *(Group(f"echo-{size}x{connections}", ECHO_SERVERS, (load(connections, size),))
      for size, connections in ECHO_CASES),
    Group("connections", less_often(for_many(ECHO_SERVERS), 2), (
        Load(("idle_load", "{port}", "10000", "{pid}", "linger"), holds=True),
        load(50, 64, rename=("echo-64x50", "active-10000")))),
    Group("echo-64x10000", less_often(for_many(ECHO_SERVERS), 1), (load(10000, 64, "{twice}"),)),
    Group("tls", TLS_SERVERS, (tls_load("64"), tls_load("16384"), tls_load("shake"),
                               tls_load("resume"), tls_load("idle", 500))),
    Group("http", (
        Program("libcurl + epoll", ("http_libcurl", *HTTP_ARGUMENTS)),
        Program("eddy", ("http_eddy", *HTTP_ARGUMENTS)),
        Program("curl --parallel", CURL, where="system", cpu_of="http-get", rounds=PEER_ROUNDS),
    ), needs_web_server=True),
    Group("created", pair("created", rounds=3) +
          peers(("asio", "tokio", "node", "uvloop", "asyncio"), "created", "1000000",
                rounds=1)),
    Group("futures", pair("futures", rounds=2) + peers(FUTURES, "futures", "1000000", rounds=1)),
    Group("sleepers", pair("sleepers", "100000", rounds=3) +
          peers(TASKS, "sleepers", "100000", rounds=1)),
    Group("million", pair("sleepers", "1000000", rounds=3, seconds=120) +
          (Program("eddy 64 KiB stacks", MILLION_STACKS, rounds=3, seconds=120),) +
          peers(("asio", "go", "tokio", "node"), "sleepers", "1000000", rounds=1, seconds=120)),
    Group("echo-more", less_often(ECHO_SERVERS, 2),
          tuple(load(connections, size) for size, connections in ECHO_MORE)),
)

# Not measured unless it is asked for.
EXTRA = ("echo-more",)
FAMILIES = ("yield", "timers", "threadsafe", "executor", "echo")  # --only yield: all that begin so


def chosen(names):
    """The groups of these names and families; of none, all but the extra ones."""
    if not names:
        return [group for group in GROUPS if group.name not in EXTRA]
    return [group for group in GROUPS
            if group.name in names or group.name.split("-")[0] in set(names) & set(FAMILIES)]
