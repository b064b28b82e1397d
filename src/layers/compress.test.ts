import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { decode, type Fields, HTML, type Talk, talk as talkThrough } from '../../test/support/reply-talk.ts'
import { turns, until } from '../../test/support/wait.ts'
import { ProxyError } from '../base/errors.ts'
import type { Serving } from '../exchange/exchange.ts'
import type { Handler } from '../exchange/handler.ts'
import { HeaderList } from '../http/header-list.ts'
import { type CompressOptions, compressLayer, ENCODINGS } from './compress.ts'
import { Compressors, IN_PLACE_BYTES_MAX } from './compressors.ts'

const GZIP: Fields = [['Accept-Encoding', 'gzip']]

const turn = () => turns(1)

interface Setting {
  fields?: Fields
  method?: string
  compressors?: Compressors
  layers?: number
  serving?: Serving | null
}

/** A talk through the layer, with a client that takes gzip unless told otherwise. */
function talk(options: CompressOptions = {}, setting: Setting = {}): Talk {
  const { compressors = new Compressors(), layers = 1, fields = GZIP, ...rest } = setting
  const all = Array.from({ length: layers }, () => compressLayer(options, compressors))
  return talkThrough({ ...rest, fields, layers: all })
}

const PAGE = Buffer.from(Array.from({ length: 2000 }, (_, i) => `<p>line ${i} of a page</p>\n`).join(''))

/** Noise: nothing to save, so that as much comes out as goes in. */
function noise(bytes: number): Buffer {
  let state = 1
  return Buffer.from(
    Uint8Array.from({ length: bytes }, () => {
      state = (state * 1_103_515_245 + 12_345) & 0x7fffffff
      return state >> 16
    }),
  )
}

test('each coding: a page in one piece, a short one, none at all, noise', async () => {
  for (const coding of ENCODINGS)
    for (const body of [PAGE, PAGE.subarray(0, 3000), Buffer.alloc(0), noise(300_000)]) {
      const { client, server } = talk({}, { fields: [['Accept-Encoding', coding]] })
      server.head()
      if (body.length > 0) server.data(body)
      server.reply.end()
      await until(() => client.over, 'the end')
      assert.deepEqual(client.calls, ['open', 'head', 'data', 'end'])
      assert.equal(client.coding, coding)
      assert.ok(decode(coding, client.bytes).equals(body), `${coding} ${body.length}`)
    }
})

/** What happens to an answer: bytes from the server, a pause of the server, a client that stops or goes on. */
const happening = fc.oneof(
  { weight: 5, arbitrary: fc.record({ send: fc.integer({ min: 1, max: 40_000 }) }) },
  { weight: 3, arbitrary: fc.record({ send: fc.integer({ min: 1, max: 50 }) }) },
  fc.record({ turns: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ pauseMs: fc.integer({ min: 1, max: 7 }) }),
  fc.constant({ hold: true }),
  fc.constant({ goOn: true }),
)

test('property: whatever the pieces and pauses, what is decoded is what was sent', async () => {
  const event = fc.constantFrom('text/html', 'text/event-stream')
  const coding = fc.constantFrom(...ENCODINGS)
  await fc.assert(
    fc.asyncProperty(
      coding,
      event,
      fc.array(happening, { maxLength: 25 }),
      async (coding, type, happenings) => {
        const compressors = new Compressors(4, 1, 4)
        const { client, server } = talk({}, { fields: [['Accept-Encoding', coding]], compressors })
        let full = false
        client.room = () => !full
        server.head([['Content-Type', type]])
        const sent: Buffer[] = []
        for (const each of happenings) {
          if ('send' in each) {
            await until(() => !server.paused || full, 'room')
            if (server.paused) continue
            const from = (each.send * 7919) % 20_000
            const chunk = Buffer.concat([PAGE.subarray(from), PAGE]).subarray(0, each.send)
            sent.push(chunk)
            server.data(chunk)
          } else if ('turns' in each) for (let i = 0; i < each.turns; i++) await turn()
          else if ('pauseMs' in each) await new Promise(resolve => setTimeout(resolve, each.pauseMs))
          else if ('hold' in each) full = true
          else {
            full = false
            client.goOn()
          }
        }
        full = false
        client.goOn()
        server.reply.end()
        await until(() => client.over, 'the end')
        assert.ok(decode(coding, client.bytes).equals(Buffer.concat(sent)))
        assert.equal(compressors.open, 0)
      },
    ),
    { numRuns: 60 },
  )
})

