// SPDX-License-Identifier: MIT
// What Node takes for the rows of the comparison: async functions, timers, sockets, a worker.
// usage: node bench.js ROW [COUNT]
'use strict'

const fs = require('node:fs')
const net = require('node:net')
const { Worker, isMainThread, parentPort } = require('node:worker_threads')

const PASSES = 5
const TIMEOUTS = [10e3, 20e3, 30e3, 60e3, 120e3]

const now = () => Number(process.hrtime.bigint())
const turn = () => new Promise(setImmediate)
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

function cpu() {
  const { user, system } = process.cpuUsage()
  return (user + system) * 1000
}

function report(row, value, unit = 'ns') {
  console.log(JSON.stringify({ row, value, unit }))
}

function memory() {
  const lines = (fs.readFileSync('/proc/self/smaps_rollup', 'utf8') +
    fs.readFileSync('/proc/self/status', 'utf8')).split('\n')
  return lines.filter((line) => /^(Rss|VmPTE):/.test(line))
    .reduce((sum, line) => sum + parseInt(line.split(/\s+/)[1]) * 1024, 0)
}

async function passes(one, count = PASSES) {
  const values = []
  if (count > 1) await one()
  for (let i = 0; i < count; i++) values.push(await one())
  return values.sort((a, b) => a - b)[count >> 1]
}

// Blocks the thread.
function block(ms) {
  for (const end = performance.now() + ms; performance.now() < end;);
}

// --- tasks: sleep(0) is what lets the others and the loop run, setImmediate ---

async function yield_(count) {
  let ends = false
  const work = async () => { while (!ends) await turn() }
  const others = Array.from({ length: count - 1 }, work)
  const yields = Math.max(1, Math.floor(50000 / count))
  report(`yield-${count}`, await passes(async () => {
    const start = now()
    for (let i = 0; i < yields; i++) await turn()
    return (now() - start) / (yields * count)
  }))
  ends = true
  await Promise.all(others)
}

// An async function runs at once: for the others' create_task it begins in a microtask.
const nothing = async () => {}
const create = () => Promise.resolve().then(nothing)

async function spawn() {
  report('spawn-1', await passes(async () => {
    const start = now()
    for (let i = 0; i < 50000; i++) await create()
    return (now() - start) / 50000
  }))
  report('spawn-10000', await passes(async () => {
    const start = now()
    await Promise.all(Array.from({ length: 10000 }, create))
    return (now() - start) / 10000
  }))
}

async function created(count) {
  const before = memory()
  const start = now()
  const tasks = Array.from({ length: count }, create)
  const end = now()
  report('created-memory', (memory() - before) / count, 'bytes')
  report('created-time', (end - start) / count)
  await Promise.all(tasks)
}

async function sleepers(count) {
  const before = memory()
  const deadline = performance.now() + 1500 + count * 10e-3
  const start = now()
  const sleeper = async () => { await sleep(deadline + 100 * Math.random() - performance.now()) }
  const tasks = Array.from({ length: count }, sleeper)
  const end = now()
  report(`sleepers-${count}-memory`, (memory() - before) / count, 'bytes')
  report(`sleepers-${count}-setup`, (end - start) / count)
  const startCpu = cpu()
  await Promise.all(tasks)
  report(`sleepers-${count}-wake`, (cpu() - startCpu) / count)
}

// --- timers ---

async function timers(count) {
  const pending = Array.from({ length: count }, (_, i) => setTimeout(() => {}, TIMEOUTS[i % 5]))
  report(`timers-${count}-cancel`, await passes(async () => {
    let oldest = 0
    const start = now()
    for (let i = 0; i < 100000; i++) {
      clearTimeout(pending[oldest])
      pending[oldest] = setTimeout(() => {}, TIMEOUTS[i % 5])
      oldest = oldest + 1 < count ? oldest + 1 : 0
    }
    return (now() - start) / 100000
  }))
  pending.forEach(clearTimeout)

  report(`timers-${count}-expire`, await passes(async () => {
    const first = 10 + count * 3e-3
    const range = 20 + count * 1e-4
    let left = count
    const done = new Promise((resolve) => {
      for (let i = 0; i < count; i++) {
        setTimeout(() => { if (--left === 0) resolve() }, first + range * Math.random())
      }
    })
    block(first + range + 5)
    const start = now()
    await done
    return (now() - start) / count
  }, count > 10000 ? 1 : PASSES))
}

async function futures(count) {
  const before = memory()
  let looked = 0
  const start = cpu()
  setTimeout(() => {
    const start = cpu()
    report('futures-memory', (memory() - before) / count, 'bytes')
    looked = cpu() - start
  }, 1000)
  await Promise.all(Array.from({ length: count }, () => sleep(4000 + 100 * Math.random())))
  report('futures-cpu', (cpu() - start - looked) / count)
}

// --- callbacks and threads ---

async function callSoon() {
  report('call_soon', await passes(async () => {
    const start = now()
    for (let batch = 0; batch < 100; batch++) {
      for (let i = 0; i < 999; i++) setImmediate(() => {})
      await turn()
    }
    return (now() - start) / 100000
  }))
}

// The same file in a worker: it answers a job, or sends a burst.
if (!isMainThread) {
  parentPort.on('message', (burst) => {
    for (let i = 0; i < (burst || 1); i++) parentPort.postMessage(i)
  })
}

async function threadsafe() {
  const worker = new Worker(__filename)
  const burst = 50000
  report('threadsafe', await passes(async () => {
    let left = burst
    const done = new Promise((resolve) => {
      worker.removeAllListeners('message')
      worker.on('message', () => { if (--left === 0) resolve() })
    })
    const start = now()
    worker.postMessage(burst)
    await done
    return (now() - start) / burst
  }))
  await worker.terminate()
}

async function executor(processors) {
  const worker = new Worker(__filename)
  const job = () => new Promise((resolve) => {
    worker.once('message', resolve)
    worker.postMessage(0)
  })
  report(`executor-${processors}`, await passes(async () => {
    const start = now()
    for (let i = 0; i < 2000; i++) await job()
    return (now() - start) / 2000
  }))
  await worker.terminate()
}

// --- echo ---

async function echo() {
  const server = net.createServer({ noDelay: true }, (client) => {
    client.on('error', () => {})
    client.on('data', (data) => client.write(data))
  })
  server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => {
    console.log(JSON.stringify({ port: server.address().port }))
  })
  await new Promise(() => {})
}

const rows = { yield: yield_, spawn, created, sleepers, timers, futures, call_soon: callSoon,
  threadsafe, executor, echo }

if (isMainThread) {
  const [row, count = '1'] = process.argv.slice(2)
  rows[row](Number(count))
}
