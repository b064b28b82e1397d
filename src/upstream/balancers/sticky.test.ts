/** The sticky cookie, as clients and servers see it. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { asking, servers } from '../../../test/support/balancing.ts'
import {
  type Cast,
  conversation,
  GET,
  OK,
  type Peer,
  type PlaybookOptions,
  serverAddress,
  VIA,
} from '../../../test/support/playbook.ts'
import { RETRY_DEFAULTS, type ServerAddress, STICKY_DEFAULTS, type StickyOptions } from '../options.ts'
import { makeBalancer } from './make-balancer.ts'
import type { Sticky } from './sticky.ts'

const TWO = [serverAddress(1), serverAddress(2)]

const stickyTo = (
  list: readonly ServerAddress[] = TWO,
  changes: Partial<StickyOptions> = {},
): PlaybookOptions => ({
  group: { servers: list, balance: { sticky: { ...STICKY_DEFAULTS, otherwise: 'round-robin', ...changes } } },
})

const withCookie = (cookie: string) => ['GET / HTTP/1.1', 'Host: shop', `Cookie: ${cookie}`, '', ''] as const

const setCookies = (text: string): string[] =>
  [...text.matchAll(/^Set-Cookie: (.*)\r$/gm)].map(match => match[1])
/** `sluice=value` of the one Set-Cookie in an answer. */
function cookieIn(text: string): string {
  const lines = setCookies(text)
  assert.equal(lines.length, 1, text)
  return lines[0].slice(0, lines[0].indexOf(';'))
}

/** One exchange on a fresh connection to the server that is asked; gives its address and the whole answer. */
function exchange(
  { client, servers: all }: Cast,
  request: readonly string[],
  answer: readonly string[] = OK,
) {
  client.sends(...request)
  const [asked] = all.asked
  const server = all.accepts()
  server.takes()
  server.sends(...answer)
  server.ends()
  return { asked, text: client.takes() }
}

conversation('the first answer brings the cookie, and with it the client stays', stickyTo(), cast => {
  const first = exchange(cast, GET)
  assert.equal(first.asked, '10.0.0.1:8000')
  const [line] = setCookies(first.text)
  assert.match(line, /^sluice=[A-Za-z0-9_-]{24}; Path=\/; HttpOnly; SameSite=Lax$/)
  assert.match(first.text, /^Cache-Control: private\r$/m)
  for (let i = 0; i < 3; i++) {
    const next = exchange(cast, withCookie(`theme=dark; ${cookieIn(first.text)}; lang=de`))
    assert.equal(next.asked, '10.0.0.1:8000')
    assert.doesNotMatch(next.text, /Set-Cookie|Cache-Control/)
  }
  assert.equal(exchange(cast, GET).asked, '10.0.0.2:8000')
})

conversation(
  'all that can be said about the cookie',
  stickyTo(TWO, {
    cookie: '__Secure-at',
    secret: 'a secret of the house',
    maxAgeMs: 90_500,
    path: '/shop',
    domain: 'example.com',
    sameSite: 'none',
    secure: true,
  }),
  cast => {
    assert.match(
      setCookies(exchange(cast, GET).text)[0],
      /^__Secure-at=[\w-]{24}; Path=\/shop; Domain=example.com; Max-Age=91; HttpOnly; Secure; SameSite=None$/,
    )
  },
)

const CACHING: readonly (readonly [sent: readonly string[], passed: readonly string[]])[] = [
  [[], ['Cache-Control: private']],
  [['Cache-Control: max-age=60, public'], ['Cache-Control: max-age=60, public', 'Cache-Control: private']],
  [['Cache-Control: private'], ['Cache-Control: private']],
  [['Cache-Control: max-age=60,Private'], ['Cache-Control: max-age=60,Private']],
  [['Cache-Control: no-store'], ['Cache-Control: no-store']],
  [['Cache-Control: private="x"'], ['Cache-Control: private="x"', 'Cache-Control: private']],
  [['Cache-Control: x-private'], ['Cache-Control: x-private', 'Cache-Control: private']],
  [['CDN-Cache-Control: max-age=9'], ['Cache-Control: private', 'CDN-Cache-Control: private']],
]

