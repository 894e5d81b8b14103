//! What a signature over typed data allows.
//!
//! A type is recognised by its whole `encodeType`, which is what its type hash is made of: a struct
//! of another make with the same name is another type.

use std::sync::Arc;

use alloy_dyn_abi::DynSolValue::{self, Address as Addr, Bool, Bytes, FixedBytes, Uint};
use alloy_primitives::{Address, B256, U256};

use super::TypedData;
use crate::evm::calls::erc20::{all_or_nothing, permitted};
use crate::evm::calls::permit2::{self, Allowance, members, one_or_more};
use crate::evm::calls::{Stop, Walk, expiry};
use crate::evm::message;
use crate::evm::user_operation::{self, UserOperation};
use crate::registry::{ENTRY_POINT, PERMIT2};
use crate::{
    Amount, Argument, AssetId, Call, CallPath, Confidence, Effect, EffectKind, Exclusion, Refusal,
};

const PERMIT: &str =
    "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)";
const DAI_PERMIT: &str =
    "Permit(address holder,address spender,uint256 nonce,uint256 expiry,bool allowed)";
const TRANSFER: &str = "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)";
const RECEIVE: &str = "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)";
const CANCEL: &str = "CancelAuthorization(address authorizer,bytes32 nonce)";
const PERMIT_SINGLE: &str = "PermitSingle(PermitDetails details,address spender,uint256 sigDeadline)PermitDetails(address token,uint160 amount,uint48 expiration,uint48 nonce)";
const PERMIT_BATCH: &str = "PermitBatch(PermitDetails[] details,address spender,uint256 sigDeadline)PermitDetails(address token,uint160 amount,uint48 expiration,uint48 nonce)";
const PERMIT_TRANSFER: &str = "PermitTransferFrom(TokenPermissions permitted,address spender,uint256 nonce,uint256 deadline)TokenPermissions(address token,uint256 amount)";
const PERMIT_BATCH_TRANSFER: &str = "PermitBatchTransferFrom(TokenPermissions[] permitted,address spender,uint256 nonce,uint256 deadline)TokenPermissions(address token,uint256 amount)";
/// Permit2 builds the rest of the type from what the verifier says its witness is.
const WITNESS: [&str; 2] = [
    "PermitWitnessTransferFrom(TokenPermissions permitted,address spender,uint256 nonce,uint256 deadline,",
    "PermitBatchWitnessTransferFrom(TokenPermissions[] permitted,address spender,uint256 nonce,uint256 deadline,",
];
const TOKEN_PERMISSIONS: &str = "TokenPermissions(address token,uint256 amount)";
const PERSONAL_SIGN: &str = "PersonalSign(bytes prefixed)";
/// ERC-7739: the account hashes its own domain into what its owner signs.
const NESTED: &str = "TypedDataSign(";
const NESTED_MEMBERS: &str =
    " contents,string name,string version,uint256 chainId,address verifyingContract,bytes32 salt)";
const PREFIX: &[u8] = b"\x19Ethereum Signed Message:\n";

/// One struct of a document, and who is asked to sign it.
struct Statement<'a> {
    domain: &'a crate::registry::Domain,
    encoded_type: &'a str,
    value: &'a DynSolValue,
    struct_hash: B256,
    /// Whose signature it is, where the struct does not say.
    signer: Address,
}

/// Lists what a signature of the signing account over a document allows.
pub(in crate::evm) fn push(
    document: &TypedData,
    walk: &mut Walk<'_>,
) -> Result<Option<Exclusion>, Refusal> {
    let statement = Statement {
        domain: &document.domain,
        encoded_type: &document.encoded_type,
        value: &document.message,
        struct_hash: document.struct_hash,
        signer: walk.own().account(),
    };
    if document.encoded_type == user_operation::TYPE {
        return statement.user_operation(walk).map(Some);
    }
    if let Some(inner) = document.nested(walk) {
        inner.push(walk)?;
    } else {
        statement.push(walk)?;
    }
    Ok(None)
}

