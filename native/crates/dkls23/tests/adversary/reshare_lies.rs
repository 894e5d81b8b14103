//! Lies in refresh and recovery that no changed byte can tell: dealers that deal another secret, describe another epoch,
//! or show two faces, and parties that deal without being asked.

use std::sync::Arc;

use dkls23::reshare::{ReshareKind, ReshareSetup};
use dkls23::{Abort, Epoch, KeyShare, PartyIndex};
use k256::{ProjectivePoint, Scalar};
use rand_chacha::ChaCha20Rng;
use rand_core::{CryptoRng, Error, RngCore};
use tagged_hash::{hash, tags};

use crate::attacker::{draw, draw_scalar, encode, point33, ser33, times_generator, weight_of};
use crate::committee::{Each, party};
use crate::dealer::prove;
use crate::router::Channel::{Broadcast, Private};
use crate::router::{Body, Dealing, End, Refusal, body, edit, nobody, run};
use crate::stolen::Stolen;
use crate::story::{
    KeygenStory, ReshareStory, Signing, TWO_OF_THREE, TWO_OF_TWO, generator, named,
};

/// Parties 1 and 2 deal, 3 is new; 2 lies.
const LIAR: u8 = 2;

fn recovery(name: &'static str) -> ReshareStory {
    ReshareStory::recover(name, TWO_OF_THREE.shares_without(3), &[1, LIAR])
}

fn in_round(round: u8, abort: Abort) -> Option<Refusal> {
    Some(Refusal::new(round, abort))
}

/// How the parties that do not lie end.
fn honest_ends(ends: &Each<End<KeyShare>>) -> [Option<Refusal>; 2] {
    [1, 3].map(|member| ends[&party(member)].refusal())
}

/// What the liar draws in round 1, and the polynomial that an honest dealer would make of it.
struct Draws {
    nonce: [u8; 32],
    coefficients: Vec<Scalar>,
    blind: [u8; 32],
}

impl Draws {
    fn of(story: &ReshareStory) -> Self {
        let me = party(LIAR);
        let mut rng = generator(story.name, me);
        let nonce = draw(&mut rng);
        let part_of_key = weight_of(me, party(1)) * Stolen::of(&story.old[&me]).secret;
        let coefficients = vec![part_of_key, draw_scalar(&mut rng)];
        Self { nonce, coefficients, blind: draw(&mut rng) }
    }

    fn points(&self) -> Vec<[u8; 33]> {
        self.coefficients.iter().map(|f| ser33(&times_generator(f))).collect()
    }

    fn commitment(&self, ctx: &[u8]) -> [u8; 32] {
        let (points, index) = (self.points(), [LIAR]);
        let mut parts = vec![ctx, &index, &self.nonce];
        parts.extend(points.iter().map(|point| &point[..]));
        parts.push(&self.blind);
        hash(tags::RESHARE_COM, &parts)
    }

    /// The broadcast of round 2.
    fn opening(&self, sid: &[u8; 32]) -> Vec<u8> {
        let mut opening = sid.to_vec();
        opening.extend(self.points().as_flattened());
        opening.extend(self.blind);
        for (k, f) in self.coefficients.iter().enumerate() {
            opening.extend(prove(sid, party(LIAR), k, f, &Scalar::from(7u32)));
        }
        opening
    }

    fn share_for(&self, member: PartyIndex) -> Scalar {
        self.coefficients[0] + Scalar::from(u32::from(member.get())) * self.coefficients[1]
    }
}

fn session(bodies: &[Body]) -> [u8; 32] {
    let hello = |from: u8| {
        let to = if from == 1 { 3 } else { 1 };
        [&[from], &body(bodies, party(from), party(to), Broadcast)[32..]].concat()
    };
    let hellos = [1, LIAR, 3].map(hello);
    let ctx = &body(bodies, party(1), party(3), Broadcast)[..32];
    hash(tags::RESHARE_SID, &[ctx, &hellos[0], &hellos[1], &hellos[2]])
}

/// The liar proves and deals `lie` in place of its own polynomial, and commits to it before or only says so afterwards.
fn deals(
    name: &'static str,
    committed: bool,
    lie: impl Fn(&mut Vec<Scalar>),
) -> [Option<Refusal>; 2] {
    let (story, liar) = (recovery(name), party(LIAR));
    let mut draws = Draws::of(&story);
    lie(&mut draws.coefficients);
    let mut sid = [0; 32];
    let ends = story.run(&mut |round, bodies| match round {
        1 => {
            for to in [1, 3].map(party).into_iter().filter(|_| committed) {
                edit(bodies, liar, to, Broadcast, |body| {
                    let commitment = draws.commitment(&body[..32]);
                    body[64..].copy_from_slice(&commitment);
                });
            }
            sid = session(bodies);
        }
        2 => {
            for to in [1, 3].map(party) {
                edit(bodies, liar, to, Broadcast, |body| *body = draws.opening(&sid));
                edit(bodies, liar, to, Private, |body| {
                    body[..32].copy_from_slice(&encode(&draws.share_for(to)));
                });
            }
        }
        _ => {}
    });
    honest_ends(&ends)
}

