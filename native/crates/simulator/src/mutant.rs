//! Bugs planted in what drives the shipped code, to show that the simulator would find them.

/// A planted bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutant {
    /// Older epochs go when two of three acknowledged.
    EraseOnTwoAcknowledgements,
    /// Older epochs go in a commit before the certificate's.
    EraseBeforeCertificate,
    /// An attempt that stalls is dropped though it was acknowledged.
    DropAcknowledged,
    /// The acknowledgement leaves before the shares are on disk.
    AcknowledgeBeforePrepare,
    /// A crash forgets what was acknowledged.
    ForgetAcknowledged,
    /// A crash forgets which numbers were taken.
    ForgetNumber,
    /// A crash forgets which keys were replaced.
    ForgetReplaced,
    /// Signatures of a certificate are not verified.
    BelieveCertificate,
    /// A poisoning is reported and then written.
    ReportBeforePoison,
}
