//! What a survivor demands before it joins a ceremony. `persons` has keys and restarts; the rest are tests.

// Marked as test code, so that the lints for it apply to the helpers too.
#[cfg(test)]
mod approvals;
#[cfg(test)]
mod books;
#[cfg(test)]
mod changes;
#[cfg(test)]
mod clocks;
#[cfg(test)]
mod documents;
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
mod properties;
#[cfg(test)]
mod records;
#[cfg(test)]
mod recovery;
#[cfg(test)]
mod refresh;
#[cfg(test)]
mod spending;
#[cfg(test)]
mod webauthn;
