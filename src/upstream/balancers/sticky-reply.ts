/**
 * The reply to a client that gets a sticky cookie.
 * Strategy: it stands in front of the client's reply only for such an exchange, and adds the cookie to the one final
 * head that comes from a server; interim answers and error answers of the proxy pass as they are.
 *
 * A shared cache that kept the answer would give one client's cookie to all. RFC 9111 §7.3 leaves that to the sender,
 * so the answer is made private, as HAProxy does with `nocache`: where directives disagree, the strictest holds (§4.2.1).
 */
import { PassingReply } from '../../exchange/passing-reply.ts'
import type { HeaderList } from '../../http/header-list.ts'
import type { ResponseHead } from '../../http/message.ts'

export class StickyReply extends PassingReply {
  /** Set-Cookie for the server that was picked last. */
  setCookie = ''

  override head(head: ResponseHead): void {
    const { headers } = head
    headers.add('Set-Cookie', this.setCookie)
    keepPrivate(headers)
    this.next.head(head)
  }
}

/** Unqualified: `private="set-cookie"` forbids only the field (RFC 9111 §5.2.2.7). */
const KEPT_PRIVATE = /(?:^|[,\s])(?:private|no-store)[ \t]*(?:,|$)/i

function keepPrivate(headers: HeaderList): void {
  if (!KEPT_PRIVATE.test(headers.get('Cache-Control') ?? '')) headers.add('Cache-Control', 'private')
  // RFC 9213 §2.2: caches that obey this field do not look at Cache-Control.
  if (headers.has('CDN-Cache-Control')) headers.set('CDN-Cache-Control', 'private')
}
