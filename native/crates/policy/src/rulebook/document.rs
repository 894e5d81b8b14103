//! The policy document: what its makers wrote, and which wallet, version and persons it belongs to.

use canonical::Base64;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tagged_hash::{hash, tags};

use crate::Role;

use super::json::{Invalid, read, sorted, strict};
use super::validate::{check, check_approvers};
use super::{
    Allotments, ApproverKey, Contract, CustomRule, Exception, PolicyApprover, Principal, Quorum,
    Quorums, Rule,
};

/// Schema of a document.
pub const SCHEMA: &str = "mpc-wallet/policy@1";
/// Schema of a config.
pub const CONFIG_SCHEMA: &str = "mpc-wallet/policy-config@1";
/// A longer document is refused before it is read.
pub const MAX_POLICY_BYTES: usize = 2 << 20;

/// What the members of an object are called that belong to the wallet and not to the config.
const IDENTITY: [&str; 5] = ["approvers", "previous", "schema", "version", "walletId"];

/// Everything that a policy's maker decides. Checked: a config exists only if it is sound.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PolicyConfig {
    pub(crate) allotments: Allotments,
    pub(crate) contracts: Vec<Contract>,
    pub(crate) custom_rules: Vec<CustomRule>,
    pub(crate) exceptions: Vec<Exception>,
    pub(crate) permissive: bool,
    pub(crate) principals: Vec<Principal>,
    pub(crate) quorums: Quorums,
    pub(crate) rules: Vec<Rule>,
    pub(crate) unsafe_prehashed: bool,
}

/// The config without its rules, whose errors have paths of their own.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ConfigFields {
    #[serde(default)]
    allotments: Allotments,
    #[serde(default)]
    contracts: Vec<Contract>,
    #[serde(default)]
    custom_rules: Vec<CustomRule>,
    #[serde(default)]
    exceptions: Vec<Exception>,
    #[serde(default)]
    permissive: bool,
    #[serde(default)]
    principals: Vec<Principal>,
    #[serde(default)]
    quorums: Quorums,
    #[serde(default)]
    unsafe_prehashed: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct IdentityFields {
    approvers: Vec<PolicyApprover>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    previous: Option<Base64>,
    schema: String,
    #[serde(with = "crate::number::text_u64")]
    version: u64,
    wallet_id: Base64,
}

/// The document of version 0.1.0, by the names of its members in order.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct BeforeRules {
    approvers: Vec<Person>,
    schema: String,
    signing: String,
    version: String,
    wallet_id: Base64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Person {
    key: ApproverKey<32>,
    role: Role,
}

impl PolicyConfig {
    /// Reads a config as a builder or a person wrote it: JSON with `schema` and whatever differs from the defaults.
    ///
    /// # Errors
    /// `Invalid` names the first place that is wrong, and the rule.
    pub fn read(json: &[u8]) -> Result<Self, Invalid> {
        let mut fields = object(json)?;
        match fields.remove("schema") {
            Some(Value::String(schema)) if schema == CONFIG_SCHEMA => Self::from_fields(fields),
            _ => Err(Invalid::new("schema", format!("must be {CONFIG_SCHEMA:?}"))),
        }
    }

    fn from_fields(mut fields: Map<String, Value>) -> Result<Self, Invalid> {
        let rules = match fields.remove("rules") {
            None => Vec::new(),
            Some(Value::Array(rules)) => rules,
            Some(_) => return Err(Invalid::new("rules", "not a list")),
        };
        let rule = |(index, rule)| {
            Rule::read(rule).map_err(|error| error.below(&format!("rules[{index}]")))
        };
        let rules = rules.into_iter().enumerate().map(rule).collect::<Result<_, _>>()?;
        let ConfigFields {
            allotments,
            contracts,
            custom_rules,
            exceptions,
            permissive,
            principals,
            quorums,
            unsafe_prehashed,
        } = read(Value::Object(fields))?;
        let config = Self {
            allotments,
            contracts,
            custom_rules,
            exceptions,
            permissive,
            principals,
            quorums,
            rules,
            unsafe_prehashed,
        };
        check(&config)?;
        Ok(config)
    }

