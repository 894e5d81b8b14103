//! Chains, accounts and assets as text, each with exactly one spelling.
//!
//! A list that holds an address in another spelling than the request would not match it, and a blacklist that does
//! not match is an open door. So whatever is read is parsed per chain and kept in its one form: EVM addresses with
//! the EIP-55 checksum (all lower or all upper case is read too, a wrong checksum is not), base58 and bech32 exactly
//! as they are, never lower-cased.

use core::fmt;
use std::sync::Arc;

use alloy_primitives::Address;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Longer text is refused before it is read; the longest address of a chain we know has 90 characters.
pub const MAX_ID_BYTES: usize = 256;
/// Digits of the largest 256-bit number, for a token id.
const MAX_TOKEN_ID_DIGITS: usize = 78;

/// Text that names no chain, account or asset of a kind that this crate knows. Says which rule was broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadId(&'static str);

impl fmt::Display for BadId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0)
    }
}

impl core::error::Error for BadId {}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $parse:path) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Reads it and keeps its one spelling.
            ///
            /// # Errors
            /// `BadId` says which rule of the chain the text breaks.
            pub fn parse(text: &str) -> Result<Self, BadId> {
                if text.len() > MAX_ID_BYTES {
                    return Err(BadId("longer than 256 bytes"));
                }
                $parse(text).map(|text| Self(text.into()))
            }

            /// The one spelling.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
            }
        }
    };
}

text_id! {
    /// A chain, CAIP-2: `eip155:1`, `solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp`, `bip122:000000000019d6689c085ae165831e93`.
    ChainId, chain
}
text_id! {
    /// An account or contract on one chain, CAIP-10: `eip155:1:0x…`.
    AccountId, account
}
text_id! {
    /// An asset on one chain, CAIP-19: `eip155:1/slip44:60`, `eip155:1/erc20:0x…`, `eip155:1/erc721:0x…/7`,
    /// `solana:…/token:<mint>`, `bip122:…/slip44:0`.
    ///
    /// The native asset of every EVM chain is written with coin type 60, and of every Bitcoin network with 0: the
    /// chain tells them apart, and a list of coin types would be one more thing to disagree about.
    AssetId, asset
}

/// What the rules of a namespace are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Namespace {
    Eip155,
    Solana,
    Bip122,
}

impl ChainId {
    /// Whether the chain is an EVM chain.
    pub fn is_evm(&self) -> bool {
        self.0.starts_with("eip155:")
    }

    /// The native asset, in which fees are paid.
    pub fn native_asset(&self) -> AssetId {
        let coin = match namespace(&self.0) {
            Some((Namespace::Solana, _)) => "501",
            Some((Namespace::Bip122, _)) => "0",
            Some((Namespace::Eip155, _)) | None => "60",
        };
        AssetId(format!("{}/slip44:{coin}", self.0).into())
    }
}

impl AccountId {
    /// Its chain, in CAIP-2.
    pub fn chain(&self) -> &str {
        self.0.rsplit_once(':').map_or("", |(chain, _)| chain)
    }
}

impl AssetId {
    /// Its chain, in CAIP-2.
    pub fn chain(&self) -> &str {
        self.0.split_once('/').map_or("", |(chain, _)| chain)
    }
}

fn namespace(chain: &str) -> Option<(Namespace, &str)> {
    let (name, reference) = chain.split_once(':')?;
    let namespace = match name {
        "eip155" => Namespace::Eip155,
        "solana" => Namespace::Solana,
        "bip122" => Namespace::Bip122,
        _ => return None,
    };
    Some((namespace, reference))
}

fn chain(text: &str) -> Result<String, BadId> {
    read_chain(text).map(|_| text.to_owned())
}

