//! What must outlive a ceremony at one party, behind a trait: seen sessions, shares, certificates, poisonings
//! and counts. A session asks for a commit by returning [`Commit`] and goes on when it is told the result, so
//! that the same code runs over memory, over a database that lives in another language, and in a simulator.

use std::collections::{BTreeMap, BTreeSet};

use zeroize::Zeroizing;

/// Names a record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// This party's secret keys.
    Identity,
    /// A session this party started or joined; the value is `expiresAt`. Refuses replays until then.
    SeenSession([u8; 32]),
    /// This party's share of one key in one epoch.
    Share {
        /// Wallet.
        wallet_id: [u8; 32],
        /// Epoch number.
        epoch: u64,
        /// Key.
        key_id: String,
    },
    /// An epoch whose shares this party holds: what it is, its roster and its policy.
    Prepared {
        /// Wallet.
        wallet_id: [u8; 32],
        /// Epoch number.
        epoch: u64,
    },
    /// A number that an attempt took; the value is its session. No second attempt takes it.
    Intent {
        /// Wallet.
        wallet_id: [u8; 32],
        /// Epoch number.
        epoch: u64,
    },
    /// An identity key that an acknowledged epoch replaced; the value is that epoch's number.
    Replaced {
        /// Wallet.
        wallet_id: [u8; 32],
        /// The key that signs nothing any more with this party.
        identity_key: [u8; 32],
    },
    /// How many sessions with a peer's identity key ended without their verdict being stored, since the last eight.
    LostVerdicts {
        /// Wallet.
        wallet_id: [u8; 32],
        /// The peer's key.
        identity_key: [u8; 32],
    },
    /// What this party knows of a recovery that somebody wants: approvals, objections, and how long it waited.
    PendingRecovery {
        /// Wallet.
        wallet_id: [u8; 32],
        /// Hash that names the replacement.
        replacement: [u8; 32],
    },
    /// The policy in force at this party, and the looser one that waits.
    PolicyState {
        /// Wallet.
        wallet_id: [u8; 32],
    },
    /// Whether the wallet is frozen, and by whose word.
    FreezeState {
        /// Wallet.
        wallet_id: [u8; 32],
    },
    /// What persons said about a request, and what it served.
    Approvals {
        /// Wallet.
        wallet_id: [u8; 32],
        /// Names the request.
        request: [u8; 32],
    },
    /// A part of the ledger of what was given away.
    Spending {
        /// Wallet.
        wallet_id: [u8; 32],
        /// Which part.
        record: SpendingRecord,
        /// Names it among those of its part.
        name: [u8; 32],
    },
    /// The transcript that this party acknowledged under an epoch number: at most one, for ever.
    Acknowledged {
        /// Wallet.
        wallet_id: [u8; 32],
        /// Epoch number.
        epoch: u64,
    },
    /// Everybody's acknowledgements of an epoch.
    Certificate {
        /// Wallet.
        wallet_id: [u8; 32],
        /// Epoch number.
        epoch: u64,
    },
    /// The newest backup of a wallet that was made here: `u64 epoch ‖ u64 time in ms`.
    LastBackup {
        /// Wallet.
        wallet_id: [u8; 32],
    },
    /// The wallet came from a backup: `u64 time in ms`. What limits count as used is not known from then on.
    Restored {
        /// Wallet.
        wallet_id: [u8; 32],
    },
    /// How often the pair of this party's and a peer's identity key failed the oblivious-transfer setup.
    SetupFailures([u8; 32], [u8; 32]),
    /// How often a peer's identity key poisoned a pair with this party.
    Poisonings([u8; 32], [u8; 32]),
    /// How often a peer's identity key failed another cryptographic check.
    Cheats([u8; 32], [u8; 32]),
}

/// A part of the ledger of what was given away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SpendingRecord {
    /// What a request reserved.
    Request,
    /// A request that waits for a person.
    Waiting,
    /// Somebody who was paid.
    Recipient,
    /// Everything else.
    State,
}

impl SpendingRecord {
    const ALL: [Self; 4] = [Self::Request, Self::Waiting, Self::Recipient, Self::State];

    const fn word(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Waiting => "waiting",
            Self::Recipient => "recipient",
            Self::State => "state",
        }
    }
}

