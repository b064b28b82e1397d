/**
 * The npm package http-proxy as a whole program.
 * Strategy: its own default opens a connection per request, so it gets the agent that its users are told to add.
 */
import { Agent, createServer } from 'node:http'
import { load, originUrl, serve, upstreamConnectionsMax } from './setting.ts'

const { default: httpProxy } = await load('http-proxy')
const agent = new Agent({ keepAlive: true, maxSockets: upstreamConnectionsMax })
const proxy = httpProxy.createProxyServer({ target: originUrl, agent })
proxy.on('error', (_error: Error, _request: unknown, response: import('node:http').ServerResponse) => {
  if (!response.headersSent) response.writeHead(502)
  response.end()
})

serve(createServer((request, response) => proxy.web(request, response)))
