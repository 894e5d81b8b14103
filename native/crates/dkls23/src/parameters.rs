//! Sizes of the protocol (specification, table of section A).

/// λ_c: base OTs per direction, bits of Δ.
pub(crate) const LAMBDA_C: usize = 128;
/// ξ = κ + 2λ_s with κ = 256, λ_s = 80: choice bits β, length of the gadget.
pub(crate) const XI: usize = 416;
/// VOLE inputs of the sender: the nonce share and the key share.
pub(crate) const INPUTS: usize = 2;
/// The inputs and one check column.
pub(crate) const COLUMNS: usize = INPUTS + 1;
/// Levels of a PPRF tree, SoftSpokenOT's k.
pub(crate) const LEVELS: usize = 4;
/// PPRF trees of an ordered pair.
pub(crate) const TREES: usize = LAMBDA_C / LEVELS;
/// Leaves of a tree.
pub(crate) const LEAVES: usize = 1 << LEVELS;
/// ξ columns and the 128-bit mask of the check.
pub(crate) const ROW_BYTES: usize = (XI + 128) / 8;
/// Blocks of GF(2^128) that hold ξ columns; the last is padded with zeros.
pub(crate) const BLOCKS: usize = XI.div_ceil(128);
/// Bytes of a leaf and of a base-OT pad.
pub(crate) const SEED_BYTES: usize = 16;

/// Parties of a committee at most: a limit of the product, not of the protocol.
pub(crate) const MAX_PARTIES: u8 = 16;
/// Items of one signing session at most: a limit of the product, not of the protocol.
pub(crate) const MAX_ITEMS: usize = 64;

/// A leaf or a base-OT pad.
pub(crate) type Seed = [u8; SEED_BYTES];
