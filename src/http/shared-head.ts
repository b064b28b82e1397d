/**
 * A head that many answers have in common, so that its text is put together once: that of what a cache holds, with the small
 * content that goes with it.
 * Strategy: each answer gets a head of its own that points to the shared one. Whoever writes it may write the text that
 * was remembered; a layer that looks at the fields or edits anything has its own copy from then on, and the text is
 * forgotten for this answer. To everybody but the writer it is a head like any other.
 */
import { isLasting } from '../base/lasting.ts'
import { latin1 } from '../base/latin1.ts'
import type { HeaderList } from './header-list.ts'
import type { ResponseHead } from './message.ts'

/** Content up to this is remembered as text. */
const CONTENT_TEXT_MAX = 4096

/** Never edited. */
export class SharedHead implements ResponseHead {
  readonly status: number
  readonly reason: string
  readonly version = 11
  readonly headers: HeaderList
  /** For the writer: the whole text where nothing is said of the connection, '' while nobody wrote it. */
  text = ''

  /** The content that went with it last. */
  #content: Buffer | null = null
  #contentText = ''

  constructor(status: number, reason: string, headers: HeaderList) {
    this.status = status
    this.reason = reason
    this.headers = headers
  }

  /**
   * Content as text, one character a byte, when it is small and the same lasting bytes went with this head before; else
   * null. Making it costs as much as all else that is ours of a hit (bench/micro/cache-answer.bench.ts).
   */
  textOf(content: Buffer): string | null {
    if (content !== this.#content) {
      // Nor what is a small part of a large memory, which would be kept as well.
      if (content.buffer.byteLength > CONTENT_TEXT_MAX || !isLasting(content)) return null
      this.#content = content
      this.#contentText = ''
      return null
    }
    if (this.#contentText === '') this.#contentText = latin1(content, 0, content.length)
    return this.#contentText
  }
}

/** One answer with a shared head. */
export class HeadOfMany implements ResponseHead {
  version = 11 as const
  /** Null once this answer has a head of its own. */
  shared: SharedHead | null
  #status: number
  #reason: string
  #headers: HeaderList | null = null

  constructor(shared: SharedHead) {
    this.shared = shared
    this.#status = shared.status
    this.#reason = shared.reason
  }

  get status(): number {
    return this.#status
  }

  set status(status: number) {
    this.#part()
    this.#status = status
  }

  get reason(): string {
    return this.#reason
  }

  set reason(reason: string) {
    this.#part()
    this.#reason = reason
  }

  get headers(): HeaderList {
    return this.#headers ?? this.#part()
  }

  set headers(headers: HeaderList) {
    this.shared = null
    this.#headers = headers
  }

  #part(): HeaderList {
    const { shared } = this
    if (shared !== null) this.#headers = shared.headers.copy()
    this.shared = null
    return this.#headers as HeaderList
  }
}
