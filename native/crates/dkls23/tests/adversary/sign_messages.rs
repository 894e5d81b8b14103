//! Every field of every message of signing, times every mutation.
//!
//! A victim and a sender, two of three. Of fields that repeat (32 trees, 128 rows, 416 rows of three) the first, the last
//! and one drawn from a seed are changed, in every item of a batch. After each case the victim signs with the sender again,
//! unless the pair must be poisoned, and with the third party always.

use std::sync::Arc;

use dkls23::{Abort, KeyShare, PartyIndex};

use crate::committee::{Each, party};
use crate::layout::{self, Field, Layout};
use crate::mutation::{is_well_formed, mutations};
use crate::router::{Body, Channel, Record, Refusal, follow_changed};
use crate::story::{Signing, TWO_OF_THREE, pair_signs};

struct Table {
    signing: Signing,
    layouts: Vec<Layout>,
    record: Record,
    previous: Record,
    victim: PartyIndex,
    sender: PartyIndex,
    third: PartyIndex,
    failures: Vec<String>,
    cases: usize,
}

impl Table {
    fn new(victim: u8, sender: u8, items: usize) -> Self {
        let quorum = [victim.min(sender), victim.max(sender)];
        let shares = TWO_OF_THREE.shares();
        let signing = Signing::batch("fields of signing", &quorum, items);
        let (record, _) = signing.record(&shares);
        let (previous, _) = Signing::batch("a session before", &quorum, items).record(&shares);
        let third = shares.keys().find(|member| !quorum.contains(&member.get())).copied().unwrap();
        Self {
            signing,
            layouts: layout::sign(items),
            record,
            previous,
            victim: party(victim),
            sender: party(sender),
            third,
            failures: Vec::new(),
            cases: 0,
        }
    }

    fn honest(&self, round: u8, channel: Channel) -> &[u8] {
        self.record.body(round, self.sender, self.victim, channel)
    }

    /// The victim's own body: there is no other signer to copy.
    fn reflected(&self, round: u8, channel: Channel) -> &[u8] {
        self.record.body(round, self.victim, self.sender, channel)
    }

    fn expected(&self, round: u8, field: &Field, piece: &[u8]) -> Refusal {
        let refused = |abort| Refusal { round, abort };
        if !is_well_formed(field.kind, piece) {
            return refused(Abort::Malformed(self.sender));
        }
        match field.name {
            "ctx" | "pair id" => refused(Abort::Config),
            "nonce" | "private nonce" => refused(Abort::Malformed(self.sender)),
            // The victim alone saw it: its T1 is not the sender's.
            "com" => Refusal::new(2, Abort::Equivocation),
            "u" | "x~" | "t~" => refused(Abort::OtPoisoned(self.sender)),
            "T1" | "T2'" => refused(Abort::Equivocation),
            // Nothing checks it by itself.
            "psi" => Refusal::new(3, Abort::Unattributed(Some(self.sender))),
            "w" | "u sum" => refused(Abort::Unattributed(Some(self.sender))),
            _ => refused(Abort::Cheat(self.sender)),
        }
    }

    /// Runs the victim with one body changed.
    fn check(
        &mut self,
        name: &str,
        (round, channel): (u8, Channel),
        bytes: Vec<u8>,
        expected: Refusal,
    ) {
        self.cases += 1;
        let shares = TWO_OF_THREE.shares();
        let Self { sender, victim, .. } = *self;
        let changed = Body { round, from: sender, to: victim, channel, bytes };
        let start = self.signing.start(&shares[&victim]).unwrap().0;
        let outcome = follow_changed(start, &self.record, &changed);
        let problem = match outcome {
            Err(_) => Some("a panic".to_owned()),
            Ok(Ok(_)) => Some("a signature".to_owned()),
            Ok(Err(refusal)) if refusal != expected => Some(format!("{refusal:?}")),
            Ok(Err(refusal)) => self.problem_afterwards(&shares, refusal.abort),
        };
        if let Some(problem) = problem {
            self.failures.push(format!("{name}: {problem}, not {expected:?}"));
        }
    }

    /// What is wrong after a refusal: honest parties sign, or the pair is poisoned and nothing else is.
    fn problem_afterwards(&self, shares: &Each<Arc<KeyShare>>, abort: Abort) -> Option<String> {
        let [victim, sender, third] = [self.victim, self.sender, self.third].map(|i| &shares[&i]);
        if abort == Abort::OtPoisoned(self.sender) {
            if !victim.pair(self.sender).unwrap().is_poisoned() {
                return Some("a clean pair".to_owned());
            }
            let again = self.signing.start(victim).err();
            if again != Some(Abort::Config) {
                return Some(format!("{again:?} for a new session of a poisoned pair"));
            }
        } else if !pair_signs(victim, sender) {
            return Some("no signature of the pair".to_owned());
        }
        (!pair_signs(victim, third)).then(|| "no signature with the third party".to_owned())
    }

