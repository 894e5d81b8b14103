//! One party among hostile events.
//!
//! A program chooses what happens to a session: true envelopes in any order, envelopes changed on the way or by a
//! peer that signs and seals what it likes, stops, a failing disk, a clock that jumps, answers nobody asked for.
//! Whatever it chooses: nothing panics; what leaves is this session's and well formed; nothing of the protocol
//! leaves before the words are confirmed; nobody is blamed but the hostile peer; after the end nothing leaves.

use ceremony::envelope::{Header, peek};
use ceremony::session::{Event, Io, Output, Report, Status, advance};
use ceremony::store::{Commit, MemoryStore, ReadBack, Store, StoreError};
use ceremony::{Class, Role, Session};
use dkls23::PartyIndex;
use rand_chacha::ChaCha20Rng;

use crate::committee::NOW_MS;
use crate::hostile::{Letter, PostOffice, ROUND_ABORT};
use crate::program::Program;

/// The longest program that is played.
const MAX_EVENTS: usize = 32;

/// Where a program plays.
pub(crate) struct Scene<'a> {
    pub(crate) session: Session,
    pub(crate) rng: ChaCha20Rng,
    pub(crate) me: Role,
    /// The peer that lies; others send what they once sent.
    pub(crate) insider: Role,
    /// What arrives if nobody lies, flight by flight.
    pub(crate) flights: &'a [Vec<Vec<u8>>],
    pub(crate) post: &'a mut PostOffice,
    /// Whether words must be confirmed before round 1.
    pub(crate) asks: bool,
}

/// A disk that may fail once.
#[derive(Default)]
struct Disk {
    records: MemoryStore,
    fails: Option<StoreError>,
}

impl Store for Disk {
    fn commit(&mut self, commit: Commit) -> Result<ReadBack, StoreError> {
        match self.fails.take() {
            Some(error) => Err(error),
            None => self.records.commit(commit),
        }
    }
}

struct Play<'a, 'b> {
    scene: &'b mut Scene<'a>,
    disk: Disk,
    now_ms: u64,
    flight: usize,
    words: Option<Vec<String>>,
    confirmed: bool,
    output: Option<Output>,
    ended: bool,
}

impl Scene<'_> {
    /// Plays a program to its end; the output, if there is one.
    pub(crate) fn play(&mut self, program: &mut Program<'_>) -> Option<Output> {
        let confirmed = !self.asks;
        let mut play = Play {
            scene: self,
            disk: Disk::default(),
            now_ms: NOW_MS,
            flight: 0,
            words: None,
            confirmed,
            output: None,
            ended: false,
        };
        play.step(Event::Begin(&[]));
        for _ in 0..MAX_EVENTS {
            if play.act(program).is_none() {
                break;
            }
        }
        let junk = [b"after the end".to_vec()];
        if play.ended {
            play.step(Event::Receive(&junk));
        }
        play.output
    }
}

impl Play<'_, '_> {
    fn act(&mut self, program: &mut Program<'_>) -> Option<()> {
        match program.byte()? % 16 {
            0..=5 => self.go_on(),
            6 => {
                let honest = self.honest(program)?.clone();
                self.receive(&[honest]);
            }
            7 => {
                let mut changed = self.honest(program)?.clone();
                program.edit(&mut changed)?;
                self.receive(&[changed]);
            }
            8..=10 => {
                let forged = self.forged(program)?;
                self.receive(&[forged]);
            }
            11 => {
                let junk = program.slice()?.to_vec();
                self.receive(&[junk]);
            }
            12 => {
                let mut words = self.words.clone().unwrap_or_default();
                if program.byte()? % 2 == 0 {
                    words.push("word".to_owned());
                }
                self.confirm(&words);
            }
            13 => {
                let result = match program.byte()? % 3 {
                    0 => Ok(Vec::new()),
                    1 => Err(StoreError::Exists),
                    _ => Err(StoreError::Unavailable),
                };
                self.step(Event::Committed(result));
            }
            14 => match program.byte()? % 4 {
                0 => self.disk.fails = Some(StoreError::Unavailable),
                1 => self.disk.fails = Some(StoreError::Exists),
                2 => self.now_ms = NOW_MS + u64::from(program.number()?) * 10,
                _ => self.now_ms = NOW_MS - u64::from(program.number()?) * 10,
            },
            _ => match program.byte()? % 4 {
                0 => {
                    let header = self.insiders(program)?.header;
                    let (class, culprits) = (program.byte()?, program.byte()?);
                    let insider = &self.scene.post.insiders[&self.scene.insider];
                    let stop = insider.abort(&header, class, culprits);
                    self.receive(&[stop]);
                }
                1 => {
                    let report = self.scene.session.stop();
                    self.look_at(report);
                }
                2 => {
                    let report = self.scene.session.refuse();
                    self.look_at(report);
                }
                _ => {
                    if !self.ended {
                        self.scene.session.release().expect("nothing happens beside");
                    }
                }
            },
        }
        Some(())
    }

