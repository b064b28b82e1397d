/**
 * The one schema of a config. From it come the check at run time, the TypeScript types and `schema.json`.
 * Strategy: plain data in, the same plain data out (nothing is transformed), so that a config in TypeScript,
 * JSON or YAML is one thing; `build.ts` turns it into what the core takes. Names are those of the core's
 * options without unit and "Max", because the values carry their unit: `headTimeoutMs` is `headTimeout: '30s'`,
 * `headBytesMax` is `limits.head: '32KB'`. What one field alone cannot know is checked in `check.ts`.
 */
import { z } from 'zod'
import { compileBody } from '../layers/template.ts'
import { checkNetwork, parseAdminAddress, parseListenAddress } from './addresses.ts'
import { CONFIG_HABITS, misplacedLayers, RESPOND_HABITS, ROUTE_HABITS } from './habits.ts'
import { LAYER_NAMES, layerSchema } from './layers/index.ts'
import {
  checkHostPattern,
  checkMethod,
  checkPathPattern,
  checkRedirectTarget,
  checkVariables,
} from './patterns.ts'
import { messageOf } from './problems.ts'
import { routeRetrySchema, routeTimeoutsSchema } from './schema-health.ts'
import {
  COUNT_MAX,
  choice,
  count,
  duration,
  fields,
  list,
  notYet,
  object,
  oneOrList,
  show,
  size,
  text,
  wait,
  wrongType,
} from './schema-parts.ts'
import { upstreamSchema } from './schema-upstream.ts'

const upstreamName = text('the name of an upstream', 'shop', value => {
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(value)) {
    throw new RangeError(
      `${show(value)} is not a name for an upstream: letters, digits, "-", "_" and ".", for example "shop"`,
    )
  }
})

const redirectTarget = text(
  'a redirect target',
  'https://shop.example.com{path}{query}',
  checkRedirectTarget,
  {
    description: 'Where to: a URL or a path; variables such as {host}, {path} and {query} may stand in it.',
  },
)
const redirectStatus = z.literal([301, 302, 303, 307, 308], {
  error: issue => `${show(issue.input)} is not a status of a redirect: write 301, 302, 303, 307 or 308`,
})

export const redirectSchema = z
  .union(
    [
      redirectTarget,
      object(
        {
          to: redirectTarget,
          status: redirectStatus
            .optional()
            .meta({ description: '301, 302, 303, 307 or 308; 302 when left out.' }),
        },
        'a redirect',
        "{ to: 'https://shop.example.com{path}', status: 308 }",
      ),
    ],
    { error: wrongType('a redirect', "'https://shop.example.com{path}'") },
  )
  .meta({
    description: 'Sends the client elsewhere (status 302 unless said otherwise).',
  })

const checkBody = (value: string): void => checkVariables(value, 'response')

export const respondSchema = z
  .union(
    [
      text('an answer', 'hello', checkBody),
      object(
        {
          status: count('Status of the answer.', 200, 200, 599).optional(),
          body: text('text', 'hello', checkBody, {
            description: 'Sent as UTF-8. May hold variables.',
          }).optional(),
          headers: fields.optional().meta({ description: 'Fields of the answer.' }),
        },
        'an answer',
        "{ status: 200, body: 'hello' }",
        RESPOND_HABITS,
      ).superRefine(({ body = '', headers = {} }, context) => {
        const type = Object.entries(headers).find(([name]) => name.toLowerCase() === 'content-type')?.[1]
        const message = type === undefined ? null : messageOf(() => compileBody(body, type))
        if (message !== null && messageOf(() => checkBody(body)) === null)
          context.addIssue({ code: 'custom', path: ['body'], message })
      }),
    ],
    {
      error: ({ input }) =>
        wrongType(
          'an answer',
          `{ status: ${typeof input === 'number' ? input : 200}, body: 'hello' }`,
        )({ input }),
    },
  )
  .meta({ description: 'Answers with fixed text.' })

const hostPattern = text('a host', 'shop.example.com', checkHostPattern)
const pathPattern = text('a path', '/static/*', checkPathPattern)
const method = text('a method', 'GET', checkMethod)

