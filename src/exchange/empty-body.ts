/**
 * The body of a request that has none: one object for all of them.
 */
import { NO_BODY } from '../http1/framing.ts'
import type { Body, BodySink } from './exchange.ts'

export const EMPTY_BODY: Body = {
  framing: NO_BODY,
  ended: true,
  into(sink: BodySink): void {
    sink.open(EMPTY_BODY)
    sink.end()
  },
  limit(): void {},
  release(): void {},
  pause(): void {},
  resume(): void {},
  cancel(): void {},
}
