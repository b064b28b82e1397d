/**
 * Caches that are wrong on purpose: a rule that none of them breaks is a rule that the suite does not see.
 * Strategy: one small proxy with the faults that caches have, each switched on by a fake of its own; a test says that
 * every required case fails with at least one of them.
 */
import net from 'node:net'
import { type Fields, type Head, readContent, readHead, statedEnd } from '../../support/messages.ts'
import { Wire } from '../../support/wire.ts'
import type { Running } from './peers.ts'

export interface Faults {
  /** Whose answers are stored, and given to whom. */
  readonly stores: 'nothing' | 'GET' | 'any method'
  /** What one stored answer is for: its target, all targets of a case, or the first answer for who asked before. */
  readonly key?: 'target' | 'case' | 'first'
  /** A request with no-cache goes on, but what is stored stays. */
  readonly keeps?: boolean
  /** Asks again before the second use, with the wrong precondition, and learns nothing from a 304. */
  readonly validates?: 'once' | 'always'
  readonly passes304?: 'to conditional requests' | 'to all'
  /** Gives what is stored though the origin sent something new. */
  readonly stubborn?: boolean
  /** Says 304 or 412 to any precondition, or only where texts are the same. */
  readonly preconditions?: 'any' | 'same text'
  /** Gives the first ten bytes for any range, or nothing but those that it can read. */
  readonly ranges?: 'any' | 'plain'
  /** An unsafe request, or an answer with Content-Location, empties the store of all of a case. */
  readonly clears?: boolean
  /** Takes the fields of a 304 for all there are. */
  readonly overwrites?: boolean
  /** Gives what is stored, and asks the origin behind the client's back. */
  readonly behind?: boolean
  /** Does not look at Cache-Control of requests. */
  readonly deaf?: boolean
  /** Stores no field. */
  readonly forgets?: boolean
  /** All who ask for one target meanwhile get the same answer, or none but the first gets one. */
  readonly collapses?: 'together' | 'first only'
  /** Fields that it takes out of requests and answers. */
  readonly strips?: readonly string[]
  /** Lines for every answer. */
  readonly adds?: readonly (readonly [string, string])[]
}

interface Message {
  status: number
  lines: (readonly [string, string])[]
  body: string
}

interface Asked {
  readonly method: string
  readonly target: string
  readonly fields: Fields
  readonly body: string
}

const HOP = new Set(['connection', 'content-length', 'transfer-encoding'])

