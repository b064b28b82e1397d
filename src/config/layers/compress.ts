/**
 * The `compress` layer in a config.
 */
import { parseSize } from '../../base/units.ts'
import type { ContentCoding } from '../../http/content-coding.ts'
import { COMPRESS_DEFAULTS, compressLayer, ENCODINGS } from '../../layers/compress.ts'
import { LEVELS } from '../../layers/compressors.ts'
import { checkTypePattern } from '../../layers/media-types.ts'
import { choice, count, list, object, size, text } from '../schema-parts.ts'
import { layerConfig } from './layer-config.ts'

const level = (coding: ContentCoding, name: string) => {
  const { least, most, usual } = LEVELS[coding]
  return count(`Of ${name}, ${least} (fast) to ${most} (small).`, usual, least, most).optional()
}

const schema = object(
  {
    encodings: list(choice('A content coding.', ENCODINGS), 'content codings', "['br', 'gzip']")
      .optional()
      .meta({
        description: `Which are used, the first one for clients that take several alike; ${ENCODINGS.join(', ')} unless written.`,
      }),
    types: list(
      text('a media type', 'application/json', checkTypePattern),
      'media types',
      "['text/*', '+json']",
    )
      .optional()
      .meta({
        description:
          'Media types that are compressed: a type, a family `text/*` or a suffix `+json`. By default text in all its forms, scripts, fonts and pictures that are not packed already.',
      }),
    minimum: size('Content that is known to be shorter goes out as it is.', '1KB', 0).optional(),
    level: object(
      { gzip: level('gzip', 'gzip'), br: level('br', 'brotli'), zstd: level('zstd', 'zstd') },
      'levels by coding',
      '{ gzip: 6 }',
    )
      .optional()
      .meta({ description: 'How much time is spent to save bytes, by coding.' }),
  },
  'a set of options',
  "{ minimum: '1KB' }",
  {
    minimumSize: 'write minimum',
    threshold: 'write minimum',
    levels: 'write level',
    encoding: "write encodings, a list: ['br', 'gzip']",
    type: "write types, a list: ['text/*']",
  },
).meta({ description: 'Compresses answers for clients that take it.' })

export const compressConfig = layerConfig(schema, ({ minimum, ...options }) =>
  compressLayer({
    ...options,
    minimumBytes: minimum === undefined ? COMPRESS_DEFAULTS.minimumBytes : parseSize(minimum),
  }),
)
