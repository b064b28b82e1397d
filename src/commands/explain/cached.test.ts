import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startedCache } from '../../../test/support/cached.ts'
import { systemClock } from '../../base/clock.ts'
import { HeaderList } from '../../http/header-list.ts'
import { explainedCache } from './cached.ts'
import type { Step } from './dry-run.ts'

const step = (written: string): Step => ({
  route: [],
  at: 0,
  method: 'GET',
  host: 'shop.example',
  hostPort: '',
  originTarget: '/',
  headers: HeaderList.from([['Host', written]]),
  forwardedLines: '',
  hasBody: false,
  upgrade: '',
  fields: [],
})

test('which variant a request gets is asked of what serves it: the host as it was written counts', () => {
  const cache = startedCache({}, systemClock)
  const of = (written: string) => explainedCache(cache, step(written), '', '').extras
  assert.equal(of('shop.example'), '')
  assert.notEqual(of('shop.example.'), '')
})
