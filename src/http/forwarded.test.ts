import assert from 'node:assert/strict'
import test from 'node:test'
import { type ForwardedMode, forwardedLines, isTrusted, trustedNetworks } from './forwarded.ts'
import { HeaderList } from './header-list.ts'

const X = (client: string, host: string, proto: string) =>
  `X-Forwarded-For: ${client}\r\nX-Forwarded-Host: ${host}\r\nX-Forwarded-Proto: ${proto}\r\n`

const FRESH: readonly [mode: ForwardedMode, address: string, host: string, lines: string][] = [
  ['none', '192.0.2.1', 'a.example', ''],
  ['x-forwarded', '192.0.2.1', 'a.example', X('192.0.2.1', 'a.example', 'http')],
  ['x-forwarded', '::1', 'A.example:8080', X('::1', 'A.example:8080', 'http')],
  ['x-forwarded', '::ffff:192.0.2.1', 'a.example', X('192.0.2.1', 'a.example', 'http')],
  ['x-forwarded', 'fe80::1%eth0', 'a.example', X('fe80::1', 'a.example', 'http')],
  ['x-forwarded', '192.0.2.1', '', 'X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: http\r\n'],
  ['x-forwarded', '', 'a', 'X-Forwarded-Host: a\r\nX-Forwarded-Proto: http\r\n'],
  ['forwarded', '192.0.2.1', 'a.example', 'Forwarded: for=192.0.2.1;host=a.example;proto=http\r\n'],
  ['forwarded', '192.0.2.1', 'a.example:80', 'Forwarded: for=192.0.2.1;host="a.example:80";proto=http\r\n'],
  ['forwarded', '2001:db8::1', '[::1]', 'Forwarded: for="[2001:db8::1]";host="[::1]";proto=http\r\n'],
  ['forwarded', '::ffff:192.0.2.1', 'a', 'Forwarded: for=192.0.2.1;host=a;proto=http\r\n'],
  ['forwarded', 'fe80::1%eth0', 'a', 'Forwarded: for="[fe80::1]";host=a;proto=http\r\n'],
  ['forwarded', '192.0.2.1', '', 'Forwarded: for=192.0.2.1;proto=http\r\n'],
  ['forwarded', '', 'a', 'Forwarded: for=unknown;host=a;proto=http\r\n'],
  ['forwarded', '192.0.2.1', 'a"\\b', 'Forwarded: for=192.0.2.1;host="a\\"\\\\b";proto=http\r\n'],
]

test('lines for a client that nobody vouches for', () => {
  for (const [mode, address, host, lines] of FRESH)
    assert.equal(
      forwardedLines(mode, { address, host, proto: 'http' }, null),
      lines,
      `${mode} ${address} ${host}`,
    )
})

type Fields = readonly [name: string, value: string][]
const CONTINUED: readonly [mode: ForwardedMode, received: Fields, lines: string][] = [
  ['none', [['X-Forwarded-For', '198.51.100.1']], ''],
  ['x-forwarded', [], X('192.0.2.1', 'a.example', 'http')],
  [
    'x-forwarded',
    [
      ['x-forwarded-for', '198.51.100.1, 203.0.113.1'],
      ['x-forwarded-host', 'first.example'],
      ['x-forwarded-proto', 'https'],
    ],
    X('198.51.100.1, 203.0.113.1, 192.0.2.1', 'first.example', 'https'),
  ],
  [
    'x-forwarded',
    [
      ['X-Forwarded-For', '198.51.100.1'],
      ['X-Forwarded-For', '203.0.113.1'],
    ],
    X('198.51.100.1, 203.0.113.1, 192.0.2.1', 'a.example', 'http'),
  ],
  ['x-forwarded', [['X-Forwarded-For', '']], X('192.0.2.1', 'a.example', 'http')],
  ['forwarded', [], 'Forwarded: for=192.0.2.1;host=a.example;proto=http\r\n'],
  [
    'forwarded',
    [['Forwarded', 'for=198.51.100.1;proto=https']],
    'Forwarded: for=198.51.100.1;proto=https, for=192.0.2.1;host=a.example;proto=http\r\n',
  ],
]

test('lines that continue what a trusted proxy said', () => {
  const facts = { address: '192.0.2.1', host: 'a.example', proto: 'http' } as const
  for (const [mode, received, lines] of CONTINUED)
    assert.equal(forwardedLines(mode, facts, HeaderList.from(received)), lines, JSON.stringify(received))
})

test('who is trusted', () => {
  const networks = trustedNetworks(['10.0.0.0/8', '2001:db8::/32', '192.0.2.7'])
  for (const address of ['10.1.2.3', '::ffff:10.1.2.3', '2001:db8::1', '192.0.2.7'])
    assert.ok(isTrusted(address, networks), address)
  for (const address of ['11.0.0.1', '192.0.2.8', '::1', ''])
    assert.ok(!isTrusted(address, networks), address)
  assert.ok(!isTrusted('10.1.2.3', trustedNetworks([])))
  assert.throws(() => trustedNetworks(['10.0.0.0/8', 'lan']), /"lan" is neither an IP address nor a network/)
})
