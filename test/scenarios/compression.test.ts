/**
 * Compressed answers, as clients of all kinds meet them.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import zlib from 'node:zlib'
import {
  type CompressOptions,
  type ContentCoding,
  compressLayer,
  ENCODINGS,
} from '../../src/layers/compress.ts'
import { Compressors, JOBS_MAX } from '../../src/layers/compressors.ts'
import { headersLayer } from '../../src/layers/headers.ts'
import { RespondHandler } from '../../src/layers/respond.ts'
import { Comparison, MEGABYTE, pieces } from '../support/bodies.ts'
import { answer, type Script, startHttpOrigin, startOrigin } from '../support/origin.ts'
import { curl, run, testWith } from '../support/peers.ts'
import { startProxy } from '../support/proxy.ts'
import { connect, type RawClient } from '../support/raw-client.ts'
import { chunk, request } from '../support/requests.ts'
import { settled, until, within } from '../support/wait.ts'
import type { Wire } from '../support/wire.ts'

const PAGE = Array.from({ length: 3000 }, (_, i) => `<p>line ${i} of a page</p>\n`).join('')
const HTML = 'Content-Type: text/html\r\n'
const CHUNKED_HTML = `HTTP/1.1 200 OK\r\n${HTML}Transfer-Encoding: chunked\r\n\r\n`
const GZIP = { fields: 'Accept-Encoding: gzip\r\n' }

const page: Script = (_, wire) => wire.send(answer(PAGE, '200 OK', `${HTML}ETag: "1"\r\n`))

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

/** Bytes of bodies that somebody still holds. */
function memoryInUse(): number {
  collectGarbage()
  return process.memoryUsage().arrayBuffers
}

/** What may lie between origin and client: the kernel's buffers of two connections, and ours. */
const UNDER_WAY_BYTES_MAX = 48 * MEGABYTE

const gunzip = (bytes: Buffer): string => zlib.gunzipSync(bytes).toString('latin1')

const decoders: Readonly<Record<ContentCoding, () => zlib.Gunzip | zlib.BrotliDecompress>> = {
  gzip: zlib.createGunzip,
  br: zlib.createBrotliDecompress,
  zstd: zlib.createZstdDecompress,
}

/** A layer with compressors of its own, so that tests can count them. */
function compressing(options: CompressOptions = {}, openMax?: number) {
  const compressors = new Compressors(openMax)
  return { compressors, layers: [compressLayer(options, compressors)] }
}

/** Sends a large body that says nothing about its length, as fast as it is taken. */
function large(bytes: number) {
  const sent = { bytes: 0 }
  const script: Script = async (_, wire) => {
    wire.recording = false
    wire.send(CHUNKED_HTML)
    for (const piece of pieces(bytes, 1)) {
      wire.send(`${piece.length.toString(16)}\r\n`)
      wire.send(piece)
      if (!(await wire.sendAll(Buffer.from('\r\n')))) return
      sent.bytes += piece.length
    }
    wire.send('0\r\n\r\n')
  }
  return { sent, script }
}

testWith('curl', 'curl asks for what it can undo, and gets the page', async t => {
  const origin = await startOrigin(t, page)
  const proxy = await startProxy(t, { to: origin, ...compressing() })
  const { code, stdout, stderr } = await curl(t, ['--compressed', '-v', '-w', ' %{size_download}', proxy.url])
  assert.equal(code, 0)
  assert.match(stderr, /< Content-Encoding: (zstd|br|gzip)\r?\n/)
  assert.match(stderr, /< Vary: Accept-Encoding\r?\n/)
  assert.match(stderr, /< ETag: W\/"1"\r?\n/)
  assert.doesNotMatch(stderr, /< Content-Length/i)
  const [, text, size] = /^(.*) (\d+)$/s.exec(stdout.toString()) ?? []
  assert.equal(text, PAGE)
  assert.ok(Number(size) < PAGE.length / 4)
  const { responseBytes } = await proxy.records.at(0)
  assert.equal(responseBytes, Number(size), 'the log counts what went out')
})

test('the fetch of Node gets every coding, and a page as it is', async t => {
  const origin = await startOrigin(t, page)
  const { compressors, layers } = compressing()
  const proxy = await startProxy(t, { to: origin, layers })
  for (const coding of [...ENCODINGS, 'identity']) {
    const response = await fetch(`${proxy.url}/page`, { headers: { 'accept-encoding': coding } })
    assert.equal(response.headers.get('content-encoding'), coding === 'identity' ? null : coding)
    assert.equal(response.headers.get('vary'), 'Accept-Encoding')
    assert.equal(await response.text(), PAGE, coding)
  }
  await until(() => compressors.open === 0, 'the compressors to be free')
})

