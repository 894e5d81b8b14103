//! Functions whose meaning is the same on every contract of a kind.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::registry::Function;

/// The functions of a kind of contract by selector.
pub(super) struct Standard(LazyLock<HashMap<[u8; 4], Function>>);

impl Standard {
    pub(super) fn function(&self, selector: [u8; 4]) -> Option<&Function> {
        self.0.get(&selector)
    }
}

/// A test holds that each signature is one, and that no two have a selector in common.
fn table(lists: &[&[&str]]) -> HashMap<[u8; 4], Function> {
    let functions = lists.iter().copied().flatten().filter_map(|text| Function::parse(text).ok());
    functions.map(|function| (function.selector(), function)).collect()
}

macro_rules! standards {
    ($($(#[$doc:meta])* $name:ident = [$($list:expr),*];)*) => {
        $($(#[$doc])* pub(super) static $name: Standard = Standard(LazyLock::new(|| table(&[$($list),*])));)*

        #[cfg(test)]
        const ALL: &[(&Standard, &[&[&str]])] = &[$((&$name, &[$($list),*])),*];
    };
}

standards! {
    /// ERC-20, ERC-2612, DAI's permit, ERC-3009.
    ERC20 = [TOKEN];
    /// WETH9.
    WRAPPED_NATIVE = [TOKEN, WRAPPING];
    /// ERC-721.
    ERC721 = [COLLECTIBLES];
    /// ERC-1155.
    ERC1155 = [MULTI_TOKEN];
    /// Permit2: allowances, signatures.
    PERMIT2 = [ALLOWANCE_TRANSFER, SIGNATURE_TRANSFER];
    /// `multicall` of Uniswap's periphery and of OpenZeppelin.
    MULTICALL = [SELF_DELEGATECALLS];
    /// Multicall3.
    MULTICALL3 = [AGGREGATES];
    /// EntryPoint v0.8.
    ENTRY_POINT = [ENTRY];
    /// Smart accounts.
    ACCOUNT = [EXECUTION, CONFIGURATION];
    /// Universal Router.
    ROUTER = [PLANS];
}

const TOKEN: &[&str] = &[
    "transfer(address to, uint256 amount)",
    "transferFrom(address from, address to, uint256 amount)",
    "approve(address spender, uint256 amount)",
    "increaseAllowance(address spender, uint256 addedValue)",
    "decreaseAllowance(address spender, uint256 subtractedValue)",
    "permit(address owner, address spender, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s)",
    "permit(address holder, address spender, uint256 nonce, uint256 expiry, bool allowed, uint8 v, bytes32 r, bytes32 s)",
    "transferWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, uint8 v, bytes32 r, bytes32 s)",
    "transferWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, bytes signature)",
    "receiveWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, uint8 v, bytes32 r, bytes32 s)",
    "receiveWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, bytes signature)",
    "cancelAuthorization(address authorizer, bytes32 nonce, uint8 v, bytes32 r, bytes32 s)",
    "cancelAuthorization(address authorizer, bytes32 nonce, bytes signature)",
];

const WRAPPING: &[&str] = &["deposit()", "withdraw(uint256 amount)"];

const COLLECTIBLES: &[&str] = &[
    "transferFrom(address from, address to, uint256 tokenId)",
    "safeTransferFrom(address from, address to, uint256 tokenId)",
    "safeTransferFrom(address from, address to, uint256 tokenId, bytes data)",
    "approve(address to, uint256 tokenId)",
    "setApprovalForAll(address operator, bool approved)",
];

const MULTI_TOKEN: &[&str] = &[
    "safeTransferFrom(address from, address to, uint256 id, uint256 amount, bytes data)",
    "safeBatchTransferFrom(address from, address to, uint256[] ids, uint256[] amounts, bytes data)",
    "setApprovalForAll(address operator, bool approved)",
];

const ALLOWANCE_TRANSFER: &[&str] = &[
    "approve(address token, address spender, uint160 amount, uint48 expiration)",
    "permit(address owner, ((address,uint160,uint48,uint48),address,uint256) permitSingle, bytes signature)",
    "permit(address owner, ((address,uint160,uint48,uint48)[],address,uint256) permitBatch, bytes signature)",
    "transferFrom(address from, address to, uint160 amount, address token)",
    "transferFrom((address,address,uint160,address)[] transferDetails)",
    "lockdown((address,address)[] approvals)",
    "invalidateNonces(address token, address spender, uint48 newNonce)",
];

const SIGNATURE_TRANSFER: &[&str] = &[
    "permitTransferFrom(((address,uint256),uint256,uint256) permit, (address,uint256) transferDetails, address owner, bytes signature)",
    "permitTransferFrom(((address,uint256)[],uint256,uint256) permit, (address,uint256)[] transferDetails, address owner, bytes signature)",
    "invalidateUnorderedNonces(uint256 wordPos, uint256 mask)",
];

const SELF_DELEGATECALLS: &[&str] = &[
    "multicall(bytes[] data)",
    "multicall(uint256 deadline, bytes[] data)",
    "multicall(bytes32 previousBlockhash, bytes[] data)",
];

const AGGREGATES: &[&str] = &[
    "aggregate((address,bytes)[] calls)",
    "tryAggregate(bool requireSuccess, (address,bytes)[] calls)",
    "aggregate3((address,bool,bytes)[] calls)",
    "aggregate3Value((address,bool,uint256,bytes)[] calls)",
];

const ENTRY: &[&str] = &[
    "depositTo(address account)",
    "withdrawTo(address withdrawAddress, uint256 withdrawAmount)",
    "withdrawStake(address withdrawAddress)",
    "handleOps((address,uint256,bytes,bytes,bytes32,uint256,bytes32,bytes,bytes)[] ops, address beneficiary)",
];

const EXECUTION: &[&str] = &[
    "execute(address target, uint256 value, bytes data)",
    "executeBatch((address,uint256,bytes)[] calls)",
    "execute(bytes32 mode, bytes executionData)",
];

const CONFIGURATION: &[&str] = &[
    "upgradeTo(address newImplementation)",
    "upgradeToAndCall(address newImplementation, bytes data)",
    "transferOwnership(address newOwner)",
    "acceptOwnership()",
    "renounceOwnership()",
    "setOwner(address newOwner)",
    "addOwner(address owner)",
    "removeOwner(address owner)",
    "addOwnerAddress(address owner)",
    "addOwnerPublicKey(bytes32 x, bytes32 y)",
    "removeOwnerAtIndex(uint256 index, bytes owner)",
    "removeLastOwner(uint256 index, bytes owner)",
    "installModule(uint256 moduleTypeId, address module, bytes initData)",
    "uninstallModule(uint256 moduleTypeId, address module, bytes deInitData)",
    "grantRole(bytes32 role, address account)",
    "revokeRole(bytes32 role, address account)",
    "renounceRole(bytes32 role, address account)",
];

const PLANS: &[&str] = &[
    "execute(bytes commands, bytes[] inputs)",
    "execute(bytes commands, bytes[] inputs, uint256 deadline)",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_signature_is_one_and_no_two_of_a_kind_have_a_selector_in_common() {
        for (standard, lists) in ALL {
            let signatures: Vec<_> = lists.iter().copied().flatten().collect();
            assert_eq!(standard.0.len(), signatures.len());
            for signature in signatures {
                let function = Function::parse(signature).unwrap();
                assert_eq!(standard.function(function.selector()), Some(&function));
            }
        }
    }
}
