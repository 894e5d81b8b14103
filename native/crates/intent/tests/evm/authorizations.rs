//! EIP-7702: authorizations, alone and in a transaction.

use intent::{Address, Content, Intent, Own, Payload, Refusal, Registry, U256, parse};
use k256::ecdsa::SigningKey;

use crate::encoder::{Item, integer, list, number, text, typed};
use crate::payloads::{CHAIN, OWN};
use crate::scene::{
    self, DELEGATE, STRANGER, UNLISTED, address, bytes, calldata, registry, said, uint,
};

fn unsigned(chain_id: u64, delegate: Address, nonce: u64) -> Vec<u8> {
    list([number(chain_id), text(delegate), number(nonce)]).encode()
}

fn read(bytes: &[u8]) -> Result<Intent, Refusal> {
    scene::intent("evm.authorization", bytes)
}

fn effects(intent: &Intent) -> Vec<String> {
    intent.effects().iter().map(said).collect()
}

#[test]
fn an_authorization_gives_an_account_code() {
    let intent = read(&unsigned(1, DELEGATE, 7)).unwrap();

    assert_eq!(effects(&intent), ["delegate from own to delegate deferred"]);
    let preimage = [&[5][..], intent.bytes()].concat();
    assert_eq!(intent.digest(), alloy_primitives::keccak256(preimage).0);
    assert_eq!(intent.kind().digest_kind(), 2);
    let Content::EvmAuthorization(authorization) = intent.content() else { panic!() };
    assert_eq!((authorization.delegate, authorization.nonce), (DELEGATE, 7));
}

#[test]
fn a_delegate_that_is_not_listed_is_not_established() {
    let intent = read(&unsigned(1, UNLISTED, 7)).unwrap();
    assert_eq!(effects(&intent), ["delegate from own to unlisted deferred perhaps"]);
}

#[test]
fn the_zero_address_takes_the_code_away() {
    let intent = read(&unsigned(1, Address::ZERO, 7)).unwrap();
    assert_eq!(effects(&intent), ["revoke from own deferred exactly"]);
}

#[test]
fn an_authorization_is_for_one_chain() {
    let every = Refusal::AuthorizationForEveryChain { offset: 1 };
    assert_eq!(read(&unsigned(0, DELEGATE, 7)), Err(every));
    assert_eq!(read(&unsigned(2, DELEGATE, 7)), Err(Refusal::ChainMismatch { offset: 1 }));
}

#[test]
fn an_authorization_has_three_fields_in_their_one_encoding() {
    let items = |count: usize| {
        let fields =
            [number(1), text(DELEGATE), number(7), number(0), number(1), number(1), number(9)];
        list(fields.into_iter().take(count)).encode()
    };
    for found in [0, 1, 2, 4, 5, 7] {
        let refusal = Refusal::ItemCount { expected: 3, found, offset: 0 };
        assert_eq!(read(&items(found)), Err(refusal));
    }
    assert_eq!(read(&items(6)), Err(Refusal::Signed));
    let longer = [unsigned(1, DELEGATE, 7), vec![0]].concat();
    assert_eq!(read(&longer), Err(Refusal::TrailingBytes { offset: 24 }));
    for length in 0..20 {
        let short = list([number(1), text(vec![1; length]), number(7)]).encode();
        assert_eq!(read(&short).unwrap_err().code(), "length-invalid");
    }
    assert!(read(&unsigned(1, DELEGATE, u64::MAX - 1)).is_ok());
    assert_eq!(read(&unsigned(1, DELEGATE, u64::MAX)).unwrap_err().code(), "integer-out-of-range");
}

/// An authority, and its authorizations in a transaction's list.
struct Authority {
    key: SigningKey,
    address: Address,
}

impl Authority {
    fn new(seed: u8) -> Self {
        let key = SigningKey::from_slice(&[seed; 32]).unwrap();
        let address = Address::from_public_key(key.verifying_key());
        Self { key, address }
    }

    fn signed(&self, chain_id: u64, delegate: Address, nonce: u64) -> [Item; 6] {
        let preimage = [&[5][..], &unsigned(chain_id, delegate, nonce)].concat();
        let hash = alloy_primitives::keccak256(preimage);
        let (signature, recovery) = self.key.sign_prehash_recoverable(hash.as_slice()).unwrap();
        [
            number(chain_id),
            text(delegate),
            number(nonce),
            number(recovery.is_y_odd().into()),
            integer(signature.r().to_bytes()),
            integer(signature.s().to_bytes()),
        ]
    }
}

fn set_code(to: &[u8], data: &[u8], nonce: u64, authorizations: Vec<Item>) -> Vec<u8> {
    typed(
        4,
        [
            number(1),
            number(nonce),
            number(1),
            number(2),
            number(100_000),
            text(to),
            number(0),
            text(data),
            list([]),
            list(authorizations),
        ],
    )
}

fn read_of(authority: &Authority, bytes: &[u8]) -> Result<Intent, Refusal> {
    let payload = Payload { kind: "evm.transaction", chain: CHAIN, bytes };
    parse(&payload, &Own::new(authority.address), &registry())
}

