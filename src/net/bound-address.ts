/**
 * An address that is listened on, and how it is called in messages.
 */
export type BoundAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }

/** `127.0.0.1:8080`, `[::1]:8080` or `unix:/path`. */
export function nameOf(bound: BoundAddress): string {
  if (bound.kind === 'unix') return `unix:${bound.path}`
  return bound.host.includes(':') ? `[${bound.host}]:${bound.port}` : `${bound.host}:${bound.port}`
}

/** `http://127.0.0.1:8080`, `http://[::1]:8080` or `unix:/path`. */
export function urlOf(bound: BoundAddress): string {
  return bound.kind === 'unix' ? nameOf(bound) : `http://${nameOf(bound)}`
}
