/**
 * The public API: the only file a user imports.
 */
export {
  type BasicAuthOptions,
  basicAuth,
  bodyLimit,
  type CacheOptions,
  type CompressOptions,
  type Config,
  type CorsOptions,
  cache,
  compress,
  cors,
  defineConfig,
  type ErrorPagesOptions,
  errorPages,
  type HeadersOptions,
  headers,
  type IpPatterns,
  ipAllow,
  ipDeny,
  type Layer,
  type Listener,
  type RewriteOptions,
  type Route,
  rewrite,
  type Upstream,
} from './config/define.ts'
