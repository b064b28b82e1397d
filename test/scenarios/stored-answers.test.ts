/**
 * Answers out of stored content over real sockets: what lies in memory that lasts is sent from where it lies, so it must
 * neither be changed nor lost while the kernel has not taken it, and nothing is read for who does not read.
 */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { lastingCopy } from '../../src/base/lasting.ts'
import { answerFromEntry } from '../../src/cache/answer.ts'
import type { Entry, StoredBody } from '../../src/cache/entry.ts'
import { CACHE_DEFAULTS } from '../../src/cache/options.ts'
import type { Reply } from '../../src/exchange/exchange.ts'
import type { Handler } from '../../src/exchange/handler.ts'
import { PassingReply } from '../../src/exchange/passing-reply.ts'
import type { ResponseHead } from '../../src/http/message.ts'
import { Comparison, checksum, MEGABYTE, pieces, wholeBody } from '../support/bodies.ts'
import { startProxy, type TestProxy } from '../support/proxy.ts'
import { connect, type RawClient } from '../support/raw-client.ts'
import { request } from '../support/requests.ts'
import { entryHead, HIT, NOW_MS } from '../support/stored-answers.ts'
import { settled, turns, until } from '../support/wait.ts'

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

const PIECE_BYTES = 150_000

/** Content that is the same each time, in lasting pieces that nobody keeps. */
class FleetingBody implements StoredBody {
  readonly bytes: number
  readonly #whole: Buffer
  /** Bytes handed out. */
  given = 0
  closed = 0
  /** Pieces are promised, and come later. */
  readonly #later: boolean

  constructor(whole: Buffer, later: boolean) {
    this.bytes = whole.length
    this.#whole = whole
    this.#later = later
  }

