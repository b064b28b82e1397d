/**
 * What workers say, laid together, and what it makes of a pick.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { askedFrom, explanationFor } from '../../../test/support/explained.ts'
import type { ServerState } from '../../upstream/group-state.ts'
import { stateOver } from './running.ts'
import { textOf } from './text.ts'

const tables: readonly (readonly [states: readonly string[], together: string])[] = [
  [['in'], 'in'],
  [['in', 'in'], 'in'],
  [['out for 8.2s more: x', 'out for 9.0s more: x'], 'out for 8.2s more: x'],
  [['out for 8.2s more: x', 'in'], 'out for 8.2s more: x (in 1 of 2 workers)'],
  [['in', 'out for 8.2s more: x', 'out for 1.0s more: x'], 'out for 8.2s more: x (in 2 of 3 workers)'],
  [['out: x', 'out: y'], 'out: x (in 1 of 2 workers); out: y (in 1 of 2 workers)'],
  [['slow start, 10 % of its weight', 'slow start, 12 % of its weight'], 'slow start, 10 % of its weight'],
  [
    ['in, 1 failure in a row', 'in, 2 failures in a row', 'in'],
    'in, 1 failure in a row (in 1 of 3 workers); in, 2 failures in a row (in 1 of 3 workers)',
  ],
]

test('what all say stands once, what some say with their number', () => {
  for (const [states, together] of tables) assert.equal(stateOver(states), together)
})

const CONFIG = (balance: string) => `upstreams: { shop: { servers: [a:1, b:1, a:1], balance: ${balance} } }
listeners: [{ listen: 8080, routes: [{ to: shop }] }]
`
const WELL: ServerState = { address: 'a:1', state: 'in', out: false, busy: 0, weight: 1 }
const OUT: ServerState = { ...WELL, state: 'out: x', out: true }
const B = { address: 'b:1' }

/** The upstream as it is explained when the workers say this. */
async function upstream(balance: string, ...workers: ServerState[][]) {
  const asked = askedFrom(['a/', '--client', '192.0.2.7'])
  assert.ok(!('faults' in asked))
  const explanation = await explanationFor(CONFIG(balance), asked, {
    version: '1',
    pid: 7,
    config: 'another',
    workers: workers.map((servers, pid) => ({ pid, groups: [{ name: 'shop', servers }] })),
    silent: 0,
  })
  const found = explanation.listeners[0].upstream
  assert.ok(found !== null)
  return { ...found, text: textOf(explanation), picked: found.servers.findIndex(each => each.picked) }
}

test('a key passes over who is out in all workers, and not over who is out in some', async () => {
  const three = [WELL, { ...WELL, ...B }, WELL]
  const { picked } = await upstream('hash-client', three)
  const without = three.map((each, index) =>
    index === picked ? { ...each, state: 'out: x', out: true } : each,
  )
  assert.equal((await upstream('hash-client', without, three)).picked, picked)
  const other = await upstream('hash-client', without, without)
  assert.notEqual(other.picked, picked)
  assert.match(other.why, /^client 192\.0\.2\.7: [ab]:1 is out$/)
  // Nothing is lost by asking when all are out.
  const all = three.map(each => ({ ...each, out: true }))
  const tried = await upstream('hash-client', all, all)
  assert.equal(tried.picked, picked)
  assert.equal(tried.why, 'all are out, so all are tried: client 192.0.2.7 stands for it')
})

test('a key that meets a server which starts slowly goes where it goes there', async () => {
  const three = [WELL, { ...WELL, ...B }, WELL]
  const { picked } = await upstream('hash-client', three)
  const slow = three.map((each, index) => (index === picked ? { ...each, weight: 0.0001 } : each))
  assert.notEqual((await upstream('hash-client', slow)).picked, picked)
  assert.equal((await upstream('hash-client', slow, three)).picked, picked, 'workers differ')
})

test('a server that is listed twice is told by its place; one that is not known is said to be', async () => {
  const { servers } = await upstream('round-robin', [WELL, OUT])
  assert.deepEqual(
    servers.map(({ state }) => state),
    ['in', 'not known to it', 'out: x'],
  )
  assert.deepEqual([servers[1].live, servers[2].live?.outIn], [null, 1])
})

test('what decides without a key is said to be each worker’s own', async () => {
  for (const [balance, words] of [
    ['round-robin', /each worker takes its own turn/],
    ['least-busy', /each worker gives it to whom it has the fewest/],
    ['random-two', /drawn by lot/],
    ['{ sticky: { cookie: s, otherwise: round-robin } }', /^no cookie s: .*each worker takes its own turn/],
    ['{ hash: { header: x } }', /^no header x: .*each worker/],
  ] as const)
    assert.match((await upstream(balance, [WELL, WELL])).why, words)
})

test('an upstream that the program does not serve is as after a start', async () => {
  const { live, text } = await upstream('round-robin')
  assert.equal(live, false)
  assert.match(text, /its servers as after a start/)
})

test('what another program says is no order to a terminal', async () => {
  const { text } = await upstream('round-robin', [{ ...WELL, state: 'out: \u001b[2J\nlistener x' }])
  assert.match(text, /out: \?\[2J\?listener x/)
})
