import type { KeyShareStore, StoreBatch } from '../../src/storage/index.js'

/** Whether the power goes before the commit is on disk, or after it and before anybody hears. */
export type PowerCut = 'before' | 'after'

/**
 * A store whose power is cut at its commit number `at`, counted from 1, if at all; nothing works after it. A commit
 * that writes nothing does not count.
 */
export class FailingStore implements KeyShareStore {
  readonly #store: KeyShareStore
  #at: number
  #cut: PowerCut
  commits = 0

  constructor(
    store: KeyShareStore,
    { at = Number.POSITIVE_INFINITY, cut = 'before' }: { at?: number; cut?: PowerCut } = {},
  ) {
    this.#store = store
    this.#at = at
    this.#cut = cut
  }

  async commit(batch: StoreBatch): Promise<readonly (Uint8Array | undefined)[]> {
    this.#requirePower()
    if (batch.writes.length > 0) this.commits++
    if (this.commits < this.#at) return await this.#store.commit(batch)
    if (this.#cut === 'after') await this.#store.commit(batch)
    throw new Error('power cut')
  }

  /** Cuts the power at so many commits from now. */
  cutIn(commits: number, cut: PowerCut): void {
    this.#at = this.commits + commits
    this.#cut = cut
  }

  /** The power is cut at another commit. */
  failAt(at: number): void {
    this.#at = at
  }

  /** The power is back for good. */
  repair(): void {
    this.#at = Number.POSITIVE_INFINITY
  }

  async store(id: string, share: Uint8Array): Promise<void> {
    this.#requirePower()
    await this.#store.store(id, share)
  }

  async load(id: string): Promise<Uint8Array | undefined> {
    this.#requirePower()
    return await this.#store.load(id)
  }

  async delete(id: string): Promise<boolean> {
    this.#requirePower()
    return await this.#store.delete(id)
  }

  async exists(id: string): Promise<boolean> {
    this.#requirePower()
    return await this.#store.exists(id)
  }

  async list(prefix?: string): Promise<readonly string[]> {
    this.#requirePower()
    return await this.#store.list(prefix)
  }

  async close(): Promise<void> {
    await this.#store.close()
  }

  #requirePower(): void {
    if (this.commits >= this.#at) throw new Error('power cut')
  }
}
