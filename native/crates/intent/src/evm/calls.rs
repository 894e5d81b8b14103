//! What calls do, as far as the registry explains the contracts that are called.

mod account;
mod batch;
mod collectible;
mod entry_point;
pub(super) mod erc20;
mod listed;
pub(super) mod permit2;
mod router;
mod standard;

use std::sync::Arc;

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{Address, U256, keccak256};

use self::standard::Standard;
use super::user_operation::UserOperation;
use crate::registry::{ContractKind, Function};
use crate::{
    Account, Amount, Argument, AssetId, Call, CallPath, Confidence, Effect, EffectKind, Own,
    Refusal, Registry,
};

/// The most calls inside each other, the payload's own among them.
pub const MAX_CALL_DEPTH: usize = 8;

/// The most effects of a payload.
pub const MAX_EFFECTS: usize = 256;

/// `2^255`: an allowance from here on is unlimited, and Universal Router means its whole balance.
pub(super) const HALF: U256 = U256::from_limbs([0, 0, 0, 1 << 63]);

/// One call of the tree: who calls what, with what.
pub(super) struct Frame<'a> {
    /// `msg.sender` of the code that runs.
    pub(super) caller: Address,
    pub(super) target: Address,
    pub(super) value: U256,
    pub(super) data: &'a [u8],
    pub(super) path: CallPath,
}

/// A call whose contract and function are known, with its arguments.
pub(super) struct Invocation<'a> {
    pub(super) frame: &'a Frame<'a>,
    pub(super) function: &'a Function,
    pub(super) arguments: &'a [DynSolValue],
    call: Arc<Call>,
}

/// What became of the native value of a call that was read.
pub(super) enum NativeValue {
    /// It goes to the target, and no effect says so yet.
    Moves,
    /// It is in an effect already.
    Counted,
}

/// Why a call was not read.
pub(super) enum Stop {
    /// Its meaning is not established: one effect says so, in place of whatever was read of it.
    Unknown,
    /// The payload is refused.
    Refused(Refusal),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Collects the effects of a payload, in the order of its calls.
pub(super) struct Walk<'a> {
    pub(super) chain_id: u64,
    own: &'a Own,
    registry: &'a Registry,
    /// An account to which the payload itself gives a listed delegate's code.
    delegated: Option<Address>,
    effects: Vec<Effect>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(chain_id: u64, own: &'a Own, registry: &'a Registry) -> Self {
        Self { chain_id, own, registry, delegated: None, effects: Vec::new() }
    }

    /// From now on `account` runs a listed delegate.
    pub(super) fn delegate(&mut self, account: Address) {
        self.delegated = Some(account);
    }

