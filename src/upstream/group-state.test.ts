/**
 * The servers of groups as data: what is told, and how much at most.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { groupStates } from './group-state.ts'

const server = (label: string) => ({
  address: { label } as never,
  state: 'in',
  out: false,
  busy: 2,
  weight: 0.5,
})

test('each server with its state, busy and weight', () => {
  assert.deepEqual(groupStates([{ options: { name: 'a' }, endpoints: [server('a:1')] }]), [
    { name: 'a', servers: [{ address: 'a:1', state: 'in', out: false, busy: 2, weight: 0.5 }] },
  ])
})

test('servers beyond the limit are left out, and it is done before anybody sends it', () => {
  const endpoints = Array.from({ length: 100_000 }, (_, index) => server(`server-${index}.example.com:80`))
  const groups = groupStates([
    { options: { name: 'a' }, endpoints },
    { options: { name: 'b' }, endpoints: [server('b:1')] },
  ])
  assert.deepEqual(
    groups.map(({ name }) => name),
    ['a'],
  )
  const text = groups[0].servers.map(({ address, state }) => address + state).join('')
  assert.ok(text.length > 400_000 && text.length <= 500_000, `${text.length}`)
})
