//! The rules of a document. Each only forbids or asks for approval; none allows.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::caip::{AccountId, AssetId, ChainId};
use crate::effect::{Domain, EffectKind, Selector};
use crate::number::{Decimal, optional_u64, text_u64};

use super::json::{Invalid, read};
use super::{Day, Quorum, TimeOfDay, TimeZone};

/// The most rules of a policy.
pub const MAX_RULES: usize = 1_000;
/// The most entries of a list in a rule.
pub const MAX_LIST: usize = 10_000;

/// A rule: an id, whose requests it is about, and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Unique: 1 to 64 letters, digits, `-`, `_`, `.`, `:`.
    pub id: String,
    /// Only for requests of this principal, and for those that name none: or leaving out the signature would be a
    /// way around the rule.
    pub principal: Option<String>,
    /// What it says.
    pub body: RuleBody,
}

macro_rules! bodies {
    ($($(#[$doc:meta])* $name:ident($body:ty) = $tag:literal,)*) => {
        /// What a rule says.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum RuleBody {
            $($(#[$doc])* $name($body),)*
        }

        impl RuleBody {
            /// Its type in documents.
            pub const fn tag(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => $tag,)*
                }
            }

            fn read(tag: &str, fields: Value) -> Result<Self, Invalid> {
                match tag {
                    $($tag => read(fields).map(Self::$name),)*
                    _ => Err(Invalid::new("type", format!("no rule is of type {tag:?}"))),
                }
            }

            fn write(&self) -> Option<Value> {
                match self {
                    $(Self::$name(body) => serde_json::to_value(body).ok(),)*
                }
            }
        }
    };
}

bodies! {
    /// How much of an asset leaves.
    SpendingLimits(Limits) = "spendingLimits",
    /// How much of a native asset goes into fees.
    FeeLimits(Limits) = "feeLimits",
    /// Who may receive.
    Whitelist(Recipients) = "whitelist",
    /// Who may not receive, be approved or be called.
    Blacklist(Recipients) = "blacklist",
    /// From when until when.
    TimeBounds(TimeBounds) = "timeBounds",
    /// At which hours.
    BusinessHours(BusinessHours) = "businessHours",
    /// Which code may run.
    ContractRestrictions(ContractRestrictions) = "contractRestrictions",
    /// What a person decides.
    ApprovalThreshold(ApprovalThreshold) = "approvalThreshold",
    /// How often.
    Velocity(Velocity) = "velocity",
    /// How soon again to somebody new.
    NewRecipients(NewRecipients) = "newRecipients",
    /// What messages and typed data are for.
    Messages(Messages) = "messages",
    /// Who asks.
    Principals(Principals) = "principals",
    /// How much leaves, in a currency.
    FiatLimits(FiatLimits) = "fiatLimits",
}

impl Rule {
    /// Reads a rule from its object.
    pub(crate) fn read(value: Value) -> Result<Self, Invalid> {
        let Value::Object(mut fields) = value else {
            return Err(Invalid::new("", "not an object"));
        };
        let id = take(&mut fields, "id")?.ok_or_else(|| Invalid::new("id", "is missing"))?;
        let tag = take(&mut fields, "type")?.ok_or_else(|| Invalid::new("type", "is missing"))?;
        let principal = take(&mut fields, "principal")?;
        Ok(Self { id, principal, body: RuleBody::read(&tag, Value::Object(fields))? })
    }

    /// The object; `None` for what JSON cannot write.
    pub(crate) fn write(&self) -> Option<Value> {
        let Value::Object(mut fields) = self.body.write()? else { return None };
        fields.insert("id".to_owned(), self.id.clone().into());
        fields.insert("type".to_owned(), self.body.tag().into());
        if let Some(principal) = &self.principal {
            fields.insert("principal".to_owned(), principal.clone().into());
        }
        Some(Value::Object(fields))
    }
}

fn take(fields: &mut Map<String, Value>, name: &str) -> Result<Option<String>, Invalid> {
    match fields.remove(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Invalid::new(name, "not text")),
    }
}

/// Limits of one asset, in its base units. More than a limit is refused; 0 allows nothing; no number is no limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Limits {
    /// Of what; for fees the native asset of a chain.
    pub asset: AssetId,
    /// In 24 hours, or in a calendar day.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub daily: Option<Decimal>,
    /// In one request, all items and effects together.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub per_transaction: Option<Decimal>,
    /// Windows are days and weeks (from Monday) of this zone instead of the last 24 hours and 7 days.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub time_zone: Option<TimeZone>,
    /// In 7 days, or in a calendar week.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub weekly: Option<Decimal>,
}

