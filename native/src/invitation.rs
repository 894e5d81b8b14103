//! A signing request that arrived, opened and parsed by this party itself.

use std::sync::Arc;

use ::authority::{Asked, Evidence, Refused};
use ceremony::Membership;
use ceremony::descriptor::{Descriptor, Kind};
use napi::Env;
use napi::bindgen_prelude::{BigInt, Object};
use napi_derive::napi;

use crate::authority::{Decided, Desk, decided_by, describe, evidence, lock};
use crate::clock;
use crate::convert::{Bytes, Role, bytes, copies, time};
use crate::error::{Fault, guard};
use crate::pool::{self, Permit};
use crate::wallet::{PartyInfo, Wallet};

/// An opened invitation to sign.
#[napi]
pub struct Invitation {
    inner: ceremony::Invitation,
    /// The wallet that opened it.
    membership: Arc<Membership>,
    desk: Desk,
    /// Parsed here from the invitation's bytes, with this party's own keys and policy.
    read: ::authority::Reading,
}

#[napi]
impl Invitation {
    /// Verifies descriptor and signature against the wallet's roster, opens round 0 and parses the payloads.
    #[napi(catch_unwind, ts_return_type = "Promise<Invitation>")]
    pub fn open<'env>(
        env: &'env Env,
        wallet: &Wallet,
        descriptor: &[u8],
        signature: &[u8],
        round0: &[u8],
        now_ms: BigInt,
    ) -> napi::Result<Object<'env>> {
        let claim = || {
            let now_ms = time(&now_ms, "nowMs")?;
            let [descriptor, signature, round0] = copies([descriptor, signature, round0])?;
            let (membership, desk) = (wallet.membership()?, wallet.desk(now_ms)?);
            Ok((now_ms, descriptor, signature, round0, membership, desk, Permit::take()?))
        };
        let (now_ms, descriptor, signature, round0, membership, desk, permit) = guard(env, claim)?;
        let open = move || {
            let inner = membership.open_invitation(&descriptor, &signature, &round0, now_ms)?;
            let read = lock(&desk).read(inner.wallet(), asked(&inner))?;
            Ok(Self { inner, membership, desk, read })
        };
        pool::spawn(env, permit, open, |opened| opened)
    }

    /// The session, 32 bytes.
    #[napi(getter, catch_unwind)]
    pub fn session_id(&self) -> Bytes {
        bytes(&self.inner.session_id())
    }

    /// Who asks.
    #[napi(getter, catch_unwind)]
    pub fn from(&self) -> Role {
        self.inner.initiator().into()
    }

    /// The derivation path of the account, one for each item that is to be signed.
    #[napi(getter, catch_unwind)]
    pub fn paths(&self) -> Vec<Vec<u32>> {
        self.inner.items().iter().map(|item| item.path.clone()).collect()
    }

    /// The initiator's note; its words only.
    #[napi(getter, catch_unwind)]
    pub fn memo(&self) -> String {
        self.inner.memo().to_owned()
    }

    /// After this the request is void.
    #[napi(getter, catch_unwind)]
    pub fn expires_at_ms(&self) -> BigInt {
        BigInt::from(self.inner.expires_at_ms())
    }

    /// By what name it is asked for.
    #[napi(getter, catch_unwind)]
    pub fn idempotency_key(&self) -> String {
        self.inner.origin().idempotency_key.clone()
    }

    /// On whose behalf it is asked for, 32 bytes: whether this key signed the request shows when it is decided.
    #[napi(getter, catch_unwind)]
    pub fn principal(&self) -> Option<Bytes> {
        self.inner.origin().principal.as_ref().map(|principal| bytes(&principal.key))
    }

    /// What this party read in an item, as JSON.
    #[napi(catch_unwind)]
    pub fn describe(&self, env: &Env, item: f64) -> napi::Result<String> {
        guard(env, || describe(&self.read, item))
    }

    /// What the rules say, and this party's yes to exactly these payloads if that is what they say. `verdicts` are of
    /// the custom rules that this party runs, `prices` of its own source, both JSON. The batch is to be committed
    /// before anything is done about it.
    #[napi(catch_unwind)]
    pub fn authorize(
        &self,
        env: &Env,
        wallet: &Wallet,
        verdicts: String,
        prices: String,
        now_ms: BigInt,
    ) -> napi::Result<Decided> {
        guard(env, || {
            let now = clock::read(time(&now_ms, "nowMs")?)?;
            let (verdicts, prices) = evidence(&verdicts, &prices)?;
            let evidence = Evidence { verdicts: &verdicts, prices: &prices };
            self.for_member(&wallet.membership()?)?;
            let mut authority = lock(&self.desk);
            let advanced = authority.advance(self.inner.wallet(), now)?.1;
            let decided = authority.accept(&self.inner, &self.read, evidence, now);
            let decided = decided.map_err(|refused| match refused {
                Refused::Ceremony(failure) => Fault::from(failure),
                other => Fault::from(other),
            })?;
            drop(authority);
            let claim = (Arc::clone(&self.desk), None);
            decided_by(wallet, decided, advanced, self.inner.wallet(), claim)
        })
    }

    /// Whether an envelope is the initiator's signed stop: the request was taken back.
    #[napi(catch_unwind)]
    pub fn is_withdrawn_by(&self, env: &Env, envelope: &[u8]) -> napi::Result<bool> {
        guard(env, || {
            let [envelope] = copies([envelope])?;
            Ok(self.inner.is_withdrawn_by(&envelope))
        })
    }

    /// This party's no: signed abort envelopes for the initiator.
    #[napi(catch_unwind)]
    pub fn refuse(&self, env: &Env) -> napi::Result<Vec<Bytes>> {
        guard(env, || {
            let envelopes = self.inner.refuse();
            Ok(envelopes.into_iter().map(Bytes::from).collect())
        })
    }
}

