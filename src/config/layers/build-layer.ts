/**
 * A layer of a config → the layer that serves.
 */
import type { z } from 'zod'
import type { Layer } from '../../exchange/handler.ts'
import { messageOf } from '../problems.ts'
import { LAYERS, type LayerName, layerSchema } from './index.ts'
import type { LayerConfig, LayerContext } from './layer-config.ts'

/** `layer` has passed the schema. Throws Error, with a message for the writer of the config. */
export function buildLayer(layer: unknown, context: LayerContext): Layer {
  const [[name, options]] = Object.entries(layer as Record<string, unknown>)
  return configOf(name as LayerName).build(options, context) as Layer
}

/** What the schema cannot see in a layer: whether it can be built. Null: nothing, or the schema has said it already. */
export function layerFault(layer: unknown, context: LayerContext): string | null {
  return layerSchema.safeParse(layer).success ? messageOf(() => buildLayer(layer, context)) : null
}

const configOf = (name: LayerName): LayerConfig<z.ZodType> =>
  LAYERS[name] as unknown as LayerConfig<z.ZodType>