test('a fixed answer is compressed too', async t => {
  const { layers } = compressing()
  const handler = layers[0](new RespondHandler({ status: 404, body: PAGE }))
  const proxy = await startProxy(t, { routes: () => [{ handler }] })
  const client = await connect(t, proxy)
  const got = await client.ask(request('/', GZIP))
  assert.deepEqual([got.status, got.fields.get('Content-Encoding'), gunzip(got.body)], [404, 'gzip', PAGE])
})

testWith('chromium', 'a browser reads every coding', async t => {
  const padding = '/* a line of a script */\n'.repeat(1000)
  const origin = await startOrigin(t, (message, wire) => {
    const coding = message.target.slice(1)
    const script = `${padding}document.write("<i>read ${coding}</i>")`
    if (coding !== '') wire.send(answer(script, '200 OK', 'Content-Type: text/javascript\r\n'))
    else
      wire.send(
        answer(
          `${PAGE}${sources.map(source => `<script src="${source}"></script>`).join('')}`,
          '200 OK',
          HTML,
        ),
      )
  })
  // One start of a browser is slow enough: the page names a script from a proxy of each coding.
  const proxies = await Promise.all(
    ENCODINGS.map(coding => startProxy(t, { to: origin, ...compressing({ encodings: [coding] }) })),
  )
  const sources = ENCODINGS.map((coding, i) => `${proxies[i].url}/${coding}`)
  const flags = ['--headless=new', '--no-sandbox', '--disable-gpu', '--dump-dom']
  const { stdout } = await run(t, 'chromium', [...flags, proxies[0].url])
  assert.match(stdout.toString(), /line 2999 of a page<\/p>/)
  for (const [i, coding] of ENCODINGS.entries()) {
    assert.match(stdout.toString(), new RegExp(`<i>read ${coding}</i>`))
    const record = proxies[i].records.all.find(({ target }) => target === `/${coding}`)
    // A browser takes br and zstd only from hosts that it takes for safe; loopback is one.
    assert.ok(Number(record?.responseBytes) < padding.length / 4, `${coding}: ${record?.responseBytes} bytes`)
  }
})

test('several answers on one connection, compressed and not, in order', async t => {
  const origin = await startOrigin(t, (message, wire) =>
    wire.send(message.target === '/small' ? answer('small', '200 OK', HTML) : answer(PAGE, '200 OK', HTML)),
  )
  const { compressors, layers } = compressing()
  const proxy = await startProxy(t, { to: origin, layers })
  const client = await connect(t, proxy)
  const targets = ['/1', '/small', '/2', '/3', '/small', '/4']
  client.send(targets.map(target => request(target, GZIP)).join(''))
  for (const target of targets) {
    const { body, fields } = await client.answer()
    const text = fields.get('Content-Encoding') === 'gzip' ? gunzip(body) : body.toString()
    assert.equal(text, target === '/small' ? 'small' : PAGE)
  }
  assert.equal(compressors.open, 0)
})

test('events arrive one by one while the connection stays open', async t => {
  const origin = await startOrigin(t, (_, wire) => {
    wire.send(`HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n`)
    return wire.ended().then(() => {})
  })
  const { compressors, layers } = compressing()
  const proxy = await startProxy(t, { to: origin, layers })
  for (const coding of ENCODINGS) {
    const response = await fetch(proxy.url, { headers: { 'accept-encoding': coding } })
    assert.equal(response.headers.get('content-encoding'), coding)
    const wire = origin.wires.all.at(-1) as Wire
    const reader = (response.body as ReadableStream<Uint8Array>)
      .pipeThrough(new TextDecoderStream())
      .getReader()
    for (let i = 0; i < 5; i++) {
      const event = `data: ${coding} ${i}\n\n`
      wire.send(chunk(event))
      // The next event is not said before this one was heard.
      let heard = ''
      while (heard.length < event.length)
        heard += (await within(reader.read(), `event ${i} in ${coding}`)).value ?? ''
      assert.equal(heard, event)
    }
    await reader.cancel()
    await until(() => compressors.open === 0, 'the compressor to be free')
    await wire.ended()
  }
})

test('a client of HTTP/1.0 reads to the end of the connection', async t => {
  const origin = await startOrigin(t, page)
  const proxy = await startProxy(t, { to: origin, ...compressing() })
  const client = await connect(t, proxy)
  client.send(request('/', { ...GZIP, version: '1.0' }))
  const { body, end, fields } = await client.answer()
  assert.deepEqual(
    [end, fields.get('Content-Encoding'), fields.get('Content-Length')],
    ['close', 'gzip', null],
  )
  assert.equal(gunzip(body), PAGE)
})

