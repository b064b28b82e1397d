import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  checkFieldName,
  checkFieldValue,
  checkHostPattern,
  checkMethod,
  checkPathPattern,
  checkRedirectTarget,
} from './patterns.ts'

interface Kind {
  check(text: string): void
  good: string[]
  /** A pattern where the words come from the layer or handler itself. */
  bad: [text: string, message: string | RegExp][]
}

const KINDS: Record<string, Kind> = {
  host: {
    check: checkHostPattern,
    good: [
      '*',
      'a',
      'Shop.example.com',
      '*.example.com',
      'shop.example.com:8443',
      '*.example.com:80',
      '127.0.0.1',
      '[::1]:80',
    ],
    bad: [
      [
        'https://shop.example.com/x',
        '"https://shop.example.com/x" is more than a host: write only the name, for example "shop.example.com"',
      ],
      [
        'shop*.example.com',
        '"shop*.example.com": a star stands for whole labels at the start only: write "*.example.com"',
      ],
      ['shop.example.com.', '"shop.example.com.": write the host without the dot at its end'],
      [
        'bücher.example',
        '"bücher.example": write the host as it stands in requests: "xn--bcher-kva.example"',
      ],
      ['a:0', '"a:0": a port is a number from 1 to 65535'],
      [
        'a b',
        '"a b" is not a host: write for example "shop.example.com", "*.example.com" or "shop.example.com:8443"',
      ],
      [
        '',
        '"" is not a host: write for example "shop.example.com", "*.example.com" or "shop.example.com:8443"',
      ],
    ],
  },
  path: {
    check: checkPathPattern,
    good: ['*', '/*', '/', '/a', '/static/*', '/a%20b', '/a%25', '/a/'],
    bad: [
      ['static/*', '"static/*": a path begins with a slash: write "/static/*"'],
      ['/static*', '"/static*": a star stands only at the end, behind a slash: write "/static/*"'],
      ['/a/*/b', '"/a/*/b": a star stands only at the end, behind a slash: write "/a/*"'],
      ['/a?b=c', '"/a?b=c": routes look at the path only: write "/a"'],
      ['/a/../b/*', '"/a/../b/*": requests are compared in the form "/b/*": write that'],
      ['/a b', '"/a b": requests are compared in the form "/a%20b": write that'],
      ['/%41%2fb;x', '"/%41%2fb;x": requests are compared in the form "/A/b": write that'],
      ['/é', '"/é": requests are compared in the form "/%C3%A9": write that'],
      ['/100%', '"/100%": requests are compared in the form "/100%25": write that'],
    ],
  },
  method: {
    check: checkMethod,
    good: ['GET', 'POST', 'PROPFIND', 'M-SEARCH'],
    bad: [
      ['get', '"get": methods are told apart by case: write "GET"'],
      ['G T', '"G T" is not a method: write for example "GET"'],
      ['CONNECT', '"CONNECT" is not served by a reverse proxy: take it out'],
    ],
  },
  'field name': {
    check: checkFieldName,
    good: ['x-served-by', 'X_1'],
    bad: [
      ['x served', '"x served" is not a header name: letters, digits and "-", for example "x-served-by"'],
      ['x\r\ny', '"x\\r\\ny" is not a header name: letters, digits and "-", for example "x-served-by"'],
      [
        'Content-Length',
        '"Content-Length" is written by Sluice itself, as the message needs it: take it out',
      ],
    ],
  },
  'field value': {
    check: checkFieldValue,
    good: ['', 'a b', 'caf\u00e9', 'a\tb'],
    bad: [
      [
        'a\r\nset-cookie: b',
        '"a\\r\\nset-cookie: b": a header value holds no line end: write it in one line',
      ],
      [
        'a\0',
        '"a\\u0000": a header value holds printable characters up to U+00FF: percent-encode the others',
      ],
      [
        '\u20ac',
        '"\u20ac": a header value holds printable characters up to U+00FF: percent-encode the others',
      ],
      [' a', '" a": white space around a header value is lost: write "a"'],
    ],
  },
  redirect: {
    check: checkRedirectTarget,
    good: [
      'https://shop.example.com{path}{query}',
      '/new{path}',
      'http://{host}:8443{path}',
      'https://www.{host}/',
    ],
    bad: [
      ['https://a{pth}', '"https://a{pth}": {pth} is not a variable: did you mean {path}?'],
      [
        'https://a/{x}',
        '"https://a/{x}": {x} is not a variable: there are client, host, port, method, path, query, uri, header.NAME, cookie.NAME, id, time; a brace itself is "{{"',
      ],
      [
        'https://a/{hedaer.x}',
        '"https://a/{hedaer.x}": {hedaer.x} is not a variable: did you mean {header.x}?',
      ],
      ['https://a/{header}', '"https://a/{header}": {header} names no header: write {header.NAME}'],
      [
        'https://a/{',
        '"https://a/{": a brace opens a variable such as {path}: write "%7B" and "%7D" for the signs themselves',
      ],
      ['https://a/b c', /percent-encoded/],
      ['shop.example.com', /"shop.example.com" must begin with/],
      ['javascript:alert(1)', /"javascript:alert\(1\)" must begin with/],
    ],
  },
}

for (const [name, kind] of Object.entries(KINDS)) {
  test(`a good ${name} passes, a bad one says what to write`, () => {
    for (const text of kind.good) kind.check(text)
    for (const [text, message] of kind.bad)
      assert.throws(() => kind.check(text), { name: 'RangeError', message })
  })
}
