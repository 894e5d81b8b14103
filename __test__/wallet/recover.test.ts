import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { setTimeout as after } from 'node:timers/promises'
import { afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals'
import {
  ChainType,
  MemoryNetwork,
  MemoryStore,
  MpcAgentWallet,
  MpcWalletError,
  PartyRole,
  SqliteStore,
  type Transport,
} from '../../src/index.js'
import { toWalletId } from '../../src/wallet/ids.js'
import {
  type Device,
  type Each,
  keptByKeygen,
  type Member,
  type Opening,
  openDevice,
  openMember,
  type Records,
} from '../helpers/durable-committee.js'
import { collect } from '../helpers/events.js'
import { FailingStore, type PowerCut } from '../helpers/failing-store.js'
import { PATIENCE_MS } from '../helpers/native-process.js'
import { payment } from '../helpers/payment.js'
import { contents, inDirectory } from '../helpers/stores.js'
import { roundOf, sending } from '../helpers/transports.js'

const { Agent, User, Recovery } = PartyRole
const HOUR_MS = 3_600_000
const KEY_BYTES = 32
const SIGNATURE_BYTES = 64
/** For ceremonies that nobody ends: long enough for every honest answer, and no longer. */
const SHORT = { timeoutMs: 1_500 }

let kept: Each<Records>
let network: MemoryNetwork
const opened: Member[] = []

beforeAll(async () => {
  kept = await keptByKeygen()
})

afterEach(async () => {
  jest.restoreAllMocks()
  await end()
})

/** Every wallet of the test is closed, and the network with it. */
async function end(): Promise<void> {
  for (const { wallet } of opened.splice(0)) await wallet.close()
  await network?.close()
}

/** A party of the wallet as the key generation left it, or with other records. */
async function member(role: PartyRole, rest: Partial<Opening> = {}): Promise<Member> {
  const records = rest.store === undefined || rest.records ? { records: kept[role] } : {}
  const one = await openMember({ network, role, ...records, ...rest })
  opened.push(one)
  return one
}

async function survivors(): Promise<{ user: Member; guardian: Member }> {
  network = new MemoryNetwork()
  return { user: await member(User), guardian: await member(Recovery) }
}

async function newDevice(role: PartyRole, rest: Partial<Opening> = {}): Promise<Device> {
  return await openDevice({ network, role, ...rest })
}

/** What both persons sign for a new agent. */
async function approvals(members: readonly Member[], replacement: string): Promise<string[]> {
  return await Promise.all(members.map(({ wallet }) => wallet.signRecovery({ replacement })))
}

interface Recovering {
  readonly device: Device
  readonly survivors: readonly Member[]
  readonly documents: readonly string[]
  readonly options?: { readonly signal?: AbortSignal; readonly timeoutMs?: number }
  /** A survivor that the new device knows and that this call leaves to the test. */
  readonly apart?: Member
}

/** The three calls of a recovery, each on its own machine; the first result is the new device's. */
async function recovering(parameters: Recovering) {
  const { device, survivors, documents, options = {}, apart } = parameters
  const replacement = device.party.card
  const known = apart === undefined ? survivors : [...survivors, apart]
  const cards = [device, ...known].map(({ party }) => party.card)
  const walletId = survivors[0]?.wallet.walletId
  if (walletId === undefined) throw new Error('nobody survived')
  const joining = MpcAgentWallet.joinRecovery({
    ...{ party: device.party, walletId, cards, transport: device.transport },
    ...options,
    // so that a survivor's time runs out first, and it names who was missing
    ...(options.timeoutMs !== undefined && { timeoutMs: 2 * options.timeoutMs }),
  })
  const results = await Promise.allSettled([
    joining,
    ...survivors.map(({ wallet }) => wallet.recover({ replacement, documents, ...options })),
  ])
  if (results[0]?.status === 'fulfilled')
    opened.push({ ...device, wallet: (results[0] as PromiseFulfilledResult<MpcAgentWallet>).value })
  return results
}

/** Runs a recovery to its end, and gives the new device's wallet. */
async function recovered(parameters: Recovering): Promise<MpcAgentWallet> {
  const results = await recovering(parameters)
  expect(results.map(endOf)).toEqual(['done', 'done', 'done'])
  return (results[0] as PromiseFulfilledResult<MpcAgentWallet>).value
}

function endOf(result: PromiseSettledResult<unknown>): string {
  return result.status === 'fulfilled' ? 'done' : MpcWalletError.wrap(result.reason).code
}

/** One signs, the other says yes. */
async function signsWith(initiator: MpcAgentWallet, cosigner: MpcAgentWallet): Promise<void> {
  await using _ = cosigner.cosign({ approve: () => true })
  const { r } = await initiator.signTransaction({ ...payment(), cosigner: cosigner.role })
  expect(r).toHaveLength(32)
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => 'done',
    (error: unknown) => MpcWalletError.wrap(error).code,
  )
}

