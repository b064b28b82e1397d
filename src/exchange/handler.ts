/**
 * The one shape of everything that can answer: a router, a layer, an upstream group, a fixed answer.
 */
import type { Exchange } from './exchange.ts'

export interface Handler {
  handle(exchange: Exchange): void
}

/** Puts behaviour in front of a handler. Built once at start, never per request. */
export type Layer = (next: Handler) => Handler

/** Stacks layers in front of a handler: the first layer sees the request first. */
export function stack(layers: readonly Layer[], handler: Handler): Handler {
  return layers.reduceRight<Handler>((next, layer) => layer(next), handler)
}
