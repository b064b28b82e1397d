/**
 * The public API: the only file a user imports.
 */
export {
  type Config,
  defineConfig,
  type HeadersOptions,
  headers,
  type Layer,
  type Listener,
  type Route,
  type Upstream,
} from './config/define.ts'
