/**
 * Fields that are for one connection only (RFC 9110 §7.6.1).
 */
import { CONNECTION, HOP_BY_HOP, idOf, recogniseName, UNKNOWN } from './field-names.ts'
import { type HeaderList, trimBlanks } from './header-list.ts'

const CONNECTION_ID = idOf('connection')

/**
 * Fields that a sender may not put under a hop's control by naming them in Connection: they say where the
 * message ends and whom it is for, and are written by us in any case.
 */
const PROTECTED: ReadonlySet<string> = new Set(['host', 'content-length', 'transfer-encoding', 'via', 'date'])

/** True when Connection lists the option; any case, any number of fields (RFC 9110 §7.6.1). */
export function hasConnectionOption(headers: HeaderList, option: string): boolean {
  if ((headers.mask & CONNECTION) === 0) return false
  if (headers.firstKnownIs(CONNECTION_ID, option)) return true
  return !namesNothing(headers) && connectionOptions(headers).includes(option)
}

/** Everything Connection lists, in lower case. */
export function connectionOptions(headers: HeaderList): string[] {
  if ((headers.mask & CONNECTION) === 0) return []
  const value = headers.known(CONNECTION_ID).join(',').toLowerCase()
  return value
    .split(',')
    .map(trimBlanks)
    .filter(option => option !== '')
}

/**
 * Takes out the fields that Connection names. The standing hop-by-hop fields stay: whoever writes the head
 * leaves them out by mask. Naming a protected field does nothing.
 */
export function dropConnectionFields(headers: HeaderList): void {
  if (!namesFields(headers)) return
  const named = new Set(
    connectionOptions(headers).filter(option => !isStanding(option) && !PROTECTED.has(option)),
  )
  named.delete('close')
  if (named.size > 0) headers.removeAll(named)
}

/** Whether Connection may name fields: false for what nearly every message has. */
export const namesFields = (headers: HeaderList): boolean =>
  (headers.mask & CONNECTION) !== 0 && !namesNothing(headers)

/** TE is one: every sender names it in Connection (RFC 9110 §10.1.4), and it is still to be read. */
function isStanding(name: string): boolean {
  const id = recogniseName(name)
  return id !== UNKNOWN && (HOP_BY_HOP & (1 << id)) !== 0
}

/** True for the values that nearly every message has: they name no field. */
function namesNothing(headers: HeaderList): boolean {
  if (headers.countKnown(CONNECTION_ID) !== 1) return false
  return headers.firstKnownIs(CONNECTION_ID, 'keep-alive') || headers.firstKnownIs(CONNECTION_ID, 'close')
}

/** True when a list field such as TE holds the member, parameters ignored; any case. */
export function listHas(value: string, member: string): boolean {
  return value.split(',').some(item => trimBlanks(item.split(';')[0]).toLowerCase() === member)
}
