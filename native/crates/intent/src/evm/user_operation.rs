//! User operations of ERC-4337 for EntryPoint v0.8.

use std::sync::Arc;

use alloy_dyn_abi::DynSolValue::{self, Address as Addr, Bytes, FixedBytes, Uint};
use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_rlp::Encodable;

use super::calls::Walk;
use super::eip712;
use super::rlp::{Reader, Text};
use super::transaction::encode_list;
use crate::registry::{ContractKind, Domain, ENTRY_POINT};
use crate::{Call, CallPath, Confidence, Effect, EffectKind, Exclusion, Refusal, Registry};

pub(super) const TYPE: &str = "PackedUserOperation(address sender,uint256 nonce,bytes initCode,bytes callData,bytes32 accountGasLimits,uint256 preVerificationGas,bytes32 gasFees,bytes paymasterAndData)";

/// What init code starts with when an EIP-7702 delegate takes the place of a factory.
const MARKER: [u8; 2] = [0x77, 0x02];

/// The largest gas limit and fee that the EntryPoint accepts: `2^120 − 1`.
pub const MAX_GAS_VALUE: u128 = (1 << 120) - 1;

/// The fields of an unsigned user operation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UserOperation {
    /// The smart account.
    pub sender: Address,
    /// 192 bits of key, 64 of sequence.
    pub nonce: U256,
    /// What creates or initialises the account: a factory or the marker 0x7702, and calldata.
    pub init_code: Vec<u8>,
    /// The delegate that the account must run, where the init code has the marker.
    pub delegate: Option<Address>,
    /// What the EntryPoint calls the account with.
    pub call_data: Vec<u8>,
    /// Gas of the account's and the paymaster's work.
    pub gas: UserOperationGas,
    /// The most that is paid for each unit of gas, in wei.
    pub max_fee_per_gas: u128,
    /// The most of it that goes to the block's proposer, in wei.
    pub max_priority_fee_per_gas: u128,
    /// Who pays instead of the account, and the data for them.
    pub paymaster: Option<(Address, Vec<u8>)>,
}

/// The five gas limits of a user operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UserOperationGas {
    /// Of creating the account and of checking the signature.
    pub verification: u128,
    /// Of the call.
    pub call: u128,
    /// Paid without being measured.
    pub pre_verification: u128,
    /// Of the paymaster's check.
    pub paymaster_verification: u128,
    /// Of the paymaster's work afterwards.
    pub paymaster_post_op: u128,
}

/// Reads `rlp([chainId, entryPoint, delegate, sender, nonce, initCode, callData, accountGasLimits,
/// preVerificationGas, gasFees, paymasterAndData])`. `delegate` is the empty string unless the init
/// code has the marker; the others are as they are packed.
pub(super) fn decode(bytes: &[u8], declared: u64) -> Result<UserOperation, Refusal> {
    let mut payload = Reader::new(bytes, 0);
    let mut fields = payload.list("userOperation")?;
    if !payload.is_empty() {
        return Err(Refusal::TrailingBytes { offset: payload.offset() });
    }
    match fields.count()? {
        11 => {}
        found => return Err(Refusal::ItemCount { expected: 11, found, offset: 0 }),
    }
    let offset = fields.offset();
    if fields.integer("chainId")? != U256::from(declared) {
        return Err(Refusal::ChainMismatch { offset });
    }
    if Address::from(fields.array("entryPoint")?) != ENTRY_POINT {
        return Err(Refusal::EntryPointUnsupported);
    }
    let delegate = match fields.string("delegate")? {
        Text { bytes: [], .. } => None,
        Text { bytes, offset } => {
            let invalid = Refusal::LengthInvalid { field: "delegate", offset };
            Some(Address::from(<[u8; 20]>::try_from(bytes).map_err(|_| invalid)?))
        }
    };
    let operation = Packed {
        sender: Address::from(fields.array("sender")?),
        nonce: fields.integer("nonce")?,
        init_code: fields.string("initCode")?.bytes,
        call_data: fields.string("callData")?.bytes,
        account_gas_limits: fields.array("accountGasLimits")?,
        pre_verification_gas: fields.integer("preVerificationGas")?,
        gas_fees: fields.array("gasFees")?,
        paymaster_and_data: fields.string("paymasterAndData")?.bytes,
    }
    .unpack(delegate)?;
    if operation.has_marker() != delegate.is_some() {
        return Err(Refusal::DelegateMisplaced);
    }
    if operation.encode(declared) != bytes {
        return Err(Refusal::NotRebuilt);
    }
    Ok(operation)
}

