/** An API under a path of its own, in front of a server that knows nothing of it; errors in the style of the house. */
import { bodyLimit, defineConfig, errorPages, headers, rewrite } from 'sluice'

const pages = errorPages({
  404: { file: './404.html', onlyIfAccepted: true },
  '5xx': { body: 'Something is wrong on our side ({status}, {id}). Please try again.\n' },
})

export default defineConfig({
  upstreams: { api: '127.0.0.1:9000', site: '127.0.0.1:9001' },
  listeners: [
    {
      listen: '127.0.0.1:8080',
      routes: [
        {
          path: '/api/*',
          layers: [
            bodyLimit('10MB'),
            rewrite({ stripPrefix: '/api' }),
            headers({
              request: { set: { 'x-request-id': '{id}', 'x-original-uri': '{uri}' } },
              response: { set: { 'x-served-by': '{upstream}' } },
            }),
          ],
          to: 'api',
        },
        { path: '/login', redirect: '/account?from={header.referer}&{query}' },
        {
          layers: [pages, rewrite({ regex: '^/blog/(\\d{4})/([\\w-]+)$', to: '/posts?year=$1&name=$2' })],
          to: 'site',
        },
      ],
    },
  ],
})