const PLAIN: readonly [
  name: string,
  request: Fields,
  method: string,
  answer: Fields,
  status: number,
  varies: boolean,
][] = [
  ['a client that does not ask', [], 'GET', HTML, 200, true],
  ['a client that wants another coding', [['Accept-Encoding', 'deflate']], 'GET', HTML, 200, true],
  ['a client that refuses', [['Accept-Encoding', 'gzip;q=0']], 'GET', HTML, 200, true],
  ['no-transform of the client', [...GZIP, ['Cache-Control', 'no-transform']], 'GET', HTML, 200, true],
  ['no-transform of the server', GZIP, 'GET', [...HTML, ['Cache-Control', 'no-transform']], 200, false],
  ['coded by the server', GZIP, 'GET', [...HTML, ['Content-Encoding', 'br']], 200, true],
  ['a part', GZIP, 'GET', [...HTML, ['Content-Range', 'bytes 0-9/99']], 206, true],
  ['a part that cannot be had', GZIP, 'GET', [...HTML, ['Content-Range', 'bytes */99']], 416, true],
  ['no content', GZIP, 'GET', HTML, 204, false],
  ['reset content', GZIP, 'GET', HTML, 205, false],
  ['not modified', GZIP, 'GET', HTML, 304, true],
  ['no type', GZIP, 'GET', [], 200, false],
  ['a picture', GZIP, 'GET', [['Content-Type', 'image/png']], 200, false],
  ['short', GZIP, 'GET', [...HTML, ['Content-Length', '5']], 200, false],
  ['short, to HEAD', GZIP, 'HEAD', [...HTML, ['Content-Length', '5']], 200, false],
  ['a HEAD of a client that does not ask', [], 'HEAD', HTML, 200, true],
]

test('what goes out as it is', () => {
  for (const [name, request, method, answer, status, varies] of PLAIN) {
    const compressors = new Compressors()
    const { client, server, exchange } = talk({}, { fields: request, method, compressors })
    server.head(answer, status)
    const expected = HeaderList.from(varies ? [...answer, ['Vary', 'Accept-Encoding']] : answer)
    assert.equal(client.headers.text, expected.text, name)
    assert.equal(client.source, server, `${name}: nothing stands between them`)
    assert.equal(server.data('hello'), true)
    server.reply.trailers(HeaderList.from([['Repr-Digest', 'x']]))
    server.reply.end()
    assert.deepEqual(client.calls, ['open', 'head', 'data', 'trailers Repr-Digest: x', 'end'], name)
    assert.equal(client.bytes.toString(), 'hello')
    assert.deepEqual([compressors.open, exchange.serving], [0, null])
  }
})

test('HEAD gets the fields that GET gets', async () => {
  const answer: Fields = [
    ...HTML,
    ['Content-Length', String(PAGE.length)],
    ['ETag', '"a"'],
    ['Accept-Ranges', 'bytes'],
  ]
  const get = talk()
  get.server.head(answer)
  get.server.data(PAGE)
  get.server.reply.end()
  await until(() => get.client.over, 'the end')
  const head = talk({}, { method: 'HEAD' })
  head.server.head(answer)
  head.server.reply.end()
  assert.deepEqual(head.client.calls, ['open', 'head', 'end'])
  assert.deepEqual(head.client.lines, get.client.lines)
  assert.deepEqual(head.client.lines, [
    'Content-Type: text/html',
    'ETag: W/"a"',
    'Content-Encoding: gzip',
    'Vary: Accept-Encoding',
  ])
})

test('a 304 has the weak tag that the client asked with', () => {
  const { client, server } = talk({}, { fields: [...GZIP, ['If-None-Match', 'W/"a"']] })
  server.head([['ETag', '"a"']], 304)
  assert.deepEqual(client.lines, ['ETag: W/"a"', 'Vary: Accept-Encoding'])
})

test('two layers compress once', async () => {
  const { client, server } = talk({}, { layers: 2 })
  server.head()
  server.data(PAGE)
  server.reply.end()
  await until(() => client.over, 'the end')
  assert.deepEqual(client.lines, [
    'Content-Type: text/html',
    'Content-Encoding: gzip',
    'Vary: Accept-Encoding',
  ])
  assert.ok(decode('gzip', client.bytes).equals(PAGE))
})

