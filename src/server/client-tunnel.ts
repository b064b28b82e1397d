/**
 * The client's side of an exchange after the switch of protocols (101): the same exchange, whose body and answer
 * are raw bytes now.
 * Strategy: either side may end and the other go on; it is over when both have ended. A WebSocket is followed from
 * frame to frame, so that a server that shuts down can end it in order; any other protocol is not looked at.
 */
import { randomBytes } from 'node:crypto'
import { UNTIL_CLOSE } from '../http1/framing.ts'
import type { Connection } from '../net/connection.ts'
import { closeFrame, GOING_AWAY, WebSocketLane } from '../tunnel/websocket-frames.ts'
import type { ClientSession } from './client-session.ts'
import { RequestBody } from './request-body.ts'

/** As at the server's side: larger reads get read memory of the connection's own, an idle tunnel holds none. */
const LARGE_READ_BYTES = 4_096

export class ClientTunnel {
  readonly body: TunnelBody
  /** The server has sent its last byte. */
  answerEnded = false
  /** Bytes sent to the client. */
  answerBytes = 0
  #connection: Connection
  #toClient: WebSocketLane | null = null

  /** `protocol` is what the 101 switches to. */
  constructor(session: ClientSession, protocol: string) {
    const { connection } = session
    this.#connection = connection
    this.body = new TunnelBody(session)
    if (protocol.toLowerCase() === 'websocket') {
      this.#toClient = new WebSocketLane(chunk => this.#send(chunk))
      this.body.followFrames()
    }
    connection.keepAlive()
  }

  /** Bytes for the client. */
  write(chunk: Buffer): boolean {
    return this.#toClient === null ? this.#send(chunk) : this.#toClient.data(chunk)
  }

  #send(chunk: Buffer): boolean {
    this.answerBytes += chunk.length
    return this.#connection.bytes(chunk)
  }

  /** Asks both sides to end, if this is a WebSocket; true when there was a way to say so. */
  close(): boolean {
    if (this.#toClient === null) return false
    if (!this.answerEnded) this.#toClient.close(closeFrame(GOING_AWAY, null))
    this.body.close()
    return true
  }
}

/** What the client sends after the switch. */
class TunnelBody extends RequestBody {
  #connection: Connection
  #toServer: WebSocketLane | null = null

  constructor(session: ClientSession) {
    super(UNTIL_CLOSE, session.decoder, session)
    session.decoder.start(UNTIL_CLOSE)
    this.#connection = session.connection
  }

  followFrames(): void {
    this.#toServer = new WebSocketLane(chunk => super.data(chunk))
  }

  override data(chunk: Buffer): boolean {
    this.#connection.expectBody(chunk.length > LARGE_READ_BYTES)
    if (this.#toServer === null) return super.data(chunk)
    const received = this.bytes + chunk.length
    const room = this.#toServer.data(chunk)
    this.bytes = received
    return room
  }

  close(): void {
    // RFC 6455 §5.3: the mask of a frame is not to be foreseen.
    const received = this.bytes
    if (!this.ended) this.#toServer?.close(closeFrame(GOING_AWAY, randomBytes(4)))
    this.bytes = received
  }
}
