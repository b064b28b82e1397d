/**
 * The `rewrite` layer in a config.
 */
import { z } from 'zod'
import { rewriteLayer } from '../../layers/rewrite.ts'
import { checkRegex, checkVariables } from '../patterns.ts'
import { object, text, wrongType } from '../schema-parts.ts'
import { layerConfig } from './layer-config.ts'

const replacement = (example: string, description: string) =>
  text('a path', example, value => checkVariables(value, 'request'), { description })

const schema = object(
  {
    stripPrefix: text('a path', '/api', () => {}, {
      description: 'Taken from the front of paths that are it or go on with a slash.',
    }).optional(),
    addPrefix: replacement('/v2', 'Put in front, of what stripPrefix leaves if it is there too.').optional(),
    replace: z
      .record(z.string(), replacement('/new', 'What takes the place of the prefix.'), {
        error: wrongType('a set of prefixes', "{ '/old': '/new' }"),
      })
      .optional()
      .meta({ description: 'Prefixes and what takes their place; the first that fits counts.' }),
    regex: text('a regular expression', '^/user/(\\d+)$', checkRegex, {
      description: 'On the path as it came, without query. Paths that do not match stay as they are.',
    }).optional(),
    to: replacement('/u?id=$1', 'The new target; $1 and so on are groups of the regex.').optional(),
  },
  'an object with stripPrefix, addPrefix, replace or to',
  "{ stripPrefix: '/api' }",
  { prefix: 'write stripPrefix or addPrefix', from: 'write regex', path: 'write to' },
).meta({ description: 'Changes the target that servers are asked for.' })

export const rewriteConfig = layerConfig(schema, rewriteLayer)