test('HEAD and 304 have the fields of GET', async t => {
  const origin = await startOrigin(t, (message, wire) => {
    const match = message.fields.get('If-None-Match') === 'W/"1"'
    const head = `HTTP/1.1 ${match ? '304 Not Modified' : '200 OK'}\r\nETag: "1"\r\n`
    if (match) wire.send(`${head}\r\n`)
    else if (message.method === 'HEAD') wire.send(`${head}${HTML}Content-Length: ${PAGE.length}\r\n\r\n`)
    else page(message, wire)
  })
  const proxy = await startProxy(t, { to: origin, ...compressing() })
  const client = await connect(t, proxy)
  const names = ['Content-Type', 'Content-Encoding', 'Content-Length', 'ETag', 'Vary']
  const get = await client.ask(request('/', GZIP))
  const head = await client.ask(request('/', { ...GZIP, method: 'HEAD' }))
  assert.deepEqual(
    names.map(name => head.fields.get(name)),
    names.map(name => get.fields.get(name)),
  )
  const tag = get.fields.get('ETag')
  const again = await client.ask(request('/', { fields: `${GZIP.fields}If-None-Match: ${tag}\r\n` }))
  assert.deepEqual(
    [again.status, again.fields.get('ETag'), again.fields.get('Vary')],
    [304, 'W/"1"', 'Accept-Encoding'],
  )
})

test('an origin that compresses by itself is left to it, unless its request does not say that it may', async t => {
  const origin = await startOrigin(t, (message, wire) => {
    const asked = message.fields.get('Accept-Encoding')
    if (asked === null) return page(message, wire)
    const body = zlib.gzipSync(PAGE).toString('latin1')
    wire.send(answer(body, '200 OK', `${HTML}Content-Encoding: gzip\r\n`))
  })
  const { layers } = compressing({ encodings: ['br'] })
  const withOrigin = await startProxy(t, { to: origin, layers: [...layers, ...layers] })
  const client = await connect(t, withOrigin)
  const fields = 'Accept-Encoding: gzip, br\r\n'
  const passed = await client.ask(request('/', { fields }))
  assert.deepEqual([passed.fields.all('Content-Encoding'), gunzip(passed.body)], [['gzip'], PAGE])
  assert.equal(origin.requests.all[0].fields.get('Accept-Encoding'), 'gzip, br')
  const silent = headersLayer({ request: { remove: ['accept-encoding'] } })
  const alone = await startProxy(t, { to: origin, layers: [...layers, silent] })
  const other = await connect(t, alone)
  const own = await other.ask(request('/', { fields }))
  assert.deepEqual(own.fields.all('Content-Encoding'), ['br'])
  assert.equal(zlib.brotliDecompressSync(own.body).toString(), PAGE)
})

/** Reads chunks and undoes the coding on the way. */
async function readLarge(
  client: RawClient,
  coding: ContentCoding,
  bytes: number,
  look: (read: number) => void = () => {},
): Promise<string> {
  const comparison = new Comparison(bytes, 1)
  const decoder = decoders[coding]()
  decoder.on('data', (some: Buffer) => comparison.take(some))
  const over = once(decoder, 'end')
  for (;;) {
    // This client takes what comes as fast as it can, so it has to be told to wait for itself.
    if (client.waiting > 4 * MEGABYTE) client.hold()
    else client.go()
    const line = await client.through('\r\n')
    const size = Number.parseInt(String(line), 16)
    if (size > 0 && !decoder.write(await client.exactly(size))) await once(decoder, 'drain')
    look(comparison.bytes)
    await client.exactly(2)
    if (size === 0) break
  }
  decoder.end()
  await over
  return comparison.fault
}

test('a hundred megabytes pass without gathering anywhere', async t => {
  const bytes = 100 * MEGABYTE
  const { sent, script } = large(bytes)
  const origin = await startOrigin(t, script)
  const proxy = await startProxy(t, { to: origin, ...compressing({ level: { zstd: 1 } }) })
  const client = await connect(t, proxy)
  client.recording = false
  client.send(request('/', { fields: 'Accept-Encoding: zstd\r\n' }))
  await client.head()
  let most = 0
  const fault = await readLarge(client, 'zstd', bytes, read => {
    most = Math.max(most, sent.bytes - read)
  })
  assert.deepEqual([fault, sent.bytes], ['', bytes])
  assert.ok(most < UNDER_WAY_BYTES_MAX, `${most} bytes were under way`)
})

