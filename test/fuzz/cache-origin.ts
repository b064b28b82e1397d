/**
 * One connection of the origin behind a cache: it reads requests and answers as it likes, whole, slowly or not.
 */
import type { Peer } from '../support/playbook.ts'
import type { Traffic } from './cache-fuzz.ts'
import { readHead } from './cache-wire.ts'
import {
  type Answered,
  contentOf,
  controlFields,
  etagOf,
  type Fields,
  kindOf,
  lastModifiedOf,
} from './cache-world.ts'
import type { Random } from './random.ts'

interface Got {
  readonly method: string
  readonly path: string
  readonly fields: Fields
}

const TROUBLES: readonly number[] = [500, 502, 503, 504]

export class OriginConnection {
  readonly #peer: Peer
  #text = ''
  #got: Got | null = null
  /** What has still to be sent of an answer. */
  #rest: { answer: Answered; text: string } | null = null
  #gone = false

  constructor(peer: Peer) {
    this.#peer = peer
  }

  get isBusy(): boolean {
    return this.#rest !== null || this.#got !== null
  }

  /** `kindly`: it does what is asked for, and all of it. */
  acts(traffic: Traffic, kindly: boolean): void {
    if (this.#gone || this.#peer.connection.closed) {
      this.#gone = true
      this.#got = null
      this.#rest = null
      return
    }
    if (this.#rest !== null) this.#goesOn(traffic, kindly)
    else if (this.#got !== null) this.#answers(traffic, this.#got, kindly)
  }

  /** What has come, when it comes. */
  reads(): void {
    this.#text += this.#peer.takes()
    const head = readHead(this.#text)
    if (this.#got !== null || head === null) return
    const length = Number(head.fields.get('content-length') ?? 0)
    if (head.rest.length < length) return
    this.#text = head.rest.slice(length)
    const [method, path] = head.line.split(' ')
    this.#got = { method, path, fields: head.fields }
  }

  #goesOn({ random, step }: Traffic, kindly: boolean): void {
    const { answer, text } = this.#rest as { answer: Answered; text: string }
    if (!kindly && random.once(6)) {
      answer.cutStep = step
      this.#leaves()
      return
    }
    const bytes = kindly ? text.length : 1 + random.below(text.length)
    this.#rest = bytes === text.length ? null : { answer, text: text.slice(bytes) }
    this.#peer.sends(text.slice(0, bytes))
  }

  #leaves(): void {
    this.#rest = null
    this.#got = null
    this.#gone = true
    this.#peer.leaves()
  }

  #answers(traffic: Traffic, got: Got, kindly: boolean): void {
    const { random, world, step, clock } = traffic
    const event = { path: got.path, step, ms: clock.nowMs }
    this.#got = null
    if (!kindly && random.once(25)) {
      world.troubles.push({ ...event, down: true })
      this.#leaves()
      return
    }
    if (got.method !== 'GET' && got.method !== 'HEAD') {
      this.#changes(traffic, got)
      return
    }
    const version = traffic.versions.get(got.path) as number
    const id = world.answers.size
    const { status, fields, content, body } = answerTo(random, got, version, id, clock.nowMs)
    if (TROUBLES.includes(status)) world.troubles.push({ ...event, down: false })
    const { method, path, fields: request } = got
    const forId = Number(request.get('x-r'))
    const answer: Answered = {
      ...{ id, forId, method, path, request, status, fields, content },
      // The cache may have asked before in vain: it counts from its first attempt, and may.
      ...{ requestedMs: traffic.askedMs[forId], headMs: clock.nowMs, headStep: step, cutStep: null },
    }
    world.answers.set(id, answer)
    const lines = [...fields].map(([name, value]) => `${name}: ${value}\r\n`).join('')
    const silent = method === 'HEAD' || status === 304 || status === 204
    const chunked = !silent && random.once(4)
    const framing =
      status === 304 || status === 204
        ? ''
        : chunked
          ? 'Transfer-Encoding: chunked\r\n'
          : `Content-Length: ${body.length}\r\n`
    const head = `HTTP/1.1 ${status} X\r\n${lines}${framing}\r\n`
    const sent = silent ? '' : chunked ? chunks(body) : body
    const now = kindly || random.once(2) ? sent.length : random.below(sent.length + 1)
    this.#rest = now === sent.length ? null : { answer, text: sent.slice(now) }
    this.#peer.sends(head + sent.slice(0, now))
  }

  /** An unsafe request. */
  #changes(traffic: Traffic, { path }: Got): void {
    const { random, world, step, clock } = traffic
    const status = random.of([200, 201, 204, 303, 404, 500])
    const other = random.of(['/plain', '/vary'])
    const where = random.of(['', '', `Location: ${other}\r\n`, `Content-Location: http://shop${other}\r\n`])
    if (status < 400) {
      traffic.versions.set(path, (traffic.versions.get(path) as number) + 1)
      for (const each of where === '' ? [path] : [path, other])
        world.invalidations.push({ path: each, step, ms: clock.nowMs })
    }
    const id = world.answers.size
    const framing = status === 204 ? '' : 'Content-Length: 2\r\n'
    world.answers.set(id, {
      ...{
        id,
        forId: -1,
        method: 'POST',
        path,
        request: new Map(),
        status,
        fields: new Map(),
        content: 'ok',
      },
      ...{ requestedMs: clock.nowMs, headMs: clock.nowMs, headStep: step, cutStep: null },
    })
    this.#peer.sends(
      `HTTP/1.1 ${status} X\r\n${where}X-Unsafe: ${id}\r\n${framing}\r\n${status === 204 ? '' : 'ok'}`,
    )
  }
}

