/** Following the frames of a WebSocket: what it adds to a chunk that passes through. */
import { WebSocketFrames } from '../../src/tunnel/websocket-frames.ts'
import type { Suite } from './harness.ts'

/** Masked frames with this payload, as many as a read of this size holds. */
function chunkOf(payload: number, bytes: number): Buffer {
  const length = payload < 126 ? [0x80 | payload] : [0x80 | 126, payload >> 8, payload & 0xff]
  const frame = Buffer.concat([Buffer.from([0x82, ...length, 1, 2, 3, 4]), Buffer.alloc(payload)])
  return Buffer.concat(Array.from({ length: Math.max(1, Math.floor(bytes / frame.length)) }, () => frame))
}

const SHAPES = [
  ['one message of 100 bytes', 100, 0],
  ['one message of 16 KB', 16_384, 0],
  ['64 KB in messages of 100 bytes', 100, 65_536],
  ['64 KB in messages of 4 bytes', 4, 65_536],
] as const

const suite: Suite = {
  title: 'following the frames of a WebSocket, per chunk',
  cases: SHAPES.map(([name, payload, bytes]) => {
    const chunk = chunkOf(payload, bytes)
    const frames = new WebSocketFrames()
    return {
      name,
      run: () => {
        frames.follow(chunk)
        return frames.between
      },
    }
  }),
}

export default suite
