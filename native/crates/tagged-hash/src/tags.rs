//! Every domain of the wallet's hashes, in one place. A tag is never reused for another layout.

use crate::Tag;

macro_rules! tags {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        $($(#[$doc])* pub const $name: Tag = Tag($text);)*
        /// All of them, for the test of uniqueness and for vectors.
        pub const ALL: &[Tag] = &[$($name),*];
    };
}

tags! {
    /// Context of a key generation.
    CTX_KEYGEN = "ctx/keygen";
    /// Context of a refresh.
    CTX_REFRESH = "ctx/refresh";
    /// Context of a recovery.
    CTX_RECOVER = "ctx/recover";
    /// Context of one item of a signing session.
    CTX_SIGN = "ctx/sign";
    /// Name of one key's epoch.
    EPOCH = "epoch";

    /// Key generation: commitment to polynomial and chain-code share.
    DKG_COM = "dkg-com";
    /// Key generation: session after round 1.
    DKG_SID = "dkg-sid";
    /// Key generation: transcript after round 2.
    DKG_T2 = "dkg-T2";
    /// Chain code.
    CC = "cc";
    /// Challenge of a proof of knowledge.
    POK = "pok";
    /// Zero-sharing seed of a pair.
    ZSEED = "zseed";
    /// Refresh and recovery: commitment.
    RESHARE_COM = "reshare-com";
    /// Refresh and recovery: session after round 1.
    RESHARE_SID = "reshare-sid";
    /// Refresh and recovery: transcript after round 2.
    RESHARE_T2 = "reshare-T2";

    /// Base OT session of an ordered pair.
    OT = "ot";
    /// Pad of one base OT.
    OT_PAD = "ot-pad";
    /// Name of an ordered pair's OT state.
    OT_PAIR = "ot-pair";
    /// Children of a PPRF node.
    PPRF = "pprf";
    /// Proof value of a PPRF leaf.
    PPRF_PROVE = "pprf-prove";
    /// Hash over the proof values of a PPRF tree.
    PPRF_HASH = "pprf-hash";

    /// Key of an epoch's gadget vector.
    GADGET = "gadget";
    /// One element of the gadget vector.
    GADGET_J = "gadget-j";
    /// Expansion of a leaf.
    PRG = "prg";
    /// Seed of the check coefficients.
    CHI = "chi";
    /// One check coefficient.
    CHI_J = "chi-j";
    /// Randomised OT outputs.
    RAND = "rand";
    /// Seed of the VOLE consistency challenge.
    THETA = "theta";
    /// One challenge scalar.
    THETA_I = "theta-i";
    /// VOLE consistency hash.
    MU = "mu";

    /// Commitment to a nonce point.
    COM_R = "com-R";
    /// VOLE session of an ordered pair before round 2.
    SID1 = "sid1";
    /// Transcript of signing round 1.
    T1 = "T1";
    /// Hash of a VOLE message 1.
    M1 = "m1";
    /// VOLE session of an ordered pair from round 2.
    SID2 = "sid2";
    /// Zero share.
    ZETA = "zeta";
    /// Weight that joins the two checks of a peer's VOLE inputs; never sent.
    GAMMA = "gamma";
    /// Transcript of signing round 2.
    SIGN_T2 = "sign-T2";

    /// Checksum of an encoded key share.
    SHARE = "share";

    /// Seed of a session's random generator.
    RNG = "rng";

    /// Roster of a wallet.
    ROSTER = "roster";
    /// A party's public card: binds its sealing and approver keys to its identity key.
    CARD = "card";
    /// Commitment to a party's pairing nonce.
    PAIRING_NONCE = "pairing-nonce";
    /// The six words of a pairing.
    WORDS = "words";
    /// Signature over a session descriptor.
    SESSION_DESCRIPTOR = "session-descriptor";
    /// Signature over an envelope.
    ENVELOPE = "envelope";
    /// Salted commitment to a ceremony's setup details.
    SETUP_DETAILS = "setup-details";
    /// Hash over the broadcasts of a round.
    BROADCASTS = "broadcasts";
    /// Transcript of all keys of an epoch.
    EPOCH_ALL = "epoch-all";
    /// Challenge that a pair signs before it acknowledges an epoch.
    CONFIRM_EPOCH = "confirm-epoch";
    /// Acknowledgement of an epoch.
    ACK = "ack";
    /// First head of a session's relay chain.
    RELAY_GENESIS = "relay-genesis";

    /// Associated data of a sealed record: its name.
    SEALED = "sealed";
    /// Associated data of a backup file.
    BACKUP = "backup";
    /// What a key-encryption key is derived for: everything in its header.
    VAULT_KEK = "vault-kek";
    /// Checksum of a vault's header.
    VAULT_HEADER = "vault-header";

    /// Unsigned payload of a signing request.
    PAYLOAD = "payload";
    /// What of a payload a person approves, and who signs it.
    CONTENT = "content";
    /// Canonical policy document.
    DOC_POLICY = "doc/policy";
    /// Names a request to sign, at both signers.
    REQUEST = "request";
    /// What a principal signs of a request.
    PRINCIPAL = "principal";
    /// What only one signature can use up: an account's nonce.
    EXCLUSION = "exclusion";
    /// What a person was shown of a request.
    SHOWN = "shown";
    /// Names the record of a recipient in a store.
    RECIPIENT = "recipient";
    /// Policy and persons of an epoch, which its parties compare before they make it.
    PERSONS = "persons";
    /// Canonical proposal of a request, hashed by the SDK.
    DOC_PROPOSAL = "doc/proposal";

    /// One principal's part of the request ledger, hashed by the SDK.
    LEDGER_PRINCIPAL = "ledger-principal";
    /// Name of a request in the ledger, hashed by the SDK.
    LEDGER_REQUEST = "ledger-request";
    /// Link of the audit log, hashed by the SDK.
    AUDIT_ENTRY = "audit-entry";
    /// Signature over a head of the audit log.
    AUDIT_HEAD = "audit-head";
    /// Canonical ceremony document, which approvers sign.
    DOC_CEREMONY = "doc/ceremony";

    /// Checksum of a survivor's record of a pending recovery.
    PENDING_RECOVERY = "pending-recovery";

    /// Canonical approval of a request, which approvers sign.
    DOC_APPROVAL = "doc/approval";
    /// Canonical freeze or release, which approvers sign.
    DOC_FREEZE = "doc/freeze";
    /// Canonical change of policy, which approvers sign.
    DOC_POLICY_CHANGE = "doc/policy-change";
    /// Checksum of a signer's record of a request's approvals.
    APPROVALS = "approvals";
    /// Checksum of a signer's record of freezes.
    FREEZE_STATE = "freeze-state";
    /// Checksum of a signer's record of the policy in force.
    POLICY_STATE = "policy-state";
    /// Checksum of a record of the spending ledger.
    SPENDING = "spending";
}
