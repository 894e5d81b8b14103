import type { MpcAgentWallet, WalletEvents } from '../../src/index.js'

/** Collects a wallet's events of one kind. */
export function collect<Name extends keyof WalletEvents>(
  wallet: MpcAgentWallet,
  name: Name,
): WalletEvents[Name][] {
  const events: WalletEvents[Name][] = []
  wallet.on(name, (event) => {
    events.push(event)
  })
  return events
}

/** Resolves with a wallet's next event of one kind. */
export function nextEvent<Name extends keyof WalletEvents>(
  wallet: MpcAgentWallet,
  name: Name,
): Promise<WalletEvents[Name]> {
  return new Promise((resolve) => {
    const off = wallet.on(name, (event) => {
      off()
      resolve(event)
    })
  })
}
