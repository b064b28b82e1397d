/**
 * Fields behind the body pass in both directions, to those who said that they take them.
 */
import assert from 'node:assert/strict'
import http from 'node:http'
import { test } from 'node:test'
import { startHttpOrigin, startOrigin } from '../support/origin.ts'
import { startProxy } from '../support/proxy.ts'
import { connect } from '../support/raw-client.ts'
import { CHUNKED, chunk, request, requestHead } from '../support/requests.ts'

const CHUNKED_ANSWER = `HTTP/1.1 200 OK\r\n${CHUNKED}Trailer: X-Sum\r\n\r\n${chunk('hello')}0\r\nX-Sum: 5\r\n\r\n`
const TAKES_TRAILERS = 'TE: trailers\r\nConnection: TE\r\n'

test('trailers of an answer reach a client that takes them', async t => {
  const origin = await startOrigin(t, (_, wire) => wire.send(CHUNKED_ANSWER))
  const proxy = await startProxy(t, { to: origin })
  const client = await connect(t, proxy)
  const answer = await client.ask(request('/', { fields: TAKES_TRAILERS }))
  assert.equal(answer.body.toString(), 'hello')
  assert.equal(answer.trailers.get('X-Sum'), '5')
  const { fields } = origin.requests.all[0]
  assert.equal(fields.get('TE'), 'trailers')
  assert.equal(fields.get('Connection'), 'TE')
})

test('trailers of an answer are kept from a client that did not ask for them', async t => {
  const origin = await startOrigin(t, (_, wire) => wire.send(CHUNKED_ANSWER))
  const proxy = await startProxy(t, { to: origin })
  const client = await connect(t, proxy)
  const answer = await client.ask(request('/'))
  assert.equal(answer.body.toString(), 'hello')
  assert.deepEqual(answer.trailers.lines, [])
  assert.equal(origin.requests.all[0].fields.get('TE'), null)
})

test('a request that goes out a second time still says that its client takes trailers', async t => {
  let requests = 0
  const origin = await startOrigin(t, (_, wire) => {
    if (++requests === 2) wire.destroy()
    else wire.send(CHUNKED_ANSWER)
  })
  const proxy = await startProxy(t, { to: origin })
  const client = await connect(t, proxy)
  await client.ask(request('/one'))
  const answer = await client.ask(request('/two', { fields: TAKES_TRAILERS }))
  assert.equal(answer.trailers.get('X-Sum'), '5')
  assert.deepEqual(origin.lines, ['GET /one HTTP/1.1', 'GET /two HTTP/1.1', 'GET /two HTTP/1.1'])
  assert.equal(origin.requests.all[2].fields.get('TE'), 'trailers')
})

test('trailers of a request reach the origin', async t => {
  const origin = await startOrigin(t)
  const proxy = await startProxy(t, { to: origin })
  const client = await connect(t, proxy)
  const body = `${chunk('hello')}0\r\nX-Sum: 5\r\nContent-Length: 9\r\nHost: evil\r\n\r\n`
  const answer = await client.ask(`${requestHead('/', CHUNKED)}${body}`)
  assert.equal(answer.body.toString(), 'POST / 5')
  const content = await origin.requests.all[0].content()
  // RFC 9110 §6.5.1: fields that frame or route have no business behind the body.
  assert.deepEqual(content.trailers.lines, [['X-Sum', '5']])
})

test('Node sends trailers through the proxy and reads them from it', async t => {
  const seen = Promise.withResolvers<NodeJS.Dict<string>>()
  const origin = await startHttpOrigin(t, (request, response) => {
    request.resume().on('end', () => {
      seen.resolve(request.trailers)
      response.writeHead(200, { Trailer: 'X-Answer-Sum' })
      response.write('hello')
      response.addTrailers({ 'X-Answer-Sum': '5' })
      response.end()
    })
  })
  const proxy = await startProxy(t, { to: origin })
  const headers = {
    TE: 'trailers',
    Connection: 'TE, close',
    Trailer: 'X-Request-Sum',
    'Transfer-Encoding': 'chunked',
  }
  const outgoing = http.request({ port: proxy.port, method: 'POST', headers })
  outgoing.addTrailers({ 'X-Request-Sum': '3' })
  outgoing.end('abc')
  const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>()
  outgoing.on('error', reject)
  outgoing.on('response', response => response.resume().on('end', () => resolve(response)))
  const response = await promise
  assert.deepEqual({ ...(await seen.promise) }, { 'x-request-sum': '3' })
  assert.deepEqual({ ...response.trailers }, { 'x-answer-sum': '5' })
})
