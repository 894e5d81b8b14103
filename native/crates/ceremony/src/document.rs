//! Documents that parties agree on: JSON in canonical form (the crate `canonical`).

use std::sync::Arc;

use canonical::Base64;
use policy::rulebook::{ApproverKey, PolicyApprover, PolicyConfig, PolicyDocument};
use serde::{Deserialize, Serialize};
use tagged_hash::{hash, tags};

use crate::identity::{Card, SIGNATURE_BYTES};
use crate::{Failure, Persons, Role, Roster};

const KEYGEN_SCHEMA: &str = "mpc-wallet/keygen-details@1";
const RESHARE_SCHEMA: &str = "mpc-wallet/reshare-details@1";
const NOTICE_SCHEMA: &str = "mpc-wallet/notice@1";
const SIGN_SCHEMA: &str = "mpc-wallet/sign-details@1";

/// The most items that a session signs.
pub const MAX_ITEMS: usize = 64;
/// The most documents that one notice carries.
pub(crate) const MAX_DOCUMENTS: usize = 16;
/// The longest policy, in bytes, that fits a notice and the details of every ceremony that carries it.
pub const MAX_TRAVELLING_POLICY_BYTES: usize = 128 * 1024;
/// The longest memo, in bytes.
pub(crate) const MAX_MEMO_BYTES: usize = 512;
/// The longest idempotency key, in bytes.
const MAX_KEY_BYTES: usize = 128;

pub(crate) fn encode<T: Serialize>(document: &T) -> Result<Vec<u8>, Failure> {
    canonical::encode(document).ok_or_else(|| Failure::config("a document that cannot be written"))
}

/// Version 1 of a wallet's policy: what its makers decided, with the wallet and the persons of the pinned cards.
pub(crate) fn first_policy(
    config: &PolicyConfig,
    roster: &Roster,
    cards: &[Card],
) -> Result<PolicyDocument, Failure> {
    let mut persons: Vec<_> =
        cards.iter().filter_map(|card| Some((role_of(card.role), card.approver_key?))).collect();
    persons.sort_unstable();
    let approver = |(role, key)| PolicyApprover::Ed25519 { key: ApproverKey(key), role };
    let approvers = persons.into_iter().map(approver).collect();
    let policy = PolicyDocument::first(config.clone(), *roster.wallet_id(), approvers)
        .map_err(|_| Failure::config("a policy that these parties cannot have"))?;
    if !policy.can_meet_quorums() {
        return Err(Failure::config("a quorum of more persons than the wallet has"));
    }
    match policy.bytes().len() <= MAX_TRAVELLING_POLICY_BYTES {
        true => Ok(policy),
        false => Err(Failure::config("a policy of more than 128 KiB does not reach the others")),
    }
}

/// A role as the policy names it.
pub(crate) const fn role_of(role: Role) -> policy::Role {
    match role {
        Role::Agent => policy::Role::Agent,
        Role::User => policy::Role::User,
        Role::Recovery => policy::Role::Recovery,
    }
}

/// Round 0 of a key generation, from the initiator: its opened nonce and the policy it proposes.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeygenDetails {
    nonce: Base64,
    policy: Base64,
    schema: String,
}

impl KeygenDetails {
    pub(crate) fn new(nonce: &[u8; 32], policy: &PolicyDocument) -> Self {
        Self {
            nonce: Base64(nonce.to_vec()),
            policy: Base64(policy.bytes().to_vec()),
            schema: KEYGEN_SCHEMA.to_owned(),
        }
    }

    /// Nonce and policy; `None` for another schema.
    pub(crate) fn read(&self) -> Option<([u8; 32], &[u8])> {
        (self.schema == KEYGEN_SCHEMA).then_some((self.nonce.array()?, &self.policy.0))
    }
}

