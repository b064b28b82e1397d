import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { readConfig } from './read-config.ts'

const FOLDER = fileURLToPath(new URL('../../examples', import.meta.url))
const NAMES = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }).filter(name =>
  /\.config\.\w+$/.test(name),
)

test('every example is a config without faults', async () => {
  assert.ok(NAMES.length > 0)
  for (const name of NAMES) {
    const { faults, warnings } = await readConfig(name, FOLDER)
    assert.deepEqual({ faults, warnings }, { faults: [], warnings: [] }, name)
  }
})

test('the shop is the same in TypeScript, YAML and JSON', async () => {
  const [script, yaml, json] = await Promise.all(
    ['ts', 'yaml', 'json'].map(ending => readConfig(`shop.config.${ending}`, FOLDER)),
  )
  const { $schema, ...rest } = json.config ?? {}
  assert.equal($schema, '../schema.json')
  assert.deepEqual(script.config, rest)
  assert.deepEqual(yaml.config, rest)
})
