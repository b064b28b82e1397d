/**
 * The `cors` layer in a config.
 */
import { z } from 'zod'
import { allInClass, TOKEN } from '../../base/ascii.ts'
import { parseDuration } from '../../base/units.ts'
import { checkOrigin, corsLayer } from '../../layers/cors.ts'
import { checkMethod } from '../patterns.ts'
import { duration, list, object, text, wrongType } from '../schema-parts.ts'
import { layerConfig } from './layer-config.ts'

const origin = text('an origin', 'https://app.example.com', checkOrigin)
const method = text('a method', 'GET', value => {
  if (value !== '*') checkMethod(value)
})
/** Not those of `headers`: a page may read, or name, what only the proxy writes. */
const fieldName = text('a header name', 'content-type', value => {
  if (!allInClass(value, TOKEN))
    throw new RangeError(`${JSON.stringify(value)} is not a header name: write for example "content-type"`)
})

const schema = object(
  {
    origins: list(origin, 'origins', "['https://app.example.com']").meta({
      description:
        'Whose pages may read answers: https://app.example.com, https://*.example.com (every name below it) or * (all).',
    }),
    methods: list(method, 'methods', "['GET', 'PUT']")
      .optional()
      .meta({ description: 'Methods that pages may use; GET, HEAD and POST when left out.' }),
    headers: list(fieldName, 'header names', "['content-type']")
      .optional()
      .meta({ description: 'Request fields that pages may set, beside those that need no leave.' }),
    expose: list(fieldName, 'header names', "['etag']")
      .optional()
      .meta({ description: 'Fields of answers that pages may read, beside those that need no leave.' }),
    credentials: z
      .boolean({ error: wrongType('true or false', 'true') })
      .optional()
      .meta({ description: 'Pages may ask with cookies and credentials. Not together with *.' }),
    maxAge: duration(
      'How long a browser may remember what a preflight said; its own 5 s when left out.',
      '10m',
    ).optional(),
  },
  'an object with origins',
  "{ origins: ['https://app.example.com'] }",
).meta({ description: 'Tells browsers which pages of other origins may use this one (CORS).' })

export const corsConfig = layerConfig(schema, ({ maxAge, ...options }) =>
  corsLayer({
    ...options,
    maxAgeSeconds: maxAge === undefined ? undefined : Math.round(parseDuration(maxAge) / 1000),
  }),
)
