/**
 * A head as bytes, for entries that nobody has asked for lately: twenty objects become a part of one buffer.
 * Strategy: all but the fields as JSON on one line, then the field lines as they are, with the empty line; the fields
 * are read back by the scanner that reads those of connections. One byte a character.
 */
import { latin1 } from '../base/latin1.ts'
import { HeaderList } from '../http/header-list.ts'
import { fieldScan, scanFields } from '../http1/field-scanner.ts'
import type { EntryHead, VaryField } from './entry.ts'
import type { LifetimeSource } from './policy.ts'

/** JSON has no Infinity. */
type Seconds = number | 'Infinity' | '-Infinity' | 'NaN'

type Packed = [
  extras: string,
  vary: readonly VaryField[],
  status: number,
  reason: string,
  requestedMs: number,
  respondedMs: number,
  etag: string,
  lastModified: string,
  contentBytes: number,
  lifetimeS: Seconds,
  lifetimeFrom: LifetimeSource,
  initialAgeS: Seconds,
  noCache: boolean,
  mustRevalidate: boolean,
  staleWhileRevalidateS: Seconds,
  staleIfErrorS: Seconds,
]

const LINE_FEED = 10

/** Without key and tags, which stay with the entry. */
export function packHead(head: EntryHead): string {
  const { policy } = head
  const packed: Packed = [
    head.extras,
    head.vary,
    head.status,
    head.reason,
    head.requestedMs,
    head.respondedMs,
    head.etag,
    head.lastModified,
    head.contentBytes,
    seconds(policy.lifetimeS),
    policy.lifetimeFrom,
    seconds(policy.initialAgeS),
    policy.noCache,
    policy.mustRevalidate,
    seconds(policy.staleWhileRevalidateS),
    seconds(policy.staleIfErrorS),
  ]
  const json = JSON.stringify(packed).replace(
    /[^\0-\xff]/g,
    char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return `${json}\n${head.headers.text}\r\n`
}

const seconds = (number: number): Seconds => (Number.isFinite(number) ? number : (String(number) as Seconds))

/** The head in the first `end` bytes. */
export function unpackHead(bytes: Buffer, end: number, key: string, tags: readonly string[]): EntryHead {
  const lineEnd = bytes.indexOf(LINE_FEED)
  const packed = JSON.parse(latin1(bytes, 0, lineEnd)) as Packed
  const [extras, vary, status, reason, requestedMs, respondedMs, etag, lastModified, contentBytes] = packed
  scanFields(bytes, lineEnd + 1, end, Number.POSITIVE_INFINITY)
  const { marks, mask } = fieldScan
  const headers = new HeaderList(latin1(bytes, lineEnd + 1, end - 2), marks, mask)
  const policy = {
    lifetimeS: Number(packed[9]),
    lifetimeFrom: packed[10],
    initialAgeS: Number(packed[11]),
    noCache: packed[12],
    mustRevalidate: packed[13],
    staleWhileRevalidateS: Number(packed[14]),
    staleIfErrorS: Number(packed[15]),
  }
  return {
    key,
    extras,
    vary,
    status,
    reason,
    headers,
    requestedMs,
    respondedMs,
    policy,
    etag,
    lastModified,
    tags,
    contentBytes,
  }
}
