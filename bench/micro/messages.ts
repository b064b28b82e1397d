/** The messages that the micro benches read and write: what browsers and servers really send. */

export const BROWSER_REQUEST = Buffer.from(
  [
    'GET /chairs/oak?page=2 HTTP/1.1',
    'Host: shop.example.com',
    'Connection: keep-alive',
    'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36',
    'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
    'Referer: https://shop.example.com/chairs/',
    'Accept-Encoding: gzip, deflate, br, zstd',
    'Accept-Language: en-GB,en;q=0.9,de;q=0.8',
    'Cookie: session=0123456789abcdef0123456789abcdef; theme=dark; consent=yes',
    '',
    '',
  ].join('\r\n'),
  'latin1',
)

export const SMALL_REQUEST = Buffer.from('GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n', 'latin1')

const responseHead = [
  'HTTP/1.1 200 OK',
  'Server: nginx/1.22.1',
  'Date: Fri, 20 Nov 2026 11:16:02 GMT',
  'Content-Type: text/plain',
  'Content-Length: 1024',
  'Connection: keep-alive',
  '',
  '',
].join('\r\n')

export const RESPONSE_1K = Buffer.from(`${responseHead}${'x'.repeat(1024)}`, 'latin1')
