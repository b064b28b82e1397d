/**
 * An origin that takes its time: node slow-origin.ts PORT. `/cold-…` is answered after half a second with 1 KB that may
 * be cached, so that all who ask for it meanwhile find it under way; all else at once. It counts what it is asked for.
 */
import { createServer } from 'node:http'
import { countPath } from './native-configs.ts'

const [port] = process.argv.slice(2).map(Number)
const answerAfterMs = 500
const keepAliveTimeoutMs = 300_000
const body = Buffer.alloc(1024, 'x')
const fields = { 'Cache-Control': 'public, max-age=3600', 'Content-Length': body.length }
let requests = 0

const server = createServer((request, response) => {
  requests++
  if (request.url === countPath) response.end(` 0 0 ${requests}\n`)
  else if (!request.url?.startsWith('/cold-')) response.end(body)
  else setTimeout(() => response.writeHead(200, fields).end(body), answerAfterMs)
})
server.keepAliveTimeout = keepAliveTimeoutMs
server.listen({ port, host: '127.0.0.1', backlog: 4096 })
