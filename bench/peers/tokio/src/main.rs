// SPDX-License-Identifier: MIT
//! What Tokio takes for the rows of the comparison: tasks and timers on a current-thread runtime.
//!
//! usage: bench ROW [COUNT]

use std::cell::Cell;
use std::future::Future;
use std::rc::Rc;
use std::time::{Duration, Instant};

use futures::future::{join_all, poll_immediate};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, Mutex, Notify, Semaphore};
use tokio::task::{self, yield_now, JoinSet, LocalSet};
use tokio::time::{sleep, sleep_until, timeout, Sleep};

const PASSES: usize = 9;
const BUFFER_BYTES: usize = 65536;
const TIMEOUTS: [u64; 5] = [10, 20, 30, 60, 120];

fn report(row: &str, value: f64, unit: &str) {
    println!("{{\"row\": \"{row}\", \"value\": {value:.3}, \"unit\": \"{unit}\"}}");
}

async fn median_of<F: Future<Output = f64>>(count: usize, mut pass: impl FnMut() -> F) -> f64 {
    let mut values = Vec::new();
    for _ in 0..count {
        values.push(pass().await);
    }
    values.sort_by(f64::total_cmp);
    values[count / 2]
}

async fn median<F: Future<Output = f64>>(mut pass: impl FnMut() -> F) -> f64 {
    pass().await;
    median_of(PASSES, pass).await
}

fn per(start: Instant, count: usize) -> f64 {
    start.elapsed().as_nanos() as f64 / count as f64
}

fn cpu_ns() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

fn memory() -> f64 {
    ["/proc/self/smaps_rollup", "/proc/self/status"]
        .iter()
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect::<String>()
        .lines()
        .filter(|line| line.starts_with("Rss:") || line.starts_with("VmPTE:"))
        .map(|line| line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() * 1024.0)
        .sum()
}

fn random() -> f64 {
    thread_local!(static STATE: Cell<u64> = const { Cell::new(88172645463325252) });
    STATE.with(|state| {
        let mut x = state.get();
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        state.set(x);
        (x >> 11) as f64 / (1u64 << 53) as f64
    })
}

// --- tasks ---

async fn yields(count: usize) {
    let ends = Rc::new(Cell::new(false));
    for _ in 1..count {
        let ends = ends.clone();
        task::spawn_local(async move {
            while !ends.get() {
                yield_now().await;
            }
        });
    }
    let times = (200_000 / count).max(1);
    let ns = median(|| {
        // A task as the others are: what block_on() itself runs is polled otherwise.
        let measurer = task::spawn_local(async move {
            let start = Instant::now();
            for _ in 0..times {
                yield_now().await;
            }
            per(start, times * count)
        });
        async { measurer.await.unwrap() }
    })
    .await;
    report(&format!("yield-{count}"), ns, "ns");
    ends.set(true);
}

async fn spawn() {
    let one = median(|| async {
        let start = Instant::now();
        for _ in 0..100_000 {
            task::spawn(async {}).await.unwrap();
        }
        per(start, 100_000)
    })
    .await;
    report("spawn-1", one, "ns");
    let many = median(|| async {
        let start = Instant::now();
        for _ in 0..10 {
            let tasks: Vec<_> = (0..10_000).map(|_| task::spawn(async {})).collect();
            for task in tasks {
                task.await.unwrap();
            }
        }
        per(start, 100_000)
    })
    .await;
    report("spawn-10000", many, "ns");
}

async fn groups() {
    let ns = median(|| async {
        let start = Instant::now();
        for _ in 0..100 {
            let mut group = JoinSet::new();
            for _ in 0..1000 {
                group.spawn(async {});
            }
            while group.join_next().await.is_some() {}
        }
        per(start, 100_000)
    })
    .await;
    report("group-1000", ns, "ns");
}

// --- what two tasks hand over to each other ---

const MOVES: usize = 200_000;

