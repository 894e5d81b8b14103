/**
 * A number that only grows, kept where restoring an old store does not restore it: a file beside the
 * store by default, a keychain or a KMS where one is at hand.
 */
export interface OutsideCounter {
  /** `undefined` if it was never advanced. */
  read(): Promise<bigint | undefined>
  /**
   * Sets it, durably when it resolves. The same number again changes nothing.
   *
   * @throws {@link MpcWalletError} `ROLLBACK` for a number below the one it holds.
   */
  advance(to: bigint): Promise<void>
}
