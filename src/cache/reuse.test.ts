import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { HeaderList } from '../http/header-list.ts'
import { NO_DIRECTIVES, type RequestDirectives } from './cache-control.ts'
import type { EntryHead } from './entry.ts'
import { CACHE_DEFAULTS, type CacheOptions } from './options.ts'
import type { Policy } from './policy.ts'
import { arithmetic, decideUse, isForOne, mayServeInTrouble, mayShare, REUSE, wantsItsOwn } from './reuse.ts'

const CAME_MS = 1_000_000

/** Fresh for 60 s. */
const POLICY: Policy = {
  lifetimeS: 60,
  lifetimeFrom: 'max-age',
  initialAgeS: 0,
  noCache: false,
  mustRevalidate: false,
  staleWhileRevalidateS: 0,
  staleIfErrorS: 0,
}

const stored = (policy: Partial<Policy>): EntryHead => ({
  key: 'http://a:80/',
  extras: '',
  vary: [],
  status: 200,
  reason: 'OK',
  headers: HeaderList.empty(),
  requestedMs: CAME_MS,
  respondedMs: CAME_MS,
  policy: { ...POLICY, ...policy },
  etag: '',
  lastModified: '',
  tags: [],
  contentBytes: 0,
})

type Asked = Partial<RequestDirectives> | null

const use = (
  policy: Partial<Policy>,
  asked: Asked,
  ageS: number,
  options: Partial<CacheOptions> = {},
): string =>
  decideUse(
    stored(policy),
    asked === null ? NO_DIRECTIVES : { ...NO_DIRECTIVES, ...asked },
    CAME_MS + ageS * 1000,
    { ...CACHE_DEFAULTS, ...options },
  )

const ANY = Number.POSITIVE_INFINITY
const REFRESH = { staleWhileRevalidateS: 30 }

/** The policy of the response, what the request asks, seconds since it came → code. */
const USES: readonly [string, Partial<Policy>, Asked, number, string][] = [
  ['§4.2 fresh', {}, null, 0, 'fresh'],
  ['§4.2 fresh to the last', {}, null, 59.999, 'fresh'],
  ['§4.2 lifetime > age', {}, null, 60, 'stale'],
  ['§4.2.3 it came old', { initialAgeS: 50 }, null, 10, 'stale'],
  ['§4.2 a clock that was set back', {}, null, -100, 'fresh'],
  ['§4.2.1 never fresh', { lifetimeS: 0 }, null, 0, 'stale'],
  ['§5.2.2.4 no-cache', { noCache: true }, null, 0, 'no-cache'],
  ['§5.2.2.4 no-cache, whatever is asked', { noCache: true }, { maxStaleS: ANY }, 0, 'no-cache'],
  ['§5.2.2.2 must-revalidate, fresh', { mustRevalidate: true }, null, 59, 'fresh'],
  ['§5.2.2.2 must-revalidate, stale', { mustRevalidate: true }, null, 61, 'must-revalidate'],
  ['§5.2.2.2 before max-stale', { mustRevalidate: true }, { maxStaleS: ANY }, 61, 'must-revalidate'],
  ['RFC 5861 §3 within', REFRESH, null, 61, 'stale-while-revalidate'],
  ['RFC 5861 §3 at once', REFRESH, null, 60, 'stale-while-revalidate'],
  ['RFC 5861 §3 beyond', REFRESH, null, 90, 'stale'],
  ['RFC 5861 §3 not for max-age', REFRESH, { maxAgeS: 600 }, 61, 'request-max-age'],
  ['RFC 5861 §3 not for min-fresh', REFRESH, { minFreshS: 0 }, 61, 'request-min-fresh'],
  ['RFC 5861 §3 before max-stale', REFRESH, { maxStaleS: ANY }, 61, 'stale-while-revalidate'],
  ['RFC 5861 §3 then max-stale', REFRESH, { maxStaleS: ANY }, 90, 'max-stale'],
  ['§5.2.1.1 older', {}, { maxAgeS: 5 }, 6, 'request-max-age'],
  ['§5.2.1.1 as old', {}, { maxAgeS: 5 }, 5, 'fresh'],
  ['§5.2.1.1 max-age=0', {}, { maxAgeS: 0 }, 0.01, 'request-max-age'],
  ['§5.2.1.1 no stale one', {}, { maxAgeS: 600 }, 61, 'request-max-age'],
  ['§5.2.1.1 unless with max-stale', {}, { maxAgeS: 600, maxStaleS: 5 }, 61, 'max-stale'],
  ['§5.2.1.1 older, with max-stale', {}, { maxAgeS: 5, maxStaleS: 600 }, 6, 'request-max-age'],
  ['§5.2.1.2 within', {}, { maxStaleS: 5 }, 65, 'max-stale'],
  ['§5.2.1.2 beyond', {}, { maxStaleS: 5 }, 66, 'stale'],
  ['§5.2.1.2 any', {}, { maxStaleS: ANY }, 1e9, 'max-stale'],
  ['§5.2.1.2 fresh', {}, { maxStaleS: 5 }, 5, 'fresh'],
  ['§5.2.1.3 enough', {}, { minFreshS: 10 }, 50, 'fresh'],
  ['§5.2.1.3 too little', {}, { minFreshS: 10 }, 51, 'request-min-fresh'],
  ['§5.2.1.3 stale', {}, { minFreshS: 0 }, 60, 'request-min-fresh'],
  ['§5.2.1.4 no-cache', {}, { noCache: true }, 0, 'request-no-cache'],
  ['§5.2.1.5 no-store is not about what is stored', {}, { noStore: true }, 5, 'fresh'],
  ['§5.2.1.7 only-if-cached changes nothing', {}, { onlyIfCached: true }, 5, 'fresh'],
  ['nothing that matters, stale', {}, { onlyIfCached: true }, 60, 'stale'],
]