/// A user operation as it is packed.
struct Packed<'a> {
    sender: Address,
    nonce: U256,
    init_code: &'a [u8],
    call_data: &'a [u8],
    account_gas_limits: [u8; 32],
    pre_verification_gas: U256,
    gas_fees: [u8; 32],
    paymaster_and_data: &'a [u8],
}

impl Packed<'_> {
    fn unpack(self, delegate: Option<Address>) -> Result<UserOperation, Refusal> {
        let out_of_range = Refusal::UserOperationGas;
        let limit =
            |value: u128| if value <= MAX_GAS_VALUE { Ok(value) } else { Err(out_of_range) };
        let halves = |word: [u8; 32]| {
            let (high, low) = halves(word);
            Ok::<_, Refusal>((limit(high)?, limit(low)?))
        };
        let (verification, call) = halves(self.account_gas_limits)?;
        let (max_priority_fee_per_gas, max_fee_per_gas) = halves(self.gas_fees)?;
        let pre_verification =
            limit(u128::try_from(self.pre_verification_gas).map_err(|_| out_of_range)?)?;
        let (paymaster, paymaster_gas) = match self.paymaster_and_data {
            [] => (None, [0; 32]),
            packed => {
                let invalid = Refusal::PaymasterInvalid;
                let (address, rest) = packed.split_first_chunk::<20>().ok_or(invalid)?;
                let (gas, data) = rest.split_first_chunk::<32>().ok_or(invalid)?;
                (Some((Address::from(address), data.to_vec())), *gas)
            }
        };
        let (paymaster_verification, paymaster_post_op) = halves(paymaster_gas)?;
        let operation = UserOperation {
            sender: self.sender,
            nonce: self.nonce,
            init_code: self.init_code.to_vec(),
            delegate,
            call_data: self.call_data.to_vec(),
            gas: UserOperationGas {
                verification,
                call,
                pre_verification,
                paymaster_verification,
                paymaster_post_op,
            },
            max_fee_per_gas,
            max_priority_fee_per_gas,
            paymaster,
        };
        match operation.init_code.len() {
            0 | 20.. => Ok(operation),
            _ if operation.init_code == MARKER => Ok(operation),
            _ => Err(Refusal::InitCodeInvalid),
        }
    }
}

impl UserOperation {
    /// Reads the tuple that `handleOps` is given; its signature is not looked at.
    pub(super) fn from_abi(value: &DynSolValue) -> Option<Self> {
        Self::from_members(value.as_fixed_seq()?.get(..8)?).ok()?
    }

    /// Reads the members of the typed struct. Its init code must not have the marker: the EntryPoint
    /// hashes the delegate in its place.
    pub(super) fn from_members(values: &[DynSolValue]) -> Result<Option<Self>, Refusal> {
        let [
            Addr(sender),
            Uint(nonce, _),
            Bytes(init_code),
            Bytes(call_data),
            FixedBytes(account_gas_limits, 32),
            Uint(pre_verification_gas, _),
            FixedBytes(gas_fees, 32),
            Bytes(paymaster_and_data),
        ] = values
        else {
            return Ok(None);
        };
        let packed = Packed {
            sender: *sender,
            nonce: *nonce,
            init_code,
            call_data,
            account_gas_limits: account_gas_limits.0,
            pre_verification_gas: *pre_verification_gas,
            gas_fees: gas_fees.0,
            paymaster_and_data,
        };
        packed.unpack(None).map(Some)
    }

    /// Whether the init code names a delegate instead of a factory.
    pub(super) fn has_marker(&self) -> bool {
        self.init_code.starts_with(&MARKER)
            && self.init_code.iter().skip(MARKER.len()).take(18).all(|byte| *byte == 0)
    }

