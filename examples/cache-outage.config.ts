/** An API that goes on answering what it said last, while its servers fail or are gone. */
import { cache, defineConfig } from 'sluice'

export default defineConfig({
  upstreams: { api: { servers: ['127.0.0.1:9100', '127.0.0.1:9101'], connectTimeout: '1s' } },
  listeners: [
    {
      listen: '127.0.0.1:8080',
      routes: [
        {
          layers: [
            cache({
              // A second is enough for a thousand requests to become one.
              defaultTtl: '1s',
              // A server that answers 5xx, and no server at all.
              staleIfError: '10m',
              staleWhenDown: '24h',
              // Cookies of one client never come to another.
              setCookie: 'refuse',
            }),
          ],
          to: 'api',
        },
      ],
    },
  ],
})
