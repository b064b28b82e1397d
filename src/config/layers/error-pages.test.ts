/** Pages out of files: what they become, and every line a person reads when they cannot be had. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { answer, startOrigin } from '../../../test/support/origin.ts'
import { startProxy } from '../../../test/support/proxy.ts'
import { connect } from '../../../test/support/raw-client.ts'
import { request } from '../../../test/support/requests.ts'
import type { Layer } from '../../exchange/handler.ts'
import { readConfig } from '../read-config.ts'
import { buildLayer } from './build-layer.ts'
import { NOTHING_BEHIND } from './layer-config.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-pages-'))
after(() => rmSync(folder, { recursive: true }))
const write = (name: string, content: string | Buffer) => writeFileSync(join(folder, name), content)

write('404.html', '<p>{path} is not here</p>')
write('latin1.html', Buffer.from('<p>d\xe9sol\xe9</p>', 'latin1'))
write('pixel.png', Buffer.from([0x89, 0x50, 0xff, 0x7b, 0x7b]))
write('misspelled.html', '<p>{stauts}</p>')
write('page.weird', 'x')
write('large.txt', 'x'.repeat(1_048_577))
mkdirSync(join(folder, 'folder.html'))

test('files are read once, at the start, and sent by what their ending says', async t => {
  const layer = buildLayer(
    {
      errorPages: {
        404: { file: './404.html' },
        410: { file: 'latin1.html', headers: { 'content-type': 'text/html; charset=latin1' } },
        '4xx': { file: 'pixel.png' },
        '5xx': { body: 'sorry: {status}' },
      },
    },
    { folder, behind: NOTHING_BEHIND, caches: [] },
  ) as Layer
  const origin = await startOrigin(t, (asked, wire) => wire.send(answer('no', `${asked.target.slice(1)} X`)))
  const proxy = await startProxy(t, { to: origin, layers: [layer] })
  const client = await connect(t, proxy)
  for (const [target, type, body] of [
    ['/404', 'text/html; charset=utf-8', '<p>/404 is not here</p>'],
    ['/410', 'text/html; charset=latin1', '<p>d\xe9sol\xe9</p>'],
    ['/418', 'image/png', '\x89P\xff{{'],
    ['/503', 'text/plain; charset=utf-8', 'sorry: 503'],
  ]) {
    const told = await client.ask(request(target))
    assert.equal(told.status, Number(target.slice(1)))
    assert.equal(told.fields.get('Content-Type'), type)
    assert.equal(told.body.toString('latin1'), body)
  }
  assert.equal((await client.ask(request('/200'))).body.toString(), 'no')
  assert.equal(origin.wires.all.length, 1, 'the connection to the server was kept')
  assert.equal(proxy.records.all[0].status, 404)
})

const FAULTS: readonly [pages: string, fault: RegExp][] = [
  [
    "404: { file: './405.html' }",
    /^0\.ts:3:40: listeners\[0\]\.routes\[0\]\.layers\[0\]\.errorPages\["404"\]\.file: "\.\/405\.html": there is no such file: looked for \//,
  ],
  ["404: { file: 'folder.html' }", /"folder\.html": this is a folder/],
  ["404: { file: 'large.txt' }", /"large\.txt" has 1048577 bytes: a page has at most 1048576/],
  ["404: { file: 'page.weird' }", /its ending does not say its type .*: write headers: \{ 'content-type'/],
  [
    "404: { file: 'misspelled.html' }",
    /\["404"\]\.file: misspelled\.html: .*\{stauts\} is not a variable: did you mean \{status\}\?/,
  ],
  [
    "404: { body: '{pth}' }",
    /\["404"\]\.body: "\{pth\}": \{pth\} is not a variable: did you mean \{path\}\?/,
  ],
  ['404: {}', /\["404"\]: nothing to send: write file: '\.\/404\.html' or body/],
  ["404: { file: './404.html', body: 'x' }", /\.body: file and body in one page: keep one/],
  ["200: { body: 'x' }", /"200" is not what errors are called here: write a status such as "404"/],
  ["404: { body: 'x', status: 304 }", /304 for "404" is no status/],
  ["404: { body: 'x', stauts: 200 }", /unknown key "stauts": did you mean "status"\?/],
  ["404: 'x'", /"x" is not an error page: write for example/],
]

test('what is wrong with pages is found by the check, with its place', async () => {
  for (const [at, [pages, fault]] of FAULTS.entries()) {
    const name = `${at}.ts`
    write(
      name,
      `import { defineConfig, errorPages } from 'sluice'\nexport default defineConfig({ listeners: [{ listen: 1, routes: [\n  { layers: [errorPages({ ${pages} })], respond: 'x' }] }] })\n`,
    )
    const { faults } = await readConfig(name, folder)
    assert.equal(faults.length, 1, `${pages}: ${faults.join('\n')}`)
    assert.match(faults[0], fault)
  }
})
