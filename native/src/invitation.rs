//! A signing request that arrived, opened and parsed by this party itself.

use std::sync::Arc;

use ceremony::Membership;
use ceremony::descriptor::{Descriptor, Kind};
use napi::Env;
use napi::bindgen_prelude::{BigInt, Object};
use napi_derive::napi;

use crate::convert::{Bytes, Role, bytes, copies, position, time};
use crate::error::{Fault, guard};
use crate::intent::Intent;
use crate::pool::{self, Permit};
use crate::wallet::{Authorization, PartyInfo, Wallet};

/// An opened invitation to sign.
#[napi]
pub struct Invitation {
    inner: ceremony::Invitation,
    /// The wallet that opened it.
    membership: Arc<Membership>,
    /// One per item, parsed here from the invitation's bytes.
    read: Vec<Intent>,
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
            Ok((now_ms, descriptor, signature, round0, wallet.membership()?, Permit::take()?))
        };
        let (now_ms, descriptor, signature, round0, membership, permit) = guard(env, claim)?;
        let open = move || {
            let inner = membership.open_invitation(&descriptor, &signature, &round0, now_ms)?;
            let read = parse_items(&inner)?;
            Ok(Self { inner, membership, read })
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

    /// What this party read in an item: the JSON of [`Intent::describe`].
    #[napi(catch_unwind)]
    pub fn describe(&self, env: &Env, item: f64) -> napi::Result<String> {
        guard(env, || {
            let item = usize::try_from(position(item, "item")?).ok();
            let read = item.and_then(|item| self.read.get(item));
            read.map(Intent::description)
                .ok_or_else(|| Fault::input("the invitation has no such item"))
        })
    }

    /// This party's yes to exactly these payloads.
    #[napi(catch_unwind)]
    pub fn accept(&self, env: &Env, now_ms: BigInt) -> napi::Result<Authorization> {
        guard(env, || {
            let now_ms = time(&now_ms, "nowMs")?;
            let payloads = self.read.iter().map(Intent::payload).collect();
            let authorization = self.inner.accept(payloads, now_ms)?;
            Ok(Authorization::new(authorization, self.inner.wallet()))
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

fn parse_items(invitation: &ceremony::Invitation) -> Result<Vec<Intent>, Fault> {
    invitation
        .items()
        .iter()
        .map(|item| Intent::read(&item.kind, &item.chain, &item.bytes))
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
