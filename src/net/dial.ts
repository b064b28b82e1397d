/**
 * Opens a connection to one address.
 */
import net from 'node:net'
import { type ErrorCode, ProxyError } from '../base/errors.ts'
import { guarded } from './bugs.ts'
import { type Connection, type ConnectionUser, SocketConnection } from './connection.ts'

export type DialTarget = { readonly host: string; readonly port: number } | { readonly path: string }

/** Opens a connection; `done` is called exactly once unless `cancel` of the returned handle comes first. */
export type Dial = (target: DialTarget, done: DialDone) => Dialling
export type DialDone = (error: ProxyError | null, connection: Connection | null) => void
export interface Dialling {
  cancel(): void
}

/** System error → code of the table. Everything else is connect_failed. */
const CODES: Readonly<Record<string, ErrorCode>> = {
  ECONNREFUSED: 'connect_refused',
  ENOENT: 'connect_refused',
  ENETUNREACH: 'connect_unreachable',
  EHOSTUNREACH: 'connect_unreachable',
  EADDRNOTAVAIL: 'connect_unreachable',
  ETIMEDOUT: 'connect_timeout',
}

export const dial: Dial = (target, done) => {
  const connection = new SocketConnection(
    onread =>
      net.connect({ ...target, allowHalfOpen: true, noDelay: true, onread } as net.NetConnectOpts, () => {
        if (!settled) {
          settled = true
          guarded(() => done(null, connection))
        }
      }),
    true,
  )
  let settled = false
  const user: ConnectionUser = {
    bytes() {},
    ended() {},
    drained() {},
    closed(error) {
      if (settled) return
      settled = true
      done(dialError(target, error), null)
    },
  }
  connection.user = user
  return {
    cancel() {
      settled = true
      connection.destroy()
    },
  }
}

function dialError(target: DialTarget, error: NodeJS.ErrnoException | null): ProxyError {
  const place = 'path' in target ? target.path : `${target.host} port ${target.port}`
  const code = error?.code ?? 'closed'
  return new ProxyError(CODES[code] ?? 'connect_failed', `${place}: ${code}.`)
}
