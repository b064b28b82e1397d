/**
 * The works: what the proxies are asked to do.
 * Strategy: one table. A work says what a request looks like and who drives it; everything else (rounds, pinning,
 * counting) is the same for all.
 */

export interface Work {
  readonly name: string
  /** One sentence for the reader of the table. */
  readonly title: string
  /**
   * wrk as fast as it goes · paced at half load · idle connections that are only held · WebSocket messages · all
   * connections ask for one cold URL at once, then for the next.
   */
  readonly driver: 'wrk' | 'paced' | 'idle' | 'websocket' | 'collapse'
  /** What the proxies stand before: files and fixed answers, a server that sends messages back, or one that takes its time. */
  readonly origin: 'files' | 'websocket' | 'slow'
  /** The proxy has a core to itself, or all cores together with load and origin. */
  readonly cores: 'apart' | 'shared'
  readonly method: string
  readonly path: string
  /** How many URLs the requests take in turn: 1 is `path` alone, with more a number stands behind it; Infinity: each its own. */
  readonly urls: number
  readonly headers: Readonly<Record<string, string>>
  /** Size of the request's body and of the answer's. */
  readonly bodyBytes: number
  readonly answerBytes: number
  /** What is answered. */
  readonly status: 200 | 304
  /** How often the origin may be asked while the load runs, or the run is invalid; null: nobody counts. */
  readonly asksOrigin: 'never' | 'each' | null
  /** The peer that the others are set against. */
  readonly against: 'nginx' | 'nginx+cache'
  readonly connections: number
  /** The peers that run it when none are named. */
  readonly peers: readonly string[]
  /** False: runs only when it is named. */
  readonly byDefault: boolean
}

/** Eight fields of ~600 bytes, as a browser sends them. */
const browserHeaders = {
  Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
  'Accept-Encoding': 'gzip, deflate, br, zstd',
  'Accept-Language': 'en-GB,en;q=0.9,de;q=0.8,fr;q=0.7',
  'User-Agent':
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36',
  Referer: 'http://shop.example.com/catalogue/chairs?page=2&sort=price',
  Cookie:
    'session=f3a9c1d27e5b48f0a6c2d9e8b7f10345; theme=dark; consent=analytics%3D0%26ads%3D0; cart=3-1182-77-40',
  'Sec-Fetch-Mode': 'navigate',
  'Upgrade-Insecure-Requests': '1',
}

// The Node proxies differ where their cost per message counts; moving bytes they are all far behind.
const fewPeers = ['sluice', 'nginx', 'haproxy', 'caddy']
const nodePeers = ['http-proxy', 'http-proxy-3', 'httpxy', 'fast-proxy', '@fastify/http-proxy']
const allPeers = [...fewPeers, ...nodePeers]

const kilobyte = 1024
const megabyte = 1024 * kilobyte

const plain: Omit<Work, 'name' | 'title'> = {
  driver: 'wrk',
  origin: 'files',
  cores: 'apart',
  method: 'GET',
  path: '/',
  urls: 1,
  headers: {},
  bodyBytes: 0,
  answerBytes: kilobyte,
  status: 200,
  asksOrigin: null,
  against: 'nginx',
  connections: 64,
  peers: fewPeers,
  byDefault: true,
}

// A megabyte on each of 64 connections would measure the memory of the machine; 16 keep the core just as busy.
const large = { connections: 16 }
const cachePeers = ['sluice+cache', 'nginx+cache', 'varnish', 'squid']
/** What the origin calls its answers under `/cache/`. */
export const cachedTag = '"5f3e-400"'
const hit = { path: '/cache/page', asksOrigin: 'never', against: 'nginx+cache', peers: cachePeers } as const
const upload = { ...large, path: '/upload', bodyBytes: megabyte }

