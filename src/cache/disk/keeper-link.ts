/**
 * The keeper's thread as its process sees it.
 */
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { KeeperData } from './keeper.ts'
import type { Batch, KeeperSays } from './messages.ts'

const KEEPER = new URL(`./keeper${extname(new URL(import.meta.url).pathname)}`, import.meta.url)

export class KeeperLink {
  readonly #worker: Worker
  #ended = false

  /** `heard` is called until the keeper says that it failed or closed, or `end` is called. */
  constructor(data: KeeperData, heard: (words: KeeperSays) => void) {
    this.#worker = new Worker(KEEPER, { workerData: data, execArgv: [], name: 'cache keeper' })
    const hear = (words: KeeperSays): void => {
      if (this.#ended) return
      if (words.say === 'failed' || words.say === 'closed') this.#ended = true
      heard(words)
    }
    this.#worker.on('message', hear)
    this.#worker.on('error', error => hear({ say: 'failed', why: `its thread failed: ${error.message}` }))
    this.#worker.on('exit', () => hear({ say: 'failed', why: 'its thread ended' }))
  }

  /** The memory of what is written and put goes over with it. */
  send(batch: Batch): void {
    const memories: ArrayBuffer[] = []
    for (const change of batch.changes)
      if (change.do === 'write') memories.push(change.bytes.buffer as ArrayBuffer)
      else if (change.do === 'put' && change.content !== null)
        memories.push(change.content.buffer as ArrayBuffer)
    this.#worker.postMessage(batch, memories)
  }

  /** Whether the process stays alive for it. */
  hold(held: boolean): void {
    if (held) this.#worker.ref()
    else this.#worker.unref()
  }

  /** At once, whatever it does. */
  end(): void {
    this.#ended = true
    void this.#worker.terminate()
  }
}
