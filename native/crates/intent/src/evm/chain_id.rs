use crate::Refusal;

/// The largest chain id: the bound of EIP-2294, below which `v = 2 × chain id + 36` fits 64 bits.
pub const MAX_CHAIN_ID: u64 = u64::MAX / 2 - 36;

/// The chain id of a CAIP-2 name, which has one spelling: it is hashed as it stands.
pub(super) fn from_caip2(chain: &str) -> Result<u64, Refusal> {
    let reference = chain.strip_prefix("eip155:").ok_or(Refusal::ChainInvalid)?;
    reference
        .parse()
        .ok()
        .filter(|id: &u64| (1..=MAX_CHAIN_ID).contains(id))
        .filter(|id| id.to_string() == reference) // no sign, no leading zero
        .ok_or(Refusal::ChainInvalid)
}