for (const [sent, passed] of CACHING)
  conversation(`no shared cache may keep the cookie: ${sent.join() || 'nothing said'}`, stickyTo(), cast => {
    const { text } = exchange(cast, GET, ['HTTP/1.1 200 OK', ...sent, 'Content-Length: 2', '', 'hi'])
    const lines = text.split('\r\n').filter(line => /cache-control/i.test(line))
    assert.deepEqual(lines.toSorted(), passed.toSorted())
    // With its cookie the client gets what the server says.
    const next = exchange(cast, withCookie(cookieIn(text)), [
      'HTTP/1.1 200 OK',
      ...sent,
      'Content-Length: 2',
      '',
      'hi',
    ])
    assert.deepEqual(
      next.text.split('\r\n').filter(line => /cache-control/i.test(line)),
      sent,
    )
  })

conversation(
  'interim answers do not bring it, the final one does, beside those of the server',
  stickyTo(),
  cast => {
    const early = ['HTTP/1.1 103 Early Hints', 'Link: </a>', '']
    const answer = ['HTTP/1.1 304 Not Modified', 'Set-Cookie: mine=1', '', '']
    const { text } = exchange(cast, GET, [...early, ...answer])
    const [interim, final] = text.split('\r\n\r\n')
    assert.deepEqual(setCookies(`${interim}\r\n`), [])
    assert.equal(setCookies(`${final}\r\n`).length, 2)
  },
)

conversation('an error of the proxy does not bring it', stickyTo(), ({ client, servers: all }) => {
  client.sends(...GET)
  all.refuses()
  all.refuses()
  const text = client.takes()
  assert.match(text, /^HTTP\/1.1 502/)
  assert.doesNotMatch(text, /Set-Cookie/)
})

const once = { ...stickyTo().group, retry: { ...RETRY_DEFAULTS, attempts: 1 } }

conversation(
  'an answer that turns out to be broken before it leaves does not bring it',
  { group: once },
  cast => {
    const { text } = exchange(cast, GET, [
      'HTTP/1.1 200 OK',
      'Content-Length: 1',
      'Content-Length: 2',
      '',
      '',
    ])
    assert.match(text, /^HTTP\/1.1 502/)
    assert.doesNotMatch(text, /Set-Cookie/)
  },
)

conversation('it names the server that answered, not the one that refused', stickyTo(), cast => {
  cast.client.sends(...GET)
  assert.deepEqual(cast.servers.asked, ['10.0.0.1:8000'])
  cast.servers.refuses()
  const server: Peer = cast.servers.accepts()
  server.gets('GET / HTTP/1.1', 'Host: shop', VIA, '', '')
  server.sends(...OK)
  server.ends()
  const cookie = cookieIn(cast.client.takes())
  assert.equal(exchange(cast, withCookie(cookie)).asked, '10.0.0.2:8000')
})

conversation(
  'a client keeps its cookie while its server is out, and goes back',
  stickyTo([...TWO, serverAddress(3)]),
  cast => {
    const { group } = cast.book
    const cookie = cookieIn(exchange(cast, GET).text)
    group.endpoints[0].out = true
    group.changed()
    const meanwhile = [1, 2, 3].map(() => exchange(cast, withCookie(cookie)))
    assert.notEqual(meanwhile[0].asked, '10.0.0.1:8000')
    assert.equal(new Set(meanwhile.map(({ asked }) => asked)).size, 1, 'it does not wander')
    for (const { text } of meanwhile) assert.deepEqual(setCookies(text), [])
    group.endpoints[0].out = false
    group.changed()
    assert.equal(exchange(cast, withCookie(cookie)).asked, '10.0.0.1:8000')
  },
)

conversation('a server that refuses is left for this request only', stickyTo(), cast => {
  const { client, servers: all } = cast
  const cookie = cookieIn(exchange(cast, GET).text)
  client.sends(...withCookie(cookie))
  assert.deepEqual(all.asked, ['10.0.0.1:8000'])
  all.refuses()
  assert.deepEqual(all.asked, ['10.0.0.2:8000'])
  const server = all.accepts()
  server.takes()
  server.sends(...OK)
  server.ends()
  assert.deepEqual(setCookies(client.takes()), [])
  assert.equal(exchange(cast, withCookie(cookie)).asked, '10.0.0.1:8000')
})

const BACKUP = [serverAddress(1), serverAddress(2, { priority: 2 }), serverAddress(3, { priority: 2 })]

