import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Clock } from '../base/clock.ts'
import type { Exchange } from '../exchange/exchange.ts'
import type { ExchangeRecord } from '../exchange/observer.ts'
import { HeaderList } from '../http/header-list.ts'
import { type LogFormat, lineFormatter } from './access-log.ts'

const AT_MS = Date.UTC(2026, 0, 2, 3, 4, 5, 678)

/** A clock on which every exchange of this file, begun at 1000 and 12 ms long, ends at AT_MS. */
function clockAt(wallMs: number): Clock {
  return { coarseMs: 1012, refresh() {}, preciseMs: () => 1012, wallMs: () => wallMs }
}

function exchange(fields: [string, string][], version: 10 | 11 = 11): Exchange {
  const request = { method: 'GET', target: '/', version, headers: HeaderList.from(fields) }
  return { request, clientAddress: '192.0.2.7', notes: { startedAtMs: 1000 } } as unknown as Exchange
}

function record(changes: Partial<ExchangeRecord> = {}): ExchangeRecord {
  return {
    client: { address: '192.0.2.7', port: 5555, listener: '127.0.0.1:8080' },
    exchange: exchange([
      ['User-Agent', 'curl/8.0'],
      ['Referer', 'https://a.example/"x"'],
    ]),
    method: 'GET',
    target: '/a?b=c',
    refusedHead: '',
    host: 'shop.example.com',
    status: 200,
    requestBytes: 0,
    responseBytes: 1234,
    durationMs: 12.3456789,
    upstream: '127.0.0.1:9000',
    attempts: 1,
    retried: null,
    queueMs: 0,
    connectMs: 0,
    firstByteMs: 11,
    cache: '',
    cacheWhy: '',
    user: '',
    error: '',
    detail: '',
    ...changes,
  }
}

const line = (format: LogFormat, changes: Partial<ExchangeRecord> = {}): string =>
  lineFormatter(format, clockAt(AT_MS))(record(changes))

test('json: one object a line, in a fixed order', () => {
  assert.equal(
    line('json'),
    '{"time":"2026-01-02T03:04:05.678Z","client":"192.0.2.7","listener":"127.0.0.1:8080","method":"GET",' +
      '"host":"shop.example.com","target":"/a?b=c","status":200,"requestBytes":0,"responseBytes":1234,' +
      '"durationMs":12.346,"firstByteMs":11.000,"upstream":"127.0.0.1:9000"}\n',
  )
})

test('json: a fault and retries are told', () => {
  const { error, detail, attempts, upstream } = JSON.parse(
    line('json', { error: 'connect_refused', detail: 'say "hi"', attempts: 3, upstream: '' }),
  )
  assert.deepEqual(
    { error, detail, attempts, upstream },
    { error: 'connect_refused', detail: 'say "hi"', attempts: 3, upstream: undefined },
  )
})

test('json: what applies to few exchanges stands in the lines of those', () => {
  const { time, ...told } = JSON.parse(
    line('json', {
      exchange: { ...exchange([]), clientAddress: '2001:db8::7' } as Exchange,
      client: { address: '::ffff:10.0.0.1', port: 1, listener: ':8080' },
      user: 'zo\u00eb "x"',
      attempts: 3,
      retried: ['127.0.0.1:9001 connect_refused', '127.0.0.1:9002 upstream_closed'],
      queueMs: 1.5,
      connectMs: 0.0004,
      firstByteMs: 3.25,
      cache: 'hit',
    }),
  )
  assert.deepEqual(told, {
    client: '2001:db8::7',
    peer: '10.0.0.1',
    listener: ':8080',
    user: 'zo\u00eb "x"',
    method: 'GET',
    host: 'shop.example.com',
    target: '/a?b=c',
    status: 200,
    requestBytes: 0,
    responseBytes: 1234,
    durationMs: 12.346,
    queueMs: 1.5,
    connectMs: 0,
    firstByteMs: 3.25,
    upstream: '127.0.0.1:9000',
    attempts: 3,
    retried: ['127.0.0.1:9001 connect_refused', '127.0.0.1:9002 upstream_closed'],
    cache: 'hit',
  })
  assert.equal(JSON.parse(line('json', { refusedHead: 'NON\x16"SENSE' })).received, 'NON\x16"SENSE')
  assert.equal('firstByteMs' in JSON.parse(line('json', { firstByteMs: -1 })), false)
})

