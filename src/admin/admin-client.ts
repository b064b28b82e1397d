/**
 * Asks the admin endpoint of a running program.
 * Strategy: what comes back is data of this or another version: who prints it shows what is there. Every way in which
 * nobody answers has words that say what to do.
 */
import http from 'node:http'
import { nameOf } from '../net/bound-address.ts'
import type { ListenAddress } from '../server/options.ts'

/** Where it is asked when nobody says where. */
export const ADMIN_ADDRESS: ListenAddress = { kind: 'tcp', host: '127.0.0.1', port: 8079 }

/** A purge may have to look at a million entries. */
const ANSWER_TIMEOUT_MS = 15_000
const ANSWER_BYTES_MAX = 64 * 1024 * 1024

export interface AdminQuestion {
  /** Path and query. */
  readonly path: string
  /** Sent with POST; null: GET. */
  readonly body: object | null
}

/** Resolves with what was answered; rejects with an Error for people: nobody is there, or it says what is wrong. */
export async function askAdmin(address: ListenAddress, question: AdminQuestion): Promise<unknown> {
  const { status, text } = await exchange(address, question)
  let answer: unknown
  try {
    answer = JSON.parse(text)
  } catch {
    throw new Error(`what answers at ${nameOf(address)} is no admin endpoint of sluice (status ${status})`)
  }
  if (status === 200) return answer
  const { error = `status ${status}` } = (answer ?? {}) as { error?: unknown }
  throw new Error(String(error))
}

function exchange(
  address: ListenAddress,
  { path, body }: AdminQuestion,
): Promise<{ status: number; text: string }> {
  const where =
    address.kind === 'unix' ? { socketPath: address.path } : { host: address.host, port: address.port }
  const content = body === null ? '' : JSON.stringify(body)
  return new Promise((resolve, reject) => {
    const request = http.request({
      ...where,
      path,
      method: body === null ? 'GET' : 'POST',
      agent: false,
      headers: {
        Host: address.kind === 'unix' ? 'localhost' : nameOf(address),
        ...(body === null
          ? {}
          : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(content) }),
      },
    })
    const fail = (error: NodeJS.ErrnoException) => {
      clearTimeout(timer)
      request.destroy()
      reject(new Error(reasonOf(error, nameOf(address))))
    }
    const timer = setTimeout(
      () => fail(new Error(`it gives no answer within ${ANSWER_TIMEOUT_MS / 1000} s`)),
      ANSWER_TIMEOUT_MS,
    )
    request.on('error', fail)
    request.on('response', response => {
      const chunks: Buffer[] = []
      let bytes = 0
      response.on('error', fail)
      response.on('data', chunk => {
        chunks.push(chunk)
        bytes += chunk.length
        if (bytes > ANSWER_BYTES_MAX) fail(new Error(`its answer is longer than ${ANSWER_BYTES_MAX} bytes`))
      })
      response.on('end', () => {
        clearTimeout(timer)
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() })
      })
    })
    request.end(content)
  })
}

function reasonOf({ code, message }: NodeJS.ErrnoException, name: string): string {
  if (code === 'ECONNREFUSED' || code === 'ENOENT')
    return `nobody answers at ${name}: start sluice with --admin ${name}, or write admin: '${name}' into its config; --admin ADDR asks elsewhere`
  if (code === 'EACCES') return `${name} belongs to another user: ask as the one who runs sluice`
  return `${name}: ${message}`
}