impl Key {
    /// The record's name in a store that names records by text: at most 255 bytes of ASCII, and everything of one
    /// wallet under one prefix. [`Key::parse`] reads it.
    pub fn id(&self) -> String {
        let hex = hex::encode::<[u8; 32]>;
        let epoch = |kind: &str, wallet_id: &[u8; 32], epoch: &u64| {
            format!("wallet/{}/{kind}/{epoch:020}", hex(*wallet_id))
        };
        let count = |kind: &str, own: &[u8; 32], peer: &[u8; 32]| {
            format!("count/{kind}/{}/{}", hex(*own), hex(*peer))
        };
        match self {
            Self::Identity => "identity".to_owned(),
            Self::SeenSession(session_id) => format!("session/{}", hex(*session_id)),
            Self::Share { wallet_id, epoch: number, key_id } => {
                format!("{}/{key_id}", epoch("share", wallet_id, number))
            }
            Self::Prepared { wallet_id, epoch: number } => epoch("prepared", wallet_id, number),
            Self::Intent { wallet_id, epoch: number } => epoch("intent", wallet_id, number),
            Self::Replaced { wallet_id, identity_key } => {
                format!("wallet/{}/replaced/{}", hex(*wallet_id), hex(*identity_key))
            }
            Self::LostVerdicts { wallet_id, identity_key } => {
                format!("wallet/{}/lost-verdicts/{}", hex(*wallet_id), hex(*identity_key))
            }
            Self::PendingRecovery { wallet_id, replacement } => {
                format!("wallet/{}/recovery/{}", hex(*wallet_id), hex(*replacement))
            }
            Self::PolicyState { wallet_id } => format!("wallet/{}/policy/state", hex(*wallet_id)),
            Self::FreezeState { wallet_id } => format!("wallet/{}/freeze/state", hex(*wallet_id)),
            Self::Approvals { wallet_id, request } => {
                format!("wallet/{}/approvals/{}", hex(*wallet_id), hex(*request))
            }
            Self::Spending { wallet_id, record, name } => {
                format!("wallet/{}/spending/{}/{}", hex(*wallet_id), record.word(), hex(*name))
            }
            Self::Acknowledged { wallet_id, epoch: number } => {
                epoch("acknowledged", wallet_id, number)
            }
            Self::Certificate { wallet_id, epoch: number } => {
                epoch("certificate", wallet_id, number)
            }
            Self::LastBackup { wallet_id } => format!("wallet/{}/backup/last", hex(*wallet_id)),
            Self::Restored { wallet_id } => format!("wallet/{}/backup/restored", hex(*wallet_id)),
            Self::SetupFailures(own, peer) => count("setup-failures", own, peer),
            Self::Poisonings(own, peer) => count("poisonings", own, peer),
            Self::Cheats(own, peer) => count("cheats", own, peer),
        }
    }

    /// The key of an id; `None` for any other text.
    pub fn parse(id: &str) -> Option<Self> {
        let bytes = |text: &str| {
            let mut bytes = [0; 32];
            hex::decode_to_slice(text, &mut bytes).ok().map(|()| bytes)
        };
        let mut words = id.splitn(5, '/');
        let mut word = || words.next();
        let key = match word()? {
            "identity" => Self::Identity,
            "session" => Self::SeenSession(bytes(word()?)?),
            "count" => {
                let (kind, own, peer) = (word()?, bytes(word()?)?, bytes(word()?)?);
                match kind {
                    "setup-failures" => Self::SetupFailures(own, peer),
                    "poisonings" => Self::Poisonings(own, peer),
                    "cheats" => Self::Cheats(own, peer),
                    _ => return None,
                }
            }
            "wallet" => {
                let (wallet_id, kind, name) = (bytes(word()?)?, word()?, word()?);
                if kind == "replaced" {
                    Self::Replaced { wallet_id, identity_key: bytes(name)? }
                } else if kind == "lost-verdicts" {
                    Self::LostVerdicts { wallet_id, identity_key: bytes(name)? }
                } else if kind == "backup" {
                    match name {
                        "last" => Self::LastBackup { wallet_id },
                        "restored" => Self::Restored { wallet_id },
                        _ => return None,
                    }
                } else if kind == "policy" && name == "state" {
                    Self::PolicyState { wallet_id }
                } else if kind == "freeze" && name == "state" {
                    Self::FreezeState { wallet_id }
                } else if kind == "approvals" {
                    Self::Approvals { wallet_id, request: bytes(name)? }
                } else if kind == "spending" {
                    let part = |record: &SpendingRecord| record.word() == name;
                    let record = SpendingRecord::ALL.into_iter().find(part)?;
                    Self::Spending { wallet_id, record, name: bytes(word()?)? }
                } else if kind == "recovery" {
                    Self::PendingRecovery { wallet_id, replacement: bytes(name)? }
                } else {
                    let epoch = name.parse().ok()?;
                    match kind {
                        "share" => Self::Share { wallet_id, epoch, key_id: word()?.to_owned() },
                        "prepared" => Self::Prepared { wallet_id, epoch },
                        "intent" => Self::Intent { wallet_id, epoch },
                        "acknowledged" => Self::Acknowledged { wallet_id, epoch },
                        "certificate" => Self::Certificate { wallet_id, epoch },
                        _ => return None,
                    }
                }
            }
            _ => return None,
        };
        (key.id() == id).then_some(key)
    }
}

