// How the tour prints.
import { formatEther } from 'viem'

const colored = process.stdout.isTTY === true && process.env.NO_COLOR === undefined
const paint = (code) => (text) => (colored ? `\u001b[${code}m${text}\u001b[0m` : String(text))
export const [bold, dim, green, red, cyan] = [1, 2, 32, 31, 36].map(paint)

let step = 0
export const title = (text) => console.log(`\n${cyan(String(++step).padEnd(2))} ${bold(text)}`)
export const line = (name, ...text) => console.log(`   ${dim(name.padEnd(14))} ${text.join(' ')}`)
export const cost = (milliseconds, ...parts) =>
  [`${milliseconds.toFixed(0)} ms`, ...parts].join(dim(' · '))
export const kilobytes = (bytes) => `${(bytes / 1_000).toFixed(1)} kB`

export function showYes(role, { ruling, outcomes, policyVersion }) {
  if (ruling.type !== 'approved') return
  const passed = outcomes.filter(({ result }) => result === 'passed').map(({ ruleId }) => ruleId)
  const own = passed.filter((ruleId) => !ruleId.startsWith('builtin/'))
  line(`${role} says`, green('yes'), dim(`version ${policyVersion}: ${own.join(', ')}`))
}

export function show(role, { from, items, memo }) {
  const texts = items.flatMap(({ effects }) => effects.map(describe))
  line(`${role} reads`, texts.join(', '))
  line('', `${from} notes ${JSON.stringify(memo)}`)
}

function describe({ kind, amount, to }) {
  const most = amount === undefined ? 'nothing' : formatEther(amount.exact ?? amount.upTo)
  if (kind === 'feeOnly') return `a fee of at most ${most} ETH`
  return `${kind} of ${most} ETH to ${to?.split(':').at(-1)}`
}
