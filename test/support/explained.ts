/**
 * Requests of a command line, explained by a config that is given as text.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { parseFlags } from '../../src/cli.ts'
import { type Asked, askedFor } from '../../src/commands/explain/asked.ts'
import { type Explanation, explanationOf } from '../../src/commands/explain/explanation.ts'
import { Running } from '../../src/commands/explain/running.ts'
import { COMMANDS } from '../../src/commands/index.ts'
import type { ProgramState } from '../../src/commands/program-state.ts'
import { digestOf } from '../../src/commands/state-place.ts'
import { readConfig } from '../../src/config/read-config.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-explain-'))
after(() => rmSync(folder, { recursive: true }))

/** `args`: what follows `explain` on the command line. */
export function askedFrom(args: readonly string[]): ReturnType<typeof askedFor> {
  const command = COMMANDS.find(each => each.name === 'explain')
  assert.ok(command !== undefined)
  const { values, faults } = parseFlags(command, args)
  assert.deepEqual(faults, [])
  return askedFor(values)
}

/** `text` is YAML, and called `shop.yaml` in places. */
export async function explained(text: string, args: readonly string[]): Promise<Explanation> {
  const asked = askedFrom(args)
  assert.ok(!('faults' in asked))
  return explanationFor(text, asked)
}

/** `state`: what the program that runs beside it says of itself. */
export async function explanationFor(
  text: string,
  asked: Asked,
  state: ProgramState | null = null,
): Promise<Explanation> {
  writeFileSync(join(folder, 'shop.yaml'), text)
  const found = await readConfig('shop.yaml', folder)
  assert.ok(found.config !== null, found.faults.join('\n'))
  const running = state === null ? null : new Running(state, digestOf(found.config))
  return explanationOf(found.config, found, asked, running)
}
