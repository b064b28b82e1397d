/**
 * What a config in TypeScript is written with.
 * Strategy: every function builds plain data and nothing else, so that the same config can be written in JSON
 * or YAML and printed back. The types come from the schema; what is added here is that `to` knows the names of
 * the upstreams and that a route has exactly one target.
 */
import type { LayerData, LayerOptions } from './layers/index.ts'
import type { ConfigData, ListenerData, RouteData } from './schema.ts'
import type { UpstreamData } from './schema-upstream.ts'

type Target = 'to' | 'redirect' | 'respond'

type Only<Kept extends Target, Name extends string> = { [Key in Exclude<Target, Kept>]?: never } & {
  [Key in Kept]: Key extends 'to' ? Name : NonNullable<RouteData[Key]>
}

/** One route: who takes it (host, path, method), what it passes (layers) and who answers (one of three). */
export type Route<Name extends string = string> = Omit<RouteData, Target> &
  (Only<'to', Name> | Only<'redirect', Name> | Only<'respond', Name>)

/** One address that clients connect to, with its routes. */
export type Listener<Name extends string = string> = Omit<ListenerData, 'routes'> & { routes: Route<Name>[] }

/** Servers that answer the same requests. */
export type Upstream = UpstreamData

/** A layer as plain data: an object with one key, its name. */
export type Layer = LayerData

/** What the `headers` layer is told. */
export type HeadersOptions = LayerOptions<'headers'>

/** What the `cache` layer is told. */
export type CacheOptions = LayerOptions<'cache'>

/** What the `compress` layer is told. */
export type CompressOptions = LayerOptions<'compress'>

/** What the `errorPages` layer is told. */
export type ErrorPagesOptions = LayerOptions<'errorPages'>

/** What the `rewrite` layer is told. */
export type RewriteOptions = LayerOptions<'rewrite'>

/** What the `ipAllow` and `ipDeny` layers are told: networks, addresses, or `private`. */
export type IpPatterns = LayerOptions<'ipAllow'>

/** What the `basicAuth` layer is told. */
export type BasicAuthOptions = LayerOptions<'basicAuth'>

/** What the `cors` layer is told. */
export type CorsOptions = LayerOptions<'cors'>

/** A whole config. `Name` are the names of its upstreams. */
export type Config<Name extends string = string> = Omit<ConfigData, 'upstreams' | 'listeners'> & {
  upstreams?: Record<Name, Upstream>
  listeners: Listener<NoInfer<Name>>[]
}

/** Gives a config its types: a name that is not under `upstreams` is an error in the editor. Returns it as it is. */
export function defineConfig<const Name extends string = never>(config: Config<Name>): Config<Name> {
  return config
}

/** Refuses request bodies that are larger: 413. */
export function bodyLimit(size: LayerOptions<'bodyLimit'>): { bodyLimit: LayerOptions<'bodyLimit'> } {
  return { bodyLimit: size }
}

/** Changes what servers are asked for: strips, adds or replaces a prefix, or makes a new target of the old one. */
export function rewrite(options: RewriteOptions): { rewrite: RewriteOptions } {
  return { rewrite: options }
}

/** Puts pages in the place of 4xx and 5xx answers, by status (404) or by kind ('5xx'). */
export function errorPages(pages: ErrorPagesOptions): { errorPages: ErrorPagesOptions } {
  return { errorPages: pages }
}

/** Edits header fields on the way to the upstream (`request`) and back (`response`). */
export function headers(options: HeadersOptions): { headers: HeadersOptions } {
  return { headers: options }
}

/** Answers from what is stored of earlier responses (RFC 9111). */
export function cache(options: CacheOptions = {}): { cache: CacheOptions } {
  return { cache: options }
}

/** Compresses answers for clients that take it. */
export function compress(options: CompressOptions = {}): { compress: CompressOptions } {
  return { compress: options }
}

/** Lets on only clients from these networks; others get 403. */
export function ipAllow(patterns: IpPatterns): { ipAllow: IpPatterns } {
  return { ipAllow: patterns }
}

/** Answers 403 to clients from these networks. */
export function ipDeny(patterns: IpPatterns): { ipDeny: IpPatterns } {
  return { ipDeny: patterns }
}

/** Asks for a user name and a password; others get 401. */
export function basicAuth(options: BasicAuthOptions): { basicAuth: BasicAuthOptions } {
  return { basicAuth: options }
}

/** Tells browsers which pages of other origins may use this one. */
export function cors(options: CorsOptions): { cors: CorsOptions } {
  return { cors: options }
}
