//! The verdict gate seen from sessions: one failed check ends everything with that peer, and only
//! with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dkls23::sign::{self, SignSetup};
use dkls23::{Abort, Inbox, Incoming, KeyShare, PartyIndex};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use zeroize::Zeroizing;

use crate::committee::{Each, committee, exchange, item, never, parties, party};

/// Where the SoftSpoken check value x̃ is in a private body of round 1.
const X_CHECK: usize = 64 + 32 * 68;

fn start(
    shares: &Each<Arc<KeyShare>>,
    me: u8,
    quorum: &[u8],
    session: u8,
    items: u8,
) -> Result<(sign::Round1, dkls23::Outgoing), Abort> {
    let items = (0..items).map(|digest| item([digest; 32])).collect();
    let setup = SignSetup::new([session; 32], &parties(quorum), items).unwrap();
    let mut rng = ChaCha20Rng::from_seed([me; 32]);
    sign::start(Arc::clone(&shares[&party(me)]), setup, &mut rng, &never)
}

/// Party 1 after round 1 with party 2, and what party 2 sends it.
fn session(shares: &Each<Arc<KeyShare>>, session: u8, items: u8) -> (sign::Round1, Inbox) {
    let (round, _) = start(shares, 1, &[1, 2], session, items).unwrap();
    let (_, sent) = start(shares, 2, &[1, 2], session, items).unwrap();
    (round, inbox(party(2), sent.broadcast, sent.private[&party(1)].to_vec()))
}

fn inbox(from: PartyIndex, broadcast: Vec<u8>, private: Vec<u8>) -> Inbox {
    [(from, Incoming { broadcast, private: Zeroizing::new(private) })].into()
}

fn flip(inbox: &mut Inbox, position: usize) {
    inbox.values_mut().for_each(|incoming| incoming.private[position] ^= 1);
}

fn receive(round: sign::Round1, inbox: Inbox) -> Result<sign::Round2, Abort> {
    let mut rng = ChaCha20Rng::from_seed([77; 32]);
    Ok(round.receive(inbox, &mut rng, &never)?.0)
}

#[test]
fn a_failed_check_poisons_the_pair_at_once() {
    let shares = committee("poisons at once", 2, 3);
    let (round, mut inbox) = session(&shares, 1, 1);
    flip(&mut inbox, X_CHECK);

    assert_eq!(receive(round, inbox).err(), Some(Abort::OtPoisoned(party(2))));
    assert!(shares[&party(1)].pair(party(2)).unwrap().is_poisoned());
    assert_eq!(start(&shares, 1, &[1, 2], 2, 1).err(), Some(Abort::Config));
    assert!(start(&shares, 1, &[1, 3], 2, 1).is_ok());
}

#[test]
fn sessions_beside_a_failed_one_end_in_every_round_whatever_their_own_verdict() {
    let shares = committee("beside", 2, 3);
    let poisoned = || Some(Abort::OtPoisoned(party(2)));
    let (before, honest) = session(&shares, 1, 1);
    let (round, inbox) = session(&shares, 2, 1);
    let answered = receive(round, inbox).unwrap();

    let (round, mut tampered) = session(&shares, 3, 1);
    flip(&mut tampered, X_CHECK);
    receive(round, tampered).err().unwrap();

    assert_eq!(before.release().err(), poisoned());
    assert_eq!(receive(before, honest).err(), poisoned());
    assert_eq!(answered.release().err(), poisoned());
    assert_eq!(answered.receive(Inbox::new(), &never).err(), poisoned());
}

#[test]
fn a_finished_signature_is_not_released_by_a_poisoned_pair() {
    let shares = committee("last round", 2, 2);
    let quorum = [1, 2];
    let rounds = quorum.map(|me| (party(me), start(&shares, me, &quorum, 1, 1).unwrap()));
    let (rounds, outgoing): (Vec<_>, Vec<_>) =
        rounds.into_iter().map(|(me, (round, out))| ((me, round), (me, out))).unzip();
    let mut inboxes = exchange(1, &outgoing.into_iter().collect(), &mut Vec::new());
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut outgoing = Each::new();
    let mut seconds = Vec::new();
    for (me, round) in rounds {
        let (round, out) = round.receive(inboxes.remove(&me).unwrap(), &mut rng, &never).unwrap();
        seconds.push((me, round));
        outgoing.insert(me, out);
    }
    let mut inboxes = exchange(2, &outgoing, &mut Vec::new());
    let mut outgoing = Each::new();
    let mut thirds = Vec::new();
    for (me, round) in seconds {
        let (round, out) = round.receive(inboxes.remove(&me).unwrap(), &never).unwrap();
        thirds.push((me, round));
        outgoing.insert(me, out);
    }
    let mut inboxes = exchange(3, &outgoing, &mut Vec::new());
    shares[&party(1)].pair(party(2)).unwrap().poison();

    for (me, round) in thirds {
        let finished = round.receive(inboxes.remove(&me).unwrap());
        let expected = (me == party(1)).then_some(Abort::OtPoisoned(party(2)));
        assert_eq!(finished.err(), expected);
    }
}