/// Round 0 of a signing session: what the initiator asks to be signed. The co-signer believes none of it: it
/// parses the bytes itself and compares digests.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignDetails {
    #[serde(rename = "idempotencyKey")]
    idempotency_key: String,
    items: Vec<ItemFields>,
    #[serde(rename = "keyId")]
    pub(crate) key_id: String,
    pub(crate) memo: String,
    #[serde(rename = "policyHash")]
    policy_hash: Base64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    principal: Option<PrincipalFields>,
    schema: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PrincipalFields {
    key: Base64,
    signature: Base64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ItemFields {
    bytes: Base64,
    chain: String,
    digest: Base64,
    #[serde(rename = "digestKind")]
    digest_kind: u8,
    kind: String,
    path: Vec<u32>,
}

/// Round 0 of a refresh or recovery, from the initiator. Survivors compare it with what they hold; a new device
/// learns from it what it joins, and compares the policy with what every other party says.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReshareDetails {
    base: String,
    keys: Vec<KeyFields>,
    next: String,
    persons: Base64,
    policy: Base64,
    schema: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFields {
    #[serde(rename = "epochId")]
    epoch_id: Base64,
    #[serde(rename = "keyId")]
    key_id: String,
}

/// What a refresh or recovery starts from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReshareTerms {
    /// The epoch whose shares are dealt.
    pub(crate) base: u64,
    /// The epoch that is made.
    pub(crate) next: u64,
    /// Key id and epoch id of the base, in key order.
    pub(crate) keys: Vec<(String, [u8; 32])>,
    pub(crate) policy: Arc<PolicyDocument>,
    /// Those of the epoch that is made.
    pub(crate) persons: Persons,
}

impl ReshareDetails {
    pub(crate) fn new(terms: &ReshareTerms) -> Self {
        let key = |(key_id, epoch_id): &(String, [u8; 32])| KeyFields {
            epoch_id: Base64(epoch_id.to_vec()),
            key_id: key_id.clone(),
        };
        Self {
            base: terms.base.to_string(),
            keys: terms.keys.iter().map(key).collect(),
            next: terms.next.to_string(),
            persons: Base64(terms.persons.encode()),
            policy: Base64(terms.policy.bytes().to_vec()),
            schema: RESHARE_SCHEMA.to_owned(),
        }
    }

    /// The terms; `None` unless schema, numbers, policy and persons are in order.
    pub(crate) fn terms(&self) -> Option<ReshareTerms> {
        let number = |text: &str| {
            text.parse().ok().filter(|number: &u64| *number > 0 && number.to_string() == text)
        };
        let key = |key: &KeyFields| Some((key.key_id.clone(), key.epoch_id.array()?));
        let (base, next) = (number(&self.base)?, number(&self.next)?);
        let keys: Vec<_> = self.keys.iter().map(key).collect::<Option<_>>()?;
        let policy = Arc::new(PolicyDocument::decode(&self.policy.0).ok()?);
        let persons = Persons::decode(&self.persons.0)?;
        let possible = self.schema == RESHARE_SCHEMA && base < next && !keys.is_empty();
        possible.then_some(ReshareTerms { base, next, keys, policy, persons })
    }
}

/// The one message of a control session.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoticeDetails {
    documents: Vec<Base64>,
    held: Base64,
    schema: String,
}

impl NoticeDetails {
    pub(crate) fn new(documents: &[Vec<u8>], held: Vec<u8>) -> Self {
        Self {
            documents: documents.iter().cloned().map(Base64).collect(),
            held: Base64(held),
            schema: NOTICE_SCHEMA.to_owned(),
        }
    }

    /// The documents and what the sender holds; `None` for another schema or too many documents.
    pub(crate) fn read(self) -> Option<(Vec<Vec<u8>>, Vec<u8>)> {
        let fits = self.schema == NOTICE_SCHEMA && self.documents.len() <= MAX_DOCUMENTS;
        fits.then(|| (self.documents.into_iter().map(|it| it.0).collect(), self.held.0))
    }
}

/// One item as an invitation describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProposedItem {
    /// Payload kind, such as `evm.transaction`.
    pub kind: String,
    /// CAIP-2 chain.
    pub chain: String,
    /// Unsigned bytes.
    pub bytes: Vec<u8>,
    /// The digest that the initiator computed.
    pub digest: [u8; 32],
    /// Its kind (`docs/protocol.md`, "Digest kinds").
    pub digest_kind: u8,
    /// Derivation path.
    pub path: Vec<u32>,
}

