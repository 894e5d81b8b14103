//! Three parties with their stores, and a network that an adversary may own.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use ceremony::envelope::{Header, peek};
use ceremony::session::{Event, Io, Output, Report, Status, Times, advance};
use ceremony::store::{Commit, Key, MemoryStore, Secret, Store};
use ceremony::{
    Card, ConsentedItem, Dropped, ECDSA_KEY_ID, Failure, Identity, Invitation, Membership, Origin,
    Pairing, ParsedPayload, Role, Session, SigningAuthorization, Wallet,
};
use dkls23::sign::Signature;
use k256::ecdsa::signature::hazmat::PrehashVerifier;
use policy::caip::ChainId;
use policy::effect::{Amount, Confidence, Effect, EffectKind};
use policy::evaluate::{Item, MAX_ITEMS, PayloadKind, Policy, Request, Spending, evaluate};
use policy::rulebook::{PolicyConfig, PolicyDocument};
use policy::{Decimal, Permit, U256};
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use tagged_hash::{hash, tags};

pub const NOW_MS: u64 = 1_790_000_000_000;
pub const TIMES: Times = Times { now_ms: NOW_MS, lifetime_ms: 300_000 };

pub struct Party {
    pub identity: Arc<Identity>,
    pub store: MemoryStore,
    pub rng: ChaCha20Rng,
    pub now_ms: u64,
}

impl Party {
    /// The same role and seed make the same party: its keys, and everything it will draw.
    pub fn new(role: Role, seed: u64) -> Self {
        let mut rng = generator(role, seed);
        let identity = Arc::new(Identity::generate(role, &mut rng));
        Self { identity, store: MemoryStore::new(), rng, now_ms: NOW_MS }
    }

    pub fn pair(&mut self) -> Pairing {
        self.identity.pair(&mut self.rng)
    }

    pub fn step(&mut self, session: &mut Session, event: Event<'_>) -> Report {
        let mut io = Io { rng: &mut self.rng, now_ms: self.now_ms, cancel: &|| false };
        advance(session, event, &mut self.store, &mut io)
    }

    pub fn stored(&mut self, key: Key) -> Option<Secret> {
        let commit = Commit { writes: Vec::new(), read_back: vec![key] };
        self.store.commit(commit).unwrap().pop().unwrap()
    }
}

/// What a party of this role draws from.
pub fn generator(role: Role, seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(1000 * seed + u64::from(role.byte()))
}

pub fn parties(seed: u64) -> BTreeMap<Role, Party> {
    Role::ALL.into_iter().map(|role| (role, Party::new(role, seed))).collect()
}

/// What became of one party's session.
pub enum End {
    Member(Arc<Membership>),
    Signatures(Vec<Signature>),
    Failed(Failure),
    Waiting,
}

impl End {
    pub fn failure(&self) -> &Failure {
        match self {
            Self::Failed(failure) => failure,
            Self::Member(_) | Self::Signatures(_) => panic!("the ceremony succeeded"),
            Self::Waiting => panic!("the ceremony waits"),
        }
    }

    pub fn member(&self) -> &Arc<Membership> {
        match self {
            Self::Member(membership) => membership,
            Self::Failed(failure) => panic!("{failure:?}"),
            Self::Signatures(_) | Self::Waiting => panic!("no epoch"),
        }
    }

    pub fn wallet(&self) -> Arc<Wallet> {
        self.member().current().unwrap()
    }

    pub fn signatures(&self) -> &[Signature] {
        match self {
            Self::Signatures(signatures) => signatures,
            Self::Failed(failure) => panic!("{failure:?}"),
            Self::Member(_) | Self::Waiting => panic!("no signatures"),
        }
    }
}

/// Everything that left a party, and what the network did with it.
pub struct Run {
    pub ends: BTreeMap<Role, End>,
    pub transcript: Vec<Vec<u8>>,
    pub dropped: BTreeMap<Role, Vec<Dropped>>,
    pub share_left: BTreeMap<Role, usize>,
}

/// What the network makes of one envelope: nothing, itself, or others, each to the recipient in its header.
pub type Tamper<'a> = &'a mut dyn FnMut(&Header, &[u8]) -> Vec<(Role, Vec<u8>)>;

pub fn deliver(header: &Header, bytes: &[u8]) -> Vec<(Role, Vec<u8>)> {
    vec![(Role::of(header.to).unwrap(), bytes.to_vec())]
}

