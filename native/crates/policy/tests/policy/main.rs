//! What a survivor demands before it joins a ceremony, and what a policy says to requests. `persons` has keys and
//! restarts, `requests` a wallet and its ledger; the rest are tests.

// Marked as test code, so that the lints for it apply to the helpers too.
#[cfg(test)]
mod approvals;
#[cfg(test)]
mod asking;
#[cfg(test)]
mod books;
#[cfg(test)]
mod caips;
#[cfg(test)]
mod calls;
#[cfg(test)]
mod changes;
#[cfg(test)]
mod clocks;
#[cfg(test)]
mod diffs;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod evaluation_properties;
#[cfg(test)]
mod forgeries;
#[cfg(test)]
mod freeze;
#[cfg(test)]
mod ledger_properties;
#[cfg(test)]
mod ledger_records;
#[cfg(test)]
mod passkeys;
#[cfg(test)]
mod persons;
#[cfg(test)]
mod policy_documents;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod recipients;
#[cfg(test)]
mod records;
#[cfg(test)]
mod recovery;
#[cfg(test)]
mod refresh;
#[cfg(test)]
mod replays;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod spending;
#[cfg(test)]
mod spending_limits;
#[cfg(test)]
mod times;
#[cfg(test)]
mod webauthn;
