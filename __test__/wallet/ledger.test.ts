import { beforeAll, describe, expect, it } from '@jest/globals'
import { headVerifier, verifyAuditExport } from '../../src/audit/index.js'
import {
  type KeyShareStore,
  MemoryNetwork,
  MemoryStore,
  MpcAgentWallet,
  Party,
  type PartyRole,
  type SignTransactionParameters,
  type SignTransactionReturnType,
} from '../../src/index.js'
import { collect } from '../helpers/audit.js'
import { sharedCommittee } from '../helpers/committee.js'
import { FailingStore, type PowerCut } from '../helpers/failing-store.js'
import { payment } from '../helpers/payment.js'
import {
  addressesOf,
  type Each,
  each,
  keyWrapper,
  makeWallet,
  type OpenCommittee,
  openWallet,
  type Records,
  recordsOf,
  refreshAll,
  signerOf,
  storesWith,
} from '../helpers/stored-committee.js'

/** What a new wallet leaves in three stores; each test works on copies. */
let made: Each<Records>

beforeAll(async () => {
  const stores = await each(async () => new MemoryStore())
  await using _ = await makeWallet(stores)
  made = await recordsOf(stores)
})

const invoice = { ...payment(), idempotencyKey: 'invoice 17' }

async function whileCosigning<Value>(
  wallet: MpcAgentWallet,
  work: () => Promise<Value>,
  approve: () => boolean = () => true,
): Promise<Value> {
  await using _ = wallet.cosign({ approve })
  return await work()
}

function sign(
  { wallets }: OpenCommittee,
  parameters: SignTransactionParameters = invoice,
  approve: () => boolean = () => true,
): Promise<SignTransactionReturnType> {
  return whileCosigning(wallets.user, () => wallets.agent.signTransaction(parameters), approve)
}

/** The entries of a party's log, oldest first. */
async function entriesOf(
  wallet: MpcAgentWallet,
): Promise<readonly { kind: string; facts: Record<string, unknown> }[]> {
  const lines = await collect(wallet.exportAuditLog())
  return lines.map((line) => JSON.parse(line)).filter(({ kind }) => kind !== undefined)
}

async function kindsOf(wallet: MpcAgentWallet): Promise<string[]> {
  return (await entriesOf(wallet)).map(({ kind }) => kind)
}

/** How many verdicts the log says were lost when the wallet was opened last. */
async function lostAtOpening(wallet: MpcAgentWallet): Promise<number> {
  const entries = await entriesOf(wallet)
  const opened = entries.findLastIndex(({ kind }) => kind === 'wallet.opened')
  const recovered = entries.slice(opened).find(({ kind }) => kind === 'ledger.recovered')
  const lost = (recovered?.facts['lostVerdicts'] ?? {}) as Record<string, number>
  return Object.values(lost).reduce((total, count) => total + count, 0)
}

interface CutPower {
  readonly at: number
  readonly cut: PowerCut
  readonly asked?: SignTransactionParameters
  readonly cosigned?: boolean
}

/** Cuts one party's power at a commit of one payment by the agent and the user. */
async function cutPowerWhilePaying(
  stores: Each<KeyShareStore>,
  role: PartyRole,
  { at, cut, asked = invoice, cosigned = true }: CutPower,
): Promise<void> {
  const failing = new FailingStore(stores[role])
  await using committee = await openWallet({ ...stores, [role]: failing })
  const { agent, user } = committee.wallets
  failing.cutIn(at, cut)
  const paying = (): Promise<unknown> => agent.signTransaction({ ...asked, timeoutMs: 1_500 })
  await (cosigned ? whileCosigning(user, paying) : paying()).catch(() => {})
}

