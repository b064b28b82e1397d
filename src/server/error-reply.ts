/**
 * What a client reads when the proxy itself has to answer with an error.
 * Strategy: one fault, three forms (a page, problem details, plain text), each with the sentence of the error
 * table, the detail and the code. Nothing of it is taken over unescaped.
 */
import type { ProxyError } from '../base/errors.ts'
import { escapeHtml } from '../base/html.ts'
import { errorFields, shortened } from '../exchange/error-fields.ts'
import { type FixedAnswer, fixedAnswer } from '../exchange/fixed-answer.ts'
import { NO_PREFERENCE, type Preference, preferenceFor, readAccept } from '../http/accept.ts'
import type { RequestHead } from '../http/message.ts'
import { reasonOf } from '../http/status.ts'

/** A longer Accept is not read: who asks in vain shall not cost much. */
const ACCEPT_LENGTH_MAX = 2048

/** The answer to `request`, or to one whose head could not be read (null). Its head belongs to the caller. */
export function errorAnswer(error: ProxyError, request: RequestHead | null): FixedAnswer {
  const status = error.row.status
  const form = chooseForm(request?.headers.get('Accept') ?? null)
  const fields = [['Content-Type', form.contentType] as const, ...errorFields(error)]
  return fixedAnswer(request?.method ?? 'GET', status, fields, Buffer.from(form.write(error)))
}

interface Form {
  readonly contentType: string
  /** Media types that a client names when it wants this form. */
  readonly types: readonly string[]
  write(error: ProxyError): string
}

const TEXT: Form = { contentType: 'text/plain; charset=utf-8', types: ['text/plain'], write: plainText }
const PROBLEM: Form = {
  contentType: 'application/problem+json',
  types: ['application/problem+json', 'application/json'],
  write: problem,
}
const PAGE: Form = { contentType: 'text/html; charset=utf-8', types: ['text/html'], write: page }

/** From the plainest: who takes anything is best served with text. */
const FORMS: readonly Form[] = [TEXT, PROBLEM, PAGE]

interface Offer extends Preference {
  readonly form: Form
  readonly richness: number
}

function chooseForm(accept: string | null): Form {
  const ranges = accept === null || accept.length > ACCEPT_LENGTH_MAX ? NO_PREFERENCE : readAccept(accept)
  const offers = FORMS.flatMap((form, richness) =>
    form.types.map(type => ({ form, richness, ...preferenceFor(ranges, type) })),
  )
  const best = offers.sort(byPreference)[0]
  // RFC 9110 §12.4.1: with nothing acceptable on offer the field may be disregarded; text can be read by all.
  return best.weight > 0 ? best.form : TEXT
}

/** The heavier, then the one that was meant more precisely; then the richer of those named, else the plainer. */
function byPreference(one: Offer, other: Offer): number {
  const plainer = one.richness - other.richness
  return (
    other.weight - one.weight || other.precision - one.precision || (one.precision === 3 ? -plainer : plainer)
  )
}

function plainText(error: ProxyError): string {
  const { status, words } = error.row
  const lines = [`${status} ${reasonOf(status)}`, '', words]
  if (error.detail !== '') lines.push(shortened(error.detail))
  lines.push('', `sluice: ${error.code}`)
  return `${lines.join('\n')}\n`
}

/** RFC 9457 §3: problem details; §4.2.1: with about:blank the title is the phrase of the status. */
function problem(error: ProxyError): string {
  const { status } = error.row
  const detail = shortened(error.message)
  return `${JSON.stringify({ type: 'about:blank', title: reasonOf(status), status, detail, code: error.code })}\n`
}

const STYLE =
  ':root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:15vh auto;padding:0 1rem;' +
  'overflow-wrap:anywhere}h1{font-size:1.5rem}footer{margin-top:2rem;opacity:.6;font-size:.875rem}'

function page(error: ProxyError): string {
  const { status, words } = error.row
  const title = escapeHtml(`${status} ${reasonOf(status)}`)
  const detail = error.detail === '' ? '' : `<p>${escapeHtml(shortened(error.detail))}</p>\n`
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>${STYLE}</style>
<h1>${title}</h1>
<p>${escapeHtml(words)}</p>
${detail}<footer>sluice: <code>${error.code}</code></footer>
</html>
`
}
