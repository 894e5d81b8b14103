//! Messages of another session, round, key, sender or recipient.
//!
//! The envelope binds each body to all of these, so nothing here reaches an engine that is driven properly. The engine
//! still refuses whole messages of another session, round or key without accusing anybody of cheating. Sender and
//! recipient it must believe: a wrong one is refused too, but with a check that blames.

use dkls23::{Abort, Inbox, Incoming, PartyIndex};

use crate::committee::party;
use crate::router::Channel::{Broadcast, Private};
use crate::router::{Body, Machine, Record, Refusal, collect, follow, message};
use crate::story::{KeygenStory, ReshareStory, Signing, THREE_OF_FIVE, TWO_OF_TWO, pair_signs};

const ROUNDS: [u8; 3] = [1, 2, 3];

fn victim() -> PartyIndex {
    party(1)
}

fn sender() -> PartyIndex {
    party(2)
}

/// What party 2 sent party 1 in each round.
fn messages(what: &'static str, record: &Record) -> Vec<(&'static str, u8, Incoming)> {
    let whole = |round| {
        let body = |channel| record.body(round, sender(), victim(), channel);
        (what, round, message(body(Broadcast), body(Private)))
    };
    ROUNDS.map(whole).into()
}

/// The victim's end with one whole message in place of the sender's.
fn replaced<M: Machine>(
    machine: M,
    record: &Record,
    round: u8,
    other: &Incoming,
) -> Option<Refusal> {
    let inbox = |now| {
        let mut inbox = record.inbox(now, victim());
        if now == round {
            inbox.insert(sender(), message(&other.broadcast, &other.private));
        }
        inbox
    };
    follow(machine, inbox).err()
}

const KEYGEN: KeygenStory = KeygenStory::new("this key generation", 2, 2);
const OTHER_KEYGEN: KeygenStory = KeygenStory::new("another key generation", 2, 2);

const REFRESH: &str = "this refresh";

