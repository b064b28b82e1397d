/**
 * The npm package httpxy as a whole program.
 * Strategy: it keeps upstream connections by itself; the agent only makes the number of them that of the others.
 */
import { Agent, createServer } from 'node:http'
import { load, originUrl, serve, upstreamConnectionsMax } from './setting.ts'

const { createProxyServer } = await load('httpxy')
const agent = new Agent({ keepAlive: true, maxSockets: upstreamConnectionsMax })
const proxy = createProxyServer({ target: originUrl, agent })

const server = createServer((request, response) => {
  proxy.web(request, response).catch(() => {
    if (!response.headersSent) response.writeHead(502)
    response.end()
  })
})
serve(server)
