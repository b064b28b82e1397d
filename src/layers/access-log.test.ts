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
  return { request, notes: { startedAtMs: 1000 } } as unknown as Exchange
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
      '"durationMs":12.346,"upstream":"127.0.0.1:9000"}\n',
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

test('combined: as Apache and nginx write it', () => {
  assert.equal(
    line('combined'),
    '192.0.2.7 - - [02/Jan/2026:03:04:05 +0000] "GET /a?b=c HTTP/1.1" 200 1234 "https://a.example/\\x22x\\x22" "curl/8.0"\n',
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
    '- - - [02/Jan/2026:03:04:05 +0000] "-" 400 0 "-" "-"\n',
  )
  assert.match(line('combined', { exchange: exchange([], 10) }), /"GET \/a\?b=c HTTP\/1\.0" 200 1234 "-" "-"/)
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
