/** Answers whose heads many have in common, written by a session: like any other, to every kind of client. */
import assert from 'node:assert/strict'
import { conversation, DATE } from '../../test/support/playbook.ts'
import { lastingCopy } from '../base/lasting.ts'
import type { Exchange } from '../exchange/exchange.ts'
import type { Handler } from '../exchange/handler.ts'
import { HeaderList } from '../http/header-list.ts'
import { HeadOfMany, SharedHead } from '../http/shared-head.ts'

const CONTENT = lastingCopy(Buffer.from('small'))
const FIELDS = [
  ['Date', DATE.slice('Date: '.length)],
  ['Content-Length', '5'],
] as const

/** Answers all with one head; `rooms` gets what is said of the room for more. */
function many(rooms: boolean[], beforeContent = () => {}): Handler {
  const shared = new SharedHead(200, 'OK', HeaderList.from(FIELDS))
  return {
    handle({ reply }: Exchange): void {
      reply.open({ pause() {}, resume() {}, cancel() {} })
      reply.head(new HeadOfMany(shared))
      beforeContent()
      rooms.push(reply.data(CONTENT))
      reply.end()
    },
  }
}

const ANSWER = ['HTTP/1.1 200 OK', DATE, 'Content-Length: 5', '', 'small']
const rooms: boolean[] = []

conversation(
  'one client after the other, each with its own word',
  { handler: many(rooms) },
  ({ book, client }) => {
    for (let i = 0; i < 3; i++) {
      client.sends('GET / HTTP/1.1', 'Host: shop', '', '')
      client.gets(...ANSWER)
    }
    client.sends('HEAD / HTTP/1.1', 'Host: shop', '', '')
    client.gets(...ANSWER.slice(0, -1), '')
    const old = book.connects()
    old.sends('GET / HTTP/1.0', 'Host: shop', 'Connection: keep-alive', '', '')
    old.gets('HTTP/1.1 200 OK', DATE, 'Content-Length: 5', 'Connection: keep-alive', '', 'small')
    client.sends('GET / HTTP/1.1', 'Host: shop', 'Connection: close', '', '')
    client.gets('HTTP/1.1 200 OK', DATE, 'Content-Length: 5', 'Connection: close', '', 'small')
    assert.ok(rooms.every(room => room))
  },
)

const slowRooms: boolean[] = []
let beforeContent = (): void => {}

conversation(
  'content as text says as well that there is no room',
  { handler: many(slowRooms, () => beforeContent()) },
  ({ client }) => {
    for (const slow of [false, false, true]) {
      beforeContent = () => void (slow && client.stopsReading())
      client.sends('GET / HTTP/1.1', 'Host: shop', '', '')
      client.gets(...ANSWER)
    }
    assert.deepEqual(slowRooms, [true, true, false])
    client.readsAgain()
  },
)