describe('a request with an idempotency key', () => {
  it('gives the same signature again, also after a restart and without the co-signer', async () => {
    const stores = await storesWith(made)
    const before = await openWallet(stores)
    const first = await sign(before)
    const again = await before.wallets.agent.signTransaction(invoice)
    await before.close()

    await using after = await openWallet(stores)
    const afterRestart = await after.wallets.agent.signTransaction(invoice)

    expect(again).toEqual(first)
    expect(afterRestart).toEqual(first)
  })

  it('is refused for something else, and changes nothing', async () => {
    await using committee = await openWallet(await storesWith(made))
    const { agent } = committee.wallets
    const first = await sign(committee)
    const { idempotencyKey } = invoice

    await expect(
      agent.signTransaction({ ...payment({ value: 2n }), idempotencyKey }),
    ).rejects.toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' })
    await expect(agent.signTransaction({ ...invoice, memo: 'again' })).rejects.toMatchObject({
      code: 'IDEMPOTENCY_CONFLICT',
    })
    expect(await agent.signTransaction(invoice)).toEqual(first)
  })

  it('runs one ceremony for fifty calls at once', async () => {
    await using committee = await openWallet(await storesWith(made))
    const { agent, user } = committee.wallets
    let asked = 0
    const approve = (): boolean => {
      asked++
      return true
    }

    const signed = await whileCosigning(
      user,
      () => Promise.all(Array.from({ length: 50 }, () => agent.signTransaction(invoice))),
      approve,
    )

    expect(asked).toBe(1)
    for (const one of signed) expect(one).toEqual(signed[0])
  })

  it('keeps all signatures of a batch', async () => {
    await using committee = await openWallet(await storesWith(made))
    const { agent, user } = committee.wallets
    const batch = {
      transactions: [payment({ nonce: 1 }), payment({ nonce: 2 })],
      idempotencyKey: 'salaries',
    }

    const first = await whileCosigning(user, () => agent.signTransactions(batch))

    expect(await agent.signTransactions(batch)).toEqual(first)
  })

  it('is not asked for again after the co-signer said no', async () => {
    await using committee = await openWallet(await storesWith(made))
    const no = { code: 'CEREMONY_REFUSED' }

    await expect(sign(committee, invoice, () => false)).rejects.toMatchObject(no)

    await expect(sign(committee)).rejects.toMatchObject(no)
    const signed = await sign(committee, { ...invoice, idempotencyKey: 'invoice 17, second try' })
    expect(signed.digest.length).toBe(32)
  })

  it.each(['', 'x'.repeat(129), '\ud800', 17, null])('has 1 to 128 characters: %j', async (key) => {
    await using committee = await openWallet(await storesWith(made))
    const { agent } = committee.wallets

    await expect(
      agent.signTransaction({ ...invoice, idempotencyKey: key as string }),
    ).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })

  it('is not a name for more than one request without it', async () => {
    await using committee = await openWallet(await storesWith(made))
    const [first, second] = [await sign(committee, payment()), await sign(committee, payment())]

    expect(second.ceremonyId).not.toBe(first.ceremonyId)
  })
})

describe('a party that lives in memory', () => {
  const committee = sharedCommittee()

  it('refuses an idempotency key, which it could not keep', async () => {
    await expect(committee().agent.signTransaction(invoice)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    })
  })

  it('keeps no audit log', async () => {
    await expect(collect(committee().agent.exportAuditLog())).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    })
  })
})

/** What asking again with the same key comes to, by the commit at which the power was cut. */
const CUTS = [
  // decided, and reserved
  { at: 1, cut: 'before', lost: 0, again: 'signs' },
  { at: 1, cut: 'after', lost: 0, again: 'signs' },
  { at: 2, cut: 'before', lost: 0, again: 'signs' },
  { at: 2, cut: 'after', lost: 0, again: 'signs' },
  // created, and its session opened
  { at: 3, cut: 'before', lost: 0, again: 'signs' },
  { at: 3, cut: 'after', lost: 1, again: 'signs' },
  // share about to leave
  { at: 4, cut: 'before', lost: 1, again: 'signs' },
  { at: 4, cut: 'after', lost: 1, again: 'OUTCOME_UNKNOWN' },
  // signed: counted, and then kept
  { at: 5, cut: 'before', lost: 1, again: 'OUTCOME_UNKNOWN' },
  { at: 5, cut: 'after', lost: 1, again: 'OUTCOME_UNKNOWN' },
  { at: 6, cut: 'before', lost: 1, again: 'OUTCOME_UNKNOWN' },
  { at: 6, cut: 'after', lost: 0, again: 'replays' },
] as const

describe('an asking party whose power is cut', () => {
  it.each(CUTS)(
    '$cut commit $at of a request has $lost lost verdicts, and then $again',
    async ({ at, cut, lost, again }) => {
      const stores = await storesWith(made)
      await cutPowerWhilePaying(stores, 'agent', { at, cut })

      await using committee = await openWallet(stores)
      const { agent } = committee.wallets

      expect(await lostAtOpening(agent)).toBe(lost)
      if (again === 'OUTCOME_UNKNOWN')
        await expect(sign(committee)).rejects.toMatchObject({
          code: again,
          signatureMayExist: true,
        })
      else if (again === 'replays') expect((await agent.signTransaction(invoice)).r.length).toBe(32)
      else expect((await sign(committee)).r.length).toBe(32)
    },
  )
})

