/**
 * Bytes that the proxy reads are lent: the memory they lie in is read into again, unless the kernel has not
 * taken all of it yet. Forgetting that corrupts bodies under back-pressure and nowhere else. So: large bodies to
 * readers that stop and go, several at a time, with quick small requests on other connections that use the same
 * memory, and every byte compared.
 */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { MEGABYTE } from '../support/bodies.ts'
import { startHelper } from '../support/helper.ts'
import { startProxy } from '../support/proxy.ts'
import type { StutterPlan, StutterResult } from '../support/stutter.ts'

async function stutter(t: TestContext, plan: StutterPlan): Promise<StutterResult> {
  const helper = await startHelper<StutterResult>(t, './stutter.ts', plan)
  const proxy = await startProxy(t, { to: `127.0.0.1:${helper.originPort}` })
  const result = await helper.run(proxy.port)
  t.diagnostic(
    `${result.smallRequests} small requests, the slowest took ${result.slowestSmallMs.toFixed(0)} ms`,
  )
  return result
}

test('downloads to stuttering readers arrive byte by byte', async t => {
  const framings = ['length', 'chunked', 'until-close'] as const
  const result = await stutter(t, { direction: 'down', framings, bodies: 4, bodyBytes: 24 * MEGABYTE })
  assert.deepEqual(result.faults, [])
  assert.equal(result.bodies, 12)
  assert.ok(result.smallRequests > 100, `${result.smallRequests} small requests`)
})

test('uploads to a stuttering origin arrive byte by byte', async t => {
  const framings = ['length', 'chunked'] as const
  const result = await stutter(t, { direction: 'up', framings, bodies: 6, bodyBytes: 24 * MEGABYTE })
  assert.deepEqual(result.faults, [])
  assert.equal(result.bodies, 12)
  assert.ok(result.smallRequests > 100, `${result.smallRequests} small requests`)
})
