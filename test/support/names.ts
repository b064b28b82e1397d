/**
 * Names of the DNS whose look-ups a test answers by hand. All other names go to the system's resolver.
 */
import dns from 'node:dns'
import type { TestContext } from 'node:test'
import { Arrivals } from './wait.ts'

type LookupDone = (error: NodeJS.ErrnoException | null, found: { address: string; family: number }[]) => void
type Lookup = (name: string, options: object, done: LookupDone) => void

/** One question to the resolver that waits for its answer. */
export interface Question {
  found(...addresses: string[]): void
  notFound(code?: string): void
}

/** Takes over the look-ups of this name until the test ends. */
export function takeName(t: TestContext, name: string): Arrivals<Question> {
  const questions = new Arrivals<Question>(`a look-up of ${name}`)
  const system = dns.lookup as unknown as Lookup
  const lookup: Lookup = (asked, options, done) => {
    if (asked !== name) system(asked, options, done)
    else
      questions.push({
        found: (...addresses) =>
          done(
            null,
            addresses.map(address => ({ address, family: 4 })),
          ),
        notFound: (code = 'ENOTFOUND') => done(Object.assign(new Error(code), { code }), []),
      })
  }
  t.mock.method(dns, 'lookup', lookup as unknown as typeof dns.lookup)
  return questions
}
