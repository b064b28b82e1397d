/** To a layer it is a head of its own; only the writer sees what answers have in common. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { lastingCopy } from '../base/lasting.ts'
import { HeaderList } from './header-list.ts'
import type { ResponseHead } from './message.ts'
import { HeadOfMany, SharedHead } from './shared-head.ts'

const shared = () => new SharedHead(200, 'OK', HeaderList.from([['A', '1']]))

const TOUCHES: Readonly<Record<string, (head: ResponseHead) => unknown>> = {
  'looks at the fields': head => head.headers.get('a'),
  'adds a field': head => head.headers.add('B', '2'),
  'puts other fields in their place': head => {
    head.headers = HeaderList.from([['C', '3']])
  },
  'changes the status': head => {
    head.status = 404
  },
  'changes the reason': head => {
    head.reason = 'Fine'
  },
}

for (const [what, touch] of Object.entries(TOUCHES))
  test(`a layer that ${what} has a head of its own from then on`, () => {
    const common = shared()
    const head = new HeadOfMany(common)
    const other = new HeadOfMany(common)
    touch(head)
    assert.equal(head.shared, null)
    assert.equal(other.shared, common)
    assert.deepEqual([common.status, common.reason, common.headers.text], [200, 'OK', 'A: 1\r\n'])
    assert.equal(other.headers.text, 'A: 1\r\n')
  })

test('what a layer changes stays changed, and the rest as it was', () => {
  const head: ResponseHead = new HeadOfMany(shared())
  head.status = 203
  head.headers.add('B', '2')
  head.headers.set('A', '0')
  assert.deepEqual([head.status, head.reason, head.headers.text], [203, 'OK', 'A: 0\r\nB: 2\r\n'])
})

test('looking at status and reason is nothing yet', () => {
  const common = shared()
  const head = new HeadOfMany(common)
  assert.deepEqual([head.status, head.reason, head.version], [200, 'OK', 11])
  assert.equal(head.shared, common)
})

test('small lasting content is remembered as text from the second time on', () => {
  const head = shared()
  const content = lastingCopy(Buffer.from('h\xe9llo', 'latin1'))
  const texts = () => [head.textOf(content), head.textOf(content), head.textOf(content)]
  assert.deepEqual(texts(), [null, 'h\xe9llo', 'h\xe9llo'])
  const other = lastingCopy(Buffer.from('other'))
  assert.deepEqual([head.textOf(other), head.textOf(other)], [null, 'other'])
  assert.equal(head.textOf(content), null, 'only that of the last')
})

const FORGOTTEN: Readonly<Record<string, () => Buffer>> = {
  'lent bytes, which may be others the next time': () => Buffer.allocUnsafeSlow(5),
  'large ones': () => lastingCopy(Buffer.alloc(4097)),
  'a small part of a large memory': () => lastingCopy(Buffer.alloc(70_000)).subarray(0, 5),
}

for (const [what, make] of Object.entries(FORGOTTEN))
  test(`content is not remembered: ${what}`, () => {
    const head = shared()
    const content = make()
    assert.deepEqual([head.textOf(content), head.textOf(content)], [null, null])
  })
