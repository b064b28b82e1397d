import assert from 'node:assert/strict'
import test from 'node:test'
import type { Reply } from './exchange.ts'
import { fixedAnswer, sendFixed } from './fixed-answer.ts'

const ANSWERS: readonly [method: string, status: number, length: string | null, body: string][] = [
  ['GET', 200, '5', 'hello'],
  ['POST', 404, '5', 'hello'],
  ['HEAD', 200, '5', ''],
  ['GET', 204, null, ''],
  ['HEAD', 204, null, ''],
  ['GET', 205, '0', ''],
  ['GET', 304, null, ''],
]

test('length and body fit together', () => {
  for (const [method, status, length, body] of ANSWERS) {
    const answer = fixedAnswer(method, status, [['X-Kept', 'yes']], Buffer.from('hello'))
    assert.equal(answer.head.headers.get('Content-Length'), length, `${method} ${status}`)
    assert.equal(answer.head.headers.get('X-Kept'), 'yes')
    assert.equal(String(answer.body), body, `${method} ${status}`)
  }
})

test('each answer has a head of its own', () => {
  const fields = [['X-A', 'a']] as const
  const make = () => fixedAnswer('GET', 200, fields, Buffer.from('x')).head
  assert.notEqual(make().headers, make().headers)
})

test('it is sent in the order a reply expects', () => {
  const calls: string[] = []
  const reply: Reply = {
    open: source => {
      source.pause()
      source.resume()
      calls.push('open')
    },
    early: () => calls.push('early'),
    head: head => calls.push(`head ${head.status} ${head.reason}`),
    data: chunk => {
      calls.push(`data ${chunk}`)
      return false
    },
    trailers: () => calls.push('trailers'),
    end: () => calls.push('end'),
    fail: () => calls.push('fail'),
  }
  sendFixed(reply, fixedAnswer('GET', 200, [], Buffer.from('hi')))
  sendFixed(reply, fixedAnswer('GET', 204, [], Buffer.from('hi')))
  assert.deepEqual(calls, ['open', 'head 200 OK', 'data hi', 'end', 'open', 'head 204 No Content', 'end'])
})