    fn run(&mut self) {
        for position in 0..self.layouts.len() {
            let layout = &self.layouts[position];
            let (round, channel) = (layout.round, layout.channel);
            let honest = self.honest(round, channel).to_vec();
            assert_eq!(honest.len(), layout.length());
            let previous = self.previous.body(round, self.sender, self.victim, channel);
            let others = [
                ("the victim's own", self.reflected(round, channel).to_vec()),
                ("the previous session's", previous.to_vec()),
            ];
            for field in layout.sampled() {
                let piece = |body: &[u8]| body[field.range()].to_vec();
                let others = others.each_ref().map(|(name, body)| (*name, piece(body)));
                for mutation in mutations(&field, &piece(&honest), &others) {
                    let Field { name, index, item, .. } = field;
                    let expected = self.expected(round, &field, &mutation.piece);
                    let name =
                        format!("round {round}, item {item}, {name} {index}: {}", mutation.name);
                    let bytes = field.replaced(&honest, &mutation.piece);
                    self.check(&name, (round, channel), bytes, expected);
                }
            }
        }
        self.finish();
    }

    /// Whole bodies: none, another round's, the victim's own, a previous session's, and one where none belongs.
    fn run_bodies(&mut self) {
        use Channel::{Broadcast, Private};
        let malformed = Abort::Malformed(self.sender);
        let (cheat, equivocation) = (Abort::Cheat(self.sender), Abort::Equivocation);
        let wrong = Abort::Unattributed(Some(self.sender));
        let layouts: Vec<_> =
            self.layouts.iter().map(|layout| (layout.round, layout.channel)).collect();
        for &(round, channel) in &layouts {
            let refused = |abort| Refusal { round, abort };
            self.check("no body", (round, channel), Vec::new(), refused(malformed));
            for &(other_round, other_channel) in &layouts {
                if (other_round, other_channel) == (round, channel) {
                    continue;
                }
                // The broadcasts of rounds 1 and 3 have one length: what tells them apart is the first field.
                let abort = match (other_round, other_channel, round, channel) {
                    (3, Broadcast, 1, Broadcast) => Abort::Config,
                    (1, Broadcast, 3, Broadcast) => equivocation,
                    _ => malformed,
                };
                let body = self.honest(other_round, other_channel).to_vec();
                let name = format!("round {round}: the body of round {other_round}");
                self.check(&name, (round, channel), body, refused(abort));
            }
            let (reflected, replayed) = match (round, channel) {
                (1, Broadcast) => (malformed, Abort::Config),
                // A replayed private body has the pair's id and another nonce than the broadcast beside it.
                (1, Private) => (Abort::Config, malformed),
                (2, _) => (cheat, equivocation),
                (_, _) => (wrong, equivocation),
            };
            let body = self.reflected(round, channel).to_vec();
            self.check(
                &format!("round {round}, {channel:?}: reflected"),
                (round, channel),
                body,
                refused(reflected),
            );
            let body = self.previous.body(round, self.sender, self.victim, channel).to_vec();
            self.check(
                &format!("round {round}, {channel:?}: replayed"),
                (round, channel),
                body,
                refused(replayed),
            );
        }
        for (round, channel) in [(2, Broadcast), (3, Private)] {
            let refused = Refusal { round, abort: malformed };
            self.check("a body where none belongs", (round, channel), vec![0], refused);
        }
        self.finish();
    }

    fn finish(&self) {
        let Self { cases, failures, .. } = self;
        assert!(failures.is_empty(), "{} of {cases}:\n{}", failures.len(), failures.join("\n"));
    }
}

#[test]
fn a_changed_field_of_a_batch_of_two_is_refused_and_only_a_wrong_ot_check_poisons() {
    Table::new(1, 2, 2).run();
}

#[test]
fn a_changed_field_of_signing_is_refused_whoever_of_the_pair_is_the_victim() {
    for (victim, sender) in [(2, 1), (1, 3), (3, 1), (2, 3), (3, 2)] {
        Table::new(victim, sender, 1).run();
    }
}

#[test]
fn a_changed_body_of_signing_is_refused() {
    for items in [1, 2] {
        Table::new(1, 2, items).run_bodies();
    }
}
