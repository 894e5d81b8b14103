/**
 * Who a party of a wallet is. Roles are fixed when the wallet is made; each holds one of the three
 * shares, and any two of them sign together.
 */
export const PartyRole = Object.freeze({
  /** The process that wants to pay: an agent's server. Party 1. */
  Agent: 'agent',
  /** The person whose money it is, or that person's co-signer. Party 2. */
  User: 'user',
  /** The guardian that helps when one of the others is lost. Party 3. */
  Recovery: 'recovery',
})

/** One of {@link PartyRole}'s values. */
export type PartyRole = (typeof PartyRole)[keyof typeof PartyRole]

const BY_INDEX: readonly PartyRole[] = [PartyRole.Agent, PartyRole.User, PartyRole.Recovery]

/** Every role, by ascending party index. */
export const ALL_ROLES = BY_INDEX

/** The role of a party index, which is also the role's byte on the wire. @internal */
export function roleOfIndex(index: number): PartyRole | undefined {
  return BY_INDEX[index - 1]
}

/** The party index of a role: 1, 2 or 3. @internal */
export function indexOfRole(role: PartyRole): number {
  return BY_INDEX.indexOf(role) + 1
}
