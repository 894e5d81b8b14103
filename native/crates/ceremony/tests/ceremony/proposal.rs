//! A request to sign, written by hand: descriptor, details and round 0, each as its initiator would sign them.

use base64ct::{Base64UrlUnpadded, Encoding};
use ceremony::descriptor::{Descriptor, Kind, Participant};
use ceremony::envelope::Header;
use ceremony::{Failure, Invitation, ParsedPayload, Role};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use tagged_hash::{hash, tags};

use crate::committee::{NOW_MS, payload};
use crate::hostile::{Insider, SEALED_INVITATION, seal};
use crate::recording::{KEYGEN, SEED};

/// What the agent of the recorded wallet asks of the user.
pub struct Proposal {
    pub descriptor: Descriptor,
    /// The details as JSON.
    pub details: String,
    /// Changes the header of round 0.
    pub readdress: fn(&mut Header),
    pub initiator: Insider,
}

/// An item as it stands in the details.
pub fn item(payload: &ParsedPayload, path: &[u32]) -> String {
    let path: Vec<String> = path.iter().map(ToString::to_string).collect();
    let [chain, kind] =
        [&payload.chain, &payload.kind].map(|text| serde_json::to_string(text).unwrap());
    format!(
        r#"{{"bytes":"{}","chain":{chain},"digest":"{}","digestKind":{},"kind":{kind},"path":[{}]}}"#,
        Base64UrlUnpadded::encode_string(&payload.bytes),
        Base64UrlUnpadded::encode_string(&payload.digest),
        payload.digest_kind,
        path.join(",")
    )
}

pub fn details(items: &[String], memo: &str) -> String {
    let memo = serde_json::to_string(memo).unwrap();
    format!(
        r#"{{"idempotencyKey":"a request","items":[{}],"keyId":"ecdsa","memo":{memo},"policyHash":"{}","schema":"mpc-wallet/sign-details@1"}}"#,
        items.join(","),
        Base64UrlUnpadded::encode_string(&KEYGEN.wallets[&Role::User].policy().hash()),
    )
}

impl Proposal {
    pub const TEXT: &str = "ten coins for a boat";

    pub fn honest() -> Self {
        let roster = KEYGEN.wallets[&Role::User].roster();
        let participants = [Role::Agent, Role::User].map(|role| Participant {
            role,
            identity_key: roster.member(role.index()).unwrap().identity_key,
        });
        Self {
            descriptor: Descriptor {
                kind: Kind::Sign,
                wallet_id: *roster.wallet_id(),
                roster_hash: roster.hash(),
                epoch: 1,
                initiator: Role::Agent,
                participants: participants.into(),
                created_at_ms: NOW_MS,
                expires_at_ms: NOW_MS + 60_000,
                nonce: [5; 32],
                setup_details_hash: [0; 32],
            },
            details: details(&[item(&payload(Self::TEXT), &[0, 7])], "rent"),
            readdress: |_| {},
            initiator: Insider::steal(Role::Agent, SEED),
        }
    }

    pub fn with_descriptor(change: impl FnOnce(&mut Descriptor)) -> Self {
        let mut proposal = Self::honest();
        change(&mut proposal.descriptor);
        proposal
    }

    pub fn with_details(details: impl Into<String>) -> Self {
        Self { details: details.into(), ..Self::honest() }
    }

    /// The descriptor with the hash of the details in it, its signature, and round 0.
    pub fn write(&self) -> (Vec<u8>, [u8; 64], Vec<u8>) {
        self.write_with(self.details.as_bytes())
    }

    /// The same over any details.
    pub fn write_with(&self, details: &[u8]) -> (Vec<u8>, [u8; 64], Vec<u8>) {
        let salted = [&[3; 32], details].concat();
        let setup_details_hash = hash(tags::SETUP_DETAILS, &[&salted[..32], &salted[32..]]);
        let descriptor = Descriptor { setup_details_hash, ..self.descriptor.clone() };
        let mut header = Header {
            kind: 2,
            round: 0,
            session_id: descriptor.session_id(),
            wallet_id: descriptor.wallet_id,
            epoch: descriptor.epoch,
            from: Role::Agent.index(),
            to: Role::User.index(),
            part: 0,
            parts: 1,
            sender_sequence: 0,
            previous_broadcasts_hash: [0; 32],
            relay_chain_head: [0; 32],
            body_length: (salted.len() + 48).try_into().unwrap(),
        };
        (self.readdress)(&mut header);
        let sealing_key = Insider::steal(Role::User, SEED).sealing_key();
        let mut rng = ChaCha20Rng::seed_from_u64(9);
        let header = header.encode();
        let body = seal(&sealing_key, SEALED_INVITATION, &header, &salted, &mut rng);
        let round0 = self.initiator.sign_envelope(&header, &body);
        (descriptor.encode(), self.initiator.sign_descriptor(&descriptor), round0)
    }

    /// What the user makes of it.
    pub fn open(&self) -> Result<Invitation, Failure> {
        self.open_at(NOW_MS)
    }

    pub fn open_at(&self, now_ms: u64) -> Result<Invitation, Failure> {
        let (descriptor, signature, round0) = self.write();
        let wallet = &KEYGEN.wallets[&Role::User];
        Invitation::open(wallet, &descriptor, &signature, &round0, now_ms)
    }

    /// Why the user refuses it.
    pub fn refusal(&self) -> Failure {
        self.open().err().expect("the invitation opens")
    }
}