/// Both play; the time of a move, or of what so many moves are.
async fn two_play<A, B>(row: &str, moves: usize, first: impl Fn() -> A, second: impl Fn() -> B)
where
    A: Future<Output = ()> + 'static,
    B: Future<Output = ()> + 'static,
{
    let ns = median(|| {
        let (first, second) = (first(), second());
        async move {
            let start = Instant::now();
            let tasks = [task::spawn_local(first), task::spawn_local(second)];
            for task in tasks {
                task.await.unwrap();
            }
            per(start, moves * MOVES)
        }
    })
    .await;
    report(row, ns, "ns");
}

async fn locks() {
    let lock = Rc::new(Mutex::new(()));
    let semaphore = Rc::new(Semaphore::new(1));
    // Both wait before it is free: from then on it is handed over.
    let play = || {
        let lock = lock.clone();
        async move {
            let mut guard = lock.lock().await;
            yield_now().await;
            for _ in 1..MOVES {
                drop(guard);
                guard = lock.lock().await;
            }
        }
    };
    two_play("lock-hand-over", 2, play, play).await;
    let play = || {
        let semaphore = semaphore.clone();
        async move {
            let mut permit = semaphore.acquire().await.unwrap();
            yield_now().await;
            for _ in 1..MOVES {
                drop(permit);
                permit = semaphore.acquire().await.unwrap();
            }
        }
    };
    two_play("semaphore-hand-over", 2, play, play).await;
}

async fn notified() {
    let events = [Rc::new(Notify::new()), Rc::new(Notify::new())];
    let play = |mine: usize| {
        let (mine, yours) = (events[mine].clone(), events[1 - mine].clone());
        async move {
            for _ in 0..MOVES {
                mine.notified().await;
                yours.notify_one();
            }
        }
    };
    events[0].notify_one();
    two_play("event-hand-over", 2, || play(0), || play(1)).await;
}

/// Each pass has channels of its own, as an end of one cannot be in two tasks.
async fn queues() {
    let pair = || (Rc::new(Cell::new(None)), Rc::new(Cell::new(None)));
    let (tx, rx) = pair();
    let (back_tx, back_rx) = pair();
    let renew = || {
        let (there, here) = (mpsc::unbounded_channel(), mpsc::unbounded_channel());
        there.0.send(()).unwrap();
        tx.set(Some(there.0));
        rx.set(Some(there.1));
        back_tx.set(Some(here.0));
        back_rx.set(Some(here.1));
    };
    let pass = |mut from: mpsc::UnboundedReceiver<()>, to: mpsc::UnboundedSender<()>| async move {
        for _ in 0..MOVES {
            from.recv().await.unwrap();
            to.send(()).ok(); // the last has nobody to take it
        }
    };
    two_play(
        "queue-hand-over",
        2,
        || {
            renew();
            pass(rx.take().unwrap(), back_tx.take().unwrap())
        },
        || pass(back_rx.take().unwrap(), tx.take().unwrap()),
    )
    .await;

    let (tx, rx) = pair();
    two_play(
        "queue-unbounded",
        1,
        || {
            let (sender, receiver) = mpsc::unbounded_channel();
            tx.set(Some(sender));
            rx.set(Some(receiver));
            let sender = tx.take().unwrap();
            async move {
                for _ in 0..MOVES {
                    sender.send(()).unwrap();
                }
            }
        },
        || {
            let mut receiver = rx.take().unwrap();
            async move { while receiver.recv().await.is_some() {} }
        },
    )
    .await;
    for capacity in [1, 100] {
        let rx = Rc::new(Cell::new(None));
        two_play(
            &format!("queue-{capacity}"),
            1,
            || {
                let (sender, receiver) = mpsc::channel(capacity);
                rx.set(Some(receiver));
                async move {
                    for _ in 0..MOVES {
                        sender.send(()).await.unwrap();
                    }
                }
            },
            || {
                let mut receiver: mpsc::Receiver<()> = rx.take().unwrap();
                async move { while receiver.recv().await.is_some() {} }
            },
        )
        .await;
    }
}

