/**
 * Reloads while clients ask without pause.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hello } from '../support/program.ts'
import { answering, Reloadable } from '../support/reloadable.ts'
import { startLoad } from '../support/steady-load.ts'

test('ten reloads under load: not one request fails', async t => {
  const to = await hello(t)
  const config = {
    ...answering(''),
    upstreams: { origin: to },
    listeners: [{ listen: '127.0.0.1:0', routes: [{ to: 'origin' }] }],
  }
  const program = new Reloadable(t, config, ['--workers', '2'])
  const load = startLoad(t, await program.sluice.url(), { keeping: 200, renewing: 100 })
  await load.more(1_000)
  for (let times = 0; times < 10; times++) {
    await program.reload(config)
    await load.more(300)
  }
  await load.stop()
  assert.deepEqual(load.failures, [])
  program.sluice.signal('SIGTERM')
  assert.equal(await program.sluice.ended, 0)
  assert.match(
    program.sluice.stderr,
    new RegExp(`^served ${load.answered} requests on ${load.connections} `, 'm'),
  )
  assert.match(program.sluice.stderr, / by 22 workers$/m)
  assert.doesNotMatch(program.sluice.stderr, /cut|failed/)
})
