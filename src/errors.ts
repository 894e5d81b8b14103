import { ALL_ROLES, type PartyRole } from './party-role.js'

/** What an error code means, whether the unchanged call may work later, and what to do about it. */
export interface ErrorDescription {
  readonly meaning: string
  readonly retryable: boolean
  readonly next: string
}

/**
 * Every code an {@link MpcWalletError} can carry. The documentation is generated from this table.
 *
 * Callers branch on codes; messages may change between releases. Where a party is the reason,
 * `culprits` names it.
 */
export const ERROR_TABLE = Object.freeze({
  // misuse
  INVALID_INPUT: {
    meaning: 'an argument is missing, malformed or out of range; the message names it',
    retryable: false,
    next: 'fix the call',
  },
  SESSION_BUSY: {
    meaning: 'a second call reached something that does one thing at a time',
    retryable: false,
    next: 'wait for the first call before the second',
  },
  SESSION_CLOSED: {
    meaning: 'the wallet, store, transport or session was closed or has ended',
    retryable: false,
    next: 'open a new one; what was closed never works again',
  },
  IDEMPOTENCY_CONFLICT: {
    meaning: 'this idempotency key belongs to a request for something else; nothing changed',
    retryable: false,
    next: 'use one key for each thing to sign, and the same one when asking for it again',
  },

  // decisions
  PAYLOAD_REFUSED: {
    meaning:
      'the bytes to sign could not be read completely, or are of a kind that is never signed',
    retryable: false,
    next: 'show the reason; build a payload of a kind this version reads',
  },
  POLICY_REJECTED: {
    meaning:
      "a party's policy does not allow what was asked for; the message names rule and reason",
    retryable: false,
    next: 'show the reason; ask for less, or have the policy changed by its quorum',
  },
  APPROVAL_REQUIRED: {
    meaning: 'the policy asks persons first, and they have not said yes to exactly this',
    retryable: true,
    next: 'call requestApproval, wait for it, then ask again with the same idempotency key',
  },
  POLICY_STALE: {
    meaning: "two parties hold different versions of the wallet's policy",
    retryable: true,
    next: 'hand the newer version with its signatures to the party that lacks it, with takeStatement',
  },
  POLICY_INVALID: {
    meaning: 'a policy is not sound; the message names the place and the rule',
    retryable: false,
    next: 'change the policy at that place',
  },
  CEREMONY_REFUSED: {
    meaning: 'a party said no to this ceremony',
    retryable: false,
    next: 'show who refused; do not ask again unchanged',
  },

  // protocol
  PROTOCOL_CONFIG: {
    meaning: 'the parties disagree about what the ceremony is for; nobody is to blame',
    retryable: false,
    next: 'compare versions, wallet, epoch and clocks of the parties',
  },
  PROTOCOL_EQUIVOCATION: {
    meaning: 'the parties were shown different broadcasts',
    retryable: false,
    next: 'look at the transport between them before trying again',
  },
  PROTOCOL_TIMEOUT: {
    meaning: 'a party did not answer in time',
    retryable: true,
    next: 'try again when that party is reachable',
  },
  PROTOCOL_MALFORMED: {
    meaning: 'a party signed a message that the protocol does not allow',
    retryable: false,
    next: 'update or inspect that party',
  },
  PROTOCOL_CHEAT: {
    meaning: 'a party provably deviated from the protocol',
    retryable: false,
    next: 'stop using that party and call its operator',
  },
  PROTOCOL_OT_POISONED: {
    meaning: 'a consistency check with a party failed, so this pair signs nothing more',
    retryable: false,
    next: 'sign with the other party; refresh the shares or replace the culprit',
  },
  PROTOCOL_UNATTRIBUTED: {
    meaning: 'the result was wrong and it cannot be said through whom',
    retryable: false,
    next: 'call the operators; do not retry in a loop',
  },

  // state
  ROLLBACK: {
    meaning: 'something is older than what was seen before, as after restoring an old copy',
    retryable: false,
    next: 'open the newest copy; where there is none, restore a backup into a new store, or have this party recovered',
  },
  STORE_RECORD_EXISTS: {
    meaning: 'a record that was to be created is already there; nothing of the batch was written',
    retryable: false,
    next: 'read what is there; never create it a second time',
  },
  STORE_LOCKED: {
    meaning: 'the store is open elsewhere; one process has it at a time',
    retryable: true,
    next: 'close it there, or end that process',
  },
  STORE_READ_ONLY: {
    meaning: "this user may not write the store's files, or the file system takes no writes",
    retryable: false,
    next: 'let the user of this process own directory and files, on a file system mounted for writing',
  },
  STORE_FULL: {
    meaning: 'the disk of the store has no room left; nothing of this write was kept',
    retryable: true,
    next: 'make room on that disk, then call again',
  },
  STORE_CORRUPT: {
    meaning: "the store's files are not what was written to them",
    retryable: false,
    next: 'stop, copy the files away as they are, then restore a backup or have this party recovered',
  },
  STORE_VERSION: {
    meaning: 'the store was made by a newer version of this package, or is none of its stores',
    retryable: false,
    next: 'install the newer version, or give the path of a store',
  },
  STORE_INSECURE_MODE: {
    meaning: "other users of the machine may read or write the store's files",
    retryable: false,
    next: 'run chown on what is not yours, chmod 700 on the directory and chmod 600 on its files, and ask who had access',
  },
  STORE_PATH: {
    meaning: 'at the path of the store, or of a file of it, is a link or something else',
    retryable: false,
    next: 'give a real path, in a directory that exists and is used for nothing else',
  },
  STORE_DRIVER_MISSING: {
    meaning: 'better-sqlite3 is not installed, or its binary was not built for this Node.js',
    retryable: false,
    next: 'run npm rebuild better-sqlite3 --ignore-scripts=false; where no binary can be downloaded it needs Python and a C++ compiler',
  },

  // what a store holds of a wallet
  SHARE_ABSENT: {
    meaning: 'the store holds no share of this wallet',
    retryable: false,
    next: 'open the right store, restore a backup, or recover this party with the other two',
  },
  SHARE_UNREADABLE: {
    meaning: 'a sealed record was changed, moved, or written by another version',
    retryable: false,
    next: 'restore a backup, or recover this party with the other two; find out who had access',
  },
  WRONG_PASSWORD: {
    meaning:
      'the password, the key of the key wrapper, or the words are not those that it is sealed with',
    retryable: false,
    next: 'try the right one; nothing was changed',
  },
  SHARE_STALE: {
    meaning:
      "a party's share is of an epoch that the other parties erased, as after restoring an old backup; it works with nobody",
    retryable: false,
    next: 'have that party recovered by the other two; the newer share is in no backup of it',
  },
  REFRESH_NEEDED: {
    meaning: 'a party was restored from a backup, and no pair with it signs yet',
    retryable: false,
    next: 'refresh with all three parties; until then the other two sign with each other',
  },
  WALLET_PENDING: {
    meaning: 'not every party has acknowledged the shares of this wallet yet',
    retryable: true,
    next: 'call refresh at all three parties; nothing is paid to it before',
  },
  BACKUP_UNREADABLE: {
    meaning: 'the file is no backup of this version, or was changed',
    retryable: false,
    next: 'use another copy of it, or have this party recovered with the other two',
  },
  WORDS_INVALID: {
    meaning: 'the words are not as they were written down; the message says what is wrong',
    retryable: false,
    next: 'compare them with the paper; take the third list if one of the two cannot be read',
  },
  APPROVAL_MISSING: {
    meaning: 'a person whose approval this recovery needs has not given it',
    retryable: true,
    next: 'have that person sign it with signRecovery, and hand the text to both survivors',
  },
  RECOVERY_WAITING: {
    meaning: 'the recovery is approved, and the time in which somebody may object is not over',
    retryable: true,
    next: 'keep this party running and call again then',
  },
  CLOCK_JUMPED: {
    meaning: "this machine's clock jumped, so no delay that it measures is believed",
    retryable: false,
    next: 'set the clock right, then call confirmClock',
  },
  EPOCH_BEHIND: {
    meaning: 'the parties hold different epochs of the wallet, and none in common was found',
    retryable: true,
    next: 'call again: each now knows what the other holds; if it persists, refresh or recover',
  },
  LEDGER_CORRUPT: {
    meaning: 'a record of the request ledger cannot be read; the message names it',
    retryable: false,
    next: 'look at the chain: a signature may exist; restore the record, or use a new key once it is sure that none does',
  },
  LEDGER_FULL: {
    meaning: 'the request ledger holds as many requests of one principal as it may',
    retryable: false,
    next: 'prune finished requests, and conclude those whose outcome is unknown',
  },
  AUDIT_BROKEN: {
    meaning: 'the audit log is not what was written; the message says where it breaks',
    retryable: false,
    next: 'keep the store as it is, export the log, and find out who could write to it',
  },

  // environment
  STORE_UNAVAILABLE: {
    meaning: "this party's store could not be written or read, so nothing went on",
    retryable: true,
    next: 'look at the store, then start a new ceremony',
  },
  NATIVE_MISMATCH: {
    meaning: 'the native addon is of another version than this package',
    retryable: false,
    next: 'install the package again, or rebuild the addon in a checkout',
  },
  NATIVE_BUSY: {
    meaning: 'too many native calls are under way in this process',
    retryable: true,
    next: 'try again shortly, with fewer ceremonies at once',
  },
  COSIGNER_OFFLINE: {
    meaning:
      'the other signer gave no answer in time; it may be off, or its operator may still be deciding',
    retryable: true,
    next: 'see that it is running and its operator answers, or ask the third party to co-sign',
  },
  TRANSPORT_UNAVAILABLE: {
    meaning: "this party's transport failed; the cause is what it threw",
    retryable: true,
    next: 'look at the transport, then call again',
  },
  UNLOCK_UNAVAILABLE: {
    meaning: 'the key wrapper, or what asks for the password, failed; the cause is what it threw',
    retryable: true,
    next: 'look at the keychain, the key-management service or the prompt, then open again',
  },
  UNLOCK_KEY_ABSENT: {
    meaning: 'what keeps the key of the records is there, and has no such key',
    retryable: false,
    next: "unlock the right user's keychain or restore that entry; if it is gone for good, restore a backup or have this party recovered",
  },
  PEER_MISSING: {
    meaning: 'an optional package that this function needs is not installed; the message names it',
    retryable: false,
    next: 'install that package',
  },
  RPC_UNAVAILABLE: {
    meaning: 'no chain endpoint answered, or not as one does',
    retryable: true,
    next: 'look at the endpoint',
  },
  OUTCOME_UNKNOWN: {
    meaning: 'an earlier attempt may have made a signature that this party does not hold',
    retryable: false,
    next: 'look at the chain and conclude the request; sign nothing in its place before',
  },
  RELAY_BAD_DESCRIPTOR: {
    meaning: 'a session descriptor does not have the layout of this version',
    retryable: false,
    next: 'compare versions of the parties',
  },
  RELAY_BAD_ENVELOPE: {
    meaning: 'an envelope does not have the layout of this version, or does not fit its session',
    retryable: false,
    next: 'compare versions of the parties',
  },
  RELAY_NOT_A_MEMBER: {
    meaning: 'the session has no participant with this identity',
    retryable: false,
    next: 'use the transport of a party that takes part',
  },
  RELAY_SESSION_UNKNOWN: {
    meaning: 'nobody opened this session here, or it is over and gone',
    retryable: false,
    next: 'open it again or start a new ceremony',
  },
  RELAY_EQUIVOCATION: {
    meaning: 'one sender used one sequence number for two different envelopes',
    retryable: false,
    next: 'inspect the sender: an honest party never does',
  },
  RELAY_TOO_LARGE: {
    meaning: 'an envelope is larger than the transport carries',
    retryable: false,
    next: 'compare versions of the parties',
  },
  RELAY_QUOTA_EXHAUSTED: {
    meaning: 'a session, or all sessions together, hold as much as the transport keeps',
    retryable: true,
    next: 'wait until sessions end or expire',
  },

  // stop
  ABORTED: {
    meaning: "the caller's signal stopped the call; the cause is the signal's reason",
    retryable: false,
    next: 'nothing: this was asked for',
  },

  // bug
  INTERNAL: {
    meaning: 'a defect of this package',
    retryable: false,
    next: 'report it with the message, which holds no secret',
  },
} satisfies Record<string, ErrorDescription>)

