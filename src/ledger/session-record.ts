import { canonicalBytes, decodeUtf8, parseCanonicalJson } from '../canonical-json.js'
import { isCount } from '../guards.js'
import { type Hex, isHash } from '../hex.js'
import type { RequestId, SessionName } from './ledger-request.js'

/**
 * A signing session that has begun and not ended. The record is written before the session's first
 * message and deleted in the commit that says how its request went on: one that is found at the
 * start of a process is of a ceremony that nobody ended.
 */
export interface OpenSession extends SessionName {
  readonly requestId: RequestId
  readonly startedAtMs: number
  /** Written before this party's share of the signature leaves. */
  readonly shareLeft: boolean
}

const SCHEMA = { schema: 'open-session', version: 1 } as const

/** @internal */
export function sessionPrefix(walletId: Hex): string {
  return `open-session/${walletId.slice(2)}/`
}

/** The peer is part of the id: its lost verdict is counted even if the record is damaged. @internal */
export function sessionStoreId(walletId: Hex, { sessionId, peer }: SessionName): string {
  return `${sessionPrefix(walletId)}${peer.slice(2)}/${sessionId.slice(2)}`
}

/** @internal */
export function parseSessionStoreId(walletId: Hex, id: string): SessionName | undefined {
  const [peerHex = '', sessionHex = '', ...more] = id
    .slice(sessionPrefix(walletId).length)
    .split('/')
  const [peer, sessionId] = [`0x${peerHex}`, `0x${sessionHex}`]
  return isHash(peer) && isHash(sessionId) && more.length === 0 ? { sessionId, peer } : undefined
}

/** @internal */
export function encodeSession(session: OpenSession): Uint8Array {
  return canonicalBytes('session', { ...SCHEMA, ...session })
}

/** Reads a session, which must be the named one; `undefined` for any other bytes. @internal */
export function parseSession(name: SessionName, bytes: Uint8Array): OpenSession | undefined {
  const value: unknown = parseCanonicalJson(decodeUtf8(bytes) ?? '')
  if (typeof value !== 'object' || value === null) return undefined
  const { schema, version, sessionId, peer, requestId, startedAtMs, shareLeft } = value as Partial<
    Record<keyof (OpenSession & typeof SCHEMA), unknown>
  > // only read, and each field is narrowed below
  const isOurs =
    Object.keys(value).length === 7 &&
    schema === SCHEMA.schema &&
    version === SCHEMA.version &&
    sessionId === name.sessionId &&
    peer === name.peer
  if (!isOurs || !isHash(requestId) || !isCount(startedAtMs) || typeof shareLeft !== 'boolean')
    return undefined
  return { ...name, requestId, startedAtMs, shareLeft }
}
