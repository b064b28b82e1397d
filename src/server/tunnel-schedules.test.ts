/** A tunnel in any order of events: what one side sends the other gets, whole and in order, and the end too. */
import assert from 'node:assert/strict'
import test, { mock } from 'node:test'
import fc from 'fast-check'
import { type Peer, Playbook } from '../../test/support/playbook.ts'

interface Act {
  readonly what: 'send' | 'end' | 'stop' | 'read' | 'switch'
  /** Who does it, where either may. */
  readonly client: boolean
  readonly bytes: number
}

/** What happens in one turn of the event loop, and whether a second passes then. */
interface Turn {
  readonly acts: readonly Act[]
  readonly wait: boolean
}

// By how often they are wanted.
const what = fc.constantFrom<Act['what'][]>(
  ...(['send', 'send', 'send', 'end', 'stop', 'read', 'switch'] as const),
)
const act: fc.Arbitrary<Act> = fc.record({ what, client: fc.boolean(), bytes: fc.nat(9_000) })
const turn: fc.Arbitrary<Turn> = fc.record({ acts: fc.array(act, { maxLength: 3 }), wait: fc.boolean() })

const ASK = ['GET / HTTP/1.1', 'Host: shop', 'Connection: Upgrade', 'Upgrade: echo', '', '']
const SWITCH = ['HTTP/1.1 101 S', 'Connection: Upgrade', 'Upgrade: echo', '', '']

class Side {
  readonly peer: Peer
  sent = ''
  got = ''
  ended = false

  constructor(peer: Peer) {
    this.peer = peer
  }

  send(text: string): void {
    if (this.ended) return
    this.sent += text
    this.peer.sends(text)
  }

  end(): void {
    if (!this.ended) this.peer.ends()
    this.ended = true
  }

  look(): void {
    this.got += this.peer.takes()
  }
}

function play(turns: readonly Turn[], book: Playbook): void {
  const client = new Side(book.connects())
  client.peer.sends(...ASK)
  const server = new Side(book.servers.accepts())
  server.peer.takes()
  let switched = false
  const happen = ({ what, client: byClient, bytes }: Act): void => {
    const side = byClient ? client : server
    if (what === 'switch') {
      if (!switched) server.peer.sends(...SWITCH)
      switched = true
    } else if (!byClient && !switched) return
    else if (what === 'send') side.send(`${side.sent.length}:${'x'.repeat(bytes)}`)
    else if (what === 'end') side.end()
    else if (what === 'stop') side.peer.stopsReading()
    else side.peer.readsAgain()
  }
  for (const { acts, wait } of turns) {
    book.together(() => {
      for (const act of acts) happen(act)
    })
    if (wait) book.passes(1_000)
    client.look()
    server.look()
  }
  happen({ what: 'switch', client: false, bytes: 0 })
  for (const side of [client, server]) {
    side.peer.readsAgain()
    side.end()
  }
  client.look()
  server.look()
  assert.equal(server.got, client.sent, 'the server got what the client sent')
  assert.match(client.got, /^HTTP\/1\.1 101 /)
  assert.equal(client.got.slice(client.got.indexOf('\r\n\r\n') + 4), server.sent, 'and the client likewise')
  client.peer.isGone()
  server.peer.isGone()
  const { status, requestBytes, responseBytes, error } = book.records[0]
  assert.deepEqual(
    { status, requestBytes, responseBytes, error },
    { status: 101, requestBytes: client.sent.length, responseBytes: server.sent.length, error: '' },
  )
  book.endsClean()
}

test('any order of sending, ending, not reading and switching', () => {
  fc.assert(
    fc.property(fc.array(turn, { maxLength: 20 }), turns => {
      const book = new Playbook({ listener: { halfClose: 'serve' } })
      try {
        play(turns, book)
      } finally {
        mock.timers.reset()
      }
    }),
    { numRuns: 300 },
  )
})