describe('a co-signer whose power is cut', () => {
  it.each(CUTS)(
    '$cut commit $at of a request has $lost lost verdicts, and signs others',
    async ({ at, cut, lost }) => {
      const stores = await storesWith(made)
      await cutPowerWhilePaying(stores, 'user', { at, cut })

      await using committee = await openWallet(stores)

      expect(await lostAtOpening(committee.wallets.user)).toBe(lost)
      const signed = await sign(committee, { ...invoice, idempotencyKey: 'another' })
      expect(signed.r.length).toBe(32)
    },
  )
})

describe('lost verdicts', () => {
  const cut = { at: 3, cut: 'after', asked: payment(), cosigned: false } as const

  it('poison the pair at the eighth; the other pairs sign, and a refresh repairs', async () => {
    const stores = await storesWith(made)
    const [pair, others] = [
      ['agent', 'user'],
      [
        ['agent', 'recovery'],
        ['user', 'recovery'],
      ],
    ] as const
    for (let lost = 1; lost <= 7; lost++) await cutPowerWhilePaying(stores, 'agent', cut)
    const before = await openWallet(stores)
    const [address] = addressesOf(before.wallets)
    expect(await signerOf(before.wallets, pair)).toBe(address)
    await before.close()

    await cutPowerWhilePaying(stores, 'agent', cut)

    await (await openWallet(stores)).close() // the pair stays poisoned, whoever opens it
    await using after = await openWallet(stores)
    await expect(signerOf(after.wallets, pair)).rejects.toMatchObject({ code: 'PROTOCOL_CONFIG' })
    for (const other of others) expect(await signerOf(after.wallets, other)).toBe(address)

    await refreshAll(after.wallets)
    expect(await signerOf(after.wallets, pair)).toBe(address)
    await after.close()
    await cutPowerWhilePaying(stores, 'agent', cut)
    await using later = await openWallet(stores)
    expect(await signerOf(later.wallets, pair)).toBe(address)
  }, 60_000)
})

describe('the audit log of a wallet', () => {
  it('tells what happened, and verifies with the identity key alone', async () => {
    const stores = await storesWith(made)
    await using committee = await openWallet(stores)
    const { agent, user } = committee.wallets
    await sign(committee)
    await sign(committee, payment({ nonce: 1 }), () => false).catch(() => {})
    await refreshAll(committee.wallets)

    const expected = [
      'wallet.made',
      'wallet.opened',
      'policy.decided',
      ...['request.created', 'request.signing', 'request.shareLeft', 'request.signed'],
    ]
    expect(await kindsOf(agent)).toEqual([
      ...expected,
      ...['policy.decided', 'request.created', 'request.signing', 'request.rejected'],
      'epoch.changed',
    ])
    expect(await kindsOf(user)).toEqual([
      ...expected,
      ...['policy.decided', 'request.created', 'request.rejected'],
      'epoch.changed',
    ])
    for (const role of ['agent', 'user', 'recovery'] as const) {
      const lines = await collect(committee.wallets[role].exportAuditLog())
      const verifyHead = headVerifier(committee.parties[role].identityKey)
      const { entries, signedEntries } = await verifyAuditExport(lines, { verifyHead })
      expect(signedEntries).toBe(entries)
    }
  })

  it('is broken once an entry was removed', async () => {
    await using committee = await openWallet(await storesWith(made))
    await sign(committee)
    const verifyHead = headVerifier(committee.parties.agent.identityKey)
    const lines = await collect(committee.wallets.agent.exportAuditLog())

    for (let entry = 1; entry < lines.length - 1; entry++)
      await expect(
        verifyAuditExport(lines.toSpliced(entry, 1), { verifyHead }),
      ).rejects.toMatchObject({ code: 'AUDIT_BROKEN' })
  })

  it('is sealed when the wallet is closed', async () => {
    const stores = await storesWith(made)
    await (await openWallet(stores)).close()

    const heads = await stores.agent.list('audit-head/')
    const entries = await stores.agent.list('audit/')

    expect(heads.at(-1)?.slice('audit-head/'.length)).toBe(entries.at(-1)?.slice('audit/'.length))
  })
})

describe('a wallet that is open', () => {
  it('is not opened a second time over its store, and is once it was closed', async () => {
    const stores = await storesWith(made)
    const open = async (): Promise<MpcAgentWallet> => {
      const party = await Party.open({ store: stores.agent, unlock: { keyWrapper } })
      const transport = new MemoryNetwork().connect(party.identityKey)
      return await MpcAgentWallet.open({ party, transport })
    }
    const first = await open()

    await expect(open()).rejects.toMatchObject({ code: 'SESSION_BUSY' })
    await first.close()
    await using again = await open()
    expect(again.role).toBe('agent')
  })
})
