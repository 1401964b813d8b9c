import { contradiction, placed } from './state-reader.ts'
import type { ChunkSource, StateRef } from './state-ref.ts'
import { decodeSessionList, decodeSessions, type SessionEntry } from './tree-nodes.ts'

/** All client sessions of a stored state, by id as unsigned numbers. @throws REPOSITORY_DAMAGED */
export async function readSessions(source: ChunkSource, ref: StateRef): Promise<SessionEntry[]> {
  const [list] = await source.chunks([ref.sessionsRoot])
  const chunks = placed(ref.sessionsRoot, () => decodeSessionList(list))
  const contents = await source.chunks(chunks.map((chunk) => chunk.id))
  const all: SessionEntry[] = []
  for (const [i, bytes] of contents.entries()) {
    const sessions = placed(chunks[i].id, () => decodeSessions(bytes))
    if (sessions.length !== chunks[i].sessions) throw contradiction(chunks[i].id)
    for (const session of sessions) all.push(session)
  }
  if (all.length !== ref.sessions) throw contradiction(ref.sessionsRoot)
  return all
}