/** One of the codes of {@link ERROR_TABLE}. */
export type MpcWalletErrorCode = keyof typeof ERROR_TABLE

/** What an {@link MpcWalletError} carries besides code and message. */
export interface MpcWalletErrorOptions {
  readonly cause?: unknown
  /** The parties that caused it, where the protocol can tell. */
  readonly culprits?: readonly PartyRole[]
  /** Overrules the table, when this one occurrence must not be retried. */
  readonly retryable?: boolean
  /** What each rule of a policy said, as a person reads it. */
  readonly explain?: readonly string[]
  /** This party's signature share had left before; never together with `retryable`. */
  readonly signatureMayExist?: boolean
}

const BRAND = Symbol.for('@mpc-wallet/sdk/error')

/**
 * The one error class of this package. Branch on {@link MpcWalletError.code}.
 *
 * `instanceof` holds across the ESM and CommonJS copies of the package and across realms: the class
 * is recognised by a registered symbol, never by identity. Messages name the thing and the rule,
 * hold no value, and are safe to log and to show to a language model.
 *
 * @example
 * try {
 *   await wallet.signTransaction({ transaction, chain: 'eip155:1' })
 * } catch (error) {
 *   if (!(error instanceof MpcWalletError) || error.code !== 'COSIGNER_OFFLINE') throw error
 *   notifyOperator(error.culprits)
 * }
 */
