/**
 * Two sites behind one address: a shop on two servers, and an API beside it.
 * start.ts runs demo servers on free ports and names them in the environment.
 */
import { defineConfig, headers } from 'sluice'

const {
  LISTEN = '127.0.0.1:8080',
  SHOP_1 = '127.0.0.1:9001',
  SHOP_2 = '127.0.0.1:9002',
  API = '127.0.0.1:9003',
} = process.env

const throughSluice = headers({
  request: { set: { 'x-demo': 'quickstart' } },
  response: { set: { 'x-served-by': 'sluice' } },
})

export default defineConfig({
  upstreams: {
    shop: { servers: [SHOP_1, SHOP_2], balance: 'round-robin', headTimeout: '10s' },
    api: API,
  },
  listeners: [
    {
      listen: LISTEN,
      // Tried in this order; the first that matches takes the request.
      routes: [
        { host: 'api.localhost', layers: [throughSluice], to: 'api' },
        { path: '/api/*', layers: [throughSluice], to: 'api' },
        { path: '/old-shop', redirect: '/{query}' },
        { path: '/ping', respond: 'pong\n' },
        { layers: [throughSluice], to: 'shop' },
      ],
    },
  ],
  log: { format: 'short' },
  drainTimeout: '5s',
})
