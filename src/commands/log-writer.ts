/**
 * Writes log lines to a file or to stdout without ever making the data path wait.
 * Strategy: lines are gathered and handed to the system in batches, one write at a time, off the main thread.
 * When whoever reads is slower than we write, lines are held up to a limit and then dropped and counted; a full
 * disk or a closed pipe costs lines too, and nothing else. What was lost is said once the writer works again.
 */
import fs from 'node:fs'

export interface LogTarget {
  /** Name for messages: `stdout` or the path. */
  readonly name: string
  readonly fd: number
  /** The file to open again on `reopen`; null for what has no name of its own. */
  readonly path: string | null
  /** At most this goes out in one write, in whole lines; a longer line goes out alone. */
  readonly pieceBytesMax: number
}

/** The calls to the system, so that a test can put others in their place. */
export interface LogSystem {
  write(
    fd: number,
    bytes: Buffer,
    offset: number,
    done: (error: NodeJS.ErrnoException | null, written: number) => void,
  ): void
  open(path: string): number
  close(fd: number): void
}

/** Longest time a line waits for others. */
const FLUSH_INTERVAL_MS = 100
/** A batch this large is written at once. */
const BATCH_CHARS_MAX = 65_536
/** What is held while a write does not come back; beyond it lines are dropped. Counted in characters. */
const PENDING_CHARS_MAX = 8 * 1024 * 1024
/**
 * Pauses before a write is tried again that the reader had no room for: short at first, as a reader that keeps up
 * empties a pipe of 64 KB in no time, and doubled up to the second.
 */
const RETRY_PAUSE_MS = 1
const RETRY_PAUSE_MS_MAX = 32
/**
 * What a pipe takes whole or not at all (PIPE_BUF of Linux): several processes write to one, and pieces of whole
 * lines up to this size never tear those of another. A line that is longer may be torn; to a file, which is only
 * added to (O_APPEND), every write is whole.
 */
const PIPE_PIECE_BYTES_MAX = 4_096
/** How long `close` waits for a reader that does not read. */
const CLOSE_TIMEOUT_MS = 2_000

const realSystem: LogSystem = {
  write: (fd, bytes, offset, done) => fs.write(fd, bytes, offset, bytes.length - offset, null, done),
  open: path => fs.openSync(path, 'a', 0o640),
  close: fd => fs.closeSync(fd),
}

/** Opens a file for adding to it. Throws the system's error. */
export function fileTarget(path: string): LogTarget {
  return { name: path, fd: realSystem.open(path), path, pieceBytesMax: Number.POSITIVE_INFINITY }
}

/**
 * Stdout or stderr. Node makes the stream of a pipe or socket non-blocking when it is first looked at, which is
 * all it is looked at for: a write that waits for its reader would hold a thread, and the end of the program too.
 */
export function standardTarget(name: 'stdout' | 'stderr'): LogTarget {
  const fd = name === 'stdout' ? 1 : 2
  let pieceBytesMax = Number.POSITIVE_INFINITY
  try {
    const kind = fs.fstatSync(fd)
    if (kind.isFIFO() || kind.isSocket()) {
      void (name === 'stdout' ? process.stdout : process.stderr)
      pieceBytesMax = PIPE_PIECE_BYTES_MAX
    }
  } catch {
    // A descriptor that is closed: every write says so.
  }
  return { name, fd, path: null, pieceBytesMax }
}

export class LogWriter {
  readonly #system: LogSystem
  readonly #complain: (message: string) => void
  #target: LogTarget
  /** Opened by `reopen`, taken at the next moment between two writes. */
  #nextTarget: LogTarget | null = null
  #pending = ''
  /** Waits for more lines; only while the system has no batch. */
  #flushTimer: NodeJS.Timeout | null = null
  #retryTimer: NodeJS.Timeout | null = null
  #retryPauseMs = RETRY_PAUSE_MS
  /** The batch that the system has. */
  #batch: Buffer | null = null
  #batchOffset = 0
  #droppedLines = 0
  /** Dropped before, and told. */
  #toldLines = 0
  /** The error of the last write, so that a full disk is told once and not with every batch. */
  #failure = ''
  /** The last byte that was written was not a line end: a batch broke off in the middle of a line. */
  #torn = false
  #closed: (() => void) | null = null

  /** `complain` gets a line for a person, without line end. */
  constructor(target: LogTarget, complain: (message: string) => void, system: LogSystem = realSystem) {
    this.#target = target
    this.#complain = complain
    this.#system = system
  }

  /** Lines dropped since the last time this was told. */
  get droppedLines(): number {
    return this.#droppedLines
  }

  /** Lines that were dropped so far, told or not. */
  get lostLines(): number {
    return this.#toldLines + this.#droppedLines
  }

