/** The health of a server as a conversation: what happens, what it says, on a clock that is moved by hand. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Clock } from '../base/clock.ts'
import { Deadlines } from '../net/deadlines.ts'
import { Health, type HealthRules } from './health.ts'
import { HEALTH_DEFAULTS } from './options.ts'

const RULES: HealthRules = { health: HEALTH_DEFAULTS, check: null, slowStartMs: 0 }

function judge(t: TestContext, changes: Partial<HealthRules> = {}) {
  const clock: Clock = { coarseMs: 1_000_000, refresh() {}, preciseMs: () => clock.coarseMs, wallMs: () => 0 }
  const deadlines = new Deadlines(clock)
  const server = { address: { label: 'a:1', weight: 10 }, out: false, weight: 10 }
  const lines: string[] = []
  const told = { changes: 0 }
  const chance = { value: 0 }
  const services = {
    deadlines,
    random: () => chance.value,
    changed: () => void told.changes++,
    warn: (line: string) => void lines.push(line),
  }
  const health = new Health(server, { ...RULES, ...changes }, services)
  t.after(() => health.close())
  return {
    health,
    server,
    told,
    chance,
    passes: (ms: number) => {
      for (let left = ms; left > 0; left -= 50) {
        clock.coarseMs += Math.min(50, left)
        deadlines.sweep()
      }
    },
    fails: (times = 1) => {
      for (let i = 0; i < times; i++) health.failed(health.visit(), 'connect_refused')
    },
    succeeds: () => health.succeeded(health.visit()),
    /** The lines since the last look. */
    says: (...expected: string[]) => assert.deepEqual(lines.splice(0), expected),
  }
}

test('three failures in a row, not two, put it out', t => {
  const { health, server, fails, says, told } = judge(t)
  fails(2)
  assert.equal(server.out, false)
  assert.equal(health.state, 'in, 2 failures in a row')
  fails()
  assert.equal(server.out, true)
  assert.equal(told.changes, 1)
  says('a:1 is out for 10s: 3 failures in a row, the last connect_refused')
  assert.equal(health.state, 'out for 10.0s more: 3 failures in a row, the last connect_refused')
})

test('a success begins the count anew', t => {
  const { health, server, fails, succeeds, says } = judge(t)
  for (let i = 0; i < 5; i++) {
    fails(2)
    succeeds()
  }
  assert.equal(server.out, false)
  assert.equal(health.state, 'in')
  says()
})

test('it is out for its time and a tenth more at most', t => {
  const { health, server, fails, passes, chance } = judge(t)
  chance.value = 1
  fails(3)
  passes(10_950)
  assert.equal(server.out, true)
  assert.match(health.state, /^out for 0\.0s more|^out for 0\.1s more/)
  passes(100)
  assert.equal(server.out, false)
})

test('on trial: one request at a time, until one succeeds', t => {
  const { health, server, fails, passes, says } = judge(t)
  fails(3)
  says('a:1 is out for 10s: 3 failures in a row, the last connect_refused')
  passes(10_000)
  assert.equal(health.state, 'on trial: one request at a time until one succeeds')
  assert.equal(server.out, false)
  const first = health.visit()
  assert.equal(server.out, true)
  // Its client left: the next one may try.
  health.left(first)
  assert.equal(server.out, false)
  const second = health.visit()
  assert.equal(server.out, true)
  says()
  passes(1_000)
  health.succeeded(second)
  assert.equal(server.out, false)
  says('a:1 is back after 11.0s')
  assert.equal(health.state, 'in')
})

test('twice as long each time it fails on trial, up to the limit', t => {
  const { fails, passes, says, succeeds } = judge(t)
  fails(3)
  says('a:1 is out for 10s: 3 failures in a row, the last connect_refused')
  for (const [before, next] of [
    [10, '20s'],
    [20, '40s'],
    [40, '80s'],
    [80, '160s'],
    [160, '5m'],
    [300, '5m'],
  ] as const) {
    passes(before * 1000)
    fails()
    says(`a:1 is out for ${next}: its first request after the pause failed: connect_refused`)
  }
  passes(300_000)
  succeeds()
  says('a:1 is back after 910.0s')
})

test('failing soon after its return counts as failing on its return; long after it does not', t => {
  const { fails, passes, says, succeeds } = judge(t)
  const out = (time: string) => `a:1 is out for ${time}: 3 failures in a row, the last connect_refused`
  fails(3)
  says(out('10s'))
  passes(10_000)
  succeeds()
  passes(9_000)
  fails(3)
  says('a:1 is back after 10.0s', out('20s'))
  passes(20_000)
  succeeds()
  passes(20_000)
  fails(3)
  says('a:1 is back after 20.0s', out('10s'))
})

