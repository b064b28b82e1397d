/**
 * Part of the suite of stores: anything in any order, beside a list of what has to be there.
 * Strategy: the model is an array, newest first, that is searched from end to end; there is room for all, so nothing
 * may be missing. The seed of a failure is in its message.
 */
import assert from 'node:assert/strict'
import type { EntryHead } from '../../src/cache/entry.ts'
import { isMeant, madeStale } from '../../src/cache/purge.ts'
import type { Filling, Purge, Store } from '../../src/cache/store.ts'
import { Random } from '../fuzz/random.ts'
import { closeAll } from './store-content.ts'
import type { StoreTests } from './store-suite.ts'
import { contentOf, headOf, keyOf, lastingCopy, NOW_MS, plain, readFrom } from './stored.ts'

const FIRST_SEED = Number(process.env['SEED'] ?? 20_261_120)
const ROUNDS = 30
const STEPS = 80
const PATHS = ['/a', '/ab', '/b', '/b/c'] as const

interface Wanted {
  head: EntryHead
  content: Buffer
}

class Play {
  readonly store: Store
  readonly random: Random
  /** What has to be there, the newest first. */
  wanted: Wanted[] = []
  /** On their way. `doom`: a purge has reached it; with a number: softly. */
  fillings: {
    filling: Filling
    head: EntryHead
    content: Buffer
    at: number
    doom: number | 'gone' | null
  }[] = []
  #count = 0

  constructor(store: Store, random: Random) {
    this.store = store
    this.random = random
  }

  begins(): void {
    const { random } = this
    const bytes = random.of([0, 1, 300, 5_000, 70_000])
    const content = contentOf(bytes, this.#count++)
    const head = headOf(random.of(PATHS), bytes, {
      extras: random.of(['', '', 'x']),
      vary: random.of([[], [['accept', null]], [['accept', 'a']]]),
      tags: random.of([[], ['one'], ['one', 'two']]),
      etag: `"${this.#count}"`,
    })
    const filling = this.store.begin(head, random.once(2) ? -1 : bytes)
    assert.ok(filling)
    this.fillings.push({ filling, head, content, at: 0, doom: null })
  }

  goesOn(): void {
    const one = this.random.of(this.fillings)
    if (this.random.once(8)) {
      one.filling.abort()
      this.fillings.splice(this.fillings.indexOf(one), 1)
    } else if (one.at < one.content.length) {
      const end = this.random.once(2) ? one.content.length : one.at + 1 + this.random.below(40_000)
      assert.ok(one.filling.write(lastingCopy(one.content.subarray(one.at, end))))
      one.at = Math.min(end, one.content.length)
    } else {
      const entry = one.filling.commit(one.head)
      this.fillings.splice(this.fillings.indexOf(one), 1)
      assert.equal(entry !== null, one.doom !== 'gone')
      entry?.body.close()
      if (one.doom === 'gone') return
      const head = typeof one.doom === 'number' ? madeStale(one.head, one.doom) : one.head
      this.wanted = [
        { head, content: one.content },
        ...this.wanted.filter(each => variantOf(each.head) !== variantOf(head)),
      ]
    }
  }

  async purges(): Promise<void> {
    const { random } = this
    const what: Purge = random.of<Purge>([
      { kind: 'key', key: keyOf(random.of(PATHS)) },
      { kind: 'prefix', prefix: keyOf(random.of(['/a', '/b', '/'])) },
      { kind: 'tag', tag: random.of(['one', 'two']) },
      { kind: 'all' },
    ])
    const staleAtMs = random.once(2) ? null : NOW_MS + random.below(900) * 1_000
    const meant = this.wanted.filter(({ head }) => isMeant(what, head))
    assert.equal(await this.store.purge(what, staleAtMs), meant.length)
    if (staleAtMs === null) this.wanted = this.wanted.filter(each => !meant.includes(each))
    else for (const each of meant) each.head = madeStale(each.head, staleAtMs)
    for (const one of this.fillings)
      if (isMeant(what, one.head) && one.doom !== 'gone')
        one.doom = staleAtMs === null ? 'gone' : Math.min(staleAtMs, one.doom ?? staleAtMs)
  }

  /** Finds one resource, compares all of it, and perhaps updates or removes one variant. */
  async looks(): Promise<void> {
    const key = keyOf(this.random.of(PATHS))
    const entries = await this.store.find(key)
    const wanted = this.wanted.filter(({ head }) => head.key === key)
    assert.deepEqual(
      entries.map(({ head }) => plain(head)),
      wanted.map(({ head }) => plain(head)),
    )
    for (const [n, entry] of entries.entries()) {
      const at = this.random.below(wanted[n].content.length + 1)
      assert.ok((await readFrom(entry, at)).equals(wanted[n].content.subarray(at)), `content of ${key}`)
    }
    if (entries.length > 0) {
      const n = this.random.below(entries.length)
      const deed = this.random.below(3)
      if (deed === 0) {
        this.store.remove(entries[n])
        this.wanted.splice(this.wanted.indexOf(wanted[n]), 1)
      } else if (deed === 1) {
        wanted[n].head = {
          ...wanted[n].head,
          lastModified: `${this.#count++}`,
          tags: this.random.of([[], ['two']]),
        }
        this.store.update(entries[n], wanted[n].head)
      }
    }
    closeAll(entries)
  }
}

const variantOf = ({ key, extras, vary }: EntryHead): string => JSON.stringify([key, extras, vary])

export const MODEL_TESTS: StoreTests = {
  [`holds what a list would hold, over ${ROUNDS} plays of ${STEPS} steps`]: async (store, settled) => {
    for (let seed = FIRST_SEED; seed < FIRST_SEED + ROUNDS; seed++) {
      const random = new Random(seed)
      const play = new Play(store, random)
      try {
        for (let step = 0; step < STEPS; step++) {
          const deed = random.below(20)
          if (deed < 5) play.begins()
          else if (deed < 13 && play.fillings.length > 0) play.goesOn()
          else if (deed === 13) await play.purges()
          else await play.looks()
          if (random.once(10)) await settled()
        }
        for (const { filling } of play.fillings) filling.abort()
        await settled()
        const { entries } = await store.stats()
        assert.equal(entries, play.wanted.length)
        const removed = await store.purge({ kind: 'all' }, null)
        assert.equal(removed, entries)
        await settled()
        assert.equal((await store.stats()).bytes, 0)
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error })
      }
    }
  },
}
