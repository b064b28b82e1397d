/**
 * Generations of workers without processes: the test plays the workers, the sockets and the clock.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Counters, noCounters } from './counters.ts'
import type { Worker, WorkerEvents, WorkerPlan, WorkersHost } from './generation.ts'
import { Workers } from './workers.ts'

interface Plan extends WorkerPlan {
  readonly name: string
}

/** A worker that remembers what it is told; the test says what it tells. */
class FakeWorker implements Worker<Plan, FakeSockets> {
  readonly pid: number
  readonly slot: number
  readonly events: WorkerEvents<Plan>
  readonly told: string[] = []
  constructor(pid: number, slot: number, events: WorkerEvents<Plan>) {
    this.pid = pid
    this.slot = slot
    this.events = events
  }
  prepare = () => void this.told.push('prepare')
  serve = (plan: Plan, _sockets: FakeSockets, slot: number) =>
    void this.told.push(`serve ${plan.name} ${slot}`)
  drain = (ms: number, idleStays: boolean) =>
    void this.told.push(`drain ${ms}${idleStays ? ' idle stays' : ''}`)
  cut = () => void this.told.push('cut')
  reopenLog = () => void this.told.push('reopen')
  askServers = () => void this.told.push('ask')
  askCaches = () => () => {}
  removed = (space: string, keys: readonly string[]) => void this.told.push(`removed ${space} ${keys}`)
  kill = () => void this.told.push('kill')
}

class FakeSockets {
  state = 'open'
  keep = () => {
    this.state = 'kept'
  }
  undo = () => {
    this.state = 'undone'
  }
}

class World implements WorkersHost<Plan, FakeSockets> {
  readonly spawned: FakeWorker[] = []
  readonly lines: string[] = []
  readonly results: string[] = []
  readonly opened: FakeSockets[] = []
  bindFault: Error | null = null
  readonly workers = new Workers<Plan, FakeSockets>(this, {
    reloaded: plan => this.results.push(`reloaded ${plan.name}`),
    notReloaded: outcome => this.results.push(outcome.kind),
  })
  #now = 0
  #timers = new Set<{ at: number; call: () => void }>()

