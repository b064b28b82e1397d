/**
 * The `headers` layer in a config.
 */
import { z } from 'zod'
import { headersLayer } from '../../layers/headers.ts'
import { checkFieldValue, checkVariables } from '../patterns.ts'
import { fieldName, list, object, text, wrongType } from '../schema-parts.ts'
import { layerConfig } from './layer-config.ts'

type Side = 'request' | 'response'

/** Values may hold the variables of their side. */
const valuesOf = (side: Side) =>
  z.record(
    fieldName,
    text('a header value', 'sluice', value => {
      checkFieldValue(value)
      checkVariables(value, side)
    }),
    { error: wrongType('a set of header fields', "{ 'x-served-by': 'sluice' }") },
  )

const headerEdits = (side: Side) =>
  object(
    {
      set: valuesOf(side)
        .optional()
        .meta({ description: 'Put in the place of all fields of the same name.' }),
      add: valuesOf(side).optional().meta({ description: 'Put behind the fields of the same name.' }),
      remove: list(fieldName, 'header names', "['server']").optional().meta({ description: 'Taken out.' }),
    },
    'an object with set, add or remove',
    "{ set: { 'x-served-by': 'sluice' } }",
  )

const schema = object(
  {
    request: headerEdits('request').optional().meta({ description: 'Edits on the way to the upstream.' }),
    response: headerEdits('response')
      .optional()
      .meta({ description: 'Edits on the way back to the client.' }),
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
