/**
 * The npm package @fastify/http-proxy on fastify as a whole program.
 * Strategy: no log, the default undici pool with as many connections as the others have.
 */
import { announce, keepAliveTimeoutMs, load, originUrl, port, upstreamConnectionsMax } from './setting.ts'

const { default: fastify } = await load('fastify')
const { default: httpProxy } = await load('@fastify/http-proxy')
const bodyBytesMax = 64 * 1024 * 1024

const application = fastify({ logger: false, keepAliveTimeout: keepAliveTimeoutMs, bodyLimit: bodyBytesMax })
application.register(httpProxy, {
  upstream: originUrl,
  undici: { connections: upstreamConnectionsMax, pipelining: 1 },
})
await application.listen({ port, host: '127.0.0.1' })
announce()
