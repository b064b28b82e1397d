/**
 * The public API: the only file a user imports.
 */
export {
  bodyLimit,
  type CompressOptions,
  type Config,
  compress,
  defineConfig,
  type ErrorPagesOptions,
  errorPages,
  type HeadersOptions,
  headers,
  type Layer,
  type Listener,
  type RewriteOptions,
  type Route,
  rewrite,
  type Upstream,
} from './config/define.ts'
