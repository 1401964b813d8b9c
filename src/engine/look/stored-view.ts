import { JuteReader } from '../../jute/jute-reader.ts'
import { highOf, joinLong, lowOf } from '../../jute/long.ts'
import { readAcls } from '../../model/acl.ts'
import { toSessionId } from '../../model/session-id.ts'
import type { Stat } from '../../model/stat.ts'
import type { Zxid } from '../../model/zxid.ts'
import { lookupNode, walkSubtree } from '../../archive/walk-subtree.ts'
import type { StateNode, StoredAcl } from '../../archive/node-cursor.ts'
import { readSessions } from '../../archive/read-sessions.ts'
import type { ChunkSource, StateRef } from '../../archive/state-ref.ts'
import type { AclView, Consistency, SessionView, StateView, WalkOptions, WalkedZnode, ZnodeView, ZnodeVisitor } from './state-view.ts'

/** A state of a repository as a view: reads only the chunks that a question needs. */
export class StoredView implements StateView {
  readonly description: string
  readonly zxid: Zxid
  readonly consistency: Consistency
  readonly source: ChunkSource
  readonly ref: StateRef

  constructor(
    source: ChunkSource,
    ref: StateRef,
    about: { readonly description: string; readonly zxid: Zxid; readonly consistency: Consistency },
  ) {
    this.source = source
    this.ref = ref
    this.description = about.description
    this.zxid = about.zxid
    this.consistency = about.consistency
  }

  get znodeCount(): number {
    return this.ref.znodes
  }

  async lookup(path: Uint8Array): Promise<ZnodeView | undefined> {
    const node = await lookupNode(this.source, this.ref, path)
    if (node === undefined) return undefined
    let childCount = -1
    for await (const _ of walkSubtree(this.source, this.ref, path, { depthMax: 1, data: 'inline' })) childCount++
    return { path: node.path, data: node.data ?? null, stat: node.stat, acl: aclOfStored(node.acl), childCount }
  }

  async walk(path: Uint8Array, options: WalkOptions, visit: ZnodeVisitor): Promise<void> {
    const walked = new WalkedNode()
    for await (const node of walkSubtree(this.source, this.ref, path, { ...options, data: 'inline' })) {
      walked.fill(node)
      const answer = visit(walked)
      if (answer === 'stop') return
      if (answer !== undefined) await answer
    }
  }

  async sessions(): Promise<readonly SessionView[]> {
    const sessions = await readSessions(this.source, this.ref)
    return sessions.map(({ idHi, idLo, timeoutMs }) => ({ id: toSessionId(joinLong(idHi, idLo)), timeoutMs }))
  }
}

const noStat = {} as Stat

class WalkedNode implements WalkedZnode {
  bytes: Uint8Array = new Uint8Array(0)
  readonly pathStart = 0
  pathEnd = 0
  dataLength = 0
  ownerHi = 0
  ownerLo = 0
  readonly childCount = -1
  #stat = noStat

  fill(node: StateNode): void {
    this.bytes = node.path
    this.pathEnd = node.path.length
    this.dataLength = node.dataLength
    this.ownerHi = highOf(node.stat.ephemeralOwner)
    this.ownerLo = lowOf(node.stat.ephemeralOwner)
    this.#stat = node.stat
  }

  stat(): Stat {
    return this.#stat
  }
}

export function aclOfStored(acl: StoredAcl): AclView {
  return acl.kind === 'dangling' ? 'dangling' : readAcls(new JuteReader(acl.bytes))
}
