/**
 * The `errorPages` layer in a config: pages by status, out of files or written in place.
 * Strategy: files are read once, when the layer is built; a file that is missing is a fault of the config.
 */
import { readFileSync, statSync } from 'node:fs'
import { extname, resolve } from 'node:path'
import { z } from 'zod'
import { type ErrorPage, errorPagesLayer } from '../../layers/error-pages.ts'
import { escapingFor } from '../../layers/template.ts'
import { didYouMean } from '../nearest.ts'
import { checkVariables } from '../patterns.ts'
import { messageOf, PlacedFault } from '../problems.ts'
import { count, fields, object, text, wrongType } from '../schema-parts.ts'
import { layerConfig } from './layer-config.ts'

const PAGE_BYTES_MAX = 1_048_576

/** Media types of pages by the ending of their file. */
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.htm': 'text/html; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
  '.md': 'text/markdown; charset=utf-8',
  '.json': 'application/json',
  '.xml': 'application/xml',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.gif': 'image/gif',
  '.webp': 'image/webp',
}
const TEXT = 'text/plain; charset=utf-8'

const pageSchema = object(
  {
    file: text(
      'the name of a file',
      './404.html',
      value => {
        if (value === '' || value.includes('\0'))
          throw new RangeError(
            `${JSON.stringify(value)} is not the name of a file: write for example "./404.html"`,
          )
      },
      { description: 'File with the page, relative to the config; its ending says the type. At most 1 MB.' },
    ).optional(),
    body: text('text', '<h1>Not here</h1>', value => checkVariables(value, 'response'), {
      description: 'The page itself; plain text unless headers say its content-type. May hold variables.',
    }).optional(),
    status: count('Status in the place of the one that the answer had.', 200, 200, 599).optional(),
    headers: fields.optional().meta({ description: 'Fields of the answer, content-type among them.' }),
    onlyIfAccepted: z
      .boolean({ error: wrongType('true or false', 'true') })
      .optional()
      .meta({ description: 'true: only for clients whose Accept takes the type of the page.' }),
  },
  'an error page',
  "{ file: './404.html' }",
).superRefine(({ file, body }, context) => {
  if (file === undefined && body === undefined)
    context.addIssue({ code: 'custom', message: "nothing to send: write file: './404.html' or body: '...'" })
  else if (file !== undefined && body !== undefined)
    context.addIssue({
      code: 'custom',
      path: ['body'],
      message: 'file and body in one page: keep one of them',
    })
})

type PageData = z.output<typeof pageSchema>

const statusKey = z
  .string()
  .superRefine((key, context) => {
    if (/^[45](?:\d\d|xx)$/.test(key)) return
    const message = `${JSON.stringify(key)} is not what errors are called here: write a status such as "404", or "4xx" or "5xx"`
    context.addIssue({ code: 'custom', message })
  })
  .meta({ pattern: '^[45]([0-9][0-9]|xx)$', examples: ['404', '5xx'] })

const schema = z
  .record(statusKey, pageSchema, {
    error: wrongType('a set of error pages', "{ 404: { file: './404.html' } }"),
  })
  .meta({ description: 'Pages in the place of 4xx and 5xx answers, by status ("404") or by kind ("5xx").' })

export const errorPagesConfig = layerConfig(schema, (pages, { folder }) =>
  errorPagesLayer(
    Object.fromEntries(Object.entries(pages).map(([key, page]) => [key, readPage(key, page, folder)])),
  ),
)

function readPage(key: string, page: PageData, folder: string): ErrorPage {
  const { file, body = '', ...rest } = page
  if (file === undefined) return { ...rest, body, contentType: TEXT }
  const at = ['errorPages', key, 'file']
  const typed = Object.entries(page.headers ?? {}).find(([name]) => name.toLowerCase() === 'content-type')
  const contentType = typed?.[1] ?? TYPES[extname(file).toLowerCase()]
  if (contentType === undefined) {
    const endings = didYouMean(extname(file).toLowerCase(), Object.keys(TYPES))
    throw new PlacedFault(
      at,
      `"${file}": its ending does not say its type (${endings}): write headers: { 'content-type': '...' }`,
    )
  }
  const content = readFile(file, resolve(folder, file), at)
  if (escapingFor(contentType) !== null) {
    const message = messageOf(() => checkVariables(content.toString(), 'response'))
    if (message !== null) throw new PlacedFault(at, `${file}: ${message}`)
  }
  return { ...rest, body: content, contentType }
}

function readFile(name: string, path: string, at: readonly string[]): Buffer {
  try {
    const { size } = statSync(path)
    if (size <= PAGE_BYTES_MAX) return readFileSync(path)
    throw new PlacedFault(at, `"${name}" has ${size} bytes: a page has at most ${PAGE_BYTES_MAX}`)
  } catch (error) {
    if (error instanceof PlacedFault) throw error
    const { code } = error as NodeJS.ErrnoException
    const why =
      code === 'ENOENT'
        ? 'there is no such file'
        : code === 'EISDIR'
          ? 'this is a folder'
          : `it cannot be read (${code})`
    throw new PlacedFault(at, `"${name}": ${why}: looked for ${path}`)
  }
}
