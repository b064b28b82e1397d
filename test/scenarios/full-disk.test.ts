/**
 * A disk without room for the log: requests go on, what is lost is counted, and it is said when it works again.
 */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, symlinkSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { FULL_DISK, testWithFullDisk } from '../support/peers.ts'
import { folderWith, get, hello, lines, start } from '../support/program.ts'
import { until } from '../support/wait.ts'

testWithFullDisk('a full disk costs lines, not requests, and is told once', async context => {
  const cwd = folderWith()
  const file = join(cwd, 'access.log')
  symlinkSync(FULL_DISK, file)
  const to = await hello(context)
  const args = ['proxy', '--listen', '127.0.0.1:0', '--to', to, '--log', 'json', '--log-file', 'access.log']
  const sluice = start(context, args, { cwd })
  const url = await sluice.url()
  for (let i = 0; i < 3; i++) assert.equal((await get(`${url}/lost`)).status, 200)
  await sluice.said('stderr', /access\.log: the disk is full: lines are lost until it works again$/m)
  for (let i = 0; i < 3; i++) assert.equal((await get(`${url}/lost`)).status, 200)

  // Room again: what the name means now is another file.
  unlinkSync(file)
  symlinkSync(join(cwd, 'real.log'), file)
  sluice.signal('SIGUSR2')
  const real = join(cwd, 'real.log')
  await until(() => existsSync(real), 'the new file')
  assert.equal((await get(`${url}/kept`)).status, 200)
  const [, lost] = await sluice.said('stderr', /access\.log: works again, (\d+) lines were lost$/m)
  assert.equal(lines(readFileSync(real, 'utf8')).filter(line => line.includes('"/kept"')).length, 1)
  const kept = lines(readFileSync(real, 'utf8')).length
  assert.equal(Number(lost) + kept, 7)
  assert.equal(sluice.stderr.match(/the disk is full/g)?.length, 1)

  sluice.signal('SIGTERM')
  assert.equal(await sluice.ended, 0)
})
