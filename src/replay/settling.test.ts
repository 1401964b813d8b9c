import { describe, expect, it } from 'vitest'
import { toZxid } from '../model/zxid.ts'
import { type Observation, Settling, type SettleStep } from './settling.ts'

const applied = { verdict: 'applied', reason: 'none' } as const
const ahead = { verdict: 'settling', reason: 'data-ahead' } as const
const missing = { verdict: 'unexpected', reason: 'node-missing' } as const
const none = 'none' as const
const match = 'match' as const
const mismatch = 'mismatch' as const

type Case = {
  readonly start: {
    readonly maxZxidSeen: bigint
    readonly isProved?: boolean
    readonly hasDigests?: boolean
    readonly writtenBefore?: bigint
  }
  readonly from?: 'known-state'
  readonly seen: readonly (readonly [Observation, SettleStep])[]
  readonly isProved: boolean
}

/** Snapshots stand at zxid 10; the txns are 11, 12, … */
const cases: Record<string, Case> = {
  'a proved snapshot is true at its zxid': {
    start: { maxZxidSeen: 10n, isProved: true, hasDigests: true },
    seen: [[{ ...applied, digest: match }, 'settled']],
    isProved: true,
  },
  'a digest that differs behind a proof is a contradiction': {
    start: { maxZxidSeen: 10n, isProved: true, hasDigests: true },
    seen: [[{ ...applied, digest: mismatch }, 'contradiction']],
    isProved: true,
  },
  'a snapshot that shows nothing later counts as true until a digest differs': {
    start: { maxZxidSeen: 10n, hasDigests: true },
    seen: [
      [{ ...applied, digest: none }, 'settled'],
      [{ ...applied, digest: mismatch }, 'unsettled'],
      [{ ...applied, digest: match }, 'settled-here'],
      [{ ...applied, digest: match }, 'settled'],
    ],
    isProved: true,
  },
  'a fuzzy snapshot is settled by the first digest that matches, not by the largest zxid in it': {
    start: { maxZxidSeen: 12n, hasDigests: true },
    seen: [
      [{ ...ahead, digest: mismatch }, 'unsettled'],
      [{ ...applied, digest: none }, 'unsettled'],
      [{ ...applied, digest: none }, 'unsettled'],
      [{ ...ahead, digest: match }, 'settled-here'],
    ],
    isProved: true,
  },
  'without digests the largest zxid in the snapshot settles it': {
    start: { maxZxidSeen: 12n },
    seen: [
      [{ ...ahead, digest: none }, 'unsettled'],
      [{ ...ahead, digest: none }, 'settled-here'],
      [{ ...applied, digest: none }, 'settled'],
    ],
    isProved: false,
  },
  'a txn that finds itself applied moves the point on': {
    start: { maxZxidSeen: 10n },
    seen: [
      [{ ...applied, digest: none }, 'settled'],
      [{ verdict: 'settling', reason: 'acl-ahead', digest: none }, 'settled-here'],
      [{ ...applied, digest: none }, 'settled'],
    ],
    isProved: false,
  },
  'a deletion that left no trace moves the point on where nothing is proved': {
    start: { maxZxidSeen: 10n },
    seen: [
      [{ ...missing, digest: none }, 'settled-here'],
      [{ verdict: 'unexpected', reason: 'parent-missing', digest: none }, 'settled-here'],
      [{ verdict: 'unexpected', reason: 'version-jump', digest: none }, 'contradiction'],
    ],
    isProved: false,
  },
  'such a deletion is a contradiction once the next snapshot has begun': {
    start: { maxZxidSeen: 10n, writtenBefore: 11n },
    seen: [
      [{ ...missing, digest: none }, 'settled-here'],
      [{ ...missing, digest: none }, 'contradiction'],
    ],
    isProved: false,
  },
  'such a deletion is a contradiction where a digest has proved the state': {
    start: { maxZxidSeen: 10n, isProved: true, hasDigests: true },
    seen: [[{ ...missing, digest: none }, 'contradiction']],
    isProved: true,
  },
  'from a known state nothing may find itself applied': {
    start: { maxZxidSeen: 10n },
    from: 'known-state',
    seen: [[{ ...ahead, digest: none }, 'contradiction']],
    isProved: false,
  },
  'from a known state no digest may differ, and none may be missing a znode': {
    start: { maxZxidSeen: 10n, hasDigests: true },
    from: 'known-state',
    seen: [
      [{ ...applied, digest: mismatch }, 'contradiction'],
      [{ ...missing, digest: none }, 'contradiction'],
    ],
    isProved: false,
  },
}

describe('Settling', () => {
  it.each(Object.entries(cases))('%s', (_title, { start, from, seen, isProved }) => {
    const settling = new Settling({
      zxid: toZxid(10n),
      maxZxidSeen: toZxid(start.maxZxidSeen),
      isProved: start.isProved ?? false,
      hasDigests: start.hasDigests ?? false,
      writtenBefore: start.writtenBefore === undefined ? undefined : toZxid(start.writtenBefore),
      from: from ?? 'snapshot',
    })
    const steps = seen.map(([observation], i) =>
      settling.passes(observation) ? 'settled' : settling.observe(toZxid(11n + BigInt(i)), observation),
    )
    expect(steps).toEqual(seen.map(([, step]) => step))
    expect(settling.isProved).toBe(isProved)
  })

  it('passes what observe would call settled, and nothing else', () => {
    for (const verdict of ['applied', 'settling', 'unexpected'] as const) {
      for (const digest of ['none', 'match', 'mismatch'] as const) {
        for (const isProved of [true, false]) {
          const start = { zxid: toZxid(10n), maxZxidSeen: toZxid(10n), isProved, hasDigests: true }
          const seen = { verdict, reason: 'none', digest }
          const passes = new Settling(start).passes(seen)
          const settling = new Settling(start)
          const step = settling.observe(toZxid(11n), seen)
          if (passes) expect([step, settling.isProved]).toEqual(['settled', isProved])
        }
      }
    }
  })
})
