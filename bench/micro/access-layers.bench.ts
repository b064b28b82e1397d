/** What the layers that decide who gets in add to a request; credentials are remembered from the first one. */
import type { Exchange, Reply } from '../../src/exchange/exchange.ts'
import type { Layer } from '../../src/exchange/handler.ts'
import { HeaderList } from '../../src/http/header-list.ts'
import { basicAuthLayer } from '../../src/layers/basic-auth.ts'
import { corsLayer } from '../../src/layers/cors.ts'
import { ipAllowLayer } from '../../src/layers/ip-access.ts'
import type { Suite } from './harness.ts'

const REQUEST = HeaderList.from([
  ['Host', 'shop.example.com'],
  ['User-Agent', 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'],
  ['Accept', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'],
  ['Origin', 'https://app.example.com'],
  ['Authorization', 'Basic YWxpY2U6c2VzYW1l'],
])
const RESPONSE = HeaderList.from([
  ['Content-Type', 'text/html; charset=utf-8'],
  ['Content-Length', '1024'],
  ['Cache-Control', 'max-age=60'],
])

let answered = 0
const reply = {
  head() {
    answered++
  },
} as unknown as Reply

/** A request through the layer, and the head of its answer. */
function through(layer: Layer): () => number {
  const handler = layer({
    handle: exchange =>
      exchange.reply.head({ status: 200, reason: 'OK', version: 11, headers: RESPONSE.copy() }),
  })
  return () => {
    const request = { method: 'GET', target: '/', version: 11, headers: REQUEST.copy() }
    handler.handle({ request, reply, clientAddress: '10.1.2.3', notes: {} } as unknown as Exchange)
    return answered
  }
}

const suite: Suite = {
  title: 'one request and the head of its answer',
  cases: [
    { name: 'no layer', run: through(next => next) },
    { name: 'ipAllow', run: through(ipAllowLayer(['192.0.2.0/24', '2001:db8::/32', '10.0.0.0/8'])) },
    {
      name: 'basicAuth',
      run: through(basicAuthLayer({ realm: 'x', users: new Map([['alice', 'sesame']]) })),
    },
    { name: 'cors', run: through(corsLayer({ origins: ['https://app.example.com'] })) },
  ],
}

export default suite
