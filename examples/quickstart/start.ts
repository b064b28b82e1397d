/**
 * The quickstart: three demo servers on free ports and, in front of them, `sluice run` with sluice.config.ts.
 * `npm start`, or `npm start -- --listen 127.0.0.1:8090` when 8080 is taken.
 */
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Output, Values } from '../../src/commands/command.ts'
import { serve } from '../../src/commands/serve.ts'
import { startOrigin } from './origins.ts'

const usage = 'npm start -- --listen 127.0.0.1:8090'

/** Resolves with the exit code, once a signal has ended the proxy or it could not start. */
async function start(listen: string): Promise<number> {
  const origins = await Promise.all(['shop-1', 'shop-2', 'api'].map(startOrigin))
  const [shop1, shop2, api] = origins.map(origin => origin.address)
  Object.assign(process.env, { LISTEN: listen, SHOP_1: shop1, SHOP_2: shop2, API: api })
  let listening = false
  const output: Output = {
    out: line => {
      listening = true
      console.log(welcome(line, { 'shop-1': shop1, 'shop-2': shop2, api }))
    },
    err: line => console.error(line),
    debug: false,
  }
  const code = await serve(
    'run',
    flags({ config: fileURLToPath(new URL('sluice.config.ts', import.meta.url)) }),
    output,
  )
  for (const origin of origins) origin.close()
  if (!listening) console.error(`to listen elsewhere: ${usage}`)
  return code
}

/** As if they stood on the command line of `sluice run`. */
function flags(given: Readonly<Record<string, string>>): Values {
  return {
    text: name => given[name] ?? null,
    list: name => (name in given ? [given[name]] : []),
    has: name => name in given,
    args: Object.entries(given).map(([name, value]) => `--${name}=${value}`),
  }
}

/** `line` is the one that `sluice run` prints when it is ready: `listening http://127.0.0.1:8080 (proxy)`. */
function welcome(line: string, origins: Readonly<Record<string, string>>): string {
  // Who listens on every interface is reached on this one.
  const url = line.split(' ')[1].replace(/\/\/(\[::\]|0\.0\.0\.0):/, '//127.0.0.1:')
  const servers = Object.entries(origins).map(([name, address]) => `${name} (${address})`)
  return `
  ${line}
  in front of ${servers.join(', ')}

  Open in a browser:

    ${url}/

  Or try:

    curl ${url}/json ${url}/json
    curl -N ${url}/stream
    curl -H 'Host: api.localhost' ${url}/headers

  The first is answered by two servers in turn, the second line by line, the third by another site.
  The config is examples/quickstart/sluice.config.ts. Requests show below. Ctrl-C ends it.
`
}

function listenFlag(): string | null {
  try {
    return parseArgs({ options: { listen: { type: 'string', default: '127.0.0.1:8080' } } }).values.listen
  } catch (error) {
    console.error(`${(error as Error).message.split('. ')[0]}; the quickstart takes: ${usage}`)
    return null
  }
}

const listen = listenFlag()
process.exitCode = listen === null ? 2 : await start(listen)
