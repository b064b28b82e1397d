/**
 * The layers that a config can name, in the order of the documents.
 * Strategy: one table. A layer in a config is an object with one key, its name; the functions of the library build
 * exactly that.
 */
import type { z } from 'zod'
import { layerHabits } from '../habits.ts'
import { object } from '../schema-parts.ts'
import { basicAuthConfig } from './basic-auth.ts'
import { bodyLimitConfig } from './body-limit.ts'
import { cacheConfig } from './cache.ts'
import { compressConfig } from './compress.ts'
import { corsConfig } from './cors.ts'
import { errorPagesConfig } from './error-pages.ts'
import { headersConfig } from './headers.ts'
import { ipAllowConfig, ipDenyConfig } from './ip-access.ts'
import { rewriteConfig } from './rewrite.ts'

export const LAYERS = {
  headers: headersConfig,
  cache: cacheConfig,
  compress: compressConfig,
  rewrite: rewriteConfig,
  bodyLimit: bodyLimitConfig,
  errorPages: errorPagesConfig,
  ipAllow: ipAllowConfig,
  ipDeny: ipDenyConfig,
  basicAuth: basicAuthConfig,
  cors: corsConfig,
} as const

type Layers = typeof LAYERS
export type LayerName = keyof Layers
/** What a layer is told, by its name. */
export type LayerOptions<Name extends LayerName> = z.input<Layers[Name]['schema']>

/** Their names, in the order of the table. */
export const LAYER_NAMES = Object.keys(LAYERS) as LayerName[]
const names = LAYER_NAMES

const shape = Object.fromEntries(names.map(name => [name, LAYERS[name].schema.optional()])) as {
  [Name in LayerName]: z.ZodOptional<Layers[Name]['schema']>
}

const anyLayer = object(
  shape,
  'a layer',
  "{ headers: { response: { set: { 'x-served-by': 'sluice' } } } }",
  layerHabits(names),
)
  .superRefine((layer, context) => {
    const given = Object.keys(layer)
    if (given.length === 0)
      context.addIssue({ code: 'custom', message: `an empty layer: write one of ${names.join(', ')}` })
    // A layer function called without its options: TypeScript would have said so.
    for (const name of given.filter(each => layer[each as LayerName] === undefined)) {
      const fault = LAYERS[name as LayerName].schema.safeParse(undefined).error?.issues[0]
      if (fault !== undefined) context.addIssue({ code: 'custom', path: [name], message: fault.message })
    }
    for (const name of given.slice(1))
      context.addIssue({
        code: 'custom',
        path: [name],
        message: `a layer has one name: give "${name}" braces of its own`,
      })
  })
  .meta({ minProperties: 1, maxProperties: 1 })

/** One layer: exactly one of the names. */
export type LayerData = {
  [Name in LayerName]: { [Key in Name]: LayerOptions<Name> } & { [Key in Exclude<LayerName, Name>]?: never }
}[LayerName]

/** The type says what the schema checks when it runs: exactly one name. */
export const layerSchema = anyLayer as unknown as z.ZodType<LayerData, LayerData>
