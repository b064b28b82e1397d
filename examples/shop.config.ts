/** Two sites behind one address; shop.config.yaml and shop.config.json say the same. */
import { compress, defineConfig, headers } from 'sluice'

export default defineConfig({
  upstreams: {
    shop: {
      servers: ['127.0.0.1:9000', { address: '127.0.0.1:9001', weight: 2 }],
      balance: 'least-busy',
      retryFor: '5s',
    },
    assets: '127.0.0.1:9002',
  },
  listeners: [
    {
      listen: '127.0.0.1:8080',
      timeouts: { head: '10s', idle: '60s' },
      routes: [
        {
          host: 'shop.example.com',
          path: '/static/*',
          method: ['GET', 'HEAD'],
          layers: [compress()],
          to: 'assets',
        },
        {
          host: ['shop.example.com', 'www.shop.example.com'],
          layers: [headers({ response: { set: { 'x-served-by': 'sluice' }, remove: ['server'] } })],
          to: 'shop',
        },
        { host: 'old.example.com', redirect: { to: 'https://shop.example.com{path}{query}', status: 308 } },
        { path: '/health', respond: 'fine' },
      ],
    },
  ],
  log: { format: 'json' },
  drainTimeout: '30s',
})