    /// The next flight as it was, confirmed if it asks.
    fn go_on(&mut self) {
        match self.words.clone() {
            Some(words) => self.confirm(&words),
            None => {
                let flight = self.scene.flights.get(self.flight).cloned().unwrap_or_default();
                self.flight += 1;
                self.receive(&flight);
            }
        }
    }

    fn confirm(&mut self, words: &[String]) {
        self.confirmed |= self.words.as_deref().is_some_and(|shown| shown == words);
        self.step(Event::Confirm(words));
    }

    fn honest(&self, program: &mut Program<'_>) -> Option<&Vec<u8>> {
        let all: Vec<&Vec<u8>> = self.scene.flights.iter().flatten().collect();
        let chosen = program.below(all.len())?;
        all.get(chosen).copied()
    }

    /// A true message of the insider in the clear: of the next flight, or any.
    fn insiders(&mut self, program: &mut Program<'_>) -> Option<Letter> {
        let insider = self.scene.insider.index();
        let flights = match program.byte()? % 4 {
            0 => self.scene.flights,
            _ => self.scene.flights.get(self.flight..=self.flight).unwrap_or_default(),
        };
        let all: Vec<&Vec<u8>> = flights
            .iter()
            .flatten()
            .filter(|envelope| peek(envelope).is_some_and(|header| header.from == insider))
            .collect();
        let chosen = program.below(all.len())?;
        Some(self.scene.post.open(all.get(chosen)?))
    }

    /// The same with other fields, sealed and signed.
    fn forged(&mut self, program: &mut Program<'_>) -> Option<Vec<u8>> {
        let mut letter = self.insiders(program)?;
        let choice = program.byte()?;
        if choice & 1 == 0 {
            program.edit(&mut letter.body)?;
        }
        if choice & 6 == 0 {
            edit_header(&mut letter.header, program)?;
        }
        // An envelope holds no more, and its length is part of the header.
        letter.body.truncate(ceremony::envelope::PART_BYTES);
        Some(self.scene.post.post_as(self.scene.insider, &letter))
    }

    fn receive(&mut self, envelopes: &[Vec<u8>]) {
        let report = self.step(Event::Receive(envelopes));
        assert!(report <= envelopes.len().min(64), "more was dropped than came");
    }

    /// Takes a step and looks at what comes of it; how much was dropped.
    fn step(&mut self, event: Event<'_>) -> usize {
        let Scene { session, rng, .. } = &mut *self.scene;
        let mut io = Io { rng, now_ms: self.now_ms, cancel: &|| false };
        let report = advance(session, event, &mut self.disk, &mut io);
        let dropped = report.dropped.len();
        self.look_at(report);
        dropped
    }

    fn look_at(&mut self, report: Report) {
        if self.ended {
            assert!(report.outgoing.is_empty(), "something leaves after the end");
            let Status::Aborted(failure) = &report.status else { panic!("goes on after the end") };
            assert_eq!(failure.class, Class::Config);
            return;
        }
        let me = self.scene.me.index();
        for envelope in &report.outgoing {
            let header = peek(envelope).expect("an envelope");
            assert_eq!(header.session_id, *self.scene.session.session_id());
            assert!(header.from == me && header.to != me);
            assert!(self.confirmed || matches!(header.round, 0 | ROUND_ABORT), "unconfirmed");
        }
        self.words = None;
        match report.status {
            Status::Waiting { missing, .. } => assert!(!missing.contains(&me)),
            Status::Confirm(words) => {
                self.words = Some(words.words.iter().map(ToString::to_string).collect());
            }
            Status::Done(output) => {
                self.output = Some(output);
                self.ended = true;
            }
            Status::Aborted(failure) => {
                let insider = self.scene.insider.index();
                assert!(failure.culprits.iter().all(|party| *party == insider), "{failure:?}");
                let only_stops = |envelope: &Vec<u8>| peek(envelope).unwrap().round == ROUND_ABORT;
                assert!(report.outgoing.iter().all(only_stops) && !report.share_leaves);
                self.ended = true;
            }
        }
    }
}

fn edit_header(header: &mut Header, program: &mut Program<'_>) -> Option<()> {
    let (field, value) = (program.byte()?, program.byte()?);
    let index = PartyIndex::new(value % 4 + 1)?;
    match field % 12 {
        0 => header.kind = value,
        1 => header.round = u16::from(value),
        2 => header.session_id[usize::from(value % 32)] ^= value,
        3 => header.wallet_id[usize::from(value % 32)] ^= value,
        4 => header.epoch ^= u64::from(value),
        5 => header.from = index,
        6 => header.to = index,
        7 => (header.part, header.parts) = (value % 16, value / 16 + 1),
        8 => header.sender_sequence ^= u32::from(value),
        9 => header.previous_broadcasts_hash[usize::from(value % 32)] ^= value,
        10 => header.relay_chain_head[usize::from(value % 32)] ^= value,
        _ => header.previous_broadcasts_hash = [0; 32],
    }
    Some(())
}