/// A list of recipients: whoever receives value, may take it later, or is given native value with a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipients {
    /// The chain that the rule is about; none for every chain.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub chain: Option<ChainId>,
    /// The list; an empty whitelist allows nobody.
    pub recipients: Vec<AccountId>,
}

/// Absolute times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct TimeBounds {
    /// Nothing at or after it, Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none", with = "optional_u64", default)]
    pub not_after: Option<u64>,
    /// Nothing before it, Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none", with = "optional_u64", default)]
    pub not_before: Option<u64>,
}

/// Hours `[start, end)` of days of the week. An end before the start is of the next day, and the hours after
/// midnight belong to the day that began them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct BusinessHours {
    /// At least one.
    pub days: Vec<Day>,
    /// First minute outside.
    pub end: TimeOfDay,
    /// First minute inside.
    pub start: TimeOfDay,
    /// Whose clock.
    pub time_zone: TimeZone,
}

/// Which code may run. Every refusal stands for itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ContractRestrictions {
    /// Contracts that may be called; none for any.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub allowed_contracts: Option<Vec<AccountId>>,
    /// Selectors that may be called; none for any.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub allowed_selectors: Option<Vec<Selector>>,
    /// What the arguments of functions may be.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub arguments: Vec<ArgumentRule>,
    /// Selectors that may not be called; they beat the allowed ones.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub blocked_selectors: Vec<Selector>,
    /// The chain that the rule is about; none for every chain.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub chain: Option<ChainId>,
    /// Whether code may run with the account's own storage and rights.
    #[serde(default)]
    pub delegate_calls: bool,
    /// Whether contracts may be created.
    #[serde(default)]
    pub deployment: bool,
    /// Whether calls that cannot be decoded may pass this rule; an exception must name them all the same.
    #[serde(default)]
    pub unknown: bool,
}

/// A condition on an argument of a function. A call of it whose argument is not there is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArgumentRule {
    /// Position, from 0.
    pub argument: u8,
    /// The condition.
    pub check: ArgumentCheck,
    /// Whose function.
    pub contract: AccountId,
    /// Which function.
    pub selector: Selector,
}

/// What an argument must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ArgumentCheck {
    /// This: a number in decimal, an address in CAIP-10, or other text as it is decoded.
    Equals(String),
    /// One of these.
    In(Vec<String>),
    /// A number that is at most this.
    AtMost(Decimal),
}

/// What needs a person's yes besides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovalThreshold {
    /// More than this of the asset in one request.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub above: Option<Decimal>,
    /// The asset of `above`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub asset: Option<AssetId>,
    /// Any effect of these kinds.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub kinds: Vec<EffectKind>,
    /// Who approves; the policy's quorum for approvals if none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub quorum: Option<Quorum>,
}

/// How many requests in a window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Velocity {
    /// The most requests; a batch is one.
    pub count: u32,
    /// Length of the rolling window.
    #[serde(with = "text_u64")]
    pub window_ms: u64,
}

/// How long a recipient that was never paid before waits for the second payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct NewRecipients {
    /// From the first payment on.
    #[serde(with = "text_u64")]
    pub cool_down_ms: u64,
}

/// Domains of messages and typed data that may be signed; any other is refused, also where its effects are decoded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Messages {
    /// Exactly these.
    pub domains: Vec<Domain>,
}

/// Requests must be signed by one of these principals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Principals {
    /// Names.
    pub allowed: Vec<String>,
}

/// Limits in a currency, in millionths of its unit, over all assets, by the price at the time of the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct FiatLimits {
    /// Such as `USD`.
    pub currency: String,
    /// In 24 hours, or in a calendar day.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub daily: Option<Decimal>,
    /// An older price is no price.
    #[serde(with = "text_u64")]
    pub max_age_ms: u64,
    /// In one request.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub per_transaction: Option<Decimal>,
    /// As in [`Limits`].
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub time_zone: Option<TimeZone>,
    /// In 7 days, or in a calendar week.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub weekly: Option<Decimal>,
}
