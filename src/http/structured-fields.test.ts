import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { type BareItem, type Item, parseDictionary, stringItem } from './structured-fields.ts'

/** As `parseDictionary` gives it, in a form that is easy to write: [key, value, parameters]. */
type Plain = string | number | boolean | readonly Plain[] | { readonly [kind: string]: string | number }

function plainItem(item: BareItem): Plain {
  if (item.kind === 'token' || item.kind === 'date' || item.kind === 'display')
    return { [item.kind]: item.value }
  return item.kind === 'bytes' ? { bytes: Buffer.from(item.value).toString('latin1') } : item.value
}

function plain(lines: readonly string[]): Plain | null {
  const dictionary = parseDictionary(lines)
  const written = ({ item, parameters }: Item): Plain =>
    parameters.size === 0
      ? plainItem(item)
      : [plainItem(item), ...[...parameters].map(([key, value]) => [key, plainItem(value)])]
  return (
    dictionary &&
    [...dictionary].map(([key, member]) => {
      if ('item' in member) return [key, written(member)]
      const parameters = [...member.parameters].map(([name, value]) => [name, plainItem(value)])
      return [key, ['inner', ...member.items.map(written)], ...parameters]
    })
  )
}

const VALID: readonly (readonly [clause: string, lines: readonly string[], members: Plain])[] = [
  ['§3.2 no field', [], []],
  ['§3.2 empty', [''], []],
  ['§4.2 blanks', ['  '], []],
  [
    '§3.2 example',
    ['en="Applepie", da=:w4ZibGV0w6ZydGU=:'],
    [
      ['en', 'Applepie'],
      ['da', { bytes: 'Ã\x86bletÃ¦rte' }],
    ],
  ],
  [
    '§3.2 booleans',
    ['a=?0, b, c; foo=bar'],
    [
      ['a', false],
      ['b', true],
      ['c', [true, ['foo', { token: 'bar' }]]],
    ],
  ],
  [
    '§3.2 inner list',
    ['rating=1.5, feelings=(joy sadness)'],
    [
      ['rating', 1.5],
      ['feelings', ['inner', { token: 'joy' }, { token: 'sadness' }]],
    ],
  ],
  [
    '§3.2 mixture',
    ['a=(1 2), b=3, c=4;aa=bb, d=(5 6);valid'],
    [
      ['a', ['inner', 1, 2]],
      ['b', 3],
      ['c', [4, ['aa', { token: 'bb' }]]],
      ['d', ['inner', 5, 6], ['valid', true]],
    ],
  ],
  [
    '§3.2 several lines',
    ['foo=1', 'bar=2'],
    [
      ['foo', 1],
      ['bar', 2],
    ],
  ],
  [
    '§3.2 the last of equal keys, in the place of the first',
    ['a=1,b=2,a=3'],
    [
      ['a', 3],
      ['b', 2],
    ],
  ],
  ['§3.2 the last of equal keys, of another kind', ['a=1', 'a'], [['a', true]]],
  [
    '§4.2.2 blanks and tabs around commas',
    [' a=1 \t,\t b=2  '],
    [
      ['a', 1],
      ['b', 2],
    ],
  ],
  [
    '§4.2.2 no blanks',
    ['a=1,b=2'],
    [
      ['a', 1],
      ['b', 2],
    ],
  ],
  [
    '§4.2.3.3 keys',
    ['*=1, a_-.*0=2, *a=3'],
    [
      ['*', 1],
      ['a_-.*0', 2],
      ['*a', 3],
    ],
  ],
  [
    '§3.1.2 parameters',
    ['a=abc;a=1;b=2; cde_456'],
    [['a', [{ token: 'abc' }, ['a', 1], ['b', 2], ['cde_456', true]]]],
  ],
  ['§3.1.2 the last of equal parameters', ['a=1;x=1;y;x=2'], [['a', [1, ['x', 2], ['y', true]]]]],
  ['§3.1.2 blanks behind ";" only', ['a=1;  x'], [['a', [1, ['x', true]]]]],
  ['§4.2.1.2 empty inner list', ['a=()'], [['a', ['inner']]]],
  ['§4.2.1.2 blanks in it', ['a=(  1   2  )'], [['a', ['inner', 1, 2]]]],
  [
    '§3.1.1 example',
    ['a=("foo";a=1;b=2);lvl=5'],
    [['a', ['inner', ['foo', ['a', 1], ['b', 2]]], ['lvl', 5]]],
  ],
  [
    '§4.2.4 integers',
    ['a=42, b=-42, c=0, d=00, e=-0, f=042'],
    [
      ['a', 42],
      ['b', -42],
      ['c', 0],
      ['d', 0],
      ['e', 0],
      ['f', 42],
    ],
  ],
  [
    '§3.3.1 largest',
    ['a=999999999999999,b=-999999999999999'],
    [
      ['a', 999_999_999_999_999],
      ['b', -999_999_999_999_999],
    ],
  ],
  [
    '§3.3.2 decimals',
    ['a=4.5,b=-0.125,c=999999999999.999,d=1.0,e=-0.0'],
    [
      ['a', 4.5],
      ['b', -0.125],
      ['c', 999_999_999_999.999],
      ['d', 1],
      ['e', 0],
    ],
  ],
  [
    '§4.2.5 strings',
    ['a="",b="a, b;c=(d)",c="\\"\\\\"'],
    [
      ['a', ''],
      ['b', 'a, b;c=(d)'],
      ['c', '"\\'],
    ],
  ],
  [
    '§4.2.6 tokens',
    ["a=foo123/456,b=*x:y,c=A!#$%&'*+-.^_`|~"],
    [
      ['a', { token: 'foo123/456' }],
      ['b', { token: '*x:y' }],
      ['c', { token: "A!#$%&'*+-.^_`|~" }],
    ],
  ],
  [
    '§4.2.7 bytes',
    ['a=:cHJldGVuZA==:,b=::'],
    [
      ['a', { bytes: 'pretend' }],
      ['b', { bytes: '' }],
    ],
  ],
  ['§4.2.7 padding missing', ['a=:cHJldGVuZA:'], [['a', { bytes: 'pretend' }]]],
  ['§4.2.7 pad bits that are not zero', ['a=:iZ==:'], [['a', { bytes: '\x89' }]]],
  [
    '§4.2.9 dates',
    ['a=@1659578233,b=@-1'],
    [
      ['a', { date: 1_659_578_233 }],
      ['b', { date: -1 }],
    ],
  ],
  [
    '§4.2.10 display strings',
    ['a=%"This is intended for display to %c3%bcsers.",b=%""'],
    [
      ['a', { display: 'This is intended for display to üsers.' }],
      ['b', { display: '' }],
    ],
  ],
  ['§4.2.10 a backslash escapes nothing', ['a=%"\\"'], [['a', { display: '\\' }]]],
  ['§4.2.10 an encoded quote', ['a=%"%22%25"'], [['a', { display: '"%' }]]],
  [
    'RFC 9213 §2.2 example',
    ['max-age=3600, stale-if-error=600'],
    [
      ['max-age', 3600],
      ['stale-if-error', 600],
    ],
  ],
]

