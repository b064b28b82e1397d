/** A site that runs for good: workers, health, retries, passwords, compression, WebSockets, pages for bad moments. */
import { basicAuth, bodyLimit, compress, cors, defineConfig, errorPages, headers, ipAllow } from 'sluice'

const pages = errorPages({
  '5xx': { body: 'Something is wrong on our side ({status}). Please try again.\n' },
})

export default defineConfig({
  workers: 'auto',
  upstreams: {
    // Two servers and a backup; a browser stays with its server, and one that fails is left out until it is well.
    shop: {
      servers: [
        '127.0.0.1:9000',
        { address: '127.0.0.1:9001', weight: 2 },
        { address: '127.0.0.1:9009', priority: 2 },
      ],
      balance: 'sticky',
      check: { path: '/health', interval: '5s' },
      slowStart: '30s',
    },
    // Reading may be asked for again, a write never is.
    api: {
      servers: ['127.0.0.1:9100', '127.0.0.1:9101', '127.0.0.1:9102'],
      balance: 'random-two',
      retry: { on: ['connect', 'reset', 'timeout', 503], tryTimeout: '2s' },
    },
    chat: { servers: ['127.0.0.1:9200', '127.0.0.1:9201'], balance: { hash: { cookie: 'room' } } },
  },
  listeners: [
    {
      listen: '127.0.0.1:8080',
      trust: ['10.0.0.0/8'],
      routes: [
        {
          path: '/admin/*',
          layers: [
            ipAllow(['10.0.0.0/8', '127.0.0.1']),
            // The password is "only an example".
            basicAuth({
              realm: 'staff only',
              users: {
                alice:
                  '$scrypt$ln=14,r=8,p=1$sOWFZ3iFBywtYCsZ3IVYew$4IHSf2fMd6gofjaYXoWmyJBHaKuiFbK0BIKWUgDweW8',
              },
            }),
          ],
          to: 'shop',
        },
        {
          path: '/api/*',
          layers: [
            cors({ origins: ['https://app.example.com'], methods: ['GET', 'PUT', 'DELETE'] }),
            bodyLimit('1MB'),
            compress(),
          ],
          timeouts: { head: '5s', total: '20s' },
          to: 'api',
        },
        { path: '/chat', to: 'chat' },
        {
          layers: [pages, compress(), headers({ request: { set: { 'x-request-id': '{id}' } } })],
          to: 'shop',
        },
      ],
    },
  ],
  log: { format: 'json' },
})