#[test]
fn a_dealer_that_deals_another_secret_than_its_part_of_the_key_is_a_cheat_to_all() {
    type Lie = fn(&mut Vec<Scalar>);
    let cheat = in_round(2, Abort::Cheat(party(LIAR)));
    let lies: [(_, Lie); 4] = [
        ("a part of the key and one", |f| f[0] += Scalar::ONE),
        ("its part, negative", |f| f[0] = -f[0]),
        ("its share without the weight", |f| {
            f[0] *= weight_of(party(LIAR), party(1)).invert().unwrap();
        }),
        ("its part for another quorum", |f| {
            let right = weight_of(party(LIAR), party(1));
            f[0] *= right.invert().unwrap() * weight_of(party(LIAR), party(3));
        }),
    ];
    for (name, lie) in lies {
        assert_eq!(deals(name, true, lie), [cheat; 2], "{name}");
    }
}

#[test]
fn any_other_polynomial_through_its_part_of_the_key_is_the_dealers_own_choice() {
    // Nothing is refused: the liar's engine, which knows nothing of this polynomial, leaves the others waiting.
    assert_eq!(deals("another slope", true, |f| f[1] += Scalar::ONE), [None; 2]);
}

#[test]
fn after_a_lie_the_old_shares_sign_and_the_same_parties_recover() {
    let story = recovery("a lie");
    let ends = story.run(&mut |round, bodies| {
        if round == 2 {
            edit(bodies, party(LIAR), party(1), Private, |body| body[31] ^= 1);
        }
    });
    assert_eq!(honest_ends(&ends)[0], in_round(2, Abort::Cheat(party(LIAR))));

    let new = ReshareStory { name: "another attempt", ..story.clone() }.shares();

    assert!(Signing::new("the old epoch", &[1, LIAR]).succeeds(&story.old));
    assert!(Signing::new("the new epoch", &[1, 3]).succeeds(&new));
}

#[test]
fn a_polynomial_chosen_after_the_others_committed_does_not_open_the_commitment() {
    let cheat = in_round(2, Abort::Cheat(party(LIAR)));
    assert_eq!(deals("a late slope", false, |f| f[1] += Scalar::ONE), [cheat; 2]);
}

/// The liar describes this epoch to the newcomer, or to the other dealer.
fn describes(name: &'static str, to: u8, epoch: &[u8]) -> Option<Refusal> {
    let story = recovery(name);
    let ends = story.run(&mut |round, bodies| {
        if round == 2 {
            edit(bodies, party(LIAR), party(to), Private, |body| {
                body[32..32 + epoch.len()].copy_from_slice(epoch);
            });
        }
    });
    let [one, three] = honest_ends(&ends);
    if to == 1 { one } else { three }
}

#[test]
fn a_party_that_is_told_of_another_old_epoch_than_its_own_ceremony_names_accuses_nobody() {
    let epoch = TWO_OF_THREE.share(1).epoch().encode();
    let flipped = |position: usize| {
        let mut other = epoch.clone();
        other[position] ^= 1;
        other
    };
    let mut other_key = epoch.clone();
    other_key[104..137].copy_from_slice(&ser33(&times_generator(&Scalar::from(5u32))));
    let refreshed = ReshareStory::refresh("an epoch between", TWO_OF_THREE.shares()).shares();
    let others = [
        ("another session", flipped(0)),
        ("another number", flipped(39)),
        ("another key", other_key),
        ("another chain code", flipped(epoch.len() - 1)),
        (
            "another wallet",
            KeygenStory::new("another wallet", 2, 3).shares()[&party(1)].epoch().encode(),
        ),
        ("a later epoch of the key", refreshed[&party(1)].epoch().encode()),
    ];
    for (name, other) in others {
        for to in [1, 3] {
            assert!(Epoch::decode(&other).is_ok());
            assert_eq!(describes(name, to, &other), in_round(2, Abort::Config), "{name}, to {to}");
        }
    }
    assert_eq!(describes("the old epoch", 3, &epoch), None);
}

