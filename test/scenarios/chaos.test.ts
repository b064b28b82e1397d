/**
 * Everything at once and at random: whatever origins and clients do to each other, an answer that looks complete
 * is complete and goes to who asked, nothing that must not be repeated is, and nothing is left behind.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Chaos } from '../support/chaos.ts'
import { startOrigin } from '../support/origin.ts'
import { startProxy } from '../support/proxy.ts'
import { connect } from '../support/raw-client.ts'
import { until, within } from '../support/wait.ts'

const CLIENTS = 24
const CONNECTIONS_PER_CLIENT = 6

for (const [name, seed, group] of [
  ['connections as needed', 11, {}],
  ['few connections and a long queue', 12, { connectionsMax: 4, queueMax: 1000 }],
  ['two servers and the less busy one', 13, { balance: 'least-busy', connectionsMax: 8 }],
] as const)
  test(`chaos: ${name}`, async t => {
    const chaos = new Chaos(seed)
    const origins = await Promise.all(
      [1, 2].map(() => startOrigin(t, chaos.script, { faultsExpected: true })),
    )
    const proxy = await startProxy(t, {
      to: 'balance' in group ? origins : origins[0],
      group: { ...group, headTimeoutMs: 400, bodyTimeoutMs: 2_000, queueTimeoutMs: 60_000 },
    })
    const lives = Array.from({ length: CLIENTS }, async () => {
      for (let i = 0; i < CONNECTIONS_PER_CLIENT; i++) {
        const client = await connect(t, proxy)
        await chaos.client(client)
        await client.closed().catch(() => client.destroy())
      }
    })
    await within(Promise.all(lives), 'all clients to finish', 60_000)
    t.diagnostic(JSON.stringify(chaos.outcomes))
    assert.deepEqual(chaos.faults.slice(0, 10), [])
    const repeated = [...chaos.posts].filter(([, times]) => times > 1).map(([number]) => number)
    assert.deepEqual(repeated, [], 'POSTs that reached an origin twice')
    assert.ok(chaos.outcomes['200'] > 500)
    await until(() => proxy.server.connections === 0, 'the clients to be forgotten')
    await until(() => proxy.counters.busy === 0 && proxy.counters.queued === 0, 'the exchanges to be over')
  })