test('dictionaries', () => {
  for (const [clause, lines, members] of VALID) assert.deepEqual(plain(lines), members, clause)
})

const BROKEN: readonly (readonly [clause: string, value: string])[] = [
  ['§4.2.2 a comma at the end', 'a=1,'],
  ['§4.2.2 a comma at the end', 'a=1, '],
  ['§4.2.2 a comma at the beginning', ',a=1'],
  ['§4.2.2 an empty member', 'a=1,,b=2'],
  ['§4.2.2 a semicolon for a comma', 'a=1 ;b=2'],
  ['§4.2.2 a blank for a comma', 'a=1 b=2'],
  ['§4.2.2 no value', 'a='],
  ['§4.2.2 a blank around "="', 'a= 1'],
  ['§4.2.2 a blank around "="', 'a =1'],
  ['§4.2.3.3 a capital', 'A=1'],
  ['§4.2.3.3 a digit first', '1a=1'],
  ['§4.2.3.3 a dash first', '-a=1'],
  ['§4.2.3.3 a capital later', 'aB=1'],
  ['§4.2.3.1 no such kind', 'a=&'],
  ['§4.2.3.1 no such kind', "a='x'"],
  ['§4.2.3.2 no name', 'a=1;'],
  ['§4.2.3.2 no name', 'a=1;=2'],
  ['§4.2.3.2 no value', 'a=1;b='],
  ['§4.2.3.2 an inner list', 'a=1;b=(1)'],
  ['§4.2.3.2 a blank before ";"', 'a=1 ;b'],
  ['§4.2.3.2 a tab behind ";"', 'a=1;\tb'],
  ['§4.2.1.2 not closed', 'a=('],
  ['§4.2.1.2 not closed', 'a=(1'],
  ['§4.2.1.2 not closed', 'a=(1 '],
  ['§4.2.1.2 nested', 'a=((1))'],
  ['§4.2.1.2 commas', 'a=(1, 2)'],
  ['§4.2.1.2 no blank', 'a=(1"b")'],
  ['§4.2.1.2 a tab', 'a=(1\t2)'],
  ['§4.2.4 sign only', 'a=-'],
  ['§4.2.4 two signs', 'a=--1'],
  ['§4.2.4 plus', 'a=+1'],
  ['§4.2.4 too long', 'a=1000000000000000'],
  ['§4.2.4 too long with zeros', 'a=0000000000000001'],
  ['§4.2.4 too long before the point', 'a=1000000000000.1'],
  ['§4.2.4 too long behind the point', 'a=1.1234'],
  ['§4.2.4 nothing behind the point', 'a=1.'],
  ['§4.2.4 nothing before the point', 'a=.1'],
  ['§4.2.4 two points', 'a=1.2.3'],
  ['§4.2.4 exponent', 'a=1e3'],
  ['§4.2.4 hexadecimal', 'a=0x10'],
  ['§4.2.4 a blank in it', 'a=- 1'],
  ['§4.2.5 not closed', 'a="'],
  ['§4.2.5 not closed', 'a="b'],
  ['§4.2.5 ends in a backslash', 'a="b\\'],
  ['§4.2.5 escapes another', 'a="\\n"'],
  ['§4.2.5 a tab', 'a="\t"'],
  ['§4.2.5 not ASCII', 'a="\xfc"'],
  ['§4.2.5 delete', 'a="\x7f"'],
  ['§4.2.6 not ASCII', 'a=b\xfc'],
  ['§4.2.7 not closed', 'a=:YWI='],
  ['§4.2.7 not of the alphabet', 'a=:YW-_:'],
  ['§4.2.7 a blank', 'a=:YW Jj:'],
  ['§4.2.7 padding inside', 'a=:YQ==YQ==:'],
  ['§4.2.7 padding at the beginning', 'a=:=YWI:'],
  ['§4.2.7 too much padding', 'a=:YWI==:'],
  ['§4.2.7 one letter left', 'a=:YWJjZ:'],
  ['§4.2.8 neither 0 nor 1', 'a=?2'],
  ['§4.2.8 a word', 'a=?true'],
  ['§4.2.8 nothing', 'a=?'],
  ['§4.2.9 a decimal', 'a=@1.5'],
  ['§4.2.9 nothing', 'a=@'],
  ['§4.2.9 a text', 'a=@"1"'],
  ['§4.2.10 not quoted', 'a=%x'],
  ['§4.2.10 not closed', 'a=%"x'],
  ['§4.2.10 capitals', 'a=%"%C3%BC"'],
  ['§4.2.10 not hexadecimal', 'a=%"%gg"'],
  ['§4.2.10 cut off', 'a=%"%c"'],
  ['§4.2.10 not UTF-8', 'a=%"%c3"'],
  ['§4.2.10 overlong UTF-8', 'a=%"%c0%80"'],
  ['§4.2.10 not ASCII', 'a=%"\xfc"'],
  ['§4.2.10 a control', 'a=%"\x01"'],
]