#[test]
fn a_newcomer_that_deals_and_a_dealer_that_does_not_are_malformed() {
    for (from, as_if) in [(3, LIAR), (LIAR, 3)] {
        let [from, as_if, to] = [from, as_if, 1].map(party);
        for (round, channel) in [(1, Broadcast), (2, Broadcast), (2, Private)] {
            let story = recovery("roles exchanged");
            let ends = story.run(&mut |now, bodies| {
                if now == round {
                    let other = body(bodies, as_if, to, channel).to_vec();
                    edit(bodies, from, to, channel, |body| *body = other);
                }
            });
            let expected = in_round(round, Abort::Malformed(from));
            assert_eq!(ends[&to].refusal(), expected, "{from} in round {round}, {channel:?}");
        }
    }
}

#[test]
fn two_nonces_or_commitments_of_one_party_are_equivocation_in_round_2() {
    for (liar, position) in [(LIAR, 32), (LIAR, 64), (3, 32)] {
        let story = recovery("two faces");
        let ends = story.run(&mut |round, bodies| {
            if round == 1 {
                edit(bodies, party(liar), party(1), Broadcast, |body| body[position] ^= 1);
            }
        });
        for member in [1, 2, 3].into_iter().filter(|member| *member != liar) {
            let refusal = ends[&party(member)].refusal();
            assert_eq!(refusal, in_round(2, Abort::Equivocation), "party {member}");
        }
    }
}

#[test]
fn a_reshare_with_any_differing_setting_is_config_for_all_in_round_1() {
    let (recover, refresh) = (ReshareKind::Recover, ReshareKind::Refresh);
    let old = TWO_OF_THREE.shares_without(3);
    let epoch = old[&party(1)].epoch().id();
    // What a party without a share believes of them cannot be checked against one.
    let own = ("session", recover, "evm", "roster", epoch, [1, 2]);
    let others = [
        ("another session", recover, "evm", "roster", epoch, [1, 2]),
        ("session", recover, "evm2", "roster", epoch, [1, 2]),
        ("session", recover, "evm", "another roster", epoch, [1, 2]),
        ("session", recover, "evm", "roster", named("another epoch"), [1, 2]),
        ("session", recover, "evm", "roster", epoch, [1, 3]),
        ("session", recover, "evm", "roster", epoch, [0, 2]),
    ];
    let started = |index, settings, dealers: &[u8], share: Option<&KeyShare>| {
        let (session, kind, key_id, roster, old_id, [old_no, no]) = settings;
        let (session, roster) = (named(session), named(roster));
        let dealers = crate::committee::parties(dealers);
        let setup =
            ReshareSetup::new(session, kind, key_id, 2, 3, roster, old_id, old_no, no, &dealers);
        let rng = generator("settings", party(index));
        (party(index), Dealing::reshare(setup.unwrap(), party(index), share, rng).unwrap())
    };
    let share = |index| Some(old[&party(index)].as_ref());
    for other in others {
        let dealers = &[1, 2];
        let newcomer = started(3, other, dealers, None);
        let all =
            [started(1, own, dealers, share(1)), started(2, own, dealers, share(2)), newcomer];

        let ends = run(all.into(), &mut nobody);

        let config = in_round(1, Abort::Config);
        assert!(ends.values().all(|end| end.refusal() == config), "{other:?}");
    }

    // With everybody dealing, only the name of the ceremony tells the two kinds apart.
    let old = TWO_OF_THREE.shares();
    let start = |index, kind| {
        let settings = ("session", kind, "evm", "roster", epoch, [1, 2]);
        started(index, settings, &[1, 2, 3], Some(old[&party(index)].as_ref()))
    };
    let ends = run([start(1, recover), start(2, refresh), start(3, recover)].into(), &mut nobody);
    assert!(ends.values().all(|end| end.refusal() == in_round(1, Abort::Config)));
}

/// The old shares under another group key: an epoch that no honest ceremony made.
fn with_another_key(old: &Each<Arc<KeyShare>>) -> Each<Arc<KeyShare>> {
    let key = ser33(&times_generator(&Scalar::from(5u32)));
    let patched = |(member, share): (&PartyIndex, &Arc<KeyShare>)| {
        (*member, Stolen::of(share).under_group_key(&key))
    };
    old.iter().map(patched).collect()
}

#[test]
fn dealers_whose_parts_do_not_add_up_to_the_old_group_key_make_no_share() {
    let two = ReshareStory::refresh("of two", with_another_key(&TWO_OF_TWO.shares()));
    let ends = two.run(&mut nobody);
    for (member, other) in [(1, 2), (2, 1)] {
        let expected = in_round(3, Abort::Unattributed(Some(party(other))));
        assert_eq!(ends[&party(member)].refusal(), expected);
    }

    let three = with_another_key(&TWO_OF_THREE.shares_without(3));
    let ends = ReshareStory::recover("of three", three, &[1, 2]).run(&mut nobody);
    let nobodys = in_round(3, Abort::Unattributed(None));
    assert!(ends.values().all(|end| end.refusal() == nobodys));
}

