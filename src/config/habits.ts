/**
 * Words that people bring along from the configs of other proxies, and what they are called here.
 * Strategy: these are hints only: a key that exists here is never looked for in them.
 */

type Habits = Readonly<Record<string, string>>

const toUpstream = "write to: 'shop', a name under upstreams"
const conditions = 'write host, path or method'
const servers = 'write servers: [...]'

export const CONFIG_HABITS: Habits = {
  http: 'write upstreams and listeners',
  server: 'write listeners',
  frontends: 'write listeners',
  entryPoints: 'write listeners',
  routers: 'write routes under a listener',
  upstream: 'write upstreams',
  services: 'write upstreams',
  backends: 'write upstreams',
}

export const UPSTREAM_HABITS: Habits = {
  loadBalancer: servers,
  backends: servers,
  targets: servers,
  urls: servers,
  url: servers,
  to: servers,
  lb_policy: 'write balance',
  algorithm: 'write balance',
  keepalive: 'write idleConnections',
  weight: 'it belongs to a server',
}

export const SERVER_HABITS: Habits = {
  host: "write address: 'host:port'",
  port: "write address: 'host:port'",
  url: 'write address',
  server: 'write address',
  backup: 'write priority: 2',
}

export const ROUTE_HABITS: Habits = {
  proxy_pass: toUpstream,
  proxyPass: toUpstream,
  reverse_proxy: toUpstream,
  proxy: toUpstream,
  backend: toUpstream,
  service: toUpstream,
  target: toUpstream,
  rule: conditions,
  match: conditions,
  location: conditions,
  domain: 'write host',
  server_name: 'write host',
  prefix: "write path: '/prefix/*'",
  handle: 'write layers, and to, redirect or respond',
  middlewares: 'write layers',
  return: 'write respond or redirect',
  status: 'write respond: { status: 404 }',
  body: "write respond: { body: 'hello' }",
  priority: 'routes are tried in the order written: move this one',
}

export const RESPOND_HABITS: Habits = {
  text: 'write body',
  content: 'write body',
  code: 'write status',
  statusCode: 'write status',
}

/** What layers are called elsewhere → their names here. */
const LAYERS_ELSEWHERE: Habits = {
  gzip: 'compress',
  encode: 'compress',
  compression: 'compress',
  brotli: 'compress',
  auth: 'basicAuth',
  'basic-auth': 'basicAuth',
  basic_auth: 'basicAuth',
  auth_basic: 'basicAuth',
  allow: 'ipAllow',
  ipWhiteList: 'ipAllow',
  ipAllowList: 'ipAllow',
  deny: 'ipDeny',
  setHeader: 'headers',
  add_header: 'headers',
  stripPrefix: 'rewrite',
  strip_prefix: 'rewrite',
  replacePath: 'rewrite',
  client_max_body_size: 'bodyLimit',
  buffering: 'bodyLimit',
}

/** Hints for a layer that is not called like this here; only such as this build has. */
export function layerHabits(names: readonly string[]): Habits {
  return Object.fromEntries(
    Object.entries(LAYERS_ELSEWHERE)
      .filter(([, name]) => names.includes(name))
      .map(([habit, name]) => [habit, `write ${name}`]),
  )
}

/** Hints for layers that stand in a route as if they were fields of it. */
export function misplacedLayers(names: readonly string[]): Habits {
  return Object.fromEntries(
    names.map(name => [
      name,
      `it is a layer: write layers: [{ ${name}: ... }] (in TypeScript: ${name}(...))`,
    ]),
  )
}

/** Variables of nginx that would otherwise go out as they stand; a dollar sign alone is a sign like others. */
export const NGINX_VARIABLE =
  /\$\{?(?:request_uri|uri|host|http_host|server_name|scheme|args|query_string|is_args)\b\}?/