  from(at: number): Buffer | Promise<Buffer> {
    const end = Math.min(this.bytes, (Math.floor(at / PIECE_BYTES) + 1) * PIECE_BYTES)
    const piece = lastingCopy(this.#whole.subarray(at, end))
    this.given += piece.length
    return this.#later ? new Promise(resolve => setImmediate(resolve, piece)) : piece
  }

  close(): void {
    this.closed++
  }
}

interface Stored {
  readonly proxy: TestProxy
  /** Of each answer, in order. */
  readonly bodies: FleetingBody[]
}

/** A proxy that answers `/later` and all else from the store. */
async function stored(t: TestContext, whole: Buffer): Promise<Stored> {
  const bodies: FleetingBody[] = []
  const head = entryHead({ contentBytes: whole.length, fields: [['ETag', '"a"']] })
  const handler: Handler = {
    handle(exchange) {
      const body = new FleetingBody(whole, exchange.request.target === '/later')
      bodies.push(body)
      answerFromEntry(exchange, { head, body }, HIT, NOW_MS, CACHE_DEFAULTS)
    },
  }
  return { proxy: await startProxy(t, { routes: () => [{ handler }] }), bodies }
}

/** Reads a body with many stops, and the collector looks for what nobody holds meanwhile. */
async function readStuttering(client: RawClient, bytes: number, stop: number): Promise<string> {
  const comparison = new Comparison(bytes, 1)
  let untilStop = stop
  while (comparison.bytes < bytes) {
    const some = await client.some()
    if (some === null) break
    comparison.take(some)
    untilStop -= some.length
    if (untilStop > 0) continue
    untilStop = stop
    client.hold()
    await turns(3)
    collectGarbage()
    client.go()
  }
  return comparison.fault
}

for (const target of ['/', '/later'])
  test(`stuttering readers get every byte, also of memory that only the socket still has: ${target}`, async t => {
    const bytes = 12 * MEGABYTE + 77
    const { proxy, bodies } = await stored(t, wholeBody(bytes, 1))
    const faults = await Promise.all(
      [900_001, 1_700_003, 2_500_007, 400_009].map(async stop => {
        const client = await connect(t, proxy)
        client.recording = false
        client.send(request(target))
        assert.equal((await client.head())?.status, 200)
        return readStuttering(client, bytes, stop)
      }),
    )
    assert.deepEqual(faults, ['', '', '', ''])
    await until(() => bodies.every(({ closed }) => closed === 1), 'the bodies to be given back')
  })

test('stored bytes are sent as they are and stay as they are, while other bytes come and go', async t => {
  const whole = lastingCopy(wholeBody(3 * MEGABYTE, 1))
  const before = checksum(whole)
  const entry: Entry = {
    head: entryHead({ contentBytes: whole.length }),
    body: { bytes: whole.length, from: at => whole.subarray(at), close() {} },
  }
  const handler: Handler = {
    handle(exchange) {
      // Uploads read into memory of the proxy while downloads are on their way.
      if (exchange.request.method === 'GET') answerFromEntry(exchange, entry, HIT, NOW_MS, CACHE_DEFAULTS)
      else
        exchange.body.into({
          open() {},
          data: () => true,
          trailers() {},
          end: () => answerFromEntry(exchange, entry, HIT, NOW_MS, CACHE_DEFAULTS),
          fail() {},
        })
    },
  }
  const proxy = await startProxy(t, { routes: () => [{ handler }] })
  const clients = await Promise.all([1, 2, 3, 4].map(() => connect(t, proxy)))
  const faults = await Promise.all(
    clients.map(async (client, number) => {
      client.recording = false
      if (number % 2 === 0) client.send(request('/'))
      else {
        client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${2 * MEGABYTE}\r\n\r\n`)
        for (const piece of pieces(2 * MEGABYTE, 9)) await client.sendAll(piece)
      }
      assert.equal((await client.head())?.status, 200)
      return readStuttering(client, whole.length, 300_000 + number)
    }),
  )
  assert.deepEqual(faults, ['', '', '', ''])
  assert.equal(checksum(whole), before)
})

test('nothing is read on for a client that does not read; when it leaves, the body is given back', async t => {
  const bytes = 64 * MEGABYTE
  const { proxy, bodies } = await stored(t, wholeBody(bytes, 1))
  for (const [number, target] of ['/', '/later'].entries()) {
    const client = await connect(t, proxy, { held: true })
    client.send(request(target))
    const given = await settled(() => bodies[number]?.given ?? 0)
    assert.ok(given > 0 && given < 24 * MEGABYTE, `${given} bytes were read`)
    assert.equal(bodies[number].closed, 0)
    client.destroy()
    await until(() => bodies[number].closed === 1, 'the body to be given back')
  }
})

test('whole answers, parts and 304 one after the other on one connection', async t => {
  const { proxy } = await stored(t, wholeBody(200_000, 1))
  const client = await connect(t, proxy)
  const whole = wholeBody(200_000, 1)
  for (let round = 0; round < 3; round++) {
    const full = await client.ask(request('/'))
    assert.deepEqual([full.status, full.fields.get('age'), checksum(full.body)], [200, '0', checksum(whole)])
    const part = await client.ask(request('/', { fields: 'Range: bytes=100000-160000\r\n' }))
    assert.deepEqual([part.status, checksum(part.body)], [206, checksum(whole.subarray(100_000, 160_001))])
    const same = await client.ask(request('/', { fields: 'If-None-Match: "a"\r\n' }))
    assert.deepEqual([same.status, same.body.length], [304, 0])
    const head = await client.ask(request('/', { method: 'HEAD' }))
    assert.deepEqual([head.status, head.fields.get('content-length')], [200, '200000'])
  }
})

test('a small answer again and again: the same text, and the word about the connection is that of each', async t => {
  const content = lastingCopy(Buffer.from('h\xe9llo', 'latin1'))
  const entry: Entry = {
    head: entryHead({ contentBytes: 5 }),
    body: { bytes: 5, from: () => content, close() {} },
  }
  const handler: Handler = { handle: each => answerFromEntry(each, entry, HIT, NOW_MS, CACHE_DEFAULTS) }
  const proxy = await startProxy(t, { routes: () => [{ handler }] })
  const client = await connect(t, proxy)
  const first = await client.ask(request('/'))
  for (let i = 0; i < 5; i++) {
    const again = await client.ask(request('/'))
    assert.deepEqual([again.text, again.body], [first.text, content])
  }
  const old = await connect(t, proxy)
  const kept = await old.ask('GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n')
  assert.deepEqual([kept.fields.get('connection'), kept.body], ['keep-alive', content])
  const last = await client.ask(request('/', { fields: 'Connection: close\r\n' }))
  assert.deepEqual([last.fields.get('connection'), last.body], ['close', content])
})

/** Layers in front of the store that change what they pass on. */
const EDITS: Readonly<
  Record<string, { edit: (head: ResponseHead) => void; gives: readonly [number, string | null] }>
> = {
  'a field': { edit: head => head.headers.set('X-Edited', 'yes'), gives: [200, 'yes'] },
  'the status': {
    edit: head => {
      head.status = 203
    },
    gives: [203, null],
  },
}

class EditingReply extends PassingReply {
  readonly #edit: (head: ResponseHead) => void

  constructor(next: Reply, edit: (head: ResponseHead) => void) {
    super(next)
    this.#edit = edit
  }

  override head(head: ResponseHead): void {
    this.#edit(head)
    super.head(head)
  }
}

for (const [what, { edit, gives }] of Object.entries(EDITS))
  test(`a layer in front that changes ${what} changes it for its own client only`, async t => {
    const content = lastingCopy(Buffer.from('small'))
    const entry: Entry = {
      head: entryHead({ contentBytes: 5 }),
      body: { bytes: 5, from: () => content, close() {} },
    }
    const handler: Handler = {
      handle(exchange) {
        if (exchange.request.target === '/edited') exchange.reply = new EditingReply(exchange.reply, edit)
        answerFromEntry(exchange, entry, HIT, NOW_MS, CACHE_DEFAULTS)
      },
    }
    const proxy = await startProxy(t, { routes: () => [{ handler }] })
    const client = await connect(t, proxy)
    for (let round = 0; round < 4; round++) {
      const edited = await client.ask(request('/edited'))
      assert.deepEqual(
        [edited.status, edited.fields.get('x-edited'), String(edited.body)],
        [...gives, 'small'],
      )
      const plain = await client.ask(request('/'))
      assert.deepEqual([plain.status, plain.fields.get('x-edited'), String(plain.body)], [200, null, 'small'])
    }
  })