test('a client that stops reading stops the origin, and gets the rest when it goes on', async t => {
  const bytes = 64 * MEGABYTE
  const { sent, script } = large(bytes)
  const origin = await startOrigin(t, script)
  const proxy = await startProxy(t, { to: origin, ...compressing({ level: { zstd: 1 } }) })
  const client = await connect(t, proxy)
  client.recording = false
  client.send(request('/', { fields: 'Accept-Encoding: zstd\r\n' }))
  await client.head()
  client.hold()
  const before = memoryInUse()
  const stoppedAt = await settled(() => sent.bytes)
  assert.ok(stoppedAt < UNDER_WAY_BYTES_MAX, `the origin could send ${stoppedAt} bytes`)
  await until(() => memoryInUse() - before < 8 * MEGABYTE, 'less than 8 MB to be held')
  client.go()
  assert.equal(await readLarge(client, 'zstd', bytes), '')
})

test('an answer whose origin breaks off never looks complete', async t => {
  const origin = await startOrigin(t, async (message, wire) => {
    wire.send(`${CHUNKED_HTML}${chunk(PAGE)}`)
    if (message.target === '/later')
      await until(() => wire.socket.writableLength === 0 && flowed(), 'some of it')
    wire.reset()
  })
  const { compressors, layers } = compressing()
  const proxy = await startProxy(t, { to: origin, layers })
  let client = await connect(t, proxy)
  const flowed = () => client.waiting > 0 || client.received !== ''
  client.send(request('/later', GZIP))
  assert.equal((await client.head())?.status, 200)
  await assert.rejects(async () => {
    for (;;) await client.exactly(1)
  }, /the connection ended/)
  assert.ok(!client.received.endsWith('0\r\n\r\n'))
  client = await connect(t, proxy)
  client.send(request('/later', { ...GZIP, version: '1.0' }))
  await client.head()
  assert.equal(await client.ended(), 'reset', 'who reads to the end of the connection sees it broken')
  await until(() => compressors.open === 0, 'the compressors to be free')
})

test('a thousand answers whose clients leave hold nothing', async t => {
  const [piece] = pieces(100_000, 1, 100_000)
  const origin = await startOrigin(t, (_, wire) => {
    wire.send(CHUNKED_HTML)
    wire.send(chunk(piece.toString('latin1')))
    return wire.ended().then(() => {})
  })
  const { compressors, layers } = compressing({}, 2000)
  const proxy = await startProxy(t, { to: origin, layers })
  async function leave(count: number): Promise<void> {
    for (let left = 0; left < count; left += 50) {
      const clients = await Promise.all(Array.from({ length: 50 }, () => connect(t, proxy)))
      for (const [i, client] of clients.entries()) {
        client.recording = false
        client.send(request('/', { fields: `Accept-Encoding: ${ENCODINGS[i % 3]}\r\n` }))
      }
      await Promise.all(clients.map(client => client.some()))
      for (const client of clients) {
        client.destroy()
      }
      for (const client of clients) {
        await client.closed()
        // What the test itself remembers is not what is looked for.
        while (client.waiting > 0) await client.some()
      }
      await until(() => proxy.server.connections === 0, 'the clients to be gone')
      for (const wire of origin.wires.all.splice(0)) wire.destroy()
      origin.requests.all.length = 0
      proxy.records.all.length = 0
    }
    await until(() => compressors.open === 0 && compressors.running === 0, 'the compressors to be free')
  }
  await leave(100)
  collectGarbage()
  // Compressors lie outside of the heap; a thousand of them that stay would be hundreds of megabytes.
  const before = process.memoryUsage().external
  await leave(1000)
  await until(() => {
    collectGarbage()
    return process.memoryUsage().external - before < 30 * MEGABYTE
  }, 'the memory of the compressors to be free')
})

test('compressing at the highest level is not the work of the main loop', async t => {
  const bytes = 2 * MEGABYTE
  const origin = await startHttpOrigin(t, async (_, response) => {
    response.writeHead(200, { 'content-type': 'text/html' })
    for (const piece of pieces(bytes, 1)) if (!response.write(piece)) await once(response, 'drain')
    response.end()
  })
  const { compressors, layers } = compressing({ level: { br: 11 } })
  const proxy = await startProxy(t, { to: origin, layers })
  const client = await connect(t, proxy)
  const cpuBefore = process.cpuUsage()
  const loopBefore = process.threadCpuUsage()
  let most = 0
  const look = setInterval(() => {
    most = Math.max(most, compressors.running)
  }, 20)
  t.after(() => clearInterval(look))
  client.recording = false
  client.send(request('/', { fields: 'Accept-Encoding: br\r\n' }))
  await within(
    client.head().then(() => readLarge(client, 'br', bytes)),
    'the end',
    60_000,
  )
  const cpu = process.cpuUsage(cpuBefore)
  const loop = process.threadCpuUsage(loopBefore)
  assert.ok(most <= JOBS_MAX)
  const share = (loop.user + loop.system) / (cpu.user + cpu.system)
  assert.ok(share < 0.5, `${Math.round(share * 100)} % of the time was the main loop's`)
})
