/** Ways to damage a file, each chosen by random numbers that a seed repeats. */

export type Random = () => number

/** Numbers in [0, 1) that a seed repeats (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

export function below(random: Random, limit: number): number {
  return Math.floor(random() * limit)
}

/** The files of version-2 by name. */
export type Files = ReadonlyMap<string, Uint8Array>

export interface Variant {
  /** What was done, for the message of a failing test. */
  readonly what: string
  readonly files: Files
}

/** Lengths that a reader must not believe. */
const lies = [0, 1, -1, -2, 0x7fffffff, -0x80000000, 0x40000001, 0x3fffffff, 0x00ffffff, 0x10000, 19, 20]

type Damage = (bytes: Uint8Array, random: Random) => { readonly bytes: Uint8Array; readonly what: string }

const damages: readonly Damage[] = [
  (bytes, random) => flipBit(bytes, below(random, bytes.length * 8)),
  (bytes, random) => truncateAt(bytes, below(random, bytes.length)),
  (bytes, random) => {
    const at = below(random, Math.max(1, bytes.length - 3))
    const lie = lies[below(random, lies.length)]
    const out = new Uint8Array(Math.max(bytes.length, at + 4))
    out.set(bytes)
    new DataView(out.buffer).setInt32(at, lie)
    return { bytes: out, what: `${lie} as a length at byte ${at}` }
  },
  (bytes, random) => {
    const [start, end] = rangeOf(bytes, random)
    const out = bytes.slice()
    out.fill(0, start, end)
    return { bytes: out, what: `zeros from byte ${start} to ${end}` }
  },
  (bytes, random) => {
    const [start, end] = rangeOf(bytes, random)
    const out = bytes.slice()
    for (let i = start; i < end; i++) out[i] = below(random, 256)
    return { bytes: out, what: `noise from byte ${start} to ${end}` }
  },
  (bytes, random) => {
    const [start, end] = rangeOf(bytes, random)
    return { bytes: joined([bytes.subarray(0, start), bytes.subarray(end)]), what: `bytes ${start} to ${end} taken out` }
  },
  (bytes, random) => {
    const [start, end] = rangeOf(bytes, random)
    return { bytes: joined([bytes.subarray(0, end), bytes.subarray(start)]), what: `bytes ${start} to ${end} twice` }
  },
  (bytes, random) => {
    const junk = Uint8Array.from({ length: 1 + below(random, 100) }, () => below(random, 256))
    return { bytes: joined([bytes, junk]), what: `${junk.length} bytes of noise behind the end` }
  },
]

export function flipBit(bytes: Uint8Array, bit: number): { readonly bytes: Uint8Array; readonly what: string } {
  const out = bytes.slice()
  out[bit >>> 3] ^= 1 << (bit & 7)
  return { bytes: out, what: `bit ${bit & 7} of byte ${bit >>> 3} flipped` }
}

export function truncateAt(bytes: Uint8Array, length: number): { readonly bytes: Uint8Array; readonly what: string } {
  return { bytes: bytes.slice(0, length), what: `cut to ${length} bytes` }
}

/** Not a Buffer, whose slice is a view: damage must never reach the truth. */
function joined(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}

const rangeLengthMax = 400

function rangeOf(bytes: Uint8Array, random: Random): [number, number] {
  const start = below(random, bytes.length)
  return [start, Math.min(bytes.length, start + 1 + below(random, rangeLengthMax))]
}

/** A file that holds bytes; each is as likely, whatever its length. */
function pickFile(files: Files, random: Random): string {
  const names = [...files].filter(([, bytes]) => bytes.length > 0).map(([name]) => name)
  return names[below(random, names.length)]
}

/** One damage; now and then two, or a whole file that is gone. */
export function damagedAtRandom(files: Files, random: Random): Variant {
  const out = new Map(files)
  const what: string[] = []
  const count = random() < 0.2 ? 2 : 1
  for (let i = 0; i < count; i++) {
    const name = pickFile(out, random)
    if (random() < 0.03) {
      out.delete(name)
      what.push(`${name} gone`)
      continue
    }
    const damaged = damages[below(random, damages.length)](out.get(name) ?? new Uint8Array(0), random)
    out.set(name, damaged.bytes)
    what.push(`${name}: ${damaged.what}`)
  }
  return { what: what.join('; '), files: out }
}
