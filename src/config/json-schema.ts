/**
 * The schema of a config as JSON Schema, for editors and for other programs.
 */
import { z } from 'zod'
import { configSchema } from './schema.ts'

const LIST_OF_SCALARS = /\[\s+(?:"(?:[^"\\]|\\.)*"|[\w.-]+)(?:,\s+(?:"(?:[^"\\]|\\.)*"|[\w.-]+))*\s+\]/g

const LINE_CHARACTERS_MAX = 110

/** The text of `schema.json`; short lists stand in one line, as the formatter of this repository has them. */
export function jsonSchemaText(): string {
  const schema = z.toJSONSchema(configSchema, { io: 'input', target: 'draft-2020-12' })
  const text = JSON.stringify(schema, null, 2)
  const inOneLine = text.replace(LIST_OF_SCALARS, (list: string, at: number) => {
    const line = list
      .replace(/\[\s+/, '[')
      .replace(/\s+\]$/, ']')
      .replace(/\n\s+/g, ' ')
    // As the formatter of this repository has it; a comma may follow.
    const before = at - text.lastIndexOf('\n', at) - 1
    return before + line.length + 1 <= LINE_CHARACTERS_MAX ? line : list
  })
  return `${inOneLine}\n`
}
