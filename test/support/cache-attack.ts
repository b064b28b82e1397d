/**
 * A cache in front of an origin, for attacks: every request comes on a connection of its own, so that attacker and
 * victim share nothing but the cache.
 */
import type { TestContext } from 'node:test'
import { systemClock } from '../../src/base/clock.ts'
import type { Cache } from '../../src/cache/cache.ts'
import type { CacheOptions } from '../../src/cache/options.ts'
import { startedCache } from './cached.ts'
import { answer, type OriginRequest, type Script, type ScriptedOrigin, startOrigin } from './origin.ts'
import { type ProxyOptions, startProxy } from './proxy.ts'
import { connect, type RawAnswer } from './raw-client.ts'

export interface Scene {
  readonly origin: ScriptedOrigin
  readonly cache: Cache
  /** Sends these bytes and reads one answer. */
  ask(request: string): Promise<RawAnswer>
  /** `GET target` of shop, with these field lines. */
  get(target: string, fields?: string): Promise<RawAnswer>
}

export const FRESH = 'Cache-Control: max-age=600\r\n'

/** Tells the whole head and body that came, as an answer that may be stored: what a careless page would repeat. */
export const repeating: Script = async (request, wire) => {
  const { body } = await request.content()
  wire.send(answer(request.text + body.toString('latin1'), '200 OK', FRESH))
}

/** Answers with fields and body that depend on the request. */
export const telling =
  (tell: (request: OriginRequest) => readonly [status: string, fields: string, body: string]): Script =>
  async (request, wire) => {
    await request.content()
    const [status, fields, body] = tell(request)
    wire.send(answer(request.method === 'HEAD' ? '' : body, status, fields))
  }

export interface SceneOptions {
  readonly script?: Script
  readonly options?: Partial<CacheOptions>
  readonly proxy?: Omit<ProxyOptions, 'to' | 'layers'>
}

export async function cacheScene(
  t: TestContext,
  { script = repeating, options = {}, proxy = {} }: SceneOptions = {},
): Promise<Scene> {
  const origin = await startOrigin(t, script)
  const cache = startedCache(options, systemClock)
  const front = await startProxy(t, { ...proxy, to: origin, layers: [cache.layer] })
  const ask = async (request: string): Promise<RawAnswer> => {
    const client = await connect(t, front)
    const got = await client.ask(request)
    client.destroy()
    return got
  }
  const get = (target: string, fields = '') => ask(`GET ${target} HTTP/1.1\r\nHost: shop\r\n${fields}\r\n`)
  return { origin, cache, ask, get }
}
