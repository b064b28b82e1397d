/**
 * What a case of the suite is: data, read from top to bottom. A client asks step by step, an origin behind the cache
 * answers as the step says, and each step says what has to come out.
 * Strategy: fields are written as lines, so that a case can repeat, fold and break them; times are written relative to
 * now, in braces, so that a response is stale the moment it is sent and nobody has to wait.
 *
 * In texts: `{n}` (which of the requests that a step sends at once, from 1), `{now}`, `{now-60}`, `{now+3600 asctime}` (formats: imf, rfc850, asctime, and those of `dates.ts`),
 * `{path}` (path of the case), `{authority}` (host and port of the proxy as the client writes them).
 */

export type Lines = string | readonly string[]

/** Required: MUST, MUST NOT or a plain "cannot". Optional: SHOULD, MAY, and what makes a cache worth having. */
export type Kind = 'required' | 'optional'

export interface Request {
  readonly method?: string
  /** Behind the path of the case: `/part` or `?query`. */
  readonly suffix?: string
  readonly fields?: Lines
  readonly body?: string
}

/** What the origin answers. */
export interface Answer {
  readonly status?: number
  readonly fields?: Lines
  /** Unless told otherwise: a text that no other step has. */
  readonly body?: string
  /** Unless told otherwise, Content-Length. */
  readonly framing?: 'chunked' | 'close'
  /** Without a Date of the origin's own. */
  readonly undated?: boolean
  /** Field lines of 1xx answers before it, with their status: `103 Link: …`. */
  readonly early?: Lines
  /** Sent behind a chunked body. */
  readonly trailers?: Lines
  /** The connection breaks after so many bytes of the body. */
  readonly cutAfter?: number
  /** The connection ends without an answer. */
  readonly dropped?: boolean
  /** Waits before it answers; for ages and for requests that meet. */
  readonly delayMs?: number
  /** A Range of the request is obeyed: 206 with this answer's fields. */
  readonly ranges?: boolean
  /** In the place of all this when the request has If-None-Match or If-Modified-Since. */
  readonly conditional?: Answer
}

/** Text: exactly this; null: no such field; two numbers: an integer from the first to the second. */
export type FieldCheck = string | RegExp | null | readonly [number, number]

/**
 * Where an answer has to come from. cache: nobody asked the origin. origin: what the origin answers in this step.
 * validation: the origin said 304, and the client gets what was stored. background: from the cache, and the origin is
 * asked behind the client's back. proxy: made by the proxy itself, nobody asked the origin.
 * any: wherever from. anything: an answer that breaks off is right too.
 */
export type From = 'cache' | 'origin' | 'validation' | 'background' | 'proxy' | 'any' | 'anything'

export interface Expect {
  readonly from: From
  /** The rule is that the stored response is used; see `play`. */
  readonly demanded?: boolean
  /** One, or one of several. */
  readonly status?: number | readonly number[]
  /** The step whose body it has; by default that of the first step for cache and validation, its own for origin. */
  readonly bodyOf?: number
  readonly body?: string | RegExp
  readonly fields?: Readonly<Record<string, FieldCheck>>
  readonly trailers?: Readonly<Record<string, FieldCheck>>
  /** What the origin's first request of this step has to look like. */
  readonly asked?: Readonly<Record<string, FieldCheck>>
  readonly askedMethod?: string
  /** How many requests the origin may have got in this step. */
  readonly askedTimes?: readonly [number, number]
}

export interface Step {
  readonly request: Request
  readonly answer: Answer
  readonly expect: Expect
  /** Before the request; only where no Age and no Date can make time pass. */
  readonly waitMs?: number
  /** After it. */
  readonly restMs?: number
  /** So many requests at once; every one of them has to come out as expected. */
  readonly times?: number
  /** What is said here is the rule too; otherwise only the last step is, and those before it lead there. */
  readonly rule?: boolean
}

export interface Case {
  readonly name: string
  /** `RFC 9111 §3.5`. */
  readonly clause: string
  readonly kind: Kind
  readonly steps: readonly Step[]
}

export interface Group {
  readonly name: string
  readonly cases: readonly Case[]
}

/** Fresh for an hour: what an answer says when its freshness is not the subject. */
export const FRESH = 'Cache-Control: max-age=3600'
/**
 * Stale on arrival. Caches that do not look at Age keep it as fresh, and some do not store it at all: where staleness
 * is what a group is about, `lapsed` makes it in a way that every cache knows.
 */
export const STALE = ['Cache-Control: max-age=10', 'Age: 60'] as const

export const required = (name: string, clause: string, ...steps: readonly Step[]): Case => ({
  name,
  clause: clauseOf(clause),
  kind: 'required',
  steps,
})
export const optional = (name: string, clause: string, ...steps: readonly Step[]): Case => ({
  ...required(name, clause, ...steps),
  kind: 'optional',
})

/** `§4.2` is of RFC 9111; others say their number. */
function clauseOf(text: string): string {
  return text.startsWith('§') ? `RFC 9111 ${text}` : `RFC ${text}`
}

/** Whatever comes, and if nothing whole comes. */
export const ANYTHING: Expect = { from: 'anything' }

const isLines = (value: Lines | object): value is Lines => typeof value === 'string' || Array.isArray(value)
const asAnswer = (answer: Answer | Lines): Answer => (isLines(answer) ? { fields: answer } : answer)
const asRequest = (request: Request | Lines): Request => (isLines(request) ? { fields: request } : request)

/** A request that the origin answers so. */
export function first(answer: Answer | Lines, request: Request | Lines = {}): Step {
  return { request: asRequest(request), answer: asAnswer(answer), expect: { from: 'origin' } }
}

/** For answers that `lapsed` begins with. */
export const SOON = 'Cache-Control: max-age=1'

/** An answer that is fresh for a second, and two that go by. */
export function lapsed(answer: Answer | Lines, request: Request | Lines = {}): Step {
  return { ...first(answer, request), restMs: 2100 }
}

/** The next one: where its answer has to come from. What the origin would say is fresh and differs. */
export function then(
  expect: From | Expect,
  request: Request | Lines = {},
  answer: Answer | Lines = FRESH,
): Step {
  return {
    request: asRequest(request),
    answer: asAnswer(answer),
    expect: typeof expect === 'string' ? { from: expect } : expect,
  }
}

/** The origin says 304 with these fields to whoever asks with a precondition, else something new. */
export function unchanged(fields: Lines = FRESH, whole: Answer | Lines = FRESH): Answer {
  return { ...asAnswer(whole), conditional: { status: 304, fields } }
}

/** After such an answer the same request goes to the origin again. */
export function refused(
  name: string,
  clause: string,
  answer: Answer | Lines,
  request: Request | Lines = {},
): Case {
  return required(name, clause, first(answer, request), then('origin', request))
}

/** After such an answer the same request is answered by the cache. */
export function kept(
  name: string,
  clause: string,
  answer: Answer | Lines,
  request: Request | Lines = {},
): Case {
  const status = asAnswer(answer).status
  const expect: Expect = status === undefined ? { from: 'cache' } : { from: 'cache', status }
  return optional(name, clause, first(answer, request), then(expect, request))
}

/** The same as `refused`, where the standard does not demand it. */
export const shunned = (...of: Parameters<typeof refused>): Case => ({ ...refused(...of), kind: 'optional' })