interface Made {
  readonly status: number
  readonly fields: Fields
  /** Of the whole, and what of it is sent. */
  readonly content: string
  readonly body: string
}

function answerTo(
  random: Random,
  { method, path, fields: request }: Got,
  version: number,
  id: number,
  nowMs: number,
): Made {
  const { varies, validators } = kindOf(path)
  const language = varies ? (request.get('accept-language') ?? '') : ''
  if (random.once(10)) {
    const status = random.of([404, 404, 410, 302, ...TROUBLES])
    const fields = controlFields(random, id, nowMs, false)
    if (method === 'GET') fields.set('x-n', String(id))
    if (varies) fields.set('vary', 'Accept-Language')
    const text = `${status} of ${path}`
    return { status, fields, content: text, body: text }
  }
  const etag = etagOf(path, version, language)
  const known = request.get('if-none-match')
  const same =
    known === undefined
      ? request.get('if-modified-since') === lastModifiedOf(version) &&
        validators !== 'none' &&
        validators !== 'etag'
      : known.includes(etag) && (validators === 'both' || validators === 'etag')
  const confirms = same && !random.once(8)
  const fields = controlFields(random, id, nowMs, confirms)
  if (validators === 'both' || validators === 'etag') fields.set('etag', etag)
  if (validators === 'both' || validators === 'date') fields.set('last-modified', lastModifiedOf(version))
  if (varies) fields.set('vary', random.once(15) ? '*' : 'Accept-Language')
  const content = contentOf(path, version, language)
  if (confirms) return { status: 304, fields, content, body: '' }
  // What HEAD says may be put on stored content, and does not tell where that is from.
  if (method === 'GET') fields.set('x-n', String(id))
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.get('range') ?? '')
  if (range === null || request.has('if-range') || random.once(4))
    return { status: 200, fields, content, body: content }
  const first = Number(range[1])
  if (first >= content.length) {
    fields.set('content-range', `bytes */${content.length}`)
    return { status: 416, fields, content: 'none', body: 'none' }
  }
  const last = Math.min(content.length - 1, range[2] === '' ? content.length : Number(range[2]))
  fields.set('content-range', `bytes ${first}-${last}/${content.length}`)
  return { status: 206, fields, content, body: content.slice(first, last + 1) }
}

function chunks(body: string): string {
  const half = body.length >> 1
  const parts = [body.slice(0, half), body.slice(half)].filter(part => part !== '')
  return `${parts.map(part => `${part.length.toString(16)}\r\n${part}\r\n`).join('')}0\r\n\r\n`
}
