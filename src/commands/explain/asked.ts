/**
 * What is to be explained: words of the command line → the bytes that a client would send.
 * Strategy: nothing is repaired or made better than it was written, because the parser that serves shall say what
 * is wrong with it; only what would make another request of it (a line end) is refused.
 */
import { formatIp, parseIp } from '../../base/ip.ts'
import type { Values } from '../command.ts'

export interface Asked {
  readonly method: string
  readonly target: string
  /** Host and port as the URL names them, or ''. */
  readonly authority: string
  /** The port that the URL means, or null when it names no host. */
  readonly port: number | null
  /** Address of the client. */
  readonly client: string
  /** The whole head, as bytes. */
  readonly head: Buffer
  /** What was assumed. */
  readonly notes: readonly string[]
}

const CLIENT = '127.0.0.1'
const PORTS: Readonly<Record<string, number>> = { http: 80, https: 443 }

/** The request, or everything that is wrong with how it was asked for. */
export function askedFor(values: Values): Asked | { readonly faults: readonly string[] } {
  const url = values.text('URL') ?? ''
  const method = values.text('method') ?? 'GET'
  const lines = values.list('header')
  const client = values.text('client')
  const address = client === null ? CLIENT : addressOf(client)
  const found = readUrl(url)
  const faults = [
    ...(typeof found === 'string' ? [found] : []),
    ...[url, method, ...lines].filter(text => /[\r\n]/.test(text)).map(lineEnd),
    ...lines.filter(line => !line.includes(':')).map(notAField),
    ...(address === null
      ? [`--client: ${JSON.stringify(client)} is not an IP address: write for example "192.0.2.7"`]
      : []),
  ]
  if (typeof found === 'string' || address === null || faults.length > 0) return { faults }
  const { authority, target, port, notes } = found
  const ownHost = lines.some(line => /^host\s*:/i.test(line))
  const fields = ownHost ? lines : [`Host: ${authority}`, ...lines]
  const text = [`${method} ${target} HTTP/1.1`, ...fields, '', ''].join('\r\n')
  return {
    method,
    target,
    authority,
    port,
    client: address,
    head: Buffer.from(text),
    notes: [
      ...notes,
      ...(authority === '' && !ownHost ? ["the URL names no host: -H 'host: NAME' gives one"] : []),
      ...(client === null ? [`the client is taken to be ${CLIENT}: --client IP says otherwise`] : []),
    ],
  }
}

interface Url {
  readonly authority: string
  readonly target: string
  readonly port: number | null
  readonly notes: readonly string[]
}

/** The parts of a URL as they are written, or what is wrong with it. */
function readUrl(url: string): Url | string {
  const match = /^(?:([A-Za-z][A-Za-z0-9+.-]*):\/\/)?([^/?#]*)([^#]*)(#.*)?$/s.exec(url)
  if (url === '*') return { authority: '', target: '*', port: null, notes: [] }
  if (match === null || url === '') return `${JSON.stringify(url)} is not a URL: write http://host/path`
  const [, scheme = '', written, rest, fragment] = match
  const protocol = scheme.toLowerCase()
  if (protocol !== '' && PORTS[protocol] === undefined)
    return `"${url}": ${scheme} is not served: write http://${written}${rest}`
  if (protocol !== '' && written === '')
    return `"${url}" names no host: write ${scheme}://host/path, or /path`
  if (written.includes('@'))
    return `"${url}": clients do not send "${written.split('@')[0]}@" but a field made of it: write -H 'authorization: ...'`
  const authority = asSent(written)
  const port = /:([0-9]+)$/.exec(authority)?.[1]
  const meant = port === undefined ? (PORTS[protocol] ?? null) : Number(port)
  const notes = [
    ...(protocol === 'https'
      ? ['TLS is not served here: explained as the plain request that is inside']
      : []),
    ...(authority === written ? [] : [`clients write ${written} as ${authority}`]),
    ...(fragment === undefined ? [] : [`clients keep "${fragment}" to themselves`]),
  ]
  return { authority, target: rest.startsWith('/') ? rest : `/${rest}`, port: meant, notes }
}

/** A name in other letters goes over the wire in ASCII (RFC 5890). */
function asSent(authority: string): string {
  if (/^[ -~]*$/.test(authority) || !URL.canParse(`http://${authority}`)) return authority
  return new URL(`http://${authority}`).host
}

function addressOf(text: string): string | null {
  const bytes = parseIp(text)
  return bytes === null ? null : formatIp(bytes)
}

const lineEnd = (text: string): string =>
  `${JSON.stringify(text)}: a line end would begin another field: take it out`

const notAField = (line: string): string => `-H: ${JSON.stringify(line)} is not a field: write 'name: value'`
