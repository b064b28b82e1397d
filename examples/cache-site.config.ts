/** A site whose pages and files are answered from a store: in memory, and on a disk that outlives a restart. */
import { cache, compress, defineConfig } from 'sluice'

export default defineConfig({
  // sluice cache ls, show, purge and stats ask here; only this machine can.
  admin: '127.0.0.1:8079',
  upstreams: { shop: '127.0.0.1:9000' },
  listeners: [
    {
      listen: '127.0.0.1:8080',
      routes: [
        {
          path: '/static/*',
          // File names change with their content: what they are asked with changes nothing.
          layers: [cache({ disk: './cache', key: { query: 'none' } }), compress()],
          to: 'shop',
        },
        {
          layers: [
            cache({
              memory: '256MB',
              disk: './cache',
              // What is only for those who count visitors.
              key: { query: { without: ['utm_source', 'utm_medium', 'utm_campaign', 'gclid', 'fbclid'] } },
              // Nobody waits for a page to be made again.
              staleWhileRevalidate: '30s',
              rules: [{ status: 404, ttl: '10s' }],
            }),
            // Behind the cache: compressed once, and stored so.
            compress(),
          ],
          to: 'shop',
        },
      ],
    },
  ],
})
