/** Tunnels while the server shuts down, as conversations: a WebSocket is ended in order, others are cut. */
import assert from 'node:assert/strict'
import { type Cast, conversation, type Peer } from '../../test/support/playbook.ts'
import { ASK, asks, recorded, SWITCH, switches } from '../../test/support/tunnels.ts'

const WEBSOCKET_ASK = [...ASK.slice(0, 3), 'Upgrade: WebSocket', '', '']
const WEBSOCKET_SWITCH = [...SWITCH.slice(0, 2), 'Upgrade: websocket', '', '']
const CLOSE_1001 = '\x88\x02\x03\xe9'

function switchesToWebSocket({ client, servers }: Cast): Peer {
  client.sends(...WEBSOCKET_ASK)
  const server = servers.accepts()
  server.takes()
  server.sends(...WEBSOCKET_SWITCH)
  client.takes()
  return server
}

/** What `ProxyServer.drain` does when its time is nearly over. */
function closes({ book }: Cast): void {
  for (const session of book.sessions) session.closeTunnel()
  book.settle()
}

/** One Close frame with a mask, and 1001 under it (RFC 6455 §5.3). */
function getsMaskedClose(server: Peer): void {
  const frame = Buffer.from(server.takes(), 'latin1')
  assert.deepEqual([frame.length, frame[0], frame[1]], [8, 0x88, 0x82])
  assert.deepEqual([frame[6] ^ frame[2], frame[7] ^ frame[3]], [0x03, 0xe9])
}

conversation('between frames both sides get Close at once, and only once', {}, cast => {
  const { client } = cast
  const server = switchesToWebSocket(cast)
  closes(cast)
  client.gets(CLOSE_1001)
  getsMaskedClose(server)
  closes(cast)
  // Their answers to it are ours to hear; what else they say comes too late.
  server.sends('\x82\x01x\x88\x02\x03\xe9')
  client.sends('\x88\x82\x00\x00\x00\x00\x03\xe9')
  server.ends()
  client.isEnded()
  client.ends()
  client.isGone()
  server.isGone()
  recorded(cast, { status: 101, error: 'draining', requestBytes: 8, responseBytes: 4 })
})

conversation('in the middle of a frame its end is waited for', {}, cast => {
  const { client } = cast
  const server = switchesToWebSocket(cast)
  server.sends('\x82\x04ab')
  client.sends('\x82\x82\x00\x00\x00\x00a')
  client.gets('\x82\x04ab')
  server.gets('\x82\x82\x00\x00\x00\x00a')
  closes(cast)
  closes(cast)
  server.sends('c')
  client.gets('c')
  server.sends('d\x82\x01x')
  client.gets(`d${CLOSE_1001}`)
  client.sends('b\x82\x80\x00\x00\x00\x00')
  assert.equal(server.connection.take().slice(0, 3), 'b\x88\x82')
})

conversation('a side that has ended already gets no Close', {}, cast => {
  const { client } = cast
  const server = switchesToWebSocket(cast)
  server.ends()
  closes(cast)
  getsMaskedClose(server)
  client.isEnded()
  client.ends()
  client.isGone()
})

conversation('a side that has said Close gets no other, and none is put behind its own', {}, cast => {
  const { client } = cast
  const server = switchesToWebSocket(cast)
  server.sends('\x88\x02\x03\xe8')
  client.gets('\x88\x02\x03\xe8')
  closes(cast)
  client.getsNothing()
  getsMaskedClose(server)
})

conversation('another protocol is not looked at', {}, cast => {
  const server = switches(cast)
  closes(cast)
  cast.client.getsNothing()
  server.getsNothing()
  cast.client.ends()
  server.ends()
  recorded(cast, { error: '' })
})

conversation('a request that has not switched is left alone', {}, cast => {
  const server = asks(cast)
  closes(cast)
  server.getsNothing()
  cast.client.getsNothing()
})

conversation('cut in the end: both sides see it broken', {}, cast => {
  const server = switches(cast)
  cast.book.sessions[0].cut()
  cast.book.settle()
  cast.client.isGone('reset')
  server.isGone('reset')
  recorded(cast, { status: 101, error: 'draining' })
})
