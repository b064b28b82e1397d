/**
 * A reply in front of another that passes every call on: what a layer changes of answers it overrides.
 */
import type { ProxyError } from '../base/errors.ts'
import type { Source } from '../base/flow.ts'
import type { HeaderList } from '../http/header-list.ts'
import type { ResponseHead } from '../http/message.ts'
import type { Reply } from './exchange.ts'

export class PassingReply implements Reply {
  protected readonly next: Reply

  constructor(next: Reply) {
    this.next = next
  }

  open(source: Source): void {
    this.next.open(source)
  }

  early(head: ResponseHead): void {
    this.next.early(head)
  }

  head(head: ResponseHead): void {
    this.next.head(head)
  }

  data(chunk: Buffer): boolean {
    return this.next.data(chunk)
  }

  trailers(fields: HeaderList): void {
    this.next.trailers(fields)
  }

  end(): void {
    this.next.end()
  }

  fail(error: ProxyError): void {
    this.next.fail(error)
  }
}