export const WORKS: readonly Work[] = [
  { ...plain, name: '1k-plain', title: "1 KB answer, wrk's own header fields", peers: allPeers },
  {
    ...plain,
    name: '1k-browser',
    title: '1 KB answer, eight header fields as a browser sends them (~600 bytes)',
    headers: browserHeaders,
    peers: [...allPeers, 'sluice+log', 'sluice+layers'],
  },
  { ...plain, name: '64k', title: '64 KB file', path: '/64k', answerBytes: 64 * kilobyte },
  { ...plain, ...large, name: '1m', title: '1 MB file', path: '/1m', answerBytes: megabyte },
  { ...plain, ...upload, name: 'upload-1m', title: 'POST of 1 MB with Content-Length', method: 'POST' },
  {
    ...plain,
    ...upload,
    name: 'upload-1m-put',
    title: 'PUT of 1 MB with Content-Length',
    method: 'PUT',
    byDefault: false,
  },
  {
    ...plain,
    name: 'connection-per-request',
    title: '1 KB answer, a new client connection for every request',
    headers: { Connection: 'close' },
  },
  {
    ...plain,
    name: 'idle-5000',
    title: '5 000 client connections that made one request each and are kept',
    driver: 'idle',
    connections: 5_000,
  },
  {
    ...plain,
    name: 'half-load',
    title: "1k-browser at half of nginx's highest rate, paced, latency from the time each request was due",
    driver: 'paced',
    headers: browserHeaders,
    // Caddy's highest rate is less than half of nginx's.
    peers: ['sluice', 'nginx', 'haproxy'],
  },
  {
    ...plain,
    name: 'gzip-100k',
    title: 'HTML page of 100 KB, compressed with gzip at level 6 by the proxy',
    path: '/page.html',
    answerBytes: 100 * kilobyte,
    headers: { 'Accept-Encoding': 'gzip' },
    connections: 16,
    peers: ['sluice+gzip', 'nginx'],
  },
  {
    ...plain,
    name: 'websocket',
    title: 'WebSocket messages of 128 bytes, each sent back by the origin, on 64 connections',
    driver: 'websocket',
    origin: 'websocket',
    path: '/socket',
    answerBytes: 128,
    peers: ['sluice', 'nginx', 'haproxy'],
  },
  {
    ...plain,
    name: 'many-routes',
    title:
      '80 000 paths compared before the route that answers by itself: work for the proxy alone, on all cores',
    cores: 'shared',
    answerBytes: 5,
    peers: ['sluice+routes', 'sluice+routes×2'],
  },
  {
    ...plain,
    ...hit,
    name: 'cache-1k',
    title: "1 KB out of the cache, wrk's own header fields",
    peers: [...cachePeers, 'nginx+cache+files'],
  },
  {
    ...plain,
    ...hit,
    name: 'cache-1k-browser',
    title: '1 KB out of the cache, eight header fields as a browser sends them',
    headers: browserHeaders,
    byDefault: false,
  },
  {
    ...plain,
    ...hit,
    name: 'cache-64k',
    title: '64 KB out of the cache',
    peers: [...cachePeers, 'nginx+cache+files'],
    path: '/cached-64k',
    answerBytes: 64 * kilobyte,
  },
  {
    ...plain,
    ...hit,
    name: 'cache-304',
    title: 'If-None-Match with the tag of what is in the cache: 304',
    headers: { 'If-None-Match': cachedTag },
    answerBytes: 0,
    status: 304,
  },
  {
    ...plain,
    ...hit,
    name: 'cache-miss',
    title:
      '1 KB from the origin, to be stored, every request for another URL; the caches have room for 64 MB',
    path: '/cache/miss-',
    urls: Number.POSITIVE_INFINITY,
    asksOrigin: 'each',
    against: 'nginx',
    // Without a cache too: what a miss costs beyond a request that is only passed on.
    peers: ['sluice', 'nginx', ...cachePeers],
  },
  {
    ...plain,
    ...hit,
    name: 'cache-disk',
    title: '1 KB out of a cache on disk (in memory of the kernel, not of the proxy), 1 000 URLs in turn',
    path: '/cache/disk-',
    urls: 1_000,
    peers: ['sluice+disk', 'nginx+cache', 'nginx+cache+files'],
  },
  {
    ...plain,
    ...hit,
    name: 'cache-collapse',
    title:
      '1 000 connections ask at once for a URL that is not in the cache and takes the origin half a second',
    driver: 'collapse',
    origin: 'slow',
    path: '/cold-',
    urls: Number.POSITIVE_INFINITY,
    asksOrigin: null,
    connections: 1_000,
  },
]

const words =
  'proxy layer chair garden window paper river stone morning letter number silver quiet between'.split(' ')

/** What the origin answers at the path of a work: a page of words where compression counts. */
export function contentOf(work: Work): string {
  if (!work.path.endsWith('.html')) return 'x'.repeat(work.answerBytes)
  let seed = 1
  const random = (below: number) => {
    // The "minimal standard" generator: the same page in every run.
    seed = (seed * 48_271) % 2_147_483_647
    return seed % below
  }
  let page = '<!doctype html>\n<html lang="en">\n'
  while (page.length < work.answerBytes) {
    const text = Array.from({ length: 12 }, () => words[random(words.length)]).join(' ')
    page += `<p class="item-${random(1000)}"><a href="/item/${random(100_000)}">${text}</a></p>\n`
  }
  return page.slice(0, work.answerBytes)
}
