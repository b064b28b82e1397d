/** One line of the access log in each format: what logging adds to an exchange beside writing the bytes. */
import { systemClock } from '../../src/base/clock.ts'
import type { ExchangeRecord } from '../../src/exchange/observer.ts'
import { type LogFormat, lineFormatter } from '../../src/layers/access-log.ts'
import type { Suite } from './harness.ts'

const record: ExchangeRecord = {
  client: { address: '192.0.2.9', port: 50_000, listener: '127.0.0.1:8080' },
  exchange: null,
  method: 'GET',
  target: '/chairs/oak?page=2',
  refusedHead: '',
  host: 'shop.example.com',
  status: 200,
  requestBytes: 0,
  responseBytes: 1024,
  durationMs: 1.234,
  upstream: '127.0.0.1:9000',
  attempts: 1,
  retried: null,
  queueMs: 0,
  connectMs: 0,
  firstByteMs: 11,
  cache: '',
  cacheWhy: '',
  user: '',
  error: '',
  detail: '',
}

const formats: readonly LogFormat[] = ['short', 'combined', 'json']

const suite: Suite = {
  title: 'one line of the access log',
  cases: formats.map(format => {
    const line = lineFormatter(format, systemClock)
    return { name: format, run: () => line(record) }
  }),
}

export default suite
