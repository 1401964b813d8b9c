import { type CommitBody, parseCommitBody } from '../../archive/commit-body.ts'
import { type History, readHistory } from '../../archive/history.ts'
import type { Commit, Repository } from '../../repository/types.ts'
import type { Findings } from './findings.ts'

export interface ReadCommit {
  readonly commit: Commit
  /** Key of the head that holds it. */
  readonly object: string
  readonly body: CommitBody
}

/** The timelines whose commits can all be read, with their ancestors. */
export interface SoundHistory {
  readonly history: History
  readonly commits: ReadonlyMap<string, readonly ReadCommit[]>
  /** Timelines that cannot be looked at any deeper, because a commit of theirs or of an ancestor cannot be read. */
  readonly unread: readonly string[]
}

/** Reads what can be read of the history; what cannot is a finding. */
export async function readSoundHistory(repository: Repository, findings: Findings): Promise<SoundHistory> {
  const names = (await findings.note({}, () => repository.timelines())) ?? []
  const commits = new Map<string, readonly ReadCommit[]>()
  for (const name of names) {
    const read = await findings.note({}, () => readCommits(repository, name))
    if (read !== undefined && read.length > 0) commits.set(name, read)
  }
  dropOrphans(commits)
  const source = {
    timelines: () => Promise.resolve([...commits.keys()]),
    commits: (name: string) => Promise.resolve((commits.get(name) ?? []).map(({ commit }) => commit)),
  }
  const history = await findings.note({}, () => readHistory(source))
  if (history === undefined) return { history: { timelines: [] }, commits: new Map(), unread: names }
  return { history, commits, unread: names.filter((name) => !commits.has(name)) }
}

async function readCommits(repository: Repository, name: string): Promise<ReadCommit[]> {
  const commits = await repository.commits(name)
  return commits.map((commit) => {
    const object = `head/${name}/${String(commit.seq).padStart(10, '0')}`
    return { commit, object, body: parseCommitBody(commit.body, object) }
  })
}

/** A timeline without its ancestors says nothing; that the ancestor cannot be read is a finding already, or becomes one. */
function dropOrphans(commits: Map<string, readonly ReadCommit[]>): void {
  for (let dropped = true; dropped; ) {
    dropped = false
    for (const [name, [first]] of commits) {
      const parent = first.body.start?.parent ?? null
      if (parent === null || commits.has(parent)) continue
      commits.delete(name)
      dropped = true
    }
  }
}
