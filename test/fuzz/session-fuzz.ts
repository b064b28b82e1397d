/**
 * Conversations by chance, on the playbook's stage: a client and servers that keep to HTTP but do everything in
 * every order, and such that send anything at all.
 * What must hold: no exception gets out, nothing is left open or waiting, what the client got are answers whole
 * and in order or visibly broken ones, and no byte of one exchange gets into another.
 */
import assert from 'node:assert/strict'
import { mock } from 'node:test'
import { LIMITS, type Limits } from '../../src/http1/limits.ts'
import { type Peer, Playbook, serverAddress } from '../support/playbook.ts'
import { REQUESTS, RESPONSES } from './corpus.ts'
import { decode, latin1Bytes } from './feeding.ts'
import { mutate, type Random } from './random.ts'
import { sluiceReadsRequests } from './sluice-parser.ts'
import { readRequest, readResponse } from './understand.ts'

/** An answer that is as long as allowed is longer when it has passed. */
const ROOMY: Limits = { ...LIMITS, fieldsMax: 2 * LIMITS.fieldsMax, headBytesMax: 2 * LIMITS.headBytesMax }

/** An answer as the client reads it. */
interface Received {
  readonly status: number
  readonly content: string
}

function stage(random: Random): Playbook {
  return new Playbook({
    group: {
      servers: random.once(2) ? [serverAddress(1)] : [serverAddress(1), serverAddress(2)],
      connectionsMax: random.of([1, 2, 100]),
      queueMax: random.of([0, 1, 100]),
    },
    listener: { readAheadBytesMax: random.of([10, 200, 65_536]), halfClose: random.of(['serve', 'cancel']) },
  })
}

/** Anything at all, from both sides. */
export function hostileConversation(random: Random): void {
  const book = stage(random)
  try {
    const client = book.connects()
    const servers: Peer[] = []
    const sent: Buffer[] = []
    const answers = RESPONSES.map(({ text }) => text)
    for (let steps = 2 + random.below(12); steps > 0; steps--)
      book.together(() => {
        if (random.once(2)) sendAnything(random, client, sent)
        if (random.once(2)) connectOrRefuse(random, book, servers)
        for (const server of servers) answerAnything(random, server, answers)
        if (random.once(8)) disturb(random, client)
        if (random.once(6)) book.passes(random.of([100, 3_000, 61_000, 80_000]))
      })
    checkOutput(client, methodsOf(Buffer.concat(sent)))
    book.endsClean()
  } finally {
    mock.timers.reset()
  }
}

function sendAnything(random: Random, client: Peer, sent: Buffer[]): void {
  const text = random.once(3) ? random.of(REQUESTS) : mutate(random, random.of(REQUESTS), REQUESTS)
  const bytes = latin1Bytes(text)
  sent.push(bytes)
  for (const piece of random.pieces(bytes)) client.sends(piece.toString('latin1'))
}

function connectOrRefuse(random: Random, book: Playbook, servers: Peer[]): void {
  if (book.servers.asked.length === 0) return
  if (random.once(6)) book.servers.refuses()
  else servers.push(book.servers.accepts())
}

function answerAnything(random: Random, server: Peer, answers: readonly string[]): void {
  if (random.once(2)) {
    const text = random.once(2) ? random.of(answers) : mutate(random, random.of(answers), answers)
    for (const piece of random.pieces(latin1Bytes(text))) server.sends(piece.toString('latin1'))
  }
  if (random.once(8)) disturb(random, server)
}

function disturb(random: Random, peer: Peer): void {
  switch (random.below(5)) {
    case 0:
      peer.ends()
      return
    case 1:
      peer.leaves()
      return
    case 2:
      peer.stopsReading()
      return
    default:
      peer.readsAgain()
  }
}

/** Methods of the requests that can be read, in order. */
const methodsOf = (bytes: Buffer): string[] =>
  sluiceReadsRequests(bytes).messages.map(({ start }) => start.slice(0, start.indexOf(' ')))

/** Reads what a client got: answers to requests with these methods, the last of which may have broken off. */
function checkOutput(client: Peer, methods: readonly string[]): Received[] {
  const { connection } = client
  const bytes = latin1Bytes(connection.left)
  connection.left = ''
  const received: Received[] = []
  for (let at = 0; at < bytes.length; ) {
    const method = methods[received.length]
    const head = readResponse(method ?? 'GET', bytes, at, bytes.length, ROOMY)
    assert.ok(head !== null, `a whole head: ${bytes.toString('latin1', at)}`)
    at += head.bytes
    if (head.status < 200) continue
    // A request that is refused may have been a HEAD.
    if (method === undefined && at === bytes.length) break
    const body = decode(head.framing, [Buffer.from(bytes.subarray(at))])
    at += body.bytes
    // A body that is not whole: its connection is not ended in order, so the client can tell.
    if (!body.complete) {
      assert.ok(!connection.ended && at === bytes.length, 'a broken answer is not ended in order')
      break
    }
    if (head.framing.kind === 'until-close' && connection.closed && !connection.ended)
      assert.ok(connection.reset || connection.brokenByPeer, 'what looks whole and is not, is visibly broken')
    received.push({ status: head.status, content: body.content })
    if (head.fields.some(([name, value]) => /^connection$/i.test(name) && value === 'close'))
      assert.equal(at, bytes.length, 'nothing behind the last answer')
  }
  return received
}

interface Request {
  readonly method: string
  readonly target: string
  readonly content: string
}

