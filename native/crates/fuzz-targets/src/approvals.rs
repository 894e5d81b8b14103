//! What persons sign about requests, freezes and policies, at a signer that the Recovery approver never spoke to.

use std::collections::BTreeMap;

use ed25519_dalek::Signer;
use policy::ledger::{Ledger, LedgerLimits, Spending};
use policy::{
    ApprovalDecision, ApprovalDocument, ApprovalVerdict, Approvals, Assertion, ChangeDocument,
    Document, Freeze, FreezeDocument, FreezeState, PolicyChange, PolicyState, Role, Signed,
    Subject, policy_hash,
};
use tagged_hash::{Tag, hash, tags};

use crate::books::{Books, USDC, exposure, item, payment, request as reservation, spend};
use crate::passkeys::{Passkey, site};
use crate::persons::{NOW_MS, Person, approvers, clock};
use crate::program::Program;

const CHALLENGE: [u8; 32] = [9; 32];

/// Signed documents as they came, and documents under a true signature.
pub fn statement(data: &[u8]) {
    signed::<ApprovalDocument>(data);
    signed::<FreezeDocument>(data);
    signed::<ChangeDocument>(data);
}

fn signed<D: Document>(data: &[u8]) {
    if let Ok(signed) = Signed::<D>::decode(data) {
        assert_eq!(signed.encode(), data);
    }
    let signature = Person::User.signing_key().sign(&hash(D::TAG, &[data])).to_bytes();
    let bytes = [&[1], &Person::User.key()[..], &signature, data].concat();
    let read = Signed::<D>::decode(&bytes);
    assert_eq!(read.is_ok(), D::decode(data).is_ok());
    if let Ok(read) = read {
        assert_eq!((read.encode(), read.document().encode()), (bytes, data.to_vec()));
    }
}

fn subject() -> Subject {
    Subject {
        wallet_id: [1; 32],
        request_id: [2; 32],
        content_hashes: vec![[3; 32]],
        key_id: "ecdsa".to_owned(),
        paths: vec![vec![44, 60, 0]],
        quorum: [Role::Agent, Role::User],
        policy_hash: [5; 32],
        epoch: 6,
        requester: Role::Agent,
        principal: Some([7; 32]),
    }
}

fn approval(verdict: ApprovalVerdict) -> ApprovalDocument {
    ApprovalDocument {
        subject: subject(),
        verdict,
        max_fees: [(USDC.to_owned(), alloy_primitives::U256::from(7))].into(),
        effects_hash: [8; 32],
        not_before_ms: NOW_MS,
        expires_at_ms: NOW_MS + 1_000,
    }
}

fn freeze(state: Freeze) -> FreezeDocument {
    FreezeDocument { wallet_id: [1; 32], sequence: 3, state, issued_at_ms: NOW_MS }
}

fn change() -> ChangeDocument {
    let (previous, next) = (policy_hash(b"{}"), policy_hash(b"[]"));
    ChangeDocument { wallet_id: [1; 32], version: 2, previous, next, expires_at_ms: NOW_MS + 9 }
}

pub(crate) fn statement_seeds() -> Vec<Vec<u8>> {
    let passkey = Passkey::new(1);
    vec![
        approval(ApprovalVerdict::Approve).encode(),
        freeze(Freeze::Frozen).encode(),
        change().encode(),
        Person::User.signs(approval(ApprovalVerdict::Withdraw)).encode(),
        passkey.says(freeze(Freeze::Released)).encode(),
        passkey.says(change()).encode(),
    ]
}

/// A passkey's authenticator and browser that write what the input says, and sign it: `u8 length ‖ authenticator
/// data ‖ client data`.
pub fn assertion(data: &[u8]) {
    let Some((length, rest)) = data.split_first() else { return };
    let (authenticator, client) = rest.split_at(usize::from(*length).min(rest.len()));
    let passkey = Passkey::new(1);
    let signature = passkey.sign(authenticator, client).to_der();
    let Ok(assertion) = Assertion::new(authenticator, client, signature.as_bytes()) else { return };
    if assertion.verify(&passkey.key(), &CHALLENGE).is_ok() {
        assert_eq!(authenticator[32] & 0x45, 0x05, "nobody was verified");
        assert!(assertion.verify(&passkey.key(), &[8; 32]).is_err(), "a yes to two challenges");
    }
    if assertion.is_for(&site()).is_ok() {
        assert_eq!(authenticator[..32], passkey.authenticator_data()[..32]);
    }
    assert!(assertion.verify(&Passkey::new(2).key(), &CHALLENGE).is_err());
}

