//! Every field of every message of key generation, refresh or recovery, times every mutation.
//!
//! One party sends, another is the victim. Of fields that repeat (128 base OTs, 32 trees) the first, the last and one drawn
//! from a seed are changed. The victim is run again from its seed for each case, on the recorded messages of
//! the others. A case that the victim cannot notice yet must leave a share that does not sign with the sender and does
//! with everybody else.

use std::sync::Arc;

use dkls23::{Abort, KeyShare, PartyIndex};
use rand_chacha::ChaCha20Rng;

use crate::committee::{Each, party};
use crate::layout::{self, CORRECTIONS, Field, Layout};
use crate::mutation::{is_well_formed, mutations};
use crate::router::{Body, Channel, Dealing, End, Record, Refusal, follow_changed, nobody};
use crate::stolen::{OtState, Stolen};
use crate::story::{KeygenStory, ReshareStory, Signing, pair_signs};

/// How a changed message ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    Refused(Refusal),
    /// The victim gets a share, and every session with the sender ends so; None for who is left waiting.
    Unusable {
        at_victim: Option<Refusal>,
        at_sender: Option<Refusal>,
    },
}

pub struct Table {
    start: Box<dyn Fn(PartyIndex) -> Dealing<ChaCha20Rng>>,
    /// The sender's messages.
    layouts: Vec<Layout>,
    /// The other's.
    other_layouts: Vec<Layout>,
    record: Record,
    shares: Each<Arc<KeyShare>>,
    /// What the victim drew for its OT setups with the sender.
    choices: OtState,
    previous: Record,
    victim: PartyIndex,
    sender: PartyIndex,
    /// Whose values the sender copies: a third party's, or else the victim's own.
    other: PartyIndex,
    failures: Vec<String>,
    cases: usize,
}

impl Table {
    /// Key generation: party 2 sends to party 1.
    pub fn keygen(story: KeygenStory) -> Self {
        let previous = KeygenStory { name: "a key generation before", ..story }.record().0;
        let other = if story.parties > 2 { 3 } else { 1 };
        let layouts = || layout::keygen(story.threshold.into());
        let start = Box::new(move |me| story.start(me).0);
        Self::new(start, [layouts(), layouts()], story.record(), previous, [1, 2, other])
    }

    /// Refresh or recovery; of the parties, the victim comes first, then the sender.
    pub fn reshare(story: ReshareStory, members: [u8; 3]) -> Self {
        let previous = ReshareStory { name: "a reshare before", ..story.clone() }.record().0;
        let layouts = [members[1], members[2]].map(|member| story.layouts(party(member)));
        let recorded = story.record();
        let start = Box::new(move |me| story.start(me).0);
        Self::new(start, layouts, recorded, previous, members)
    }

    fn new(
        start: Box<dyn Fn(PartyIndex) -> Dealing<ChaCha20Rng>>,
        [layouts, other_layouts]: [Vec<Layout>; 2],
        (record, shares): (Record, Each<KeyShare>),
        previous: Record,
        members: [u8; 3],
    ) -> Self {
        let [victim, sender, other] = members.map(party);
        let choices = Stolen::of(&shares[&victim]).state(sender).clone();
        let shares = shares.into_iter().map(|(member, share)| (member, Arc::new(share))).collect();
        let (failures, cases) = (Vec::new(), 0);
        Self {
            start,
            layouts,
            other_layouts,
            record,
            shares,
            choices,
            previous,
            victim,
            sender,
            other,
            failures,
            cases,
        }
    }

    fn honest(&self, round: u8, channel: Channel) -> &[u8] {
        self.record.body(round, self.sender, self.victim, channel)
    }

    /// The other party's body for the victim, or the victim's own for the sender.
    fn others(&self, round: u8, channel: Channel) -> &[u8] {
        let to = if self.other == self.victim { self.sender } else { self.victim };
        self.record.body(round, self.other, to, channel)
    }

