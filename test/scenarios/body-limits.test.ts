/**
 * Request bodies that are larger than a route takes, with sockets that have a say in it.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bodyLimitLayer } from '../../src/layers/body-limit.ts'
import { echo, startOrigin } from '../support/origin.ts'
import { curl, testWith } from '../support/peers.ts'
import { startProxy } from '../support/proxy.ts'
import { connect } from '../support/raw-client.ts'
import { CHUNKED, chunk, request, requestHead } from '../support/requests.ts'

const LIMIT_BYTES = 100_000
const layers = [bodyLimitLayer({ bodyBytesMax: LIMIT_BYTES })]

test('a large upload is refused before it begins, and the client gets to read why', async t => {
  const origin = await startOrigin(t)
  const proxy = await startProxy(t, { to: origin, layers })
  const client = await connect(t, proxy)
  // Far more than the kernel takes: who only closed the connection would make the client lose the answer.
  client.send(request('/', { method: 'POST', body: 'x'.repeat(3_000_000) }))
  const told = await client.answer('POST')
  assert.equal(told.status, 413)
  assert.equal(told.fields.get('Connection'), 'close')
  assert.match(told.body.toString(), /sluice: body_too_large/)
  assert.equal(origin.received, '')
})

test('an upload without a length is stopped at the limit; the origin cannot take it for whole', async t => {
  const origin = await startOrigin(t, echo, { faultsExpected: true })
  const proxy = await startProxy(t, { to: origin, layers })
  const client = await connect(t, proxy)
  client.send(requestHead('/', CHUNKED))
  for (let sent = 0; sent <= LIMIT_BYTES; sent += 10_000) client.send(chunk('x'.repeat(10_000)))
  client.send(chunk(''))
  const told = await client.answer('POST')
  assert.equal(told.status, 413)
  await assert.rejects((await origin.requests.at(0)).content())
  const record = await proxy.records.at(0)
  assert.equal(record.status, 413)
  assert.equal(record.error, 'body_too_large')
})

test('what fits passes, with and without a length, and the connection is kept', async t => {
  const origin = await startOrigin(t)
  const proxy = await startProxy(t, { to: origin, layers })
  const client = await connect(t, proxy)
  const body = 'x'.repeat(LIMIT_BYTES)
  assert.equal(
    (await client.ask(request('/', { method: 'POST', body }))).body.toString(),
    `POST / ${LIMIT_BYTES}`,
  )
  client.send(requestHead('/', CHUNKED) + chunk(body) + chunk(''))
  assert.equal((await client.answer('POST')).body.toString(), `POST / ${LIMIT_BYTES}`)
})

testWith('curl', 'curl asks first and spares itself the upload', async t => {
  const origin = await startOrigin(t)
  const proxy = await startProxy(t, { to: origin, layers })
  const { stdout, stderr } = await curl(t, [
    '-v',
    '-H',
    'Expect: 100-continue',
    '--data-binary',
    'x'.repeat(LIMIT_BYTES + 1),
    proxy.url,
  ])
  assert.match(stdout.toString(), /body_too_large/)
  assert.match(stderr, /< HTTP\/1\.1 413/)
  assert.ok(!stderr.includes('100 Continue'))
  assert.equal(origin.received, '')
})
