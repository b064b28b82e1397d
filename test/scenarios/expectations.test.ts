/**
 * Expect: 100-continue from end to end: the origin says whether the body is wanted, not the proxy.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answer, echo, startOrigin } from '../support/origin.ts'
import { startProxy } from '../support/proxy.ts'
import { connect } from '../support/raw-client.ts'
import { CHUNKED, chunk, request, requestHead } from '../support/requests.ts'
import { turns } from '../support/wait.ts'

const EXPECTS = 'Expect: 100-continue\r\nContent-Length: 5\r\n'

test('the 100 of the origin reaches the client, then its body reaches the origin', async t => {
  const origin = await startOrigin(t, async (request, wire) => {
    if (request.fields.get('Expect') !== null) wire.send('HTTP/1.1 100 Continue\r\n\r\n')
    await echo(request, wire)
  })
  const proxy = await startProxy(t, { to: origin })
  const client = await connect(t, proxy)
  client.send(requestHead('/', EXPECTS))
  assert.equal((await client.answer()).status, 100)
  assert.equal(origin.requests.all[0].fields.get('Expect'), '100-continue')
  assert.equal(origin.requests.all[0].wire.waiting, 0)
  client.send('hello')
  assert.equal((await client.answer('POST')).body.toString(), 'POST / 5')
  // The body came as it was asked for: the connection goes on.
  assert.equal((await client.ask(request('/next'))).status, 200)
})

test('the proxy says no 100 of its own', async t => {
  const origin = await startOrigin(t, () => {})
  const proxy = await startProxy(t, { to: origin })
  const client = await connect(t, proxy)
  client.send(requestHead('/', EXPECTS))
  await origin.requests.at(0)
  await turns(20)
  assert.equal(client.received, '')
})

for (const status of ['417 Expectation Failed', '413 Content Too Large', '200 OK'])
  test(`a final ${status} instead of 100 is passed on, and the body never asked for`, async t => {
    const origin = await startOrigin(t, (_, wire) => wire.send(answer('no', status)), {
      faultsExpected: true,
    })
    const proxy = await startProxy(t, { to: origin })
    const client = await connect(t, proxy)
    client.send(requestHead('/', EXPECTS))
    const told = await client.answer('POST')
    assert.equal(told.status, Number(status.slice(0, 3)))
    // Nobody knows whether the client sends its body now: what comes next cannot be told from a request.
    assert.equal(told.fields.get('Connection'), 'close')
    client.send('helloGET /hidden HTTP/1.1\r\nHost: a\r\n\r\n')
    assert.equal(await client.ended(), 'end')
    assert.equal(origin.requests.all.length, 1)
    assert.ok(!origin.received.includes('hello'))
  })

test('a client that does not wait for the 100 is served', async t => {
  const origin = await startOrigin(t)
  const proxy = await startProxy(t, { to: origin })
  const client = await connect(t, proxy)
  client.send(`${requestHead('/', EXPECTS)}hello${request('/next')}`)
  assert.equal((await client.answer('POST')).body.toString(), 'POST / 5')
  assert.equal((await client.answer()).body.toString(), 'GET /next 0')
})

test('an origin that says 100 and then refuses', async t => {
  const origin = await startOrigin(t, (_, wire) => {
    wire.send('HTTP/1.1 100 Continue\r\n\r\n')
    wire.send(answer('no', '403 Forbidden'))
  })
  const proxy = await startProxy(t, { to: origin })
  const client = await connect(t, proxy)
  client.send(requestHead('/', `Expect: 100-continue\r\n${CHUNKED}`))
  assert.equal((await client.answer()).status, 100)
  assert.equal((await client.answer('POST')).status, 403)
  client.send(`${chunk('hello')}${chunk('')}`)
  assert.equal(await client.ended(), 'end')
})

test('an answer of the proxy itself comes instead of 100', async t => {
  const proxy = await startProxy(t, { to: [] })
  const client = await connect(t, proxy)
  client.send(requestHead('/', EXPECTS))
  const told = await client.answer('POST')
  assert.equal(told.status, 503)
  assert.equal(told.fields.get('Connection'), 'close')
})

test('an expectation that nobody knows is refused, in HTTP/1.0 it is ignored', async t => {
  const origin = await startOrigin(t)
  const proxy = await startProxy(t, { to: origin })
  const client = await connect(t, proxy)
  assert.equal((await client.ask(request('/', { fields: 'Expect: the-impossible\r\n' }))).status, 417)
  const old = await connect(t, proxy)
  const told = await old.ask(
    request('/old', { version: '1.0', fields: 'Expect: 100-continue\r\n', method: 'POST', body: 'x' }),
  )
  assert.equal(told.body.toString(), 'POST /old 1')
  assert.equal(origin.requests.all[0].fields.get('Expect'), null)
})

test('interim answers of HTTP/1.1 are kept from a client of HTTP/1.0', async t => {
  const origin = await startOrigin(t, (_, wire) =>
    wire.send(`HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${answer('ok')}`),
  )
  const proxy = await startProxy(t, { to: origin })
  const old = await connect(t, proxy)
  assert.equal((await old.ask(request('/', { version: '1.0' }))).status, 200)
  const client = await connect(t, proxy)
  const hint = await client.ask(request('/'))
  assert.equal(hint.status, 103)
  assert.equal(hint.fields.get('Link'), '</a>')
  assert.equal((await client.answer()).body.toString(), 'ok')
})
