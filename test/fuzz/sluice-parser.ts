/**
 * How this program reads bytes, described in the words of node-parser.ts, so that both can be compared.
 */
import { type ErrorCode, ProxyError } from '../../src/base/errors.ts'
import type { Framing } from '../../src/http/message.ts'
import { decode } from './feeding.ts'
import type { Message, Reading } from './node-parser.ts'
import { readRequest, readResponse } from './understand.ts'

/** RFC 9112 §9.3: nothing is read behind a request that ends its connection. */
function persists({
  version,
  fields,
}: {
  version: number
  fields: readonly (readonly [string, string])[]
}): boolean {
  const options = fields
    .filter(([name]) => name.toLowerCase() === 'connection')
    .flatMap(([, value]) =>
      value
        .toLowerCase()
        .split(',')
        .map(option => option.trim()),
    )
  return !options.includes('close') && (version === 11 || options.includes('keep-alive'))
}

const CUT: ErrorCode = 'client_body_short'

/** Content and length of the body at `start`. Throws ProxyError for one that is broken or cut short. */
function body(framing: Framing, bytes: Buffer, start: number): { content: string; end: number } {
  const { content, bytes: length, complete } = decode(framing, [Buffer.from(bytes.subarray(start))])
  if (!complete) throw new ProxyError(CUT)
  return { content, end: start + length }
}

function reading(read: (messages: Message[]) => void): Reading {
  const messages: Message[] = []
  try {
    read(messages)
    return { messages, fault: '' }
  } catch (error) {
    if (error instanceof ProxyError) return { messages, fault: error.code }
    throw error
  }
}

/** The requests of one connection. */
export function sluiceReadsRequests(bytes: Buffer): Reading {
  return reading(messages => {
    let at = 0
    while (at < bytes.length) {
      const head = readRequest(bytes, at, bytes.length)
      if (head === null) throw new ProxyError(CUT)
      const { content, end } = body(head.framing, bytes, at + head.bytes)
      messages.push({ start: `${head.method} ${head.target}`, fields: head.fields, content })
      if (!persists(head)) return
      at = end
    }
  })
}

/** The answer to a request with this method: interim answers are passed over, bytes behind it are a fault. */
export function sluiceReadsResponse(method: string, bytes: Buffer): Reading {
  return reading(messages => {
    let at = 0
    for (;;) {
      const head = readResponse(method, bytes, at, bytes.length)
      if (head === null) throw new ProxyError(CUT)
      at += head.bytes
      if (head.status === 101) throw new ProxyError('upstream_upgrade')
      if (head.status < 200) continue
      const { content, end } = body(head.framing, bytes, at)
      if (end < bytes.length) throw new ProxyError('upstream_extra_bytes')
      messages.push({ start: `${head.status} ${head.reason}`, fields: head.fields, content })
      return
    }
  })
}