impl SignDetails {
    pub(crate) fn new(
        key_id: &str,
        memo: &str,
        policy_hash: &[u8; 32],
        origin: &Origin,
        items: impl Iterator<Item = ProposedItem>,
    ) -> Self {
        let principal = origin.principal.as_ref().map(|principal| PrincipalFields {
            key: Base64(principal.key.to_vec()),
            signature: Base64(principal.signature.to_vec()),
        });
        Self {
            idempotency_key: origin.idempotency_key.clone(),
            items: items
                .map(|item| ItemFields {
                    bytes: Base64(item.bytes),
                    chain: item.chain,
                    digest: Base64(item.digest.to_vec()),
                    digest_kind: item.digest_kind,
                    kind: item.kind,
                    path: item.path,
                })
                .collect(),
            key_id: key_id.to_owned(),
            memo: memo.to_owned(),
            policy_hash: Base64(policy_hash.to_vec()),
            principal,
            schema: SIGN_SCHEMA.to_owned(),
        }
    }

    /// By what name and on whose behalf the request comes.
    pub(crate) fn origin(&self) -> Result<Origin, Failure> {
        let principal = |fields: &PrincipalFields| {
            Some(Principal { key: fields.key.array()?, signature: fields.signature.array()? })
        };
        let principal = match &self.principal {
            Some(fields) => {
                let read = principal(fields);
                Some(read.ok_or_else(|| Failure::config("a principal's key or signature"))?)
            }
            None => None,
        };
        let origin = Origin { idempotency_key: self.idempotency_key.clone(), principal };
        origin.check().map(|()| origin)
    }

    /// The items, if schema, sizes and policy are in order.
    pub(crate) fn items(&self, policy_hash: &[u8; 32]) -> Result<Vec<ProposedItem>, Failure> {
        if self.schema != SIGN_SCHEMA {
            return Err(Failure::config("setup details of another schema"));
        }
        if self.policy_hash.0 != policy_hash {
            return Err(Failure::policy_stale());
        }
        if self.items.is_empty() || self.items.len() > MAX_ITEMS {
            return Err(Failure::config("a session signs 1 to 64 items"));
        }
        check_memo(&self.memo)?;
        self.items
            .iter()
            .map(|item| {
                Some(ProposedItem {
                    kind: item.kind.clone(),
                    chain: item.chain.clone(),
                    bytes: item.bytes.0.clone(),
                    digest: item.digest.array()?,
                    digest_kind: item.digest_kind,
                    path: item.path.clone(),
                })
            })
            .collect::<Option<_>>()
            .ok_or_else(|| Failure::config("a digest of another length"))
    }
}

/// By what name and on whose behalf something is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The request's name at the party that asks, 1 to 128 bytes of printable text: however often it is asked for, it
    /// is one request.
    pub idempotency_key: String,
    /// The key on whose behalf it is asked for, where the policy tells principals apart.
    pub principal: Option<Principal>,
}

/// A principal and its signature. Nothing is verified here: who lists principals knows what they sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Ed25519.
    pub key: [u8; 32],
    /// Over the request.
    pub signature: [u8; SIGNATURE_BYTES],
}

impl Origin {
    /// A request of the party itself.
    pub fn named(idempotency_key: &str) -> Self {
        Self { idempotency_key: idempotency_key.to_owned(), principal: None }
    }

    /// Whether it is a name at all.
    ///
    /// # Errors
    /// `Config` for one that is empty, longer than 128 bytes, or not printable.
    pub fn check(&self) -> Result<(), Failure> {
        let length = self.idempotency_key.len();
        if length == 0 || length > MAX_KEY_BYTES || !is_printable(&self.idempotency_key) {
            return Err(Failure::config("an idempotency key is 1 to 128 bytes of printable text"));
        }
        Ok(())
    }
}

/// A memo is shown to the person who decides, so it can neither flood nor control a terminal, nor reorder text.
pub(crate) fn check_memo(memo: &str) -> Result<(), Failure> {
    if memo.len() > MAX_MEMO_BYTES {
        return Err(Failure::config("the memo is longer than 512 bytes"));
    }
    if !is_printable(memo) {
        return Err(Failure::config("the memo has control or invisible characters"));
    }
    Ok(())
}

fn is_printable(text: &str) -> bool {
    // Zero-width characters, line and paragraph separators, marks that reorder, and tags.
    let unseen = |c: char| {
        matches!(c,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
    };
    !text.chars().any(|c| c.is_control() || unseen(c))
}

/// `H("setup-details"; salt, bytes)`; on the wire `salt 32 ‖ bytes`.
pub(crate) fn setup_details_hash(salted: &[u8]) -> Option<[u8; 32]> {
    let (salt, bytes) = salted.split_at_checked(32)?;
    Some(hash(tags::SETUP_DETAILS, &[salt, bytes]))
}