test('what began before it went out decides nothing afterwards', t => {
  const { health, server, fails, passes, says } = judge(t)
  const early = [health.visit(), health.visit(), health.visit()]
  fails(3)
  says('a:1 is out for 10s: 3 failures in a row, the last connect_refused')
  health.succeeded(early[0])
  health.failed(early[1], 'upstream_reset')
  assert.equal(server.out, true)
  passes(10_000)
  health.failed(early[2], 'upstream_reset')
  health.left(early[2])
  assert.equal(health.state, 'on trial: one request at a time until one succeeds')
  says()
})

test('a burst of failures is one line', t => {
  const { health, says } = judge(t)
  const visits = Array.from({ length: 500 }, () => health.visit())
  for (const visit of visits) health.failed(visit, 'upstream_reset')
  says('a:1 is out for 10s: 3 failures in a row, the last upstream_reset')
})

test('out, asked all the same because all are out, and it answers: back at once', t => {
  const { health, server, fails, says } = judge(t)
  fails(3)
  health.succeeded(health.visit())
  assert.equal(server.out, false)
  says('a:1 is out for 10s: 3 failures in a row, the last connect_refused', 'a:1 is back after 0.0s')
})

test('failures: 0 puts nothing out', t => {
  const { server, fails } = judge(t, { health: { ...HEALTH_DEFAULTS, failures: 0 } })
  fails(100)
  assert.equal(server.out, false)
})

test('slow start: a tenth at first, all in the end', t => {
  const { health, server, fails, passes, succeeds, told } = judge(t, { slowStartMs: 10_000 })
  assert.equal(server.weight, 10)
  fails(3)
  passes(10_000)
  succeeds()
  assert.ok(Math.abs(server.weight - 1) < 0.1, String(server.weight))
  assert.equal(health.state, 'slow start, 10 % of its weight')
  passes(5_000)
  assert.ok(Math.abs(server.weight - 5.5) < 0.5, String(server.weight))
  passes(5_500)
  assert.equal(server.weight, 10)
  assert.equal(health.state, 'in')
  assert.ok(told.changes < 30)
})

test('it goes out again in the middle of a slow start', t => {
  const { health, server, fails, passes, succeeds } = judge(t, { slowStartMs: 60_000 })
  fails(3)
  passes(10_000)
  succeeds()
  passes(1_000)
  fails(3)
  assert.equal(server.out, true)
  assert.match(health.state, /^out for 20\.0s more/)
})

const CHECKED = { check: { rise: 2, fall: 3 } }

test('checks: as many in a row as are asked for, out and back', t => {
  const { health, server, says } = judge(t, CHECKED)
  for (const fault of ['a', 'b', null, 'c', 'd']) health.checked(fault)
  assert.equal(server.out, false)
  says()
  health.checked('status 503 instead of 2xx')
  assert.equal(server.out, true)
  assert.equal(health.state, 'out: 3 checks in a row failed, the last: status 503 instead of 2xx')
  says('a:1 is out: 3 checks in a row failed, the last: status 503 instead of 2xx')
  for (const fault of [null, 'e', null]) health.checked(fault)
  assert.equal(server.out, true)
  health.checked(null)
  assert.equal(server.out, false)
  says('a:1 is back: 2 checks in a row passed')
})

test('checks and requests both have to let it in', t => {
  const { health, server, fails, passes, succeeds, says } = judge(t, CHECKED)
  fails(3)
  for (let i = 0; i < 3; i++) health.checked('x')
  says(
    'a:1 is out for 10s: 3 failures in a row, the last connect_refused',
    'a:1 is out: 3 checks in a row failed, the last: x',
  )
  passes(10_000)
  assert.equal(server.out, true, 'the checks say so')
  for (let i = 0; i < 2; i++) health.checked(null)
  assert.equal(server.out, false)
  assert.match(health.state, /^on trial/)
  says()
  succeeds()
  says('a:1 is back after 10.0s')
})

test('a server that was down for the checks and is up again is tried at once, however long it was out', t => {
  const { health, server, fails } = judge(t, CHECKED)
  fails(3)
  for (let i = 0; i < 3; i++) health.checked('x')
  for (let i = 0; i < 2; i++) health.checked(null)
  assert.equal(server.out, false)
  assert.match(health.state, /^on trial/)
})

test('checks that are well do not bring back what requests put out', t => {
  const { health, server, fails } = judge(t, CHECKED)
  fails(3)
  for (let i = 0; i < 10; i++) health.checked(null)
  assert.equal(server.out, true)
})

test('when it is closed no time is waited for', t => {
  const { health, fails, passes, server } = judge(t)
  health.close()
  // A request that was still running then.
  fails(3)
  passes(20_000)
  assert.equal(server.out, true, 'nobody looked again')
})