async fn time_out() {
    let ns = median(|| async {
        let start = Instant::now();
        for _ in 0..MOVES {
            timeout(Duration::from_secs(10), async {}).await.unwrap();
        }
        per(start, MOVES)
    })
    .await;
    report("timeout", ns, "ns");
}

async fn created(count: usize) {
    let (before, start) = (memory(), Instant::now());
    let mut tasks = Vec::with_capacity(count);
    for _ in 0..count {
        tasks.push(task::spawn(async {}));
    }
    let taken = per(start, count);
    report("created-memory", (memory() - before) / count as f64, "bytes");
    report("created-time", taken, "ns");
    for task in tasks {
        task.await.unwrap();
    }
}

async fn sleepers(count: usize) {
    let asleep = Rc::new(Cell::new(0));
    let (before, start) = (memory(), Instant::now());
    let deadline = start + Duration::from_secs_f64(1.5 + count as f64 * 5e-6);
    let mut tasks = Vec::with_capacity(count);
    for _ in 0..count {
        let asleep = asleep.clone();
        tasks.push(task::spawn_local(async move {
            asleep.set(asleep.get() + 1);
            sleep_until((deadline + Duration::from_secs_f64(0.1 * random())).into()).await;
        }));
    }
    while asleep.get() < count {
        yield_now().await;
    }
    let taken = per(start, count);
    report(&format!("sleepers-{count}-memory"), (memory() - before) / count as f64, "bytes");
    report(&format!("sleepers-{count}-setup"), taken, "ns");
    let start_cpu = cpu_ns();
    for task in tasks {
        task.await.unwrap();
    }
    report(&format!("sleepers-{count}-wake"), (cpu_ns() - start_cpu) / count as f64, "ns");
}

// --- timers: a Sleep that was polled once is registered ---

async fn timer(seconds: f64) -> std::pin::Pin<Box<Sleep>> {
    let mut sleep = Box::pin(sleep(Duration::from_secs_f64(seconds)));
    poll_immediate(&mut sleep).await;
    sleep
}

async fn timers(count: usize) {
    let mut pending = Vec::with_capacity(count);
    for i in 0..count {
        pending.push(timer(TIMEOUTS[i % 5] as f64).await);
    }
    let mut values = Vec::new();
    for _ in 0..PASSES {
        let start = Instant::now();
        for i in 0..200_000 {
            pending[i % count] = timer(TIMEOUTS[i % 5] as f64).await;
        }
        values.push(per(start, 200_000));
    }
    values.sort_by(f64::total_cmp);
    report(&format!("timers-{count}-cancel"), values[PASSES / 2], "ns");
    drop(pending);

    let passes = if count > 10_000 { 1 } else { PASSES };
    let expire = median_of(passes, || async {
        let (first, range) = (0.01 + count as f64 * 1e-6, 0.02 + count as f64 * 1e-7);
        let mut pending = Vec::with_capacity(count);
        for _ in 0..count {
            pending.push(timer(first + range * random()).await);
        }
        let due = Instant::now() + Duration::from_secs_f64(first + range + 0.005);
        while Instant::now() < due {} // awake: after a sleep the caches are cold
        let start = Instant::now();
        for timer in pending {
            timer.await;
        }
        per(start, count)
    })
    .await;
    report(&format!("timers-{count}-expire"), expire, "ns");
}

async fn futures(count: usize) {
    let (before, start) = (memory(), cpu_ns());
    let all = join_all((0..count).map(|_| sleep(Duration::from_secs_f64(3.0 + 0.1 * random()))));
    let mut all = Box::pin(all);
    assert!(poll_immediate(&mut all).await.is_none());
    let looking = cpu_ns();
    report("futures-memory", (memory() - before) / count as f64, "bytes");
    let looked = cpu_ns() - looking;
    all.await;
    report("futures-cpu", (cpu_ns() - start - looked) / count as f64, "ns");
}

