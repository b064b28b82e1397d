import assert from 'node:assert/strict'
import { ChildProcess } from 'node:child_process'
import { test } from 'node:test'
import type { WorkerEvents } from '../server/generation.ts'
import type { Prepared } from './messages.ts'
import { startWorker } from './worker-process.ts'

const { execPath } = process

/** How a worker ended whose program is this. */
function endOf(program: string): Promise<string> {
  process.execPath = program
  const unexpected = () => assert.fail('it cannot say anything')
  return new Promise(resolve => {
    const events: WorkerEvents<Prepared> = {
      prepared: unexpected,
      refused: unexpected,
      listening: unexpected,
      stopped: unexpected,
      counted: unexpected,
      removed: unexpected,
      ended: resolve,
    }
    const worker = startWorker(['run'], events)
    worker.prepare()
    worker.kill()
    process.execPath = execPath
  })
}

// The second is a fault that Node throws, and the first one that it tells later.
for (const program of ['/no/such/program', '/dev/null/program'])
  test(`a worker that cannot be made (${program}) has ended, and the supervisor goes on`, async t => {
    const kill = t.mock.method(ChildProcess.prototype, 'kill', () => false)
    assert.match(await endOf(program), /^spawn .*(ENOENT|ENOTDIR)/)
    assert.equal(kill.mock.callCount(), 0, 'no process is signalled')
  })
