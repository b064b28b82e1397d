/**
 * Edits of a head as layers make them, on the head of a browser's request: each case makes the list anew, so the
 * first one, a list that nobody edits, is what the others are to be compared with.
 */
import type { Exchange } from '../../src/exchange/exchange.ts'
import { recogniseName } from '../../src/http/field-names.ts'
import type { HeaderList } from '../../src/http/header-list.ts'
import { parseRequestHead } from '../../src/http1/head-parser.ts'
import { LIMITS } from '../../src/http1/limits.ts'
import { type HeaderEdits, headersLayer } from '../../src/layers/headers.ts'
import type { Suite } from './harness.ts'
import { BROWSER_REQUEST } from './messages.ts'

const parsed = parseRequestHead(BROWSER_REQUEST, 0, BROWSER_REQUEST.length, LIMITS)
if (parsed === null) throw new Error('the request of the bench is not whole')
const { headers } = parsed
const known = recogniseName('Via')
const { text } = headers

function edited(edits: HeaderEdits): () => unknown {
  const layer = headersLayer({ request: edits })
  const handler = layer({ handle() {} })
  return () => {
    const list = headers.copy()
    handler.handle({ request: { method: 'GET', target: '/', version: 11, headers: list } } as Exchange)
    return list.textWithout(0)
  }
}

const suite: Suite = {
  title: `edits of ${headers.entries().length} fields, ${text.length} bytes`,
  cases: [
    { name: 'none', run: () => headers.copy().textWithout(0) },
    { name: 'set a name that is not there', run: edited({ set: { 'X-Served-By': 'sluice' } }) },
    { name: 'set a name that is there', run: edited({ set: { 'User-Agent': 'sluice' } }) },
    { name: 'remove a name that is not there', run: edited({ remove: ['X-Powered-By'] }) },
    { name: 'remove a name that is there', run: edited({ remove: ['Accept-Language'] }) },
    { name: 'add', run: edited({ add: { 'X-Served-By': 'sluice' } }) },
    {
      name: 'set with two variables',
      run: edited({ set: { 'X-Asked': '{method} for {header.accept-language}' } }),
    },
    {
      name: 'five sets',
      run: edited({ set: { 'X-1': '1', 'X-2': '2', 'X-3': '3', 'X-4': '4', 'X-5': '5' } }),
    },
    { name: 'remove two of a set of names', run: () => without(headers.copy()) },
    { name: 'ask for a name that is not there', run: () => headers.copy().get('CDN-Cache-Control') },
    { name: 'a line of the program', run: () => added(headers.copy()) },
  ],
}

const CONNECTION_NAMES = new Set(['accept-language', 'upgrade-insecure-requests', 'keep-alive'])

function without(list: HeaderList): string {
  list.removeAll(CONNECTION_NAMES)
  return list.textWithout(0)
}

function added(list: HeaderList): string {
  list.addChecked('Via', known, '1.1 sluice')
  return list.textWithout(0)
}

export default suite