describe('an agent whose device was lost', () => {
  let left: Each<Records>
  let address: string

  it('is replaced by a device of another key, with the same addresses, and signs with both', async () => {
    await inDirectory(async (directory) => {
      const { user, guardian } = await survivors()
      address = user.wallet.address(ChainType.Evm)
      const store = await SqliteStore.open({ path: `${directory}/agent/wallet.db` })
      const device = await newDevice(Agent, { store })
      const documents = await approvals([user, guardian], device.party.card)
      const events = collect(user.wallet, 'epochChanged')

      const agent = await recovered({ device, survivors: [user, guardian], documents })

      const path = 'm/44/60/0'
      expect(agent.address(ChainType.Evm)).toBe(address)
      expect(agent.deriveAccount({ path })).toEqual(user.wallet.deriveAccount({ path }))
      expect(agent).toMatchObject({ role: 'agent', walletId: user.wallet.walletId, epoch: 2n })
      expect(events).toMatchObject([{ kind: 'recover', epoch: 2n }])
      for (const { wallet } of [user, guardian])
        expect(wallet.parties[0]?.identityKey).toEqual(device.party.identityKey)
      await signsWith(agent, user.wallet)
      await signsWith(guardian.wallet, agent)
      await signsWith(guardian.wallet, user.wallet)

      await end()
      left = {
        agent: await contents(store),
        user: await contents(user.store),
        recovery: await contents(guardian.store),
      }
      await store.close()
    })
  })

  it('is replaced for good: all of them sign after a restart', async () => {
    network = new MemoryNetwork()
    const [agent, user, guardian] = [
      await member(Agent, { records: left.agent }),
      await member(User, { records: left.user }),
      await member(Recovery, { records: left.recovery }),
    ]

    expect(agent.wallet.address(ChainType.Evm)).toBe(address)
    await signsWith(agent.wallet, guardian.wallet)
    await signsWith(user.wallet, agent.wallet)
  })

  it('gets nothing with the old share, identity and store: nobody answers it or asks it', async () => {
    network = new MemoryNetwork()
    const old = await member(Agent)
    const user = await member(User, { records: left.user })
    const guardian = await member(Recovery, { records: left.recovery })
    const approve = jest.fn(() => true)
    await using _user = user.wallet.cosign({ approve })
    await using _guardian = guardian.wallet.cosign({ approve })
    await using _old = old.wallet.cosign({ approve })

    const asking = [User, Recovery].map((cosigner) =>
      codeOf(old.wallet.signTransaction({ ...payment(), cosigner, ...SHORT })),
    )
    const asked = user.wallet.signTransaction({ ...payment(), cosigner: Agent, ...SHORT })

    expect(await Promise.all([...asking, codeOf(asked)])).toEqual(Array(3).fill('COSIGNER_OFFLINE'))
    expect(approve).not.toHaveBeenCalled()
  })

  it('cannot refresh with the old device, and does with the new one at the same time', async () => {
    network = new MemoryNetwork()
    const old = await member(Agent)
    const rest = [
      await member(Agent, { records: left.agent }),
      await member(User, { records: left.user }),
      await member(Recovery, { records: left.recovery }),
    ]

    const refreshing = old.wallet.refresh({ timeoutMs: 3_000 }).catch(({ code }) => code)
    const results = await Promise.all(rest.map(({ wallet }) => wallet.refresh()))

    expect(await refreshing).toBe('PROTOCOL_TIMEOUT')
    expect(results.map(({ epoch }) => epoch)).toEqual([3n, 3n, 3n])
    for (const { wallet } of rest) expect(wallet.address(ChainType.Evm)).toBe(address)
  })

  it('does not come back under the old key', async () => {
    network = new MemoryNetwork()
    const old = await newDevice(Agent, { records: kept.agent })
    const user = await member(User, { records: left.user })
    const guardian = await member(Recovery, { records: left.recovery })

    for (const { wallet } of [user, guardian]) {
      const replacement = old.party.card
      expect(await codeOf(wallet.signRecovery({ replacement }))).toBe('INVALID_INPUT')
      expect(await codeOf(wallet.recover({ replacement }))).toBe('INVALID_INPUT')
    }
  })
})