  /** `line` ends in a line end. Returns at once, whatever becomes of the line. */
  write(line: string): void {
    if (this.#pending.length + line.length > PENDING_CHARS_MAX) {
      this.#droppedLines++
      return
    }
    this.#pending += line
    if (this.#batch === null) this.#flushSoon(this.#pending.length >= BATCH_CHARS_MAX && this.#failure === '')
  }

  /** Goes on in a new file of the same name (the old one was moved away). Without a name it does nothing. */
  reopen(): void {
    const { path, name } = this.#target
    if (path === null) return
    try {
      const fresh = { ...this.#target, fd: this.#system.open(path) }
      if (this.#nextTarget !== null) this.#system.close(this.#nextTarget.fd)
      this.#nextTarget = fresh
      if (this.#batch === null) this.#swapTarget()
    } catch (error) {
      this.#complain(`log ${name}: cannot be opened again, the old file goes on: ${(error as Error).message}`)
    }
  }

  /** Writes what is left, for a limited time. Nothing may be written afterwards. */
  async close(): Promise<void> {
    const finished = new Promise<void>(resolve => {
      this.#closed = resolve
    })
    const late = setTimeout(() => this.#closed?.(), CLOSE_TIMEOUT_MS)
    this.#flush()
    if (this.#batch === null) this.#closed?.()
    await finished
    clearTimeout(late)
    if (this.#retryTimer !== null) clearTimeout(this.#retryTimer)
    const unwritten = this.#batch === null ? 0 : countLines(this.#batch, this.#batchOffset)
    const lost = this.#droppedLines + unwritten + countLines(Buffer.from(this.#pending), 0)
    this.#droppedLines = lost
    if (lost > 0) this.#complain(`log ${this.#target.name}: ends, ${lostText(lost)}`)
  }

  /** After a failure the next attempt always waits for the timer, so that a full disk is not asked without pause. */
  #flushSoon(now: boolean): void {
    if (now) this.#flush()
    else this.#flushTimer ??= setTimeout(() => this.#flush(), FLUSH_INTERVAL_MS)
  }

  #flush(): void {
    if (this.#flushTimer !== null) clearTimeout(this.#flushTimer)
    this.#flushTimer = null
    if (this.#batch !== null || this.#pending === '') return
    this.#batch = Buffer.from(this.#torn ? `\n${this.#pending}` : this.#pending)
    this.#batchOffset = 0
    this.#pending = ''
    this.#writeBatch(this.#batch)
  }

  #writeBatch(batch: Buffer): void {
    const end = pieceEnd(batch, this.#batchOffset, this.#target.pieceBytesMax)
    const piece = end === batch.length ? batch : batch.subarray(0, end)
    this.#system.write(this.#target.fd, piece, this.#batchOffset, (error, written) => {
      if (error?.code === 'EAGAIN' || error?.code === 'EINTR') {
        this.#retryTimer = setTimeout(() => this.#writeBatch(batch), this.#retryPauseMs)
        this.#retryPauseMs = Math.min(this.#retryPauseMs * 2, RETRY_PAUSE_MS_MAX)
        return
      }
      if (error !== null) {
        this.#fail(error, batch)
        return
      }
      this.#retryPauseMs = RETRY_PAUSE_MS
      this.#batchOffset += written
      if (this.#batchOffset < batch.length) this.#writeBatch(batch)
      else this.#batchDone(batch)
    })
  }

  #batchDone(batch: Buffer): void {
    this.#torn = batch[batch.length - 1] !== 0x0a
    const lost = this.#droppedLines
    this.#failure = ''
    this.#toldLines += lost
    this.#droppedLines = 0
    if (lost > 0) this.#complain(`log ${this.#target.name}: works again, ${lostText(lost)}`)
    this.#next()
  }

  #fail(error: NodeJS.ErrnoException, batch: Buffer): void {
    const lines = countLines(batch, this.#batchOffset)
    this.#droppedLines += lines
    this.#torn = this.#batchOffset > 0 ? batch[this.#batchOffset - 1] !== 0x0a : this.#torn
    const failure = error.code ?? error.message
    if (failure !== this.#failure) {
      this.#failure = failure
      this.#complain(`log ${this.#target.name}: ${reasonOf(error)}: lines are lost until it works again`)
    }
    this.#next()
  }

  /** Between two batches. */
  #next(): void {
    this.#batch = null
    this.#swapTarget()
    if (this.#closed !== null) {
      if (this.#pending === '' || this.#failure !== '') this.#closed()
      else this.#flush()
      return
    }
    if (this.#pending !== '') this.#flushSoon(this.#pending.length >= BATCH_CHARS_MAX && this.#failure === '')
  }

  #swapTarget(): void {
    if (this.#nextTarget === null) return
    this.#system.close(this.#target.fd)
    this.#target = this.#nextTarget
    this.#nextTarget = null
    this.#torn = false
  }
}

/** Where a piece of whole lines ends that is no longer than `most`, or the first line when that is longer. */
function pieceEnd(batch: Buffer, from: number, most: number): number {
  if (batch.length - from <= most) return batch.length
  const last = batch.lastIndexOf(0x0a, from + most - 1)
  const end = last >= from ? last : batch.indexOf(0x0a, from)
  return end === -1 ? batch.length : end + 1
}

function countLines(bytes: Buffer, from: number): number {
  let lines = 0
  for (let at = bytes.indexOf(0x0a, from); at !== -1; at = bytes.indexOf(0x0a, at + 1)) lines++
  return lines
}

function lostText(lines: number): string {
  return lines === 1 ? '1 line was lost' : `${lines} lines were lost`
}

function reasonOf(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOSPC' || error.code === 'EDQUOT') return 'the disk is full'
  if (error.code === 'EPIPE') return 'nobody reads it any more'
  return error.message
}
