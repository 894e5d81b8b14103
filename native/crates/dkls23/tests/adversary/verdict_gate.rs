//! The verdict gate: one failed check is the last word about a pair, however many sessions and threads run beside it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;

use dkls23::{Abort, KeyShare};

use crate::attacker::Row;
use crate::committee::party;
use crate::duel::{Duel, to};
use crate::layout;
use crate::router::Channel::Private;
use crate::router::{End, Refusal, edit, nobody, only, run};
use crate::stolen::Stolen;
use crate::story::{Signing, TWO_OF_THREE, generator, pair_signs};

const WORKERS: usize = 4;

fn error() -> Row {
    let mut error = [0; 68];
    error[0] = 1;
    error
}

#[test]
fn of_512_guesses_on_4_threads_none_is_answered_after_the_first_failure() {
    let share = TWO_OF_THREE.share(1);
    let peer = party(2);
    let holes = Stolen::of(&share);
    let stolen = Stolen::of(&TWO_OF_THREE.share(2));
    let with_third = Signing::new("with the third", &[1, 3]);
    let (third, running) = (TWO_OF_THREE.share(3), with_third.start(&share).unwrap());

    let mut right = Vec::new();
    let mut others = Vec::new();
    for tree in 0..32 {
        for guess in 0..16 {
            let name = format!("guess {guess} in tree {tree}");
            let mut duel = Duel::start(&name, &share, stolen.clone());
            duel.attacker.guess = Some((tree, error(), guess));
            let hello = duel.attacker.round1();
            let is_right = tree < 8 && guess == holes.state(peer).hole(tree);
            if is_right { &mut right } else { &mut others }.push((duel, hello));
        }
    }
    assert_eq!((right.len(), others.len()), (8, 504));

    // Luck: eight right guesses in a row are answered.
    let answered = right.into_iter().map(|(duel, hello)| duel.receive(hello).unwrap());
    let answered: Vec<_> = answered.collect();

    let (failed, late) = (AtomicBool::new(false), AtomicUsize::new(0));
    let (queue, refusals) = (Mutex::new(others), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                loop {
                    let Some((duel, hello)) = queue.lock().unwrap().pop() else { break };
                    let failed_before = failed.load(SeqCst);
                    match duel.receive(hello) {
                        Ok(duel) => {
                            let failed_before_leaving = failed.load(SeqCst);
                            let leaves = duel.release().is_ok();
                            let is_late = failed_before || leaves && failed_before_leaving;
                            late.fetch_add(is_late.into(), SeqCst);
                        }
                        Err(abort) => {
                            failed.store(true, SeqCst);
                            refusals.lock().unwrap().push(abort);
                        }
                    }
                }
            });
        }
    });

    assert_eq!(late.into_inner(), 0);
    let refusals = refusals.into_inner().unwrap();
    assert!(refusals.iter().all(|abort| *abort == Abort::OtPoisoned(peer)));
    // 480 guesses are wrong; of the 24 right ones a few may have been quicker than the first failure.
    assert!(refusals.len() >= 480);
    assert!(answered.iter().all(|duel| duel.release() == Err(Abort::OtPoisoned(peer))));
    let again = Signing::new("one more guess", &[1, 2]).start(&share).err();
    assert_eq!(again, Some(Abort::Config));

    let with_third = [(party(1), running), (party(3), with_third.start(&third).unwrap())];
    assert!(run(with_third.into(), &mut nobody).values().all(End::is_done));
}

#[test]
fn honest_sessions_stop_in_every_round_once_the_pair_is_poisoned() {
    let poisoned = Abort::OtPoisoned(party(2));
    for round in 1..4 {
        let share = TWO_OF_THREE.share(1);
        let mut shares = TWO_OF_THREE.shares();
        shares.insert(party(1), share.clone());
        let signing = Signing::new("honest sessions", &[1, 2]);

        let ends = signing.run(&shares, &mut |now, _| {
            if now == round {
                share.pair(party(2)).unwrap().poison();
            }
        });

        assert_eq!(ends[&party(1)].refusal(), Some(Refusal::new(round, poisoned)));
    }
}

#[test]
fn one_bad_item_of_a_batch_poisons_whichever_it_is_and_no_item_is_answered() {
    for item in 0..3 {
        let shares = TWO_OF_THREE.shares();
        let signing = Signing::batch("one bad item", &[1, 2], 3);
        let length = layout::sign(1)[1].length();
        let mut answered = false;
        let ends = signing.run(&shares, &mut |round, bodies| {
            if round == 1 {
                let last_of_item = length * (item + 1) - 1;
                edit(bodies, party(2), party(1), Private, |body| body[last_of_item] ^= 1);
            }
            answered |= round > 1 && bodies.iter().any(|body| body.from == party(1));
        });

        let expected = Refusal::new(1, Abort::OtPoisoned(party(2)));
        assert_eq!((ends[&party(1)].refusal(), answered), (Some(expected), false));
    }
}

#[test]
fn cancelling_after_a_failed_check_does_not_undo_it() {
    let share = TWO_OF_THREE.share(1);
    let signing = Signing::batch("a cancelled batch", &[1, 2], 2);
    let mut rng = generator("a cancelled batch", party(1));
    let never = || false;
    let (round1, _) =
        dkls23::sign::start(share.clone(), signing.setup(), &mut rng, &never).unwrap();
    let mut hello = to(&signing.start(&TWO_OF_THREE.share(2)).unwrap().1, party(1));
    let last_of_first_item = layout::sign(1)[1].length() - 1;
    hello.private[last_of_first_item] ^= 1;

    // The first item is checked, then somebody cancels.
    let asked = AtomicUsize::new(0);
    let cancel = || asked.fetch_add(1, SeqCst) > 0;
    let end = round1.receive(only(party(2), hello), &mut rng, &cancel);

    assert_eq!(end.err(), Some(Abort::OtPoisoned(party(2))));
    assert!(share.pair(party(2)).unwrap().is_poisoned());
}

#[test]
fn two_handles_of_one_share_have_one_gate_once_it_is_adopted_and_poison_wins() {
    for poisoned_before in [false, true] {
        let first = TWO_OF_THREE.share(1);
        let mut second = KeyShare::decode(&first.encode()).unwrap();
        if poisoned_before {
            second.pair(party(2)).unwrap().poison();
        }
        second.adopt_pair(party(2), first.pair(party(2)).unwrap().clone()).unwrap();
        let second = Arc::new(second);
        if !poisoned_before {
            assert!(pair_signs(&first, &TWO_OF_THREE.share(2)));
            second.pair(party(2)).unwrap().poison();
        }

        for share in [&first, &second] {
            let refused = Signing::new("through either handle", &[1, 2]).start(share).err();
            assert_eq!(refused, Some(Abort::Config));
        }
    }
}
