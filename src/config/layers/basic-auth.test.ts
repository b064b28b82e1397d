/** What people write about who may get in, and what they read when it is wrong; passwords are in none of it. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { checkPassword, parsePasswordHash } from '../../layers/password-hash.ts'
import { readConfig } from '../read-config.ts'
import { HASH_COMMAND } from './basic-auth.ts'
import { LAYERS } from './index.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-users-'))
after(() => rmSync(folder, { recursive: true }))

const HASH = '$scrypt$ln=4,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$3gqUYp3sE6WzR5oQ9xWmJmW5l6x1S3xkq7gkq6v1d2o'

async function faultsOf(layer: unknown, files: Record<string, string> = {}): Promise<string[]> {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  const config = { listeners: [{ listen: 0, routes: [{ respond: 'x', layers: [layer] }] }] }
  writeFileSync(join(folder, 'sluice.config.json'), JSON.stringify(config))
  const { faults, warnings } = await readConfig(null, folder)
  assert.deepEqual(warnings, [])
  return faults.map(fault => fault.replace(/^.*?layers\[0\]/, '').replaceAll(folder, ''))
}

test('the command that makes a hash makes one that lets in', async () => {
  const made = execFileSync('sh', ['-c', HASH_COMMAND], { input: 'p\u00e4ss "word" $1\n' })
  const right = (password: string) =>
    new Promise<boolean>(done => {
      const expected = parsePasswordHash(String(made).trim())
      assert.ok(checkPassword({ password, expected, client: '', wanted: true, done }))
    })
  assert.equal(await right('p\u00e4ss "word" $1'), true)
  assert.equal(await right('p\u00e4ss "word" $2'), false)
})

test('users of the config and of a file', async () => {
  const file = `# staff\n\nbob:${HASH}\r\nc d:${HASH}\n`
  assert.deepEqual(
    await faultsOf(
      { basicAuth: { users: { alice: HASH, dave: 'plain' }, file: 'users.txt' } },
      { 'users.txt': file },
    ),
    [],
  )
})

const BAD: readonly (readonly [options: object, file: string, fault: RegExp])[] = [
  [{}, '', /^: basicAuth: nobody could get in: name users or a file$/],
  [{ users: {} }, '', /nobody could get in/],
  [{ users: { alice: 12345678 } }, '', /^\.basicAuth\.users\.alice: a password is text: its hash/],
  [{ users: ['alice'] }, '', /users are names with hashes/],
  [{ users: { 'a:b': 'hidden' } }, '', /user "a:b": a name has no colon in it/],
  [{ users: { '': 'hidden' } }, '', /a name has no colon in it/],
  [{ users: { alice: '' } }, '', /user "alice": the password is empty/],
  [{ users: { alice: 'hid\nden' } }, '', /the password is empty or has control characters/],
  [
    { users: { alice: '$2y$10$hidden' } },
    '',
    /only hashes that begin with \$scrypt\$ are known: make a hash with node -e/,
  ],
  [{ users: { alice: '$apr1$hidden$x' } }, '', /only hashes that begin/],
  [{ users: { alice: '{SHA}hidden' } }, '', /only hashes that begin/],
  [{ users: { alice: '$scrypt$hidden' } }, '', /user "alice": a hash is written \$scrypt\$ln=14/],
  [{ users: { alice: HASH.replace('ln=4', 'ln=30') } }, '', /the cost of a hash is too high/],
  [{ users: { alice: HASH.replace('ln=4,r=8', 'ln=16,r=1') } }, '', /too high for its r/],
  [{ users: { alice: HASH.replace('p=1', 'p=99') } }, '', /the cost of a hash is too high/],
  [
    { users: { alice: HASH.replace('AAECAwQFBgcICQoLDA0ODw', 'AAAA') } },
    '',
    /the salt of a hash has 8 to 64 bytes/,
  ],
  [{ users: { alice: HASH.slice(0, -30) } }, '', /a hash has 16 to 64 bytes/],
  [{ users: { alice: HASH }, realm: 'caf\u00e9' }, '', /realm: only printable ASCII/],
  [{ file: 'nowhere.txt' }, '', /the file cannot be read: ENOENT.*nowhere\.txt/],
  [{ file: '' }, '', /\.file: an empty name/],
  [{ file: 'users.txt' }, 'bob\n', /\/users\.txt:1: a line is name:\$scrypt\$/],
  [
    { file: 'users.txt' },
    `# x\nbob:hidden\n`,
    /\/users\.txt:2: a hash is written .*: make a hash with node -e/,
  ],
  [{ file: 'users.txt' }, `bob:${HASH}\nbob:${HASH}`, /\/users\.txt:2: user "bob" is written twice/],
  [{ file: 'users.txt', users: { bob: 'hidden' } }, `bob:${HASH}`, /user "bob" is written twice/],
  [{ users: { alice: HASH }, pass: 1 }, '', /unknown key "pass"/],
]

test('what is wrong is told with what to write, and without what is secret', async () => {
  for (const [options, file, fault] of BAD) {
    const [first, ...more] = await faultsOf({ basicAuth: options }, { 'users.txt': file })
    assert.match(first ?? '', fault, JSON.stringify(options))
    assert.deepEqual(more, [], JSON.stringify(options))
    assert.doesNotMatch(first, /hidden|12345678/)
  }
})

test('who prints a layer knows what to leave out', () => {
  assert.deepEqual(LAYERS.basicAuth.secrets, ['users'])
})

test('a route with cors that preflights cannot reach is told', async () => {
  const warningsFor = async (method: unknown) => {
    const layers = [{ cors: { origins: ['*'] } }]
    const config = { listeners: [{ listen: 0, routes: [{ method, respond: 'x', layers }] }] }
    writeFileSync(join(folder, 'sluice.config.json'), JSON.stringify(config))
    const { faults, warnings } = await readConfig(null, folder)
    assert.deepEqual(faults, [])
    return warnings
  }
  for (const method of ['GET', ['GET', 'PUT']])
    assert.match((await warningsFor(method))[0], /routes\[0\]\.method: preflights .*: add "OPTIONS"$/)
  for (const method of [undefined, 'OPTIONS', ['GET', 'OPTIONS']])
    assert.deepEqual(await warningsFor(method), [])
})

test('networks and origins are checked where they stand', async () => {
  assert.deepEqual(await faultsOf({ ipAllow: ['private', '10.0.0.0/40'] }), [
    '.ipAllow[1]: "10.0.0.0/40": the length after the slash is a number from 0 to 32',
  ])
  assert.match((await faultsOf({ ipDeny: [] }))[0], /an empty list: write for example \['10\.0\.0\.0\/8'\]/)
  assert.match(
    (await faultsOf({ cors: { origins: ['https://a.example/'] } }))[0],
    /write "https:\/\/a\.example"/,
  )
  assert.match((await faultsOf({ cors: {} }))[0], /\.cors\.origins: missing: write for example/)
  assert.match((await faultsOf({ cors: { origins: ['*'], credentials: true } }))[0], /exclude each other/)
  assert.deepEqual(
    await faultsOf({ cors: { origins: ['*'], maxAge: '10m', headers: ['*', 'authorization'] } }),
    [],
  )
})
