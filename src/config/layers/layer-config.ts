/**
 * What a layer is to a config: how its options are written, and how it is built out of them.
 */
import type { z } from 'zod'

export interface LayerContext {
  /** What relative names of files are relative to: the folder of the config file. */
  readonly folder: string
  readonly behind: Behind
  /** A layer that is a cache puts its `Cache` in here: somebody has to start and close it. */
  readonly caches: object[]
  /** An `OpenStore`: what caches open in the place of the stores of their options. Without its types, as `BuiltLayer`. */
  readonly openStore?: ((...args: never) => unknown) | undefined
}

/** What stands behind a layer in its route. */
export interface Behind {
  /** The upstream, else `redirect` or `respond`. */
  readonly name: string
  /** The layers behind it, and who answers when that is no upstream, as they are written. */
  readonly parts: readonly unknown[]
}

/** For who only wants to know whether a layer can be built. */
export const NOTHING_BEHIND: Behind = { name: '', parts: [] }

/** A `Layer`, told without its types: those would bring the types of Node into every config. */
export type BuiltLayer = (next: never) => unknown

export interface LayerConfig<Schema extends z.ZodType> {
  readonly schema: Schema
  /** Options whose values are shown to nobody: who prints a layer puts something else in their place. */
  readonly secrets?: readonly string[]
  /**
   * `options` have passed the schema. Throws Error, with a message for the writer of the config, for what the schema
   * cannot see. It is called by the check too, so it must not begin anything (timers, threads, connections).
   */
  build(options: z.output<Schema>, context: LayerContext): BuiltLayer
}

/** Gives a layer's two halves their common type. */
export function layerConfig<Schema extends z.ZodType>(
  schema: Schema,
  build: (options: z.output<Schema>, context: LayerContext) => BuiltLayer,
  secrets: readonly string[] = [],
): LayerConfig<Schema> {
  return { schema, build, secrets }
}