    pub(super) fn own(&self) -> &'a Own {
        self.own
    }

    pub(super) fn registry(&self) -> &'a Registry {
        self.registry
    }

    pub(super) fn finish(self) -> Vec<Effect> {
        self.effects
    }

    /// Whether what `address` has is the wallet's.
    pub(super) fn is_own(&self, address: Address) -> bool {
        self.own.contains(address)
            || self.registry.is_account(self.chain_id, address)
            || self.delegated == Some(address)
    }

    pub(super) fn account(&self, address: Address) -> Account {
        Account::Evm { chain_id: self.chain_id, address }
    }

    pub(super) fn native(&self) -> AssetId {
        AssetId::EvmNative { chain_id: self.chain_id }
    }

    /// The asset of a token that the registry lists as ERC-20.
    pub(super) fn erc20(&self, contract: Address) -> Result<AssetId, Stop> {
        self.registry
            .contract(self.chain_id, contract)
            .filter(|kind| kind.is_erc20())
            .map(|_| AssetId::Erc20 { chain_id: self.chain_id, contract })
            .ok_or(Stop::Unknown)
    }

    /// An effect of nothing yet: each reader sets what it knows.
    pub(super) fn effect(&self, kind: EffectKind, confidence: Confidence, at: &CallPath) -> Effect {
        Effect {
            kind,
            asset: None,
            amount: Amount::None,
            receive: None,
            from: None,
            to: None,
            spender: None,
            call: None,
            expiry: None,
            deferred: false,
            confidence,
            at: at.clone(),
        }
    }

    pub(super) fn push(&mut self, effect: Effect) -> Result<(), Refusal> {
        // One place is kept for the fee.
        if self.effects.len() >= MAX_EFFECTS - 1 {
            return Err(Refusal::EffectsTooMany);
        }
        self.effects.push(effect);
        Ok(())
    }

    /// Forgets what was listed: the payload turned out to be something else.
    pub(super) fn clear(&mut self) {
        self.effects.clear();
    }

    /// Lists the most that the payload can cost in fees, after everything else.
    pub(super) fn push_fee(&mut self, payer: Address, most: U256) {
        let fee = Effect {
            asset: Some(self.native()),
            amount: Amount::UpTo(most),
            from: Some(self.account(payer)),
            ..self.effect(EffectKind::FeeOnly, Confidence::Exact, &CallPath::default())
        };
        self.effects.push(fee);
    }

    /// Reads one call and what it calls.
    pub(super) fn call(&mut self, frame: &Frame<'_>) -> Result<(), Refusal> {
        if frame.path.depth() > MAX_CALL_DEPTH {
            return Err(Refusal::CallTooDeep);
        }
        if frame.data.is_empty() {
            return self.transfer_native(frame);
        }
        let before = self.effects.len();
        match self.read(frame) {
            Ok(NativeValue::Counted) => Ok(()),
            Ok(NativeValue::Moves) if frame.value.is_zero() => Ok(()),
            Ok(NativeValue::Moves) => self.transfer_native(frame),
            Err(Stop::Refused(refusal)) => Err(refusal),
            Err(Stop::Unknown) => {
                self.effects.truncate(before);
                self.unknown(frame)
            }
        }
    }

    fn read(&mut self, frame: &Frame<'_>) -> Result<NativeValue, Stop> {
        let selector: [u8; 4] = frame.data.first_chunk().copied().ok_or(Stop::Unknown)?;
        let registry = self.registry;
        let kind = match registry.contract(self.chain_id, frame.target) {
            None if self.delegated == Some(frame.target) => &ContractKind::Account,
            kind => kind.ok_or(Stop::Unknown)?,
        };
        let kind = match kind {
            ContractKind::Multicall(inner) => {
                if let Some(function) = standard::MULTICALL.function(selector) {
                    return self.invoke(frame, function, batch::multicall);
                }
                inner
            }
            kind => kind,
        };
        let (standard, reader): (&Standard, Reader) = match kind {
            ContractKind::Erc20 { .. } => (&standard::ERC20, erc20::read),
            ContractKind::WrappedNative => (&standard::WRAPPED_NATIVE, erc20::read_wrapped),
            ContractKind::Erc721 => (&standard::ERC721, collectible::read_erc721),
            ContractKind::Erc1155 => (&standard::ERC1155, collectible::read_erc1155),
            ContractKind::Permit2 => (&standard::PERMIT2, permit2::read),
            ContractKind::Multicall3 => (&standard::MULTICALL3, batch::multicall3),
            ContractKind::EntryPoint => (&standard::ENTRY_POINT, entry_point::read),
            ContractKind::Account => (&standard::ACCOUNT, account::read),
            ContractKind::Router { .. } => (&standard::ROUTER, router::read),
            ContractKind::Other { functions } => {
                let function = functions.iter().find(|function| function.selector() == selector);
                return self.invoke(frame, function.ok_or(Stop::Unknown)?, listed::read);
            }
            ContractKind::Delegate
            | ContractKind::Factory
            | ContractKind::Paymaster
            | ContractKind::Multicall(_) => return Err(Stop::Unknown),
        };
        let function = standard.function(selector).ok_or(Stop::Unknown)?;
        self.invoke(frame, function, reader)
    }

    fn invoke(
        &mut self,
        frame: &Frame<'_>,
        function: &Function,
        reader: Reader,
    ) -> Result<NativeValue, Stop> {
        let arguments = function.decode(frame.data)?;
        let call = Arc::new(Call {
            function: Some(function.signature().to_owned()),
            arguments: function.arguments(&arguments),
            ..self.call_of(frame)
        });
        reader(self, &Invocation { frame, function, arguments: &arguments, call })
    }

    fn call_of(&self, frame: &Frame<'_>) -> Call {
        Call {
            target: Some(self.account(frame.target)),
            selector: frame.data.first_chunk().copied(),
            value: frame.value,
            data_hash: keccak256(frame.data),
            function: None,
            arguments: Vec::<Argument>::new(),
        }
    }

    fn transfer_native(&mut self, frame: &Frame<'_>) -> Result<(), Refusal> {
        self.push(Effect {
            asset: Some(self.native()),
            amount: Amount::Exact(frame.value),
            from: Some(self.account(frame.caller)),
            to: Some(self.account(frame.target)),
            ..self.effect(EffectKind::Transfer, Confidence::Exact, &frame.path)
        })
    }

    fn unknown(&mut self, frame: &Frame<'_>) -> Result<(), Refusal> {
        let call = Arc::new(self.call_of(frame));
        let effect = self.effect(EffectKind::Unknown, Confidence::Unknown, &frame.path);
        self.push_with_value(frame, Effect { call: Some(call), ..effect })
    }

    /// An effect of code: only the native value that goes with it is a number, and zero is not one.
    fn push_with_value(&mut self, frame: &Frame<'_>, effect: Effect) -> Result<(), Refusal> {
        let (asset, amount) = native_amount(self.native(), frame.value);
        let from = Some(self.account(frame.caller));
        let to = Some(self.account(frame.target));
        self.push(Effect { asset, amount, from, to, ..effect })
    }

    /// The effects of a user operation's calldata, which the EntryPoint gives to its sender.
    pub(super) fn user_operation(
        &mut self,
        operation: &UserOperation,
        path: CallPath,
    ) -> Result<(), Refusal> {
        if operation.call_data.is_empty() {
            return Ok(());
        }
        self.call(&Frame {
            caller: crate::registry::ENTRY_POINT,
            target: operation.sender,
            value: U256::ZERO,
            data: &operation.call_data,
            path,
        })
    }
}