describe('reusing', () => {
  for (const [name, policy, asked, ageS, code] of USES)
    it(`${name} → ${code}`, () => {
      assert.equal(use(policy, asked, ageS), code)
      assert.ok(REUSE[code].words)
    })

  it('has a case for every row of the table', () => {
    const asked = new Set(USES.map(([, , , , code]) => code))
    assert.deepEqual(
      Object.keys(REUSE).filter(code => !asked.has(code)),
      [],
    )
  })

  it('does not hear requests when the config says so', () => {
    const deaf: Partial<CacheOptions> = { ignore: new Set(['request-directives']) }
    for (const asked of [{ noCache: true }, { maxAgeS: 0 }, { minFreshS: 900 }, { noStore: true }])
      assert.equal(use({}, asked, 5, deaf), 'fresh')
    assert.equal(use({}, { maxStaleS: ANY }, 60, deaf), 'stale')
    assert.equal(use({ noCache: true }, { maxStaleS: ANY }, 5, deaf), 'no-cache')
  })

  const seconds = fc.oneof(fc.nat({ max: 200 }), fc.nat({ max: 2_147_483_648 }))
  const anyPolicy = fc.record<Policy>({
    lifetimeS: seconds,
    lifetimeFrom: fc.constant('max-age'),
    initialAgeS: seconds,
    noCache: fc.boolean(),
    mustRevalidate: fc.boolean(),
    staleWhileRevalidateS: seconds,
    staleIfErrorS: seconds,
  })
  const anyAsked = fc.record<RequestDirectives>({
    noCache: fc.boolean(),
    noStore: fc.boolean(),
    onlyIfCached: fc.boolean(),
    maxAgeS: fc.option(seconds),
    maxStaleS: fc.option(fc.oneof(seconds, fc.constant(ANY))),
    minFreshS: fc.option(seconds),
    staleIfErrorS: fc.option(seconds),
  })

  it('gives what is fresh as fresh and what is stale as stale, and nothing stale that is forbidden', () => {
    fc.assert(
      fc.property(anyPolicy, fc.option(anyAsked), seconds, (policy, asked, sinceS) => {
        const { use: how } = REUSE[use(policy, asked, sinceS)]
        const fresh = policy.lifetimeS > policy.initialAgeS + sinceS
        if (how === 'fresh') assert.ok(fresh)
        if (how === 'stale' || how === 'refresh') assert.ok(!fresh && !policy.mustRevalidate)
        if (policy.noCache || asked?.noCache) assert.equal(how, 'validate')
      }),
    )
  })

  it('never becomes usable again by waiting', () => {
    const rank = { fresh: 0, refresh: 1, stale: 1, validate: 2 }
    fc.assert(
      fc.property(anyPolicy, fc.option(anyAsked), seconds, seconds, (policy, asked, sinceS, laterS) => {
        const before = rank[REUSE[use(policy, asked, sinceS)].use]
        assert.ok(rank[REUSE[use(policy, asked, sinceS + laterS)].use] >= before)
      }),
    )
  })

  it('asks no request for more when it asks for less', () => {
    fc.assert(
      fc.property(anyPolicy, anyAsked, seconds, (policy, asked, sinceS) => {
        if (REUSE[use(policy, asked, sinceS)].use !== 'fresh') return
        assert.equal(use(policy, null, sinceS), 'fresh')
      }),
    )
  })
})

