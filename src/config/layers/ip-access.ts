/**
 * The `ipAllow` and `ipDeny` layers in a config.
 */
import { ipAllowLayer, ipDenyLayer, PRIVATE } from '../../layers/ip-access.ts'
import { checkNetwork } from '../addresses.ts'
import { list, text } from '../schema-parts.ts'
import { layerConfig } from './layer-config.ts'

const pattern = text(
  'a network',
  '10.0.0.0/8',
  value => {
    if (value !== PRIVATE) checkNetwork(value)
  },
  {
    description: 'A network (10.0.0.0/8, fd00::/8), an address, or private: every range that is not public.',
  },
)

const patterns = (description: string) => list(pattern, 'networks', "['10.0.0.0/8']").meta({ description })

export const ipAllowConfig = layerConfig(
  patterns('Lets on only clients from these networks; others get 403.'),
  ipAllowLayer,
)
export const ipDenyConfig = layerConfig(patterns('Answers 403 to clients from these networks.'), ipDenyLayer)