pub(crate) fn assertion_seeds() -> Vec<Vec<u8>> {
    let passkeys = [
        Passkey::new(1),
        Passkey { flags: 0x85, extensions: vec![0xa0], ..Passkey::new(1) },
        Passkey { more: ",\"crossOrigin\":true", ..Passkey::new(1) },
    ];
    let seed = |passkey: &Passkey| {
        let data = passkey.authenticator_data();
        let length = u8::try_from(data.len()).unwrap();
        [&[length], &data[..], passkey.client_data(&CHALLENGE).as_bytes()].concat()
    };
    passkeys.iter().map(seed).collect()
}

/// A signer's records of approvals, of freezes and of the policy, under a true checksum.
pub fn decisions(data: &[u8]) {
    let sealed = |tag: Tag| [&hash(tag, &[data])[..], data].concat();
    let bytes = sealed(tags::APPROVALS);
    if let Ok(mut record) = Approvals::decode(&bytes) {
        assert_eq!(record.encode(), bytes);
        let roles = [Role::User, Role::Recovery];
        let decision = record.decide(&roles, &BTreeMap::new(), &approvers(), clock(0));
        assert_ne!(decision, ApprovalDecision::Approved);
        assert_eq!(Approvals::decode(&record.encode()), Ok(record));
    }
    let bytes = sealed(tags::FREEZE_STATE);
    if let Ok(record) = FreezeState::decode(&bytes) {
        assert_eq!(record.encode(), bytes);
        assert!(record.is_frozen() || record.signed().len() < 2, "a release without the quorum");
    }
    let bytes = sealed(tags::POLICY_STATE);
    if let Ok(mut record) = PolicyState::decode(&bytes) {
        assert_eq!(record.encode(), bytes);
        let version = record.version();
        let advanced = record.advance_to(clock(1));
        assert!(record.version() - version <= u64::from(advanced.is_ok()));
        assert_eq!(PolicyState::decode(&record.encode()), Ok(record));
    }
}

pub(crate) fn decisions_seeds() -> Vec<Vec<u8>> {
    let mut approvals = Approvals::new(subject(), clock(0)).unwrap();
    for verdict in [ApprovalVerdict::Approve, ApprovalVerdict::Withdraw, ApprovalVerdict::Reject] {
        let said = Person::User.signs(approval(verdict));
        approvals.observe(&said, &approvers(), clock(0)).unwrap();
    }
    let mut frozen = FreezeState::new([1; 32]);
    frozen.freeze(&Person::User.signs(freeze(Freeze::Frozen)), &approvers()).unwrap();
    let mut policy = PolicyState::new([1; 32], 1, b"{}".to_vec(), clock(0)).unwrap();
    let signed = [Person::User.signs(change())];
    let loosening = PolicyChange {
        signed: &signed,
        policy: b"[]",
        loosens: true,
        quorum: &[Role::User],
        delay_ms: 5,
    };
    policy.propose(loosening, &approvers(), clock(0)).unwrap();
    [approvals.encode(), frozen.encode(), policy.encode()].map(|bytes| bytes[32..].to_vec()).into()
}

/// A ledger's records under true checksums, each `u16 length ‖ JSON`.
pub fn spending(data: &[u8]) {
    let mut program = Program::new(data);
    let mut records = Vec::new();
    while let Some(json) = program.slice() {
        records.push([&hash(tags::SPENDING, &[json])[..], json].concat());
    }
    let load = |records: &[Vec<u8>]| {
        Ledger::load(LedgerLimits::default(), records.iter().map(Vec::as_slice))
    };
    let Ok((mut ledger, _)) = load(&records) else { return };
    let (all, late) = (ledger.spent(USDC, 0, None), ledger.spent(USDC, NOW_MS + 3, None));
    assert!(all >= late && ledger.spent(USDC, 0, Some(&[7; 32])) <= all);
    for write in ledger.prune(NOW_MS + 3) {
        assert!(write.bytes.is_none_or(|bytes| bytes.len() > 32));
    }
    assert_eq!(ledger.spent(USDC, NOW_MS + 3, None), late, "what was forgotten counted");
}

pub(crate) fn spending_seeds() -> Vec<Vec<u8>> {
    let mut books = Books::new();
    books.reserve(&payment(1, 10), NOW_MS).unwrap();
    books.landed(1, 1, NOW_MS + 1).unwrap();
    let written = |books: &Books| {
        let part = |bytes: &Vec<u8>| {
            let json = &bytes[32..];
            [&u16::try_from(json.len()).unwrap().to_be_bytes()[..], json].concat()
        };
        books.store.values().flat_map(part).collect::<Vec<u8>>()
    };
    let landed = written(&books);
    let allowance = item(2, None, vec![exposure(USDC, 20, Some(NOW_MS + 9))]);
    books.reserve(&reservation(2, vec![allowance]), NOW_MS).unwrap();
    books.wait(4, vec![spend(USDC, 30)]).unwrap();
    vec![landed, written(&books)]
}
