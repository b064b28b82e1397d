/**
 * Opens many connections, makes one request on each, and holds them: node idle-connections.ts WORK PORT.
 * Prints {"opened":…} once all are there; when its stdin ends it prints {"open":…}, how many still are, and goes.
 * Strategy: a bounded number under way at a time, so that no listen queue overflows; it never waits for ever.
 */
import { connect, type Socket } from 'node:net'
import { AnswerReader, requestBytes } from './answer-reader.ts'
import { WORKS } from './works.ts'

const underWayMax = 64
const openWithinMs = 5_000
const lifetimeMs = 120_000

/** One connection that has had its answer, or null. */
function openOne(port: number, request: Buffer): Promise<Socket | null> {
  return new Promise(resolve => {
    const reader = new AnswerReader()
    const socket = connect({ host: '127.0.0.1', port }, () => socket.write(request))
    const giveUp = () => {
      socket.destroy()
      resolve(null)
    }
    const timer = setTimeout(giveUp, openWithinMs)
    socket.on('error', giveUp)
    socket.on('data', bytes => {
      const outcome = reader.take(bytes, bytes.length)
      if (outcome === false) return
      clearTimeout(timer)
      if (outcome === true) resolve(socket)
      else giveUp()
    })
  })
}

async function main(): Promise<void> {
  const [name, portText] = process.argv.slice(2)
  const port = Number(portText)
  const work = WORKS.find(candidate => candidate.name === name)
  if (!work || !port) throw new Error('usage: node idle-connections.ts WORK PORT')
  setTimeout(() => process.exit(1), lifetimeMs)
  const request = requestBytes(work.path, port, work.headers)
  const held: Socket[] = []
  let begun = 0
  const openInTurn = async () => {
    while (begun < work.connections) {
      begun++
      const socket = await openOne(port, request)
      if (socket) held.push(socket)
    }
  }
  await Promise.all(Array.from({ length: underWayMax }, openInTurn))
  process.stdout.write(`${JSON.stringify({ opened: held.length })}\n`)
  process.stdin.resume().once('end', () => {
    const open = held.filter(socket => socket.readyState === 'open').length
    process.stdout.write(`${JSON.stringify({ open })}\n`, () => process.exit(0))
  })
}

await main()
