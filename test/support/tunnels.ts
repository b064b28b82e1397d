/**
 * Conversations that switch to a protocol called echo: what is asked, what is answered, what is on record.
 */
import assert from 'node:assert/strict'
import type { ExchangeRecord } from '../../src/exchange/observer.ts'
import { type Cast, DATE, type Peer, VIA } from './playbook.ts'

export const ASK = [
  'GET /chat HTTP/1.1',
  'Host: shop',
  'Connection: Upgrade',
  'Upgrade: echo',
  '',
  '',
] as const
export const ASKED = [
  ...['GET /chat HTTP/1.1', 'Host: shop', VIA],
  ...['Connection: Upgrade', 'Upgrade: echo', '', ''],
] as const
export const SWITCH = ['HTTP/1.1 101 Switching', 'Connection: Upgrade', 'Upgrade: echo', '', ''] as const
export const SWITCHED = [
  ...['HTTP/1.1 101 Switching', 'Upgrade: echo', VIA],
  ...[DATE, 'Connection: Upgrade', '', ''],
] as const

export function asks({ client, servers }: Cast): Peer {
  client.sends(...ASK)
  const server = servers.accepts()
  server.gets(...ASKED)
  return server
}

export function switches(cast: Cast): Peer {
  const server = asks(cast)
  server.sends(...SWITCH)
  cast.client.gets(...SWITCHED)
  return server
}

export function recorded({ book }: Cast, wanted: Partial<ExchangeRecord>): void {
  assert.equal(book.records.length, 1, 'one exchange is on record')
  const [record] = book.records
  for (const [name, value] of Object.entries(wanted))
    assert.equal(record[name as keyof ExchangeRecord], value, name)
}
