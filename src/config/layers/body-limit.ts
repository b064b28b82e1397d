/**
 * The `bodyLimit` layer in a config: a size.
 */
import { parseSize } from '../../base/units.ts'
import { bodyLimitLayer } from '../../layers/body-limit.ts'
import { size } from '../schema-parts.ts'
import { layerConfig } from './layer-config.ts'

const schema = size('How large request bodies may be; beyond it 413.', '10MB', 0)

export const bodyLimitConfig = layerConfig(schema, text => bodyLimitLayer({ bodyBytesMax: parseSize(text) }))
