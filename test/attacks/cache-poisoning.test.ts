/**
 * Cache poisoning: something in a request that is no part of the key changes the answer, and the answer is kept for
 * everybody. What the proxy itself adds, drops or reads differently than a server must never be such a thing.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cacheScene, FRESH, telling } from '../support/cache-attack.ts'

const HOST = 'Host: shop\r\n'
const at = (target: string, fields: string, body = ''): string =>
  `GET ${target} HTTP/1.1\r\n${fields}\r\n${body}`

/** The origin repeats all that it is told. */
const UNKEYED: readonly (readonly [what: string, request: string])[] = [
  ['another Host beside an absolute target', at('http://shop/page', 'Host: evil\r\n')],
  ['X-Forwarded-Host', at('/page', `${HOST}X-Forwarded-Host: evil\r\n`)],
  ['X-Forwarded-Proto', at('/page', `${HOST}X-Forwarded-Proto: evil\r\n`)],
  ['X-Forwarded-For', at('/page', `${HOST}X-Forwarded-For: evil\r\n`)],
  ['Forwarded', at('/page', `${HOST}Forwarded: host=evil;proto=evil\r\n`)],
  ['a field for one hop', at('/page', `${HOST}Connection: x-mode\r\nX-Mode: evil\r\n`)],
  ['the name of such a field', at('/page', `${HOST}Connection: evil\r\n`)],
  ['Upgrade', at('/page', `${HOST}Connection: upgrade\r\nUpgrade: evil\r\n`)],
  ['TE', at('/page', `${HOST}Connection: te\r\nTE: evil\r\n`)],
  ['a precondition', at('/page', `${HOST}If-None-Match: "evil"\r\n`)],
  ['If-Match', at('/page', `${HOST}If-Match: "evil"\r\n`)],
  ['If-Range without Range', at('/page', `${HOST}If-Range: "evil"\r\n`)],
  ['credentials', at('/page', `${HOST}Authorization: evil\r\n`)],
  ['no-store of the request', at('/page', `${HOST}Cache-Control: no-store\r\nX-Mode: evil\r\n`)],
  ['a body', at('/page', `${HOST}Content-Length: 4\r\n`, 'evil')],
  ['a chunked body', at('/page', `${HOST}Transfer-Encoding: chunked\r\n`, '4\r\nevil\r\n0\r\n\r\n')],
  ['another method', `POST /page HTTP/1.1\r\n${HOST}Content-Length: 4\r\n\r\nevil`],
  ['an unknown method', `EVIL /page HTTP/1.1\r\n${HOST}\r\n`],
  ['a method in small letters', `get /page HTTP/1.1\r\n${HOST}X-Mode: evil\r\n\r\n`],
  ['another host', at('/page', 'Host: evil\r\n')],
  ['another port', at('/page', 'Host: shop:666\r\nX-Mode: evil\r\n')],
  ['a host with a path', at('/page', 'Host: shop/evil\r\n')],
  ['a host with user information', at('/page', 'Host: evil@shop\r\n')],
  ['an absolute target with user information', at('http://evil@shop/page', HOST)],
  ['a fragment', at('/page#evil', HOST)],
  ['a query', at('/page?evil', HOST)],
  ['a query of nothing', at('/page?', `${HOST}X-Mode: evil\r\n`)],
]

for (const [what, request] of UNKEYED)
  test(`${what} does not reach the next client`, async t => {
    const { ask, get } = await cacheScene(t)
    await ask(request)
    const { status, body } = await get('/page')
    assert.equal(status, 200)
    assert.doesNotMatch(body.toString(), /evil|666/i)
    // The cache does work: the next one has the same answer.
    const again = await get('/page', 'X-Mode: again\r\n')
    assert.equal(again.body.toString(), body.toString())
  })

test('a field for one hop is absent for Vary too', async t => {
  const script = telling(({ fields }) => {
    const language = fields.get('Accept-Language') ?? 'none'
    return ['200 OK', `${FRESH}Vary: Accept-Language\r\n`, language]
  })
  const { get } = await cacheScene(t, { script })
  const attacked = await get('/', 'Accept-Language: de\r\nConnection: accept-language\r\n')
  assert.equal(attacked.body.toString(), 'none')
  assert.equal((await get('/', 'Accept-Language: de\r\n')).body.toString(), 'de')
  assert.equal((await get('/')).body.toString(), 'none')
})

