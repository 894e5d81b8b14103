//! Sign-in with Ethereum (EIP-4361).

use alloy_primitives::Address;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::calls::Walk;
use crate::Refusal;

const REQUEST: &str = " wants you to sign in with your Ethereum account:";

/// A request to sign in. Its texts are a stranger's.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignIn {
    /// Who asks: a domain, with its scheme if one is given.
    pub origin: String,
    /// The account that signs in.
    pub address: Address,
    /// What is agreed to.
    pub statement: Option<String>,
    /// What is signed in to.
    pub uri: String,
    /// Something random of the asking side.
    pub nonce: String,
    /// When the message was made, RFC 3339.
    pub issued_at: String,
    /// When it ends to be valid, in unix seconds.
    pub expires_at: Option<u64>,
    /// When it begins to be valid, in unix seconds.
    pub not_before: Option<u64>,
    /// A name that the asking side gave to the request.
    pub request_id: Option<String>,
    /// What else is agreed to.
    pub resources: Vec<String>,
}

/// Reads a sign-in; none if the text does not ask for one. Whatever looks like one must be one, for
/// an account of the wallet that this key answers for, on the declared chain.
pub(super) fn read(text: &str, walk: &Walk<'_>) -> Result<Option<SignIn>, Refusal> {
    if !text.lines().next().unwrap_or_default().ends_with(REQUEST) {
        return Ok(None);
    }
    let (sign_in, chain_id) = fields(text).ok_or(Refusal::SignInInvalid)?;
    let account = sign_in.address;
    if account != walk.own().account() && !walk.registry().is_account(walk.chain_id, account) {
        return Err(Refusal::SignInForeign);
    }
    if chain_id != walk.chain_id.to_string() {
        let offset = text.find("\nChain ID: ").unwrap_or_default();
        return Err(Refusal::ChainMismatch { offset });
    }
    Ok(Some(sign_in))
}

/// The fields, and the chain id as it is written.
fn fields(text: &str) -> Option<(SignIn, &str)> {
    let mut lines = text.split('\n').peekable();
    let origin = lines.next()?.strip_suffix(REQUEST).filter(|origin| is_line(origin))?;
    let address = Address::parse_checksummed(lines.next()?, None).ok()?;
    lines.next().filter(|line| line.is_empty())?;
    let statement = lines.next().filter(|line| line.is_empty() || is_line(line))?;
    if !statement.is_empty() {
        lines.next().filter(|line| line.is_empty())?;
    }
    let mut field = |name: &str| {
        let value = lines.peek()?.strip_prefix(name).filter(|value| is_line(value))?;
        lines.next();
        Some(value)
    };
    let uri = field("URI: ")?;
    field("Version: ").filter(|version| *version == "1")?;
    let chain_id = field("Chain ID: ")?;
    let nonce = field("Nonce: ").filter(|nonce| is_nonce(nonce))?;
    let issued_at = field("Issued At: ")?;
    unix_seconds(issued_at)?;
    let expires_at = field("Expiration Time: ").map(|time| unix_seconds(time).ok_or(()));
    let not_before = field("Not Before: ").map(|time| unix_seconds(time).ok_or(()));
    let request_id = field("Request ID: ").map(str::to_owned);
    let mut resources = Vec::new();
    if lines.peek() == Some(&"Resources:") {
        lines.next();
        while let Some(resource) = lines.peek().and_then(|line| line.strip_prefix("- ")) {
            resources.push(resource.to_owned());
            lines.next();
        }
    }
    if lines.next().is_some() {
        return None;
    }
    let sign_in = SignIn {
        origin: origin.to_owned(),
        address,
        statement: (!statement.is_empty()).then(|| statement.to_owned()),
        uri: uri.to_owned(),
        nonce: nonce.to_owned(),
        issued_at: issued_at.to_owned(),
        expires_at: expires_at.transpose().ok()?,
        not_before: not_before.transpose().ok()?,
        request_id,
        resources,
    };
    Some((sign_in, chain_id))
}

/// Something to read, and nothing that moves the rest of the text around.
fn is_line(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(char::is_control)
}

fn is_nonce(text: &str) -> bool {
    text.len() >= 8 && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn unix_seconds(time: &str) -> Option<u64> {
    u64::try_from(OffsetDateTime::parse(time, &Rfc3339).ok()?.unix_timestamp()).ok()
}
