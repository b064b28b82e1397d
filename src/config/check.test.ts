import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { checkData } from './check.ts'
import { pathText } from './problems.ts'

test('whatever the data is, it is checked and never throws', () => {
  const odd = fc.anything({ withNullPrototype: true, withSparseArray: true, maxDepth: 2 })
  const text = fc.oneof(
    fc.string(),
    fc.constantFrom('shop', ':8080', '/x/*', '*.a', 'a:80', 'GET', 'https://a{path}'),
  )
  const route = fc.record(
    {
      host: fc.oneof(text, odd),
      path: fc.oneof(text, fc.array(text)),
      method: text,
      to: text,
      redirect: fc.oneof(text, odd),
      respond: odd,
      layers: fc.array(odd),
    },
    { requiredKeys: [] },
  )
  const listener = fc.record(
    { listen: fc.oneof(text, fc.integer(), odd), routes: fc.oneof(fc.array(fc.oneof(route, odd)), odd) },
    { requiredKeys: [] },
  )
  const config = fc.record(
    {
      upstreams: fc.oneof(fc.dictionary(text, fc.oneof(text, odd)), odd),
      listeners: fc.oneof(fc.array(fc.oneof(listener, odd)), odd),
    },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(fc.oneof(config, odd), data => {
      const { config, problems } = checkData(data, '.')
      const faults = problems.filter(problem => problem.level === 'fault')
      assert.equal(config === null, faults.length > 0)
      for (const { path, message } of problems) {
        assert.ok(message.length > 0, pathText(path))
        assert.doesNotMatch(message, /Invalid input|undefined/, pathText(path))
      }
    }),
    { numRuns: 2000 },
  )
})

test('a config of many routes is checked in no time', () => {
  const routes = Array.from({ length: 2000 }, (_, index) => ({
    host: `h${index}.example.com`,
    path: ['/a/*', '/b'],
    to: 'shop',
  }))
  const began = performance.now()
  const { problems } = checkData({ upstreams: { shop: 'a' }, listeners: [{ listen: 1, routes }] }, '.')
  assert.deepEqual(problems, [])
  assert.ok(performance.now() - began < 5000)
})

test('the admin endpoint has an address of its own', () => {
  const problems = (admin: unknown, listen: unknown) =>
    checkData({ admin, listeners: [{ listen, routes: [{ respond: 'x' }] }] }, '/srv').problems.map(
      ({ path, message }) => `${pathText(path)}: ${message}`,
    )
  const taken = ['admin: listeners[0].listen listens there already: choose another port']
  assert.deepEqual(problems('127.0.0.1:8080', ':8080'), taken)
  assert.deepEqual(problems({ listen: '127.0.0.1:8080' }, '127.0.0.1:8080'), taken)
  assert.deepEqual(problems('unix:/run/a.sock', 'unix:/run/a.sock'), taken)
  assert.deepEqual(problems('127.0.0.1:8079', ':8080'), [])
  assert.deepEqual(problems('127.0.0.1:0', '127.0.0.1:0'), [])
})
