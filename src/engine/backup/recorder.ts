import { type ArchiveDraft, beginArchive, type DraftPlace } from '../../archive/archive-draft.ts'
import { type History, readHistory } from '../../archive/history.ts'
import { invariant } from '../../base/errors.ts'
import type { Repository } from '../../repository/types.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import { openOrCreate } from '../repository-place.ts'
import type { RunContext } from '../run-context.ts'

/**
 * The commits of one backup, one after the other on one timeline. Nothing is written to the store before the first draft is asked for, so that a source
 * that cannot be used leaves no repository behind.
 */
export class Recorder {
  readonly #store: ObjectStore
  readonly #context: RunContext
  #opened: { readonly repository: Repository; readonly history: History } | null
  #place: DraftPlace
  #draft: ArchiveDraft | null = null
  #writtenBytes = 0

  constructor(
    store: ObjectStore,
    opened: { readonly repository: Repository; readonly history: History } | null,
    place: DraftPlace,
    context: RunContext,
  ) {
    this.#store = store
    this.#opened = opened
    this.#place = place
    this.#context = context
  }

  /** Bytes written to the store, those of drafts that were given up included. */
  get writtenBytes(): number {
    return this.#writtenBytes + (this.#draft?.draft.statistics.writtenBytes ?? 0)
  }

  /** The timeline of the drafts; undefined before the first draft of a new one. */
  get timeline(): string | undefined {
    return this.#draft?.timeline ?? ('timeline' in this.#place ? this.#place.timeline : undefined)
  }

  /** The draft under work, a new one if need be. */
  async draft(): Promise<ArchiveDraft> {
    if (this.#draft === null) {
      if (this.#opened === null) {
        const repository = await openOrCreate(this.#store, this.#context)
        this.#opened = { repository, history: await readHistory(repository) }
      }
      this.#draft = await beginArchive(this.#opened.repository, this.#opened.history, this.#place)
    }
    return this.#draft
  }

  /** Makes the draft true, if there is anything in it; the next one builds on it. @throws REPOSITORY_FENCED */
  async commit(): Promise<void> {
    const draft = this.#draft
    if (draft === null || draft.isEmpty) return await this.giveUp()
    invariant(this.#opened !== null, 'a draft has a repository')
    await draft.commit({ kind: 'backup', capturedAtMs: this.#context.clock.nowMs() })
    this.#writtenBytes += draft.draft.statistics.writtenBytes
    this.#draft = null
    this.#place = { timeline: draft.timeline }
    this.#opened = { ...this.#opened, history: await readHistory(this.#opened.repository) }
  }

  /** Lets go of the draft; what it wrote stays unreferenced. */
  async giveUp(): Promise<void> {
    const draft = this.#draft
    this.#draft = null
    if (draft === null) return
    this.#writtenBytes += draft.draft.statistics.writtenBytes
    await draft.abandon()
  }
}
