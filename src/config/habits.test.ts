/**
 * Layers that are got wrong, words from other proxies, and what is hardly meant: every line a person reads about them.
 */
import { json, run, yaml } from '../../test/support/config-cases.ts'

// Layers, as they are got wrong in the three languages.
run([
  {
    what: 'TypeScript: options of layer functions, called in every way',
    files: {
      'sluice.config.ts': `import { defineConfig, headers } from 'sluice'
import * as sluice from 'sluice'
const common = headers({ respnse: { set: { 'x-a': 'b' } } })
export default defineConfig({
  listeners: [{ listen: 1, routes: [
    { path: '/a', respond: 'a', layers: [common] },
    { path: '/b', respond: 'b', layers: [sluice.headers({ response: { sett: {} } })] },
    { path: '/c', respond: 'c', layers: [headers()] },
    { path: '/d', respond: 'd', layers: [headers] },
    { path: '/e', respond: 'e', layers: headers({ response: {} }) },
    { path: '/f', respond: 'f', headers: { response: {} } },
  ] }],
})
`,
    },
    faults: [
      'sluice.config.ts:3:26: listeners[0].routes[0].layers[0].headers: unknown key "respnse": did you mean "response"?',
      'sluice.config.ts:7:71: listeners[0].routes[1].layers[0].headers.response: unknown key "sett": did you mean "set"?',
      "sluice.config.ts:8:42: listeners[0].routes[2].layers[0].headers: missing: write for example { response: { set: { 'x-served-by': 'sluice' } } }",
      "sluice.config.ts:9:42: listeners[0].routes[3].layers[0]: a function is not a layer: call it, or write for example { headers: { response: { set: { 'x-served-by': 'sluice' } } } }",
      "sluice.config.ts:10:41: listeners[0].routes[4].layers: an object is not a list of layers: write for example [headers({ response: { set: { 'x-served-by': 'sluice' } } })]",
      'sluice.config.ts:11:33: listeners[0].routes[5]: unknown key "headers": it is a layer: write layers: [{ headers: ... }] (in TypeScript: headers(...))',
    ],
  },
  {
    what: 'YAML: unknown layers, two in one, numbers for text',
    files: yaml(`listeners:
  - listen: 1
    routes:
      - respond: a
        layers:
          - header: { response: { set: { x-a: b } } }
          - headers: { response: { set: { x-frames: 1, x-on: true } } }
          - headers
`),
    faults: [
      'sluice.config.yaml:6:13: listeners[0].routes[0].layers[0]: unknown key "header": did you mean "headers"?',
      'sluice.config.yaml:7:53: listeners[0].routes[0].layers[1].headers.response.set["x-frames"]: 1 is not a header value: write "1"',
      'sluice.config.yaml:7:62: listeners[0].routes[0].layers[1].headers.response.set["x-on"]: true is not a header value: write "true"',
      "sluice.config.yaml:8:13: listeners[0].routes[0].layers[2]: \"headers\" is not a layer: write for example { headers: { response: { set: { 'x-served-by': 'sluice' } } } }",
    ],
  },
])

// What people bring along from other proxies, and what they hardly mean.
run([
  {
    what: 'nginx',
    files: yaml(`upstreams:
  a: { servers: ['a:1'], keepalive: 32 }
listeners:
  - listen: 80 default_server
    routes:
      - { host: ~^(.*)$, path: ~* \\.php$, to: a }
      - { host: _, path: /x, to: a }
      - { host: .example.com, to: http://b:9000 }
      - { host: b.example.com, redirect: https://b.example.com$request_uri }
      - { host: c.example.com, proxy_pass: http://a, to: a }
`),
    faults: [
      'sluice.config.yaml:2:26: upstreams.a: unknown key "keepalive": write idleConnections',
      'sluice.config.yaml:4:13: listeners[0].listen: "80 default_server" is not a host name and not an IP address: write for example "127.0.0.1:8080"',
      'sluice.config.yaml:6:17: listeners[0].routes[0].host: "~^(.*)$": hosts are compared as names, not as regular expressions: write "shop.example.com" or "*.example.com"',
      'sluice.config.yaml:6:32: listeners[0].routes[0].path: "~* \\\\.php$": paths are compared as text, not as regular expressions: write "/exact" or "/folder/*"',
      'sluice.config.yaml:7:17: listeners[0].routes[1].host: "_" is no host: leave host out to take every host',
      'sluice.config.yaml:8:17: listeners[0].routes[2].host: ".example.com": write ["example.com", "*.example.com"] for the name and all below it',
      'sluice.config.yaml:8:35: listeners[0].routes[2].to: no upstream is called "http://b:9000": to takes a name: write upstreams: { shop: "http://b:9000" } and to: \'shop\'',
      'sluice.config.yaml:9:42: listeners[0].routes[3].redirect: "https://b.example.com$request_uri": $request_uri is not known here: write {host}, {path} or {query}',
      'sluice.config.yaml:10:32: listeners[0].routes[4]: unknown key "proxy_pass": write to: \'shop\', a name under upstreams',
    ],
  },
  {
    what: 'impossible weights',
    files: json(
      `{ "upstreams": { "a": [${['0', '-1', '1.5', '1001', '"2"', '1e30'].map((weight, i) => `{ "address": "a:${i + 1}", "weight": ${weight} }`).join(',\n')}] },
"listeners": [{ "listen": 1, "routes": [{ "to": "a" }] }] }`,
    ),
    faults: ['0', '-1', '1.5', '1001', '"2"', '1e+30'].map(
      (weight, i) =>
        `sluice.config.json:${i + 1}:${i === 0 ? 54 : 31}: upstreams.a[${i}].weight: ${weight} is not a whole number from 1 to 1000: write for example 2`,
    ),
  },
  {
    what: 'servers that are listed twice, that are no address, that are the program itself',
    files: yaml(`upstreams:
  a:
    - a:9000
    - { address: http://A:9000/, weight: 2 }
    - http://a:9000/base
    - "[::1]:1"
    - "[0::1]:1"
  b: [0.0.0.0:9000, localhost:8080, unix:/run/a.sock]
listeners:
  - { listen: 8080, trust: [10.0.0.0/8, 0.0.0.0/0], routes: [{ path: /a, to: a }, { to: b }] }
  - { listen: unix:/run/a.sock, routes: [{ to: a }] }
`),
    faults: [],
    warnings: [
      'sluice.config.yaml:4:18: upstreams.a[1].address: the same server as upstreams.a[0]: write it once, with a weight if it shall get more (see 3:7)',
      'sluice.config.yaml:7:7: upstreams.a[4]: the same server as upstreams.a[3]: write it once, with a weight if it shall get more (see 6:7)',
      'sluice.config.yaml:8:7: upstreams.b[0]: "0.0.0.0" means every interface, and is nobody\'s address: write "127.0.0.1:9000"',
      'sluice.config.yaml:8:21: upstreams.b[1]: listeners[0].listen listens there: requests would come back to this program again and again (see 10:15)',
      'sluice.config.yaml:8:37: upstreams.b[2]: listeners[1].listen listens there: requests would come back to this program again and again (see 11:15)',
      'sluice.config.yaml:10:41: listeners[0].trust[1]: every client may claim any address: write only the networks of your own proxies',
    ],
  },
])
