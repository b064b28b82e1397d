/**
 * The part of the schema that says what happens when servers fail: retries, health, checks, and how long to wait.
 */
import { z } from 'zod'
import { checkMethod } from './patterns.ts'
import { COUNT_MAX, choice, count, fields, list, object, show, text, wait } from './schema-parts.ts'

const FAULTS = ['connect', 'reset', 'timeout'] as const

/** Words and statuses in one list. */
function conditions(description: string, example: string, least: number, most: number) {
  const error = ({ input }: { readonly input?: unknown }) =>
    `${show(input)} is not known here: write "connect", "reset", "timeout" or a status from ${least} to ${most}`
  const status = z.number({ error }).int({ error }).min(least, { error }).max(most, { error })
  const one = z.union([z.enum(FAULTS, { error }), status], { error })
  const listError = ({ input }: { readonly input?: unknown }) =>
    `${show(input)} is not a list of faults: write for example ${example}`
  return z.array(one, { error: listError }).meta({ description })
}

const retryShape = {
  attempts: count(
    'How often a request may be sent, the first time included. Left out: 3, each to another server; written, a server is asked again when no other is left.',
    3,
    1,
    20,
  ).optional(),
  on: conditions(
    'What is tried again: no connection, a connection that broke before an answer, no answer in time, or one of these statuses. Left out: connect and reset.',
    "['connect', 'reset', 503]",
    502,
    504,
  ).optional(),
  methods: choice(
    'What may be sent again after a server had it: only what is idempotent (GET, HEAD, PUT, DELETE, OPTIONS, TRACE), or all.',
    ['idempotent', 'all'],
  ).optional(),
  tryTimeout: wait(
    'How long one try may take, from asking for a connection to the head of the answer.',
    '10s',
  ).optional(),
}

interface RetryFields {
  readonly on?: readonly unknown[]
  readonly tryTimeout?: unknown
}

function checkTryTimeout({ on, tryTimeout }: RetryFields, context: z.RefinementCtx): void {
  if (tryTimeout === undefined || on?.includes('timeout')) return
  const message = "nothing is tried again when this time is over: write on: ['connect', 'reset', 'timeout']"
  context.addIssue({ code: 'custom', path: ['tryTimeout'], message })
}

const RETRY_EXAMPLE = "{ attempts: 3, on: ['connect', 'reset', 503] }"
const RETRY_HINTS = {
  retries: 'write attempts (it counts the first time too)',
  timeout: 'write tryTimeout',
  conditions: 'write on',
}

export const retrySchema = object(
  {
    ...retryShape,
    budget: count(
      'Requests in a hundred that may be sent again, so that retries never multiply an outage.',
      20,
      0,
      100,
    ).optional(),
  },
  'an object with retries',
  RETRY_EXAMPLE,
  RETRY_HINTS,
)
  .superRefine(checkTryTimeout)
  .meta({ description: 'When a request is sent again.' })

export const routeRetrySchema = object(retryShape, 'an object with retries', RETRY_EXAMPLE, {
  ...RETRY_HINTS,
  budget: 'it belongs to the upstream, whose routes share it',
})
  .superRefine(checkTryTimeout)
  .meta({ description: 'What this route tries again; what is left out is that of the upstream.' })

export const routeTimeoutsSchema = object(
  {
    connect: wait('Instead of connectTimeout of the upstream.', '5s').optional(),
    head: wait('Instead of headTimeout of the upstream.', '60s').optional(),
    body: wait('Instead of bodyTimeout of the upstream.', '60s').optional(),
    total: wait(
      'How long all of it may take, to the last byte of the answer. Left out: as long as it goes on.',
      '5m',
    ).optional(),
  },
  'an object with timeouts',
  "{ head: '5s', total: '1m' }",
  { try: "write retry: { tryTimeout: '...' }", idle: 'it belongs to the listener or the upstream' },
).meta({ description: 'How long this route waits for its servers.' })

