//! Ceremonies between parties that meet only through envelopes.
//!
//! `committee` is three parties and a network, `hostile` a party's keys in other hands, `recording` one party's part
//! of a key generation lived again, `fields` the table of what is changed where. The rest are tests.

// Marked as test code, so that the lints for it apply to the helpers too.
#[cfg(test)]
mod authorization;
#[cfg(test)]
mod backup;
#[cfg(test)]
mod committee;
#[cfg(test)]
mod descriptor;
#[cfg(test)]
mod encoding;
#[cfg(test)]
mod equivocation;
#[cfg(test)]
mod fields;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod insider_keygen;
#[cfg(test)]
mod insider_sign;
#[cfg(test)]
mod invitation;
#[cfg(test)]
mod keygen;
#[cfg(test)]
mod outsider;
#[cfg(test)]
mod pairing;
#[cfg(test)]
mod parts;
#[cfg(test)]
mod persons;
#[cfg(test)]
mod poisoning;
#[cfg(test)]
mod proposal;
#[cfg(test)]
mod recording;
#[cfg(test)]
mod reshare;
#[cfg(test)]
mod secrecy;
mod sign;
#[cfg(test)]
mod stopping;
#[cfg(test)]
mod storage;
