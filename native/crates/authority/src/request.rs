//! A request as this party read it: the bytes, whose they are, and who asks.

use std::collections::{BTreeMap, BTreeSet};

use ceremony::{ConsentedItem, ECDSA_KEY_ID, Origin, ParsedPayload, Role, Wallet};
use ed25519_dalek::{Signature, VerifyingKey};
use intent::{Address, Exclusion, Intent, Own, Payload, Registry, Signer};
use k256::elliptic_curve::sec1::ToEncodedPoint;
use policy::evaluate::{Item, Reservation, ReservationKind};
use policy::ledger::{self, Charge, ChargeKind, LedgerItem};
use policy::{DigestUse, Subject, U256};
use tagged_hash::{hash, tags};

use crate::Refused;
use crate::effects;

/// What signatures of the wallet's key are made with.
const SUITE: &str = "dkls23-secp256k1";

/// A payload that somebody asks to have signed. Nothing in it is trusted.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Such as `evm.transaction`.
    pub kind: &'a str,
    /// CAIP-2.
    pub chain: &'a str,
    /// The unsigned bytes.
    pub bytes: &'a [u8],
    /// The account.
    pub path: &'a [u32],
}

/// Payloads that one party parsed, with the accounts of its own keys and the contracts of its policy.
#[derive(Debug, Clone)]
pub struct Reading {
    items: Vec<(Intent, Vec<u32>)>,
    own: BTreeSet<Address>,
    /// Of the policy whose contracts explained the calls: under another one they may mean something else.
    policy_hash: [u8; 32],
}

