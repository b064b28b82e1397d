/**
 * The two frames of the WebSocket work: one from the client, masked, and one from the server (RFC 6455 §5.2).
 */

const MESSAGE_BYTES = 128
/** FIN and opcode 2 (binary); length 126 says that two bytes with the length follow. */
const first = [0x82, 126, MESSAGE_BYTES >> 8, MESSAGE_BYTES & 0xff]

/** From the server. */
export const plainFrame = (): Buffer => Buffer.from([...first, ...payload()])

/** From the client: a mask of zeros leaves the payload as it is. */
export const maskedFrame = (): Buffer =>
  Buffer.from([first[0], first[1] | 0x80, first[2], first[3], 0, 0, 0, 0, ...payload()])

const payload = () => Array.from({ length: MESSAGE_BYTES }, (_, index) => index)

export const plainBytes = plainFrame().length
export const maskedBytes = maskedFrame().length
