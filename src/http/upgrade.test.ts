import assert from 'node:assert/strict'
import test from 'node:test'
import { HeaderList } from './header-list.ts'
import type { Version } from './message.ts'
import { askedUpgrade, switchedTo } from './upgrade.ts'

type Fields = readonly (readonly [name: string, value: string])[]

const ON: Fields = [['Connection', 'Upgrade']]

const ASKED: readonly (readonly [what: string, fields: Fields, passed: string])[] = [
  ['one protocol', [...ON, ['Upgrade', 'websocket']], 'websocket'],
  ['a version', [...ON, ['Upgrade', 'foo/2']], 'foo/2'],
  [
    'spelling is kept',
    [
      ['connection', 'keep-alive, UPGRADE'],
      ['upgrade', 'WebSocket'],
    ],
    'WebSocket',
  ],
  ['a list', [...ON, ['Upgrade', 'a/1,\tb ,, c']], 'a/1, b, c'],
  ['several fields', [...ON, ['Upgrade', 'a'], ['Upgrade', 'b']], 'a, b'],
  ['no Upgrade', ON, ''],
  ['an empty Upgrade', [...ON, ['Upgrade', ' , ']], ''],
  ['no Connection', [['Upgrade', 'websocket']], ''],
  [
    'another connection option',
    [
      ['Connection', 'keep-alive'],
      ['Upgrade', 'websocket'],
    ],
    '',
  ],
  [
    'a longer option',
    [
      ['Connection', 'upgrades'],
      ['Upgrade', 'websocket'],
    ],
    '',
  ],
  ['HTTP/2 in clear', [...ON, ['Upgrade', 'h2c']], ''],
  ['the same, in other letters', [...ON, ['Upgrade', 'H2C']], ''],
  ['drafts of it', [...ON, ['Upgrade', 'h2c-14, h2-16']], ''],
  ['with a version', [...ON, ['Upgrade', 'h2c/2']], ''],
  ['HTTP', [...ON, ['Upgrade', 'HTTP/2.0, http/1.1, HTTP']], ''],
  ['TLS', [...ON, ['Upgrade', 'TLS/1.0, tls']], ''],
  ['hidden behind another', [...ON, ['Upgrade', 'websocket, h2c, TLS/1.2']], 'websocket'],
  ['hidden in a second field', [...ON, ['Upgrade', 'h2c'], ['Upgrade', 'echo']], 'echo'],
  ['what only begins so', [...ON, ['Upgrade', 'h2cat, httpx, tlsx/1']], 'h2cat, httpx, tlsx/1'],
  ['what is no token', [...ON, ['Upgrade', '"h2c", web socket, a/b/c, /x, y/, \xe9']], ''],
]

for (const [what, fields, passed] of ASKED)
  test(`asked: ${what}`, () => {
    const ask = (version: Version) =>
      askedUpgrade({ method: 'GET', target: '/', version, headers: HeaderList.from(fields) })
    assert.equal(ask(11), passed)
    assert.equal(ask(10), '')
  })

const SWITCHED: readonly (readonly [asked: string, fields: Fields, to: string | null])[] = [
  ['websocket', [['Upgrade', 'websocket']], 'websocket'],
  ['websocket', [['Upgrade', 'WebSocket']], 'websocket'],
  ['a/1, b', [['Upgrade', 'B']], 'b'],
  [
    'a/1, b',
    [
      ['Upgrade', 'a/1'],
      ['upgrade', 'b'],
    ],
    'a/1, b',
  ],
  ['websocket', [], null],
  ['websocket', [['Upgrade', '']], null],
  ['websocket', [['Upgrade', 'h2c']], null],
  ['websocket', [['Upgrade', 'websocket, h2c']], null],
  ['a/1', [['Upgrade', 'a']], null],
  ['a/1, b', [['Upgrade', '1, b']], null],
  ['', [['Upgrade', 'websocket']], null],
  ['', [['Upgrade', '']], null],
]

for (const [asked, fields, to] of SWITCHED)
  test(`asked for "${asked}", answered ${JSON.stringify(fields)}`, () =>
    assert.equal(switchedTo(asked, HeaderList.from(fields)), to))
