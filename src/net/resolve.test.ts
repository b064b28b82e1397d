import assert from 'node:assert/strict'
import test, { mock } from 'node:test'
import { systemClock } from '../base/clock.ts'
import type { ProxyError } from '../base/errors.ts'
import { type LookupAll, Resolver } from './resolve.ts'

/** A resolver whose questions the test answers, and a clock that it moves. */
function cast(name: string, ttlMs = 1_000) {
  const asked: Parameters<LookupAll>[1][] = []
  const answers: string[] = []
  const resolver = new Resolver(name, ttlMs, (_name, done) => asked.push(done))
  return {
    asked,
    /** What those who asked were told since the last look. */
    told: () => answers.splice(0),
    asks: () =>
      resolver.resolve((error: ProxyError | null, addresses) => {
        answers.push(error === null ? addresses.join() : `${error.code}: ${error.detail}`)
      }),
    answers: (...addresses: string[]) => asked.shift()?.(null, addresses),
    fails: (code: string) => asked.shift()?.(Object.assign(new Error(code), { code }), []),
  }
}

function passes(ms: number): void {
  const nowMs = systemClock.preciseMs() + ms
  mock.method(systemClock, 'preciseMs', () => nowMs)
}

test.afterEach(() => mock.restoreAll())

test('addresses need no question', () => {
  for (const address of ['127.0.0.1', '::1', '2001:db8::7']) {
    const { asked, asks, told } = cast(address)
    asks()
    assert.deepEqual(told(), [address])
    assert.equal(asked.length, 0)
  }
})

test('one question for all who wait', () => {
  const { asked, asks, told, answers } = cast('shop')
  asks()
  asks()
  assert.equal(asked.length, 1)
  assert.deepEqual(told(), [])
  answers('10.0.0.1', '10.0.0.2')
  assert.deepEqual(told(), ['10.0.0.1,10.0.0.2', '10.0.0.1,10.0.0.2'])
})

test('an answer is used until it ages, and while it is asked for again', () => {
  passes(0)
  const { asked, asks, told, answers } = cast('shop', 1_000)
  asks()
  answers('10.0.0.1')
  passes(900)
  asks()
  assert.equal(asked.length, 0)
  passes(200)
  asks()
  asks()
  assert.equal(asked.length, 1)
  assert.deepEqual(told(), ['10.0.0.1', '10.0.0.1', '10.0.0.1', '10.0.0.1'])
  answers('10.0.0.2')
  asks()
  assert.deepEqual(told(), ['10.0.0.2'])
  assert.equal(asked.length, 0)
})

test('an aged answer stays in use when it cannot be had again, and the question is repeated', () => {
  passes(0)
  const { asked, asks, told, answers, fails } = cast('shop', 1_000)
  asks()
  answers('10.0.0.1')
  passes(2_000)
  asks()
  fails('EAI_AGAIN')
  asks()
  assert.deepEqual(told(), ['10.0.0.1', '10.0.0.1', '10.0.0.1'])
  assert.equal(asked.length, 1)
  answers('10.0.0.3')
  asks()
  assert.deepEqual(told(), ['10.0.0.3'])
})

test('a name that does not resolve is asked for each time, until it does', () => {
  const { asks, told, answers, fails } = cast('shop')
  asks()
  fails('ENOTFOUND')
  assert.deepEqual(told(), ['name_not_resolved: "shop": ENOTFOUND.'])
  asks()
  answers()
  assert.deepEqual(told(), ['name_not_resolved: "shop": no address.'])
  asks()
  answers('10.0.0.1')
  assert.deepEqual(told(), ['10.0.0.1'])
})

test('who is told may ask again at once', () => {
  const told: string[] = []
  const questions: Parameters<LookupAll>[1][] = []
  const resolver = new Resolver('shop', 0, (_name, done) => questions.push(done))
  resolver.resolve(() => resolver.resolve((_error, addresses) => told.push(addresses.join())))
  questions.shift()?.(null, [])
  assert.equal(questions.length, 1)
  questions.shift()?.(null, ['10.0.0.1'])
  assert.deepEqual(told, ['10.0.0.1'])
})

test('the system knows localhost', async () => {
  const addresses = await new Promise<readonly string[]>((resolve, reject) => {
    new Resolver('localhost', 1_000).resolve((error, found) =>
      error === null ? resolve(found) : reject(error),
    )
  })
  assert.ok(addresses.some(address => address === '127.0.0.1' || address === '::1'))
})