export class FakeCache {
  readonly #faults: Faults
  readonly #originPort: number
  readonly #stored = new Map<string, Message>()
  /** Requests that came before, for who keeps variants apart. */
  readonly #known = new Set<string>()
  readonly #validated = new Set<string>()
  readonly #running = new Map<string, Promise<Message>>()
  readonly #server = net.createServer(
    { noDelay: true, allowHalfOpen: true },
    socket => void this.#serve(socket),
  )

  constructor(faults: Faults, originPort: number) {
    this.#faults = faults
    this.#originPort = originPort
  }

  async start(title: string): Promise<Running> {
    await new Promise<void>(resolve => this.#server.listen(0, '127.0.0.1', resolve))
    const { port } = this.#server.address() as net.AddressInfo
    return { host: '127.0.0.1', port, title, end: async () => void this.#server.close() }
  }

  async #serve(socket: net.Socket): Promise<void> {
    const wire = new Wire(socket)
    wire.recording = false
    try {
      const head = await readHead(wire)
      if (head === null) return wire.end()
      const { body } = await readContent(wire, statedEnd(head.fields) ?? { kind: 'none' })
      const [method, target] = head.startLine.split(' ')
      const asked: Asked = { method, target, fields: head.fields, body: body.toString('latin1') }
      const { status, lines, body: content } = await this.#answer(asked)
      const bare = status === 204 || status === 304
      const fields = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')
      const length = bare ? '' : `Content-Length: ${content.length}\r\n`
      wire.send(
        `HTTP/1.1 ${status} Fake\r\n${fields}${length}\r\n${bare || method === 'HEAD' ? '' : content}`,
      )
      wire.end()
    } catch {
      wire.destroy()
    }
  }

  async #answer(asked: Asked): Promise<Message> {
    const { stores, clears, keeps, validates, behind, deaf, key: kind = 'target' } = this.#faults
    const readable = asked.method === 'GET' || asked.method === 'HEAD'
    if (stores === 'nothing') return this.#shared(asked)
    if (stores === 'GET' && !readable) {
      const answer = await this.#fetch(asked)
      if (clears === true) this.#clear(asked)
      return answer
    }
    const key = this.#keyOf(asked)
    const asking = `${key} ${asked.fields.lines.join()}`
    const stored = kind === 'first' && !this.#known.has(asking) ? undefined : this.#stored.get(key)
    const anew = deaf !== true && /no-cache/.test(asked.fields.all('Cache-Control').join())
    if (stored === undefined || anew) {
      const answer = await this.#fetch(asked)
      if (clears === true && answer.lines.some(([name]) => name === 'Content-Location')) this.#clear(asked)
      this.#known.add(asking)
      if (!((keeps === true || kind === 'first') && this.#stored.has(key))) this.#store(key, answer)
      return answer
    }
    if (validates === 'always' || (validates === 'once' && !this.#validated.has(key)))
      return this.#validate(key, stored, asked)
    if (behind === true) this.#fetch(asked).catch(() => {})
    return this.#reuse(stored, asked)
  }

  #clear({ target }: Asked): void {
    const ofCase = target.split(/[/?]/).slice(0, 3).join('/')
    for (const key of this.#stored.keys()) if (key.includes(ofCase)) this.#stored.delete(key)
  }

  #keyOf({ target, fields }: Asked): string {
    if (this.#faults.key === 'case') return target.split(/[/?]/).slice(0, 3).join('/')
    return `${fields.all('Host').join()}${target}`
  }

  #store(key: string, answer: Message): void {
    const lines = this.#faults.forgets === true ? [] : answer.lines
    this.#stored.set(key, { ...answer, lines })
  }

  async #validate(key: string, stored: Message, asked: Asked): Promise<Message> {
    const { passes304, stubborn = false, keeps = false, overwrites = false } = this.#faults
    const conditional = asked.fields.all('If-None-Match').length > 0
    const wrong = [
      ['If-None-Match', '"wrong"'],
      ['If-Modified-Since', 'Thu, 01 Jan 1970 00:00:00 GMT'],
    ] as const
    const answer = await this.#fetch(asked, wrong)
    this.#validated.add(key)
    if (answer.status === 304) {
      const pass = passes304 === 'to all' || (passes304 === 'to conditional requests' && conditional)
      if (overwrites) this.#store(key, { ...stored, lines: answer.lines })
      return pass ? answer : this.#reuse(stored, asked)
    }
    if (stubborn) return stored
    if (!keeps) this.#store(key, answer)
    return answer
  }

  #reuse(stored: Message, { fields }: Asked): Message {
    const { preconditions, ranges, adds = [] } = this.#faults
    const value = (name: string) => fields.all(name).join()
    const has = (name: string) => fields.all(name).length > 0
    const of = (name: string) => stored.lines.find(([other]) => other === name)?.[1]
    const plainRange = /^bytes=0-9$/.test(value('Range')) && !has('If-Range')
    const ranged = ranges === 'any' ? has('Range') || has('If-Range') : ranges === 'plain' && plainRange
    if (ranged)
      return { status: 206, lines: [['Content-Range', 'bytes 0-9/20']], body: stored.body.slice(0, 10) }
    if (preconditions === 'any' && (has('If-Match') || has('If-Unmodified-Since')))
      return { ...stored, status: 412 }
    const conditional = has('If-None-Match') || has('If-Modified-Since')
    const same =
      (!has('If-None-Match') || value('If-None-Match') === of('ETag')) &&
      (!has('If-Modified-Since') || value('If-Modified-Since') === of('Last-Modified'))
    if ((preconditions === 'any' && conditional) || (preconditions === 'same text' && conditional && same))
      return { status: 304, lines: [], body: '' }
    return { ...stored, lines: [...stored.lines, ...adds] }
  }

  #shared(asked: Asked): Promise<Message> {
    const { collapses } = this.#faults
    if (collapses === undefined) return this.#fetch(asked)
    const running = this.#running.get(asked.target)
    if (running !== undefined)
      return collapses === 'together' ? running : Promise.reject(new Error('one is enough'))
    const fetched = this.#fetch(asked).finally(() => this.#running.delete(asked.target))
    this.#running.set(asked.target, fetched)
    return fetched
  }

  /** Early answers, trailers and what came of a broken body go into the answer. */
  async #fetch(asked: Asked, more: readonly (readonly [string, string])[] = []): Promise<Message> {
    const { strips = [], adds = [] } = this.#faults
    const replaced = new Set([...strips, ...more.map(([name]) => name.toLowerCase())])
    const sent = [...asked.fields.lines.filter(([name]) => !replaced.has(name.toLowerCase())), ...more]
    const socket = net.connect({
      port: this.#originPort,
      host: '127.0.0.1',
      noDelay: true,
      allowHalfOpen: true,
    })
    const wire = new Wire(socket)
    wire.recording = false
    try {
      const lines = sent.map(([name, value]) => `${name}: ${value}\r\n`).join('')
      wire.send(`${asked.method} ${asked.target} HTTP/1.1\r\n${lines}\r\n${asked.body}`)
      const kept: (readonly [string, string])[] = []
      let head: Head | null = null
      do {
        head = await readHead(wire)
        if (head === null) throw new Error('no answer')
        kept.push(
          ...head.fields.lines.filter(
            ([name]) => !HOP.has(name.toLowerCase()) && !strips.includes(name.toLowerCase()),
          ),
        )
      } while (/^HTTP\/1\.1 1/.test(head.startLine))
      const status = Number(head.startLine.split(' ')[1])
      const bare = asked.method === 'HEAD' || status === 204 || status === 304
      const end = bare
        ? ({ kind: 'none' } as const)
        : (statedEnd(head.fields) ?? ({ kind: 'close' } as const))
      const content = await readContent(wire, end).catch(() => null)
      if (content !== null) kept.push(...content.trailers.lines)
      kept.push(...adds)
      return { status, lines: kept, body: content?.body.toString('latin1') ?? '' }
    } finally {
      wire.destroy()
    }
  }
}