type Reader = fn(&mut Walk<'_>, &Invocation<'_>) -> Result<NativeValue, Stop>;

/// The native value beside code whose other movements are not known: never the number zero.
pub(super) fn native_amount(asset: AssetId, value: U256) -> (Option<AssetId>, Amount) {
    if value.is_zero() { (None, Amount::None) } else { (Some(asset), Amount::Exact(value)) }
}

impl Invocation<'_> {
    /// An effect of this call.
    fn effect(&self, walk: &Walk<'_>, kind: EffectKind) -> Effect {
        Effect {
            call: Some(self.call.clone()),
            ..walk.effect(kind, Confidence::Decoded, &self.frame.path)
        }
    }

    /// Says no more than that a known function runs.
    fn plain(&self, walk: &mut Walk<'_>, kind: EffectKind) -> Result<NativeValue, Stop> {
        let effect = self.effect(walk, kind);
        walk.push_with_value(self.frame, effect)?;
        Ok(NativeValue::Counted)
    }
}

/// An ERC-20 allowance: nobody has half of all numbers.
pub(super) fn allowance(amount: U256) -> Amount {
    if amount >= HALF { Amount::Unlimited } else { Amount::UpTo(amount) }
}

/// A time after which something ends. Solidity writes "never" as the largest number of the type.
pub(super) fn expiry(time: U256) -> Option<u64> {
    /// `2^48 − 1`, Permit2's "never".
    const NEVER: u64 = (1 << 48) - 1;
    u64::try_from(time).ok().filter(|time| *time < NEVER)
}