export class MpcWalletError extends Error {
  override readonly name = 'MpcWalletError'
  readonly code: MpcWalletErrorCode
  /** Whether the unchanged call may work later; `false` whenever a signature may exist. */
  readonly retryable: boolean
  /**
   * Whether this party's share of the signature had left, so that the other signer may hold the
   * signature and use it. Look at the chain before anything is signed in its place.
   */
  readonly signatureMayExist: boolean
  declare readonly culprits?: readonly PartyRole[]
  /** Of a decision of a policy: what each rule said, a line each. */
  declare readonly explain?: readonly string[]

  constructor(code: MpcWalletErrorCode, message: string, options: MpcWalletErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.code = code
    this.signatureMayExist = options.signatureMayExist ?? false
    this.retryable = !this.signatureMayExist && (options.retryable ?? ERROR_TABLE[code].retryable)
    if (options.culprits !== undefined) this.culprits = Object.freeze([...options.culprits])
    if (options.explain !== undefined) this.explain = Object.freeze([...options.explain])
  }

  get [BRAND](): true {
    return true
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: a subclass keeps the ordinary meaning
    if (this !== MpcWalletError) return Function.prototype[Symbol.hasInstance].call(this, value)
    return typeof value === 'object' && value !== null && BRAND in value
  }