test('interim heads and faults before the head pass as they are', () => {
  const { client, server } = talk()
  const head = { status: 103, reason: '', version: 11 as const, headers: HeaderList.from(HTML) }
  server.reply.early(head)
  assert.equal(head.headers.text, 'Content-Type: text/html\r\n')
  server.reply.fail(new ProxyError('connect_refused'))
  assert.deepEqual(client.calls, ['early', 'fail connect_refused'])
})

test('trailers come last, without digests of what the bytes were before', async () => {
  const { client, server } = talk()
  server.head()
  server.data(PAGE)
  server.reply.trailers(
    HeaderList.from([
      ['Digest', 'x'],
      ['X-Sum', '1'],
    ]),
  )
  server.reply.end()
  await until(() => client.over, 'the end')
  assert.deepEqual(client.calls, ['open', 'head', 'data', 'trailers X-Sum: 1', 'end'])
})

test('what the source has said can be read while it pauses, in each coding', async () => {
  for (const type of ['text/event-stream', 'application/x-ndjson'])
    for (const coding of ENCODINGS) {
      const { client, server } = talk({}, { fields: [['Accept-Encoding', coding]] })
      server.head([['Content-Type', type]])
      let said = ''
      for (const word of ['one', 'two', 'three']) {
        server.data(`data: ${word}\n\n`)
        said += `data: ${word}\n\n`
        await until(
          () => client.bytes.length > 0 && decode(coding, client.bytes, false).toString() === said,
          said,
        )
      }
      server.reply.end()
      await until(() => client.over, 'the end')
      assert.equal(decode(coding, client.bytes).toString(), said)
    }
})

test('tiny content that is known as a whole is compressed in place, more of it is not', () => {
  for (const [bytes, inPlace] of [
    [IN_PLACE_BYTES_MAX, true],
    [IN_PLACE_BYTES_MAX + 1, false],
  ] as const) {
    const compressors = new Compressors()
    const { client, server } = talk({}, { compressors })
    server.head()
    server.data(PAGE.subarray(0, bytes))
    server.reply.end()
    assert.equal(client.over, inPlace)
    assert.equal(compressors.running, inPlace ? 0 : 1)
  }
})

test('at a slow level nothing is compressed in place', () => {
  const compressors = new Compressors()
  const { server } = talk({ level: { br: 11 } }, { compressors, fields: [['Accept-Encoding', 'br']] })
  server.head()
  server.data('tiny')
  server.reply.end()
  assert.equal(compressors.running, 1)
})

test('a client that is slow stops the source, and nothing grows', async () => {
  const { client, server } = talk({ encodings: ['gzip'] })
  client.room = () => false
  server.head()
  const chunk = noise(65_536)
  let sent = 0
  // A source that sends whenever it may.
  const send = () => {
    while (!server.paused && sent < 400) {
      sent++
      server.data(chunk)
    }
  }
  server.onResume = send
  send()
  await until(() => client.held, 'the client to be full')
  for (let i = 0; i < 50; i++) await turn()
  assert.ok(sent <= 4, `${sent} chunks were taken`)
  client.room = () => true
  while (sent < 400 || server.paused) {
    client.goOn()
    await turn()
  }
  server.reply.end()
  await until(() => client.over, 'the end')
  assert.equal(decode('gzip', client.bytes).length, 400 * chunk.length)
})

test('a source that is faster than the compressor is held back', async () => {
  const { client, server } = talk({ level: { gzip: 9 } })
  server.head()
  for (let i = 0; i < 3; i++) server.data(Buffer.alloc(65_536))
  assert.equal(server.pauses > 0 && server.paused, true)
  await until(() => !server.paused, 'the source to be let go')
  server.reply.end()
  await until(() => client.over, 'the end')
})

test('a source that breaks off: the answer does, and the place is free', async () => {
  for (const turns of [0, 1, 3, 40]) {
    const compressors = new Compressors()
    const { client, server, exchange } = talk({}, { compressors })
    server.head()
    server.data(PAGE)
    for (let i = 0; i < turns; i++) await turn()
    server.reply.fail(new ProxyError('upstream_reset'))
    assert.equal(client.calls.at(-1), 'fail upstream_reset')
    const said = client.parts.length
    await until(() => compressors.running === 0, 'the job to end')
    await turn()
    assert.equal(client.parts.length, said, 'nothing after it')
    assert.deepEqual([compressors.open, exchange.serving], [0, null])
    assert.throws(() => decode('gzip', client.bytes), /unexpected end/)
  }
})