impl Invitation {
    /// The invitation, for a session of the very wallet that opened it: another one's store has not seen the
    /// sessions of this party, and would let it join the same one twice.
    pub(crate) fn for_member(
        &self,
        membership: &Arc<Membership>,
    ) -> Result<&ceremony::Invitation, Fault> {
        if Arc::ptr_eq(membership, &self.membership) {
            Ok(&self.inner)
        } else {
            Err(Fault::input("the invitation was opened by another wallet"))
        }
    }
}

fn asked(invitation: &ceremony::Invitation) -> Vec<Asked<'_>> {
    let items = invitation.items().iter();
    items
        .map(|item| Asked {
            kind: &item.kind,
            chain: &item.chain,
            bytes: &item.bytes,
            path: &item.path,
        })
        .collect()
}

/// What a ceremony does.
#[napi(string_enum = "kebab-case")]
pub enum CeremonyKind {
    /// Makes a wallet's keys.
    Keygen,
    /// Signs.
    Sign,
    /// Gives the same parties other shares.
    Refresh,
    /// Replaces a party that lost its device.
    Recover,
}

/// A descriptor's public facts. Nothing is verified but the layout.
#[napi(object, object_from_js = false)]
pub struct DescriptorInfo {
    /// What the ceremony does.
    pub kind: CeremonyKind,
    /// 32 bytes.
    pub session_id: Bytes,
    /// 32 bytes.
    pub wallet_id: Bytes,
    /// Who starts it.
    pub initiator: Role,
    /// Who takes part, ascending.
    pub participants: Vec<PartyInfo>,
    /// After this nobody joins or goes on.
    pub expires_at_ms: BigInt,
}

/// Reads a descriptor's layout, for choosing who handles it.
#[napi(catch_unwind)]
pub fn read_descriptor(env: &Env, descriptor: &[u8]) -> napi::Result<DescriptorInfo> {
    guard(env, || {
        let [descriptor] = copies([descriptor])?;
        let read = Descriptor::decode(&descriptor)
            .ok_or_else(|| Fault::input("not a session descriptor"))?;
        let kind = match read.kind {
            Kind::Keygen => CeremonyKind::Keygen,
            Kind::Sign => CeremonyKind::Sign,
            Kind::Refresh => CeremonyKind::Refresh,
            Kind::Recover => CeremonyKind::Recover,
            _ => return Err(Fault::input("a ceremony of a later version")),
        };
        let participants = read.participants.iter().map(|participant| PartyInfo {
            index: u32::from(participant.role.byte()),
            role: participant.role.into(),
            identity_key: bytes(&participant.identity_key),
        });
        Ok(DescriptorInfo {
            kind,
            session_id: bytes(&read.session_id()),
            wallet_id: bytes(&read.wallet_id),
            initiator: read.initiator.into(),
            participants: participants.collect(),
            expires_at_ms: BigInt::from(read.expires_at_ms),
        })
    })
}
