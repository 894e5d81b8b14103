//! Authorizations of EIP-7702: which code an account runs.

use alloy_primitives::{Address, Signature, U256, keccak256};
use alloy_rlp::Encodable;

use super::calls::Walk;
use super::rlp::Reader;
use super::transaction::{MAX_NONCE, encode_list};
use crate::registry::ContractKind;
use crate::{CallPath, Confidence, Effect, EffectKind, Own, Refusal};

/// The most authorizations in one transaction, each at 25 000 gas.
pub const MAX_AUTHORIZATIONS: usize = 16;

/// What an authorization is hashed behind.
const MAGIC: u8 = 0x05;

/// Half the order of secp256k1: a signature whose `s` is above it is not valid (EIP-2).
const HALF_ORDER: U256 = U256::from_limbs([
    0xdfe9_2f46_681b_20a0,
    0x5d57_6e73_57a4_501d,
    0xffff_ffff_ffff_ffff,
    0x7fff_ffff_ffff_ffff,
]);

/// An unsigned authorization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Authorization {
    /// The chain it holds on.
    pub chain_id: u64,
    /// The code; zero takes it away.
    pub delegate: Address,
    /// The account's nonce, which it uses up.
    pub nonce: u64,
}

/// An authorization in a transaction's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignedAuthorization {
    /// What was signed.
    pub authorization: Authorization,
    /// Which of two points the signature's `r` stands for.
    pub y_parity: bool,
    /// Half of the signature.
    pub r: U256,
    /// The other half.
    pub s: U256,
}

/// Reads the bytes of an unsigned authorization, `rlp([chainId, delegate, nonce])`.
pub(super) fn decode(bytes: &[u8], declared: u64) -> Result<Authorization, Refusal> {
    let mut payload = Reader::new(bytes, 0);
    let mut fields = payload.list("authorization")?;
    if !payload.is_empty() {
        return Err(Refusal::TrailingBytes { offset: payload.offset() });
    }
    match fields.count()? {
        3 => {}
        6 => return Err(Refusal::Signed),
        found => return Err(Refusal::ItemCount { expected: 3, found, offset: 0 }),
    }
    let authorization = decode_fields(&mut fields, declared)?;
    if authorization.encode() != bytes {
        return Err(Refusal::NotRebuilt);
    }
    Ok(authorization)
}

fn decode_fields(fields: &mut Reader<'_>, declared: u64) -> Result<Authorization, Refusal> {
    let offset = fields.offset();
    match fields.integer("chainId")? {
        U256::ZERO => return Err(Refusal::AuthorizationForEveryChain { offset }),
        chain_id if chain_id != U256::from(declared) => {
            return Err(Refusal::ChainMismatch { offset });
        }
        _ => {}
    }
    let delegate = Address::from(fields.array("delegate")?);
    let nonce = fields.integer_up_to("nonce", MAX_NONCE)?;
    Ok(Authorization { chain_id: declared, delegate, nonce })
}

/// Reads the list of a transaction. Items after these are not read, so the rebuilt transaction lacks
/// them and is refused for it.
pub(super) fn decode_list(
    fields: &mut Reader<'_>,
    declared: u64,
) -> Result<Vec<SignedAuthorization>, Refusal> {
    let offset = fields.offset();
    let mut items = fields.list("authorizationList")?;
    let mut authorizations = Vec::new();
    while !items.is_empty() {
        if authorizations.len() == MAX_AUTHORIZATIONS {
            return Err(Refusal::AuthorizationCount { offset });
        }
        let mut item = items.list("authorization")?;
        let authorization = decode_fields(&mut item, declared)?;
        let y_parity = item.integer_up_to("yParity", 1)? == 1;
        let (r, s) = (item.integer("r")?, item.integer("s")?);
        authorizations.push(SignedAuthorization { authorization, y_parity, r, s });
    }
    if authorizations.is_empty() {
        return Err(Refusal::AuthorizationCount { offset });
    }
    Ok(authorizations)
}

pub(super) fn encode_list_of(authorizations: &[SignedAuthorization], out: &mut Vec<u8>) {
    let mut items = Vec::new();
    for SignedAuthorization { authorization, y_parity, r, s } in authorizations {
        let mut item = authorization.items();
        y_parity.encode(&mut item);
        r.encode(&mut item);
        s.encode(&mut item);
        encode_list(&item, &mut items);
    }
    encode_list(&items, out);
}

impl Authorization {
    /// `keccak256(0x05 ‖ rlp([chainId, delegate, nonce]))`.
    pub(super) fn digest(&self) -> [u8; 32] {
        keccak256([&[MAGIC], self.encode().as_slice()].concat()).0
    }

    fn items(&self) -> Vec<u8> {
        let mut items = Vec::new();
        self.chain_id.encode(&mut items);
        self.delegate.encode(&mut items);
        self.nonce.encode(&mut items);
        items
    }

    fn encode(&self) -> Vec<u8> {
        let mut encoded = Vec::new();
        encode_list(&self.items(), &mut encoded);
        encoded
    }

    /// Lists that `account` gets this code.
    pub(super) fn push(
        &self,
        walk: &mut Walk<'_>,
        account: Address,
        deferred: bool,
    ) -> Result<(), Refusal> {
        let (kind, confidence, to) = if self.delegate.is_zero() {
            (EffectKind::Revoke, Confidence::Exact, None)
        } else if self.is_listed(walk) {
            (EffectKind::Delegate, Confidence::Decoded, Some(walk.account(self.delegate)))
        } else {
            (EffectKind::Delegate, Confidence::Unknown, Some(walk.account(self.delegate)))
        };
        let from = Some(walk.account(account));
        let effect = walk.effect(kind, confidence, &CallPath::default());
        walk.push(Effect { from, to, deferred, ..effect })
    }

    /// Whether the policy lists the code as a delegate.
    pub(super) fn is_listed(&self, walk: &Walk<'_>) -> bool {
        let kind = walk.registry().contract(self.chain_id, self.delegate);
        kind == Some(&ContractKind::Delegate)
    }
}

impl SignedAuthorization {
    /// Refuses an authorization of any account but the one that signs the transaction: a list could
    /// otherwise carry somebody else's consent, or look as if it did.
    pub(super) fn must_be_of(&self, own: &Own) -> Result<(), Refusal> {
        let signature = Signature::new(self.r, self.s, self.y_parity);
        let hash = self.authorization.digest().into();
        match signature.recover_address_from_prehash(&hash) {
            Ok(authority) if authority == own.account() && self.s <= HALF_ORDER => Ok(()),
            _ => Err(Refusal::AuthorizationForeign),
        }
    }
}
