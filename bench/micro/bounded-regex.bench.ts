/**
 * Matching the path of a request in bounded time, beside the engine of V8; and the path that an attacker would send,
 * on which V8 would not come back.
 */
import { BoundedRegex } from '../../src/base/bounded-regex.ts'
import type { Suite } from './harness.ts'

const PATHS: readonly [source: string, path: string][] = [
  ['^/user/(\\d+)(.*)$', '/user/1234/profile/pictures'],
  ['^/blog/(\\d{4})/(\\d{2})/([\\w-]+)(?:\\.html)?$', '/blog/2026/11/how-we-built-it.html'],
  ['\\.(jpe?g|png|gif)$', '/static/images/chair-oak-large.jpeg'],
]

const attack = new BoundedRegex('(x+x+)+y')
const attackPath = 'x'.repeat(8192)

const suite: Suite = {
  title: 'match a path',
  cases: [
    ...PATHS.flatMap(([source, path]) => {
      const own = new BoundedRegex(source)
      const native = new RegExp(source)
      return [
        { name: `V8 ${source}`, run: () => native.exec(path) },
        { name: `bounded ${source}`, run: () => own.match(path) },
      ]
    }),
    { name: 'bounded (x+x+)+y on 8 KB of x', run: () => attack.match(attackPath) },
  ],
}

export default suite
