//! A party of a signing session that sends what no honest party sends, well signed and well sealed.

use std::collections::BTreeMap;
use std::sync::Arc;

use ceremony::envelope::{Header, peek};
use ceremony::session::Event;
use ceremony::store::Key;
use ceremony::{Class, ECDSA_KEY_ID, Role, Wallet};
use dkls23::KeyShare;

use crate::committee::{End, Party, Run, assert_signs, committee, deliver, payload, request, sign};
use crate::fields::{EQUIVOCATION, MALFORMED, Table, Verdict, mutations, of_sign, resized};
use crate::hostile::{Letter, PostOffice, ROUND_ABORT};
use crate::recording::failure;

/// Insider and victim; one committee has three pairs to poison.
const PAIRS: [(Role, Role); 3] =
    [(Role::Agent, Role::User), (Role::User, Role::Recovery), (Role::Recovery, Role::Agent)];

/// Which of the two asks for the signature.
#[derive(Clone, Copy)]
enum Starts {
    Insider,
    Victim,
}

/// A committee, and the pair of it that fights.
struct Stage {
    seed: u64,
    parties: BTreeMap<Role, Party>,
    wallets: BTreeMap<Role, Arc<Wallet>>,
    starts: Starts,
    pair: usize,
    serial: u64,
}

impl Stage {
    fn new(seed: u64, starts: Starts) -> Self {
        let (parties, wallets) = committee(seed);
        Self { seed, parties, wallets, starts, pair: 0, serial: 0 }
    }

    fn insider(&self) -> Role {
        PAIRS[self.pair].0
    }

    fn victim(&self) -> Role {
        PAIRS[self.pair].1
    }

    /// Signs while `change` makes other envelopes of what the insider sends.
    fn sign(&mut self, change: &mut dyn FnMut(&mut PostOffice, &Letter) -> Option<Vec<u8>>) -> Run {
        self.serial += 1;
        let (insider, victim) = (self.insider(), self.victim());
        let pair = match self.starts {
            Starts::Insider => (insider, victim),
            Starts::Victim => (victim, insider),
        };
        let generators =
            self.parties.iter().map(|(role, party)| (*role, party.rng.clone())).collect();
        let mut post = PostOffice::new(self.seed, generators);
        let text = self.text();
        sign(&mut self.parties, &self.wallets, pair, &text, &[], &mut |header, bytes| {
            post.watch(bytes);
            if header.from != insider.index() || header.round == ROUND_ABORT {
                return deliver(header, bytes);
            }
            let letter = post.open(bytes);
            match change(&mut post, &letter) {
                None => deliver(header, bytes),
                Some(forged) => deliver(header, &forged),
            }
        })
    }

    fn text(&self) -> String {
        format!("payload {}", self.serial)
    }

    fn signs(&mut self) {
        let run = self.sign(&mut |_, _| None);
        let (victim, digest) = (self.victim(), payload(&self.text()).digest);
        assert_signs(&self.wallets[&victim], &[], &digest, &run.ends[&victim].signatures()[0]);
    }

    /// What the insider sends in a round when it is honest.
    fn overhear(&mut self, round: u16) -> Vec<u8> {
        let mut heard = None;
        self.sign(&mut |_, letter| {
            if letter.header.round == round {
                heard = Some(letter.body.clone());
            }
            None
        });
        heard.unwrap()
    }

    /// How often the victim counted a cheat and a poisoning of the insider.
    fn counts(&mut self) -> [u32; 2] {
        let (insider, victim) = (self.insider(), self.victim());
        let keys = [victim, insider].map(|role| self.parties[&role].identity.identity_key());
        [Key::Cheats(keys[0], keys[1]), Key::Poisonings(keys[0], keys[1])].map(|key| {
            let count = self.parties.get_mut(&victim).unwrap().stored(key);
            count.map_or(0, |count| u32::from_be_bytes(count.0.as_slice().try_into().unwrap()))
        })
    }

    /// The victim failed with one of the verdicts, and counted what is counted.
    fn judge(&mut self, name: &str, run: &Run, before: [u32; 2], verdicts: &[Verdict]) -> Class {
        let (insider, victim) = (self.insider(), self.victim());
        let End::Failed(failure) = &run.ends[&victim] else {
            panic!("{name}: the victim noticed nothing")
        };
        let verdict = (failure.class, !failure.culprits.is_empty());
        assert!(verdicts.contains(&verdict), "{name}: {failure:?}, not one of {verdicts:?}");
        let culprits = if verdict.1 { vec![insider.index()] } else { Vec::new() };
        assert_eq!(failure.culprits, culprits, "{name}");
        let counted =
            [Class::Cheat, Class::OtPoisoned].map(|class| u32::from(failure.class == class));
        let expected = [before[0] + counted[0], before[1] + counted[1]];
        assert_eq!(self.counts(), expected, "{name}: cheats and poisonings are counted");
        failure.class
    }

