import assert from 'node:assert/strict'
import test, { mock } from 'node:test'
import type { Clock } from '../base/clock.ts'
import { type Deadline, Deadlines, NEVER } from './deadlines.ts'

/** A clock whose coarse time is as old as its last refresh. */
class ToldClock implements Clock {
  coarseMs = 1_000
  nowMs = 1_000
  refresh(): void {
    this.coarseMs = this.nowMs
  }
  preciseMs(): number {
    return this.nowMs
  }
  wallMs(): number {
    return 0
  }
}

class Entry implements Deadline {
  dueMs: number
  expiries = 0
  /** Done when it expires. */
  onExpiry = (): void => {}

  constructor(dueMs: number) {
    this.dueMs = dueMs
  }

  expired(): void {
    this.expiries++
    this.onExpiry()
  }
}

/** A test with mocked timers; `passes` moves the clock and the timers together. */
function timed(
  name: string,
  run: (clock: ToldClock, deadlines: Deadlines, passes: (ms: number) => void) => void,
): void {
  test(name, () => {
    mock.timers.enable({ apis: ['setInterval'] })
    const clock = new ToldClock()
    try {
      run(clock, new Deadlines(clock), ms => {
        clock.nowMs += ms
        mock.timers.tick(ms)
      })
    } finally {
      mock.timers.reset()
    }
  })
}

timed('an entry expires once, when it is due, within a tick', (_clock, deadlines, passes) => {
  const entry = new Entry(deadlines.in(1_000))
  deadlines.add(entry)
  passes(950)
  assert.equal(entry.expiries, 0)
  passes(100)
  assert.equal(entry.expiries, 1)
  assert.equal(entry.dueMs, NEVER)
  passes(10_000)
  assert.equal(entry.expiries, 1)
})

timed('a deadline that is moved is moved by one store', (_clock, deadlines, passes) => {
  const entry = new Entry(deadlines.in(100))
  deadlines.add(entry)
  for (let round = 0; round < 10; round++) {
    passes(50)
    entry.dueMs = deadlines.in(100)
  }
  assert.equal(entry.expiries, 0)
  passes(150)
  assert.equal(entry.expiries, 1)
})

timed('NEVER is never due', (_clock, deadlines, passes) => {
  const entry = new Entry(NEVER)
  deadlines.add(entry)
  passes(1_000_000)
  assert.equal(entry.expiries, 0)
  entry.dueMs = deadlines.in(NEVER)
  passes(1_000_000)
  assert.equal(entry.expiries, 0)
})

timed('an entry may be armed anew, or taken out, while it expires', (_clock, deadlines, passes) => {
  const again = new Entry(deadlines.in(100))
  const once = new Entry(deadlines.in(100))
  const other = new Entry(deadlines.in(100))
  again.onExpiry = () => {
    again.dueMs = deadlines.in(100)
  }
  once.onExpiry = () => deadlines.remove(other)
  for (const entry of [again, once, other]) deadlines.add(entry)
  passes(150)
  passes(150)
  assert.deepEqual([again.expiries, once.expiries, other.expiries], [2, 1, 0])
})

timed('an entry that is added while others expire waits its own time', (_clock, deadlines, passes) => {
  const first = new Entry(deadlines.in(100))
  const later = new Entry(NEVER)
  first.onExpiry = () => {
    later.dueMs = deadlines.in(100)
    deadlines.add(later)
  }
  deadlines.add(first)
  passes(100)
  assert.deepEqual([first.expiries, later.expiries], [1, 0])
  passes(150)
  assert.equal(later.expiries, 1)
})

timed('one that was taken out does not expire, and nothing ticks for nobody', (clock, deadlines, passes) => {
  const entry = new Entry(deadlines.in(100))
  deadlines.add(entry)
  deadlines.remove(entry)
  deadlines.remove(entry)
  passes(10_000)
  assert.equal(entry.expiries, 0)
  assert.equal(clock.coarseMs, 1_000, 'the clock was not read')
})

timed('after a rest the clock is right again', (_clock, deadlines, passes) => {
  const resting = new Entry(NEVER)
  deadlines.add(resting)
  deadlines.remove(resting)
  passes(60_000)
  const entry = new Entry(NEVER)
  deadlines.add(entry)
  entry.dueMs = deadlines.in(1_000)
  passes(900)
  assert.equal(entry.expiries, 0, 'not early by the time of the rest')
  passes(200)
  assert.equal(entry.expiries, 1)
})

test('the timer holds no process up', () => {
  const deadlines = new Deadlines(new ToldClock())
  const before = process.getActiveResourcesInfo().filter(name => name === 'Timeout').length
  const entry = new Entry(NEVER)
  deadlines.add(entry)
  const after = process.getActiveResourcesInfo().filter(name => name === 'Timeout').length
  deadlines.remove(entry)
  assert.equal(after, before, 'it is not referenced')
})
