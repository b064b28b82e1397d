/**
 * What compressing costs: the decisions of an answer, 2 KB in place, and a page of 100 KB at each level that is worth a
 * thought. The names carry the size that comes out, so that size and time stand in one table.
 */
import { type ContentCoding, chooseCoding } from '../../src/http/content-coding.ts'
import { HeaderList } from '../../src/http/header-list.ts'
import type { ResponseHead } from '../../src/http/message.ts'
import { judge, markCoded } from '../../src/layers/coded-head.ts'
import { ENCODINGS } from '../../src/layers/compress.ts'
import { compressInPlace, LEVELS } from '../../src/layers/compressors.ts'
import { DEFAULT_TYPES, typeMatcher } from '../../src/layers/media-types.ts'
import type { Case, Suite } from './harness.ts'

const WORDS =
  'oak chair with four legs and a seat of woven reed made by hand in small numbers and sent within a week'.split(
    ' ',
  )

/** Text in which words come back as they do in pages, the same each time. */
function text(bytes: number, line: (word: () => string, number: number) => string): Buffer {
  let state = 7
  const random = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return (state >> 8) % below
  }
  const word = () => `${WORDS[random(WORDS.length)]}${random(3) === 0 ? random(1000) : ''}`
  let whole = ''
  while (whole.length < bytes) whole += line(word, random(100_000))
  return Buffer.from(whole.slice(0, bytes))
}

const page = text(
  102_400,
  (word, number) =>
    `<li class="item"><a href="/chairs/${number}">${word()} ${word()} ${word()} ${word()}</a> <b>${number % 999} €</b></li>\n`,
)
const json = text(
  2048,
  (word, number) => `{"id":${number},"name":"${word()} ${word()}","stock":${number % 9}},`,
)

const LEVELS_SHOWN: Readonly<Record<ContentCoding, readonly number[]>> = {
  gzip: [1, 4, 5, 6, 9],
  br: [1, 4, 5, 6, 9],
  zstd: [1, 3, 5, 9],
}

const at = (body: Buffer, coding: ContentCoding, level: number): Case => {
  const size = compressInPlace(coding, level, body).length
  return {
    name: `${body === page ? 'page of 100 KB' : 'JSON of 2 KB'}, ${coding} ${level}: ${size} bytes`,
    run: () => compressInPlace(coding, level, body),
  }
}

const matches = typeMatcher(DEFAULT_TYPES)
const answer = HeaderList.from([
  ['Date', 'Sun, 06 Nov 1994 08:49:37 GMT'],
  ['Content-Type', 'text/html; charset=utf-8'],
  ['Content-Length', '102400'],
  ['Cache-Control', 'max-age=60'],
  ['ETag', '"5f3c-1a2b"'],
  ['Server', 'origin'],
])

const suite: Suite = {
  title: 'compressing an answer',
  cases: [
    { name: 'choosing the coding', run: () => chooseCoding('gzip, deflate, br, zstd', ENCODINGS) },
    {
      name: 'judging and editing the head',
      run: () => {
        const head: ResponseHead = { status: 200, reason: 'OK', version: 11, headers: answer.copy() }
        if (judge(head, matches, 1024) === 'code') markCoded(head, 'gzip')
        return head
      },
    },
    ...ENCODINGS.map(coding => at(json, coding, LEVELS[coding].usual)),
    ...ENCODINGS.flatMap(coding => LEVELS_SHOWN[coding].map(level => at(page, coding, level))),
  ],
}

export default suite
