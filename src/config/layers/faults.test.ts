/** What a person reads about layers that are written wrongly: the place, what is wrong, what to write. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { readConfig } from '../read-config.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-layers-'))
after(() => rmSync(folder, { recursive: true }))

/** A layer as it stands in YAML, from column 9 on, and the faults without the name of the file and of the route. */
const FAULTS: readonly [layer: string, ...faults: string[]][] = [
  ['headers: { request: { set: { x-a: "{client} {path}" } }, response: { add: { x-b: "{status}" } } }'],
  [
    'headers: { request: { set: { x-a: "{clint}" } } }',
    '5:41: .headers.request.set["x-a"]: "{clint}": {clint} is not a variable: did you mean {client}?',
  ],
  [
    'headers: { request: { add: { x-a: "a {status}" } } }',
    '5:41: .headers.request.add["x-a"]: "a {status}": {status} is known only once there is an answer: take it out',
  ],
  [
    'headers: { response: { set: { x-a: "{header}" } } }',
    '5:42: .headers.response.set["x-a"]: "{header}": {header} names no header: write {header.NAME}',
  ],
  ['rewrite: { stripPrefix: /api, addPrefix: /v2 }'],
  ['rewrite: { regex: "^/user/(\\\\d+)$", to: "/u?id=$1" }'],
  ['rewrite: { regex: "(a", to: /b }', '5:25: .rewrite.regex: "(a" at character 3: a ")" is missing'],
  [
    'rewrite: { regex: "(.*)*", to: /b }',
    '5:25: .rewrite.regex: "(.*)*" at character 5: what is repeated here can be empty: take one of the two repetitions out',
  ],
  ['rewrite: { to: "/{pth}" }', '5:22: .rewrite.to: "/{pth}": {pth} is not a variable: did you mean {path}?'],
  [
    'rewrite: { stripPrefix: api }',
    '5:7: : rewrite: stripPrefix: "api" is no prefix: write it with a slash in front and none behind, "/api"',
  ],
  ['rewrite: { prefix: /api }', '5:18: .rewrite: unknown key "prefix": write stripPrefix or addPrefix'],
  [
    'rewrite: {}',
    '5:7: : rewrite: nothing to do: write stripPrefix and addPrefix, or replace, or to with or without regex',
  ],
  ['bodyLimit: 10MB'],
  ['bodyLimit: "0"'],
  ['bodyLimit: 0', '5:18: .bodyLimit: 0 is not a size: write for example "10MB"'],
  ['bodyLimit: 10M', '5:18: .bodyLimit: "10M" is not a size: write "10MB"'],
  ['bodyLimit: lots', '5:18: .bodyLimit: "lots" is not a size: write for example "64KB", "10MB" or "1GB"'],
  ['bodylimit: 10MB', '5:7: : unknown key "bodylimit": did you mean "bodyLimit"?'],
]

test('the check says all of it', async () => {
  for (const [at, [layer, ...expected]] of FAULTS.entries()) {
    const name = `${at}.yaml`
    writeFileSync(
      join(folder, name),
      `listeners:\n- listen: 1\n  routes:\n  - layers:\n    - ${layer}\n    respond: x\n`,
    )
    const { faults } = await readConfig(name, folder)
    const brief = faults.map(each =>
      each.replace(`${name}:`, '').replace('listeners[0].routes[0].layers[0]', ''),
    )
    assert.deepEqual(brief, expected, layer)
  }
})

test('variables in a fixed answer whose type nobody knows how to escape', async () => {
  const respond = '{ body: "a = {path}", headers: { content-type: text/javascript } }'
  writeFileSync(join(folder, 'respond.yaml'), `listeners:\n- listen: 1\n  routes:\n  - respond: ${respond}\n`)
  const { faults } = await readConfig('respond.yaml', folder)
  assert.deepEqual(faults, [
    'respond.yaml:4:22: listeners[0].routes[0].respond.body: variables can stand in plain text, HTML, XML and JSON, not in "text/javascript", where nobody knows how to escape them',
  ])
})