/// Runs sessions until nothing is under way. Operators confirm the words they are shown.
pub fn run(
    parties: &mut BTreeMap<Role, Party>,
    mut sessions: BTreeMap<Role, Session>,
    tamper: Tamper<'_>,
) -> Run {
    run_begun(parties, None, &mut sessions, tamper)
}

/// The same where one party has begun already and this is its first report.
fn run_begun(
    parties: &mut BTreeMap<Role, Party>,
    begun: Option<(Role, Report)>,
    sessions: &mut BTreeMap<Role, Session>,
    tamper: Tamper<'_>,
) -> Run {
    let mut run = Run {
        ends: sessions.keys().map(|role| (*role, End::Waiting)).collect(),
        transcript: Vec::new(),
        dropped: BTreeMap::new(),
        share_left: BTreeMap::new(),
    };
    let mut queue: VecDeque<(Role, Vec<u8>)> = VecDeque::new();
    let first = begun.as_ref().map(|(role, _)| *role);
    let mut reports: Vec<(Role, Report)> = begun.into_iter().collect();
    for (role, session) in sessions.iter_mut().filter(|(role, _)| Some(**role) != first) {
        reports.push((*role, parties.get_mut(role).unwrap().step(session, Event::Begin(&[]))));
    }
    for (role, report) in reports {
        let (party, session) = (parties.get_mut(&role).unwrap(), sessions.get_mut(&role).unwrap());
        absorb(role, party, session, report, &mut run, &mut queue, tamper);
    }
    while let Some((role, envelope)) = queue.pop_front() {
        let (Some(session), Some(End::Waiting)) = (sessions.get_mut(&role), run.ends.get(&role))
        else {
            continue;
        };
        let party = parties.get_mut(&role).unwrap();
        let report = party.step(session, Event::Receive(&[envelope]));
        absorb(role, party, session, report, &mut run, &mut queue, tamper);
    }
    run
}

fn absorb(
    role: Role,
    party: &mut Party,
    session: &mut Session,
    report: Report,
    run: &mut Run,
    queue: &mut VecDeque<(Role, Vec<u8>)>,
    tamper: Tamper<'_>,
) {
    let mut report = report;
    loop {
        for envelope in report.outgoing {
            queue.extend(tamper(&peek(&envelope).unwrap(), &envelope));
            run.transcript.push(envelope);
        }
        run.dropped.entry(role).or_default().extend(report.dropped);
        *run.share_left.entry(role).or_default() += usize::from(report.share_leaves);
        match report.status {
            Status::Waiting { .. } => return,
            Status::Confirm(words) => {
                let words: Vec<String> = words.words.iter().map(|word| word.to_string()).collect();
                report = party.step(session, Event::Confirm(&words));
            }
            Status::Done(Output::Epoch(membership)) => {
                run.ends.insert(role, End::Member(membership));
                return;
            }
            Status::Done(Output::Signatures(signatures)) => {
                run.ends.insert(role, End::Signatures(signatures));
                return;
            }
            Status::Aborted(failure) => {
                run.ends.insert(role, End::Failed(failure));
                return;
            }
        }
    }
}

/// The sessions of a key generation, the agent starting it.
pub fn keygen_sessions(parties: &mut BTreeMap<Role, Party>) -> BTreeMap<Role, Session> {
    keygen_sessions_with(parties, &opted_out())
}

/// The same, for a wallet of this policy.
pub fn keygen_sessions_with(
    parties: &mut BTreeMap<Role, Party>,
    config: &PolicyConfig,
) -> BTreeMap<Role, Session> {
    let pairings: BTreeMap<Role, Pairing> =
        parties.iter_mut().map(|(role, party)| (*role, party.pair())).collect();
    let cards: Vec<Card> =
        pairings.values().map(|pairing| Card::decode(&pairing.card()).unwrap()).collect();
    let mut sessions: BTreeMap<Role, Session> = BTreeMap::new();
    for (role, pairing) in pairings {
        let party = parties.get_mut(&role).unwrap();
        let (identity, rng) = (Arc::clone(&party.identity), &mut party.rng);
        let session = match sessions.get(&Role::Agent) {
            None => Session::create_wallet(identity, pairing, cards.clone(), config, TIMES, rng)
                .unwrap(),
            Some(initiator) => Session::join_wallet(
                identity,
                pairing,
                cards.clone(),
                None,
                (&initiator.descriptor(), &initiator.descriptor_signature()),
                NOW_MS,
            )
            .unwrap(),
        };
        sessions.insert(role, session);
    }
    sessions
}