/// A generator that gives these bytes in place of its own from one position on.
struct Rigged {
    rng: ChaCha20Rng,
    drawn: usize,
    piece: Option<[u8; 32]>,
}

impl RngCore for Rigged {
    fn next_u32(&mut self) -> u32 {
        self.rng.next_u32()
    }

    fn next_u64(&mut self) -> u64 {
        self.rng.next_u64()
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.rng.fill_bytes(bytes);
        // After the nonce comes the first coefficient that a dealer draws.
        if let (32, Some(piece)) = (self.drawn, self.piece) {
            bytes.copy_from_slice(&piece);
        }
        self.drawn += bytes.len();
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl CryptoRng for Rigged {}

#[test]
fn a_refresh_that_leaves_a_party_a_share_of_zero_is_unattributed() {
    let story = ReshareStory::refresh("a share of zero", TWO_OF_TWO.shares());
    let [one, two] = [1, 2].map(party);
    let secret = |member| Stolen::of(&story.old[&member]).secret;
    let key = weight_of(one, two) * secret(one) + weight_of(two, one) * secret(two);
    let mut rng = generator(story.name, one);
    let _nonce: [u8; 32] = draw(&mut rng);
    let slope = draw_scalar(&mut rng);
    // More than an attacker can know before it commits: the sum of the polynomials is zero at 1.
    let rigged = encode(&-(key + slope));
    let start = |(member, piece)| {
        let rng = Rigged { rng: generator(story.name, member), drawn: 0, piece };
        let share = Some(story.old[&member].as_ref());
        (member, Dealing::reshare(story.setup(), member, share, rng).unwrap())
    };

    let ends = run([(one, None), (two, Some(rigged))].map(start).into(), &mut nobody);

    for (member, other) in [(one, two), (two, one)] {
        let expected = in_round(3, Abort::Unattributed(Some(other)));
        assert_eq!(ends[&member].refusal(), expected);
    }
}

/// The three parties' shares of two epochs: before and after.
fn epochs() -> Vec<[Each<Arc<KeyShare>>; 2]> {
    let old = TWO_OF_THREE.shares();
    let refreshed = ReshareStory::refresh("refreshed", old.clone()).shares();
    let recovered = recovery("recovered").shares();
    vec![[old.clone(), refreshed], [old, recovered]]
}

#[test]
fn no_share_of_an_old_epoch_signs_with_one_of_a_new_epoch_and_nobody_is_accused() {
    let config = in_round(1, Abort::Config);
    for [old, new] in epochs() {
        for (i, j) in [(1, 2), (1, 3), (2, 1), (2, 3), (3, 1), (3, 2)] {
            let [i, j] = [i, j].map(party);
            // The thief of an old share may have the OT state of the new epoch as well.
            let mut with_new_pairs = Stolen::of(&old[&i]);
            with_new_pairs.peers = Stolen::of(&new[&i]).peers;
            for share in [old[&i].clone(), with_new_pairs.share()] {
                let mixed = Each::from([(i, share), (j, new[&j].clone())]);
                let quorum = [i.min(j).get(), i.max(j).get()];

                let ends = Signing::new("two epochs", &quorum).run(&mixed, &mut nobody);

                assert!(ends.values().all(|end| end.refusal() == config), "{i} old, {j} new");
                assert!(!new[&j].pair(i).unwrap().is_poisoned());
            }
        }
        for quorum in [[1, 2], [1, 3], [2, 3]] {
            assert!(Signing::new("the new epoch", &quorum).succeeds(&new));
        }
    }
}

#[test]
fn the_key_is_in_two_shares_of_one_epoch_and_in_no_mixture_of_two() {
    for [old, new] in epochs() {
        let key = ProjectivePoint::from(point33(&old[&party(1)].public_key()));
        for (i, j) in [(1, 2), (1, 3), (2, 3)] {
            let [i, j] = [i, j].map(party);
            let is_key = |one: &Each<Arc<KeyShare>>, other: &Each<Arc<KeyShare>>| {
                let secret =
                    |shares: &Each<Arc<KeyShare>>, member| Stolen::of(&shares[&member]).secret;
                let sum = weight_of(i, j) * secret(one, i) + weight_of(j, i) * secret(other, j);
                ProjectivePoint::from(times_generator(&sum)) == key
            };
            assert!(is_key(&new, &new));
            assert!(!is_key(&old, &new) && !is_key(&new, &old), "{i} and {j}");
            // Which is why an old epoch is erased once everybody confirmed the next.
            assert!(is_key(&old, &old));
        }
    }
}
