/**
 * Chance that can be repeated: a seed gives the same numbers, texts and mutations each time.
 */

export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** 0 to below `count` (mulberry32). */
  below(count: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * count)
  }

  of<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]
  }

  /** True once in `times`. */
  once(times: number): boolean {
    return this.below(times) === 0
  }

  /** The bytes in pieces of any size, sometimes one by one. */
  pieces(bytes: Buffer): Buffer[] {
    const sizeMax = this.of([1, 3, 20, 200, 5_000])
    const pieces: Buffer[] = []
    for (let at = 0; at < bytes.length; ) {
      const size = 1 + this.below(sizeMax)
      pieces.push(Buffer.from(bytes.subarray(at, at + size)))
      at += size
    }
    return pieces
  }
}

/** What messages are made of and what breaks them. */
const MORSELS: readonly string[] = [
  ...[
    '\r\n',
    '\r',
    '\n',
    '\r\n\r\n',
    ' ',
    '\t',
    ':',
    ',',
    ';',
    '\0',
    '\x0b',
    '\x7f',
    '\x80',
    '\xa0',
    '\xff',
    '"',
    '#',
  ],
  ...['GET', 'HEAD', 'CONNECT', '/', '*', 'http://shop/', 'HTTP/1.1', 'HTTP/1.0', 'HTTP/1.2', ' HTTP/2.0'],
  ...[
    'Host: shop\r\n',
    'Host:\r\n',
    'Content-Length: 5\r\n',
    'Content-Length: 0\r\n',
    'Content-Length: +5\r\n',
  ],
  ...['Content-Length: 5, 5\r\n', 'Transfer-Encoding: chunked\r\n', 'Transfer-Encoding: gzip, chunked\r\n'],
  ...[
    'Transfer-Encoding:\x0bchunked\r\n',
    'Transfer-Encoding : chunked\r\n',
    'transfer-encoding: Chunked\r\n',
  ],
  ...[
    'Connection: close\r\n',
    'Connection: keep-alive\r\n',
    'Connection: TE\r\n',
    'TE: trailers\r\n',
    ' folded\r\n',
  ],
  ...['Expect: 100-continue\r\n', 'X: \xe9\r\n', 'Upgrade: x\r\n', 'Trailer: X\r\n', 'chunked', 'identity'],
  ...[
    '0\r\n\r\n',
    '5\r\nhello\r\n',
    '5;a=b\r\nhello\r\n',
    '5 \r\nhello\r\n',
    '05\r\nhello\r\n',
    '0\r\nX: y\r\n\r\n',
    '-5',
    '0x5',
  ],
  ...[
    'hello',
    'FFFFFFFFFFFFFFFF',
    '9007199254740993',
    '18446744073709551621',
    '00000000000000000005',
    'e',
    'ff',
  ],
]

/** The text with a few places changed; `others` give parts of themselves. */
export function mutate(random: Random, text: string, others: readonly string[]): string {
  let mutated = text
  for (let changes = 1 + random.below(4); changes > 0; changes--) mutated = change(random, mutated, others)
  return mutated
}

function change(random: Random, text: string, others: readonly string[]): string {
  const from = random.below(text.length + 1)
  const to = Math.min(text.length, from + random.below(8))
  const [before, part, behind] = [text.slice(0, from), text.slice(from, to), text.slice(to)]
  switch (random.below(8)) {
    case 0:
      return before + behind
    case 1:
      return before + part + part + behind
    case 2:
      return before + random.of(MORSELS) + behind
    case 3:
      return before + random.of(MORSELS) + part + behind
    case 4:
      return before + String.fromCharCode(random.below(256)) + text.slice(from + 1)
    case 5:
      return (
        before +
        part.replace(/[A-Za-z]/g, letter => String.fromCharCode(letter.charCodeAt(0) ^ 0x20)) +
        behind
      )
    case 6:
      return lineMoved(random, text)
    default: {
      const other = random.of(others)
      return before + other.slice(random.below(other.length))
    }
  }
}

/** A line is taken to another place, or doubled. */
function lineMoved(random: Random, text: string): string {
  const lines = text.split('\r\n')
  const [line] = random.once(2) ? lines.splice(random.below(lines.length), 1) : [random.of(lines)]
  lines.splice(random.below(lines.length + 1), 0, line)
  return lines.join('\r\n')
}