// --- threads ---

async fn threadsafe() {
    const BURST: usize = 100_000;
    let ns = median(|| async {
        let (calls, mut waiting) = mpsc::unbounded_channel::<fn()>();
        let start = Instant::now();
        let producer = std::thread::spawn(move || {
            for _ in 0..BURST {
                calls.send(|| {}).unwrap();
            }
        });
        while let Some(call) = waiting.recv().await {
            call();
        }
        let taken = per(start, BURST);
        producer.join().unwrap();
        taken
    })
    .await;
    report("threadsafe", ns, "ns");
}

async fn channel() {
    const CAPACITY: usize = 128;
    const BURST: usize = 100_000;
    const ROUND_TRIPS: usize = 500;
    let (there, mut asked) = mpsc::channel::<usize>(CAPACITY);
    let (answer, back) = mpsc::channel::<usize>(CAPACITY);
    let answerer = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async move {
            while let Some(count) = asked.recv().await {
                for i in 0..count {
                    answer.send(i).await.unwrap();
                }
            }
        });
    });
    let back = Rc::new(tokio::sync::Mutex::new(back));
    let ask = |times: usize, count: usize| {
        let (there, back) = (there.clone(), back.clone());
        async move {
            let mut back = back.lock().await;
            let start = Instant::now();
            for _ in 0..times {
                there.send(count).await.unwrap();
                for _ in 0..count {
                    back.recv().await.unwrap();
                }
            }
            per(start, times * count)
        }
    };
    report("channel-trip", median(|| ask(ROUND_TRIPS, 1)).await, "ns");
    report("channel-items", median(|| ask(1, BURST)).await, "ns");
    drop(there);
    answerer.join().unwrap();
}

async fn executor(processors: usize) {
    let ns = median(|| async {
        let start = Instant::now();
        for _ in 0..2000 {
            task::spawn_blocking(|| {}).await.unwrap();
        }
        per(start, 2000)
    })
    .await;
    report(&format!("executor-{processors}"), ns, "ns");
}

// --- echo ---

async fn serve(mut client: TcpStream) -> std::io::Result<()> {
    let mut buffer = Vec::with_capacity(BUFFER_BYTES); // not zeroed: only what is used is touched
    while client.read_buf(&mut buffer).await? > 0 {
        client.write_all(&buffer).await?;
        buffer.clear();
    }
    Ok(())
}

fn raise_descriptor_limit() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    unsafe {
        libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit);
        limit.rlim_cur = limit.rlim_max;
        libc::setrlimit(libc::RLIMIT_NOFILE, &limit);
    }
}

async fn echo() {
    raise_descriptor_limit();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{{\"port\": {}}}", listener.local_addr().unwrap().port());
    loop {
        if let Ok((client, _)) = listener.accept().await {
            client.set_nodelay(true).ok();
            task::spawn(serve(client));
        }
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let row = arguments.next().expect("a row");
    let count = arguments.next().map_or(1, |text| text.parse().expect("a count"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // Without a budget: this future registers a million timers in one poll.
    let measurement = task::unconstrained(async move {
        match row.as_str() {
            "yield" => yields(count).await,
            "spawn" => {
                spawn().await;
                groups().await;
            }
            "sync" => {
                time_out().await;
                locks().await;
                notified().await;
                queues().await;
            }
            "created" => created(count).await,
            "sleepers" => sleepers(count).await,
            "timers" => timers(count).await,
            "futures" => futures(count).await,
            "threadsafe" => threadsafe().await,
            "channel" => channel().await,
            "executor" => executor(count).await,
            "echo" => echo().await,
            _ => panic!("there is no row {row}"),
        }
    });
    LocalSet::new().block_on(&runtime, measurement);
}
