import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listenFault } from './listen-fault.ts'

const fault = (code: string, rest: Record<string, unknown>, platform = 'linux'): string =>
  listenFault(Object.assign(new Error(`listen ${code}`), { code, ...rest }), platform)

const CASES: [told: string, wanted: string][] = [
  [
    fault('EADDRINUSE', { address: '127.0.0.1', port: 8080 }),
    "cannot listen on 127.0.0.1:8080: another program has the port; see which: ss -ltnp 'sport = :8080'",
  ],
  [
    fault('EADDRINUSE', { address: '::', port: 8080 }, 'darwin'),
    'cannot listen on [::]:8080: another program has the port; see which: lsof -nP -iTCP:8080 -sTCP:LISTEN',
  ],
  [
    fault('EACCES', { address: '::', port: 80 }),
    'cannot listen on [::]:80: ports below 1024 need a right of their own: take a port from 1024 on, or allow it: sudo setcap cap_net_bind_service=+ep "$(readlink -f "$(command -v node)")"',
  ],
  [
    fault('EADDRNOTAVAIL', { address: '192.0.2.1' }),
    'cannot listen on 192.0.2.1:0: this machine has no address 192.0.2.1; see which it has: ip address',
  ],
  [
    fault('EAFNOSUPPORT', { address: '::1', port: 1 }),
    'cannot listen on [::1]:1: this machine speaks no IPv6: write the address as 0.0.0.0',
  ],
  [
    fault('EADDRINUSE', { address: '/run/a.sock', port: -1 }),
    'cannot listen on unix:/run/a.sock: another program listens there; see which: lsof /run/a.sock',
  ],
  [fault('ENOENT', { address: 'no/a.sock' }), 'cannot listen on unix:no/a.sock: that folder is not there'],
  [
    fault('EACCES', { address: '/run/a.sock', port: -1 }),
    'cannot listen on unix:/run/a.sock: the user that runs sluice may not write in that folder',
  ],
  [
    fault('EACCES', { address: '/no/such/folder/a.sock', port: -1 }),
    'cannot listen on unix:/no/such/folder/a.sock: that folder is not there',
  ],
  [
    fault('EADDRINUSE', { address: '/dev/null', port: -1 }),
    'cannot listen on unix:/dev/null: something that is not a socket stands there: remove it, or take another path',
  ],
  [
    fault('ENOTFOUND', { hostname: 'no.such.host' }),
    'cannot listen on no.such.host: the name does not resolve: write an IP address of this machine',
  ],
  [
    fault('EMFILE', { address: '::', port: 1 }),
    'cannot listen on [::]:1: no file descriptor is left: raise the limit (ulimit -n), or take fewer workers',
  ],
  [fault('ENOBUFS', { address: '::', port: 1 }), 'cannot listen on [::]:1: listen ENOBUFS'],
  [fault('ENOBUFS', {}), 'cannot listen: listen ENOBUFS'],
]

test('why an address cannot be listened on, and what to do', () => {
  for (const [told, wanted] of CASES) assert.equal(told, wanted)
})