    fn expected(&self, round: u8, field: &Field, piece: &[u8]) -> Expected {
        let refused = |abort| Expected::Refused(Refusal { round, abort });
        if !is_well_formed(field.kind, piece) {
            return refused(Abort::Malformed(self.sender));
        }
        let config = Some(Refusal::new(1, Abort::Config));
        let side_is_chosen = |tree: usize, level: usize, side: usize| {
            if self.choices.choice(tree, level) == side {
                refused(Abort::SetupCheat(self.sender))
            } else {
                // The victim hashed it into its name of the setup, the sender did not.
                Expected::Unusable { at_victim: config, at_sender: None }
            }
        };
        match field.name {
            "ctx" => refused(Abort::Config),
            // The victim alone saw it: its sid is not the others'.
            "nonce" | "commitment" => Expected::Refused(Refusal::new(2, Abort::Equivocation)),
            "sid" | "T2" => refused(Abort::Equivocation),
            "F" | "cc" | "blind" | "A" | "z" | "share" => refused(Abort::Cheat(self.sender)),
            // Another epoch than the victim's setup names.
            old if old.starts_with("old ") => refused(Abort::Config),
            // The two hold different seeds, so their zero shares do not cancel.
            "zseed" => {
                let wrong_with = |peer| Some(Refusal::new(2, Abort::Unattributed(Some(peer))));
                let (at_victim, at_sender) = (wrong_with(self.sender), wrong_with(self.victim));
                Expected::Unusable { at_victim, at_sender }
            }
            "r_0" | "r_1" => Expected::Unusable { at_victim: None, at_sender: config },
            "B_0" => side_is_chosen(field.index / 4, field.index % 4, 0),
            "B_1" => side_is_chosen(field.index / 4, field.index % 4, 1),
            "proof" | "proof hash" => refused(Abort::SetupCheat(self.sender)),
            correction => {
                let (_, level, side) =
                    CORRECTIONS.into_iter().find(|(name, ..)| *name == correction).unwrap();
                side_is_chosen(field.index, level, side)
            }
        }
    }

    /// Runs the victim with one body changed.
    fn check(
        &mut self,
        name: &str,
        (round, channel): (u8, Channel),
        bytes: Vec<u8>,
        expected: Expected,
    ) {
        self.cases += 1;
        let Self { sender, victim, .. } = *self;
        let changed = Body { round, from: sender, to: victim, channel, bytes };
        let outcome = follow_changed((self.start)(victim), &self.record, &changed);
        let problem = match (outcome, expected) {
            (Err(_), _) => Some("a panic".to_owned()),
            (Ok(Err(refusal)), Expected::Refused(wanted)) if refusal == wanted => None,
            (Ok(Err(refusal)), _) => Some(format!("{refusal:?}")),
            (Ok(Ok(_)), Expected::Refused(_)) => Some("a share".to_owned()),
            (Ok(Ok(share)), Expected::Unusable { at_victim, at_sender }) => {
                self.problem_of(share, at_victim, at_sender)
            }
        };
        if let Some(problem) = problem {
            self.failures.push(format!("{name}: {problem}, not {expected:?}"));
        }
    }

    /// What is wrong with a share that must not sign with the sender and must with others.
    fn problem_of(
        &self,
        share: KeyShare,
        at_victim: Option<Refusal>,
        at_sender: Option<Refusal>,
    ) -> Option<String> {
        let Self { victim, sender, .. } = *self;
        let mut shares = self.shares.clone();
        shares.insert(victim, Arc::new(share));
        let quorum = [victim.min(sender).get(), victim.max(sender).get()];
        let ends = Signing::new("with the sender", &quorum).run(&shares, &mut nobody);
        if ends.values().any(End::is_done) {
            return Some("a signature with the sender".to_owned());
        }
        let signing = (ends[&victim].refusal(), ends[&sender].refusal());
        if signing != (at_victim, at_sender) {
            return Some(format!("signing with the sender ends {signing:?}"));
        }
        if shares[&victim].pair(sender).unwrap().is_poisoned() {
            return Some("a poisoned pair".to_owned());
        }
        let mut others = shares.keys().filter(|peer| ![victim, sender].contains(peer));
        others
            .any(|peer| !pair_signs(&shares[&victim], &shares[peer]))
            .then(|| "no signature with a third party".to_owned())
    }