/// One change.
#[derive(Debug)]
pub enum Write {
    /// Sets a record.
    Put(Key, Secret),
    /// Sets a record that must not exist; if it does, nothing of the commit is written.
    Create(Key, Secret),
    /// Removes a record, if there is one.
    Delete(Key),
    /// Adds one to a big-endian u32 count, which is 0 if absent.
    Increment(Key),
    /// Drops the seen sessions that had expired at this time, in milliseconds: nobody can replay them.
    ForgetSessionsBefore(u64),
}

/// A record's bytes: wiped when dropped, never printed.
pub struct Secret(pub Zeroizing<Vec<u8>>);

impl core::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str("<secret>")
    }
}

impl Secret {
    /// Copies public or secret bytes into a record.
    pub fn copy_from(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }
}

/// What a session wants written, atomically and durably, and then read back.
#[derive(Debug)]
pub struct Commit {
    /// Written all or none.
    pub writes: Vec<Write>,
    /// Read from the store afterwards, never from a cache.
    pub read_back: Vec<Key>,
}

/// Why a store did not commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreError {
    /// A record to be created exists.
    Exists,
    /// It could not be written or read.
    Unavailable,
}

/// The records asked for, in order; `None` where there is none.
pub type ReadBack = Vec<Option<Secret>>;

/// A party's storage.
pub trait Store: Send {
    /// Writes everything or nothing; durable when it returns. Then reads what was asked for.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was written.
    fn commit(&mut self, commit: Commit) -> Result<ReadBack, StoreError>;
}

/// A store that forgets when it is dropped.
#[derive(Default)]
pub struct MemoryStore {
    records: BTreeMap<Key, Secret>,
    /// The seen sessions among the records by the time at which they expire.
    expiries: BTreeSet<(u64, [u8; 32])>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// A copy of everything, as a store on disk would give it to whoever opens it.
    pub fn records(&self) -> Vec<(Key, Secret)> {
        let copy = |(key, value): (&Key, &Secret)| (key.clone(), Secret(value.0.clone()));
        self.records.iter().map(copy).collect()
    }

    fn write(&mut self, write: Write) {
        match write {
            Write::Put(key, value) | Write::Create(key, value) => {
                if let Key::SeenSession(session_id) = &key {
                    self.expiries.insert((time(&value), *session_id));
                }
                self.records.insert(key, value);
            }
            Write::Increment(key) => {
                let next = self.records.get(&key).map_or(0, count).saturating_add(1);
                self.records.insert(key, Secret::copy_from(&next.to_be_bytes()));
            }
            Write::Delete(key) => {
                self.records.remove(&key);
            }
            Write::ForgetSessionsBefore(now_ms) => {
                while let Some((expires_at, session_id)) = self.expiries.first().copied()
                    && expires_at <= now_ms
                {
                    self.expiries.pop_first();
                    self.records.remove(&Key::SeenSession(session_id));
                }
            }
        }
    }
}

/// The value of a counter record.
pub fn count(record: &Secret) -> u32 {
    record.0.as_slice().try_into().map_or(u32::MAX, u32::from_be_bytes)
}

/// The value of a seen session; an unreadable one never expires.
fn time(record: &Secret) -> u64 {
    record.0.as_slice().try_into().map_or(u64::MAX, u64::from_be_bytes)
}

impl Store for MemoryStore {
    fn commit(&mut self, commit: Commit) -> Result<ReadBack, StoreError> {
        let occupied = commit.writes.iter().any(|write| match write {
            Write::Create(key, _) => self.records.contains_key(key),
            Write::Put(..)
            | Write::Delete(_)
            | Write::Increment(_)
            | Write::ForgetSessionsBefore(_) => false,
        });
        if occupied {
            return Err(StoreError::Exists);
        }
        commit.writes.into_iter().for_each(|write| self.write(write));
        let read = |key| self.records.get(key).map(|record| Secret(record.0.clone()));
        Ok(commit.read_back.iter().map(read).collect())
    }
}
