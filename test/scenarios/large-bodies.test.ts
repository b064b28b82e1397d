/**
 * Bodies of many megabytes, byte by byte the same on both sides, in every framing and both directions.
 */
import assert from 'node:assert/strict'
import http from 'node:http'
import { test } from 'node:test'
import { Comparison, MEGABYTE, pieces } from '../support/bodies.ts'
import { startHttpOrigin } from '../support/origin.ts'
import { startProxy } from '../support/proxy.ts'
import { within } from '../support/wait.ts'

const BODY_BYTES = 50 * MEGABYTE

/** Writes body number `seed` as fast as it is taken; the message stays open. */
async function writeBody(target: http.OutgoingMessage, seed: number): Promise<void> {
  for (const piece of pieces(BODY_BYTES, seed)) {
    if (!target.write(piece)) await new Promise(resolve => target.once('drain', resolve))
  }
}

async function readBody(source: http.IncomingMessage, seed: number): Promise<string> {
  const comparison = new Comparison(BODY_BYTES, seed)
  for await (const piece of source) comparison.take(piece)
  return comparison.fault
}

const FRAMINGS = [
  ['with a length', { 'Content-Length': String(BODY_BYTES) }],
  ['in chunks', { 'Transfer-Encoding': 'chunked' }],
] as const

for (const [how, headers] of FRAMINGS) {
  test(`50 MB down ${how}`, async t => {
    const origin = await startHttpOrigin(t, (_, response) => {
      response.writeHead(200, headers)
      void writeBody(response, 1).then(() => response.end())
    })
    const proxy = await startProxy(t, { to: origin })
    const { promise, resolve } = Promise.withResolvers<http.IncomingMessage>()
    http.get({ port: proxy.port }, resolve)
    const fault = await within(
      promise.then(response => readBody(response, 1)),
      'the body',
      30_000,
    )
    assert.equal(fault, '')
    const record = await proxy.records.at(0)
    assert.equal(record.responseBytes, BODY_BYTES)
    assert.equal(record.error, '')
    assert.equal(proxy.counters.idle, 1)
  })

  test(`50 MB up ${how}`, async t => {
    const origin = await startHttpOrigin(t, async (request, response) => {
      response.end(await readBody(request, 2))
    })
    const proxy = await startProxy(t, { to: origin })
    const outgoing = http.request({ port: proxy.port, method: 'PUT', headers })
    const { promise, resolve } = Promise.withResolvers<http.IncomingMessage>()
    outgoing.on('response', resolve)
    await writeBody(outgoing, 2)
    outgoing.end()
    const response = await within(promise, 'the answer', 30_000)
    let fault = ''
    for await (const piece of response) fault += piece
    assert.equal(fault, '')
    assert.equal((await proxy.records.at(0)).requestBytes, BODY_BYTES)
    assert.equal(proxy.counters.idle, 1)
  })
}

test('50 MB up and 50 MB down at the same time, on one exchange', async t => {
  const origin = await startHttpOrigin(t, async (request, response) => {
    response.flushHeaders()
    const [fault] = await Promise.all([readBody(request, 3), writeBody(response, 4)])
    assert.equal(fault, '')
    // An answer that is over before its request would make an end of the upload.
    response.end()
  })
  const proxy = await startProxy(t, { to: origin })
  const outgoing = http.request({ port: proxy.port, method: 'POST' })
  const { promise, resolve } = Promise.withResolvers<http.IncomingMessage>()
  outgoing.on('response', resolve)
  outgoing.flushHeaders()
  const response = await within(promise, 'the head')
  const uploading = writeBody(outgoing, 3).then(() => outgoing.end())
  const [fault] = await within(Promise.all([readBody(response, 4), uploading]), 'the bodies', 30_000)
  assert.equal(fault, '')
  const record = await proxy.records.at(0)
  assert.equal(record.requestBytes, BODY_BYTES)
  assert.equal(record.responseBytes, BODY_BYTES)
})
