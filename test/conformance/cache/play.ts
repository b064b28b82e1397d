/**
 * Plays one case against a proxy, and says how it came out.
 * Strategy: each request has a connection of its own, so that cases run side by side and no pool hides a fault. The
 * origin lives in this process: whether it was asked needs no guess.
 */
import net from 'node:net'
import { type Fields, type Head, readContent, readHead, statedEnd } from '../../support/messages.ts'
import { within } from '../../support/wait.ts'
import { Wire } from '../../support/wire.ts'
import type { Case, Expect, FieldCheck, Step } from './case.ts'
import type { Asked, CaseOrigin, Playing } from './origin.ts'
import { fill, linesOf } from './texts.ts'

/**
 * pass, fail; unproven: the proxy did not get to the point where the rule applies, because it did not store what the
 * case builds on.
 */
export type Verdict = 'pass' | 'fail' | 'unproven'

export interface Outcome {
  readonly case: Case
  readonly verdict: Verdict
  /** What was seen in the place of what was expected; '' for a pass. */
  readonly seen: string
  /** There was no whole answer. */
  readonly broken: boolean
}

/** Where the proxy is asked. */
export interface Subject {
  readonly host: string
  readonly port: number
}

export interface Answered {
  readonly status: number
  readonly fields: Fields
  readonly body: string
  readonly trailers: Fields
}

/** How long a request to the origin behind the client's back may take to begin. */
const BACKGROUND_MS = 3000

export async function play(one: Case, path: string, subject: Subject, origin: CaseOrigin): Promise<Outcome> {
  const authority = `${subject.host}:${subject.port}`
  const bodies = one.steps.map(({ answer }, index) => answer.body ?? bodyOf(path, index))
  const playing: Playing = { path, authority, bodies, index: 0, answer: {}, asked: [], onAsked: null }
  origin.playing.set(path, playing)
  try {
    for (const [index, step] of one.steps.entries()) {
      const fault = await playStep(step, index, playing, subject)
      if (fault === null) continue
      const leads = index < one.steps.length - 1 && step.rule !== true
      // A required rule never demands that a stored response is used: who stores less proves nothing.
      const unused = fault.about === 'from' && one.kind === 'required' && isFromStore(step.expect)
      const verdict = leads || unused ? 'unproven' : 'fail'
      return {
        case: one,
        verdict,
        seen: `request ${index + 1}: ${fault.words}`,
        broken: fault.about === 'broken',
      }
    }
    return { case: one, verdict: 'pass', seen: '', broken: false }
  } catch (error) {
    return { case: one, verdict: 'fail', seen: (error as Error).message, broken: false }
  } finally {
    origin.playing.delete(path)
  }
}

interface Fault {
  readonly about: 'from' | 'rest' | 'broken'
  readonly words: string
}

const isFromStore = ({ from, demanded = false }: Expect): boolean =>
  !demanded && (from === 'cache' || from === 'validation' || from === 'background')
/** Long enough that a range of it is no accident. */
const bodyOf = (path: string, index: number): string =>
  `answer ${index + 1} of ${path} `.padEnd(100, '0123456789')

async function playStep(
  step: Step,
  index: number,
  playing: Playing,
  subject: Subject,
): Promise<Fault | null> {
  if (step.waitMs !== undefined) await new Promise(resolve => setTimeout(resolve, step.waitMs))
  playing.answer = step.answer
  playing.index = index
  playing.asked = []
  const behind = Promise.withResolvers<void>()
  playing.onAsked = behind.resolve
  const requests = Array.from({ length: step.times ?? 1 }, (_, place) =>
    ask(step, playing, subject, place + 1),
  )
  const answers = await Promise.all(requests)
  if (step.expect.from === 'background')
    await within(behind.promise, 'a request behind the back', BACKGROUND_MS).catch(() => {})
  for (const answer of answers) {
    const fault = judge(step, answer, playing)
    if (fault !== null) return fault
  }
  if (step.restMs !== undefined) await new Promise(resolve => setTimeout(resolve, step.restMs))
  return null
}

/** Null when the connection ended without a whole answer. */
async function ask(
  { request }: Step,
  playing: Playing,
  { host, port }: Subject,
  number: number,
): Promise<Answered | null> {
  const { method = 'GET', suffix = '', body } = request
  const lines = linesOf(request.fields).map(line => fill(line, playing).replace('{n}', String(number)))
  if (!lines.some(line => /^host:/i.test(line))) lines.unshift(`Host: ${playing.authority}`)
  if (body !== undefined) lines.push(`Content-Length: ${body.length}`)
  lines.push('Connection: close')
  const socket = net.connect({ host, port, noDelay: true, allowHalfOpen: true })
  const wire = new Wire(socket)
  wire.recording = false
  try {
    wire.send(
      `${method} ${playing.path}${fill(suffix, playing)} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${body ?? ''}`,
    )
    let head: Head | null = null
    do head = await readHead(wire)
    while (head !== null && /^HTTP\/1\.1 1\d\d/.test(head.startLine))
    if (head === null) return null
    const status = Number(head.startLine.split(' ')[1])
    const bare = method === 'HEAD' || status === 204 || status === 304
    const end = bare ? ({ kind: 'none' } as const) : (statedEnd(head.fields) ?? ({ kind: 'close' } as const))
    const content = await readContent(wire, end).catch(() => null)
    if (content === null) return null
    return { status, fields: head.fields, body: content.body.toString('latin1'), trailers: content.trailers }
  } finally {
    wire.destroy()
  }
}

