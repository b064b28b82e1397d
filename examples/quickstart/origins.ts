/**
 * The demo servers behind the proxy: plain node:http, one handler each path, every answer says who gave it.
 */
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { page, picture, stylesheet } from './page.ts'

export interface Origin {
  /** host:port. */
  readonly address: string
  close(): void
}

interface State {
  readonly name: string
  requests: number
  uploads: number
  uploadedBytes: number
}

type Answer = (request: http.IncomingMessage, response: http.ServerResponse, state: State) => void

const SLOW_MS = 2000
const STREAM_LINES = 10
const STREAM_PAUSE_MS = 200

const ANSWERS: Readonly<Record<string, Answer>> = {
  '/': (_, response, { name }) => send(response, 'text/html; charset=utf-8', page(name)),
  '/style.css': (_, response, { name }) => send(response, 'text/css; charset=utf-8', stylesheet(name)),
  '/picture.svg': (_, response, { name }) => send(response, 'image/svg+xml', picture(name)),
  '/json': (_, response, { name, requests }) => sendJson(response, { origin: name, requests }),
  '/slow': slow,
  '/stream': stream,
  '/headers': (request, response, { name }) => sendJson(response, { origin: name, headers: request.headers }),
  '/uploads': upload,
}

/** Starts a server on a free port of 127.0.0.1. */
export async function startOrigin(name: string): Promise<Origin> {
  const state: State = { name, requests: 0, uploads: 0, uploadedBytes: 0 }
  const server = http.createServer((request, response) => {
    state.requests++
    const path = (request.url ?? '/').split('?')[0].replace(/^\/api(?=\/)/, '')
    response.setHeader('x-origin', name)
    // So that every reload asks again and the turns show.
    response.setHeader('cache-control', 'no-store')
    const answer = Object.hasOwn(ANSWERS, path) ? ANSWERS[path] : notFound
    answer(request, response, state)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    address: `127.0.0.1:${port}`,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

function send(response: http.ServerResponse, type: string, text: string): void {
  response.setHeader('content-type', type)
  response.setHeader('content-length', Buffer.byteLength(text))
  response.end(text)
}

function sendJson(response: http.ServerResponse, value: unknown): void {
  send(response, 'application/json', `${JSON.stringify(value, null, 2)}\n`)
}

function slow(_: http.IncomingMessage, response: http.ServerResponse, { name }: State): void {
  const timer = setTimeout(
    () => sendJson(response, { origin: name, words: 'sorry, that took a while' }),
    SLOW_MS,
  )
  response.on('close', () => clearTimeout(timer))
}

/** No length is known beforehand, so this goes out chunked. */
function stream(_: http.IncomingMessage, response: http.ServerResponse, { name }: State): void {
  response.setHeader('content-type', 'text/plain; charset=utf-8')
  let line = 0
  const timer = setInterval(() => {
    response.write(`${name}: line ${++line} of ${STREAM_LINES}\n`)
    if (line === STREAM_LINES) response.end()
  }, STREAM_PAUSE_MS)
  response.on('close', () => clearInterval(timer))
}

function upload(request: http.IncomingMessage, response: http.ServerResponse, state: State): void {
  let bytes = 0
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length
  })
  request.on('end', () => {
    if (request.method === 'POST') {
      state.uploads++
      state.uploadedBytes += bytes
    }
    const { name: origin, uploads, uploadedBytes } = state
    sendJson(response, { origin, bytes, uploads, uploadedBytes })
  })
}

function notFound(request: http.IncomingMessage, response: http.ServerResponse, { name }: State): void {
  response.statusCode = 404
  sendJson(response, { origin: name, error: `there is no ${request.url} here` })
}
