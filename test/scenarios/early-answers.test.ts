/**
 * Answers that come while the request is still being sent, and connections that are ended so that the other
 * side gets to read what it was told.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answer, startOrigin } from '../support/origin.ts'
import { startProxy } from '../support/proxy.ts'
import { connect } from '../support/raw-client.ts'
import { CHUNKED, chunk, request, requestHead } from '../support/requests.ts'
import { turns } from '../support/wait.ts'

test('an answer to an unfinished upload is passed on at once, and the upload ends for the origin', async t => {
  const origin = await startOrigin(t, (_, wire) => wire.send(answer('enough', '413 Content Too Large')), {
    faultsExpected: true,
  })
  const proxy = await startProxy(t, { to: origin })
  const client = await connect(t, proxy)
  client.send(`${requestHead('/', CHUNKED)}${chunk('the first of many')}`)
  const told = await client.answer('POST')
  assert.equal(told.status, 413)
  assert.equal(told.fields.get('Connection'), 'close')
  await (await origin.wires.at(0)).ended()
  assert.equal(proxy.counters.idle, 0)
})

test('a client that goes on sending after the answer reads it and sees no broken connection', async t => {
  const origin = await startOrigin(t, (_, wire) => wire.send(answer('enough', '413 Content Too Large')), {
    faultsExpected: true,
  })
  const proxy = await startProxy(t, { to: origin })
  const client = await connect(t, proxy)
  client.send(requestHead('/', 'Content-Length: 3000000\r\n'))
  for (let i = 0; i < 30; i++) {
    client.send(Buffer.alloc(100_000))
    await turns(1)
  }
  assert.equal((await client.answer('POST')).body.toString(), 'enough')
  assert.equal(await client.ended(), 'end')
})

test('a refused request whose client goes on sending is read to its error', async t => {
  const proxy = await startProxy(t, {})
  for (let i = 0; i < 10; i++) {
    const client = await connect(t, proxy)
    client.send(
      `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n${'x'.repeat(1_000_000)}`,
    )
    assert.equal((await client.answer('POST')).status, 400)
    assert.equal(await client.ended(), 'end')
  }
})

test('a client that never stops sending after its answer is cut off', async t => {
  const proxy = await startProxy(t, {})
  const client = await connect(t, proxy)
  client.send('NONSENSE\r\n\r\n')
  assert.equal((await client.answer()).status, 400)
  let sent = 0
  while (!client.socket.destroyed && sent < 64_000_000) {
    client.send(Buffer.alloc(100_000))
    sent += 100_000
    await turns(2)
  }
  assert.ok(sent < 64_000_000, `${sent} bytes were taken`)
})

test('a small body that nobody wanted is read, and the connection goes on', async t => {
  const origin = await startOrigin(t, async (request, wire) => {
    if (request.method === 'GET') wire.send(answer('next'))
    else wire.send(answer('early', '401 Unauthorized'))
  })
  const proxy = await startProxy(t, { to: origin })
  const client = await connect(t, proxy)
  client.send(requestHead('/', 'Content-Length: 10\r\n'))
  const told = await client.answer('POST')
  assert.equal(told.status, 401)
  assert.equal(told.fields.get('Connection'), null)
  client.send(`0123456789${request('/next')}`)
  assert.equal((await client.answer()).body.toString(), 'next')
})

test('an answer that begins before its request is whole goes on beside it', async t => {
  const origin = await startOrigin(t, async (request, wire) => {
    wire.send(`HTTP/1.1 200 OK\r\n${CHUNKED}\r\n${chunk('begun ')}`)
    const { body } = await request.content()
    wire.send(`${chunk(`and got ${body.length}`)}${chunk('')}`)
  })
  const proxy = await startProxy(t, { to: origin })
  const client = await connect(t, proxy)
  client.send(`${requestHead('/', CHUNKED)}${chunk('one')}`)
  const head = await client.head('POST')
  assert.equal(head?.status, 200)
  assert.equal((await client.through('begun \r\n'))?.toString(), '6\r\nbegun \r\n')
  client.send(`${chunk('three')}${chunk('')}`)
  assert.equal((await client.rest()).toString(), `9\r\nand got 8\r\n0\r\n\r\n`)
})