#[test]
fn a_batch_has_one_verdict_whichever_item_fails() {
    for tampered in 0..3 {
        let shares = committee("one verdict", 2, 2);
        let (round, mut inbox) = session(&shares, 1, 3);
        flip(&mut inbox, tampered * (64 + 4240) + X_CHECK);
        assert_eq!(receive(round, inbox).err(), Some(Abort::OtPoisoned(party(2))));
    }
}

#[test]
fn cancelling_after_a_failure_was_seen_does_not_undo_it() {
    let shares = committee("cancelled too late", 2, 2);
    let (round, mut inbox) = session(&shares, 1, 3);
    flip(&mut inbox, X_CHECK); // the first of three items
    let polls = AtomicUsize::new(0);
    let cancel = || polls.fetch_add(1, Ordering::Relaxed) >= 1;
    let mut rng = ChaCha20Rng::seed_from_u64(1);

    let ended = round.receive(inbox, &mut rng, &cancel).err();

    assert_eq!(ended, Some(Abort::OtPoisoned(party(2))));
    assert!(shares[&party(1)].pair(party(2)).unwrap().is_poisoned());
}

#[test]
fn what_is_not_a_verdict_does_not_poison() {
    let shares = committee("no verdict", 2, 2);
    let pair_id = 32;
    for (position, expected) in [(pair_id, Abort::Config), (0, Abort::Malformed(party(2)))] {
        let (round, mut inbox) = session(&shares, 1, 1);
        flip(&mut inbox, position);
        assert_eq!(receive(round, inbox).err(), Some(expected));
    }
    assert!(!shares[&party(1)].pair(party(2)).unwrap().is_poisoned());
}

#[test]
fn a_reported_cheat_ends_running_sessions_and_no_later_ones() {
    let shares = committee("reported", 2, 3);
    let (running, inbox) = session(&shares, 1, 1);
    let (with_another, _) = start(&shares, 1, &[1, 3], 1, 1).unwrap();

    shares[&party(1)].pair(party(2)).unwrap().report_cheat();

    assert_eq!(running.release(), Err(Abort::Cheat(party(2))));
    assert_eq!(receive(running, inbox).err(), Some(Abort::Cheat(party(2))));
    assert_eq!(with_another.release(), Ok(()));
    let (later, inbox) = session(&shares, 2, 1);
    assert!(receive(later, inbox).is_ok());
}

#[test]
fn a_failure_counts_even_in_a_session_that_a_cheat_has_ended() {
    let shares = committee("both", 2, 2);
    let (round, mut inbox) = session(&shares, 1, 1);
    flip(&mut inbox, X_CHECK);
    // The cheat is reported while the check is computed: at the first poll of round 1.
    let pair = Arc::clone(shares[&party(1)].pair(party(2)).unwrap());
    let cancel = || {
        pair.report_cheat();
        false
    };
    let mut rng = ChaCha20Rng::seed_from_u64(1);

    let ended = round.receive(inbox, &mut rng, &cancel).err();

    assert_eq!(ended, Some(Abort::OtPoisoned(party(2))));
    assert!(pair.is_poisoned());
}

#[test]
fn of_many_threads_none_is_answered_after_the_first_failure() {
    let shares = committee("threads", 2, 2);
    let sessions: Vec<_> = (1..=16)
        .map(|number| {
            let (round, mut inbox) = session(&shares, number, 1);
            flip(&mut inbox, X_CHECK + usize::from(number));
            (round, inbox)
        })
        .collect();
    let (honest, honest_inbox) = session(&shares, 17, 1);
    let ended: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = sessions
            .into_iter()
            .map(|(round, inbox)| scope.spawn(move || receive(round, inbox).err()))
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });

    assert!(ended.iter().all(|abort| *abort == Some(Abort::OtPoisoned(party(2)))));
    assert_eq!(receive(honest, honest_inbox).err(), Some(Abort::OtPoisoned(party(2))));
}
