export { EvmAccountError } from './evm-account-error.js'
export {
  type ToViemAccountParameters,
  type ToViemAccountReturnType,
  toViemAccount,
} from './to-viem-account.js'
