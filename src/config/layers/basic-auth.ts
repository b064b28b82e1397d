/**
 * The `basicAuth` layer in a config.
 * Strategy: users of the config and of a file become one list, which the layer checks as a whole. No message tells
 * a password; those about a hash say how to make one.
 */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { z } from 'zod'
import { BASIC_AUTH_DEFAULTS, basicAuthLayer } from '../../layers/basic-auth.ts'
import { parsePasswordHash } from '../../layers/password-hash.ts'
import { messageOf } from '../problems.ts'
import { object, text, wrongType } from '../schema-parts.ts'
import { type LayerContext, layerConfig } from './layer-config.ts'

/** Reads a password from the terminal or a pipe and prints its hash; for a shell of any kind but cmd.exe. */
export const HASH_COMMAND =
  `node -e 'const c=require("crypto"),s=c.randomBytes(16),b=x=>x.toString("base64").replace(/=+$/,""),` +
  `p=require("fs").readFileSync(0,"utf8").replace(/\\r?\\n$/,"").normalize("NFC");` +
  `console.log("$scrypt$ln=14,r=8,p=1$"+b(s)+"$"+b(c.scryptSync(p,s,32,{cost:16384,blockSize:8})))'`

const HOW = `make a hash with ${HASH_COMMAND}`

// The words of `wrongType` would show the value.
const password = z
  .string({
    error: () => "a password is text: its hash '$scrypt$…' (better) or the password itself, in quotes",
  })
  .meta({ description: 'A hash $scrypt$ln=14,r=8,p=1$SALT$HASH, or the password itself.' })

const schema = object(
  {
    realm: text('a text', 'staff only', () => {})
      .optional()
      .meta({ description: 'What browsers show beside their question.' }),
    users: z
      .record(z.string(), password, {
        error: () => "users are names with hashes: write { alice: '$scrypt$…' }",
      })
      .optional()
      .meta({ description: 'Name and password of everyone who may get in: hashes, or passwords in plain.' }),
    file: text('the name of a file', 'users.txt', value => {
      if (value === '') throw new RangeError('an empty name: write for example "users.txt"')
    })
      .optional()
      .meta({
        description:
          'More users: a file with a line name:$scrypt$… for each, relative to the config file. Read at start and reload.',
      }),
    passOn: z
      .boolean({ error: wrongType('true or false', 'true') })
      .optional()
      .meta({ description: 'Give the Authorization field to the server too; it is taken out otherwise.' }),
  },
  'an object with users or file',
  "{ users: { alice: '$scrypt$…' } }",
).meta({ description: 'Asks for a user name and a password; who has none gets 401.' })

type Options = z.output<typeof schema>

/** Throws Error, with a message for the writer of the config. */
function build(options: Options, context: LayerContext) {
  const { realm = BASIC_AUTH_DEFAULTS.realm, passOn } = options
  const users = new Map(Object.entries(options.users ?? {}))
  if (options.file !== undefined)
    for (const [name, hash] of readUsers(options.file, context)) {
      if (users.has(name)) throw new Error(`basicAuth: user ${JSON.stringify(name)} is written twice`)
      users.set(name, hash)
    }
  try {
    return basicAuthLayer({ realm, users, passOn })
  } catch (error) {
    const { message } = error as Error
    throw new Error(message.includes('hash') ? `${message}: ${HOW}` : message)
  }
}

function readUsers(file: string, { folder }: LayerContext): Map<string, string> {
  const path = resolve(folder, file)
  let content: string
  try {
    content = readFileSync(path, 'utf8')
  } catch (error) {
    throw new Error(`basicAuth: the file cannot be read: ${(error as Error).message}`)
  }
  const users = new Map<string, string>()
  for (const [index, line] of content.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue
    const fault = (words: string) => new Error(`basicAuth: ${path}:${index + 1}: ${words}`)
    const colon = line.indexOf(':')
    if (colon < 1) throw fault('a line is name:$scrypt$…')
    const [name, hash] = [line.slice(0, colon), line.slice(colon + 1).trim()]
    const unreadable = messageOf(() => parsePasswordHash(hash))
    if (unreadable !== null) throw fault(`${unreadable}: ${HOW}`)
    if (users.has(name)) throw fault(`user ${JSON.stringify(name)} is written twice`)
    users.set(name, hash)
  }
  return users
}

export const basicAuthConfig = layerConfig(schema, build, ['users'])
