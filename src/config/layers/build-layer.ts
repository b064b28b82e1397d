/**
 * A layer of a config → the layer that serves.
 */
import type { z } from 'zod'
import type { Layer } from '../../exchange/handler.ts'
import { type Path, PlacedFault } from '../problems.ts'
import { LAYERS, type LayerName, layerSchema } from './index.ts'
import type { LayerConfig, LayerContext } from './layer-config.ts'

/** `layer` has passed the schema. Throws Error, with a message for the writer of the config. */
export function buildLayer(layer: unknown, context: LayerContext): Layer {
  const [[name, options]] = Object.entries(layer as Record<string, unknown>)
  return configOf(name as LayerName).build(options, context) as Layer
}

export interface LayerFault {
  /** From the layer down. */
  readonly path: Path
  readonly message: string
}

/** What the schema cannot see in a layer: whether it can be built. Null: nothing, or the schema has said it already. */
export function layerFault(layer: unknown, context: LayerContext): LayerFault | null {
  if (!layerSchema.safeParse(layer).success) return null
  try {
    buildLayer(layer, context)
    return null
  } catch (error) {
    return { path: error instanceof PlacedFault ? error.path : [], message: (error as Error).message }
  }
}

const configOf = (name: LayerName): LayerConfig<z.ZodType> =>
  LAYERS[name] as unknown as LayerConfig<z.ZodType>
