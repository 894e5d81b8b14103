//! Notices between parties: what persons signed, and the newest certificate.

use std::sync::{Arc, Mutex, PoisonError};

use ceremony::notice;
use ceremony::session::Times;
use ceremony::{Certificate, Membership};
use napi::Env;
use napi::bindgen_prelude::{BigInt, Uint8Array};
use napi_derive::napi;

use crate::convert::{Bytes, Role, copies, duration, envelopes, time};
use crate::error::{Fault, guard};
use crate::generator::Generator;
use crate::store::{Shared, StoreBatch};
use crate::wallet::Wallet;

/// What is handed to the transport.
#[napi(object, object_from_js = false)]
pub struct OutgoingNotice {
    /// To be opened first.
    pub descriptor: Bytes,
    /// This party's signature over it.
    pub descriptor_signature: Bytes,
    /// To be sent then.
    pub envelopes: Vec<Bytes>,
}

/// A notice that arrived, verified and opened.
#[napi]
pub struct Notice {
    membership: Arc<Membership>,
    store: Shared,
    from: Role,
    documents: Vec<Vec<u8>>,
    certificate: Mutex<Option<Certificate>>,
}

#[napi]
impl Notice {
    /// A notice to one party, with at most 16 documents.
    #[napi(catch_unwind)]
    pub fn send(
        env: &Env,
        wallet: &Wallet,
        to: Role,
        documents: Vec<Uint8Array>,
        now_ms: BigInt,
        lifetime_ms: f64,
    ) -> napi::Result<OutgoingNotice> {
        guard(env, || {
            let now_ms = time(&now_ms, "nowMs")?;
            let times = Times { now_ms, lifetime_ms: duration(lifetime_ms, "lifetimeMs")? };
            let documents = envelopes(&documents)?;
            let mut rng = Generator::new(b"session/notice")?;
            let sent = notice::send(&*wallet.membership()?, to.into(), &documents, times, &mut rng)
                .map_err(Fault::input_from)?;
            Ok(OutgoingNotice {
                descriptor: sent.descriptor.into(),
                descriptor_signature: sent.descriptor_signature.to_vec().into(),
                envelopes: sent.envelopes.into_iter().map(Bytes::from).collect(),
            })
        })
    }

    /// Verifies and opens a notice.
    #[napi(catch_unwind)]
    pub fn open(
        env: &Env,
        wallet: &Wallet,
        descriptor: &[u8],
        signature: &[u8],
        round0: &[u8],
        now_ms: BigInt,
    ) -> napi::Result<Self> {
        guard(env, || {
            let now_ms = time(&now_ms, "nowMs")?;
            let [descriptor, signature, round0] = copies([descriptor, signature, round0])?;
            let membership = wallet.membership()?;
            let opened = notice::open(&membership, &descriptor, &signature, &round0, now_ms)?;
            Ok(Self {
                membership,
                store: wallet.store(),
                from: opened.from.into(),
                documents: opened.documents,
                certificate: Mutex::new(opened.certificate),
            })
        })
    }

    /// Who sent it.
    #[napi(getter, catch_unwind)]
    pub fn from(&self) -> Role {
        self.from
    }

    /// Documents that persons may have signed; nothing in them was looked at.
    #[napi(getter, catch_unwind)]
    pub fn documents(&self) -> Vec<Bytes> {
        self.documents.iter().map(|document| Bytes::from(document.clone())).collect()
    }

    /// What to make durable: a newer certificate, and what it erases. Then `settle`.
    #[napi(catch_unwind)]
    pub fn batch(&self, env: &Env) -> napi::Result<StoreBatch> {
        guard(env, || {
            let certificate = self.certificate.lock().unwrap_or_else(PoisonError::into_inner);
            let commit = certificate.as_ref().map(|it| self.membership.certify(it)).transpose()?;
            self.store.persist(commit.map(|commit| commit.writes).unwrap_or_default())
        })
    }

    /// The batch is durable.
    #[napi(catch_unwind)]
    pub fn settle(&self) {
        let certificate = self.certificate.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(certificate) = certificate {
            self.membership.note_certified(certificate);
        }
    }
}
