/**
 * Writes `schema.json` anew: `node src/config/write-json-schema.ts`. A test fails while it is out of date.
 */
import { writeFileSync } from 'node:fs'
import { jsonSchemaText } from './json-schema.ts'

writeFileSync(new URL('../../schema.json', import.meta.url), jsonSchemaText())
