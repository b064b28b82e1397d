/**
 * What is printed of a config and of requests goes into tickets and chats: secrets do not.
 */
const MASK = '(secret)'

const SECRET_FIELDS: ReadonlySet<string> = new Set(['authorization', 'proxy-authorization', 'cookie'])

/** Where options hold header fields by their names. */
const FIELDS: ReadonlySet<string> = new Set(['set', 'add', 'headers'])

/** The data without what stands under the keys in `secrets`, and without the values of header fields that are secret. */
export function masked(data: unknown, secrets: readonly string[] = [], areFields = false): unknown {
  if (Array.isArray(data)) return data.map(each => masked(each, secrets))
  if (typeof data !== 'object' || data === null) return data
  const entries = Object.entries(data).map(([key, value]) => {
    const hidden = secrets.includes(key) || (areFields && SECRET_FIELDS.has(key.toLowerCase()))
    return [key, hidden ? MASK : masked(value, secrets, FIELDS.has(key))]
  })
  return Object.fromEntries(entries)
}

export const maskedField = (name: string, value: string): string =>
  SECRET_FIELDS.has(name.toLowerCase()) ? MASK : value
