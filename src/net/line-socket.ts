/**
 * One line asked, one line answered, over a unix socket: how one process of this program asks another.
 * Strategy: the asker is not trusted to be one of ours: it has little room, little time and few places, and whatever is
 * not one line is answered by the end of the connection.
 */
import net from 'node:net'
import { removeStaleSocket } from './stale-socket.ts'

/** Askers at once; more are turned away. */
const ASKERS_MAX = 8
/** Bytes of a question, with its line end. */
const QUESTION_BYTES_MAX = 16_384
/** From connecting until the answer is taken. */
const ASKER_TIMEOUT_MS = 2_000

/** Null: this is no question; the connection is ended without an answer. */
export type AnswerLine = (question: string) => Promise<string | null>

export class LineServer {
  readonly path: string
  #server: net.Server
  #askers = new Set<net.Socket>()

  private constructor(path: string, answer: AnswerLine) {
    this.path = path
    this.#server = net.createServer({ allowHalfOpen: true }, asker => this.#hear(asker, answer))
    this.#server.maxConnections = ASKERS_MAX
  }

  /** Null when another process answers at this path; rejects with the system's error. */
  static async listen(path: string, answer: AnswerLine): Promise<LineServer | null> {
    await removeStaleSocket(path)
    const made = new LineServer(path, answer)
    try {
      await new Promise<void>((resolve, reject) => {
        made.#server.once('error', reject)
        made.#server.listen(path, resolve)
      })
    } catch (error) {
      made.close()
      if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return null
      throw error
    }
    // Out of file descriptors, for example: whoever asked asks again.
    made.#server.on('error', () => {})
    return made
  }

  /** Removes the file too. */
  close(): void {
    this.#server.close()
    for (const asker of this.#askers) asker.destroy()
  }

  #hear(asker: net.Socket, answer: AnswerLine): void {
    this.#askers.add(asker)
    const timer = setTimeout(() => asker.destroy(), ASKER_TIMEOUT_MS)
    let question = ''
    asker.on('error', () => {})
    asker.on('close', () => {
      clearTimeout(timer)
      this.#askers.delete(asker)
    })
    asker.on('end', () => {
      if (!question.endsWith('\n')) asker.destroy()
    })
    asker.on('data', chunk => {
      const before = question
      question += chunk.toString('latin1')
      const end = question.indexOf('\n')
      const tooMuch = question.length > QUESTION_BYTES_MAX || before.endsWith('\n')
      if (tooMuch || (end !== -1 && end !== question.length - 1)) asker.destroy()
      else if (end !== -1) void reply(asker, answer(question.slice(0, -1)))
    })
  }
}

async function reply(asker: net.Socket, answer: Promise<string | null>): Promise<void> {
  const line = await answer
  if (line === null) asker.destroy()
  else asker.end(`${line}\n`)
}

/** Nobody: there is no such socket, or nobody behind it. Silent: no whole line within the limits. */
export type Answered = { readonly line: string } | 'nobody' | 'silent'

export function askLine(
  path: string,
  question: string,
  limits: { readonly timeoutMs: number; readonly bytesMax: number },
): Promise<Answered> {
  return new Promise(resolve => {
    const chunks: Buffer[] = []
    let bytes = 0
    const socket = net.connect({ path })
    const timer = setTimeout(() => done('silent'), limits.timeoutMs)
    const done = (answered: Answered): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(answered)
    }
    socket.on('connect', () => socket.write(`${question}\n`))
    socket.on('error', (error: NodeJS.ErrnoException) =>
      done(error.code === 'ENOENT' || error.code === 'ECONNREFUSED' ? 'nobody' : 'silent'),
    )
    socket.on('data', chunk => {
      chunks.push(chunk)
      bytes += chunk.length
      if (bytes > limits.bytesMax) done('silent')
      else if (chunk.at(-1) === 0x0a) done({ line: Buffer.concat(chunks).toString().slice(0, -1) })
    })
    socket.on('end', () => done('silent'))
  })
}