    /// The EIP-712 hash that the EntryPoint asks the account about (`getUserOpHash`).
    pub(super) fn digest(&self, chain_id: u64) -> [u8; 32] {
        let domain = Domain {
            name: Some("ERC4337".to_owned()),
            version: Some("1".to_owned()),
            chain_id: Some(U256::from(chain_id)),
            verifying_contract: Some(ENTRY_POINT),
            salt: None,
        };
        eip712::digest(eip712::domain_separator(&domain), self.struct_hash())
    }

    fn struct_hash(&self) -> B256 {
        let mut words = Vec::with_capacity(9 * 32);
        words.extend(keccak256(TYPE));
        words.extend(self.sender.into_word());
        words.extend(self.nonce.to_be_bytes::<32>());
        words.extend(keccak256(self.hashed_init_code()));
        words.extend(keccak256(&self.call_data));
        words.extend(join(self.gas.verification, self.gas.call));
        words.extend(U256::from(self.gas.pre_verification).to_be_bytes::<32>());
        words.extend(join(self.max_priority_fee_per_gas, self.max_fee_per_gas));
        words.extend(keccak256(self.paymaster_and_data()));
        keccak256(words)
    }

    /// EntryPoint v0.8 puts the account's delegate in the place of the marker.
    fn hashed_init_code(&self) -> Vec<u8> {
        match self.delegate {
            Some(delegate) => {
                [delegate.as_slice(), self.init_code.get(20..).unwrap_or_default()].concat()
            }
            None => self.init_code.clone(),
        }
    }

    fn paymaster_and_data(&self) -> Vec<u8> {
        let Some((paymaster, data)) = &self.paymaster else { return Vec::new() };
        let gas = join(self.gas.paymaster_verification, self.gas.paymaster_post_op);
        [paymaster.as_slice(), &gas, data].concat()
    }

    /// The payload's bytes.
    fn encode(&self, chain_id: u64) -> Vec<u8> {
        let mut items = Vec::new();
        chain_id.encode(&mut items);
        ENTRY_POINT.encode(&mut items);
        self.delegate.as_ref().map_or(&[][..], |delegate| delegate.as_slice()).encode(&mut items);
        self.sender.encode(&mut items);
        self.nonce.encode(&mut items);
        self.init_code.as_slice().encode(&mut items);
        self.call_data.as_slice().encode(&mut items);
        join(self.gas.verification, self.gas.call).encode(&mut items);
        self.gas.pre_verification.encode(&mut items);
        join(self.max_priority_fee_per_gas, self.max_fee_per_gas).encode(&mut items);
        self.paymaster_and_data().as_slice().encode(&mut items);
        let mut encoded = Vec::new();
        encode_list(&items, &mut encoded);
        encoded
    }

    /// What an approval of a person is for: everything but nonce, gas and fees, and the data of a
    /// paymaster that the registry lists.
    pub(super) fn content(&self, chain_id: u64, registry: &Registry) -> Vec<u8> {
        let (paymaster, data) = match &self.paymaster {
            Some((paymaster, _)) if is_listed_paymaster(registry, chain_id, *paymaster) => {
                (paymaster.as_slice(), &[][..])
            }
            Some((paymaster, data)) => (paymaster.as_slice(), data.as_slice()),
            None => (&[][..], &[][..]),
        };
        let mut items = Vec::new();
        chain_id.encode(&mut items);
        ENTRY_POINT.encode(&mut items);
        self.delegate.as_ref().map_or(&[][..], |delegate| delegate.as_slice()).encode(&mut items);
        self.sender.encode(&mut items);
        self.init_code.as_slice().encode(&mut items);
        self.call_data.as_slice().encode(&mut items);
        paymaster.encode(&mut items);
        data.encode(&mut items);
        let mut encoded = Vec::new();
        encode_list(&items, &mut encoded);
        encoded
    }

    /// Who pays the fee.
    pub(super) fn payer(&self) -> Address {
        self.paymaster.as_ref().map_or(self.sender, |(paymaster, _)| *paymaster)
    }

