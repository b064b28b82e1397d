/**
 * The conformance suite against our own build: each group is a test, what fails is named with its clause.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { GROUPS } from './cases/index.ts'
import { KNOWN_FAILURES } from './known-failures.ts'
import { CaseOrigin } from './origin.ts'
import { startOwn } from './own.ts'
import { caseName, type GroupOutcome, playSuite } from './suite.ts'

const failed = ({ group, outcomes }: GroupOutcome) =>
  outcomes
    .filter(({ verdict }) => verdict !== 'pass')
    .map(({ case: one, seen }) => ({ name: caseName(group, one.name), words: `${one.clause}: ${seen}` }))

describe('conformance of the cache', () => {
  let groups: readonly GroupOutcome[] = []
  const origin = new CaseOrigin()

  before(async () => {
    await origin.listen(0)
    const own = await startOwn(origin.port)
    groups = await playSuite(own, origin)
    await own.end()
  })
  after(() => origin.close())

  for (const [index, group] of GROUPS.entries())
    it(group.name, () => {
      const fresh = failed(groups[index]).filter(({ name }) => !Object.hasOwn(KNOWN_FAILURES, name))
      assert.deepEqual(
        fresh.map(({ name, words }) => `${name}: ${words}`),
        [],
      )
    })

  it('known failures still fail', () => {
    const failing = new Set(groups.flatMap(failed).map(({ name }) => name))
    const mended = Object.keys(KNOWN_FAILURES).filter(name => !failing.has(name))
    assert.deepEqual(mended, [], 'mended: take these out of known-failures.ts')
  })
})
