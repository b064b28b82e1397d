/**
 * Takes the answer of a server that nobody wants any more, because the request is sent again: the session reads it
 * to its end and keeps its connection.
 */
import type { Body, Exchange, Reply } from '../exchange/exchange.ts'
import { HeaderList } from '../http/header-list.ts'
import { NO_BODY } from '../http1/framing.ts'
import { GROUP_DEFAULTS } from './options.ts'
import type { Tenant } from './upstream-session.ts'

const REPLY: Reply = {
  open() {},
  early() {},
  head() {},
  data: () => true,
  trailers() {},
  end() {},
  fail() {},
}

const BODY: Body = {
  framing: NO_BODY,
  ended: true,
  limit() {},
  into() {},
  release() {},
  pause() {},
  resume() {},
  cancel() {},
}

const EXCHANGE: Pick<Exchange, 'request' | 'body' | 'reply'> = {
  request: { method: '', target: '', version: 11, headers: HeaderList.empty() },
  body: BODY,
  reply: REPLY,
}

/** One for all: it remembers nothing. */
export const DROPPED: Tenant = {
  exchange: EXCHANGE as Exchange,
  timeouts: GROUP_DEFAULTS,
  sending() {},
  accepts: () => true,
  declined() {},
  answered() {},
  failed() {},
}