test('a client that leaves: whoever serves hears it, and the place is free', async () => {
  for (const when of ['at once', 'during a step', 'after the end'] as const) {
    const compressors = new Compressors()
    const heard: string[] = []
    const serving: Serving = { cancel: error => void heard.push(error.code) }
    const { client, server, exchange } = talk({}, { compressors, serving })
    server.head()
    server.data(PAGE)
    if (when === 'during a step') await turn()
    if (when === 'after the end') {
      exchange.serving = null
      server.reply.end()
    }
    const calls = [...client.calls]
    ;(exchange.serving as unknown as Serving).cancel(new ProxyError('client_left'))
    assert.deepEqual(heard, when === 'after the end' ? [] : ['client_left'])
    await until(() => compressors.running === 0, 'the job to end')
    await turn()
    assert.deepEqual([client.calls, compressors.open], [calls, 0], when)
  }
})

test('a client side that wants no more cancels the source', () => {
  const compressors = new Compressors()
  const { client, server } = talk({}, { compressors })
  server.head()
  server.data(PAGE)
  client.source?.cancel(new ProxyError('client_left'))
  assert.deepEqual([server.cancelled, compressors.open], [true, 0])
})

test('with all places taken answers go out as they are, and say that they vary', async () => {
  const compressors = new Compressors(1)
  const first = talk({}, { compressors })
  first.server.head()
  const second = talk({}, { compressors })
  second.server.head()
  assert.deepEqual(second.client.lines, ['Content-Type: text/html', 'Vary: Accept-Encoding'])
  first.server.reply.end()
  await until(() => first.client.over, 'the end')
  const third = talk({}, { compressors })
  third.server.head()
  assert.equal(third.client.coding, 'gzip')
})

test('event streams take half of the places at most', () => {
  const compressors = new Compressors(4)
  const codings = [
    'text/event-stream',
    'text/event-stream',
    'text/event-stream',
    'text/html',
    'text/html',
    'text/html',
  ].map(type => {
    const { client, server } = talk({}, { compressors })
    server.head([['Content-Type', type]])
    return client.coding
  })
  assert.deepEqual(codings, ['gzip', 'gzip', null, 'gzip', 'gzip', null])
})

test('no more jobs at once than there may be, and a long line turns answers away', async () => {
  const compressors = new Compressors(100, 2, 3)
  const talks = Array.from({ length: 8 }, () => {
    const each = talk({ level: { gzip: 9 } }, { compressors })
    each.server.head()
    each.server.data(PAGE)
    each.server.reply.end()
    return each
  })
  assert.equal(compressors.running, 2)
  assert.deepEqual(
    talks.map(({ client }) => client.coding),
    [...Array(5).fill('gzip'), null, null, null],
  )
  for (const { client } of talks) {
    await until(() => client.over, 'the end')
    assert.ok(decode(client.coding, client.bytes).equals(PAGE))
  }
  assert.deepEqual([compressors.running, compressors.open], [0, 0])
})

test('who leaves while waiting for a turn gives it up', async () => {
  const compressors = new Compressors(100, 1, 5)
  const talks = Array.from({ length: 3 }, () => {
    const each = talk({}, { compressors })
    each.server.head()
    each.server.data(PAGE)
    each.server.reply.end()
    return each
  })
  talks[1].exchange.serving?.cancel(new ProxyError('client_left'))
  await until(() => talks[2].client.over, 'the end')
  assert.deepEqual([talks[1].client.parts.length, compressors.open, compressors.running], [0, 0, 0])
})

test('what cannot be done is refused when the layer is built', () => {
  const refused: readonly [CompressOptions, RegExp][] = [
    [{ level: { gzip: 0 } }, /level of gzip is a whole number from 1 to 9, not 0/],
    [{ level: { br: 12 } }, /level of br is a whole number from 0 to 11/],
    [{ level: { zstd: 22 } }, /level of zstd is a whole number from 1 to 19/],
    [{ level: { br: 1.5 } }, /not 1.5/],
    [{ encodings: ['br', 'gzip', 'br'] }, /"br" stands twice/],
    [{ types: ['json'] }, /"json" is not a media type/],
  ]
  for (const [options, message] of refused) assert.throws(() => compressLayer(options), { message })
})

test('with nothing to do it is not there', () => {
  const next: Handler = { handle() {} }
  assert.equal(compressLayer({ encodings: [] })(next), next)
  assert.equal(compressLayer({ types: [] })(next), next)
})
