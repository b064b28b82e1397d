/** Reading heads: the largest single piece of JavaScript in a proxied request. */

import { parseRequestHead, parseResponseHead } from '../../src/http1/head-parser.ts'
import { LIMITS } from '../../src/http1/limits.ts'
import type { Suite } from './harness.ts'
import { BROWSER_REQUEST, RESPONSE_1K, SMALL_REQUEST } from './messages.ts'

const suite: Suite = {
  title: 'parse a head',
  cases: [
    {
      name: `request of a browser, ${BROWSER_REQUEST.length} bytes`,
      run: () => parseRequestHead(BROWSER_REQUEST, 0, BROWSER_REQUEST.length, LIMITS),
    },
    {
      name: `small request, ${SMALL_REQUEST.length} bytes`,
      run: () => parseRequestHead(SMALL_REQUEST, 0, SMALL_REQUEST.length, LIMITS),
    },
    { name: 'response', run: () => parseResponseHead(RESPONSE_1K, 0, RESPONSE_1K.length, LIMITS) },
  ],
}

export default suite
