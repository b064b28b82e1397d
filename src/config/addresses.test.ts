import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  checkNetwork,
  isHostName,
  parseAdminAddress,
  parseListenAddress,
  parseServerAddress,
} from './addresses.ts'

const LISTEN: [written: string | number, host: string, port: number][] = [
  ['8080', '::', 8080],
  [8080, '::', 8080],
  [':8080', '::', 8080],
  ['0', '::', 0],
  ['127.0.0.1:0', '127.0.0.1', 0],
  ['localhost:8080', 'localhost', 8080],
  ['[::1]:8080', '::1', 8080],
  ['[::]:8080', '::', 8080],
]

const BAD_LISTEN: [written: string | number, message: string][] = [
  [
    '',
    '"" is not an address to listen on: write for example "127.0.0.1:8080", ":8080" or "unix:/run/sluice.sock"',
  ],
  ['127.0.0.1', '"127.0.0.1" has no port: write "127.0.0.1:8080"'],
  [':80800', '":80800": a port is a number from 0 to 65535'],
  [70_000, '"70000": a port is a number from 0 to 65535'],
  ['*:8080', '"*:8080": write ":8080" to listen on every interface'],
  ['::1', '"::1": an IPv6 address stands in brackets: write "[::1]:8080"'],
  [
    '1.2.3.4.5:80',
    '"1.2.3.4.5:80": "1.2.3.4.5" is not a host name and not an IP address: write for example "127.0.0.1:8080"',
  ],
  ['unix:', '"unix:" is not the path of a unix socket: write for example "unix:/run/sluice.sock"'],
  [
    `unix:/${'x'.repeat(107)}`,
    `"unix:/${'x'.repeat(107)}": the path of a unix socket holds at most 107 bytes: choose a shorter one`,
  ],
]

test('listen addresses', () => {
  for (const [written, host, port] of LISTEN) {
    assert.deepEqual(parseListenAddress(written), { kind: 'tcp', host, port }, String(written))
  }
  assert.deepEqual(parseListenAddress('unix:/run/s.sock'), { kind: 'unix', path: '/run/s.sock' })
})

test('a bad listen address says what to write', () => {
  for (const [written, message] of BAD_LISTEN) assert.throws(() => parseListenAddress(written), { message })
})

const SERVERS: [text: string, host: string, port: number, basePath: string, label: string][] = [
  ['127.0.0.1:9000', '127.0.0.1', 9000, '', '127.0.0.1:9000'],
  ['shop.internal', 'shop.internal', 80, '', 'shop.internal'],
  ['shop_1:8080', 'shop_1', 8080, '', 'shop_1:8080'],
  ['[::1]:9000', '::1', 9000, '', '[::1]:9000'],
  ['[::1]', '::1', 80, '', '[::1]'],
  ['http://shop.internal', 'shop.internal', 80, '', 'shop.internal'],
  ['http://shop.internal:8080/', 'shop.internal', 8080, '', 'shop.internal:8080'],
  ['http://shop.internal/base/', 'shop.internal', 80, '/base', 'shop.internal'],
  ['HTTP://[::1]:81/a/b', '::1', 81, '/a/b', '[::1]:81'],
  ['127.0.0.1:9000/base', '127.0.0.1', 9000, '/base', '127.0.0.1:9000'],
]

const BAD_SERVERS: [text: string, message: string][] = [
  [
    '',
    '"" is not the address of a server: write for example "127.0.0.1:9000", "http://shop.internal/base" or "unix:/run/shop.sock"',
  ],
  [
    'https://shop.internal',
    '"https://shop.internal": TLS to upstream servers is not served yet: write "http://shop.internal" if the server takes plain HTTP',
  ],
  ['ftp://shop.internal', '"ftp://shop.internal": servers speak http here: write "http://shop.internal"'],
  [
    'http://shop/?a=1',
    '"http://shop/?a=1": what follows the address is a plain path, without query and fragment',
  ],
  [
    'http://u:p@shop/',
    '"http://u:p@shop/" is not the address of a server: write for example "127.0.0.1:9000", "http://shop.internal/base" or "unix:/run/shop.sock"',
  ],
  ['http://u@shop/', '"http://u@shop/": an address holds no user name and no password'],
  ['9000', '"9000" is only a port: write "127.0.0.1:9000"'],
  ['shop:0', '"shop:0": a port is a number from 1 to 65535'],
  ['::1', '"::1": an IPv6 address stands in brackets: write "[::1]:8080"'],
  ['bücher.example', '"bücher.example": write the host in its ASCII form: "xn--bcher-kva.example"'],
  ['sh op', '"sh op" is not a host name and not an IP address: write for example "127.0.0.1:8080"'],
]

test('server addresses', () => {
  for (const [text, host, port, basePath, label] of SERVERS) {
    assert.deepEqual(
      parseServerAddress(text),
      { host, port, unixPath: '', basePath, label, weight: 1, priority: 1 },
      text,
    )
  }
  assert.deepEqual(parseServerAddress('unix:/run/x.sock', 3, 2), {
    host: '',
    port: 0,
    unixPath: '/run/x.sock',
    basePath: '',
    label: 'unix:/run/x.sock',
    weight: 3,
    priority: 2,
  })
})

test('a bad server address says what to write', () => {
  for (const [text, message] of BAD_SERVERS) assert.throws(() => parseServerAddress(text), { message })
})

test('where the program is ruled from is this machine', () => {
  for (const [text, host] of [
    ['127.0.0.1:1', '127.0.0.1'],
    ['127.8.9.1:1', '127.8.9.1'],
    ['localhost:1', '127.0.0.1'],
    ['[::1]:1', '::1'],
  ] as const)
    assert.deepEqual(parseAdminAddress(text), { kind: 'tcp', host, port: 1 })
  assert.deepEqual(parseAdminAddress('unix:/a'), { kind: 'unix', path: '/a' })
  for (const text of [
    '8079',
    ':8079',
    8079,
    '0.0.0.0:8079',
    '[::]:8079',
    '192.0.2.7:8079',
    'localhost.example:8079',
    '127.example:8079',
    '[::ffff:127.0.0.1]:8079',
  ])
    assert.throws(() => parseAdminAddress(text), {
      message: `${JSON.stringify(String(text))} can be reached from other machines, and who reaches it may purge: write "127.0.0.1:8079" or "unix:/run/sluice-admin.sock"`,
    })
})

test('networks', () => {
  for (const text of ['10.0.0.0/8', '192.0.2.7', 'fd00::/8', '::1', '::ffff:10.0.0.1/128', '0.0.0.0/0'])
    checkNetwork(text)
  assert.throws(() => checkNetwork('10.0.0.0/33'), {
    message: '"10.0.0.0/33": the length after the slash is a number from 0 to 32',
  })
  assert.throws(() => checkNetwork('10.0.0/8'), {
    message: '"10.0.0/8" is not a network: write for example "10.0.0.0/8", "fd00::/8" or "192.0.2.7"',
  })
  assert.throws(() => checkNetwork('example.com'))
})

test('host names', () => {
  for (const good of [
    'a',
    'a-b.example.com',
    'example.com.',
    '_srv.example',
    'xn--bcher-kva.example',
    '1a.b',
  ]) {
    assert.ok(isHostName(good), good)
  }
  for (const bad of ['', '-a', 'a-', 'a..b', '127.1', '1', 'a b', 'a/b', 'x'.repeat(64), 'a.'.repeat(130)]) {
    assert.ok(!isHostName(bad), bad)
  }
})
