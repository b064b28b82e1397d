import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { storeSuite } from '../../test/support/store-suite.ts'
import { DiskStore } from './disk-store.ts'

storeSuite('a store on disk', async ({ bytesMax, variantsMax }) => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-disk-'))
  const lines: string[] = []
  const store = DiskStore.open({
    folder,
    bytesMax,
    variantsMax,
    space: 'test',
    warn: line => lines.push(line),
  })
  await store.ready
  return {
    store,
    settled: () => store.settled(),
    dispose: async () => {
      rmSync(folder, { recursive: true, force: true })
      if (lines.length > 0) throw new Error(lines.join('\n'))
    },
  }
})