test('what is broken in one place is broken as a whole', () => {
  for (const [clause, value] of BROKEN) {
    assert.equal(parseDictionary([value]), null, `${clause}: ${value}`)
    assert.equal(parseDictionary(['ok=1', value]), null, `${clause}: behind another line`)
    assert.equal(parseDictionary([value, 'ok=1']), null, `${clause}: before another line`)
  }
})

test('RFC 9651 §4.2: before the first member stand blanks only', () => {
  assert.equal(parseDictionary(['\ta=1']), null)
  assert.equal(parseDictionary(['a=1', '', 'b=2']), null)
})

test('RFC 9651 §4.1.6: strings', () => {
  assert.equal(stringItem(''), '""')
  assert.equal(stringItem('a "b" \\c'), '"a \\"b\\" \\\\c"')
  assert.equal(stringItem('ü\n\x7f€😀\ud800'), '"??????"')
})

test('a string that is written is read', () => {
  fc.assert(
    fc.property(fc.string(), text => {
      const readable = Array.from(text, char => (/^[ -~]$/.test(char) ? char : '?')).join('')
      assert.deepEqual(plain([`a=${stringItem(text)}`]), [['a', readable]])
    }),
  )
})

const key = fc.stringMatching(/^[a-z*][a-z0-9_.*-]{0,4}$/)
const bare: fc.Arbitrary<readonly [text: string, value: Plain]> = fc.oneof(
  fc.integer().map(value => [String(value), value] as const),
  fc
    .integer({ min: -999_999, max: 999_999 })
    .map(value => [(value / 1000).toFixed(3), value / 1000 + 0] as const),
  fc
    .string()
    .map(
      value => [stringItem(value), Array.from(value, c => (/^[ -~]$/.test(c) ? c : '?')).join('')] as const,
    ),
  fc
    .stringMatching(/^[A-Za-z*][!#$%&'*+.^_`|~:/0-9A-Za-z-]{0,5}$/)
    .map(value => [value, { token: value }] as const),
  fc
    .uint8Array({ maxLength: 5 })
    .map(
      value =>
        [
          `:${Buffer.from(value).toString('base64')}:`,
          { bytes: Buffer.from(value).toString('latin1') },
        ] as const,
    ),
  fc.boolean().map(value => [value ? '?1' : '?0', value] as const),
  fc.integer().map(value => [`@${value}`, { date: value }] as const),
  fc.string({ unit: 'binary' }).map(value => {
    const octets = [...Buffer.from(value.toWellFormed())]
    const text = octets.map(octet => `%${octet.toString(16).padStart(2, '0')}`).join('')
    return [`%"${text}"`, { display: value.toWellFormed() }] as const
  }),
)

test('what is written as a dictionary is read as it was meant', () => {
  const member = fc.tuple(
    key,
    bare,
    fc.uniqueArray(fc.tuple(key, bare), { selector: ([name]) => name, maxLength: 2 }),
  )
  const members = fc.uniqueArray(member, { selector: ([name]) => name, maxLength: 5 })
  fc.assert(
    fc.property(members, fc.boolean(), (wanted, inLines) => {
      const lines = wanted.map(([name, [text], parameters]) =>
        [`${name}=${text}`, ...parameters.map(([parameter, [written]]) => `${parameter}=${written}`)].join(
          ';',
        ),
      )
      const expected = wanted.map(([name, [, value], parameters]) => [
        name,
        parameters.length === 0
          ? value
          : [value, ...parameters.map(([parameter, [, inner]]) => [parameter, inner])],
      ])
      assert.deepEqual(plain(inLines ? lines : [lines.join(' ,\t')]), expected)
    }),
  )
})

test('any text gives a dictionary or null', () => {
  const pieces = fc.constantFrom(
    'a',
    '=',
    ',',
    ';',
    ' ',
    '(',
    ')',
    '"',
    '\\',
    ':',
    '?',
    '1',
    '@',
    '%',
    '%"',
    '-',
    '.',
    '\t',
  )
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(pieces).map(all => all.join('')),
  )
  fc.assert(
    fc.property(fc.array(text, { maxLength: 3 }), lines => {
      const found = parseDictionary(lines)
      assert.ok(found === null || found.size >= 0)
    }),
    { numRuns: 2000 },
  )
})

test('a long hostile field takes a time that grows with its length only', () => {
  const beginnings = ['', 'a=', 'a="', 'a=(', 'a=:', 'a=%"', 'a=1;', 'a=-']
  const fillings = [
    'a',
    ' ',
    '\t',
    '1',
    '1.',
    '"',
    '\\"',
    '\\',
    '(',
    '=',
    'a,',
    'a=1,',
    'a;',
    ';a',
    ':',
    '%41',
    '%',
    '( ',
    '1 ',
  ]
  // The square of a hundred thousand, so many times, would not come to its end in time.
  for (const beginning of beginnings)
    for (const filling of fillings) {
      const found = parseDictionary([beginning + filling.repeat(100_000)])
      assert.ok(found === null || found.size <= 1)
    }
})
