import { describe, expect, it } from '@jest/globals'
import { PolicyEngine, type PolicyRule, type RuleVerdict } from '../../src/policy/index.js'
import { context, payment, ruleThat, yes } from '../helpers/policy-requests.js'

/** What the one rule of an engine says. */
async function said(rule: PolicyRule, timeoutMs = 5_000): Promise<RuleVerdict['verdict']> {
  const [verdict] = await new PolicyEngine({ rules: [rule], timeoutMs }).evaluate({
    tx: payment(),
    context,
  })
  if (verdict === undefined) throw new Error('no verdict')
  return verdict.verdict
}

const odd = { type: 'rejected', reason: 'the custom rule returned no verdict' }
const failed = { type: 'rejected', reason: 'the custom rule failed' }
const late = { type: 'rejected', reason: 'the custom rule gave no verdict in time' }

describe('a rule', () => {
  it('says yes, no or ask, now or later', async () => {
    expect(await said(ruleThat(() => yes))).toEqual({ type: 'approved' })
    expect(await said(ruleThat(async () => yes))).toEqual({ type: 'approved' })
    const no = { approved: false, reason: 'because' }
    expect(await said(ruleThat(() => no))).toEqual({ type: 'rejected', reason: 'because' })
    const ask = { requiresAdditionalApproval: true, reason: 'because' }
    expect(await said(ruleThat(() => ask))).toEqual({
      type: 'requiresAdditionalApproval',
      reason: 'because',
    })
  })

  it('is given the transaction, the context and a signal', async () => {
    const seen: unknown[] = []
    await said(
      ruleThat((tx, ctx) => {
        seen.push(tx.to, BigInt(tx.value), ctx.timeMs, ctx.signal.aborted, Object.isFrozen(ctx))
        return yes
      }),
    )

    const { to, value } = payment()
    expect(seen).toEqual([to, BigInt(value), context.timeMs, false, true])
  })

  it.each([
    ['undefined', undefined],
    ['null', null],
    ['true', true],
    ['text', 'approved'],
    ['nothing', {}],
    ['a truthy yes', { approved: 1 }],
    ['yes and ask', { approved: true, requiresAdditionalApproval: true, reason: 'x' }],
    ['no and ask', { approved: false, requiresAdditionalApproval: true, reason: 'x' }],
    ['no without a reason', { approved: false }],
    ['ask without a reason', { requiresAdditionalApproval: true }],
    ['ask with a number', { requiresAdditionalApproval: true, reason: 7 }],
    ['a list', [yes]],
  ])('that returns %s has rejected', async (_, value) => {
    expect(await said(ruleThat(() => value))).toEqual(odd)
  })

  it('that throws, now or later or while its answer is read, has rejected', async () => {
    const boom = new Error('boom')
    const throwing = () => {
      throw boom
    }
    expect(await said(ruleThat(throwing))).toEqual(failed)
    expect(await said(ruleThat(async () => throwing()))).toEqual(failed)
    const trap = {
      get approved() {
        return throwing()
      },
    }
    expect(await said(ruleThat(() => trap))).toEqual(failed)
  })

  it('that is late has rejected, and its signal says so', async () => {
    const aborted = deferred()
    const rule = ruleThat((_, ctx) => {
      ctx.signal.addEventListener('abort', () => aborted.resolve(undefined))
      return new Promise(() => {})
    })

    expect(await said(rule, 20)).toEqual(late)
    await aborted.promise
  })

  it('that fails after its time is nobody’s unhandled rejection', async () => {
    const rule = ruleThat(
      (_, ctx) =>
        new Promise((_resolve, reject) => {
          ctx.signal.addEventListener('abort', () => setImmediate(reject, new Error('too late')))
        }),
    )

    expect(await said(rule, 20)).toEqual(late)
    await new Promise((resolve) => setTimeout(resolve, 20))
  })

  it('gives a reason that can be shown: short, and without control characters', async () => {
    const reason = `a\u001b[31m\u202eb\u2028\ud800${'x'.repeat(300)}`
    const verdict = await said(ruleThat(() => ({ approved: false, reason })))

    expect(verdict).toMatchObject({ type: 'rejected' })
    const text = 'reason' in verdict ? verdict.reason : ''
    expect(text).toHaveLength(256)
    expect(text.startsWith('a [31m b \ufffdxxx')).toBe(true)
  })
})

function deferred() {
  let resolve: (value: unknown) => void = () => {}
  const promise = new Promise((done) => {
    resolve = done
  })
  return { promise, resolve }
}

