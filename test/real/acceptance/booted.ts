/** Stock servers on restored directories, and what they must not say. */
import type { DumpedNode, DumpedState } from '../testbed/helpers.ts'
import { type Ensemble, type RealServer, startEnsemble, startStandalone } from '../testbed/server.ts'

/**
 * `still`: nothing happens by itself (no session expires, no container is swept), so that a client can see the state as it was loaded.
 * `stock`: ordinary ticks; containers are left alone all the same.
 */
export type Tick = 'still' | 'stock'

/** Days: no boundary of session expiry falls into a test. Times initLimit it must stay within 31 bits of milliseconds. */
const STILL_TICK_MS = 200_000_000
const HEAP_MB = 160

function settings(version: string, tick: Tick) {
  const still = { tickTime: String(STILL_TICK_MS), initLimit: '5', syncLimit: '2' }
  return {
    version,
    heapMb: HEAP_MB,
    systemProperties: { 'znode.container.checkIntervalMs': '100000000' },
    config: { minSessionTimeout: '1000', maxSessionTimeout: '3600000', ...(tick === 'still' ? still : {}) },
  }
}

export function bootStandalone(version: string, dataDir: string, tick: Tick): Promise<RealServer> {
  return startStandalone({ ...settings(version, tick), dataDir })
}

/** On `<directory>/server-1` to `-3`, as `restore --servers 1,2,3` leaves them. */
export function bootEnsemble(version: string, directory: string, tick: Tick): Promise<Ensemble> {
  return startEnsemble({ ...settings(version, tick), directory, size: 3 })
}

export async function zxidOf(server: RealServer): Promise<bigint> {
  return BigInt(/^Zxid: (\S+)/m.exec(await server.fourLetter('srvr'))![1]!)
}

/** Peers that look for each other, and clients that hang up, make some noise; everything else at these levels is about the data. */
const connectionNoise = /QuorumCnxManager|Cannot open channel|LearnerHandler|FastLeaderElection|Error closing a command socket/

/** Lines of a server's log that speak of something wrong with what it started from. */
export async function complaintsOf(server: RealServer): Promise<string[]> {
  const lines = await server.logLines()
  return lines.filter(
    (line) =>
      (/\b(ERROR|FATAL)\b/.test(line) && !connectionNoise.test(line)) ||
      (/\bWARN\b/.test(line) && /digest|mismatch|corrupt|crc|checksum|snapshot/i.test(line)),
  )
}

/** What a client-safe restore makes of a state, by its description: no ephemerals, and the parents that lost some changed at the new zxid. */
export function withoutEphemerals(state: DumpedState, zxid: bigint): DumpedState {
  const lost = new Set<string>()
  const changed = new Set<string>()
  for (const { path, ephemeralOwner } of state.nodes) {
    const owner = BigInt(ephemeralOwner)
    if (owner === 0n || owner === 1n << 63n || owner >> 56n === 0xffn) continue
    lost.add(path)
    changed.add(path.slice(0, path.lastIndexOf('/')) || '/')
  }
  const nodes = state.nodes
    .filter(({ path }) => !lost.has(path))
    .map((node): DumpedNode => (changed.has(node.path) ? { ...node, pzxid: `0x${zxid.toString(16)}` } : node))
  return { head: state.head, nodes }
}