    fn write(&self) -> Option<Map<String, Value>> {
        let fields = ConfigFields {
            allotments: self.allotments,
            contracts: self.contracts.clone(),
            custom_rules: self.custom_rules.clone(),
            exceptions: self.exceptions.clone(),
            permissive: self.permissive,
            principals: self.principals.clone(),
            quorums: self.quorums,
            unsafe_prehashed: self.unsafe_prehashed,
        };
        let Value::Object(mut fields) = serde_json::to_value(fields).ok()? else { return None };
        let rules: Option<Vec<_>> = self.rules.iter().map(Rule::write).collect();
        fields.insert("rules".to_owned(), Value::Array(rules?));
        Some(fields)
    }

    /// The rules, in the order in which they were written. It decides nothing.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Contracts that a decoder may rely on.
    pub fn contracts(&self) -> &[Contract] {
        &self.contracts
    }

    /// What is allowed by name that every policy refuses otherwise.
    pub fn exceptions(&self) -> &[Exception] {
        &self.exceptions
    }

    /// Keys on whose behalf requests are made.
    pub fn principals(&self) -> &[Principal] {
        &self.principals
    }

    /// Rules that code outside of the document decides.
    pub fn custom_rules(&self) -> &[CustomRule] {
        &self.custom_rules
    }

    /// Who decides what.
    pub fn quorums(&self) -> Quorums {
        self.quorums
    }

    /// The co-signers' shares of every windowed limit.
    pub fn allotments(&self) -> Allotments {
        self.allotments
    }

    /// Whether digests without a payload may be signed, with a person's approval each time.
    pub fn unsafe_prehashed(&self) -> bool {
        self.unsafe_prehashed
    }

    /// Whether what no rule forbids is allowed, read or not.
    pub fn permissive(&self) -> bool {
        self.permissive
    }
}

/// A version of a wallet's policy, in the bytes that all its parties hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyDocument {
    wallet_id: [u8; 32],
    version: u64,
    previous: Option<[u8; 32]>,
    approvers: Vec<PolicyApprover>,
    config: PolicyConfig,
    bytes: Vec<u8>,
}

impl PolicyDocument {
    /// Version 1 of a wallet.
    ///
    /// # Errors
    /// `Invalid` for approvers that are none or too many, and for a document that is too long.
    pub fn first(
        config: PolicyConfig,
        wallet_id: [u8; 32],
        approvers: Vec<PolicyApprover>,
    ) -> Result<Self, Invalid> {
        Self::new(wallet_id, 1, None, approvers, config)
    }

    /// The version after this one, with this one's hash in it.
    ///
    /// # Errors
    /// As [`PolicyDocument::first`].
    pub fn next(
        &self,
        config: PolicyConfig,
        approvers: Vec<PolicyApprover>,
    ) -> Result<Self, Invalid> {
        let version = self.version.checked_add(1);
        let version = version.ok_or_else(|| Invalid::new("version", "has no successor"))?;
        Self::new(self.wallet_id, version, Some(self.hash()), approvers, config)
    }

    fn new(
        wallet_id: [u8; 32],
        version: u64,
        previous: Option<[u8; 32]>,
        approvers: Vec<PolicyApprover>,
        config: PolicyConfig,
    ) -> Result<Self, Invalid> {
        check_approvers(&approvers)?;
        let identity = IdentityFields {
            approvers: approvers.clone(),
            previous: previous.map(|hash| Base64(hash.to_vec())),
            schema: SCHEMA.to_owned(),
            version,
            wallet_id: Base64(wallet_id.to_vec()),
        };
        let unwritable = || Invalid::new("", "cannot be written as JSON");
        let mut fields = config.write().ok_or_else(unwritable)?;
        let Ok(Value::Object(identity)) = serde_json::to_value(identity) else {
            return Err(unwritable());
        };
        fields.extend(identity);
        let bytes = canonical::encode(&sorted(Value::Object(fields))).ok_or_else(unwritable)?;
        if bytes.len() > MAX_POLICY_BYTES {
            return Err(Invalid::new("", "longer than 2 MiB"));
        }
        Ok(Self { wallet_id, version, previous, approvers, config, bytes })
    }

