/** Two dumps of one moment, field by field. */
import { isDeepStrictEqual } from 'node:util'
import type { DumpedNode, DumpedState } from '../testbed/helpers.ts'

export interface CompareOptions {
  /** Whether a znode is compared only in being there. */
  readonly ignore?: (path: string) => boolean
}

/** Every difference as one line: `path field: expected … found …`. Empty when equal. Sessions, digest and zxid count as fields of the head. */
export function compareDumps(expected: DumpedState, found: DumpedState): string[] {
  const differences = compareNodes(expected.nodes, found.nodes)
  for (const field of ['zxid', 'sessions', 'digest', 'znodeCount'] as const) {
    if (!isDeepStrictEqual(expected.head[field], found.head[field]))
      differences.push(lineOf('head', field, expected.head[field], found.head[field]))
  }
  return differences
}

export function compareNodes(expected: readonly DumpedNode[], found: readonly DumpedNode[], options: CompareOptions = {}): string[] {
  const differences: string[] = []
  const left = new Map(found.map((node) => [node.path, node]))
  for (const node of expected) {
    const other = left.get(node.path)
    left.delete(node.path)
    if (other === undefined) {
      differences.push(`${node.path} is missing`)
      continue
    }
    if (options.ignore?.(node.path) === true) continue
    for (const field of new Set([...Object.keys(node), ...Object.keys(other)]) as Set<keyof DumpedNode>) {
      if (!isDeepStrictEqual(node[field], other[field])) differences.push(lineOf(node.path, field, node[field], other[field]))
    }
  }
  for (const path of left.keys()) differences.push(`${path} is not expected`)
  return differences
}

function lineOf(path: string, field: string, expected: unknown, found: unknown): string {
  return `${path} ${field}: expected ${JSON.stringify(expected)}, found ${JSON.stringify(found)}`
}