/** Client and servers keep to the rules; connections of servers close between answers, and everybody may be slow. */
export function honestConversation(random: Random): void {
  const book = stage(random)
  try {
    const client = book.connects()
    const requests = Array.from({ length: 1 + random.below(5) }, (_, at) => makeRequest(random, at))
    const pieces = requests.flatMap(request => random.pieces(latin1Bytes(write(random, request))))
    const servers: HonestServer[] = []
    while (pieces.length > 0) {
      const piece = pieces.shift() as Buffer
      book.together(() => {
        client.sends(piece.toString('latin1'))
        if (random.once(3)) letServersAct(random, book, servers, true)
      })
      if (random.once(8)) random.once(2) ? client.stopsReading() : client.readsAgain()
    }
    for (let quiet = 0; quiet < 2; ) {
      client.readsAgain()
      quiet = letServersAct(random, book, servers, false) ? 0 : quiet + 1
    }
    checkEchoes(
      checkOutput(
        client,
        requests.map(({ method }) => method),
      ),
      requests,
      client,
    )
    book.endsClean()
  } finally {
    mock.timers.reset()
  }
}

function makeRequest(random: Random, at: number): Request {
  const method = random.of(['GET', 'HEAD', 'PUT', 'POST', 'DELETE'])
  const content = random.once(2)
    ? ''
    : String.fromCharCode(97 + at).repeat(1 + random.below(random.of([5, 300, 2_000])))
  return { method, target: `/${at}`, content: method === 'GET' || method === 'HEAD' ? '' : content }
}

function write(random: Random, { method, target, content }: Request): string {
  const head = `${method} ${target} HTTP/1.1\r\nHost: shop\r\n`
  if (content === '') return `${head}\r\n`
  return random.once(2)
    ? `${head}Content-Length: ${content.length}\r\n\r\n${content}`
    : `${head}Transfer-Encoding: chunked\r\n\r\n${chunks(random, content)}`
}

function chunks(random: Random, content: string): string {
  const pieces = random.pieces(latin1Bytes(content))
  return `${pieces.map(piece => `${piece.length.toString(16)}\r\n${piece.toString('latin1')}\r\n`).join('')}0\r\n\r\n`
}

/** Reads requests and answers each, when it is whole, with what it read. */
class HonestServer {
  readonly peer: Peer
  #random: Random
  #bytes = ''
  #answer: Buffer[] = []
  #endsAfter = false

  constructor(peer: Peer, random: Random) {
    this.peer = peer
    this.#random = random
  }

  /** It has read something that it has not answered yet, or reads something now. */
  get busy(): boolean {
    return !this.peer.connection.closed && (this.#answer.length > 0 || this.peer.connection.left !== '')
  }

  /** Reads, answers some or (`all`) everything; between answers it may close when `mayClose`. */
  act(all: boolean, mayClose: boolean): void {
    this.#bytes += this.peer.takes()
    if (this.#answer.length === 0) this.#read()
    const idle = this.#answer.length === 0 && this.#bytes === ''
    if (mayClose && this.#random.once(idle ? 6 : 20)) {
      // In the middle of an answer that ends with its connection, an end in order would be a lie.
      const lies = this.#endsAfter && this.#answer.length > 0
      if (!lies && this.#random.once(2)) this.peer.ends()
      else this.peer.leaves()
      return
    }
    while (this.#answer.length > 0 && (all || this.#random.once(2))) {
      this.peer.sends((this.#answer.shift() as Buffer).toString('latin1'))
      if (this.#answer.length === 0 && this.#endsAfter) this.peer.ends()
    }
  }

  #read(): void {
    const bytes = latin1Bytes(this.#bytes)
    const head = readRequest(bytes, 0, bytes.length)
    if (head === null) return
    const {
      content,
      bytes: length,
      complete,
    } = decode(head.framing, [Buffer.from(bytes.subarray(head.bytes))])
    if (!complete) return
    this.#bytes = this.#bytes.slice(head.bytes + length)
    const answer = this.#write(head.method, `${head.method} ${head.target} ${content}`)
    this.#answer = this.#random.pieces(latin1Bytes(answer))
  }

  #write(method: string, content: string): string {
    const body = method === 'HEAD' ? '' : content
    const form = this.#random.below(method === 'HEAD' ? 1 : 4)
    this.#endsAfter = form === 2
    if (form === 2) return `HTTP/1.1 200 OK\r\n\r\n${body}`
    if (form === 3)
      return `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunks(this.#random, body)}`
    const interim = form === 1 ? 'HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n' : ''
    return `${interim}HTTP/1.1 200 OK\r\nContent-Length: ${content.length}\r\n\r\n${body}`
  }
}

/** False when there was nothing to do for them. */
function letServersAct(random: Random, book: Playbook, servers: HonestServer[], mayClose: boolean): boolean {
  const busy = book.servers.asked.length > 0 || servers.some(server => server.busy)
  if (book.servers.asked.length > 0) servers.push(new HonestServer(book.servers.accepts(), random))
  for (const server of servers) {
    if (mayClose && random.once(5)) random.once(2) ? server.peer.stopsReading() : server.peer.readsAgain()
    if (!mayClose) server.peer.readsAgain()
    server.act(!mayClose, mayClose)
  }
  return busy
}

/** Each answer is the one to its own request, or says that there is none. */
function checkEchoes(received: readonly Received[], requests: readonly Request[], client: Peer): void {
  for (const [at, { status, content }] of received.entries()) {
    const { method, target, content: sent } = requests[at]
    if (status === 200) assert.equal(content, method === 'HEAD' ? '' : `${method} ${target} ${sent}`)
    else assert.ok(status === 502 || status === 503, `status ${status}`)
  }
  if (received.length < requests.length)
    assert.ok(
      client.connection.ended || client.connection.closed,
      `${received.length} of ${requests.length} answers`,
    )
}
