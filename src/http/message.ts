/**
 * The heads of messages, any version of HTTP. The names keep clear of the globals Headers, Request and Response.
 */
import type { HeaderList } from './header-list.ts'

/** 10 is HTTP/1.0, 11 is HTTP/1.1 (and any later minor version of 1, RFC 9112 §2.3). */
export type Version = 10 | 11

export interface RequestHead {
  method: string
  /** As it came: origin-form, absolute-form, authority-form or `*` (RFC 9112 §3.2). Visible ASCII, no fragment. */
  target: string
  version: Version
  headers: HeaderList
}

export interface ResponseHead {
  /** 100 to 999. */
  status: number
  /** May be empty. Bytes of latin1, no control characters. */
  reason: string
  version: Version
  headers: HeaderList
}

/** Where a body ends (RFC 9112 §6.3), the same four answers for requests and responses. */
export type Framing =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly bytes: number }
  | { readonly kind: 'chunked' }
  | { readonly kind: 'until-close' }