describe('a recovery without the approvals that it takes', () => {
  it("is nobody's who only asks: an agent does not replace the guardian by a device of its own", async () => {
    network = new MemoryNetwork()
    const agent = await member(Agent)
    const user = await member(User)
    const second = await newDevice(Recovery)
    const replacement = second.party.card

    for (const { wallet } of [agent, user])
      await expect(wallet.recover({ replacement })).rejects.toMatchObject({
        code: 'APPROVAL_MISSING',
        message: expect.stringContaining('user'),
      })
    await expect(agent.wallet.signRecovery({ replacement })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    })
    expect(await user.wallet.recoveryStatus({ replacement })).toEqual({
      state: 'needs-approval',
      missing: ['user'],
    })
  })

  it("does not take an approval that the agent's own process signed", async () => {
    network = new MemoryNetwork()
    const [agent, user] = [await member(Agent), await member(User)]
    const { card: replacement } = (await newDevice(Recovery)).party
    const forged = signedAnew(await user.wallet.signRecovery({ replacement }))

    for (const { wallet } of [agent])
      expect(await codeOf(wallet.recoveryStatus({ replacement, documents: [forged] }))).toBe(
        'CEREMONY_REFUSED',
      )
    expect(await agent.wallet.recoveryStatus({ replacement })).toMatchObject({ missing: ['user'] })
  })

  it('does not take the approval of another replacement', async () => {
    network = new MemoryNetwork()
    const [agent, user] = [await member(Agent), await member(User)]
    const [one, other] = [await newDevice(Recovery), await newDevice(Recovery)]
    const documents = await approvals([user], one.party.card)

    const replacement = other.party.card
    for (const { wallet } of [agent, user])
      expect(await codeOf(wallet.recover({ replacement, documents }))).toBe('CEREMONY_REFUSED')
  })

  it('does not take the approval of another wallet', async () => {
    const another = await keptByKeygen()
    network = new MemoryNetwork()
    const [agent, stranger] = [await member(Agent), await member(User, { records: another.user })]
    const { card: replacement } = (await newDevice(Recovery)).party
    const documents = await approvals([stranger], replacement)

    expect(await codeOf(agent.wallet.recover({ replacement, documents }))).toBe('CEREMONY_REFUSED')
  })

  it('does not take a verdict of one who has no say', async () => {
    const { user, guardian } = await survivors()
    const { card: replacement } = (await newDevice(Agent)).party

    for (const { wallet } of [user, guardian])
      expect(await codeOf(wallet.signRecovery({ replacement, verdict: 'veto' }))).toBe(
        'CEREMONY_REFUSED',
      )
    const { card } = (await newDevice(User)).party
    expect(await codeOf(guardian.wallet.signRecovery({ replacement: card, verdict: 'veto' }))).toBe(
      'CEREMONY_REFUSED',
    )
  })

  it('does not take a document in which anything was changed', async () => {
    const { user, guardian } = await survivors()
    const { card: replacement } = (await newDevice(Agent)).party
    const document = await user.wallet.signRecovery({ replacement })
    const bytes = Buffer.from(document, 'base64url')

    for (let position = 0; position < bytes.length; position += 7) {
      const changed = Buffer.from(bytes)
      changed[position] = (bytes[position] ?? 0) ^ 1
      const documents = [changed.toString('base64url')]
      expect(await codeOf(guardian.wallet.recoveryStatus({ replacement, documents }))).toMatch(
        /^(INVALID_INPUT|CEREMONY_REFUSED)$/,
      )
    }
    expect(await guardian.wallet.recoveryStatus({ replacement })).toEqual({
      state: 'needs-approval',
      missing: ['user', 'recovery'],
    })
  })

  it('does not take a document that has lapsed', async () => {
    const { user, guardian } = await survivors()
    const { card: replacement } = (await newDevice(Agent)).party
    const sign = { replacement, expiresInMs: 300 }
    const documents = [
      await user.wallet.signRecovery(sign),
      await guardian.wallet.signRecovery(sign),
    ]
    const agreed = await user.wallet.recoveryStatus({ replacement, documents })
    await after(400)

    expect(agreed.state).toBe('approved')
    expect((await user.wallet.recoveryStatus({ replacement })).state).toBe('expired')
    for (const { wallet } of [user, guardian])
      expect(await codeOf(wallet.recover({ replacement, documents }))).toBe('CEREMONY_REFUSED')
  })

  it.each([User, Agent])('is not for a card with a key that the wallet knows: %s', async (role) => {
    const { user, guardian } = await survivors()
    const known = role === User ? user : await member(Agent)

    for (const { wallet } of [user, guardian]) {
      const replacement = known.party.card
      expect(await codeOf(wallet.signRecovery({ replacement }))).toBe('INVALID_INPUT')
      expect(await codeOf(wallet.recover({ replacement }))).toBe('INVALID_INPUT')
    }
  })
})

