/** One server behind one address: `sluice run --config examples/minimal.config.ts`. */
import { defineConfig } from 'sluice'

export default defineConfig({
  upstreams: { app: '127.0.0.1:9000' },
  listeners: [{ listen: '127.0.0.1:8080', routes: [{ to: 'app' }] }],
})