    /// Reads canonical bytes, and nothing else.
    ///
    /// # Errors
    /// `Invalid` names the first place that is wrong, and the rule.
    pub fn decode(bytes: &[u8]) -> Result<Self, Invalid> {
        if let Some(before) = Self::before_rules(bytes) {
            return Ok(before);
        }
        let mut fields = object(bytes)?;
        let identity = IDENTITY.iter().filter_map(|name| fields.remove_entry(*name)).collect();
        let identity: IdentityFields = read(Value::Object(identity))?;
        if identity.schema != SCHEMA {
            return Err(Invalid::new("schema", format!("must be {SCHEMA:?}")));
        }
        if identity.version == 0 || (identity.version == 1) != identity.previous.is_none() {
            return Err(Invalid::new("previous", "is in every version but 1, which is the first"));
        }
        let hash = |name, bytes: &Base64| {
            bytes.array().ok_or_else(|| Invalid::new(name, "must be 32 bytes in base64url"))
        };
        let document = Self::new(
            hash("walletId", &identity.wallet_id)?,
            identity.version,
            identity.previous.as_ref().map(|bytes| hash("previous", bytes)).transpose()?,
            identity.approvers,
            PolicyConfig::from_fields(fields)?,
        )?;
        if document.bytes != bytes {
            return Err(Invalid::new(
                "",
                "not in canonical form (RFC 8785), or a default is left out",
            ));
        }
        Ok(document)
    }

    /// Version 1 of a wallet that was made before there were rules: it asked the co-signer's operator each time. It names
    /// wallet and persons, and as a policy without rules it allows nothing until another version is signed.
    fn before_rules(bytes: &[u8]) -> Option<Self> {
        let fields: BeforeRules = canonical::decode(bytes)?;
        let as_then =
            fields.schema == SCHEMA && fields.signing == "ask-every-time" && fields.version == "1";
        let person = |Person { key, role }: Person| PolicyApprover::Ed25519 { key, role };
        let approvers: Vec<_> = fields.approvers.into_iter().map(person).collect();
        let sound = as_then && check_approvers(&approvers).is_ok();
        Some(Self {
            wallet_id: fields.wallet_id.array().filter(|_| sound)?,
            version: 1,
            previous: None,
            approvers,
            config: PolicyConfig::default(),
            bytes: bytes.to_vec(),
        })
    }

    /// Whether as many persons of each role are listed as its quorums ask for: otherwise nobody could ever loosen it or
    /// end a freeze.
    pub fn can_meet_quorums(&self) -> bool {
        let count = |role| {
            let of_role = self.approvers.iter().filter(|one| one.role() == role);
            u8::try_from(of_role.count()).unwrap_or(u8::MAX)
        };
        let there = Quorum { recovery: count(Role::Recovery), user: count(Role::User) };
        let Quorums { approval, loosen, tighten, unfreeze } = self.config.quorums;
        [approval, loosen, tighten, unfreeze].into_iter().all(|quorum| there.covers(quorum))
    }

    /// The canonical JSON.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// `H("doc/policy"; bytes)`.
    pub fn hash(&self) -> [u8; 32] {
        hash(tags::DOC_POLICY, &[&self.bytes])
    }

    /// The wallet.
    pub fn wallet_id(&self) -> &[u8; 32] {
        &self.wallet_id
    }

    /// 1 and then one more each time.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Hash of the version before; none in version 1.
    pub fn previous(&self) -> Option<&[u8; 32]> {
        self.previous.as_ref()
    }

    /// Keys of the persons who approve.
    pub fn approvers(&self) -> &[PolicyApprover] {
        &self.approvers
    }

    /// What it says.
    pub fn config(&self) -> &PolicyConfig {
        &self.config
    }
}

fn object(bytes: &[u8]) -> Result<Map<String, Value>, Invalid> {
    if bytes.len() > MAX_POLICY_BYTES {
        return Err(Invalid::new("", "longer than 2 MiB"));
    }
    match strict(bytes)? {
        Value::Object(fields) => Ok(fields),
        _ => Err(Invalid::new("", "not an object")),
    }
}