describe('sharing what is asked for in the name of another', () => {
  const options = CACHE_DEFAULTS
  const shares = (policy: Partial<Policy>, asked: Partial<RequestDirectives>): boolean =>
    mayShare(stored(policy), { ...NO_DIRECTIVES, ...asked }, CAME_MS, options)

  it('§4 as what is stored may be used', () => {
    assert.equal(shares({}, {}), true)
    assert.equal(shares({ lifetimeS: 0, staleWhileRevalidateS: 5 }, {}), true)
    assert.equal(shares({ lifetimeS: 0 }, { maxStaleS: 5 }), true)
    assert.equal(shares({ lifetimeS: 0 }, {}), false)
    assert.equal(shares({ noCache: true }, {}), false)
    assert.equal(shares({}, { noCache: true }), false)
    assert.equal(shares({ initialAgeS: 9 }, { maxAgeS: 5 }), false)
  })

  it('nobody waits for what is validated for each', () => {
    const { policy } = stored({})
    assert.equal(isForOne(policy), false)
    assert.equal(isForOne({ ...policy, noCache: true }), true)
    assert.equal(isForOne({ ...policy, lifetimeS: 0 }), true)
    assert.equal(isForOne({ ...policy, lifetimeS: 0, staleWhileRevalidateS: 5 }), false)
    // It came old from another cache; the next may come young.
    assert.equal(isForOne({ ...policy, initialAgeS: 90 }), false)
  })

  it('§5.2.1.4 who wants the latest does not wait for what was asked before', () => {
    assert.equal(wantsItsOwn(NO_DIRECTIVES), false)
    assert.equal(wantsItsOwn({ ...NO_DIRECTIVES, maxAgeS: 5 }), false)
    assert.equal(wantsItsOwn({ ...NO_DIRECTIVES, maxAgeS: 0 }), true)
    assert.equal(wantsItsOwn({ ...NO_DIRECTIVES, noCache: true }), true)
  })
})

const ERROR = { staleIfErrorS: 30 }

/** The policy, what the request asks, seconds since it came → may it be served when the server is down, and on an error. */
const TROUBLES: readonly [string, Partial<Policy>, Asked, number, boolean, boolean][] = [
  ['§4.2.4 a disconnected cache may be stale', {}, null, 61, true, false],
  ['§4.2.4 as long as the config says', {}, null, 160, false, false],
  ['RFC 5861 §4 stale-if-error', ERROR, null, 61, true, true],
  ['RFC 5861 §4 to its end', ERROR, null, 90, true, false],
  ['RFC 5861 §4 longer than the config', { staleIfErrorS: 300 }, null, 161, true, true],
  ['RFC 5861 §4 of the request', {}, { staleIfErrorS: 30 }, 61, true, true],
  ['RFC 5861 §4 the request wants less', ERROR, { staleIfErrorS: 0 }, 61, true, false],
  ['still fresh', {}, { maxAgeS: 0 }, 5, true, true],
  ['still fresh, must-revalidate', { mustRevalidate: true }, { maxAgeS: 0 }, 5, true, true],
  ['§5.2.2.2 must-revalidate', { mustRevalidate: true }, null, 61, false, false],
  ['§5.2.2.2 whatever the request says', { mustRevalidate: true }, { staleIfErrorS: 900 }, 61, false, false],
  ['§5.2.2.4 no-cache', { noCache: true }, null, 5, false, false],
  ['§5.2.2.4 whatever the request says', { noCache: true }, { staleIfErrorS: 900 }, 5, false, false],
  ['§5.2.1.4 no-cache of the request', ERROR, { noCache: true }, 61, false, false],
  ['§5.2.1.1 max-age is a preference', ERROR, { maxAgeS: 0 }, 61, true, true],
]

describe('when no server answers as it should', () => {
  for (const [name, policy, asked, ageS, down, error] of TROUBLES)
    it(name, () => {
      const head = stored(policy)
      const directives = asked === null ? NO_DIRECTIVES : { ...NO_DIRECTIVES, ...asked }
      const options = { ...CACHE_DEFAULTS, staleWhenDownS: 100 }
      const nowMs = CAME_MS + ageS * 1000
      assert.equal(mayServeInTrouble(head, directives, 'down', nowMs, options), down)
      assert.equal(mayServeInTrouble(head, directives, 'error', nowMs, options), error)
    })

  it('does not hear requests when the config says so', () => {
    const options: CacheOptions = { ...CACHE_DEFAULTS, ignore: new Set(['request-directives']) }
    const asked = { ...NO_DIRECTIVES, noCache: true }
    assert.equal(mayServeInTrouble(stored({}), asked, 'down', CAME_MS + 61_000, options), true)
  })
})

it('the arithmetic for people', () => {
  const head = stored({ initialAgeS: 12 })
  assert.equal(
    arithmetic(head, CAME_MS + 60_000),
    'age 72 s = 12 when it came + 60 since; lifetime 60 s by max-age; stale for 12 s',
  )
  assert.equal(
    arithmetic(stored({ initialAgeS: 0.04, lifetimeFrom: 'rule' }), CAME_MS + 8_250),
    'age 8.3 s = 0 when it came + 8.3 since; lifetime 60 s by a rule of the config; fresh for 51.7 s',
  )
})
