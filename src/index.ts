/**
 * The public API: the only file a user imports.
 */
export {
  type CompressOptions,
  bodyLimit,
  type Config,
  compress,
  defineConfig,
  type HeadersOptions,
  headers,
  type Layer,
  type Listener,
  type Route,
  type Upstream,
} from './config/define.ts'
