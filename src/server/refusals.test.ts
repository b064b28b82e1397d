/** Every request that the codec's cases refuse is refused on a connection too: answered, ended, never passed on. */
import assert from 'node:assert/strict'
import { REQUEST_CASES, type RequestCase } from '../../test/fuzz/request-cases.ts'
import { conversation, GET } from '../../test/support/playbook.ts'
import type { ErrorCode } from '../base/errors.ts'

/** These are understood well enough for the connection to go on. */
const KEPT: ReadonlySet<string> = new Set(['unknown_expectation', 'method_not_served'])

const refused = REQUEST_CASES.filter(
  (each): each is RequestCase & { gives: ErrorCode } => typeof each.gives === 'string',
)

for (const { clause, text, gives } of refused)
  conversation(`refused: ${clause}`, {}, ({ client, servers }) => {
    client.sends(text + GET.join('\r\n'))
    const mayGoOn = KEPT.has(gives) && !/^M{33}/.test(text)
    if (!mayGoOn) client.getsError(gives)
    else assert.match(client.takes(), new RegExp(`^sluice: ${gives}$`, 'm'))
    assert.equal(client.connection.ended, !mayGoOn)
    assert.equal(servers.asked.length, mayGoOn ? 1 : 0)
  })