// Apache itself writes the same: test/scenarios/apache-log.test.ts.
test('combined: as Apache writes it', () => {
  assert.equal(
    line('combined'),
    '192.0.2.7 - - [02/Jan/2026:03:04:05 +0000] "GET /a?b=c HTTP/1.1" 200 1234 "https://a.example/\\"x\\"" "curl/8.0"\n',
  )
  assert.equal(
    line('combined', {
      exchange: null,
      method: '',
      target: '',
      status: 400,
      responseBytes: 0,
      client: { address: '', port: 0, listener: 'unix:/s' },
    }),
    '- - - [02/Jan/2026:03:04:05 +0000] "-" 400 - "-" "-"\n',
  )
  assert.match(line('combined', { exchange: exchange([], 10) }), /"GET \/a\?b=c HTTP\/1\.0" 200 1234 "-" "-"/)
  assert.match(line('combined', { exchange: null, refusedHead: ' GET  /\t x\0y' }), / "GET \/ x" 200 /)
  assert.match(line('combined', { user: 'zo\u00eb "\u2603' }), / - zo\\xc3\\xab \\"\\xe2\\x98\\x83 \[/)
})

test('combined: each byte as ap_escape_logitem has it', () => {
  const bytes = '"\\\b\n\r\t\v\f\0\x1b\x7f\x80\xe9\xff \'`~'
  assert.match(
    line('combined', { target: bytes }),
    / "GET \\"\\\\\\b\\n\\r\\t\\v\\x0c\\x00\\x1b\\x7f\\x80\\xe9\\xff '`~ HTTP/,
  )
})

test('combined: the time of the arrival, in the zone of the machine', () => {
  const zone = process.env['TZ']
  const stamp = (at: number, durationMs = 12) =>
    /\[(.*)\]/.exec(lineFormatter('combined', clockAt(at))(record({ durationMs })))?.[1]
  try {
    process.env['TZ'] = 'America/St_Johns'
    assert.equal(stamp(Date.UTC(2026, 0, 2, 3, 4, 5, 678)), '01/Jan/2026:23:34:05 -0330')
    assert.equal(stamp(Date.UTC(2026, 6, 2, 3, 4, 5, 678)), '02/Jul/2026:00:34:05 -0230')
    process.env['TZ'] = 'Asia/Kathmandu'
    // It began before the second in which it ended.
    assert.equal(stamp(Date.UTC(2026, 0, 2, 3, 4, 5, 5)), '02/Jan/2026:08:49:04 +0545')
  } finally {
    if (zone === undefined) delete process.env['TZ']
    else process.env['TZ'] = zone
  }
})

test('short: for a person', () => {
  const rest = (text: string) => text.replace(/^\d\d:\d\d:\d\d /, '')
  assert.equal(rest(line('short')), '200 GET shop.example.com/a?b=c 1.2KB 12ms 127.0.0.1:9000\n')
  assert.equal(
    rest(
      line('short', {
        status: 502,
        responseBytes: 90,
        durationMs: 1234,
        attempts: 2,
        error: 'connect_refused',
        detail: 'port 9000',
      }),
    ),
    '502 GET shop.example.com/a?b=c 90B 1.23s 127.0.0.1:9000 (attempt 2) connect_refused: port 9000\n',
  )
  assert.equal(
    rest(
      line('short', {
        exchange: null,
        method: '',
        target: '',
        host: '',
        status: 400,
        durationMs: 0.04,
        responseBytes: 30 * 1024 ** 2,
        upstream: '',
        error: 'bad_line_end',
      }),
    ),
    '400 (no request) 30MB 0.0ms bad_line_end\n',
  )
})

test('short: why it took long, who it was and what could not be read', () => {
  const rest = (changes: Partial<ExchangeRecord>) => line('short', changes).slice(9)
  assert.equal(
    rest({
      attempts: 2,
      retried: ['127.0.0.1:9001 connect_refused'],
      queueMs: 250,
      cache: 'miss',
      user: 'alice',
    }),
    '200 GET shop.example.com/a?b=c 1.2KB 12ms 127.0.0.1:9000 (after 127.0.0.1:9001 connect_refused) (queued 250ms) cache miss user alice\n',
  )
  assert.match(
    rest({ exchange: null, method: '', refusedHead: '\x16\x03', status: 400 }),
    /^400 \(not a request: \\x16\\x03\) /,
  )
})

test('the time is that of the end of the exchange, and follows the wall clock when it is set', () => {
  for (const format of ['json', 'combined', 'short'] as const) {
    const clock = clockAt(AT_MS)
    const print = lineFormatter(format, clock)
    const first = print(record())
    assert.equal(print(record()), first, format)
    clock.wallMs = () => AT_MS + 3_600_000
    assert.equal(print(record()), first, format)
    const later = { ...exchange([]), notes: { startedAtMs: 3000 } } as unknown as Exchange
    clock.preciseMs = () => 3012
    assert.equal(
      print(record({ exchange: later })),
      lineFormatter(format, clock)(record({ exchange: later })),
      format,
    )
    assert.notEqual(print(record()), first, format)
  }
  const withoutExchange = lineFormatter('json', clockAt(Date.UTC(2026, 0, 1)))(record({ exchange: null }))
  assert.match(withoutExchange, /"time":"2026-01-01T00:00:00\.000Z"/)
})

test('more hosts than are remembered', () => {
  const print = lineFormatter('json', clockAt(AT_MS))
  for (let i = 0; i < 1000; i++) assert.equal(JSON.parse(print(record({ host: `h${i}` }))).host, `h${i}`)
})

test('nothing that a client sends ends a line or steers a terminal', () => {
  const nasty = fc.string({
    unit: fc.oneof(
      fc.constantFrom('\n', '\r', '\x1b', '\x9b', '\u2028', '"', '\\', '\x7f'),
      fc.string({ minLength: 1, maxLength: 1, unit: 'binary' }),
    ),
    maxLength: 12,
  })
  fc.assert(
    fc.property(nasty, nasty, nasty, (host, target, detail) => {
      for (const format of ['json', 'combined', 'short'] as const) {
        const text = line(format, { host, target, method: target, detail, upstream: host })
        assert.ok(text.endsWith('\n'))
        assert.doesNotMatch(text.slice(0, -1), /[\0-\x1f\x7f-\x9f\u2028\u2029]/)
        if (format !== 'json') continue
        const parsed = JSON.parse(text)
        assert.equal(parsed.host, host)
        assert.equal(parsed.target, target)
      }
    }),
  )
})
