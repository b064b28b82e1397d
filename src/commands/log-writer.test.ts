import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mock, type TestContext, test } from 'node:test'
import { fileTarget, type LogSystem, LogWriter } from './log-writer.ts'

type Done = (error: NodeJS.ErrnoException | null, written: number) => void

/** A system whose writes end when the test says so. */
class FakeSystem implements LogSystem {
  /** What reached the files, by descriptor. */
  readonly files: Record<number, string> = { 1: '' }
  readonly complaints: string[] = []
  #waiting: { fd: number; bytes: Buffer; done: Done } | null = null
  #lastFd = 1

  write(fd: number, bytes: Buffer, offset: number, done: Done): void {
    assert.equal(this.#waiting, null, 'one write at a time')
    this.#waiting = { fd, bytes: bytes.subarray(offset), done }
  }

  open(): number {
    this.#lastFd++
    this.files[this.#lastFd] = ''
    return this.#lastFd
  }

  close(fd: number): void {
    this.files[fd] += '(closed)'
  }

  get busy(): boolean {
    return this.#waiting !== null
  }

  /** Ends the write under way: some bytes of it, all of them, or an error. */
  finish(result: { bytes?: number; error?: string } = {}): void {
    assert.ok(this.#waiting, 'a write is under way')
    const { fd, bytes, done } = this.#waiting
    this.#waiting = null
    if (result.error !== undefined) {
      done(Object.assign(new Error(result.error), { code: result.error }), 0)
      return
    }
    const taken = bytes.subarray(0, result.bytes ?? bytes.length)
    this.files[fd] += taken.toString()
    done(null, taken.length)
  }
}

function setUp(
  context: TestContext,
  path: string | null = null,
  pieceBytesMax = Number.POSITIVE_INFINITY,
): { system: FakeSystem; writer: LogWriter } {
  mock.timers.enable({ apis: ['setTimeout'] })
  context.after(() => mock.timers.reset())
  const system = new FakeSystem()
  const target = { name: path ?? 'stdout', fd: 1, path, pieceBytesMax }
  return { system, writer: new LogWriter(target, message => system.complaints.push(message), system) }
}

test('lines wait for each other and go in one write', context => {
  const { system, writer } = setUp(context)
  writer.write('a\n')
  writer.write('b\n')
  assert.ok(!system.busy)
  mock.timers.tick(100)
  system.finish()
  assert.equal(system.files[1], 'a\nb\n')
  mock.timers.tick(1000)
  assert.ok(!system.busy)
})

test('a large batch does not wait', context => {
  const { system, writer } = setUp(context)
  const line = `${'x'.repeat(999)}\n`
  for (let i = 0; i < 66; i++) writer.write(line)
  assert.ok(system.busy)
  writer.write('more\n')
  system.finish()
  assert.equal(system.files[1], line.repeat(66))
  mock.timers.tick(100)
  system.finish()
  assert.ok(system.files[1].endsWith('\nmore\n'))
})

test('a write that takes only a part goes on with the rest', context => {
  const { system, writer } = setUp(context)
  writer.write('abc\n')
  mock.timers.tick(100)
  system.finish({ bytes: 1 })
  system.finish({ bytes: 2 })
  system.finish()
  assert.equal(system.files[1], 'abc\n')
})

test('a reader without room is asked again, and nothing is lost', context => {
  const { system, writer } = setUp(context)
  writer.write('a\n')
  mock.timers.tick(100)
  for (let i = 0; i < 10; i++) {
    system.finish({ error: 'EAGAIN' })
    writer.write(`${i}\n`)
    assert.ok(!system.busy)
    // 1, 2, 4 … 32 ms
    mock.timers.tick(Math.min(2 ** i, 32) - 1)
    assert.ok(!system.busy)
    mock.timers.tick(1)
  }
  system.finish()
  mock.timers.tick(100)
  system.finish()
  assert.equal(system.files[1], `a\n${[0, 1, 2, 3, 4, 5, 6, 7, 8, 9].join('\n')}\n`)
  assert.deepEqual(system.complaints, [])
})

test('a reader that does not read costs lines beyond the limit, counted and told', context => {
  const { system, writer } = setUp(context)
  const line = `${'x'.repeat(1023)}\n`
  for (let i = 0; i < 10_000; i++) writer.write(line)
  // 65 KB are with the system, 8 MB are held.
  assert.equal(writer.droppedLines, 10_000 - 64 - 8192)
  while (system.busy) system.finish()
  assert.equal(system.files[1].length, (64 + 8192) * 1024)
  assert.deepEqual(system.complaints, ['log stdout: works again, 1744 lines were lost'])
  assert.equal(writer.droppedLines, 0)
})

test('a full disk is told once, and again when it has room', context => {
  const { system, writer } = setUp(context, '/var/log/a.log')
  for (let i = 0; i < 3; i++) {
    writer.write('lost 1\nlost 2\n')
    mock.timers.tick(100)
    system.finish({ error: 'ENOSPC' })
  }
  assert.deepEqual(system.complaints, [
    'log /var/log/a.log: the disk is full: lines are lost until it works again',
  ])
  writer.write('kept\n')
  mock.timers.tick(100)
  system.finish()
  assert.equal(system.files[1], 'kept\n')
  assert.equal(system.complaints[1], 'log /var/log/a.log: works again, 6 lines were lost')
})

test('a line that broke off is ended before the next one', context => {
  const { system, writer } = setUp(context)
  writer.write('abc\ndef\n')
  mock.timers.tick(100)
  system.finish({ bytes: 6 })
  system.finish({ error: 'EIO' })
  writer.write('ghi\n')
  mock.timers.tick(100)
  system.finish()
  assert.equal(system.files[1], 'abc\nde\nghi\n')
})

test('nobody reads any more: lines are lost, the program goes on', context => {
  const { system, writer } = setUp(context)
  for (let i = 0; i < 5; i++) {
    writer.write('a\n')
    mock.timers.tick(100)
    system.finish({ error: 'EPIPE' })
  }
  assert.deepEqual(system.complaints, [
    'log stdout: nobody reads it any more: lines are lost until it works again',
  ])
})

test('reopen changes the file between two writes', context => {
  const { system, writer } = setUp(context, '/var/log/a.log')
  writer.write('old\n')
  mock.timers.tick(100)
  writer.reopen()
  writer.reopen()
  writer.write('new\n')
  system.finish()
  mock.timers.tick(100)
  system.finish()
  assert.deepEqual(system.files, { 1: 'old\n(closed)', 2: '(closed)', 3: 'new\n' })
})

test('close writes what is left', async context => {
  const { system, writer } = setUp(context)
  writer.write('a\n')
  const closed = writer.close()
  system.finish()
  await closed
  assert.equal(system.files[1], 'a\n')
})

test('close does not wait for ever', async context => {
  const { system, writer } = setUp(context)
  writer.write('a\n')
  const closed = writer.close()
  writer.write('b\n')
  assert.ok(system.busy)
  mock.timers.tick(2000)
  await closed
  assert.deepEqual(system.complaints, ['log stdout: ends, 2 lines were lost'])
})

test('close with nothing to write', async context => {
  const { writer } = setUp(context)
  await writer.close()
})

test('a real file, moved away and opened again', async context => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-log-'))
  context.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'access.log')
  const writer = new LogWriter(fileTarget(path), message => assert.fail(message))
  writer.write('before\n')
  await new Promise(resolve => setTimeout(resolve, 150))
  renameSync(path, `${path}.1`)
  writer.write('between\n')
  writer.reopen()
  writer.write('after\n')
  await writer.close()
  assert.equal(readFileSync(`${path}.1`, 'utf8'), 'before\n')
  assert.equal(readFileSync(path, 'utf8'), 'between\nafter\n')
})

test('to a pipe of several writers go pieces of whole lines, none longer than a pipe takes whole', context => {
  const { system, writer } = setUp(context, null, 20)
  for (const line of ['one', 'twotwo', 'threethree', 'a line that is longer than that', 'last', 'x'])
    writer.write(`${line}\n`)
  mock.timers.tick(100)
  const pieces: string[] = []
  for (let before = ''; system.busy; before = system.files[1]) {
    system.finish()
    pieces.push(system.files[1].slice(before.length))
  }
  assert.deepEqual(pieces, [
    'one\ntwotwo\n',
    'threethree\n',
    'a line that is longer than that\n',
    'last\nx\n',
  ])
})

test('a pipe without room is asked again for the same piece', context => {
  const { system, writer } = setUp(context, null, 8)
  writer.write('first\n')
  writer.write('second\n')
  mock.timers.tick(100)
  system.finish({ error: 'EAGAIN' })
  mock.timers.tick(1)
  system.finish()
  assert.equal(system.files[1], 'first\n')
  system.finish()
  assert.equal(system.files[1], 'first\nsecond\n')
})

test('lost lines are counted also after they were told', context => {
  const { system, writer } = setUp(context)
  for (const line of ['a\n', 'b\n']) {
    writer.write(line)
    mock.timers.tick(100)
    system.finish(line === 'a\n' ? { error: 'ENOSPC' } : {})
  }
  assert.deepEqual([writer.droppedLines, writer.lostLines], [0, 1])
})