/// All messages of two key generations, of two refreshes of one key, of two sessions of one key and of one of another key.
fn everything() -> Vec<(&'static str, u8, Incoming)> {
    let refresh = |name| ReshareStory::refresh(name, TWO_OF_TWO.shares()).record().0;
    let other_key = KeygenStory::new("another key", 2, 2).shares();
    let shares = TWO_OF_TWO.shares();
    [
        messages("keygen", &KEYGEN.record().0),
        messages("another keygen", &OTHER_KEYGEN.record().0),
        messages("refresh", &refresh(REFRESH)),
        messages("another refresh", &refresh("another refresh")),
        messages("sign", &Signing::new("this session", &[1, 2]).record(&shares).0),
        messages("another session", &Signing::new("another session", &[1, 2]).record(&shares).0),
        messages("another key", &Signing::new("this session", &[1, 2]).record(&other_key).0),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Follows the victim of ceremony `own` through every round with every other message in its place.
fn assert_all_refused<M: Machine>(own: &str, record: &Record, start: impl Fn() -> M) {
    let lengths = |incoming: &Incoming| (incoming.broadcast.len(), incoming.private.len());
    let everything = everything();
    for (_, round, honest) in everything.iter().filter(|(what, ..)| *what == own) {
        let others = everything.iter().filter(|(what, from, _)| (*what, from) != (own, round));
        for (what, from, other) in others {
            // Lengths come first; what has the right ones by chance names another context or transcript.
            let abort = match round {
                _ if lengths(other) != lengths(honest) => Abort::Malformed(sender()),
                1 => Abort::Config,
                _ => Abort::Equivocation,
            };
            let end = replaced(start(), record, *round, other);
            let expected = Some(Refusal::new(*round, abort));
            assert_eq!(end, expected, "round {from} of {what} in round {round} of {own}");
        }
    }
}

#[test]
fn every_message_of_another_place_is_refused_in_key_generation_without_a_cheat() {
    assert_all_refused("keygen", &KEYGEN.record().0, || KEYGEN.start(victim()).0);
}

#[test]
fn every_message_of_another_place_is_refused_in_a_refresh_without_a_cheat() {
    let refresh = ReshareStory::refresh(REFRESH, TWO_OF_TWO.shares());

    assert_all_refused("refresh", &refresh.record().0, || refresh.start(victim()).0);
}

#[test]
fn every_message_of_another_place_is_refused_in_signing_without_a_cheat_or_poison() {
    let shares = TWO_OF_TWO.shares();
    let signing = Signing::new("this session", &[1, 2]);
    let (record, _) = signing.record(&shares);

    assert_all_refused("sign", &record, || signing.start(&shares[&victim()]).unwrap().0);

    assert!(pair_signs(&shares[&victim()], &shares[&sender()]));
}

/// Every wrong set of senders, made from the right inbox.
fn wrong_senders(inbox: impl Fn() -> Inbox, stranger: PartyIndex) -> Vec<Inbox> {
    let of = |change: &dyn Fn(&mut Inbox)| {
        let mut inbox = inbox();
        change(&mut inbox);
        inbox
    };
    let moved = |inbox: &mut Inbox, to| {
        let incoming = inbox.remove(&sender()).unwrap();
        inbox.insert(to, incoming);
    };
    let copied = |inbox: &mut Inbox, to| {
        let Incoming { broadcast, private } = &inbox[&sender()];
        let copy = message(broadcast, private);
        inbox.insert(to, copy);
    };
    vec![
        Inbox::new(),
        of(&|inbox| drop(inbox.remove(&sender()))),
        of(&|inbox| moved(inbox, victim())),
        of(&|inbox| moved(inbox, stranger)),
        of(&|inbox| copied(inbox, victim())),
        of(&|inbox| copied(inbox, stranger)),
    ]
}

#[test]
fn a_missing_unknown_or_reflected_sender_is_config_in_every_round() {
    let story = KeygenStory::new("wrong senders", 2, 3);
    let (record, _) = story.record();
    for round in ROUNDS {
        for case in 0..6 {
            let end = follow(story.start(victim()).0, |now| {
                let inbox = || record.inbox(now, victim());
                if now == round { wrong_senders(inbox, party(4)).remove(case) } else { inbox() }
            });
            assert_eq!(end.err(), Some(Refusal::new(round, Abort::Config)), "keygen, case {case}");
        }
    }

    let shares = THREE_OF_FIVE.shares();
    let signing = Signing::new("wrong senders", &[1, 2, 3]);
    let (record, _) = signing.record(&shares);
    for round in ROUNDS {
        for case in 0..6 {
            let machine = signing.start(&shares[&victim()]).unwrap().0;
            let end = follow(machine, |now| {
                let inbox = || record.inbox(now, victim());
                if now == round { wrong_senders(inbox, party(4)).remove(case) } else { inbox() }
            });
            assert_eq!(end.err(), Some(Refusal::new(round, Abort::Config)), "sign, case {case}");
        }
    }
}

/// What is exchanged between parties 2 and 3.
#[derive(Debug, Clone, Copy)]
enum Exchange {
    /// Their messages to the victim, each under the other's name.
    Senders,
    /// What party 2 sends to the victim and to party 3 alone.
    Recipients,
}

/// The victim's inboxes, with an exchange in one round.
fn exchanged(record: &Record, exchange: Exchange, round: u8) -> impl Fn(u8) -> Inbox {
    move |now| {
        let mut bodies: Vec<Body> =
            record.0.iter().filter(|body| body.round == now).cloned().collect();
        for body in bodies.iter_mut().filter(|_| now == round) {
            match exchange {
                Exchange::Senders if body.to == victim() => body.from = party(5 - body.from.get()),
                Exchange::Recipients if body.from == sender() && body.channel == Private => {
                    body.to = party(4 - body.to.get());
                }
                _ => {}
            }
        }
        collect(&bodies, victim())
    }
}

#[test]
fn a_body_under_another_name_or_for_another_party_yields_nothing_but_can_be_blamed_on_its_sender() {
    use Exchange::{Recipients, Senders};
    let at = |round, abort| Some(Refusal::new(round, abort));
    let cheat = at(2, Abort::Cheat(sender()));
    let setup_cheat = at(3, Abort::SetupCheat(sender()));

    let story = KeygenStory::new("exchanged bodies", 2, 3);
    let (record, _) = story.record();
    for (exchange, round, expected) in [
        (Senders, 1, at(2, Abort::Equivocation)),
        (Senders, 2, cheat),
        (Senders, 3, setup_cheat),
        (Recipients, 2, cheat),
        (Recipients, 3, setup_cheat),
    ] {
        let end = follow(story.start(victim()).0, exchanged(&record, exchange, round)).err();
        assert_eq!(end, expected, "{exchange:?} in round {round} of key generation");
    }

    let shares = THREE_OF_FIVE.shares();
    let signing = Signing::new("exchanged bodies", &[1, 2, 3]);
    let (record, _) = signing.record(&shares);
    for (exchange, round, expected) in [
        // The pair id comes before the check that would poison.
        (Senders, 1, at(1, Abort::Config)),
        (Recipients, 1, at(1, Abort::Config)),
        (Senders, 2, cheat),
        (Recipients, 2, cheat),
        // Sums: who said what makes no difference.
        (Senders, 3, None),
    ] {
        let machine = signing.start(&shares[&victim()]).unwrap().0;
        let end = follow(machine, exchanged(&record, exchange, round)).err();
        assert_eq!(end, expected, "{exchange:?} in round {round} of signing");
    }
    assert!(Signing::new("afterwards", &[1, 2, 3]).succeeds(&shares));
}