    /// The most that it can cost, in wei: all five gas limits at the maximum fee.
    pub(super) fn max_fee(&self) -> Result<U256, Refusal> {
        let UserOperationGas {
            verification,
            call,
            pre_verification,
            paymaster_verification,
            paymaster_post_op,
        } = self.gas;
        let gas = [verification, call, pre_verification, paymaster_verification, paymaster_post_op]
            .into_iter()
            .fold(U256::ZERO, |sum, limit| sum.saturating_add(U256::from(limit)));
        gas.checked_mul(U256::from(self.max_fee_per_gas)).ok_or(Refusal::CostOverflow)
    }

    /// Lists everything that the operation does, the fee last, and says what it uses up.
    ///
    /// Its sender is the signing account itself, or an account that the registry lists: an operation
    /// of any other account is nothing that this key answers for.
    pub(super) fn push(&self, walk: &mut Walk<'_>) -> Result<Exclusion, Refusal> {
        let is_ours = self.sender == walk.own().account()
            || walk.registry().is_account(walk.chain_id, self.sender);
        if !is_ours {
            return Err(Refusal::SenderForeign);
        }
        let fee = self.max_fee()?;
        self.push_parties(walk, &CallPath::default())?;
        walk.user_operation(self, CallPath::default())?;
        walk.push_fee(self.payer(), fee);
        Ok(Exclusion::UserOperation {
            chain_id: walk.chain_id,
            entry_point: ENTRY_POINT,
            sender: self.sender,
            nonce: self.nonce,
        })
    }

    /// Lists who else acts: a factory that makes the account, a paymaster that nobody vouches for.
    /// Refused if the policy lists neither factory nor delegate.
    pub(super) fn push_parties(&self, walk: &mut Walk<'_>, at: &CallPath) -> Result<(), Refusal> {
        let (registry, chain_id) = (walk.registry(), walk.chain_id);
        if let Some(delegate) = self.delegate {
            if registry.contract(chain_id, delegate) != Some(&ContractKind::Delegate) {
                return Err(Refusal::DelegateUnlisted);
            }
            walk.delegate(self.sender);
        } else if let Some((factory, data)) = self.init_code.split_first_chunk::<20>() {
            let factory = Address::from(factory);
            match registry.contract(chain_id, factory) {
                Some(ContractKind::Factory) => {}
                // Typed data and `handleOps` hold the delegate where a factory would be.
                Some(ContractKind::Delegate) => walk.delegate(self.sender),
                _ => return Err(Refusal::FactoryUnlisted),
            }
            let effect = walk.effect(EffectKind::Deploy, Confidence::Decoded, at);
            self.push_party(walk, effect, factory, data)?;
        }
        if let Some((paymaster, data)) = &self.paymaster
            && !is_listed_paymaster(walk.registry(), walk.chain_id, *paymaster)
        {
            let effect = walk.effect(EffectKind::Unknown, Confidence::Unknown, at);
            self.push_party(walk, effect, *paymaster, data)?;
        }
        Ok(())
    }

    fn push_party(
        &self,
        walk: &mut Walk<'_>,
        effect: Effect,
        party: Address,
        data: &[u8],
    ) -> Result<(), Refusal> {
        let target = Some(walk.account(party));
        let call = Call {
            target,
            selector: data.first_chunk().copied(),
            value: U256::ZERO,
            data_hash: keccak256(data),
            function: None,
            arguments: Vec::new(),
        };
        let (from, call) = (Some(walk.account(self.sender)), Some(Arc::new(call)));
        walk.push(Effect { from, to: target, call, ..effect })
    }
}

fn is_listed_paymaster(registry: &Registry, chain_id: u64, paymaster: Address) -> bool {
    registry.contract(chain_id, paymaster) == Some(&ContractKind::Paymaster)
}

fn halves(word: [u8; 32]) -> (u128, u128) {
    let word = U256::from_be_bytes(word);
    let half = |value: U256| u128::try_from(value).unwrap_or(u128::MAX); // 128 bits by construction
    (half(word >> 128), half(word & U256::from(u128::MAX)))
}

fn join(high: u128, low: u128) -> [u8; 32] {
    let word: U256 = U256::from(high) << 128;
    (word | U256::from(low)).to_be_bytes()
}
