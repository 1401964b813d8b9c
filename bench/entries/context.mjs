/** What the flows ask of their surroundings, silent. */
import { systemClock } from '../../dist/base/clock.js'

export const context = {
  clock: systemClock,
  signal: new AbortController().signal,
  onProgress: () => undefined,
  onNotice: () => undefined,
}