impl Reading {
    pub(crate) fn new<'a>(
        wallet: &Wallet,
        (registry, policy_hash): (&Registry, [u8; 32]),
        asked: impl IntoIterator<Item = Asked<'a>>,
    ) -> Result<Self, Refused> {
        let asked: Vec<Asked<'a>> = asked.into_iter().take(ledger::MAX_ITEMS + 1).collect();
        if asked.is_empty() || asked.len() > ledger::MAX_ITEMS {
            return Err(Refused::Input("a request has 1 to 64 items"));
        }
        let mut addresses = vec![address(wallet, &[])?];
        for one in &asked {
            addresses.push(address(wallet, one.path)?);
        }
        let own: BTreeSet<Address> = addresses.iter().copied().collect();
        let mut items = Vec::with_capacity(asked.len());
        for (position, (one, account)) in
            asked.iter().zip(addresses.into_iter().skip(1)).enumerate()
        {
            let payload = Payload { kind: one.kind, chain: one.chain, bytes: one.bytes };
            let accounts = Own::new(account).with_others(own.iter().copied());
            let intent = intent::parse(&payload, &accounts, registry)
                .map_err(|refusal| Refused::Payload { position, refusal })?;
            items.push((intent, one.path.to_vec()));
        }
        Ok(Self { items, own, policy_hash })
    }

    pub(crate) fn policy_hash(&self) -> &[u8; 32] {
        &self.policy_hash
    }

    /// What was read, in order.
    pub fn intents(&self) -> impl ExactSizeIterator<Item = &Intent> {
        self.items.iter().map(|(intent, _)| intent)
    }

    /// What will be signed, in order.
    pub fn digests(&self) -> Vec<[u8; 32]> {
        self.intents().map(Intent::digest).collect()
    }

    /// The only way from parsed bytes to something that can be authorised.
    pub(crate) fn payloads(&self) -> Vec<ParsedPayload> {
        let payload = |intent: &Intent| ParsedPayload {
            kind: intent.kind().name().to_owned(),
            chain: intent.chain().to_owned(),
            bytes: intent.bytes().to_vec(),
            digest: intent.digest(),
            digest_kind: intent.kind().digest_kind(),
            payload_hash: intent.payload_hash(),
            resolved_hash: intent.resolved_hash(),
        };
        self.intents().map(payload).collect()
    }

    pub(crate) fn consented(&self) -> Vec<ConsentedItem> {
        let paths = self.items.iter().map(|(_, path)| path.clone());
        let consented = |(payload, path)| ConsentedItem { payload, path };
        self.payloads().into_iter().zip(paths).map(consented).collect()
    }

    pub(crate) fn policy_items(&self) -> Result<Vec<Item>, Refused> {
        let items = self.intents().map(effects::item);
        items.collect::<Result<_, _>>().map_err(|_| Refused::Input("an effect that has no name"))
    }

    pub(crate) fn own(&self) -> Result<BTreeSet<policy::caip::AccountId>, Refused> {
        effects::own_accounts(self.intents(), &self.own)
            .map_err(|_| Refused::Input("an account that has no name"))
    }

    pub(crate) fn content_hashes(&self) -> Vec<[u8; 32]> {
        let content = |(intent, path): &(Intent, Vec<u32>)| {
            intent.content_hash(&Signer { suite: SUITE, key_id: ECDSA_KEY_ID, path })
        };
        self.items.iter().map(content).collect()
    }

    pub(crate) fn paths(&self) -> Vec<Vec<u32>> {
        self.items.iter().map(|(_, path)| path.clone()).collect()
    }

    pub(crate) fn uses(&self) -> Vec<DigestUse> {
        let one = |intent: &Intent| DigestUse {
            digest: intent.digest(),
            exclusion: intent.exclusion().as_ref().map(exclusion_key),
        };
        self.intents().map(one).collect()
    }

    /// What a ledger counts, item by item.
    pub(crate) fn ledger_items(&self, reservations: &[Reservation]) -> Vec<LedgerItem> {
        let charges = |item| {
            let of_item = reservations.iter().filter(move |one| one.item == item);
            of_item.map(charge).collect()
        };
        let item =
            |(position, digest)| LedgerItem { digest, nonce: None, charges: charges(position) };
        self.uses().into_iter().enumerate().map(item).collect()
    }

    /// The most that all items together pay in fees, by asset.
    pub(crate) fn fees(items: &[Item]) -> BTreeMap<String, U256> {
        let mut fees = BTreeMap::new();
        for effect in items.iter().flat_map(|item| &item.effects) {
            if effect.kind != policy::effect::EffectKind::FeeOnly {
                continue;
            }
            let most = match effect.amount {
                policy::effect::Amount::Exact(amount) | policy::effect::Amount::UpTo(amount) => {
                    amount.0
                }
                policy::effect::Amount::None => U256::ZERO,
                policy::effect::Amount::Unlimited => U256::MAX,
            };
            if let Some(asset) = &effect.asset {
                let sum: &mut U256 = fees.entry(asset.as_str().to_owned()).or_default();
                *sum = sum.saturating_add(most);
            }
        }
        fees
    }
}

/// An exposure counts until it is revoked: the deadline of a permit ends the signature, not the allowance.
fn charge(reservation: &Reservation) -> Charge {
    Charge {
        asset: reservation.asset.clone(),
        amount: reservation.amount,
        kind: match reservation.kind {
            ReservationKind::Spend => ChargeKind::Spend,
            ReservationKind::Fee => ChargeKind::Fee,
            ReservationKind::Exposure => ChargeKind::Exposure,
        },
        recipient: reservation.recipient.as_ref().map(ToString::to_string),
        expires_at_ms: None,
    }
}

fn exclusion_key(exclusion: &Exclusion) -> [u8; 32] {
    match exclusion {
        Exclusion::AccountNonce { chain_id, account, nonce } => hash(
            tags::EXCLUSION,
            &[b"nonce", &chain_id.to_be_bytes(), account.as_slice(), &nonce.to_be_bytes()],
        ),
        Exclusion::UserOperation { chain_id, entry_point, sender, nonce } => hash(
            tags::EXCLUSION,
            &[
                b"user-operation",
                &chain_id.to_be_bytes(),
                entry_point.as_slice(),
                sender.as_slice(),
                &nonce.to_be_bytes::<32>(),
            ],
        ),
    }
}

