/**
 * Compressing off the main loop, with Node's zlib.
 * Strategy: a compressor takes one step at a time (more bytes, flush, finish), each a job in libuv's thread pool.
 * The pool has few threads and DNS and files need them too, and the main loop needs a core: so only a few jobs run at
 * once, the others wait in line, and both the compressors (their memory) and the line (its delay) have a limit.
 *
 * What was measured (bench/micro/compress.bench.ts; main loop, one core of a small server):
 * - 2 KB in the thread pool cost the main loop 60 to 70 µs (a stream, a hop there and back); compressed in place they
 *   cost 20 to 50 µs. So content that is known as a whole and tiny is compressed in place, at levels that are quick.
 * - Keeping streams for the next answer (`reset`) saves 10 µs of those 60, and that of brotli forgets its quality and
 *   goes on at 11. So every answer gets a stream of its own.
 * - With a window of 256 KB a stream takes 0.3 MB (gzip) or 1.2 MB (br, zstd at their default levels).
 */
import { availableParallelism } from 'node:os'
import type { Transform } from 'node:stream'
import zlib from 'node:zlib'
import type { ContentCoding } from '../http/content-coding.ts'
import { guarded } from '../net/bugs.ts'

const { constants } = zlib

/** Compressors open at once; each holds up to about 1.5 MB. Beyond it answers go out as they are. */
export const COMPRESSORS_MAX = 128
/** Share of them that event streams may take, so that those who listen for hours leave some to pages. */
export const LASTING_SHARE_MAX = 0.5
/** Jobs in the thread pool at once: a thread of its four stays free for others, and a core for the main loop. */
export const JOBS_MAX = Math.max(1, Math.min(3, availableParallelism() - 1))
/** Jobs in line for the thread pool. With more, new answers go out as they are rather than late. */
export const JOBS_WAITING_MAX = 32
/** Content up to this size that is known as a whole is compressed in place. */
export const IN_PLACE_BYTES_MAX = 4096

/** Bytes of output for one job; what is larger takes another turn through the thread pool. */
const OUTPUT_BYTES = 32_768
/** Both for memory: 2 ** 18 bytes. RFC 9659 §3 lets a zstd window have 8 MB at most. */
const WINDOW_BITS = 18

export interface CodingLevels {
  readonly least: number
  readonly most: number
  /** For answers made while the client waits: size against time, see the table of the bench. */
  readonly usual: number
  /** The highest that takes no more than a tenth of a millisecond for what is compressed in place. */
  readonly quick: number
}

export const LEVELS: Readonly<Record<ContentCoding, CodingLevels>> = {
  gzip: { least: 1, most: 9, usual: 5, quick: 9 },
  br: { least: 0, most: 11, usual: 4, quick: 6 },
  // Levels above 19 are for windows that RFC 9659 forbids.
  zstd: { least: 1, most: 19, usual: 3, quick: 9 },
}

/** Node has zstd since 22.15. */
export const isSupported = (coding: ContentCoding): boolean =>
  coding !== 'zstd' || typeof zlib.createZstdCompress === 'function'

/** Why an answer is broken off when a fault of our own has been reported already. */
export const SEE_REPORT = 'an internal fault, told on stderr'

/** Hears from a compressor. */
export interface CompressorUser {
  /** Compressed bytes, lent. */
  compressed(bytes: Buffer): void
  /** The step is done, and all its bytes have been handed over. */
  stepped(): void
  broken(error: Error): void
}

/** 'flush': all that was put in so far can be read at the other end. 'finish': nothing comes after it. */
export type Step = 'more' | 'flush' | 'finish'

/** All compressors of a process. Tests make their own, with smaller limits. */
export class Compressors {
  #openMax: number
  #jobsMax: number
  #waitingMax: number
  #running = 0
  #waiting: Compressor[] = []
  #open = 0
  #lasting = 0

  constructor(openMax = COMPRESSORS_MAX, jobsMax = JOBS_MAX, waitingMax = JOBS_WAITING_MAX) {
    this.#openMax = openMax
    this.#jobsMax = jobsMax
    this.#waitingMax = waitingMax
  }

  get running(): number {
    return this.#running
  }

  /** Places that are taken. */
  get open(): number {
    return this.#open
  }

