/**
 * The groups of the suite, in the order in which RFC 9111 speaks of them.
 */
import type { Group } from '../case.ts'
import { AGE } from './age.ts'
import { CACHE_STATUS } from './cache-status.ts'
import { FIELDS } from './fields.ts'
import { FRESHNESS } from './freshness.ts'
import { HEADS } from './head.ts'
import { INVALIDATION } from './invalidation.ts'
import { KEYS, VARY } from './keys.ts'
import { OTHER } from './other.ts'
import { PRECONDITIONS } from './preconditions.ts'
import { RANGES } from './ranges.ts'
import { REQUESTS } from './requests.ts'
import { STALENESS } from './stale.ts'
import { STORING } from './storing.ts'
import { TARGETED } from './targeted.ts'
import { VALIDATION } from './validation.ts'

export const GROUPS: readonly Group[] = [
  STORING,
  FIELDS,
  KEYS,
  VARY,
  FRESHNESS,
  AGE,
  REQUESTS,
  VALIDATION,
  PRECONDITIONS,
  RANGES,
  HEADS,
  STALENESS,
  INVALIDATION,
  TARGETED,
  CACHE_STATUS,
  OTHER,
]
