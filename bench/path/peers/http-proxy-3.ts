/**
 * The npm package http-proxy-3 as a whole program.
 * Strategy: as http-proxy, with an agent that keeps upstream connections.
 */
import { Agent, createServer } from 'node:http'
import { load, originUrl, serve, upstreamConnectionsMax } from './setting.ts'

const { createProxyServer } = await load('http-proxy-3')
const agent = new Agent({ keepAlive: true, maxSockets: upstreamConnectionsMax })
const proxy = createProxyServer({ target: originUrl, agent })
proxy.on('error', (_error: Error, _request: unknown, response: import('node:http').ServerResponse) => {
  if (!response.headersSent) response.writeHead(502)
  response.end()
})

serve(createServer((request, response) => proxy.web(request, response)))