/// A wallet at three parties, made without an adversary.
pub fn committee(seed: u64) -> (BTreeMap<Role, Party>, BTreeMap<Role, Arc<Wallet>>) {
    let (parties, members) = members(seed);
    let wallets = members.iter().map(|(role, member)| (*role, member.current().unwrap())).collect();
    (parties, wallets)
}

/// The same, with everything that each party holds of the wallet.
pub fn members(seed: u64) -> (BTreeMap<Role, Party>, BTreeMap<Role, Arc<Membership>>) {
    members_with(seed, &opted_out())
}

/// The same, of a wallet of this policy.
pub fn members_with(
    seed: u64,
    config: &PolicyConfig,
) -> (BTreeMap<Role, Party>, BTreeMap<Role, Arc<Membership>>) {
    let mut parties = parties(seed);
    let sessions = keygen_sessions_with(&mut parties, config);
    let made = run(&mut parties, sessions, &mut deliver);
    let members = made.ends.iter().map(|(role, end)| (*role, Arc::clone(end.member()))).collect();
    (parties, members)
}

/// A payload as the reader of unsigned bytes would describe it; the digest is any 32 bytes here.
pub fn payload(text: &str) -> ParsedPayload {
    let (kind, chain, bytes) = ("evm.transaction", "eip155:1", text.as_bytes());
    ParsedPayload {
        kind: kind.to_owned(),
        chain: chain.to_owned(),
        bytes: bytes.to_vec(),
        digest: hash(tags::RNG, &[bytes]),
        digest_kind: 1,
        payload_hash: hash(tags::PAYLOAD, &[kind.as_bytes(), chain.as_bytes(), bytes]),
        resolved_hash: [0; 32],
    }
}