/// The EVM address at a path: the last 20 bytes of keccak-256 of the uncompressed key.
fn address(wallet: &Wallet, path: &[u32]) -> Result<Address, Refused> {
    let derived = wallet.derive(ECDSA_KEY_ID, path).map_err(Refused::Ceremony)?;
    let point = k256::PublicKey::from_sec1_bytes(&derived.public_key)
        .map_err(|_| Refused::Input("a key that is no point"))?
        .to_encoded_point(false);
    let uncompressed = point.as_bytes().get(1..).unwrap_or(&[]);
    Ok(Address::from_raw_public_key(uncompressed))
}

/// Who signs what under which rules: everything that an approval is bound to.
#[derive(Debug, Clone)]
pub struct Question {
    /// The party that asks.
    pub requester: Role,
    /// The two that sign, ascending.
    pub quorum: [Role; 2],
    /// By what name, on whose behalf.
    pub origin: Origin,
}

impl Question {
    /// A request of one party to another.
    pub fn new(requester: Role, cosigner: Role, origin: Origin) -> Self {
        let mut quorum = [requester, cosigner];
        quorum.sort_unstable();
        Self { requester, quorum, origin }
    }

    /// The party in whose ledger the request counts: whoever is not the agent, and for the two persons the user.
    pub(crate) fn counting(&self) -> Role {
        match self.quorum {
            [Role::Agent, other] => other,
            [first, _] => first,
        }
    }

    /// `H("request"; walletId, requester, principal or nothing, name)`.
    pub(crate) fn request_id(&self, wallet_id: &[u8; 32]) -> [u8; 32] {
        let principal = self.origin.principal.as_ref().map_or(&[][..], |one| &one.key);
        request_id(wallet_id, self.requester, principal, &self.origin.idempotency_key)
    }

    /// The principal, if its signature is over this very request.
    pub(crate) fn principal(
        &self,
        wallet_id: &[u8; 32],
        reading: &Reading,
    ) -> Result<Option<[u8; 32]>, Refused> {
        let Some(principal) = &self.origin.principal else { return Ok(None) };
        let signed = signed_by_principal(&self.request_id(wallet_id), reading);
        let verified = VerifyingKey::from_bytes(&principal.key).is_ok_and(|key| {
            let signature = Signature::from_bytes(&principal.signature);
            !key.is_weak() && key.verify_strict(&signed, &signature).is_ok()
        });
        match verified {
            true => Ok(Some(principal.key)),
            false => Err(Refused::Input("the principal did not sign this request")),
        }
    }

    pub(crate) fn subject(&self, wallet: &Wallet, reading: &Reading) -> Subject {
        let wallet_id = *wallet.roster().wallet_id();
        Subject {
            wallet_id,
            request_id: self.request_id(&wallet_id),
            content_hashes: reading.content_hashes(),
            key_id: ECDSA_KEY_ID.to_owned(),
            paths: reading.paths(),
            quorum: self.quorum.map(crate::role_of),
            policy_hash: wallet.policy().hash(),
            epoch: wallet.epoch(),
            requester: crate::role_of(self.requester),
            principal: self.origin.principal.as_ref().map(|principal| principal.key),
        }
    }
}

/// What a principal signs for a request of a party: `H("principal"; request id, payload hash …, content hash …)`.
pub fn principal_hash(
    wallet_id: &[u8; 32],
    requester: Role,
    idempotency_key: &str,
    principal: &[u8; 32],
    reading: &Reading,
) -> [u8; 32] {
    let request_id = request_id(wallet_id, requester, principal, idempotency_key);
    signed_by_principal(&request_id, reading)
}

fn request_id(wallet_id: &[u8; 32], requester: Role, principal: &[u8], name: &str) -> [u8; 32] {
    hash(tags::REQUEST, &[wallet_id, &[requester.byte()], principal, name.as_bytes()])
}

/// Over the very bytes: what a content hash leaves out, a nonce above all, would let one signature serve many payments.
fn signed_by_principal(request_id: &[u8; 32], reading: &Reading) -> [u8; 32] {
    let payloads: Vec<[u8; 32]> = reading.intents().map(Intent::payload_hash).collect();
    let contents = reading.content_hashes();
    let mut parts: Vec<&[u8]> = vec![request_id];
    parts.extend(payloads.iter().chain(&contents).map(<[u8; 32]>::as_slice));
    hash(tags::PRINCIPAL, &parts)
}