describe('a no', () => {
  it.each([
    { lost: Recovery, by: Recovery, verdict: 'veto', state: 'vetoed' },
    { lost: Recovery, by: User, verdict: 'reject', state: 'rejected' },
    { lost: User, by: User, verdict: 'veto', state: 'vetoed' },
    { lost: Agent, by: Recovery, verdict: 'reject', state: 'rejected' },
  ] as const)(
    '$verdict of the $by is final when the $lost is to be replaced, after a restart too',
    async ({ lost, by, verdict, state }) => {
      network = new MemoryNetwork()
      const members = {
        agent: await member(Agent),
        user: await member(User),
        recovery: await member(Recovery),
      }
      const { card: replacement } = (await newDevice(lost)).party
      const no = await members[by].wallet.signRecovery({ replacement, verdict })
      const yes = await Promise.all(
        [User, Recovery]
          .filter((role) => role !== by && role !== lost)
          .map((role) => members[role].wallet.signRecovery({ replacement })),
      )
      const survivor = lost === Agent ? User : Agent
      const { wallet, store } = members[survivor]

      const documents = [...yes, no, ...yes]
      expect(await wallet.recoveryStatus({ replacement, documents })).toMatchObject({ state })
      expect(await codeOf(wallet.recover({ replacement, documents: yes }))).toBe('CEREMONY_REFUSED')

      await wallet.close()
      const again = await member(survivor, { records: await contents(store) })
      expect(await again.wallet.recoveryStatus({ replacement })).toMatchObject({ state })
      expect(await codeOf(again.wallet.recover({ replacement, documents: yes }))).toBe(
        'CEREMONY_REFUSED',
      )
    },
  )
})