const BROKEN = [
  ['Cache-Status', 'fake; ttl=; "'],
  ['Age', 'young'],
] as const

/** Each with what is wrong with it; the first ones break the most. */
export const FAKES: Readonly<Record<string, Faults>> = {
  'keeps everything for ever': { stores: 'GET', deaf: true },
  'keeps everything, whatever the method': { stores: 'any method' },
  'knows one answer for all targets': { stores: 'GET', key: 'case' },
  'keeps the first answer': { stores: 'GET', keeps: true },
  'gives the first answer to who asked before': { stores: 'GET', key: 'first' },
  'forgets fields': { stores: 'GET', forgets: true },
  'learns nothing from 304': { stores: 'GET', validates: 'once' },
  'keeps what has been replaced': { stores: 'GET', validates: 'once', keeps: true },
  'takes a 304 for the head of an answer': { stores: 'GET', validates: 'once', overwrites: true },
  'asks behind the back and tells no age': { stores: 'GET', behind: true, forgets: true },
  'passes 304 to everybody': { stores: 'GET', validates: 'always', passes304: 'to all' },
  'passes 304 to who has another entity tag': {
    stores: 'GET',
    validates: 'always',
    passes304: 'to conditional requests',
  },
  'does not take what is new': { stores: 'GET', validates: 'always', stubborn: true },
  'takes every precondition for fulfilled': { stores: 'GET', preconditions: 'any', ranges: 'plain' },
  'compares preconditions as texts': { stores: 'GET', preconditions: 'same text', ranges: 'plain' },
  'gives the first ten bytes for any range': { stores: 'GET', preconditions: 'same text', ranges: 'any' },
  'empties the store': { stores: 'GET', clears: true },
  'gives one answer to all who ask meanwhile': { stores: 'nothing', collapses: 'together' },
  'lets down who asks meanwhile': { stores: 'nothing', collapses: 'first only' },
  'takes fields out': {
    stores: 'GET',
    strips: ['cache-control', 'if-none-match', 'if-match', 'if-unmodified-since', 'range', 'age'],
  },
  'says something broken': { stores: 'GET', adds: BROKEN },
  'validates and says something broken': { stores: 'GET', validates: 'once', adds: BROKEN },
}

/** Has no cache at all: what is optional fails with it. */
export const PASS_THROUGH: Faults = { stores: 'nothing' }