conversation(
  'who got its cookie from a backup gets another when the first are back',
  stickyTo(BACKUP),
  cast => {
    const { group } = cast.book
    group.endpoints[0].out = true
    group.changed()
    const first = exchange(cast, GET)
    const cookie = cookieIn(first.text)
    assert.match(first.asked, /10.0.0.[23]/)
    const next = exchange(cast, withCookie(cookie))
    assert.equal(next.asked, first.asked)
    assert.deepEqual(setCookies(next.text), [])
    group.endpoints[0].out = false
    group.changed()
    const back = exchange(cast, withCookie(cookie))
    assert.equal(back.asked, '10.0.0.1:8000')
    assert.notEqual(cookieIn(back.text), cookie)
    assert.deepEqual(setCookies(exchange(cast, withCookie(cookieIn(back.text))).text), [])
  },
)

conversation(
  'a value that names nobody is as good as none, wherever the right one stands',
  stickyTo(),
  cast => {
    const cookie = cookieIn(exchange(cast, GET).text)
    for (const foreign of [
      'sluice=',
      'sluice=10.0.0.1:8000',
      `${cookie}x`,
      cookie.slice(0, -1),
      `x${cookie}`,
    ])
      assert.notDeepEqual(setCookies(exchange(cast, withCookie(foreign)).text), [], foreign)
    // Another site of the same domain may have set one of the same name.
    const both = exchange(cast, withCookie(`sluice=aaaabbbbccccddddeeeeffff; ${cookie}`))
    assert.equal(both.asked, '10.0.0.1:8000')
    assert.deepEqual(setCookies(both.text), [])
  },
)

// Without a connection.

const three = servers(1, 1, 1)
const make = (changes: Partial<StickyOptions> = {}, groupName = 'shop', of = three): Sticky =>
  makeBalancer({ sticky: { ...STICKY_DEFAULTS, ...changes } }, groupName, of, Math.random) as Sticky

const valueFor = (sticky: Sticky, number: number): string =>
  sticky.setCookieFor(three[number]).replace(/^sluice=([^;]*);.*$/, '$1')

const namedBy = (sticky: Sticky, value: string) => sticky.serverOf(asking({}, { Cookie: `sluice=${value}` }))

test('every worker and every run makes and reads the same values', () => {
  for (const secret of [null, 'a secret of the house']) {
    const [one, other] = [make({ secret }), make({ secret })]
    three.forEach((each, number) => {
      assert.equal(valueFor(one, number), valueFor(other, number))
      assert.equal(namedBy(other, valueFor(one, number)), each)
    })
  }
  // HMAC-SHA256 with the key "shop\n" of "sluice sticky 10.0.0.1:80", by another program.
  assert.equal(valueFor(make(), 0), 'K9L63PT5aabiu4hncJXTQH7U')
})

test('a secret, the name of the upstream and the address make the value; another of them makes another', () => {
  const values = [
    valueFor(make(), 0),
    valueFor(make(), 1),
    valueFor(make({}, 'other'), 0),
    valueFor(make({ secret: 'a secret of the house' }), 0),
    valueFor(make({ secret: 'another of the house' }), 0),
  ]
  assert.equal(new Set(values).size, values.length)
  for (const value of values.slice(2)) assert.equal(namedBy(make(), value), null)
  for (const value of values) assert.doesNotMatch(value, /10[.]0|80/)
})

test('a value with any other character in any place is forged', () => {
  const sticky = make({ secret: 'a secret of the house' })
  const value = valueFor(sticky, 0)
  for (let at = 0; at < value.length; at++)
    for (const char of ['A', 'z', '0', '_', '.', '\xe4']) {
      const forged = value.slice(0, at) + char + value.slice(at + 1)
      assert.equal(namedBy(sticky, forged), forged === value ? three[0] : null)
    }
  // The name of one server with the proof of another.
  assert.equal(namedBy(sticky, valueFor(sticky, 1).slice(0, 8) + value.slice(8)), null)
})

test('the words for a person tell a foreign value from a good one, and neither whole', () => {
  const sticky = make()
  const words = (value: string) => sticky.keyOf(three, asking({}, { Cookie: `sluice=${value}` })).words
  assert.equal(words(valueFor(sticky, 0)), `cookie sluice=${valueFor(sticky, 0).slice(0, 4)}…`)
  assert.equal(words('foreign'), 'cookie sluice=fore… (names no server here)')
  assert.equal(sticky.keyOf(three, asking()).words, 'no cookie sluice')
})