#[test]
fn a_set_code_transaction_lists_its_delegates_and_its_call() {
    let authority = Authority::new(1);
    let signed = list(authority.signed(1, DELEGATE, 10));
    let bytes = set_code(STRANGER.as_slice(), &[], 9, vec![signed]);

    let intent = read_of(&authority, &bytes).unwrap();

    let kinds: Vec<_> =
        intent.effects().iter().map(|effect| format!("{:?}", effect.kind)).collect();
    assert_eq!(kinds, ["Delegate", "Transfer", "FeeOnly"]);
    assert!(!intent.effects()[0].deferred);
    assert_eq!(intent.digest(), alloy_primitives::keccak256(&bytes).0);
    assert_eq!(crate::encoder::unsigned(intent.transaction().unwrap()), bytes);
    let description: serde_json::Value = serde_json::from_str(&intent.describe()).unwrap();
    assert_eq!(description["transaction"]["type"], "eip7702");
    assert_eq!(description["transaction"]["authorizationList"][0]["nonce"], "10");
}

#[test]
fn a_call_of_oneself_is_read_under_the_delegate_that_the_transaction_sets() {
    let authority = Authority::new(1);
    let execute =
        calldata("execute(address,uint256,bytes)", &[address(STRANGER), uint(3), bytes([])]);
    let inner = |delegate, nonce| {
        let signed = list(authority.signed(1, delegate, nonce));
        let own = authority.address;
        let intent = read_of(&authority, &set_code(own.as_slice(), &execute, 9, vec![signed]));
        format!("{:?}", intent.unwrap().effects()[1].kind)
    };

    assert_eq!(inner(DELEGATE, 10), "Transfer");
    // The list would not hold, and the call would run what the account had before.
    assert_eq!(inner(DELEGATE, 9), "Unknown");
    assert_eq!(inner(DELEGATE, 11), "Unknown");
    assert_eq!(inner(UNLISTED, 10), "Unknown");
}

#[test]
fn nobody_elses_authorization_is_in_the_list() {
    let (authority, stranger) = (Authority::new(1), Authority::new(2));
    let own = || list(authority.signed(1, DELEGATE, 10));
    let outcome = |authorizations| {
        read_of(&authority, &set_code(STRANGER.as_slice(), &[], 9, authorizations)).map(|_| ())
    };

    assert_eq!(outcome(vec![own()]), Ok(()));
    assert_eq!(outcome(vec![own(), own()]), Ok(()));
    let foreign = list(stranger.signed(1, DELEGATE, 10));
    assert_eq!(outcome(vec![own(), foreign]), Err(Refusal::AuthorizationForeign));

    let mut other_parity = authority.signed(1, DELEGATE, 10);
    let is_odd = other_parity[3] == number(1);
    other_parity[3] = number(u64::from(!is_odd));
    assert_eq!(outcome(vec![list(other_parity)]), Err(Refusal::AuthorizationForeign));

    // The same signature the other way up recovers the same key, and is not valid (EIP-2).
    let order = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
    let order = U256::from_str_radix(order, 16).unwrap();
    let mut high = authority.signed(1, DELEGATE, 10);
    let Item::Text(s) = &high[5] else { unreachable!() };
    high[5] = integer((order - U256::from_be_slice(s)).to_be_bytes::<32>());
    high[3] = number(u64::from(!is_odd));
    assert_eq!(outcome(vec![list(high)]), Err(Refusal::AuthorizationForeign));
}

#[test]
fn a_set_code_transaction_has_a_recipient_and_one_to_sixteen_authorizations() {
    let authority = Authority::new(1);
    let outcome = |to: &[u8], count: usize| {
        let signed = vec![list(authority.signed(1, DELEGATE, 10)); count];
        read_of(&authority, &set_code(to, &[1], 9, signed))
            .map(|_| ())
            .map_err(|refusal| refusal.code())
    };

    let to = STRANGER.as_slice();
    assert_eq!(outcome(&[], 1), Err("recipient-missing"));
    assert_eq!(outcome(to, 0), Err("authorization-count"));
    assert_eq!(outcome(to, 1), Ok(()));
    assert_eq!(outcome(to, 16), Ok(()));
    assert_eq!(outcome(to, 17), Err("authorization-count"));
}

#[test]
fn no_authorization_in_a_list_is_for_another_chain_or_longer_than_it_is() {
    let authority = Authority::new(1);
    let outcome = |item| {
        read_of(&authority, &set_code(STRANGER.as_slice(), &[], 9, vec![item]))
            .map(|_| ())
            .map_err(|refusal| refusal.code())
    };

    let every_chain = list(authority.signed(0, DELEGATE, 10));
    assert_eq!(outcome(every_chain), Err("authorization-for-every-chain"));
    assert_eq!(outcome(list(authority.signed(2, DELEGATE, 10))), Err("chain-mismatch"));
    let longer = authority.signed(1, DELEGATE, 10).into_iter().chain([number(0)]);
    assert_eq!(outcome(list(longer)), Err("not-rebuilt"));
    let mut parity = authority.signed(1, DELEGATE, 10);
    parity[3] = number(2);
    assert_eq!(outcome(list(parity)), Err("integer-out-of-range"));
}

/// Both use up the account's nonce.
#[test]
fn an_authorization_excludes_a_transaction_of_the_same_nonce() {
    let authorization = |nonce| read(&unsigned(1, DELEGATE, nonce)).unwrap();
    let transaction = crate::payloads::draft(crate::payloads::Type::Eip1559).bytes(); // nonce 9
    let payload = Payload { kind: "evm.transaction", chain: CHAIN, bytes: &transaction };
    let transaction = parse(&payload, &Own::new(OWN), &Registry::new()).unwrap();

    assert!(authorization(9).excludes(&transaction));
    assert!(!authorization(10).excludes(&transaction));
}
