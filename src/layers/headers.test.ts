import assert from 'node:assert/strict'
import test from 'node:test'
import { conversation, OK, OK_PASSED, VIA } from '../../test/support/playbook.ts'
import { ProxyError } from '../base/errors.ts'
import type { Source } from '../base/flow.ts'
import type { Exchange, Reply } from '../exchange/exchange.ts'
import type { Handler } from '../exchange/handler.ts'
import { HeaderList } from '../http/header-list.ts'
import type { ResponseHead } from '../http/message.ts'
import { type HeaderEdits, type HeadersOptions, headersLayer } from './headers.ts'

type Fields = readonly (readonly [string, string])[]

/** Runs a request with these fields through the layer; `serve` answers it. */
function run(
  options: HeadersOptions,
  requestFields: Fields,
  reply: Reply,
  serve: (exchange: Exchange) => void,
) {
  const request = { method: 'GET', target: '/', version: 11, headers: HeaderList.from(requestFields) }
  const exchange = { request, reply } as unknown as Exchange
  headersLayer(options)({ handle: serve }).handle(exchange)
  return exchange
}

const NO_REPLY = {} as Reply

const EDITS: readonly [name: string, edits: HeaderEdits, before: Fields, after: string[]][] = [
  ['set a new one', { set: { 'X-A': '1' } }, [['Host', 'h']], ['Host: h', 'X-A: 1']],
  [
    'set in place of all of the name, any case',
    { set: { 'x-a': '1' } },
    [
      ['X-A', 'old'],
      ['B', 'b'],
      ['x-A', 'older'],
    ],
    ['x-a: 1', 'B: b'],
  ],
  ['add beside', { add: { 'X-A': '2' } }, [['X-A', '1']], ['X-A: 1', 'X-A: 2']],
  [
    'remove, any case',
    { remove: ['COOKIE', 'absent'] },
    [
      ['Cookie', 'a'],
      ['B', 'b'],
      ['cookie', 'c'],
    ],
    ['B: b'],
  ],
  [
    'remove, then set, then add',
    { add: { A: '3' }, set: { A: '2' }, remove: ['A', 'B'] },
    [
      ['B', 'b'],
      ['A', '1'],
    ],
    ['A: 2', 'A: 3'],
  ],
  ['an empty value', { set: { A: '' } }, [], ['A: ']],
]

const linesOf = (headers: HeaderList) => headers.text.split('\r\n').slice(0, -1)

test('request edits', () => {
  for (const [name, edits, before, after] of EDITS) {
    let seen: string[] = []
    run({ request: edits }, before, NO_REPLY, exchange => {
      seen = linesOf(exchange.request.headers)
    })
    assert.deepEqual(seen, after, name)
  }
})

test('response edits touch the final head and no interim one', () => {
  for (const [name, edits, before, after] of EDITS) {
    const heads: string[][] = []
    const note = (head: ResponseHead) => void heads.push(linesOf(head.headers))
    const reply = { early: note, head: note } as Reply
    const head = (status: number): ResponseHead => ({
      status,
      reason: '',
      version: 11,
      headers: HeaderList.from(before),
    })
    run({ response: edits }, [], reply, exchange => {
      exchange.reply.early(head(103))
      exchange.reply.head(head(200))
    })
    assert.deepEqual(heads, [linesOf(HeaderList.from(before)), after], name)
  }
})

test('every call of a reply goes through with what it carries', () => {
  const calls: unknown[][] = []
  const note =
    (name: string, result?: boolean) =>
    (...given: unknown[]): never => {
      calls.push([name, ...given])
      return result as never
    }
  const names = ['open', 'early', 'head', 'trailers', 'end', 'fail'] as const
  const inner = Object.fromEntries(names.map(name => [name, note(name)])) as unknown as Reply
  const source = {} as Source
  const head: ResponseHead = { status: 200, reason: '', version: 11, headers: HeaderList.empty() }
  const chunk = Buffer.from('x')
  const trailers = HeaderList.empty()
  const fault = new ProxyError('internal')
  inner.data = note('data', false)
  run({ response: { set: { A: 'a' } } }, [], inner, ({ reply }) => {
    reply.open(source)
    reply.early(head)
    reply.head(head)
    assert.equal(reply.data(chunk), false)
    inner.data = note('data', true)
    assert.equal(reply.data(chunk), true)
    reply.trailers(trailers)
    reply.end()
    reply.fail(fault)
  })
  const expected = [
    ['open', source],
    ['early', head],
    ['head', head],
    ['data', chunk],
    ['data', chunk],
    ['trailers', trailers],
    ['end'],
    ['fail', fault],
  ]
  assert.equal(calls.length, expected.length)
  for (const [i, call] of calls.entries())
    for (const [j, part] of call.entries()) assert.equal(part, expected[i][j], String(expected[i][0]))
})

test('what is not edited costs nothing', () => {
  const next: Handler = { handle() {} }
  for (const options of [{}, { request: {} }, { response: { set: {}, add: {}, remove: [] } }])
    assert.equal(headersLayer(options)(next), next)
  const exchange = run({ request: { set: { A: 'a' } } }, [], NO_REPLY, () => {})
  assert.equal(exchange.reply, NO_REPLY)
})

