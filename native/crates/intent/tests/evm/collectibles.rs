//! ERC-721 and ERC-1155.

use intent::{Address, Value};

use crate::payloads::OWN;
use crate::scene::{ITEMS, NFT, SPENDER, STRANGER, address, array, bytes, calldata, does, uint};

#[test]
fn one_of_a_kind_moves_in_every_form() {
    for function in
        ["transferFrom(address,address,uint256)", "safeTransferFrom(address,address,uint256)"]
    {
        let of = |from| calldata(function, &[address(from), address(STRANGER), uint(5)]);
        does(NFT, 0, &of(OWN), &["transfer 1 nft#5 from own to stranger"]);
        does(NFT, 0, &of(SPENDER), &["call from own to nft"]);
    }
    let data = calldata(
        "safeTransferFrom(address,address,uint256,bytes)",
        &[address(OWN), address(STRANGER), uint(5), bytes([1, 2])],
    );
    does(NFT, 0, &data, &["transfer 1 nft#5 from own to stranger"]);
}

#[test]
fn an_approval_of_one_is_taken_back_by_the_zero_address() {
    let approve = |to| calldata("approve(address,uint256)", &[address(to), uint(5)]);
    does(NFT, 0, &approve(SPENDER), &["approve ≤1 nft#5 from own by spender"]);
    does(NFT, 0, &approve(Address::ZERO), &["revoke nft#5 from own"]);
}

#[test]
fn an_approval_for_all_is_unlimited() {
    let function = "setApprovalForAll(address,bool)";
    for (contract, name) in [(NFT, "nft"), (ITEMS, "items")] {
        let set = |approved| calldata(function, &[address(SPENDER), Value::Bool(approved)]);
        let approve = format!("approve unlimited {name} from own by spender");
        does(contract, 0, &set(true), &[&approve]);
        does(contract, 0, &set(false), &[&format!("revoke {name} from own by spender")]);
    }
}

#[test]
fn balances_of_items_move_one_by_one_and_together() {
    let one = calldata(
        "safeTransferFrom(address,address,uint256,uint256,bytes)",
        &[address(OWN), address(STRANGER), uint(5), uint(30), bytes([])],
    );
    does(ITEMS, 0, &one, &["transfer 30 items#5 from own to stranger"]);

    let batch = |from, ids: &[u64], amounts: &[u64]| {
        let list = |numbers: &[u64]| array(numbers.iter().map(|number| uint(*number)));
        calldata(
            "safeBatchTransferFrom(address,address,uint256[],uint256[],bytes)",
            &[address(from), address(STRANGER), list(ids), list(amounts), bytes([9])],
        )
    };
    let both =
        ["transfer 30 items#5 from own to stranger", "transfer 40 items#6 from own to stranger"];
    does(ITEMS, 0, &batch(OWN, &[5, 6], &[30, 40]), &both);
    does(ITEMS, 0, &batch(SPENDER, &[5], &[30]), &["call from own to items"]);
    let unknown = ["unknown from own to items perhaps"];
    does(ITEMS, 0, &batch(OWN, &[5, 6], &[30]), &unknown);
    does(ITEMS, 0, &batch(OWN, &[], &[]), &unknown);
}

#[test]
fn the_functions_of_one_standard_are_not_the_others() {
    let transfer = calldata("transfer(address,uint256)", &[address(STRANGER), uint(5)]);
    does(NFT, 0, &transfer, &["unknown from own to nft perhaps"]);
    does(ITEMS, 0, &transfer, &["unknown from own to items perhaps"]);
}
