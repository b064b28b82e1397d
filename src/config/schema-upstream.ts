/**
 * The part of the schema that says where requests go: upstreams and their servers.
 */
import { z } from 'zod'
import { parseServerAddress } from './addresses.ts'
import { SERVER_HABITS, UPSTREAM_HABITS } from './habits.ts'
import { balanceSchema } from './schema-balance.ts'
import { checkSchema, healthSchema, retrySchema } from './schema-health.ts'
import { COUNT_MAX, choice, count, duration, list, object, text, wait, wrongType } from './schema-parts.ts'

const serverAddress = text('the address of a server', '127.0.0.1:9000', value => parseServerAddress(value), {
  description: 'host:port, host (port 80), http://host:port/path, [::1]:9000 or unix:/run/x.sock',
})

const weightedServer = object(
  {
    address: serverAddress,
    weight: count('Share of the traffic beside the other servers.', 2, 1, 1000).optional(),
    priority: count(
      '1 serves first; servers of a higher number only while all of the lower ones are out.',
      2,
      1,
      1000,
    ).optional(),
  },
  'a server',
  "{ address: '127.0.0.1:9000', weight: 2 }",
  SERVER_HABITS,
)

export const serverSchema = z.union([serverAddress, weightedServer], {
  error: wrongType('a server', '"127.0.0.1:9000"'),
})

export const upstreamOptionsSchema = object(
  {
    servers: list(serverSchema, 'servers', "['127.0.0.1:9000']").meta({
      description: 'Who answers; at least one.',
    }),
    balance: balanceSchema.optional(),
    host: choice('The Host field that servers get: the one of the client, or their own.', [
      'client',
      'upstream',
    ]).optional(),
    connections: count('Open connections per server, busy and idle.', 1024, 1, COUNT_MAX).optional(),
    idleConnections: count('Idle connections kept per server.', 256, 0, COUNT_MAX).optional(),
    queue: count(
      'Requests that may wait for a connection, per server; beyond it 503.',
      1024,
      0,
      COUNT_MAX,
    ).optional(),
    queueTimeout: wait('How long a request waits for a connection.', '10s').optional(),
    idleTimeout: wait('How long an idle connection is kept.', '4s').optional(),
    connectTimeout: wait('How long a connection may take to open.', '5s').optional(),
    headTimeout: wait('How long a server may take to begin its answer.', '60s').optional(),
    bodyTimeout: wait('Longest silence inside a body, either way.', '60s').optional(),
    tunnelTimeout: wait(
      'Longest time in which neither side sends a byte after an upgrade (WebSocket).',
      '1h',
    ).optional(),
    retryFor: duration('How long to go on trying while no server accepts a connection.', '0s').optional(),
    resolveTtl: wait('How long a looked-up name is used before it is looked up again.', '10s').optional(),
    retry: retrySchema.optional(),
    health: healthSchema.optional(),
    check: checkSchema.optional(),
    slowStart: duration('How long a server that returns takes to get its whole share.', '0s').optional(),
  },
  'an upstream',
  "{ servers: ['127.0.0.1:9000'] }",
  {
    ...UPSTREAM_HABITS,
    server: 'write servers: [...]',
    address: 'write servers: [...]',
    healthCheck: "write check: { path: '/health' }",
  },
)

export const upstreamSchema = z
  .union([serverAddress, list(serverSchema, 'servers', "['127.0.0.1:9000']"), upstreamOptionsSchema], {
    error: wrongType('an upstream', "{ servers: ['127.0.0.1:9000'] }"),
  })
  .meta({
    description: 'Servers that answer the same requests: one address, a list, or an object with options.',
  })

export type UpstreamData = z.input<typeof upstreamSchema>
export type ServerData = z.input<typeof serverSchema>