impl TypedData {
    /// The contents that a smart account of the wallet shows its owner (ERC-7739).
    fn nested(&self, walk: &Walk<'_>) -> Option<Statement<'_>> {
        let members_of = self.encoded_type.strip_prefix(NESTED)?;
        let (kind, rest) = members_of.split_once(' ')?;
        if !rest.starts_with(NESTED_MEMBERS.strip_prefix(' ')?) {
            return None;
        }
        let [contents, _, _, Uint(chain_id, _), Addr(account), FixedBytes(..)] =
            self.message.as_fixed_seq()?
        else {
            return None;
        };
        let is_ours = *chain_id == U256::from(walk.chain_id)
            && walk.registry().is_account(walk.chain_id, *account);
        let (encoded_type, struct_hash) = self.inner_types.first()?.as_ref()?;
        // The outer type then contains the inner one, and nothing else.
        (is_ours && encoded_type.starts_with(kind)).then_some(Statement {
            domain: &self.domain,
            encoded_type,
            value: contents,
            struct_hash: *struct_hash,
            signer: *account,
        })
    }
}

impl Statement<'_> {
    fn push(&self, walk: &mut Walk<'_>) -> Result<(), Refusal> {
        match self.read(walk) {
            Ok(()) => Ok(()),
            Err(Stop::Refused(refusal)) => Err(refusal),
            Err(Stop::Unknown) => {
                walk.clear();
                self.push_unknown(walk)
            }
        }
    }

    fn read(&self, walk: &mut Walk<'_>) -> Result<(), Stop> {
        let verifier = self.domain.verifying_contract.ok_or(Stop::Unknown)?;
        if self.domain.chain_id != Some(U256::from(walk.chain_id)) {
            return Err(Stop::Unknown);
        }
        let fields = members(self.value)?;
        match (self.encoded_type, fields) {
            (PERMIT, [Addr(owner), Addr(spender), Uint(value, _), ..]) => {
                let permit = permitted(*value);
                self.push_allowance(walk, verifier, (*owner, *spender), permit)
            }
            (DAI_PERMIT, [Addr(holder), Addr(spender), .., Bool(allowed)]) => {
                let permit = all_or_nothing(*allowed);
                self.push_allowance(walk, verifier, (*holder, *spender), permit)
            }
            (TRANSFER | RECEIVE, [Addr(from), Addr(to), Uint(value, _), _, Uint(before, _), _]) => {
                self.must_be_signer(walk, *from)?;
                let asset = walk.erc20(verifier)?;
                self.push_effect(walk, EffectKind::Transfer, |walk, effect| Effect {
                    asset: Some(asset),
                    amount: Amount::Exact(*value),
                    from: Some(walk.account(*from)),
                    to: Some(walk.account(*to)),
                    expiry: expiry(*before),
                    ..effect
                })
            }
            (CANCEL, [Addr(authorizer), _]) => {
                self.must_be_signer(walk, *authorizer)?;
                walk.erc20(verifier)?;
                self.push_effect(walk, EffectKind::Call, |walk, effect| Effect {
                    from: Some(walk.account(*authorizer)),
                    to: Some(walk.account(verifier)),
                    ..effect
                })
            }
            (PERSONAL_SIGN, [Bytes(prefixed)]) => self.personal_sign(walk, verifier, prefixed),
            _ if verifier == PERMIT2 => self.permit2(walk, fields),
            _ => Err(Stop::Unknown),
        }
    }

    /// Permit2's signatures. The owner is whoever signed.
    fn permit2(&self, walk: &mut Walk<'_>, fields: &[DynSolValue]) -> Result<(), Stop> {
        let is_witness = WITNESS.iter().any(|start| self.encoded_type.starts_with(start))
            && self.encoded_type.contains(&format!("){TOKEN_PERMISSIONS}"));
        match (self.encoded_type, fields) {
            (PERMIT_SINGLE | PERMIT_BATCH, [details, Addr(spender), Uint(deadline, _)]) => {
                for detail in one_or_more(details) {
                    // Zero stands for the time of the block, at most the signature's last one.
                    let expires =
                        |time: U256| expiry(if time.is_zero() { *deadline } else { time });
                    let granted = Allowance::of(detail, expires)?;
                    let effect = self.effect(walk, EffectKind::Permit);
                    granted.push(walk, effect, self.signer, *spender)?;
                }
                Ok(())
            }
            (encoded, [permitted, Addr(spender), Uint(..), Uint(deadline, _), witness @ ..])
                if is_witness || [PERMIT_TRANSFER, PERMIT_BATCH_TRANSFER].contains(&encoded) =>
            {
                for permission in one_or_more(permitted) {
                    let [Addr(token), Uint(amount, _)] = members(permission)? else {
                        return Err(Stop::Unknown);
                    };
                    let asset = walk.erc20(*token)?;
                    self.push_effect(walk, EffectKind::Permit, |walk, effect| Effect {
                        asset: Some(asset),
                        amount: permit2::allowance(*amount),
                        from: Some(walk.account(self.signer)),
                        spender: Some(walk.account(*spender)),
                        expiry: expiry(*deadline),
                        ..effect
                    })?;
                }
                // The spender may do with the witness whatever its contract does.
                if !witness.is_empty() {
                    self.push_unknown(walk)?;
                }
                Ok(())
            }
            _ => Err(Stop::Unknown),
        }
    }