  spawn(slot: number, events: WorkerEvents<Plan>): FakeWorker {
    const worker = new FakeWorker(100 + this.spawned.length, slot, events)
    this.spawned.push(worker)
    return worker
  }
  async open(): Promise<FakeSockets> {
    if (this.bindFault !== null) throw this.bindFault
    this.opened.push(new FakeSockets())
    return this.opened.at(-1)!
  }
  after(durationMs: number, call: () => void): () => void {
    const timer = { at: this.#now + durationMs, call }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }
  nowMs = () => this.#now
  tell = (line: string) => void this.lines.push(line)

  get timers(): number {
    return this.#timers.size
  }

  async passes(durationMs: number): Promise<void> {
    this.#now += durationMs
    for (const timer of [...this.#timers].sort((a, b) => a.at - b.at)) {
      if (timer.at > this.#now) continue
      this.#timers.delete(timer)
      timer.call()
    }
    await settle()
  }

  /** The worker that was started last prepares this, and all of its generation listen. */
  async rises(plan: Plan): Promise<FakeWorker[]> {
    const first = this.spawned.length - 1
    this.spawned[first].events.prepared(plan)
    await settle()
    const risen = this.spawned.slice(first)
    for (const worker of risen) worker.events.listening()
    await settle()
    return risen
  }

  async started(plan: Plan): Promise<FakeWorker[]> {
    const start = this.workers.start()
    const risen = await this.rises(plan)
    assert.equal((await start).kind, 'serving')
    return risen
  }
}

/** Everything that waits for promises only. */
async function settle(): Promise<void> {
  await new Promise(resolve => setImmediate(resolve))
}

const plan = (name: string, workers = 2): Plan => ({ name, workers, drainTimeoutMs: 5_000 })
const counted = (some: Partial<Counters>): Counters => ({ ...noCounters(), ...some })

test('the candidate reads the config, and all serve what it read', async () => {
  const world = new World()
  const [one, two, three] = await world.started(plan('a', 3))
  assert.deepEqual(one.told, ['prepare', 'serve a 0'])
  assert.deepEqual(two.told, ['serve a 1'])
  assert.deepEqual(three.told, ['serve a 2'])
  assert.equal(world.timers, 0)
})

test('a config with faults is refused with the code of the candidate, and nothing is left', async () => {
  const world = new World()
  const start = world.workers.start()
  world.spawned[0].events.refused(2, ['a.ts'])
  world.spawned[0].events.ended('code 2')
  assert.deepEqual(await start, { kind: 'refused', code: 2, files: ['a.ts'] })
  assert.deepEqual([world.spawned.length, world.timers], [1, 0])
})

test('an address that cannot be bound ends the start, and the candidate', async () => {
  const world = new World()
  world.bindFault = new Error('taken')
  const start = world.workers.start()
  world.spawned[0].events.prepared(plan('a'))
  await settle()
  assert.deepEqual(world.spawned[0].told, ['prepare', 'drain 5000'])
  world.spawned[0].events.ended('code 0')
  assert.deepEqual(await start, { kind: 'not-bound', error: world.bindFault })
})

test('a worker that dies is started again: at once, then after growing pauses, up to 5 seconds', async () => {
  const world = new World()
  await world.started(plan('a', 1))
  const pauses = [0, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]
  for (const pauseMs of pauses) {
    const { events } = world.spawned.at(-1)!
    const before = world.spawned.length
    events.ended('SIGSEGV')
    if (pauseMs > 0) {
      assert.equal(world.spawned.length, before, 'not before its pause is over')
      await world.passes(pauseMs - 1)
      assert.equal(world.spawned.length, before, 'not before its pause is over')
      await world.passes(1)
    }
    assert.equal(world.spawned.length, before + 1)
    assert.deepEqual(world.spawned.at(-1)!.told, ['serve a 0'], 'with the config that is served')
    world.spawned.at(-1)!.events.listening()
  }
  assert.deepEqual(world.lines.slice(0, 2), [
    'worker 100 (slot 0) ended by SIGSEGV after 0s: what it was serving is cut; the next starts at once',
    'worker 101 (slot 0) ended by SIGSEGV after 0s: what it was serving is cut; the next starts in 100ms',
  ])
})

test('who has lived for a while dies for the first time again', async () => {
  const world = new World()
  const [one] = await world.started(plan('a', 1))
  one.events.ended('SIGKILL')
  world.spawned[1].events.listening()
  await world.passes(12_000)
  world.spawned[1].events.ended('code 1')
  assert.equal(world.spawned.length, 3)
  assert.equal(
    world.lines.at(-1),
    'worker 101 (slot 0) ended by code 1 after 12s: what it was serving is cut; the next starts at once',
  )
})

test('reload: the old ones are told to finish only when all new ones listen', async () => {
  const world = new World()
  const [one, two] = await world.started(plan('a'))
  const reload = world.workers.reload()
  world.spawned[2].events.prepared(plan('b'))
  await settle()
  world.spawned[2].events.listening()
  await settle()
  assert.deepEqual(one.told.slice(2), [])
  world.spawned[3].events.listening()
  await reload
  assert.deepEqual([one.told.at(-1), two.told.at(-1)], ['drain 5000 idle stays', 'drain 5000 idle stays'])
  assert.deepEqual(world.results, ['reloaded b'])
  assert.equal(world.opened[1].state, 'kept')
  one.events.stopped()
  await settle()
  assert.deepEqual(world.lines, [], 'not reloaded while an old worker may take a connection')
  two.events.stopped()
  await settle()
  assert.deepEqual(world.lines, [
    'reloaded: 2 workers serve the config as it is now; the old finish what runs, at most 5s',
  ])
  one.events.counted(counted({ cutConnections: 2 }))
  for (const worker of [one, two]) worker.events.ended('code 0')
  await settle()
  assert.equal(world.lines.at(-1), '2 connections of the old config were cut after 5s')
  assert.equal(world.timers, 0)
})

test('those who can be asked are those who listen with the current config', async () => {
  const world = new World()
  const pids = () => world.workers.serving.map(({ pid }) => pid)
  assert.deepEqual(pids(), [])
  const [one, two] = await world.started(plan('a'))
  assert.deepEqual(pids(), [one.pid, two.pid])
  const reload = world.workers.reload()
  two.events.ended('SIGKILL')
  assert.deepEqual(pids(), [one.pid], 'the next does not listen yet')
  world.spawned[2].events.prepared(plan('b'))
  await settle()
  for (const each of world.spawned.slice(2)) each.events.listening()
  await reload
  assert.deepEqual(pids(), [world.spawned[2].pid, world.spawned[4].pid])
})

test('reload to a faulty config: the old one goes on, and its workers are still looked after', async () => {
  const world = new World()
  const [one, two] = await world.started(plan('a'))
  const reload = world.workers.reload()
  two.events.ended('SIGKILL')
  assert.deepEqual(world.spawned[3].told, ['serve a 1'])
  world.spawned[3].events.listening()
  world.spawned[2].events.refused(2, [])
  world.spawned[2].events.ended('code 2')
  await reload
  assert.deepEqual(world.results, ['refused'])
  assert.deepEqual(one.told, ['prepare', 'serve a 0'])
})

test('reload to an address that is taken: the old config goes on', async () => {
  const world = new World()
  const [one] = await world.started(plan('a', 1))
  world.bindFault = new Error('taken')
  const reload = world.workers.reload()
  world.spawned[1].events.prepared(plan('b'))
  await reload
  assert.deepEqual(world.results, ['not-bound'])
  assert.equal(world.spawned[1].told.at(-1), 'drain 5000')
  assert.deepEqual(one.told, ['prepare', 'serve a 0'])
})

test('a new worker that dies while it starts is started again; the third time the reload is given up', async () => {
  const world = new World()
  await world.started(plan('a', 1))
  const reload = world.workers.reload()
  world.spawned[1].events.prepared(plan('b', 1))
  await settle()
  for (let times = 0; times < 3; times++) world.spawned.at(-1)!.events.ended('code 1')
  await reload
  assert.equal(world.spawned.length, 4)
  assert.deepEqual(world.results, ['failed'])
  assert.equal(world.opened[1].state, 'undone')
})

test('the candidate dies while the sockets are bound: its slot is started like any other', async () => {
  const world = new World()
  const start = world.workers.start()
  world.spawned[0].events.prepared(plan('a', 1))
  world.spawned[0].events.ended('SIGKILL')
  await settle()
  assert.deepEqual(world.spawned[1].told, ['serve a 0'])
  world.spawned[1].events.listening()
  assert.equal((await start).kind, 'serving')
})

test('reloads that are asked for during a reload are one more, with the config as it is then', async () => {
  const world = new World()
  await world.started(plan('a', 1))
  const reload = world.workers.reload()
  for (let times = 0; times < 5; times++) void world.workers.reload()
  await world.rises(plan('b', 1))
  assert.equal(world.spawned.length, 3)
  await world.rises(plan('c', 1))
  await reload
  assert.deepEqual(world.results, ['reloaded b', 'reloaded c'])
  assert.equal(world.spawned.length, 3)
})

test('a worker that does not listen in time is killed', async () => {
  const world = new World()
  void world.workers.start()
  await world.passes(60_000)
  assert.deepEqual(world.spawned[0].told, ['prepare', 'kill'])
})

test('a worker that does not end in time is killed', async () => {
  const world = new World()
  const [one] = await world.started(plan('a', 1))
  void world.workers.stop(1_000)
  one.events.stopped()
  await world.passes(5_999)
  assert.equal(one.told.at(-1), 'drain 1000')
  await world.passes(1)
  assert.equal(one.told.at(-1), 'kill')
  assert.deepEqual(world.lines, ['worker 100 (slot 0) hangs and does not end: it is killed'])
})

test('the end: nobody is started any more, not even after a pause', async () => {
  const world = new World()
  const [one, two] = await world.started(plan('a'))
  one.events.ended('SIGKILL')
  world.spawned[2].events.ended('SIGKILL')
  const stopped = world.workers.stop(1_000)
  two.events.stopped()
  await stopped
  two.events.ended('code 0')
  await world.workers.over()
  await world.passes(60_000)
  assert.equal(world.spawned.length, 3)
})

test('the end during a reload: the new ones end at once', async () => {
  const world = new World()
  const [one] = await world.started(plan('a', 1))
  const reload = world.workers.reload()
  void world.workers.stop(1_000)
  assert.equal(world.spawned[1].told.includes('cut'), true)
  world.spawned[1].events.ended('code 1')
  one.events.ended('code 0')
  await reload
  await world.workers.over()
  assert.deepEqual([world.results, world.timers], [[], 0])
})

test('the end during a reload: new ones that may have accepted connections finish like the old ones', async () => {
  const world = new World()
  const [one] = await world.started(plan('a', 1))
  const reload = world.workers.reload()
  world.spawned[1].events.prepared(plan('b'))
  await settle()
  world.spawned[1].events.listening()
  void world.workers.stop(1_000)
  await settle()
  for (const worker of [one, ...world.spawned.slice(1)])
    assert.deepEqual(worker.told.slice(-1), ['drain 1000'])
  for (const worker of world.spawned) worker.events.ended('code 0')
  await reload
  await world.workers.over()
  assert.deepEqual([world.results, world.timers, world.opened[1].state], [[], 0, 'undone'])
})

test('a candidate that hangs is killed a second after the end was asked for', async () => {
  const world = new World()
  const start = world.workers.start()
  world.workers.cut()
  await settle()
  await world.passes(1_000)
  assert.deepEqual(world.spawned[0].told, ['prepare', 'cut', 'kill'])
  assert.deepEqual(world.lines, ['worker 100 (slot 0) hangs and does not end: it is killed'])
  world.spawned[0].events.ended('SIGKILL')
  assert.equal((await start).kind, 'failed')
  assert.equal(world.timers, 0)
})

test('a reload that is asked for during the start comes right after it', async () => {
  const world = new World()
  const start = world.workers.start()
  void world.workers.reload()
  void world.workers.reload()
  await world.rises(plan('a', 1))
  assert.equal((await start).kind, 'serving')
  assert.equal(world.opened[0].state, 'kept')
  await world.rises(plan('b', 1))
  assert.deepEqual([world.results, world.spawned.length], [['reloaded b'], 2])
})

test('old configs that still finish are limited: idle connections end first, then a reload waits', async () => {
  const world = new World()
  await world.started(plan('0', 1))
  for (let times = 1; times <= 16; times++) {
    const reload = world.workers.reload()
    await world.rises(plan(String(times), 1))
    await reload
  }
  const idleEnded = world.spawned.filter(({ told }) => told.at(-1) === 'drain 5000')
  assert.equal(idleEnded.length, 12)
  await world.workers.reload()
  assert.equal(world.spawned.length, 17)
  assert.match(world.lines.at(-1)!, /^16 old configs still finish what runs \(drainTimeout\)/)
  world.spawned[0].events.ended('code 0')
  await settle()
  assert.equal(world.spawned.length, 18)
})

test('counters of all workers add up, also of those that are gone', async () => {
  const world = new World()
  const [one, two] = await world.started(plan('a'))
  one.events.counted(counted({ exchanges: 5 }))
  one.events.counted(counted({ exchanges: 7 }))
  two.events.counted(counted({ exchanges: 1 }))
  one.events.ended('SIGKILL')
  world.spawned[2].events.listening()
  world.spawned[2].events.counted(counted({ exchanges: 100 }))
  const reload = world.workers.reload()
  const [, last] = await world.rises(plan('b'))
  await reload
  last.events.counted(counted({ exchanges: 1_000 }))
  for (const worker of [two, world.spawned[2]]) worker.events.ended('code 0')
  await settle()
  assert.equal(world.workers.counters.exchanges, 1_108)
  assert.equal(world.workers.served, 5)
})

test('log files are opened again by everyone, also by those that finish', async () => {
  const world = new World()
  const [one] = await world.started(plan('a', 1))
  const reload = world.workers.reload()
  const [two] = await world.rises(plan('b', 1))
  await reload
  world.workers.reopenLogs()
  assert.deepEqual([one.told.at(-1), two.told.at(-1)], ['reopen', 'reopen'])
})

test('what one worker removes from its caches, every other hears, also those of old configs and of the next', async () => {
  const world = new World()
  const [one, two] = await world.started(plan('a'))
  const reload = world.workers.reload()
  const [three] = await world.rises(plan('b', 1))
  await reload
  void world.workers.reload()
  const next = world.spawned.at(-1)!
  const heard = () =>
    [one, two, three, next].map(({ told }) => told.filter(each => each.startsWith('removed')))
  two.events.removed('shop-1', ['a', 'b'])
  const message = 'removed shop-1 a,b'
  assert.deepEqual(heard(), [[message], [], [message], [message]])
  one.events.ended('code 0')
  three.events.removed('shop-1', ['c'])
  assert.deepEqual(heard()[0], [message], 'it is gone')
  assert.deepEqual(heard()[1], ['removed shop-1 c'])
})
