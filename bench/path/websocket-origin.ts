/**
 * A server that sends every WebSocket message back: node websocket-origin.ts PORT.
 * Strategy: it shares its core with the load, so it is no WebSocket implementation: the load masks with zeros
 * (RFC 6455 §5.3: the payload then stands there as it is), and an answer is the payload behind a header of our own.
 */
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { Socket } from 'node:net'
import { maskedBytes, plainFrame } from './websocket-frames.ts'

const [port] = process.argv.slice(2).map(Number)
/** RFC 6455 §1.3. */
const acceptSuffix = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

const server = createServer((_request, response) => response.end('x'.repeat(1024)))

server.on('upgrade', (request, socket: Socket) => {
  const key = request.headers['sec-websocket-key'] ?? ''
  const accept = createHash('sha1').update(`${key}${acceptSuffix}`).digest('base64')
  socket.setNoDelay(true)
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  )
  const frame = plainFrame()
  let missing = maskedBytes
  socket.on('data', bytes => {
    for (let left = bytes.length; left > 0; ) {
      const taken = Math.min(left, missing)
      left -= taken
      missing -= taken
      if (missing > 0) continue
      missing = maskedBytes
      socket.write(frame)
    }
  })
  socket.on('error', () => {})
  socket.on('end', () => socket.end())
})
server.listen(port, '127.0.0.1')
