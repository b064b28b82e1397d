/**
 * A reload while WebSockets are open: they go on at the workers they have, and are closed in order when the time is over.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Reloadable } from '../support/reloadable.ts'
import { openWebSocket, startWebSocketOrigin } from '../support/web-sockets.ts'

test('WebSockets go on through a reload, new ones get the new config, and the old ones hear 1001', async t => {
  const [before, after] = [await startWebSocketOrigin(t), await startWebSocketOrigin(t)]
  const config = (to: string) => ({
    upstreams: { chat: to },
    listeners: [{ listen: '127.0.0.1:0', routes: [{ to: 'chat' }] }],
    log: { format: 'off' },
    drainTimeout: '3s',
  })
  const program = new Reloadable(t, config(before.address), ['--workers', '2'])
  const place = { port: Number(new URL(await program.sluice.url()).port) }
  const old = await Promise.all([1, 2, 3, 4].map(() => openWebSocket(t, place)))
  const servers = await before.talkers.count(4)

  await program.reload(config(after.address))
  for (const end of [...old, ...servers]) end.socket.send('still here')
  for (const end of [...old, ...servers]) assert.equal(await end.text(0), 'still here')
  const fresh = await openWebSocket(t, place)
  fresh.socket.send('hello')
  assert.equal(await (await after.talkers.at(0)).text(0), 'hello')

  for (const end of [...old, ...servers]) assert.equal((await end.closed()).code, 1001)
  assert.equal(fresh.socket.readyState, fresh.socket.OPEN)
  assert.doesNotMatch(program.sluice.stderr, / cut after /)
})