describe('the time to object', () => {
  const cases = [
    { lost: User, yes: Recovery, survivor: Agent, hours: 7 * 24 },
    { lost: Recovery, yes: User, survivor: Agent, hours: 48 },
  ] as const

  it.each(cases)('is $hours hours when the $lost is replaced', async ({ lost, yes, hours }) => {
    network = new MemoryNetwork()
    const [agent, approver] = [await member(Agent), await member(yes)]
    const { card: replacement } = (await newDevice(lost)).party
    const documents = await approvals([approver], replacement)

    for (const { wallet } of [agent, approver]) {
      const { state, untilMs = 0 } = await wallet.recoveryStatus({ replacement, documents })
      expect(state).toBe('waiting')
      expect(Math.abs(untilMs - Date.now() - hours * HOUR_MS)).toBeLessThan(60_000)
      await expect(wallet.recover({ replacement, documents })).rejects.toMatchObject({
        code: 'RECOVERY_WAITING',
        message: expect.stringContaining(new Date(untilMs).toISOString().slice(0, 13)),
      })
    }
  })

  it('is not over when the wall clock says so, in this run or after a restart', async () => {
    network = new MemoryNetwork()
    const [agent, user] = [await member(Agent), await member(User)]
    const { card: replacement } = (await newDevice(Recovery)).party
    const documents = await approvals([user], replacement)
    expect(await agent.wallet.recoveryStatus({ replacement, documents })).toMatchObject({
      state: 'waiting',
    })

    const now = Date.now
    const clock = jest.spyOn(Date, 'now').mockImplementation(() => now() + 49 * HOUR_MS)
    const jumped = await agent.wallet.recoveryStatus({ replacement })
    const refused = await codeOf(agent.wallet.recover({ replacement, documents }))
    await agent.wallet.close()
    const again = await member(Agent, { records: await contents(agent.store) })
    const reopened = await again.wallet.recoveryStatus({ replacement })
    clock.mockRestore()

    expect(jumped.state).toBe('clock-jumped')
    expect(refused).toBe('CLOCK_JUMPED')
    expect(reopened.state).toBe('clock-jumped')
    expect((await again.wallet.recoveryStatus({ replacement })).state).toBe('clock-jumped')
    expect(await codeOf(again.wallet.recover({ replacement, documents }))).toBe('CLOCK_JUMPED')
  })
})

describe('a recovery that not everybody takes part in', () => {
  it('does not go on at one survivor alone, which names the other', async () => {
    const { user, guardian } = await survivors()
    const device = await newDevice(Agent)
    const documents = await approvals([user, guardian], device.party.card)

    const results = await recovering({
      ...{ device, survivors: [user], apart: guardian, documents },
      options: SHORT,
    })

    expect(results[1]).toMatchObject({
      reason: { code: 'PROTOCOL_TIMEOUT', culprits: ['recovery'] },
    })
    expect(results.map(endOf)).not.toContain('done')
    await signsWith(user.wallet, guardian.wallet)
  })

  it('does not go on when one survivor was given no documents', async () => {
    const { user, guardian } = await survivors()
    const device = await newDevice(Agent)
    const replacement = device.party.card
    const documents = await approvals([user, guardian], replacement)

    const without = codeOf(guardian.wallet.recover({ replacement, ...SHORT }))
    const results = await recovering({
      ...{ device, survivors: [user], apart: guardian, documents },
      options: SHORT,
    })

    expect(await without).toBe('APPROVAL_MISSING')
    expect(results[1]).toMatchObject({
      reason: { code: 'PROTOCOL_TIMEOUT', culprits: ['recovery'] },
    })
  })

  it.each(['cards', 'wallet id'])('is not joined by a device with other %s', async (what) => {
    const { user, guardian } = await survivors()
    const device = await newDevice(Agent)
    const replacement = device.party.card
    const documents = await approvals([user, guardian], replacement)
    const other = await newDevice(Recovery)
    const cards = [device, user, what === 'cards' ? other : guardian].map(({ party }) => party.card)
    const walletId = what === 'cards' ? user.wallet.walletId : toWalletId(new Uint8Array(32))

    const { party, transport } = device
    const joining = MpcAgentWallet.joinRecovery({ party, cards, walletId, transport, ...SHORT })
    const results = await Promise.all([
      codeOf(joining),
      ...[user, guardian].map(({ wallet }) =>
        codeOf(wallet.recover({ replacement, documents, ...SHORT })),
      ),
    ])

    expect(results).not.toContain('done')
    await signsWith(user.wallet, guardian.wallet)
  })
})