/** Whether the proxy gives an answer at all. */
export function answers({ host, port }: Subject): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = net.connect({ host, port }, () => {
    socket.write(`GET /nothing/here HTTP/1.1\r\nHost: ${host}:${port}\r\nConnection: close\r\n\r\n`)
  })
  socket.once('data', () => resolve(true))
  socket.once('error', () => resolve(false))
  socket.once('close', () => resolve(false))
  return promise.finally(() => socket.destroy())
}

/** What is wrong with an answer, or null. */
function judge(step: Step, answer: Answered | null, playing: Playing): Fault | null {
  const { expect, request } = step
  const { asked } = playing
  const [least, most] = expect.askedTimes ?? [0, Number.POSITIVE_INFINITY]
  if (expect.from === 'anything') return null
  if (answer === null) return { about: 'broken', words: 'the connection ended without a whole answer' }
  const from = fromFault(expect, answer, playing)
  if (from !== '') return { about: 'from', words: from }
  const words =
    statusFault(expect, answer, step) ||
    (request.method === 'HEAD' ? '' : bodyFault(expect, answer, playing)) ||
    fieldsFault('the answer', answer.fields, expect.fields, playing) ||
    fieldsFault('the trailers', answer.trailers, expect.trailers, playing) ||
    (asked.length < least || asked.length > most ? `the origin was asked ${asked.length} times` : '') ||
    (asked.length > 0 ? askedFault(expect, asked[0], playing) : '')
  return words === '' ? null : { about: 'rest', words }
}

function fromFault(
  { from, bodyOf: of }: Expect,
  answer: Answered,
  { asked, bodies, index }: Playing,
): string {
  const got = `${answer.status}, the origin was asked ${asked.length} times`
  if ((from === 'cache' || from === 'proxy') && asked.length > 0) return `not from the ${from}: ${got}`
  if (from === 'origin' && asked.length === 0) return `not from the origin: ${got}`
  if (from !== 'validation' && from !== 'background') return ''
  if (asked.length === 0) return `the origin was not asked: ${got}`
  if (of !== index && answer.body !== '' && answer.body === bodies[index]) return `not from the store: ${got}`
  const { fields } = asked[0]
  const conditional = fields.all('If-None-Match').length + fields.all('If-Modified-Since').length > 0
  return conditional || from === 'background' ? '' : `the request to the origin has no precondition: ${got}`
}

function statusFault({ status, from }: Expect, answer: Answered, step: Step): string {
  const usual = from === 'origin' ? (step.answer.status ?? 200) : from === 'any' ? answer.status : 200
  const wanted = [status ?? usual].flat()
  return wanted.includes(answer.status) ? '' : `status ${answer.status} and not ${wanted.join(' or ')}`
}

function bodyFault({ from, body, bodyOf: of }: Expect, answer: Answered, { bodies, index }: Playing): string {
  if (body instanceof RegExp)
    return body.test(answer.body) ? '' : `the body is ${JSON.stringify(answer.body)} and not ${body}`
  const bare = answer.status === 204 || answer.status === 304
  if (bare || (body === undefined && of === undefined && (from === 'any' || from === 'proxy'))) return ''
  const wanted = body ?? bodies[of ?? (from === 'origin' ? index : 0)]
  return answer.body === wanted
    ? ''
    : `the body is ${JSON.stringify(answer.body)} and not ${JSON.stringify(wanted)}`
}

function askedFault({ asked, askedMethod }: Expect, seen: Asked, playing: Playing): string {
  if (askedMethod !== undefined && seen.method !== askedMethod)
    return `the origin was asked with ${seen.method}`
  return fieldsFault('the request to the origin', seen.fields, asked, playing)
}

type Checks = Readonly<Record<string, FieldCheck>>

function fieldsFault(where: string, fields: Fields, checks: Checks | undefined, playing: Playing): string {
  for (const [name, check] of Object.entries(checks ?? {})) {
    const values = fields.all(name)
    const value = values.length === 0 ? null : values.join(', ')
    if (!holds(check, value, playing))
      return `${where} has ${name}: ${value ?? 'not at all'}, and not ${told(check)}`
  }
  return ''
}

function holds(check: FieldCheck, value: string | null, playing: Playing): boolean {
  if (check === null || value === null) return check === value
  if (typeof check === 'string') return fill(check, playing) === value
  if (check instanceof RegExp) return check.test(value)
  return /^\d+$/.test(value) && Number(value) >= check[0] && Number(value) <= check[1]
}

function told(check: FieldCheck): string {
  if (check === null) return 'none'
  return typeof check === 'string' || check instanceof RegExp ? String(check) : `${check[0]} to ${check[1]}`
}