    /// ERC-7739: a personal message, for a smart account of the wallet.
    fn personal_sign(
        &self,
        walk: &mut Walk<'_>,
        account: Address,
        prefixed: &[u8],
    ) -> Result<(), Stop> {
        if !walk.registry().is_account(walk.chain_id, account) {
            return Err(Stop::Unknown);
        }
        let counted = prefixed.strip_prefix(PREFIX).ok_or(Stop::Unknown)?;
        let digits = counted.iter().take_while(|byte| byte.is_ascii_digit()).count();
        // A message may begin with digits too: its length decides where it begins.
        let text = (1..=digits)
            .filter_map(|digits| counted.split_at_checked(digits))
            .find(|(length, text)| text.len().to_string().as_bytes() == *length)
            .map(|(_, text)| text)
            .ok_or(Stop::Unknown)?;
        if message::is_hash(text) {
            return Err(Stop::Unknown);
        }
        let message = message::decode(text, walk)?;
        Ok(message.push(text, account, walk)?)
    }

    /// The hash that the EntryPoint would ask about: read as the payload `evm.userOperation` is.
    fn user_operation(&self, walk: &mut Walk<'_>) -> Result<Exclusion, Refusal> {
        let domain = crate::registry::Domain {
            name: Some("ERC4337".to_owned()),
            version: Some("1".to_owned()),
            chain_id: Some(U256::from(walk.chain_id)),
            verifying_contract: Some(ENTRY_POINT),
            salt: None,
        };
        if *self.domain != domain {
            return Err(Refusal::EntryPointUnsupported);
        }
        let fields = self.value.as_fixed_seq().unwrap_or_default();
        let operation = UserOperation::from_members(fields)?.ok_or(Refusal::TypedDataValue)?;
        if operation.has_marker() {
            return Err(Refusal::DelegateMisplaced);
        }
        operation.push(walk)
    }

    fn push_allowance(
        &self,
        walk: &mut Walk<'_>,
        token: Address,
        (owner, spender): (Address, Address),
        (kind, amount): (EffectKind, Amount),
    ) -> Result<(), Stop> {
        self.must_be_signer(walk, owner)?;
        let asset: AssetId = walk.erc20(token)?;
        self.push_effect(walk, kind, |walk, effect| Effect {
            asset: Some(asset),
            amount,
            from: Some(walk.account(owner)),
            spender: Some(walk.account(spender)),
            ..effect
        })
    }

    /// A struct that names its signer names the one that is asked, or a smart account of the wallet.
    fn must_be_signer(&self, walk: &Walk<'_>, account: Address) -> Result<(), Stop> {
        if account == self.signer || walk.registry().is_account(walk.chain_id, account) {
            Ok(())
        } else {
            Err(Stop::Unknown)
        }
    }

    fn push_effect(
        &self,
        walk: &mut Walk<'_>,
        kind: EffectKind,
        complete: impl FnOnce(&Walk<'_>, Effect) -> Effect,
    ) -> Result<(), Stop> {
        let effect = complete(walk, self.effect(walk, kind));
        Ok(walk.push(effect)?)
    }

    fn effect(&self, walk: &Walk<'_>, kind: EffectKind) -> Effect {
        let arguments = match self.value {
            DynSolValue::CustomStruct { prop_names, tuple, .. } => {
                let argument = |(name, value): (&String, &DynSolValue)| Argument {
                    name: name.clone(),
                    type_name: value.sol_type_name().unwrap_or_default().into_owned(),
                    value: value.clone(),
                };
                prop_names.iter().zip(tuple).map(argument).collect()
            }
            _ => Vec::new(),
        };
        let function = Some(self.encoded_type.to_owned());
        let call = Call { function, arguments, ..self.call(walk) };
        let effect = walk.effect(kind, Confidence::Decoded, &CallPath::default());
        Effect { call: Some(Arc::new(call)), deferred: true, ..effect }
    }

    fn push_unknown(&self, walk: &mut Walk<'_>) -> Result<(), Refusal> {
        let call = self.call(walk);
        let effect = walk.effect(EffectKind::Unknown, Confidence::Unknown, &CallPath::default());
        walk.push(Effect {
            from: Some(walk.account(self.signer)),
            to: call.target,
            call: Some(Arc::new(call)),
            deferred: true,
            ..effect
        })
    }

    fn call(&self, walk: &Walk<'_>) -> Call {
        Call {
            target: self.domain.verifying_contract.map(|contract| walk.account(contract)),
            selector: None,
            value: U256::ZERO,
            data_hash: self.struct_hash,
            function: None,
            arguments: Vec::new(),
        }
    }
}