/// The policy of every wallet here: ceremonies are the same whatever it says.
pub fn opted_out() -> PolicyConfig {
    PolicyConfig::read(br#"{"permissive":true,"schema":"mpc-wallet/policy-config@1"}"#).unwrap()
}

/// What a policy of [`opted_out`] makes of payloads that cost one unit each; of none it is a permit for another.
pub fn permit(policy: &PolicyDocument, digests: Vec<[u8; 32]>) -> Permit {
    let digests = if digests.is_empty() { vec![[0; 32]] } else { digests };
    let chain = ChainId::parse("eip155:1").unwrap();
    let fee = Effect {
        kind: EffectKind::FeeOnly,
        asset: Some(chain.native_asset()),
        amount: Amount::Exact(Decimal(U256::from(1))),
        from: None,
        to: None,
        spender: None,
        call: None,
        domain: None,
        expiry: None,
        deferred: false,
        confidence: Confidence::Exact,
    };
    let kind = PayloadKind::EvmTransaction;
    let item = |_: &[u8; 32]| Item { chain: chain.clone(), effects: vec![fee.clone()], kind };
    let items = digests.iter().take(MAX_ITEMS).map(item).collect();
    let request = Request { items, own: BTreeSet::new(), principal: None, time_ms: NOW_MS };
    let policy = Policy::compile(policy, policy::Role::User);
    let decision = evaluate(&policy, &request, &Nothing, &[], &[], &[]);
    Permit::of(&decision, digests).unwrap()
}

/// A ledger in which nothing was spent.
struct Nothing;

impl Spending for Nothing {
    fn spent(&self, _: &str, _: u64, _: Option<&[u8; 32]>) -> U256 {
        U256::ZERO
    }

    fn count(&self, _: u64, _: Option<&[u8; 32]>) -> u32 {
        0
    }

    fn first_paid_ms(&self, _: &str) -> Option<u64> {
        None
    }

    fn limits_full(&self) -> bool {
        false
    }
}

/// Accepts an invitation whose payloads these are.
pub fn accept(
    invitation: &Invitation,
    payloads: Vec<ParsedPayload>,
    now_ms: u64,
) -> Result<SigningAuthorization, Failure> {
    let digests = payloads.iter().map(|payload| payload.digest).collect();
    invitation.accept(permit(&invitation.wallet().policy(), digests), payloads, now_ms)
}

pub fn consent(wallet: &Wallet, text: &str, path: &[u32]) -> SigningAuthorization {
    consent_to_all(wallet, &[text], path)
}

pub fn consent_to_all(wallet: &Wallet, texts: &[&str], path: &[u32]) -> SigningAuthorization {
    let item = |text: &&str| ConsentedItem { payload: payload(text), path: path.to_vec() };
    authorize(wallet, texts.iter().map(item).collect(), NOW_MS + 60_000).unwrap()
}

/// What a party may sign that asks for these items.
pub fn authorize(
    wallet: &Wallet,
    items: Vec<ConsentedItem>,
    expires_at_ms: u64,
) -> Result<SigningAuthorization, Failure> {
    let digests = items.iter().map(|item| item.payload.digest).collect();
    let (permit, origin) = (permit(&wallet.policy(), digests), Origin::named("a request"));
    SigningAuthorization::new(wallet, permit, items, origin, expires_at_ms)
}

/// The initiator's session for these payloads.
pub fn request(
    parties: &mut BTreeMap<Role, Party>,
    wallets: &BTreeMap<Role, Arc<Wallet>>,
    (from, to): (Role, Role),
    texts: &[&str],
    path: &[u32],
) -> Session {
    let authorization = consent_to_all(&wallets[&from], texts, path);
    let rng = &mut parties.get_mut(&from).unwrap().rng;
    Session::sign(Arc::clone(&wallets[&from]), authorization, to, "a test", TIMES, rng).unwrap()
}

/// A signing session of two parties, the initiator's begun.
pub struct Meeting {
    pub sessions: BTreeMap<Role, Session>,
    pub begun: (Role, Report),
}

/// Two parties meet to sign; the co-signer consents to what it reads.
pub fn meet(
    parties: &mut BTreeMap<Role, Party>,
    wallets: &BTreeMap<Role, Arc<Wallet>>,
    (from, to): (Role, Role),
    texts: &[&str],
    path: &[u32],
) -> Meeting {
    let mut initiator = request(parties, wallets, (from, to), texts, path);
    let report = parties.get_mut(&from).unwrap().step(&mut initiator, Event::Begin(&[]));
    let invitation = Invitation::open(
        &wallets[&to],
        &initiator.descriptor(),
        &initiator.descriptor_signature(),
        &report.outgoing[0],
        NOW_MS,
    )
    .unwrap();
    let payloads = texts.iter().map(|text| payload(text)).collect();
    let authorization = accept(&invitation, payloads, NOW_MS).unwrap();
    let joined = Session::join(&invitation, authorization, NOW_MS).unwrap();
    let sessions = BTreeMap::from([(from, initiator), (to, joined)]);
    Meeting { sessions, begun: (from, report) }
}

/// Signs with two parties through a network of the adversary.
pub fn sign(
    parties: &mut BTreeMap<Role, Party>,
    wallets: &BTreeMap<Role, Arc<Wallet>>,
    pair: (Role, Role),
    text: &str,
    path: &[u32],
    tamper: Tamper<'_>,
) -> Run {
    let meeting = meet(parties, wallets, pair, &[text], path);
    run_meeting(parties, meeting, tamper)
}

/// Runs a signing session until nothing is under way.
pub fn run_meeting(
    parties: &mut BTreeMap<Role, Party>,
    meeting: Meeting,
    tamper: Tamper<'_>,
) -> Run {
    let Meeting { mut sessions, begun } = meeting;
    run_begun(parties, Some(begun), &mut sessions, tamper)
}

/// Verifies with k256 under the key that the wallet derives.
pub fn assert_signs(wallet: &Wallet, path: &[u32], digest: &[u8; 32], signature: &Signature) {
    let derived = wallet.derive(ECDSA_KEY_ID, path).unwrap();
    let key = k256::ecdsa::VerifyingKey::from_sec1_bytes(&derived.public_key).unwrap();
    let parsed = k256::ecdsa::Signature::from_scalars(signature.r, signature.s).unwrap();
    key.verify_prehash(digest, &parsed).unwrap();
    let recovery_id = k256::ecdsa::RecoveryId::from_byte(signature.recovery_id).unwrap();
    let recovered =
        k256::ecdsa::VerifyingKey::recover_from_prehash(digest, &parsed, recovery_id).unwrap();
    assert_eq!(recovered, key);
    assert!(parsed.normalize_s().is_none(), "low s");
}

pub fn random_text(party: &mut Party) -> String {
    format!("{:016x}", party.rng.next_u64())
}