export const healthSchema = object(
  {
    failures: count('Failures in a row that put a server out; 0: none does.', 3, 0, COUNT_MAX).optional(),
    on: conditions(
      'What counts as a failure. Left out: connect, reset and timeout.',
      "['connect', 'reset', 'timeout', 503]",
      500,
      599,
    ).optional(),
    outFor: wait(
      'How long a server is out; twice as long each time it fails right after its return.',
      '10s',
    ).optional(),
    outForMax: wait('The longest time out.', '5m').optional(),
  },
  'an object with health',
  "{ failures: 3, outFor: '10s' }",
  {
    path: "write check: { path: '/health' }",
    interval: 'it belongs under check',
    passive: 'write failures: 0',
  },
).meta({ description: 'When a server is out, concluded from how requests to it go.' })

const statusError = ({ input }: { readonly input?: unknown }) =>
  `${show(input)} is not a status: write for example 200 or "2xx"`
const status = z.union(
  [
    z
      .number({ error: statusError })
      .int({ error: statusError })
      .min(200, { error: statusError })
      .max(599, { error: statusError }),
    z.enum(['2xx', '3xx', '4xx', '5xx'], { error: statusError }),
  ],
  { error: statusError },
)

const checkPath = text('a path', '/health', value => {
  if (!/^\/[!-~]*$/.test(value) || value.includes('#'))
    throw new RangeError(`${show(value)} is not a path: write for example "/health"`)
})

const checkHost = text('a host', 'shop.example.com', value => {
  if (!/^[A-Za-z0-9._~[\]:-]+$/.test(value))
    throw new RangeError(`${show(value)} is not a host: write for example "shop.example.com"`)
})

/** Fields that have a place of their own, or that would make the request another one. */
const NO_CHECK_FIELDS: Readonly<Record<string, string>> = {
  host: "write host: '...' beside headers",
  expect: 'a check has no body to wait with: take it out',
}

interface CheckFields {
  readonly path?: unknown
  readonly method?: unknown
  readonly headers?: Readonly<Record<string, unknown>>
  readonly body?: unknown
}

function checkTogether(check: CheckFields, context: z.RefinementCtx): void {
  const tell = (path: string[], message: string): void => context.addIssue({ code: 'custom', path, message })
  const asked = ['method', 'host', 'headers', 'status', 'body'].filter(key => Object.hasOwn(check, key))
  if (check.path === undefined)
    for (const key of asked)
      tell([key], `nothing is asked without a path: write path: '/health' beside ${key}`)
  if (check.method === 'HEAD' && check.body !== undefined)
    tell(['body'], "an answer to HEAD has no body: write method: 'GET'")
  for (const name of Object.keys(check.headers ?? {})) {
    const remedy = NO_CHECK_FIELDS[name.toLowerCase()]
    if (remedy !== undefined) tell(['headers', name], remedy)
  }
}

export const checkSchema = object(
  {
    path: checkPath
      .optional()
      .meta({ description: 'Path that is asked for. Left out: a check opens a connection and no more.' }),
    method: text('a method', 'GET', checkMethod, { description: 'Method of the request.' }).optional(),
    host: checkHost.optional().meta({ description: "Host field. Left out: the server's own." }),
    headers: fields.optional().meta({ description: 'Further fields of the request.' }),
    status: z
      .union([status, list(status, 'statuses', "[200, '3xx']")], { error: statusError })
      .optional()
      .meta({ description: 'Status that is fine: 200, "2xx" or a list of them. Left out: 2xx.' }),
    body: text('text', 'ready', () => {}, {
      description: 'Text that must stand in the first 64 KB of the answer.',
    }).optional(),
    interval: wait('From one check to the next, a tenth more or less.', '5s').optional(),
    timeout: wait('How long a check may take.', '2s').optional(),
    rise: count('Checks in a row that must succeed until a server is back.', 2, 1, 1000).optional(),
    fall: count('Checks in a row that must fail until a server is out.', 3, 1, 1000).optional(),
  },
  'a check',
  "{ path: '/health' }",
  { uri: 'write path', url: 'write path and host', expect: 'write status or body', tcp: 'leave path out' },
)
  .superRefine(checkTogether)
  .meta({ description: 'Asks the servers how they are (active health).' })

export type RetryData = z.input<typeof retrySchema>
export type HealthData = z.input<typeof healthSchema>
export type CheckData = z.input<typeof checkSchema>