    /// The pair signs nothing more, in memory and on disk; the next pair is untouched.
    fn is_poisoned(&mut self, name: &str) {
        let (insider, victim) = (self.insider(), self.victim());
        assert_eq!(self.wallets[&victim].poisoned_peers(), [insider], "{name}");
        let wallet = &self.wallets[&victim];
        let key = Key::Share {
            wallet_id: *wallet.roster().wallet_id(),
            epoch: wallet.epoch(),
            key_id: ECDSA_KEY_ID.to_owned(),
        };
        let record = self.parties.get_mut(&victim).unwrap().stored(key).unwrap();
        let share = KeyShare::decode(&record.0).unwrap();
        assert!(share.pair(insider.index()).unwrap().is_poisoned(), "{name}: on disk");
        let later = (victim, insider);
        let mut session = request(&mut self.parties, &self.wallets, later, &["later"], &[]);
        let report = self.parties.get_mut(&victim).unwrap().step(&mut session, Event::Begin(&[]));
        assert_eq!(failure(&report).class, Class::Config, "{name}: later sessions");
        assert!(report.outgoing.iter().all(|told| peek(told).unwrap().round == ROUND_ABORT));
    }

    /// The next pair, of the next committee if this one has none left.
    fn next_pair(&mut self) {
        if self.pair + 1 < PAIRS.len() {
            self.pair += 1;
        } else {
            *self = Self::new(self.seed + 1, self.starts);
        }
    }
}

/// Changes one thing after the other in what the insider sends in a round. The victim must end as the table
/// says; afterwards the pair signs, or is poisoned and another pair signs.
fn all_changes(seed: u64, starts: Starts, round: u16) -> usize {
    let mut stage = Stage::new(seed, starts);
    let earlier = stage.overhear(round);
    for tried in 0.. {
        let before = stage.counts();
        let mut chosen = None;
        let run = stage.sign(&mut |post, letter| {
            if letter.header.round != round {
                return None;
            }
            let others = [("an earlier session's", earlier.as_slice())];
            let layout = of_sign(&letter.header);
            let mut all = mutations(Table::Whole, &layout, letter, &others);
            all.extend(resized(letter));
            chosen = all.into_iter().nth(tried);
            let body = chosen.as_ref()?.body.clone();
            Some(post.post(&Letter { header: letter.header.clone(), body }))
        });
        let Some(chosen) = chosen else { return tried };
        match stage.judge(&chosen.name, &run, before, chosen.verdicts) {
            Class::OtPoisoned => {
                stage.is_poisoned(&chosen.name);
                stage.next_pair();
            }
            _ => stage.signs(),
        }
    }
    unreachable!("the table ends")
}

#[test]
fn every_changed_field_of_round_1_stops_signing_with_its_class_and_culprit() {
    assert!(all_changes(600, Starts::Insider, 1) >= 50);
}

#[test]
fn every_changed_field_of_round_1_of_a_co_signer_stops_signing_with_its_class_and_culprit() {
    assert!(all_changes(700, Starts::Victim, 1) >= 50);
}

#[test]
fn every_changed_field_of_round_2_stops_signing_with_its_class_and_culprit() {
    assert!(all_changes(800, Starts::Insider, 2) >= 60);
    assert!(all_changes(801, Starts::Victim, 2) >= 60);
}

#[test]
fn every_changed_field_of_round_3_stops_signing_with_its_class_and_culprit() {
    assert!(all_changes(810, Starts::Insider, 3) >= 20);
    assert!(all_changes(811, Starts::Victim, 3) >= 20);
}

#[test]
fn another_hash_of_broadcasts_stops_signing_as_an_equivocation() {
    for starts in [Starts::Insider, Starts::Victim] {
        let mut stage = Stage::new(820, starts);
        for round in 1..=3 {
            let before = stage.counts();
            let run = stage.sign(&mut |post, letter| {
                let mut changed = letter.clone();
                changed.header.previous_broadcasts_hash[0] ^= 1;
                (letter.header.round == round).then(|| post.post(&changed))
            });
            stage.judge(&format!("round {round}"), &run, before, &[EQUIVOCATION]);
            stage.signs();
        }
    }
}

/// Signs while the insider's message of one round says that it is of another; sealed if it can be.
fn claims(stage: &mut Stage, from: u16, to: u16) -> Run {
    stage.sign(&mut |post, letter| {
        if letter.header.round != from {
            return None;
        }
        let header = Header { round: to, ..letter.header.clone() };
        if from == 1 {
            let insider = Role::of(header.from).unwrap();
            return Some(post.insiders[&insider].sign_envelope(&header.encode(), &letter.body));
        }
        Some(post.post(&Letter { header, body: letter.body.clone() }))
    })
}

#[test]
fn a_message_that_says_it_is_of_a_later_round_is_its_signers_fault() {
    let mut stage = Stage::new(830, Starts::Insider);
    for (from, to) in [(1, 2), (1, 3), (1, ROUND_ABORT), (2, ROUND_ABORT)] {
        let before = stage.counts();
        let run = claims(&mut stage, from, to);
        stage.judge(&format!("round {from} as {to}"), &run, before, &[MALFORMED]);
        stage.signs();
    }
}

#[test]
fn a_message_that_says_it_is_of_an_earlier_round_is_a_replay_and_the_true_one_is_awaited() {
    let mut stage = Stage::new(831, Starts::Insider);
    for (from, to) in [(2, 1), (3, 2), (3, 1), (2, 0)] {
        let run = claims(&mut stage, from, to);
        let victim = stage.victim();
        assert!(matches!(run.ends[&victim], End::Waiting), "round {from} as {to}");
        let code = run.dropped[&victim].last().unwrap().code;
        assert_eq!(code.name(), "ENVELOPE_REPLAYED", "round {from} as {to}");
        stage.signs();
    }
}