/** One resource to the standard's eye or ours, another to some server: rows of targets that must never share an answer. */
const TARGETS: readonly (readonly string[])[] = [
  [
    '/a',
    '/a/',
    '/A',
    '//a',
    '/./a',
    '/b/../a',
    '/a;x',
    '/a%3Bx',
    '/%2Fa',
    '/a%20',
    '/a%00',
    '/a+',
    '/a%2B',
    '/a%0d%0a',
  ],
  ['/a/../b', '/a/%2e%2e/b', '/a/.%2e/b', '/b', '/a/..%2Fb', '/a/..;/b', '/a\\..\\b', '/a/..%5Cb'],
  ['/?a=1&a=2', '/?a=2&a=1', '/?a=1', '/?a', '/?a=', '/?', '/', '/?a=1;a=2', '/?a=1%26a=2', '/??a=1'],
  ['/%A2', '/%%412', '/%', '/%25', '/%%', '/%2541', '/%zz', '/%u0041'],
  ['/__proto__', '/constructor', '/%5f%5Fproto__%5f', '/toString', '/hasOwnProperty'],
  ['/"', '/%22', "/'", '/<x>', '/%3Cx%3E', '/{x}', '/`', '/|', '/^'],
]

test('each odd target has its own answer, whoever comes first', async t => {
  const script = telling(({ target }) => ['200 OK', FRESH, target])
  const { get } = await cacheScene(t, { script })
  for (const row of TARGETS)
    for (const order of [row, row.toReversed(), row])
      for (const target of order) assert.equal((await get(target)).body.toString(), target)
})

test('long targets that differ at their end only have their own answers', async t => {
  const script = telling(({ target }) => ['200 OK', FRESH, target.slice(-3)])
  const { get } = await cacheScene(t, { script })
  for (let round = 0; round < 2; round++)
    for (const end of ['end', 'enD', 'en%'])
      assert.equal((await get(`/${'x'.repeat(7000)}${end}`)).body.toString(), end)
})