describe('a recovery that is interrupted', () => {
  /** The two that are left sign, and the same documents serve for another try. */
  async function goesOn(user: Member, guardian: Member, documents: string[], device: Device) {
    await signsWith(user.wallet, guardian.wallet)
    const agent = await recovered({ device, survivors: [user, guardian], documents })
    await signsWith(agent, user.wallet)
  }

  /** The same device again, as after a restart. */
  async function again({ store }: Device): Promise<Device> {
    return await newDevice(Agent, { store })
  }

  it.each([0, 1, 2, 3, 4, 5, 6, 7])(
    'where the messages of round %i are lost, is done again with the same documents',
    async (round) => {
      network = new MemoryNetwork()
      const interrupt = new AbortController()
      // nothing of this round and later leaves any of them
      let cut = true
      const wrapTransport = (transport: Transport): Transport =>
        sending(transport, async (envelope, pass) => {
          if (!cut || (roundOf(envelope) < round && !interrupt.signal.aborted))
            return await pass(envelope)
          interrupt.abort()
        })
      const user = await member(User, { wrapTransport })
      const guardian = await member(Recovery, { wrapTransport })
      const device = await newDevice(Agent, { wrapTransport })
      const documents = await approvals([user, guardian], device.party.card)

      const results = await recovering({
        ...{ device, survivors: [user, guardian], documents },
        options: { signal: interrupt.signal },
      })
      cut = false

      expect(results.map(endOf)).toEqual(['ABORTED', 'ABORTED', 'ABORTED'])
      await goesOn(user, guardian, documents, await again(device))
    },
  )

  /** A recovery in which the power of the user's store is cut at a commit of the ceremony. */
  async function withPowerCut(at: number, cut: PowerCut) {
    network = new MemoryNetwork()
    const disk = new MemoryStore()
    const store = new FailingStore(disk, { at: Number.POSITIVE_INFINITY, cut })
    const user = await member(User, { store, records: kept.user })
    const guardian = await member(Recovery)
    const device = await newDevice(Agent)
    const documents = await approvals([user, guardian], device.party.card)
    const noted = documents.length + 1
    store.failAt(store.commits + noted + at)
    const results = await recovering({
      ...{ device, survivors: [user, guardian], documents },
      options: SHORT,
    })
    await user.wallet.close()
    const restarted = await member(User, { records: await contents(disk) })
    return { user: restarted, guardian, device, documents, results }
  }

  it.each([
    [1, 'before'],
    [1, 'after'],
    [2, 'before'],
    [2, 'after'],
    [3, 'before'],
    [3, 'after'],
  ] as const)(
    'by a power cut at commit %i of a survivor, %s it is on disk, is done again after a restart',
    async (at, cut) => {
      const { user, guardian, device, documents, results } = await withPowerCut(at, cut)

      expect(results.map(endOf)).not.toContain('done')
      await goesOn(user, guardian, documents, await again(device))
    },
  )

  it.each(['before', 'after'] as const)(
    'by a power cut at the last commit of a survivor, %s it is on disk, is complete all the same',
    async (cut) => {
      const { user, guardian, results } = await withPowerCut(4, cut)
      const [joined] = results

      expect(results.map(endOf).toSpliced(1, 1)).toEqual(['done', 'done'])
      const agent = (joined as PromiseFulfilledResult<MpcAgentWallet>).value
      await signsWith(agent, user.wallet)
      await signsWith(user.wallet, guardian.wallet)
      await signsWith(user.wallet, agent)
    },
  )

  it('by one operator, ends at the other two and is done again', async () => {
    const { user, guardian } = await survivors()
    const device = await newDevice(Agent)
    const documents = await approvals([user, guardian], device.party.card)
    const impatient = new AbortController()
    user.wallet.on('ceremony', ({ round }) => {
      if (round >= 2) impatient.abort()
    })

    const [joined, ...recovered] = await Promise.all([
      recovering({
        ...{ device, survivors: [guardian], apart: user, documents },
        options: { timeoutMs: 5_000 },
      }),
      codeOf(
        user.wallet.recover({
          ...{ replacement: device.party.card, documents },
          signal: impatient.signal,
        }),
      ),
    ])

    expect(recovered).toEqual(['ABORTED'])
    expect(joined.map(endOf)).not.toContain('done')
    await goesOn(user, guardian, documents, await again(device))
  })
})