fn read_chain(text: &str) -> Result<Namespace, BadId> {
    let (namespace, reference) =
        namespace(text).ok_or(BadId("not a chain of eip155, solana or bip122 (CAIP-2)"))?;
    let sound = match namespace {
        Namespace::Eip155 => {
            reference.parse().is_ok_and(|id: u64| id > 0 && id.to_string() == reference)
        }
        // The first 32 characters of the genesis hash, in base58 and hex.
        Namespace::Solana => reference.len() == 32 && bs58::decode(reference).into_vec().is_ok(),
        Namespace::Bip122 => {
            reference.len() == 32
                && reference.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        }
    };
    sound.then_some(namespace).ok_or(BadId("not the reference of a chain (CAIP-2)"))
}

fn account(text: &str) -> Result<String, BadId> {
    let (chain, address) =
        text.rsplit_once(':').ok_or(BadId("not an account: chain:address (CAIP-10)"))?;
    let address = match read_chain(chain)? {
        Namespace::Eip155 => evm_address(address)?,
        Namespace::Solana => solana_address(address)?,
        Namespace::Bip122 => bitcoin_address(address)?,
    };
    Ok(format!("{chain}:{address}"))
}

fn asset(text: &str) -> Result<String, BadId> {
    const UNKNOWN: BadId = BadId("not an asset of a kind that is known on this chain (CAIP-19)");
    let (chain, name) = text.split_once('/').ok_or(BadId("not an asset: chain/name (CAIP-19)"))?;
    let namespace = read_chain(chain)?;
    let (kind, reference) = name.split_once(':').ok_or(UNKNOWN)?;
    let reference = match (namespace, kind, reference) {
        (Namespace::Eip155, "slip44", "60")
        | (Namespace::Solana, "slip44", "501")
        | (Namespace::Bip122, "slip44", "0") => reference.to_owned(),
        (Namespace::Eip155, "erc20", _) => evm_address(reference)?,
        (Namespace::Eip155, "erc721" | "erc1155", _) => match reference.split_once('/') {
            Some((contract, id)) if is_token_id(id) => {
                format!("{}/{id}", evm_address(contract)?)
            }
            Some(_) => return Err(BadId("not a token id: a decimal number")),
            None => evm_address(reference)?,
        },
        (Namespace::Solana, "token", _) => solana_address(reference)?,
        _ => return Err(UNKNOWN),
    };
    Ok(format!("{chain}/{kind}:{reference}"))
}

fn is_token_id(id: &str) -> bool {
    let canonical = id == "0" || !id.starts_with('0');
    (1..=MAX_TOKEN_ID_DIGITS).contains(&id.len())
        && canonical
        && id.bytes().all(|byte| byte.is_ascii_digit())
}

fn evm_address(text: &str) -> Result<String, BadId> {
    let hex = text.strip_prefix("0x").filter(|hex| hex.len() == 40);
    let digits = hex.filter(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let digits = digits.ok_or(BadId("not an EVM address: 0x and 40 hexadecimal digits"))?;
    let address: Address = text.parse().map_err(|_| BadId("not an EVM address"))?;
    let checksummed = address.to_checksum(None);
    let one_case = !digits.bytes().any(|byte| byte.is_ascii_lowercase())
        || !digits.bytes().any(|byte| byte.is_ascii_uppercase());
    if one_case || checksummed == text {
        Ok(checksummed)
    } else {
        Err(BadId("the checksum of the EVM address is wrong (EIP-55)"))
    }
}

fn solana_address(text: &str) -> Result<String, BadId> {
    let decoded = bs58::decode(text).into_vec().ok().filter(|bytes| bytes.len() == 32);
    decoded.map(|_| text.to_owned()).ok_or(BadId("not a Solana address: 32 bytes in base58"))
}

fn bitcoin_address(text: &str) -> Result<String, BadId> {
    let segwit = !text.bytes().any(|byte| byte.is_ascii_uppercase())
        && bech32::segwit::decode(text)
            .is_ok_and(|(hrp, _, _)| matches!(hrp.as_str(), "bc" | "tb" | "bcrt"));
    let base58 = || {
        let decoded = bs58::decode(text).with_check(None).into_vec();
        decoded.is_ok_and(|bytes| bytes.len() == 21)
    };
    (segwit || base58())
        .then(|| text.to_owned())
        .ok_or(BadId("not a Bitcoin address: bech32 in lower case, or base58 with its checksum"))
}