  /** Takes a place for one more answer; false: there is none. `lasting`: the answer may go on for hours. */
  take(lasting: boolean): boolean {
    if (this.#open >= this.#openMax || this.#waiting.length >= this.#waitingMax) return false
    if (lasting && this.#lasting >= this.#openMax * LASTING_SHARE_MAX) return false
    this.#open++
    if (lasting) this.#lasting++
    return true
  }

  giveBack(lasting: boolean): void {
    this.#open--
    if (lasting) this.#lasting--
  }

  /** Starts the step of a compressor now or when its turn comes. */
  enqueue(compressor: Compressor): void {
    if (this.#running < this.#jobsMax) {
      this.#running++
      compressor.start()
    } else this.#waiting.push(compressor)
  }

  /** It will not need its turn any more. */
  withdraw(compressor: Compressor): void {
    this.#waiting = this.#waiting.filter(other => other !== compressor)
  }

  jobDone(): void {
    this.#running--
    const next = this.#waiting.shift()
    if (next !== undefined) this.enqueue(next)
  }
}

/** The thread pool is one for the process, and so are these. */
export const processCompressors = new Compressors()

export class Compressor {
  #compressors: Compressors
  #stream: Transform & zlib.Zlib
  #user: CompressorUser
  #coding: ContentCoding
  #state: 'idle' | 'waiting' | 'running' = 'idle'
  #freed = false
  #bytes: Buffer | null = null
  #step: Step = 'more'

  /** `eager`: every step flushes. */
  constructor(
    compressors: Compressors,
    coding: ContentCoding,
    level: number,
    eager: boolean,
    user: CompressorUser,
  ) {
    this.#compressors = compressors
    this.#coding = coding
    this.#user = user
    this.#stream = makeStream(coding, level, eager)
    this.#stream.on('data', (bytes: Buffer) => {
      if (!this.#freed) this.#tell(() => this.#user.compressed(bytes))
    })
    this.#stream.on('end', () => this.#done())
    this.#stream.on('error', error => {
      if (this.#state === 'running') this.#compressors.jobDone()
      this.#state = 'idle'
      if (!this.#freed) guarded(() => this.#user.broken(error))
    })
  }

  /** One at a time. The bytes must stay as they are until it is done; a flush has none. */
  step(bytes: Buffer, step: Step): void {
    this.#bytes = bytes
    this.#step = step
    this.#state = 'waiting'
    this.#compressors.enqueue(this)
  }

  /** Called when the turn of its step has come. */
  start(): void {
    const bytes = this.#bytes
    this.#bytes = null
    this.#state = 'running'
    const done = (): void => this.#done()
    if (this.#step === 'finish') this.#stream.end(bytes)
    else if (this.#step === 'more') this.#stream.write(bytes, done)
    else this.#stream.flush(FLUSH[this.#coding], done)
  }

  #done(): void {
    // Also called for a write that an error has ended: that has been told.
    if (this.#state !== 'running') return
    this.#state = 'idle'
    this.#compressors.jobDone()
    if (this.#freed) this.#stream.destroy()
    else this.#tell(() => this.#user.stepped())
  }

  #tell(call: () => void): void {
    if (guarded(call) || this.#freed) return
    guarded(() => this.#user.broken(new Error(SEE_REPORT)))
  }

  /** Lets its memory go; nothing is told any more. A job that runs is waited for: its thread is not free before. */
  free(): void {
    if (this.#freed) return
    this.#freed = true
    this.#bytes = null
    if (this.#state === 'waiting') this.#compressors.withdraw(this)
    if (this.#state !== 'running') this.#stream.destroy()
  }
}

const FLUSH: Readonly<Record<ContentCoding, number>> = {
  gzip: constants.Z_SYNC_FLUSH,
  br: constants.BROTLI_OPERATION_FLUSH,
  zstd: constants.ZSTD_e_flush,
}

function makeStream(coding: ContentCoding, level: number, eager: boolean): Transform & zlib.Zlib {
  const flush = eager ? { flush: FLUSH[coding] } : {}
  const chunkSize = OUTPUT_BYTES
  if (coding === 'gzip') return zlib.createGzip({ level, chunkSize, ...flush })
  const options = { params: paramsOf(coding, level), chunkSize, ...flush }
  return coding === 'br' ? zlib.createBrotliCompress(options) : zlib.createZstdCompress(options)
}

function paramsOf(coding: 'br' | 'zstd', level: number): Record<number, number> {
  return coding === 'br'
    ? { [constants.BROTLI_PARAM_QUALITY]: level, [constants.BROTLI_PARAM_LGWIN]: WINDOW_BITS }
    : { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_windowLog]: WINDOW_BITS }
}

/** True when so much content is compressed sooner in place than by a turn through the thread pool. */
export function fitsInPlace(coding: ContentCoding, level: number, bytes: number): boolean {
  return bytes <= IN_PLACE_BYTES_MAX && level <= LEVELS[coding].quick
}

export function compressInPlace(coding: ContentCoding, level: number, bytes: Buffer): Buffer {
  if (coding === 'gzip') return zlib.gzipSync(bytes, { level })
  const options = { params: paramsOf(coding, level) }
  return coding === 'br' ? zlib.brotliCompressSync(bytes, options) : zlib.zstdCompressSync(bytes, options)
}
