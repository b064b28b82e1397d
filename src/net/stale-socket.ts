/**
 * A unix socket outlives its process as a file. It is removed when nobody answers behind it.
 */
import fs from 'node:fs'
import net from 'node:net'

export async function removeStaleSocket(path: string): Promise<void> {
  const alive = await new Promise<boolean>(resolve => {
    const probe = net.connect({ path })
    probe.on('connect', () => {
      probe.destroy()
      resolve(true)
    })
    probe.on('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED'))
  })
  // Another process may have found it stale as well.
  if (!alive && fs.lstatSync(path, { throwIfNoEntry: false })?.isSocket()) fs.rmSync(path, { force: true })
}
