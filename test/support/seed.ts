/**
 * Loaded before every test file: properties are tried on the same random values each time, so that a run says
 * something about the change and not about luck. Another seed: `SEED=7 npm test`. The fuzzers go further.
 */
import fc from 'fast-check'

fc.configureGlobal({ seed: Number(process.env['SEED'] ?? 20_261_120) })
