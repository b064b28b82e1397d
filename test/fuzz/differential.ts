/**
 * Two parties that read one message differently are what request smuggling lives on. Here every message is read
 * by this program and by Node: what both accept they must understand alike, first to last, and what only this
 * program accepts must stand in a list with its reason.
 */
import { isDeepStrictEqual } from 'node:util'
import { latin1Bytes } from './feeding.ts'
import { type Message, nodeReadsRequests, nodeReadsResponse, type Reading } from './node-parser.ts'
import { sluiceReadsRequests, sluiceReadsResponse } from './sluice-parser.ts'

interface Known {
  readonly reason: string
  /** Node's fault. */
  readonly fault: string
  /** What is in the text (latin1) of such messages. */
  readonly shape: RegExp
}

/** What Sluice accepts and Node refuses. The list may only shrink. */
export const ONLY_SLUICE: readonly Known[] = [
  {
    reason:
      'RFC 9110 §9.1: a method is any token, and a proxy passes on methods that it does not know; Node has a list',
    fault: 'HPE_INVALID_METHOD',
    shape: /^(\r\n)*[!#$%&'*+\-.^_`|~\w]+ /,
  },
  {
    reason: 'RFC 9112 §2.3: a higher minor version is read as the highest known; Node knows 1.0 and 1.1',
    fault: 'HPE_INVALID_VERSION',
    shape: /HTTP\/1\.[2-9]/,
  },
  {
    reason:
      'RFC 9113 §3.4: PRI begins the HTTP/2 preface, which is refused by its version; Node refuses the name',
    fault: 'HPE_INVALID_VERSION',
    shape: /^(\r\n)*PRI [^ ]+ HTTP\/1/,
  },
  {
    reason:
      'RFC 9112 §7.1.1: white space may stand before a chunk extension, all of which is dropped; Node allows none',
    fault: 'HPE_INVALID_CHUNK_SIZE',
    shape: /\r\n[0-9a-f]+[ \t]+;/i,
  },
  {
    reason:
      'RFC 9112 §7.1.1: chunk extensions are dropped, so nobody reads what is in them; Node checks their grammar',
    fault: 'HPE_STRICT',
    shape: /\r\n[0-9a-f]+[ \t]*;/i,
  },
  {
    reason:
      'RFC 9110 §15.2: an interim answer does not end the exchange, whatever its Connection says; for Node it does',
    fault: 'HPE_CLOSED_CONNECTION',
    shape: /^HTTP\/1\.\d 1\d\d/,
  },
  {
    reason: 'RFC 9110 §6.5.1: framing fields do not count as trailers and are dropped; Node refuses them',
    fault: 'HPE_INVALID_CONTENT_LENGTH',
    shape: /\r\n0+[ \t]*(;[^\r]*)?\r\n([^\r]+\r\n)*content-length:/i,
  },
  {
    reason: 'the same, of the other framing field',
    fault: 'HPE_INVALID_TRANSFER_ENCODING',
    shape: /\r\n0+[ \t]*(;[^\r]*)?\r\n([^\r]+\r\n)*transfer-encoding:/i,
  },
]

export interface Difference {
  readonly kind: 'understood differently' | 'accepted by Sluice only'
  readonly sluice: Reading
  readonly node: Reading
}

/** The difference, or null; `known` is told of a difference that is on the list. */
function compare(
  text: string,
  sluice: Reading,
  node: Reading,
  known: (which: Known) => void,
): Difference | null {
  for (const [at, message] of sluice.messages.entries()) {
    const other: Message | undefined = node.messages[at]
    if (other === undefined) {
      // Node is not asked for more than it could know: behind a fault of its own it reads nothing.
      if (at > 0) return null
      const entry = ONLY_SLUICE.find(({ fault, shape }) => fault === node.fault && shape.test(text))
      if (entry === undefined) return { kind: 'accepted by Sluice only', sluice, node }
      known(entry)
      return null
    }
    if (!isDeepStrictEqual(message, other)) return { kind: 'understood differently', sluice, node }
  }
  return null
}

export async function compareRequests(
  text: string,
  known: (which: Known) => void = () => {},
): Promise<Difference | null> {
  const bytes = latin1Bytes(text)
  return compare(text, sluiceReadsRequests(bytes), await nodeReadsRequests(bytes), known)
}

export async function compareResponses(
  method: string,
  text: string,
  known: (which: Known) => void = () => {},
): Promise<Difference | null> {
  const bytes = latin1Bytes(text)
  return compare(text, sluiceReadsResponse(method, bytes), await nodeReadsResponse(method, bytes), known)
}
