/** The only sources of time, randomness and environment that the floors above may use: handed in, never ambient. */
export interface Clock {
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  nowMs(): number
}

export const systemClock: Clock = { nowMs: () => Date.now() }

export function fixedClock(ms: number): Clock {
  return { nowMs: () => ms }
}
