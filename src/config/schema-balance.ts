/**
 * The part of the schema that says how requests are spread over the servers of an upstream.
 */
import { z } from 'zod'
import { allInClass, TOKEN } from '../base/ascii.ts'
import { DURATION_PATTERN, type DurationText, parseDuration } from '../base/units.ts'
import { isCookieName, isCookiePath } from '../http/cookies.ts'
import { isHostName } from './addresses.ts'
import { nearest } from './nearest.ts'
import { choice, object, show, text, wrongType } from './schema-parts.ts'

/** Those that need to be told nothing. */
const NAMES = ['round-robin', 'least-busy', 'random-two', 'hash-client', 'hash-uri'] as const

const SECRET_CHARS_MIN = 16

const cookieName = (description: string, example: string) =>
  text(
    'the name of a cookie',
    example,
    value => {
      if (!isCookieName(value))
        throw new RangeError(`${show(value)} is not the name of a cookie: write for example "${example}"`)
    },
    { description },
  )

const header = text(
  'a header name',
  'x-user',
  value => {
    if (!allInClass(value, TOKEN))
      throw new RangeError(
        `${show(value)} is not a header name: letters, digits and "-", for example "x-user"`,
      )
  },
  { description: 'The field whose value is the key.' },
)

const hash = object(
  {
    header: header.optional(),
    cookie: cookieName('The cookie whose value is the key.', 'session').optional(),
  },
  'an object with header or cookie',
  "{ header: 'x-user' }",
)
  .superRefine((given, context) => {
    if (Object.keys(given).length !== 1)
      context.addIssue({ code: 'custom', message: 'write exactly one of header and cookie' })
  })
  .meta({
    description:
      'The same value goes to the same server; requests without it go to the least busy one. For the address of the client write "hash-client", for path and query "hash-uri".',
    minProperties: 1,
    maxProperties: 1,
  })

const secret = text(
  'a secret',
  'at-least-16-characters-of-chance',
  value => {
    if (value.length < SECRET_CHARS_MIN)
      throw new RangeError(
        `a secret of ${value.length} characters can be guessed: write at least ${SECRET_CHARS_MIN} by chance`,
      )
  },
  { description: 'Signs the values, so that nobody else can make them. Left out: the name of the upstream.' },
)

const maxAge = text<DurationText>(
  'a duration',
  '8h',
  value => {
    // Max-Age counts in seconds (RFC 6265 §4.1.1).
    if (parseDuration(value) < 1000)
      throw new RangeError(`"${value}" is no time to keep a cookie: write at least "1s"`)
  },
  {
    pattern: DURATION_PATTERN,
    description:
      'How long browsers keep the cookie, from the first answer. Left out: until they end their session.',
  },
)

const path = text(
  'the path of a cookie',
  '/',
  value => {
    if (!isCookiePath(value))
      throw new RangeError(`${show(value)} is not the path of a cookie: write for example "/" or "/shop"`)
  },
  { description: 'The cookie comes with requests for this path and below.' },
)

const domain = text(
  'a domain',
  'example.com',
  value => {
    if (!isHostName(value))
      throw new RangeError(`${show(value)} is not a domain: write for example "example.com"`)
  },
  {
    description:
      'The cookie comes with requests for this domain and below. Left out: only for the host itself.',
  },
)

const sticky = object(
  {
    cookie: cookieName('Name of the cookie.', 'sluice').optional(),
    secret: secret.optional(),
    maxAge: maxAge.optional(),
    path: path.optional(),
    domain: domain.optional(),
    sameSite: choice('Whether the cookie comes with requests that other sites cause.', [
      'lax',
      'strict',
      'none',
    ]).optional(),
    secure: z
      .boolean({ error: wrongType('true or false', 'true') })
      .optional()
      .meta({ description: 'The cookie comes over HTTPS only.' }),
    otherwise: choice('Who picks for clients without the cookie.', NAMES).optional(),
  },
  'an object about the cookie',
  "{ cookie: 'sluice', maxAge: '8h' }",
  { name: 'write cookie', httpOnly: 'it always is: take it out' },
)
  .superRefine((given, context) => {
    const message = attributeFault(given)
    if (message !== null) context.addIssue({ code: 'custom', message })
  })
  .meta({ description: 'A cookie keeps a client with its server.' })

interface Attributes {
  readonly cookie?: string
  readonly path?: string
  readonly domain?: string
  readonly sameSite?: string
  readonly secure?: boolean
}

/** What browsers refuse (RFC 6265bis §4.1.2, §4.1.3): then no client would ever stick. */
function attributeFault({
  cookie = '',
  path = '/',
  domain,
  sameSite,
  secure = false,
}: Attributes): string | null {
  if (sameSite === 'none' && !secure)
    return 'browsers take a cookie with sameSite "none" only when it is secure: write secure: true'
  if (/^__(secure|host)-/i.test(cookie) && !secure)
    return `browsers take a cookie called ${show(cookie)} only when it is secure: write secure: true`
  if (/^__host-/i.test(cookie) && (path !== '/' || domain !== undefined))
    return `browsers take a cookie called ${show(cookie)} only with path "/" and without a domain`
  return null
}

const told = object(
  { hash: hash.optional(), sticky: sticky.optional() },
  'a way to spread requests',
  "{ hash: { header: 'x-user' } }",
  Object.fromEntries(NAMES.map(name => [name, `write balance: '${name}'`])),
)
  .superRefine((given, context) => {
    if (Object.keys(given).length !== 1)
      context.addIssue({ code: 'custom', message: 'write exactly one of hash and sticky' })
  })
  .meta({ minProperties: 1, maxProperties: 1 })

type Only<Data, Key extends keyof Data> = { [Name in Key]-?: NonNullable<Data[Name]> } & {
  [Name in Exclude<keyof Data, Key>]?: never
}

export type StickyData = z.input<typeof sticky>
type HashData = Only<z.input<typeof hash>, 'header'> | Only<z.input<typeof hash>, 'cookie'>
type BalanceName = (typeof NAMES)[number] | 'sticky'

export type BalanceData =
  | BalanceName
  | { readonly hash: HashData; readonly sticky?: never }
  | { readonly sticky: StickyData; readonly hash?: never }

const ALL_NAMES: readonly string[] = [...NAMES, 'sticky']

// Text and not `choice`: among the branches of a union only its type tells which one was meant.
const name = text(
  'a way to spread requests',
  'least-busy',
  value => {
    if (ALL_NAMES.includes(value)) return
    const guess = nearest(value, ALL_NAMES)
    const listed = `write one of ${ALL_NAMES.map(each => `"${each}"`).join(', ')}`
    throw new RangeError(`${show(value)} is not known here: ${guess ? `did you mean "${guess}"?` : listed}`)
  },
  { enum: ALL_NAMES },
)

const anyBalance = z
  .union([name, told], { error: wrongType('a way to spread requests', '"least-busy"') })
  .meta({
    description: `How requests are spread over the servers: ${ALL_NAMES.map(each => `"${each}"`).join(', ')}, or an object with hash or sticky.`,
  })

/** The types say what the schema checks when it runs: exactly one way. */
export const balanceSchema = anyBalance as unknown as z.ZodType<BalanceData, BalanceData>
