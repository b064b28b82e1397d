/**
 * Heads of entries as text and back.
 * Strategy: a JSON array in a fixed order, without the key, which has a column of its own. The field lines are
 * scanned again when they are read: that gives the marks, and what is no field line does not pass.
 */
import { HeaderList } from '../../http/header-list.ts'
import { fieldScan, scanFields } from '../../http1/field-scanner.ts'
import type { EntryHead, VaryField } from '../entry.ts'
import { ageOf, type Policy } from '../policy.ts'

type Written = readonly [
  extras: string,
  vary: readonly VaryField[],
  status: number,
  reason: string,
  fields: string,
  requestedMs: number,
  respondedMs: number,
  policy: Policy,
  etag: string,
  lastModified: string,
  tags: readonly string[],
]

export function writeHead(head: EntryHead): string {
  const written: Written = [
    head.extras,
    head.vary,
    head.status,
    head.reason,
    head.headers.text,
    head.requestedMs,
    head.respondedMs,
    finite(head.policy),
    head.etag,
    head.lastModified,
    head.tags,
  ]
  return JSON.stringify(written)
}

/** JSON has no Infinity. */
function finite(policy: Policy): Policy {
  const { lifetimeS, initialAgeS, staleWhileRevalidateS, staleIfErrorS } = policy
  if (Number.isFinite(lifetimeS + initialAgeS + staleWhileRevalidateS + staleIfErrorS)) return policy
  return {
    ...policy,
    lifetimeS: Math.min(lifetimeS, Number.MAX_SAFE_INTEGER),
    initialAgeS: Math.min(initialAgeS, Number.MAX_SAFE_INTEGER),
    staleWhileRevalidateS: Math.min(staleWhileRevalidateS, Number.MAX_SAFE_INTEGER),
    staleIfErrorS: Math.min(staleIfErrorS, Number.MAX_SAFE_INTEGER),
  }
}

/** Of text whose checksum was right. Throws when it is no head all the same. */
export function readHead(text: string, key: string, contentBytes: number): EntryHead {
  const [
    extras,
    vary,
    status,
    reason,
    fields,
    requestedMs,
    respondedMs,
    policy,
    etag,
    lastModified,
    tags,
  ]: Written = JSON.parse(text)
  const headers = readFields(fields)
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

function readFields(text: string): HeaderList {
  const bytes = Buffer.from(`${text}\r\n`, 'latin1')
  if (!scanFields(bytes, 0, bytes.length, Number.MAX_SAFE_INTEGER)) throw new Error('the fields have no end')
  return new HeaderList(text, fieldScan.marks, fieldScan.mask)
}

/** What makes a variant of a resource: the same text, the same variant; see isSameVariant of ../purge.ts. */
export function variantText({ extras, vary }: EntryHead): string {
  const sorted = vary.length > 1 ? [...vary].sort(([one], [other]) => (one < other ? -1 : 1)) : vary
  return JSON.stringify([extras, sorted])
}

/** The same head, stale from then on; see madeStale of ../purge.ts. */
export function staleHeadText(text: string, staleAtMs: number): string {
  const written = JSON.parse(text)
  const policy = written[7] as Policy
  const respondedMs = written[6] as number
  written[7] = { ...policy, lifetimeS: Math.min(policy.lifetimeS, ageOf(policy, respondedMs, staleAtMs)) }
  return JSON.stringify(written)
}