const OWN =
  'Connection Transfer-Encoding Content-Length Keep-Alive TE Trailer Upgrade Proxy-Connection'.split(' ')

test('the fields that frame messages cannot be edited', () => {
  for (const name of [...OWN, ...OWN.map(each => each.toLowerCase())])
    for (const edits of [{ set: { [name]: '1' } }, { add: { [name]: '1' } }, { remove: [name] }])
      for (const options of [{ request: edits }, { response: edits }])
        assert.throws(() => headersLayer(options), { message: /the proxy itself writes this field/ }, name)
})

const REFUSED: readonly [options: HeadersOptions, message: RegExp][] = [
  [{ request: { set: { 'a b': '1' } } }, /header "a b": A field name is empty or holds/],
  [{ request: { set: { '': '1' } } }, /header "": A field name is empty/],
  [{ request: { set: { 'a\r\nb': '1' } } }, /header "a\\r\\nb": A field name/],
  [{ response: { add: { a: 'x\r\nSet-Cookie: y' } } }, /header "a": A field value holds a control character/],
  [{ response: { remove: ['a:'] } }, /header "a:": A field name/],
  [{ request: { remove: ['host'] } }, /header "Host": a request needs exactly one/],
  [{ request: { add: { HOST: 'a' } } }, /header "Host": a request needs exactly one/],
  [{ request: { set: { Host: 'a/b' } } }, /header "Host": "a\/b" is not a host/],
  [{ request: { set: { Host: '' } } }, /header "Host": "" is not a host/],
]

test('edits that cannot be made are refused when the layer is built', () => {
  for (const [options, message] of REFUSED)
    assert.throws(() => headersLayer(options), { message }, JSON.stringify(options))
  headersLayer({ request: { set: { host: 'a.example:81' } }, response: { remove: ['host'] } })
})

test('variables of the request and of the answer', () => {
  const before: Fields = [
    ['Host', 'shop.example'],
    ['X-User', 'ann'],
    ['X-Old', '1'],
  ]
  const set = {
    'X-Asked': '{method} {path} for {header.x-user}',
    'X-Old': '{header.none}',
    'X-None': '{cookie.a}',
  }
  const heads: string[][] = []
  const reply = { head: (head: ResponseHead) => void heads.push(linesOf(head.headers)) } as Reply
  run(
    { request: { set }, response: { add: { 'X-Status': '{status} {header.x-user}' } } },
    before,
    reply,
    exchange => {
      // A value that comes out empty sets nothing, and takes away what was there.
      assert.deepEqual(linesOf(exchange.request.headers), [
        'Host: shop.example',
        'X-User: ann',
        'X-Asked: GET / for ann',
      ])
      exchange.reply.head({ status: 404, reason: '', version: 11, headers: HeaderList.empty() })
    },
  )
  assert.deepEqual(heads, [['X-Status: 404 ann']])
})

test('a Host made of variables has to come out as one', () => {
  const options = { request: { set: { Host: '{header.x-site}.example' } } }
  for (const [site, host] of [
    ['a', 'a.example'],
    ['a/b?', null],
    ['a b', null],
    ['a@', null],
  ] as const) {
    let failed = ''
    const reply = {
      fail: (error: ProxyError) => {
        failed = error.code
      },
    } as unknown as Reply
    let seen: string | null = null
    run(options, [['X-Site', site]], reply, exchange => {
      seen = exchange.request.headers.get('Host')
    })
    assert.deepEqual([seen, failed], [host, host === null ? 'bad_host' : ''], site)
  }
})

test('variables that are not there are refused when the layer is built', () => {
  for (const [edits, message] of [
    [{ request: { set: { a: '{clint}' } } }, /header "a": \{clint\} is not a variable/],
    [{ request: { add: { a: '{upstream}' } } }, /header "a": \{upstream\} is known only once/],
  ] as const)
    assert.throws(() => headersLayer(edits), { message })
})

const FORWARDED: HeadersOptions = {
  request: {
    remove: ['x-forwarded-host'],
    set: { 'X-Forwarded-Proto': 'https', 'X-Seen': '{header.X-Forwarded-Proto}' },
    add: { Forwarded: 'for={client}' },
  },
}

conversation(
  'fields about the client are edited as the listener writes them, and a client cannot get in between',
  { layers: [headersLayer(FORWARDED)], listener: { forwarded: 'x-forwarded' } },
  ({ client, servers }) => {
    const claims = ['X-Forwarded-Proto: gopher', 'Forwarded: for=192.0.2.66']
    for (const fields of [claims, []]) {
      client.sends('GET / HTTP/1.1', 'Host: shop', ...fields, '', '')
      const seen = fields.length > 0 ? ['X-Seen: gopher'] : []
      const ours = ['X-Forwarded-For: 192.0.2.7', 'X-Forwarded-Proto: https', 'Forwarded: for=192.0.2.7']
      const server = servers.accepts()
      server.gets('GET / HTTP/1.1', 'Host: shop', ...seen, ...ours, VIA, '', '')
      server.sends(...OK)
      server.ends()
      client.gets(...OK_PASSED)
    }
  },
)