    pub fn run(&mut self, rounds: &[u8], mutation_count: usize) {
        for position in 0..self.layouts.len() {
            let layout = &self.layouts[position];
            let (round, channel) = (layout.round, layout.channel);
            if !rounds.contains(&round) {
                continue;
            }
            let honest = self.honest(round, channel).to_vec();
            assert_eq!(honest.len(), layout.length());
            let others = self.others(round, channel).to_vec();
            let previous = self.previous.body(round, self.sender, self.victim, channel).to_vec();
            let mut layouts = self.other_layouts.iter();
            let other = layouts.find(|other| (other.round, other.channel) == (round, channel));
            let other_fields = other.unwrap().fields.clone();
            let of_other = |field: &Field| {
                let same = |other: &&Field| (other.name, other.index) == (field.name, field.index);
                let other = other_fields.iter().find(same)?;
                Some(("another party's", others[other.range()].to_vec()))
            };
            for field in layout.sampled() {
                let old = ("the previous session's", previous[field.range()].to_vec());
                let others: Vec<_> = of_other(&field).into_iter().chain([old]).collect();
                let honest_piece = &honest[field.range()];
                for mutation in
                    mutations(&field, honest_piece, &others).into_iter().take(mutation_count)
                {
                    let expected = self.expected(round, &field, &mutation.piece);
                    let name =
                        format!("round {round}, {} {}: {}", field.name, field.index, mutation.name);
                    let bytes = field.replaced(&honest, &mutation.piece);
                    self.check(&name, (round, channel), bytes, expected);
                }
            }
        }
        assert!(
            self.failures.is_empty(),
            "{} of {}:\n{}",
            self.failures.len(),
            self.cases,
            self.failures.join("\n")
        );
    }

    /// Whole bodies: none, another round's, another party's, a previous session's, and one where none belongs.
    pub fn run_bodies(&mut self) {
        let malformed = Abort::Malformed(self.sender);
        let (cheat, equivocation) = (Abort::Cheat(self.sender), Abort::Equivocation);
        let layouts: Vec<_> =
            self.layouts.iter().map(|layout| (layout.round, layout.channel)).collect();
        for &(round, channel) in &layouts {
            let refused = |abort| Expected::Refused(Refusal { round, abort });
            self.check("no body", (round, channel), Vec::new(), refused(malformed));
            for &(other_round, other_channel) in &layouts {
                if (other_round, other_channel) != (round, channel) {
                    let body = self.honest(other_round, other_channel).to_vec();
                    let name = format!("round {round}: the body of round {other_round}");
                    self.check(&name, (round, channel), body, refused(malformed));
                }
            }
            let (copied, replayed) = match (round, channel) {
                (1, _) => {
                    (Expected::Refused(Refusal::new(2, equivocation)), refused(Abort::Config))
                }
                (2, Channel::Broadcast) => (refused(cheat), refused(equivocation)),
                // Nothing in this body names the session: its envelope does, and the share fits no other polynomial.
                (2, Channel::Private) => (refused(cheat), refused(cheat)),
                _ => (refused(Abort::SetupCheat(self.sender)), refused(equivocation)),
            };
            let body = self.others(round, channel).to_vec();
            self.check(
                &format!("round {round}, {channel:?}: another party's"),
                (round, channel),
                body,
                copied,
            );
            let body = self.previous.body(round, self.sender, self.victim, channel).to_vec();
            self.check(
                &format!("round {round}, {channel:?}: replayed"),
                (round, channel),
                body,
                replayed,
            );
        }
        for (round, channel) in [(1, Channel::Private), (3, Channel::Broadcast)] {
            let refused = Expected::Refused(Refusal { round, abort: malformed });
            self.check("a body where none belongs", (round, channel), vec![0], refused);
        }
        assert!(self.failures.is_empty(), "{}", self.failures.join("\n"));
    }
}
