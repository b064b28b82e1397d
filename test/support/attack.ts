/**
 * Sends an attack through a proxy and gathers what both sides saw.
 */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { answer, type Script, type ScriptedOrigin, startOrigin } from './origin.ts'
import { type ProxyOptions, startProxy, type TestProxy } from './proxy.ts'
import { connect, type RawAnswer } from './raw-client.ts'
import type { Ending } from './wire.ts'

export interface Outcome {
  /** Every answer the attacker read until the proxy ended the connection. */
  readonly answers: readonly RawAnswer[]
  readonly statuses: readonly number[]
  readonly ending: Ending | null
  /** The request lines that reached the origin. */
  readonly lines: readonly string[]
  /** The bodies of those requests. */
  readonly bodies: readonly string[]
  readonly origin: ScriptedOrigin
  readonly proxy: TestProxy
}

export interface AttackOptions extends Omit<ProxyOptions, 'to'> {
  script?: Script
  /** Methods of the requests in the attack, where an answer has to be read accordingly. */
  methods?: readonly string[]
  /** False: the attacker keeps the connection open after its bytes, and the proxy has to end it. */
  end?: boolean
}

/** Reads the body and repeats what it was asked: `GET /path`. */
const tellBack: Script = async (request, wire) => {
  await request.content()
  wire.send(answer(`${request.method} ${request.target}`))
}

/**
 * Starts an origin and a proxy in front of it, sends the bytes on one connection and reads to its end. An attack
 * that the proxy takes for valid requests should end with one that says `Connection: close`.
 */
export async function attack(t: TestContext, bytes: string, options: AttackOptions = {}): Promise<Outcome> {
  const origin = await startOrigin(t, options.script ?? tellBack)
  const proxy = await startProxy(t, { ...options, to: origin })
  const client = await connect(t, proxy)
  client.send(bytes)
  const answers: RawAnswer[] = []
  for (let at = 0; ; at++) {
    const next = await client.answerOrEnd(options.methods?.[at])
    if (next === null) break
    answers.push(next)
  }
  client.destroy()
  await Promise.all(origin.requests.all.map(request => request.content().catch(() => {})))
  return {
    answers,
    statuses: answers.map(each => each.status),
    ending: client.ending,
    lines: origin.lines,
    bodies: await bodiesOf(origin),
    origin,
    proxy,
  }
}

async function bodiesOf(origin: ScriptedOrigin): Promise<string[]> {
  const contents = origin.requests.all.map(request => request.content().catch(() => null))
  return (await Promise.all(contents)).map(content => content?.body.toString('latin1') ?? '(cut short)')
}

/** The attack was refused as a whole: one answer with this status, then the end, and the origin saw nothing. */
export function assertRefused(outcome: Outcome, status = 400): void {
  assert.deepEqual(outcome.statuses, [status])
  assert.equal(outcome.answers[0].fields.get('Connection'), 'close')
  assert.equal(outcome.ending, 'end')
  assert.equal(outcome.origin.received, '', 'the origin saw something of it')
}
