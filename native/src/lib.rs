//! The native addon of `@mpc-wallet/sdk`: converts, schedules and maps errors. Protocol and rules are in
//! `native/crates`; public types of the SDK never re-export what is here.

mod authority;
mod backup;
mod build_info;
mod clock;
mod convert;
mod error;
mod generator;
mod identity;
mod intent;
mod invitation;
mod notice;
mod pool;
mod recovery;
mod reshare;
mod session;
mod store;
#[cfg(feature = "test-panics")]
mod test_panics;
mod vault;
mod wallet;

#[napi_derive::module_init]
fn init() {
    error::install_panic_hook();
}
