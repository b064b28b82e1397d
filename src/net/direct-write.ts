/**
 * Text straight to the handle of a socket, without the Writable in between.
 * Strategy: a Writable keeps order where one write waits for another, and pays for it with several objects and a tick for
 * each. Where nothing waits and the kernel takes the text at once, as it does nearly always, none of that is needed. This
 * leans on private parts of Node, here and nowhere else; where they are not what they were, nothing is written and the
 * Writable does it. It saves 0.4 to 0.6 µs of a request (bench/README.md).
 */
import type net from 'node:net'
import { getSystemErrorName } from 'node:util'

/** What Node hands to a handle for one write; the handle keeps it only while the write is under way. */
interface WriteRequest {
  oncomplete: ((status: number) => void) | null
}

interface PrivateHandle {
  writeLatin1String?: (request: WriteRequest, text: string) => number
}

interface PrivateParts {
  readonly WriteWrap: new () => WriteRequest
  readonly streamBaseState: Int32Array
  readonly kLastWriteWasAsync: number
}

/** Versions of Node whose private parts were looked at: elsewhere a 0 may mean something else. */
const LOOKED_AT = new Set(['22', '24', '26'])

function findPrivateParts(): PrivateParts | null {
  if (!LOOKED_AT.has(process.versions.node.split('.')[0])) return null
  try {
    const { binding } = process as unknown as { binding(name: string): Partial<PrivateParts> }
    const { WriteWrap, streamBaseState, kLastWriteWasAsync } = binding.call(process, 'stream_wrap')
    const known =
      typeof WriteWrap === 'function' &&
      streamBaseState instanceof Int32Array &&
      typeof kLastWriteWasAsync === 'number'
    return known ? { WriteWrap, streamBaseState, kLastWriteWasAsync } : null
  } catch {
    return null
  }
}

const parts = findPrivateParts()
/** One that no write has kept. */
let spare: WriteRequest | null = null

/**
 * Writes text (latin1) if nothing waits to be written before it. 'taken': the kernel has it. 'waits': a part of it waits,
 * and what is written from now on, in whatever way, waits behind it; `done` will be called. 'refused': nothing was
 * written, and it is the Writable's to find out why.
 */
export function writeDirectly(
  socket: net.Socket,
  text: string,
  done: (error: NodeJS.ErrnoException | null) => void,
): 'taken' | 'waits' | 'refused' {
  const handle = (socket as unknown as { _handle: PrivateHandle | null })._handle
  if (parts === null || socket.writableLength > 0 || socket.connecting) return 'refused'
  if (typeof handle?.writeLatin1String !== 'function') return 'refused'
  const request = spare ?? new parts.WriteWrap()
  spare = request
  if (handle.writeLatin1String(request, text) !== 0) return 'refused'
  if (parts.streamBaseState[parts.kLastWriteWasAsync] === 0) return 'taken'
  spare = null
  request.oncomplete = status => done(status < 0 ? writeFault(status) : null)
  return 'waits'
}

/** As Node names it. */
function writeFault(status: number): NodeJS.ErrnoException {
  const code = getSystemErrorName(status)
  return Object.assign(new Error(`write ${code}`), { code, errno: status, syscall: 'write' })
}
