/**
 * The `headers` layer in a config.
 */
import { headersLayer } from '../../layers/headers.ts'
import { fieldName, fields, list, object } from '../schema-parts.ts'
import { layerConfig } from './layer-config.ts'

const headerEdits = object(
  {
    set: fields.optional().meta({ description: 'Put in the place of all fields of the same name.' }),
    add: fields.optional().meta({ description: 'Put behind the fields of the same name.' }),
    remove: list(fieldName, 'header names', "['server']").optional().meta({ description: 'Taken out.' }),
  },
  'an object with set, add or remove',
  "{ set: { 'x-served-by': 'sluice' } }",
)

const schema = object(
  {
    request: headerEdits.optional().meta({ description: 'Edits on the way to the upstream.' }),
    response: headerEdits.optional().meta({ description: 'Edits on the way back to the client.' }),
  },
  'an object with request or response',
  "{ response: { set: { 'x-served-by': 'sluice' } } }",
  {
    set: 'it belongs under request or response',
    add: 'it belongs under request or response',
    remove: 'it belongs under request or response',
  },
).meta({ description: 'Edits header fields on the way to the upstream (request) and back (response).' })

export const headersConfig = layerConfig(schema, headersLayer)