export const routeSchema = object(
  {
    host: oneOrList(
      hostPattern,
      'a host',
      'shop.example.com',
      'Hosts this route takes: exact, *.wildcard, with or without port. Left out: every host.',
    ).optional(),
    path: oneOrList(
      pathPattern,
      'a path',
      '/static/*',
      'Paths this route takes: /exact or /prefix/*. Left out: every path.',
    ).optional(),
    method: oneOrList(
      method,
      'a method',
      'GET',
      'Methods this route takes. Left out: every method.',
    ).optional(),
    layers: z
      .array(layerSchema, {
        error: wrongType('a list of layers', "[headers({ response: { set: { 'x-served-by': 'sluice' } } })]"),
      })
      .optional()
      .meta({ description: 'What requests pass on their way, in this order.' }),
    to: text('the name of an upstream', 'shop', () => {}, {
      description: 'The upstream that answers: a name under upstreams.',
    }).optional(),
    redirect: redirectSchema.optional(),
    respond: respondSchema.optional(),
    timeouts: routeTimeoutsSchema.optional(),
    retry: routeRetrySchema.optional(),
  },
  'a route',
  "{ host: 'shop.example.com', to: 'shop' }",
  {
    ...ROUTE_HABITS,
    ...misplacedLayers(LAYER_NAMES),
    hosts: 'write host (it takes a list too)',
    paths: 'write path (it takes a list too)',
    methods: 'write method (it takes a list too)',
    upstream: 'write to',
  },
).meta({ oneOf: [{ required: ['to'] }, { required: ['redirect'] }, { required: ['respond'] }] })

const limitsSchema = object(
  {
    target: size('Bytes of a request target; beyond it 414.', '8KB', 64).optional(),
    head: size('Bytes of a whole head, start line to empty line; beyond it 431.', '32KB', 256).optional(),
    fields: count('Field lines in one head or trailer section; beyond it 431.', 100, 1, 10_000).optional(),
    emptyLines: count('Empty lines skipped in front of a request line.', 3, 0, 100).optional(),
    chunkLine: size('Bytes of one chunk-size line.', '256B', 16).optional(),
    trailer: size('Bytes of a trailer section.', '8KB', 0).optional(),
  },
  'an object with limits',
  "{ head: '32KB', fields: 100 }",
).meta({ description: 'How large the messages of clients may be.' })

const timeoutsSchema = object(
  {
    head: wait('From the first byte of a head to its last.', '30s').optional(),
    idle: wait('Longest wait for the next request on a kept connection.', '75s').optional(),
    body: wait(
      'Longest silence inside a request body, and longest time a client may refuse to read.',
      '60s',
    ).optional(),
    linger: duration('How long a connection that we end keeps reading.', '2s').optional(),
  },
  'an object with timeouts',
  "{ head: '30s', idle: '75s' }",
).meta({ description: 'How long clients may take.' })

const listenText = text('an address to listen on', '127.0.0.1:8080', parseListenAddress)
const listenPort = z.number().superRefine((port, context) => {
  const message = messageOf(() => parseListenAddress(port))
  if (message !== null) context.addIssue({ code: 'custom', message })
})

export const listenSchema = z
  .union([listenText, listenPort], { error: wrongType('an address to listen on', '"127.0.0.1:8080"') })
  .meta({
    description:
      '8080 or ":8080" (every interface), "127.0.0.1:8080", "[::1]:8080" or "unix:/run/sluice.sock". Port 0 picks a free one.',
  })

export const listenerSchema = object(
  {
    listen: listenSchema,
    routes: list(routeSchema, 'routes', "[{ host: 'shop.example.com', to: 'shop' }]").meta({
      description: 'Tried in this order; the first that matches takes the request.',
    }),
    forwarded: choice('The fields that tell servers about the client.', [
      'x-forwarded',
      'forwarded',
      'none',
    ]).optional(),
    trust: z
      .array(text('a network', '10.0.0.0/8', checkNetwork), {
        error: wrongType('a list of networks', "['10.0.0.0/8']"),
      })
      .optional()
      .meta({
        description:
          'Networks whose forwarding fields are kept and appended to; from others they are replaced.',
      }),
    limits: limitsSchema.optional(),
    timeouts: timeoutsSchema.optional(),
    connections: count(
      'Open client connections; beyond it new ones get 503.',
      50_000,
      1,
      COUNT_MAX,
    ).optional(),
    readAhead: size(
      'Bytes of pipelined requests read ahead while an answer is under way.',
      '64KB',
      0,
    ).optional(),
    halfClose: choice('What a half-closed client means: gone (cancel) or still reading (serve).', [
      'cancel',
      'serve',
    ]).optional(),
  },
  'a listener',
  "{ listen: ':8080', routes: [{ to: 'shop' }] }",
  {
    forward: notYet('the forward proxy'),
    tcp: notYet('the TCP proxy'),
    udp: notYet('the UDP proxy'),
    tls: notYet('TLS'),
    to: "write routes: [{ to: '...' }]",
    port: "write listen: ':8080'",
  },
)

