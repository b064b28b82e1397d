/**
 * What it costs to find a server: `Group.begin` and `Group.pick` as each exchange calls them.
 * Strategy: groups of 3, 10 and 100 servers, nothing out and nothing tried; 1 024 requests in turn that differ in all
 * that a balancer may look at. Sticky clients have their cookie already.
 *
 *     ns, best round (the machine was not quiet)    3     10    100 servers
 *     round-robin                                  14     43    290
 *     least-busy                                   41    100    950
 *     random-two                                   53     72    440
 *     hash-client                                 120    200    960
 *     hash-uri                                    170    180   1100
 *     hash of a header                            475    475   1700
 *     hash of a cookie                            625    920   1100
 *     sticky                                      655    620    730
 *
 * Header and cookie pay for the search of the head: their names are not among those that the parser marks.
 */
import type { Exchange } from '../../src/exchange/exchange.ts'
import { HeaderList } from '../../src/http/header-list.ts'
import type { Endpoint } from '../../src/upstream/endpoint.ts'
import { Group } from '../../src/upstream/group.ts'
import { type Balance, GROUP_DEFAULTS, STICKY_DEFAULTS } from '../../src/upstream/options.ts'
import type { Suite } from './harness.ts'

const BALANCES: Readonly<Record<string, Balance>> = {
  'round-robin': 'round-robin',
  'least-busy': 'least-busy',
  'random-two': 'random-two',
  'hash-client': 'hash-client',
  'hash-uri': 'hash-uri',
  'hash of a header': { hash: { header: 'x-user' } },
  'hash of a cookie': { hash: { cookie: 'session' } },
  sticky: { sticky: STICKY_DEFAULTS },
}

function groupOf(balance: Balance, count: number): Group {
  const servers = Array.from({ length: count }, (_, number) => {
    const host = `10.0.0.${number}`
    return { host, port: 80, unixPath: '', basePath: '', label: host, weight: 1, priority: 1 }
  })
  return new Group({ ...GROUP_DEFAULTS, name: 'shop', balance, servers })
}

function requestOf(number: number, cookie: string): Exchange {
  const headers = HeaderList.from([
    ['Host', 'shop.example.com'],
    ['User-Agent', 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'],
    ['Accept', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'],
    ['Accept-Language', 'en-GB,en;q=0.5'],
    ['Accept-Encoding', 'gzip, deflate, br, zstd'],
    ['X-User', `user ${number}`],
    ['Cookie', `theme=dark; session=${number * 7919}${cookie}`],
  ])
  const request = { method: 'GET', target: '/', version: 11, headers }
  const clientAddress = `10.1.${number >> 8}.${number & 255}`
  // Only what a balancer may look at, and the reply that a cookie would go into.
  return {
    clientAddress,
    originTarget: `/items/${number}?page=1`,
    request,
    reply: null,
  } as unknown as Exchange
}

function pickingFrom(balance: Balance, count: number): () => Endpoint | null {
  const group = groupOf(balance, count)
  const cookie = '; sluice=K9L63PT5aabiu4hncJXTQH7U'
  const requests = Array.from({ length: 1_024 }, (_, number) => requestOf(number, cookie))
  let turn = 0
  return () => {
    const exchange = requests[turn++ & 1_023]
    group.begin(exchange)
    return group.pick(exchange, null)
  }
}

const suite: Suite = {
  title: 'begin and pick',
  cases: Object.entries(BALANCES).flatMap(([name, balance]) =>
    [3, 10, 100].map(count => ({ name: `${name}, ${count} servers`, run: pickingFrom(balance, count) })),
  ),
}

export default suite
