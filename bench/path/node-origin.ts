/**
 * An origin on node:http, for machines without nginx: 1 KB at /, the files of a folder, uploads read and counted, and
 * answers that may be cached under /cache/.
 * Usage: node node-origin.ts PORT FOLDER. Strategy: files are held in memory, answers are ready-made.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { countPath } from './native-configs.ts'
import { cachedTag } from './works.ts'

const [port, folder] = process.argv.slice(2)
const keepAliveTimeoutMs = 300_000

const bodies = new Map<string, Buffer>([['/', Buffer.alloc(1024, 'x')]])
for (const name of readdirSync(folder)) bodies.set(`/${name}`, readFileSync(join(folder, name)))

const cacheFields = { 'Cache-Control': 'public, max-age=3600', ETag: cachedTag }
let requests = 0

const server = createServer((request, response) => {
  requests++
  const url = request.url ?? ''
  if (url === countPath) {
    response.end(` 0 0 ${requests}\n`)
    return
  }
  const cacheable = url.startsWith('/cache/')
  const body = bodies.get(cacheable ? '/' : url) ?? Buffer.from('read')
  const answer = () => {
    const fields = url.startsWith('/cache') ? cacheFields : {}
    response.writeHead(200, { ...fields, 'Content-Type': 'text/plain', 'Content-Length': body.length })
    response.end(body)
  }
  if (request.method === 'GET') answer()
  else request.on('end', answer).resume()
})
server.keepAliveTimeout = keepAliveTimeoutMs
server.listen(Number(port), '127.0.0.1')