describe('an engine', () => {
  it('gives one verdict of every rule, in the order of ids, whatever one of them does', async () => {
    const rules = [
      ruleThat(() => yes, { id: 'b' }),
      ruleThat(() => Promise.reject(new Error('boom')), { id: 'c' }),
      ruleThat(() => yes, { id: 'a' }),
    ]
    const verdicts = await new PolicyEngine({ rules }).evaluate({ tx: payment(), context })

    expect(verdicts.map(({ id, verdict }) => [id, verdict.type])).toEqual([
      ['a', 'approved'],
      ['b', 'approved'],
      ['c', 'rejected'],
    ])
    expect(verdicts[2]?.failure).toEqual(new Error('boom'))
  })

  it('rejects for every rule when the request is given up', async () => {
    const engine = new PolicyEngine({ rules: [ruleThat(() => new Promise(() => {}))] })
    const running = new AbortController()
    const verdicts = engine.evaluate({ tx: payment(), context, signal: running.signal })
    running.abort(new Error('given up'))

    expect((await verdicts)[0]?.verdict).toEqual(late)
    const before = await engine.evaluate({ tx: payment(), context, signal: AbortSignal.abort() })
    expect(before[0]?.verdict).toEqual(late)
  })

  it('names a rule by its id or its class, and refuses one without a name', () => {
    class Named implements PolicyRule {
      evaluate() {
        return yes
      }
    }
    expect(new PolicyEngine({ rules: [new Named(), ruleThat(() => yes)] }).ruleIds).toEqual([
      'Named',
      'rule',
    ])
    for (const rule of [
      { evaluate: () => yes },
      new (class {
        evaluate = () => yes
      })(),
      { id: '', evaluate: () => yes },
      { id: 'a/b', evaluate: () => yes },
      { id: 'x'.repeat(65), evaluate: () => yes },
    ])
      expect(() => new PolicyEngine({ rules: [rule] })).toThrow(
        expect.objectContaining({ code: 'INVALID_INPUT' }),
      )
  })

  it('refuses two rules of one id, more than 32, and times that are none', () => {
    const rules = (count: number) =>
      Array.from({ length: count }, (_, index) => ruleThat(() => yes, { id: `rule-${index}` }))
    const refused = (parameters: ConstructorParameters<typeof PolicyEngine>[0]) =>
      expect(() => new PolicyEngine(parameters)).toThrow(
        expect.objectContaining({ code: 'INVALID_INPUT' }),
      )

    expect(new PolicyEngine({ rules: rules(32) }).ruleIds).toHaveLength(32)
    refused({ rules: rules(33) })
    refused({ rules: [...rules(1), ...rules(1)] })
    refused({ rules: [{ id: 'x' } as unknown as PolicyRule] })
    for (const timeoutMs of [0, 600_001, 1.5, Number.NaN]) refused({ rules: [], timeoutMs })
  })
})

describe('a cached verdict', () => {
  /** Counts how often a rule is asked. */
  function counting({ cacheable = true, verdict = () => yes as unknown } = {}) {
    let asked = 0
    const rule = ruleThat(
      () => {
        asked += 1
        return verdict()
      },
      { cacheable },
    )
    const engine = new PolicyEngine({ rules: [rule] })
    return {
      ask: async (bytes: number[] | undefined, policyHash = '0x01') => {
        const cacheFor = bytes && { bytes: new Uint8Array(bytes), policyHash }
        await engine.evaluate({ tx: payment(), context, ...(cacheFor && { cacheFor }) })
        return asked
      },
    }
  }

  it('serves the same bytes under the same policy, and nothing else', async () => {
    const { ask } = counting()

    expect([await ask([1]), await ask([1])]).toEqual([1, 1])
    expect(await ask([2])).toBe(2)
    expect(await ask([1], '0x02')).toBe(3)
    expect(await ask([1])).toBe(3)
  })

  it('is of rules that allow it only, and of requests whose bytes are given', async () => {
    const asked = counting({ cacheable: false })
    expect([await asked.ask([1]), await asked.ask([1])]).toEqual([1, 2])
    const unknown = counting()
    expect([await unknown.ask(undefined), await unknown.ask(undefined)]).toEqual([1, 2])
  })

  it('is never a failure', async () => {
    const { ask } = counting({ verdict: () => 'odd' })
    expect([await ask([1]), await ask([1])]).toEqual([1, 2])
  })

  it('makes room for newer ones after a thousand', async () => {
    const { ask } = counting()
    for (let number = 0; number < 1_000; number += 1) await ask([number >> 8, number & 255])
    expect(await ask([0, 0])).toBe(1_000)
    expect(await ask([9, 9])).toBe(1_001)
    expect(await ask([0, 0])).toBe(1_002)
  })
})