  /**
   * Turns whatever was thrown into an {@link MpcWalletError}, and gives native rejections the
   * JavaScript stack they lack.
   *
   * The only place that looks at native errors. It reads `code`, because under jest, in `vm`
   * contexts and across worker messages a native error belongs to another realm. Anything without a
   * code of ours is a defect: `INTERNAL`.
   */
  static wrap(error: unknown): MpcWalletError {
    if (error instanceof MpcWalletError) return error
    const { code, message, culprits } = readNativeError(error)
    if (code === undefined)
      return new MpcWalletError('INTERNAL', 'internal error', { cause: error })
    return new MpcWalletError(code, message, { cause: error, ...(culprits && { culprits }) })
  }
}

interface NativeError {
  readonly code?: MpcWalletErrorCode
  readonly message: string
  readonly culprits?: readonly PartyRole[]
}

function readNativeError(error: unknown): NativeError {
  if (typeof error !== 'object' || error === null) return { message: '' }
  // only read, and each field is narrowed below
  const { code, message, culprits } = error as Partial<Record<keyof NativeError, unknown>>
  if (!isErrorCode(code)) return { message: '' }
  return {
    code,
    message: typeof message === 'string' ? message : ERROR_TABLE[code].meaning,
    ...(Array.isArray(culprits) && culprits.length > 0 && { culprits: culprits.filter(isRole) }),
  }
}

/** @internal */
export function isErrorCode(code: unknown): code is MpcWalletErrorCode {
  return typeof code === 'string' && Object.hasOwn(ERROR_TABLE, code)
}

function isRole(value: unknown): value is PartyRole {
  return ALL_ROLES.some((role) => role === value)
}
