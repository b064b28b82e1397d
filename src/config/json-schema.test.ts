import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { jsonSchemaText } from './json-schema.ts'

test('schema.json is what the schema says', () => {
  const committed = readFileSync(new URL('../../schema.json', import.meta.url), 'utf8')
  assert.equal(committed, jsonSchemaText(), 'out of date: node src/config/write-json-schema.ts')
})

test('every option has a description', () => {
  const nameless: string[] = []
  const visit = (schema: Record<string, unknown>, path: string): void => {
    for (const [key, value] of Object.entries(
      (schema.properties ?? {}) as Record<string, Record<string, unknown>>,
    )) {
      if (typeof value.description !== 'string') nameless.push(`${path}.${key}`)
      visit(value, `${path}.${key}`)
    }
    for (const inner of [schema.items, schema.additionalProperties, ...((schema.anyOf as unknown[]) ?? [])]) {
      if (typeof inner === 'object' && inner !== null) visit(inner as Record<string, unknown>, path)
    }
  }
  visit(JSON.parse(jsonSchemaText()), 'config')
  assert.deepEqual(nameless, [])
})