describe('a recovery while a refresh is under way', () => {
  it.each([0, 5, 30])(
    'that began %i ms before ends both with a result or an error to try again after, and loses nothing',
    async (head) => {
      const { user, guardian } = await survivors()
      const old = await member(Agent)
      const device = await newDevice(Agent)
      const documents = await approvals([user, guardian], device.party.card)
      const address = user.wallet.address(ChainType.Evm)

      const refreshing = Promise.allSettled(
        [user, guardian, old].map(({ wallet }) => wallet.refresh({ timeoutMs: 8_000 })),
      )
      await after(head)
      const [joined, ...surviving] = await recovering({
        ...{ device, survivors: [user, guardian], documents },
        options: { timeoutMs: 8_000 },
      })
      const [byUser, byGuardian, byOld] = await refreshing

      for (const ended of [...surviving, byUser, byGuardian])
        if (ended?.status === 'rejected')
          expect(ended.reason).toMatchObject({
            code: expect.stringMatching(/^(EPOCH_BEHIND|PROTOCOL_TIMEOUT)$/),
            retryable: true,
          })
      for (const ended of [joined, byOld])
        if (ended !== undefined)
          expect(endOf(ended)).toMatch(/^(done|EPOCH_BEHIND|PROTOCOL_TIMEOUT|PROTOCOL_CONFIG)$/)
      await signsWith(user.wallet, guardian.wallet)
      const replaced = [user, guardian].map(
        ({ wallet }) =>
          Buffer.compare(
            wallet.parties[0]?.identityKey ?? Buffer.of(),
            device.party.identityKey,
          ) === 0,
      )
      expect(new Set(replaced).size).toBe(1)
      const agent = await (replaced[0] === true && joined?.status === 'fulfilled'
        ? (joined.value as MpcAgentWallet)
        : replaced[0] === true
          ? member(Agent, { store: device.store }).then(({ wallet }) => wallet)
          : recovered({
              device: await newDevice(Agent, { store: device.store }),
              survivors: [user, guardian],
              documents,
            }))
      await signsWith(agent, user.wallet)
      await signsWith(guardian.wallet, agent)
      expect(agent.address(ChainType.Evm)).toBe(address)
      expect(await codeOf(old.wallet.signTransaction({ ...payment(), ...SHORT }))).not.toBe('done')
    },
    PATIENCE_MS,
  )
})

/** A document with everything as it was and the signature of somebody else. */
function signedAnew(document: string): string {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const key = publicKey.export({ type: 'spki', format: 'der' }).subarray(-KEY_BYTES)
  const text = Buffer.from(document, 'base64url').subarray(1 + KEY_BYTES + SIGNATURE_BYTES)
  const signature = sign(undefined, taggedHash('doc/ceremony', text), privateKey)
  return Buffer.concat([Buffer.from([1]), key, signature, text]).toString('base64url')
}

/** The hash of the wallet, for a domain that the SDK itself does not hash in. */
function taggedHash(tag: string, part: Uint8Array): Uint8Array {
  const domain = createHash('sha256').update(`mpc-wallet/v1/${tag}`).digest()
  const counts = Buffer.alloc(8)
  counts.writeUInt32BE(1)
  counts.writeUInt32BE(part.length, 4)
  return createHash('sha256').update(domain).update(domain).update(counts).update(part).digest()
}
