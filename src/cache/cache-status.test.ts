import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { parseDictionary } from '../http/structured-fields.ts'
import { type CacheOutcome, cacheStatus, type Forward, logWord } from './cache-status.ts'

const HIT: CacheOutcome = {
  hit: true,
  fwd: null,
  fwdStatus: 0,
  ttlS: 30,
  stored: false,
  collapsed: false,
  key: 'http://a:80/x?y',
  detail: 'fresh',
}
const MISS: CacheOutcome = { ...HIT, hit: false, fwd: 'uri-miss', stored: true, detail: 'max-age' }

/** The outcome → the field, short; what comes behind it in full; the words of the log. */
const CASES: readonly [string, CacheOutcome, string, string, string][] = [
  ['§2.1 hit', HIT, 'hit; ttl=30', 'detail=fresh', 'hit'],
  ['§2.4 parts of a second', { ...HIT, ttlS: 0.9 }, 'hit; ttl=0', 'detail=fresh', 'hit'],
  [
    '§2.4 stale',
    { ...HIT, ttlS: -0.1, detail: 'max-stale' },
    'hit; ttl=-1',
    'detail=max-stale',
    'hit stale max-stale',
  ],
  ['§2.4 not -0', { ...HIT, ttlS: -0 }, 'hit; ttl=0', 'detail=fresh', 'hit stale'],
  ['§2.4 not known', { ...HIT, ttlS: null }, 'hit', 'detail=fresh', 'hit'],
  ['§2.2 miss', MISS, 'fwd=uri-miss; ttl=30; stored', 'detail=max-age', 'miss stored max-age'],
  [
    '§2.2 another variant',
    { ...MISS, fwd: 'vary-miss' },
    'fwd=vary-miss; ttl=30; stored',
    'detail=max-age',
    'miss vary stored max-age',
  ],
  [
    '§2.5 not stored',
    { ...MISS, stored: false, ttlS: null, detail: 'no-store' },
    'fwd=uri-miss',
    'detail=no-store',
    'miss no-store',
  ],
  [
    '§2.3 validated',
    { ...MISS, fwd: 'stale', fwdStatus: 304, detail: 'stale' },
    'fwd=stale; fwd-status=304; ttl=30; stored',
    'detail=stale',
    'stale validated 304 stored',
  ],
  [
    '§2.3 only with fwd',
    { ...HIT, fwdStatus: 304, stored: true, collapsed: true },
    'hit; ttl=30',
    'detail=fresh',
    'hit',
  ],
  [
    '§2.1 hit and fwd exclude each other',
    { ...MISS, hit: true },
    'fwd=uri-miss; ttl=30; stored',
    'detail=max-age',
    'miss stored max-age',
  ],
  [
    '§2.6 collapsed',
    { ...MISS, collapsed: true },
    'fwd=uri-miss; ttl=30; stored; collapsed',
    'detail=max-age',
    'miss stored collapsed max-age',
  ],
  [
    '§2.8 a detail of several words',
    { ...HIT, detail: 'a "b"' },
    'hit; ttl=30',
    'detail="a \\"b\\""',
    'hit a "b"',
  ],
  [
    '§2.8 a detail that begins with a digit',
    { ...HIT, detail: '5a' },
    'hit; ttl=30',
    'detail="5a"',
    'hit 5a',
  ],
]

describe('Cache-Status', () => {
  for (const [name, outcome, short, detail, words] of CASES)
    it(name, () => {
      assert.equal(cacheStatus(outcome, false), `sluice; ${short}`)
      assert.equal(cacheStatus(outcome, true), `sluice; ${short}; key="http://a:80/x?y"; ${detail}`)
      assert.equal(logWord(outcome), words)
    })

  it('says nothing of a key and a detail that there are not', () => {
    assert.equal(cacheStatus({ ...HIT, key: '', detail: '' }, true), 'sluice; hit; ttl=30')
  })

  it('cuts long keys', () => {
    const value = cacheStatus({ ...HIT, key: `http://a:80/${'x'.repeat(65_536)}` }, true)
    assert.match(value, /key="http:\/\/a:80\/x+\.\.\."/)
    assert.ok(value.length < 600)
  })

  it('is a structured field that says what it was told', () => {
    const forward = fc.constantFrom<(Forward | null)[]>(
      null,
      'bypass',
      'method',
      'uri-miss',
      'miss',
      'stale',
      'partial',
    )
    const outcome = fc.record<CacheOutcome>({
      hit: fc.boolean(),
      fwd: forward,
      fwdStatus: fc.constantFrom(0, 200, 304),
      ttlS: fc.option(fc.double({ min: -2_147_483_648, max: 2_147_483_648, noNaN: true })),
      stored: fc.boolean(),
      collapsed: fc.boolean(),
      key: fc.string(),
      detail: fc.string(),
    })
    fc.assert(
      fc.property(outcome, fc.boolean(), (told, full) => {
        // A List of one Token with parameters has the form of a Dictionary with one member.
        const parameters = parseDictionary([cacheStatus(told, full)])?.get('sluice')?.parameters
        assert.ok(parameters !== undefined)
        const said = (name: string) => parameters.get(name)?.value
        assert.equal(said('fwd'), told.fwd ?? undefined)
        assert.equal(said('hit'), told.fwd === null && told.hit ? true : undefined)
        if (told.ttlS !== null) assert.ok(Number(said('ttl')) <= told.ttlS)
        if (!full) assert.equal(said('key'), undefined)
        assert.doesNotMatch(logWord({ ...told, detail: 'x' }), /["\r\n]/)
      }),
    )
  })
})
