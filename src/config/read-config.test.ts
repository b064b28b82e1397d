/**
 * Bad configs and every line a person reads about them.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { json, read, run, ts, write, yaml } from '../../test/support/config-cases.ts'
import { readConfig } from './read-config.ts'

// What is wrong with the data, in each of the three languages.
run([
  {
    what: 'TypeScript: every fault at once, each at its place',
    files: ts(`export default defineConfig({
  upstreams: {
    shop: { servrs: ['127.0.0.1:9000'], balance: 'leastbusy' },
    assets: { servers: [] },
    spare: '127.0.0.1:9001',
  },
  listeners: [
    {
      listen: ':80800',
      timeouts: { head: '30' },
      routes: [
        { host: 'shop.example.com', to: 'shpo' },
        { path: 'static/*', to: 'assets' },
        { host: 'a.example.com', to: 'shop', redirect: '/b' },
        { host: 'b.example.com' },
        { host: 'c.example.com', layers: [headers({ response: { set: { 'x-a': 'b\\r\\nc' } } })], to: 'shop' },
      ],
    },
  ],
  drainTimout: '30s',
})
`),
    faults: [
      'sluice.config.ts:4:13: upstreams.shop: unknown key "servrs": did you mean "servers"?',
      'sluice.config.ts:4:50: upstreams.shop.balance: "leastbusy" is not known here: did you mean "least-busy"?',
      "sluice.config.ts:5:24: upstreams.assets.servers: an empty list: write for example ['127.0.0.1:9000']",
      'sluice.config.ts:10:15: listeners[0].listen: ":80800": a port is a number from 0 to 65535',
      'sluice.config.ts:11:25: listeners[0].timeouts.head: "30" is not a duration: write for example "250ms", "5s", "2m" or "1h"',
      'sluice.config.ts:13:41: listeners[0].routes[0].to: no upstream is called "shpo": did you mean "shop"?',
      'sluice.config.ts:14:17: listeners[0].routes[1].path: "static/*": a path begins with a slash: write "/static/*"',
      'sluice.config.ts:15:46: listeners[0].routes[2].redirect: to and redirect in one route: keep one of them',
      "sluice.config.ts:16:9: listeners[0].routes[3]: nothing says who answers: write to: '...', redirect: '...' or respond: '...'",
      'sluice.config.ts:17:79: listeners[0].routes[4].layers[0].headers.response.set["x-a"]: "b\\r\\nc": a header value holds no line end: write it in one line',
      'sluice.config.ts:21:3: unknown key "drainTimout": did you mean "drainTimeout"?',
    ],
    warnings: ['sluice.config.ts:6:5: upstreams.spare: no route leads here'],
  },
  {
    what: 'JSON: every fault at once, each at its place',
    files: json(`{
  "$schema": "./schema.json",
  "upstreams": { "shop": { "servers": ["https://shop.internal"], "conections": 10, "headTimeout": 5 } },
  "listeners": [
    { "listen": 8080, "routes": [{ "hst": "shop.example.com", "to": "shop" }], "trust": ["10.0.0.0/40"] },
    { "listen": "127.0.0.1:8080", "routes": [{ "to": "shop" }] }
  ]
}
`),
    faults: [
      'sluice.config.json:3:40: upstreams.shop.servers[0]: "https://shop.internal": TLS to upstream servers is not served yet: write "http://shop.internal" if the server takes plain HTTP',
      'sluice.config.json:3:66: upstreams.shop: unknown key "conections": did you mean "connections"?',
      'sluice.config.json:3:99: upstreams.shop.headTimeout: 5 is not a duration: write for example "60s"',
      'sluice.config.json:5:36: listeners[0].routes[0]: unknown key "hst": did you mean "host"?',
      'sluice.config.json:5:90: listeners[0].trust[0]: "10.0.0.0/40": the length after the slash is a number from 0 to 32',
      'sluice.config.json:6:17: listeners[1].listen: listeners[0].listen listens there already: choose another port, or put all routes under one listener (see 5:17)',
    ],
  },
  {
    what: 'YAML: every fault at once, each at its place',
    files: yaml(`upstreams:
  shop:
    servers: 127.0.0.1:9000
  assets:
    servers:
      - 127.0.0.1:9001
      - { address: 127.0.0.1:99999, weight: 0 }
listeners:
  - listen: 8080
    routes:
      - host: shop.example.com
        method: get
        to: shop
      - host: "*.example.com"
        to: assetz
      - host: a.example.com
        path: /x
        redirect: { to: "https://b.example.com{pth}", status: 300 }
    connections: many
`),
    faults: [
      'sluice.config.yaml:3:14: upstreams.shop.servers: "127.0.0.1:9000" is not a list of servers: write for example [\'127.0.0.1:9000\']',
      'sluice.config.yaml:7:20: upstreams.assets.servers[1].address: "127.0.0.1:99999": a port is a number from 1 to 65535',
      'sluice.config.yaml:7:45: upstreams.assets.servers[1].weight: 0 is not a whole number from 1 to 1000: write for example 2',
      'sluice.config.yaml:12:17: listeners[0].routes[0].method: "get": methods are told apart by case: write "GET"',
      'sluice.config.yaml:15:13: listeners[0].routes[1].to: no upstream is called "assetz": did you mean "assets"?',
      'sluice.config.yaml:16:9: listeners[0].routes[2]: no request gets here: listeners[0].routes[1] takes all of them: move this route above it or take it out (see 14:9)',
      'sluice.config.yaml:18:25: listeners[0].routes[2].redirect.to: "https://b.example.com{pth}": {pth} is not a variable: did you mean {path}?',
      'sluice.config.yaml:18:63: listeners[0].routes[2].redirect.status: 300 is not a status of a redirect: write 301, 302, 303, 307 or 308',
      'sluice.config.yaml:19:18: listeners[0].connections: "many" is not a whole number from 1 to 1000000: write for example 50000',
    ],
    warnings: ['sluice.config.yaml:4:3: upstreams.assets: no route leads here'],
  },
])

// The shape of the whole and of parts that are often got wrong.
run([
  {
    what: 'nothing in it',
    files: json('{}'),
    faults: [
      "sluice.config.json:1:1: listeners: missing: write for example [{ listen: ':8080', routes: [{ to: 'shop' }] }]",
    ],
  },
  {
    what: 'a list instead of an object',
    files: json('[]'),
    faults: [
      "sluice.config.json:1:1: a list is not a config: write for example defineConfig({ upstreams: { shop: '127.0.0.1:9000' }, listeners: [{ listen: ':8080', routes: [{ to: 'shop' }] }] })",
    ],
  },
  {
    what: 'empty YAML',
    files: yaml('# nothing yet\n'),
    faults: [
      "sluice.config.yaml:1:1: null is not a config: write for example defineConfig({ upstreams: { shop: '127.0.0.1:9000' }, listeners: [{ listen: ':8080', routes: [{ to: 'shop' }] }] })",
    ],
  },
  {
    what: 'a key of YAML without a value',
    files: yaml('upstreams:\nlisteners:\n  - listen: 8080\n    routes:\n'),
    faults: [
      "sluice.config.yaml:1:11: upstreams: null is not an object of upstreams: write for example { shop: { servers: ['127.0.0.1:9000'] } }",
      "sluice.config.yaml:4:12: listeners[0].routes: null is not a list of routes: write for example [{ host: 'shop.example.com', to: 'shop' }]",
    ],
  },
  {
    what: 'what belongs to later versions says so',
    files: yaml(
      'listeners:\n  - listen: 8888\n    forward: {}\n    routes: [{ respond: hello, layers: [{ compress: {} }] }]\n',
    ),
    faults: [
      'sluice.config.yaml:3:5: listeners[0]: unknown key "forward": the forward proxy is not in this version yet: take it out',
    ],
  },
  {
    what: 'a Host field that is added',
    files: yaml(
      'listeners:\n  - listen: 1\n    routes:\n      - respond: x\n        layers:\n          - headers: { request: { add: { host: a } } }\n',
    ),
    faults: [
      'sluice.config.yaml:6:13: listeners[0].routes[0].layers[0]: header "Host": a request needs exactly one; it can be set, not added or removed',
    ],
  },
  {
    what: 'a name for an upstream that is none',
    files: json(
      '{ "upstreams": { "my shop": "127.0.0.1:9000" }, "listeners": [{ "listen": 1, "routes": [{ "to": "my shop" }] }] }',
    ),
    faults: [
      'sluice.config.json:1:18: upstreams["my shop"]: "my shop" is not a name for an upstream: letters, digits, "-", "_" and ".", for example "shop"',
    ],
  },
  {
    what: 'several earlier routes that take everything together',
    files: yaml(
      'listeners:\n  - listen: 1\n    routes:\n      - { path: /a, respond: a }\n      - { path: /b, respond: b }\n      - { path: [/a, /b], respond: c }\n',
    ),
    faults: [
      'sluice.config.yaml:6:9: listeners[0].routes[2]: no request gets here: the routes above take all of them: move this route up or take it out',
    ],
  },
])

// Text that cannot be read.
run([
  {
    what: 'TypeScript: a syntax error',
    files: ts("export default defineConfig({\n  listeners: [{ listen: ':8080' routes: [] }],\n})\n"),
    faults: ['sluice.config.ts:3:33: Unexpected token, expected ","'],
  },
  {
    what: 'TypeScript: syntax that is not only types',
    files: ts(
      "enum Port { shop = 1 }\nexport default defineConfig({ listeners: [{ listen: Port.shop, routes: [{ respond: 'a' }] }] })\n",
    ),
    faults: [
      'sluice.config.ts:2:1: an enum: Node removes types and builds nothing, so a config holds only what is plain JavaScript without its types',
    ],
  },
  {
    what: 'TypeScript: it throws while it is loaded',
    files: ts(
      "const port = readPort()\nfunction readPort(): number {\n  throw new Error('PORT is not set')\n}\nexport default defineConfig({ listeners: [{ listen: port, routes: [] }] })\n",
    ),
    faults: ['sluice.config.ts:4:9: the config failed while it was loaded: PORT is not set'],
  },
  {
    what: 'TypeScript: it ends the program while it is loaded',
    files: ts('if (true as boolean) process.exit(0)\nexport default defineConfig({ listeners: [] })\n'),
    faults: [
      'sluice.config.ts:2:30: the config failed while it was loaded: it calls process.exit(0): throw an Error that says what is missing',
    ],
  },
  {
    what: 'TypeScript: it ends the program and goes on',
    files: ts('try {\n  process.exit(0)\n} catch {}\nexport default { listeners: [] }\n'),
    faults: [
      'sluice.config.ts:3:11: the config failed while it was loaded: it calls process.exit(0): throw an Error that says what is missing',
    ],
  },
  {
    what: 'TypeScript: it throws later, while it still waits',
    files: ts(
      "setImmediate(() => {\n  throw new Error('no such secret')\n})\nawait new Promise(() => {})\nexport default defineConfig({ listeners: [] })\n",
    ),
    faults: ['sluice.config.ts:3:9: the config failed while it was loaded: no such secret'],
  },
  {
    what: 'TypeScript: no default export',
    files: ts('export const config = defineConfig({ listeners: [] })\n'),
    faults: ['sluice.config.ts:1:1: there is no default export: write export default defineConfig({ … })'],
  },
  {
    what: 'TypeScript: a function instead of a config',
    files: ts('export default () => defineConfig({ listeners: [] })\n'),
    faults: ['sluice.config.ts:2:16: the default export is a function: export the config itself'],
  },
  {
    what: 'TypeScript: a promise of a config',
    files: ts('export default (async () => defineConfig({ listeners: [] }))()\n'),
    faults: [
      'sluice.config.ts:2:16: the default export is a promise: write await in front of it, so that the config itself is exported',
    ],
  },
  {
    what: 'TypeScript: the name of a layer function, misspelled',
    files: {
      'sluice.config.ts': "import { defineConfig, header } from 'sluice'\nexport default defineConfig({})\n",
    },
    faults: ['sluice.config.ts:1:24: "sluice" exports nothing called header: did you mean headers?'],
  },
  {
    what: 'TypeScript: an import that is not there',
    files: ts(
      "import { routes } from './routes'\nexport default defineConfig({ listeners: [{ listen: 1, routes }] })\n",
    ),
    faults: [
      'sluice.config.ts:2:24: "./routes" is not there: write the name of the file with its ending, for example "./routes.ts"',
    ],
  },
  {
    what: 'TypeScript: a package that is not there',
    files: ts(
      "import { x } from 'no-such-package/deep'\nexport default defineConfig({ listeners: [{ listen: 1, routes: x }] })\n",
    ),
    faults: ['sluice.config.ts:2:19: "no-such-package/deep" is not there: npm install no-such-package'],
  },
  {
    what: 'TypeScript: a layer that this version does not have',
    files: {
      'sluice.config.ts':
        "import {\n  defineConfig,\n  inspect,\n} from 'sluice'\nexport default defineConfig({ listeners: [] })\n",
    },
    faults: [
      'sluice.config.ts:3:3: "sluice" exports nothing called inspect: this version of Sluice does not have it',
    ],
  },
  {
    what: 'TypeScript: a key that is written twice',
    files: ts(
      "export default defineConfig({\n  listeners: [{ listen: ':1', routes: [{ respond: 'a' }], listen: ':2' }],\n})\n",
    ),
    faults: ['sluice.config.ts:3:59: the key "listen" is written twice here: keep one'],
  },
  {
    what: 'JSON: a comma at the end',
    files: json('{\n  "listeners": [\n    { "listen": ":8080", "routes": [] },\n  ]\n}\n'),
    faults: ['sluice.config.json:3:40: a comma before "]": JSON has none behind the last item: take it out'],
  },
  {
    what: 'JSON: a key that is written twice',
    files: json('{\n  "log": {},\n  "listeners": [],\n  "log": {}\n}\n'),
    faults: ['sluice.config.json:4:3: the key "log" is written twice here: keep one'],
  },
  {
    what: 'YAML: a bracket that is not closed',
    files: yaml('listeners: [\n  { listen: 8080 }\nlog: {}\n'),
    faults: [
      'sluice.config.yaml:3:1: Flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
  },
  {
    what: 'YAML: a key that is written twice',
    files: yaml('listeners: []\nlog: {}\nlisteners: []\n'),
    faults: ['sluice.config.yaml:3:1: this key is written twice here: keep one'],
  },
  {
    what: 'YAML: a tab',
    files: yaml('log:\n\tformat: json\n'),
    faults: ['sluice.config.yaml:2:1: a tab: YAML indents with spaces'],
  },
  {
    what: 'a kind of file that is not known',
    files: { 'sluice.toml': '' },
    faults: ['sluice.toml:1:1: ".toml" is not a kind of config: write it as .ts, .js, .json or .yaml'],
  },
])

test('a file that is not there', async () => {
  assert.deepEqual((await read({}, 'x.yaml')).faults, ['x.yaml:1:1: there is no such file'])
  const folder = write({})
  assert.deepEqual((await readConfig(null, folder)).faults, [
    `no config in ${folder}: write sluice.config.ts (or .mts, .js, .mjs, .json, .yaml, .yml), or name a file with --config`,
  ])
})

test('the default files, in their order; what is passed over is named', async () => {
  const text = 'listeners: [{ listen: 1, routes: [{ respond: yaml }] }]'
  const found = await read({
    'sluice.config.yaml': text,
    'sluice.config.json': JSON.stringify({ listeners: [{ listen: 1, routes: [{ respond: 'json' }] }] }),
  })
  assert.equal(found.file, 'sluice.config.json')
  assert.deepEqual(found.warnings, ['sluice.config.json: sluice.config.yaml beside it is not read'])
  assert.deepEqual((await read({ 'sluice.config.yml': text })).config?.listeners[0].routes[0].respond, 'yaml')
})

test('the same config in TypeScript, JavaScript, JSON and YAML', async () => {
  const data = {
    upstreams: { shop: { servers: ['127.0.0.1:9000'] } },
    listeners: [
      {
        listen: ':8080',
        routes: [{ layers: [{ headers: { response: { set: { 'x-a': 'b' } } } }], to: 'shop' }],
      },
    ],
  }
  const script = `import { defineConfig, headers } from 'sluice'
export default defineConfig({
  upstreams: { shop: { servers: ['127.0.0.1:9000'] } },
  listeners: [{ listen: ':8080', routes: [{ layers: [headers({ response: { set: { 'x-a': 'b' } } })], to: 'shop' }] }],
})`
  const text = `upstreams: { shop: { servers: [ 127.0.0.1:9000 ] } }
listeners:
  - listen: :8080
    routes:
      - layers: [ headers: { response: { set: { x-a: b } } } ]
        to: shop
`
  for (const [name, content] of [
    ['a.ts', script],
    ['a.mts', script],
    ['a.js', script],
    ['a.mjs', script],
    ['a.json', JSON.stringify(data, null, 2)],
    ['a.yaml', text],
    ['a.yml', text],
  ]) {
    const found = await read({ [name]: content }, name)
    assert.deepEqual(found.faults, [], name)
    assert.deepEqual(found.config, data, name)
    const line = name === 'a.json' ? 13 : name.startsWith('a.y') ? 5 : 4
    assert.match(found.placeOf(['listeners', 0, 'routes', 0]), new RegExp(`^${name}:${line}:`))
  }
})

test('a TypeScript config loads whatever the package.json around it says', async () => {
  const { 'sluice.config.ts': text } = ts(
    "export default defineConfig({ listeners: [{ listen: 1, routes: [{ respond: 'a' }] }] })\n",
  )
  for (const type of ['{"type":"commonjs"}', '{"type":"module"}', '{}']) {
    const found = await read({ 'sluice.config.ts': text, 'package.json': type })
    assert.deepEqual(found.faults, [], type)
  }
})
