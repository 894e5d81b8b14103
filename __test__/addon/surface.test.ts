import { createRequire } from 'node:module'
import { describe, expect, it } from '@jest/globals'
import { readSurface } from '../helpers/native-surface.js'

const require = createRequire(import.meta.url)

/** Sorted as declared. */
const SURFACE = [
  'Bytes',
  'SecretBytes',
  '__napiBindingTarget',
  'Authorization',
  'Authorization#digests',
  'Authorization#expiresAtMs',
  'FreshKey',
  'new FreshKey',
  'FreshKey#expose',
  'FreshKey#createVault',
  'Identity',
  'Identity.generate',
  'Identity#role',
  'Identity#identityKey',
  'Identity#signAuditHead',
  'Identity#createPairing',
  'Intent',
  'Intent.parse',
  'Intent#kind',
  'Intent#chain',
  'Intent#bytes',
  'Intent#digest',
  'Intent#payloadHash',
  'Intent#describe',
  'Invitation',
  'Invitation.open',
  'Invitation#sessionId',
  'Invitation#from',
  'Invitation#paths',
  'Invitation#memo',
  'Invitation#expiresAtMs',
  'Invitation#describe',
  'Invitation#accept',
  'Invitation#isWithdrawnBy',
  'Invitation#refuse',
  'Pairing',
  'Pairing#card',
  'Recovery',
  'Recovery.recordId',
  'Recovery.open',
  'Recovery#sign',
  'Recovery#observe',
  'Recovery#decide',
  'Recovery#confirmClock',
  'Recovery#consent',
  'ReshareConsent',
  'ReshareConsent.refresh',
  'ReshareConsent.join',
  'ReshareConsent#start',
  'ReshareConsent#accept',
  'Session',
  'Session.createWallet',
  'Session.joinWallet',
  'Session.sign',
  'Session.join',
  'Session#sessionId',
  'Session#descriptor',
  'Session#descriptorSignature',
  'Session#begin',
  'Session#receive',
  'Session#confirm',
  'Session#takeBatch',
  'Session#committed',
  'Session#commitFailed',
  'Session#abort',
  'Session#cancel',
  'Session#dispose',
  'Store',
  'new Store',
  'Store#sealIdentity',
  'Vault',
  'Vault.createWithPassword',
  'Vault.unlockWithPassword',
  'Vault.unlockWithKey',
  'Vault#header',
  'Vault#openIdentity',
  'Vault#store',
  'Wallet',
  'Wallet#walletId',
  'Wallet#role',
  'Wallet#epoch',
  'Wallet#parties',
  'Wallet#policy',
  'Wallet#policyHash',
  'Wallet#publicKey',
  'Wallet#chainCode',
  'Wallet#derive',
  'Wallet#poisoned',
  'Wallet#consent',
  'Wallet.openSealed',
  'Wallet#takeErased',
  'Wallet#countLostVerdicts',
  'Wallet#isCertified',
  'Wallet#close',
  'buildInfo',
  'BuildInfo',
  'CardInfo',
  'CeremonyKind',
  'DescriptorInfo',
  'diagnostics',
  'Diagnostics',
  'Dropped',
  'Joined',
  'PartyInfo',
  'PayloadInput',
  'readCard',
  'readDescriptor',
  'readVaultHeader',
  'RecoveryDecision',
  'RecoveryState',
  'RecoveryVerdict',
  'Role',
  'RoundOutcome',
  'SignatureOutput',
  'StoreBatch',
  'StoredRecord',
  'StoreWrite',
  'StoreWriteKind',
  'VaultHeaderInfo',
]

describe('the surface of the addon', () => {
  it('is exactly this list', () => {
    expect(readSurface().names).toEqual(SURFACE)
  })

  it('has nothing at run time that is not declared', () => {
    const declared = new Set(SURFACE)
    const exports: Record<string, unknown> = require('#native')
    const found = Object.entries(exports).flatMap(([name, value]) => [
      name,
      ...membersOf(name, value),
    ])

    expect(found.filter((name) => !declared.has(name))).toEqual([])
  })
})

function membersOf(owner: string, value: unknown): string[] {
  if (typeof value !== 'function' || value.prototype === undefined) return []
  const own = (object: object): string[] =>
    Object.getOwnPropertyNames(object).filter((name) => name !== 'constructor')
  return [
    ...own(value)
      .filter((name) => !['length', 'name', 'arguments', 'caller', 'prototype'].includes(name))
      .map((name) => `${owner}.${name}`),
    ...own(value.prototype).map((name) => `${owner}#${name}`),
  ]
}
