/**
 * The npm package fast-proxy as a whole program.
 * Strategy: with its undici pool, the faster of the two clients it offers.
 */
import { createServer } from 'node:http'
import { load, originUrl, serve, upstreamConnectionsMax } from './setting.ts'

const { default: fastProxy } = await load('fast-proxy')
const undici = { connections: upstreamConnectionsMax, pipelining: 1 }
const { proxy } = fastProxy({ base: originUrl, undici })

serve(createServer((request, response) => proxy(request, response, request.url, {})))