const logSchema = object(
  {
    format: choice('One line per exchange. Left out: short on a terminal, json elsewhere.', [
      'short',
      'combined',
      'json',
      'off',
    ]).optional(),
    file: text(
      'the name of a file',
      'access.log',
      value => {
        if (value === '' || value.includes('\0'))
          throw new RangeError(`${show(value)} is not the name of a file: write for example "access.log"`)
      },
      { description: 'Where the lines go instead of stdout; relative to the config file.' },
    ).optional(),
  },
  'an object with format or file',
  "{ format: 'json', file: 'access.log' }",
).meta({ description: 'The access log.' })

const adminText = text('an address to listen on', '127.0.0.1:8079', parseAdminAddress)
const adminPort = z.number().superRefine((port, context) => {
  const message = messageOf(() => parseAdminAddress(port))
  if (message !== null) context.addIssue({ code: 'custom', message })
})
const adminAddress = z.union([adminText, adminPort], {
  error: wrongType('an address to listen on', '"127.0.0.1:8079"'),
})
const adminSchema = z
  .union(
    [
      adminText,
      adminPort,
      object(
        {
          listen: adminAddress.meta({
            description: 'An address of this machine alone, or a unix socket.',
          }),
        },
        'an object with listen',
        "{ listen: '127.0.0.1:8079' }",
        { address: 'write listen', port: "write listen: '127.0.0.1:8079'" },
      ),
    ],
    { error: wrongType('an address to listen on', '"127.0.0.1:8079"') },
  )
  .meta({
    description:
      'Where `sluice cache` and other programs look into the stores and purge: an address of this machine alone (127.0.0.1:8079), or a unix socket. Left out: nowhere.',
  })

/** More processes than any machine has use for. */
const WORKERS_MAX = 1024
const notWorkers = ({ input }: { input?: unknown }) =>
  `${show(input)} is not a whole number from 1 to ${WORKERS_MAX} and not "auto": write for example 2, or "auto" for one a core`

export const configSchema = object(
  {
    $schema: z.string().optional().meta({ description: 'Where editors find this schema.' }),
    upstreams: z
      .record(upstreamName, upstreamSchema, {
        error: wrongType('an object of upstreams', "{ shop: { servers: ['127.0.0.1:9000'] } }"),
      })
      .optional()
      .meta({ description: 'Where requests can go, by name.' }),
    listeners: list(listenerSchema, 'listeners', "[{ listen: ':8080', routes: [{ to: 'shop' }] }]").meta({
      description: 'Where clients connect.',
    }),
    log: logSchema.optional(),
    admin: adminSchema.optional(),
    drainTimeout: duration(
      'How long running exchanges may take to finish when the program is asked to end.',
      '30s',
    ).optional(),
    workers: z
      .union([count('', 1, 1, WORKERS_MAX), z.literal('auto', { error: notWorkers })], { error: notWorkers })
      .optional()
      .meta({
        description: 'Processes that share the connections: a number, or "auto" for one a core.',
        examples: [2, 'auto'],
      }),
  },
  'a config',
  "defineConfig({ upstreams: { shop: '127.0.0.1:9000' }, listeners: [{ listen: ':8080', routes: [{ to: 'shop' }] }] })",
  {
    ...CONFIG_HABITS,
    servers: 'it belongs under an upstream',
    routes: 'it belongs under a listener',
    listen: "write listeners: [{ listen: ':8080', routes: [...] }]",
  },
).meta({ title: 'Sluice configuration' })

export type ConfigData = z.input<typeof configSchema>
export type ListenerData = z.input<typeof listenerSchema>
export type RouteData = z.input<typeof routeSchema>
