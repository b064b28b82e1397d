/**
 * The lines that tell upstream servers about a client, for all sessions of a listener.
 * Strategy: from a client that is not trusted everything it claims is replaced, so the lines depend on its
 * address and the host only, and are remembered on the session; a trusted proxy's claims are continued.
 */
import type { Network } from '../base/ip.ts'
import { FORWARDING } from '../http/field-names.ts'
import {
  type ForwardedMode,
  firstClient,
  forwardedLines,
  isTrusted,
  trustedNetworks,
} from '../http/forwarded.ts'
import type { HeaderList } from '../http/header-list.ts'

/** What is remembered of a client between its requests. */
export interface ForwardedMemory {
  readonly client: { readonly address: string }
  forwardedHost: string | null
  forwardedLines: string
}

const CLAIMS = ['Forwarded', 'X-Forwarded-For', 'X-Forwarded-Host', 'X-Forwarded-Proto']

export class ForwardedWriter {
  #mode: ForwardedMode
  #networks: readonly Network[]

  /** Throws Error for a network that cannot be read. */
  constructor(mode: ForwardedMode, trust: readonly string[]) {
    this.#mode = mode
    this.#networks = trustedNetworks(trust)
  }

  /** The lines for a request to this host (as written), in the place of all such fields it came with. */
  linesFor(memory: ForwardedMemory, host: string, headers: HeaderList): string {
    const claims = (headers.mask & FORWARDING) !== 0
    if (claims && this.#networks.length > 0 && isTrusted(memory.client.address, this.#networks))
      return this.#continued(memory.client.address, host, headers)
    if (memory.forwardedHost !== host) {
      memory.forwardedHost = host
      memory.forwardedLines = forwardedLines(this.#mode, facts(memory.client.address, host), null)
    }
    return memory.forwardedLines
  }

  /** The client itself: the peer, or whom trusted proxies name. */
  clientAddress(peer: string, headers: HeaderList): string {
    const claims = (headers.mask & FORWARDING) !== 0
    return claims && this.#networks.length > 0 ? firstClient(peer, headers, this.#networks, this.#mode) : peer
  }

  #continued(address: string, host: string, headers: HeaderList): string {
    if (this.#mode !== 'none') return forwardedLines(this.#mode, facts(address, host), headers)
    // Nothing of our own, but what a trusted proxy said goes on.
    let lines = ''
    for (const name of CLAIMS) for (const value of headers.getAll(name)) lines += `${name}: ${value}\r\n`
    return lines
  }
}

const facts = (address: string, host: string) => ({ address, host, proto: 'http' as const })
