/**
 * That cases can fail: each required one with at least one cache that is wrong on purpose, each optional one with one
 * of those or with a proxy that has no cache.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { GROUPS } from './cases/index.ts'
import { FAKES, FakeCache, type Faults, PASS_THROUGH } from './fakes.ts'
import { CaseOrigin } from './origin.ts'
import { caseName, playSuite } from './suite.ts'

const origin = new CaseOrigin()
before(() => origin.listen(0))
after(() => origin.close())

/** So many fakes at once; what one has failed, those after it need not play. */
const FAKES_AT_ONCE = 8

const names = GROUPS.flatMap(group => group.cases.map(one => caseName(group, one.name)))
/** Names of the cases that no fake has failed yet. */
const unfailed = new Set(names)

async function strike(faults: Faults): Promise<void> {
  const running = await new FakeCache(faults, origin.port).start('fake')
  const groups = await playSuite(running, origin, { chosen: name => unfailed.has(name), hurried: true })
  await running.end()
  for (const { group, outcomes } of groups)
    for (const { case: one, verdict } of outcomes)
      if (verdict === 'fail') unfailed.delete(caseName(group, one.name))
}

describe('the suite can fail', () => {
  it('has a name for each case', () => {
    assert.deepEqual(
      names.filter((name, index) => names.indexOf(name) !== index),
      [],
    )
  })

  it('each case fails with a cache that is wrong, or with none', async () => {
    // The first one fails half of them, and the others have less to do.
    const [worst, ...others] = [...Object.values(FAKES), PASS_THROUGH]
    await strike(worst)
    for (let at = 0; at < others.length; at += FAKES_AT_ONCE)
      await Promise.all(others.slice(at, at + FAKES_AT_ONCE).map(strike))
    assert.deepEqual([...unfailed], [], 'cases that cannot fail')
  })
})
