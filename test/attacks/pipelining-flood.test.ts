/**
 * A client sends requests without end on one connection and never reads an answer. A proxy that answers as fast
 * as it reads would keep all those answers in its memory, for one client, until it has none left; a proxy that
 * reads ahead without limit would keep all those requests.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RespondHandler } from '../../src/layers/respond.ts'
import { answer, startOrigin } from '../support/origin.ts'
import { startProxy } from '../support/proxy.ts'
import { connect, type RawClient } from '../support/raw-client.ts'
import { request } from '../support/requests.ts'
import { turns } from '../support/wait.ts'

/** What the kernel may hold between the two ends of a loopback connection, both ways, and our own buffers. */
const HELD_BYTES_MAX = 64 * 1_048_576

/**
 * Sends `text` again and again until nothing moves any more, or until `taken` says that it was too much.
 * Gives what `taken` says in the end.
 */
async function flood(client: RawClient, text: string, taken: (sentBytes: number) => number): Promise<number> {
  const batch = Buffer.from(text.repeat(Math.ceil(65_536 / text.length)))
  let sent = 0
  let before = -1
  for (let quiet = 0; quiet < 100; ) {
    const waiting = client.socket.writableLength
    const now = taken(sent - waiting)
    if (now > HELD_BYTES_MAX) break
    quiet = now === before && waiting > 1_048_576 ? quiet + 1 : 0
    before = now
    if (waiting <= 1_048_576) {
      client.send(batch)
      sent += batch.length
    }
    await turns(2)
  }
  return taken(sent - client.socket.writableLength)
}

test('answers of the proxy itself that nobody reads stop the reading of requests', async t => {
  const body = 'x'.repeat(10_000)
  const proxy = await startProxy(t, {
    routes: () => [{ handler: new RespondHandler({ status: 200, body }) }],
  })
  const client = await connect(t, proxy, { held: true })
  const answered = await flood(client, request('/'), () => proxy.records.all.length * body.length)
  assert.ok(answered < HELD_BYTES_MAX, `${answered} bytes of answers were made for nobody`)
})

test('answers of an origin that nobody reads stop the reading of requests', async t => {
  const body = 'x'.repeat(10_000)
  const origin = await startOrigin(t, (_, wire) => wire.send(answer(body)))
  const proxy = await startProxy(t, { to: origin })
  const client = await connect(t, proxy, { held: true })
  const answered = await flood(client, request('/'), () => origin.requests.all.length * body.length)
  assert.ok(answered < HELD_BYTES_MAX, `${answered} bytes of answers were fetched for nobody`)
})

test('while one answer is awaited, the requests behind it are read up to a limit only', async t => {
  const origin = await startOrigin(t, () => {})
  const proxy = await startProxy(t, { to: origin })
  const client = await connect(t, proxy)
  const taken = await flood(client, request('/'), sentBytes => sentBytes)
  assert.ok(taken < HELD_BYTES_MAX, `${taken} bytes of requests were taken`)
  assert.equal(origin.requests.all.length, 1)
})

test('ten thousand pipelined requests are answered, each one and in order', async t => {
  const origin = await startOrigin(t, (request, wire) => wire.send(answer(request.target)))
  const proxy = await startProxy(t, { to: origin })
  const client = await connect(t, proxy)
  client.recording = false
  const count = 10_000
  let text = ''
  for (let i = 0; i < count; i++) text += request(`/${i}`)
  client.send(text)
  for (let i = 0; i < count; i++) assert.equal((await client.answer()).body.toString(), `/${i}`)
  assert.equal(origin.wires.all.length, 1)
  assert.equal(proxy.records.all.length, count)
})