test('a parameter that does not count cannot hide one that does', async t => {
  // A server that takes ";" for "&", decodes names, knows no case, and reads dots as underlines.
  const script = telling(({ target }) => {
    const query = target.slice(target.indexOf('?') + 1).split(/[&;]/)
    const callback = query
      .map(each => decodeURIComponent(each.replaceAll('+', ' ')).trim().toLowerCase().replace(/[. -]/g, '_'))
      .findLast(each => /^call_back[=[]/.test(each))
    return ['200 OK', FRESH, callback ?? 'none']
  })
  const only = { query: { only: new Set(['call_back']) }, sortQuery: true, headers: [], cookies: [] }
  const without = { query: { without: new Set(['utm']) }, sortQuery: true, headers: [], cookies: [] }
  const attacks = [
    '/?utm=1;call_back=evil',
    '/?call.back=evil',
    '/?CALL_BACK=evil',
    '/?call%5fback=evil',
    '/?call%2eback=evil',
    '/?+call_back=evil',
    '/?call+back=evil',
    '/?call_back[]=evil',
    '/?call_back%5B%5D=evil',
    '/?call_back=good;call_back=evil',
    '/?call_back=evil&call_back=good&call_back=evil',
  ]
  for (const key of [only, without]) {
    const { get } = await cacheScene(t, { script, options: { key } })
    for (const attack of attacks) await get(attack)
    assert.equal((await get('/')).body.toString(), 'none')
    assert.equal((await get('/?utm=2')).body.toString(), 'none')
    assert.equal((await get('/?call_back=good')).body.toString(), 'call_back=good')
    assert.equal((await get('/?call_back=evil&call_back=good')).body.toString(), 'call_back=good')
  }
})

test('a keyed field or cookie cannot be said in a second way', async t => {
  // A server behind CGI that reads cookies generously.
  const script = telling(({ fields }) => {
    const plan = fields.lines.findLast(([name]) => name.toLowerCase().replaceAll('_', '-') === 'x-plan')
    const cookie = fields
      .all('Cookie')
      .join(';')
      .split(/[;,]/)
      .findLast(each => /^\s*plan\s*=/i.test(each))
    return ['200 OK', FRESH, `${plan?.[1] ?? 'none'} ${cookie?.trim() ?? 'none'}`]
  })
  const key = { query: 'all', sortQuery: false, headers: ['x-plan'], cookies: ['plan'] } as const
  const { get } = await cacheScene(t, { script, options: { key } })
  const attacks = [
    'X_Plan: evil',
    'X-Plan: good\r\nX_Plan: evil',
    'Cookie: plan =evil',
    'Cookie: PLAN=evil',
    'Cookie: a=b,plan=evil',
  ]
  for (const attack of [...attacks, 'Cookie: plan=good; plan=evil', 'Cookie: plan=good\r\nCookie: plan=evil'])
    assert.match((await get('/', `${attack}\r\n`)).body.toString(), /evil/)
  assert.equal((await get('/')).body.toString(), 'none none')
  assert.equal((await get('/', 'X-Plan: good\r\n')).body.toString(), 'good none')
  assert.equal((await get('/', 'Cookie: plan=good\r\n')).body.toString(), 'none plan=good')
})

test('a part made for one client is no whole for the others', async t => {
  const whole = '0123456789'
  const script = telling(({ fields }) => {
    const range = fields.get('Range')
    if (range === null) return ['200 OK', `${FRESH}ETag: "a"\r\nContent-Type: text/plain\r\n`, whole]
    const last = Number(range.slice('bytes=0-'.length) || 9)
    const place = `Content-Range: bytes 0-${last}/10\r\n`
    // RFC 9110 §15.3.7: to If-Range, fields that the client has are left out.
    const type = fields.get('If-Range') === null ? 'Content-Type: text/plain\r\n' : ''
    return ['206 Partial Content', `${FRESH}ETag: "a"\r\n${type}${place}`, whole.slice(0, last + 1)]
  })
  const { get } = await cacheScene(t, { script })
  assert.equal((await get('/', 'Range: bytes=0-3\r\n')).status, 206)
  assert.equal((await get('/', 'Range: bytes=0-\r\nIf-Range: "a"\r\n')).status, 206)
  const { status, fields, body } = await get('/')
  assert.equal(status, 200)
  assert.equal(body.toString(), whole)
  assert.equal(fields.get('Content-Type'), 'text/plain')
  assert.equal(fields.get('Content-Range'), null)
})

test('a part answered to If-Range, without its fields, does not become the whole', async t => {
  const script = telling(({ fields }) => {
    const type = fields.get('If-Range') === null ? 'Content-Type: text/plain\r\n' : ''
    const part = fields.get('Range') === null ? '' : 'Content-Range: bytes 0-4/5\r\n'
    return [part === '' ? '200 OK' : '206 Partial Content', `${FRESH}ETag: "a"\r\n${type}${part}`, 'whole']
  })
  const { get } = await cacheScene(t, { script })
  await get('/', 'Range: bytes=0-\r\nIf-Range: "a"\r\n')
  assert.equal((await get('/')).fields.get('Content-Type'), 'text/plain')
})

test('304 and 412 that one client asked for are not kept', async t => {
  const script = telling(({ fields }) => {
    if (fields.get('If-None-Match') === '"evil"') return ['304 Not Modified', `${FRESH}ETag: "evil"\r\n`, '']
    if (fields.get('If-Match') === '"evil"') return ['412 Precondition Failed', FRESH, 'evil']
    return ['200 OK', `${FRESH}ETag: "good"\r\n`, 'good']
  })
  for (const condition of ['If-None-Match', 'If-Match', 'If-Unmodified-Since', 'If-Modified-Since']) {
    const { get } = await cacheScene(t, { script })
    await get('/', `${condition}: "evil"\r\n`)
    const { status, body } = await get('/')
    assert.deepEqual([status, body.toString()], [200, 'good'], condition)
  }
})

/** Attacks that make the server refuse one request, so that its refusal is kept for all. */
const REFUSALS = [
  '400 Bad Request',
  '403 Forbidden',
  '406 Not Acceptable',
  '408 Request Timeout',
  '413 Content Too Large',
  '417 Expectation Failed',
  '429 Too Many Requests',
  '431 Request Header Fields Too Large',
  '500 Internal Server Error',
  '502 Bad Gateway',
  '503 Service Unavailable',
]

test('a refusal that says nothing of its freshness is for one client, even where the config has a lifetime for answers', async t => {
  for (const refusal of REFUSALS) {
    const script = telling(({ fields }) =>
      fields.get('X-Huge') === null ? ['200 OK', FRESH, 'good'] : [refusal, '', 'evil'],
    )
    const { get } = await cacheScene(t, { script, options: { defaultTtlS: 600 } })
    assert.equal((await get('/', 'X-Huge: x\r\n')).body.toString(), 'evil')
    const { status, body } = await get('/')
    assert.deepEqual([status, body.toString()], [200, 'good'], refusal)
  }
})

test('what the proxy refuses itself is never kept', async t => {
  const { ask, get } = await cacheScene(t)
  const refused = [
    'Host: a b\r\n',
    'Host: shop\r\nHost: shop\r\n',
    `${HOST}Content-Length: x\r\n`,
    `${HOST}a b: c\r\n`,
  ]
  for (const fields of refused) assert.equal((await ask(at('/page', fields))).status, 400)
  assert.equal((await get('/page')).status, 200)
})
