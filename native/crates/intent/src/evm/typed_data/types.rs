//! The types that a document declares.

use std::collections::{BTreeMap, BTreeSet};

use alloy_dyn_abi::DynSolType;
use alloy_dyn_abi::eip712::{PropertyDef, Resolver, TypeDef};

use super::json::Json;
use crate::Refusal;

/// The most struct types in a document.
pub const MAX_TYPES: usize = 64;

/// The most members that its struct types have together.
pub const MAX_MEMBERS: usize = 256;

/// The longest name of a type or member, and the longest type of a member.
const MAX_NAME: usize = 64;

const DOMAIN: &str = "EIP712Domain";

/// A member of a struct: its name and its type, as they are hashed.
pub(super) type Member = (String, String);

/// Struct types that are all used, without cycles.
pub(super) struct Types {
    structs: BTreeMap<String, Vec<Member>>,
    /// What the document says the domain is, if it does.
    pub(super) domain: Option<Vec<Member>>,
    pub(super) resolver: Resolver,
}

/// The type of a value, taken apart once.
#[derive(Clone, Copy)]
pub(super) struct TypeName<'a> {
    /// The type without lists.
    root: &'a str,
    /// `[2][]`, the outermost last.
    lists: &'a str,
}

/// What a value of a type is made of.
pub(super) enum Shape<'a> {
    Elementary(DynSolType),
    Struct(&'a str, &'a [Member]),
    List(TypeName<'a>, Option<usize>),
}

impl Types {
    /// Reads the declared types, of which `primary` must need each.
    pub(super) fn read(json: &Json, primary: &str) -> Result<Self, Refusal> {
        let declared = json.object()?;
        if declared.len() > MAX_TYPES {
            return Err(Refusal::TypedDataTooComplex);
        }
        let (mut structs, mut domain, mut members_left) = (BTreeMap::new(), None, MAX_MEMBERS);
        for (name, members) in declared {
            let members = read_members(members)?;
            members_left =
                members_left.checked_sub(members.len()).ok_or(Refusal::TypedDataTooComplex)?;
            if name == DOMAIN {
                domain = Some(members);
            } else if is_identifier(name) && elementary(name).is_none() && !members.is_empty() {
                structs.insert(name.clone(), members);
            } else {
                return Err(Refusal::TypedDataTypes);
            }
        }
        let types = Self { resolver: resolver(&structs)?, structs, domain };
        let mut used = BTreeSet::new();
        types.visit(primary, &mut used, &mut Vec::new())?;
        if used.len() != types.structs.len() {
            return Err(Refusal::TypedDataTypes);
        }
        Ok(types)
    }

    /// `encodeType` of EIP-712.
    pub(super) fn encode_type(&self, name: &str) -> Result<String, Refusal> {
        self.resolver.encode_type(name).map_err(|_| Refusal::TypedDataTypes)
    }

    pub(super) fn members(&self, name: &str) -> Option<&[Member]> {
        self.structs.get(name).map(Vec::as_slice)
    }

    pub(super) fn shape<'a>(&'a self, name: TypeName<'a>) -> Result<Shape<'a>, Refusal> {
        if let Some((element, length)) = name.element()? {
            return Ok(Shape::List(element, length));
        }
        if let Some((name, members)) = self.structs.get_key_value(name.root) {
            return Ok(Shape::Struct(name, members));
        }
        elementary(name.root).map(Shape::Elementary).ok_or(Refusal::TypedDataTypes)
    }

    /// Collects the struct types that `name` needs; `path` are those that need it.
    fn visit<'a>(
        &'a self,
        name: &str,
        used: &mut BTreeSet<&'a str>,
        path: &mut Vec<&'a str>,
    ) -> Result<(), Refusal> {
        let (name, members) = self.structs.get_key_value(name).ok_or(Refusal::TypedDataTypes)?;
        if path.contains(&name.as_str()) {
            return Err(Refusal::TypedDataTypes);
        }
        if !used.insert(name) {
            return Ok(());
        }
        path.push(name);
        for (_, kind) in members {
            let mut kind = TypeName::new(kind);
            while let Some((element, _)) = kind.element()? {
                kind = element;
            }
            if elementary(kind.root).is_none() {
                self.visit(kind.root, used, path)?;
            }
        }
        path.pop();
        Ok(())
    }
}

impl<'a> TypeName<'a> {
    pub(super) fn new(kind: &'a str) -> Self {
        let (root, lists) = kind.split_at(kind.find('[').unwrap_or(kind.len()));
        Self { root, lists }
    }

    /// The type of the elements and their number, if it is fixed; none for what is no list.
    fn element(self) -> Result<Option<(Self, Option<usize>)>, Refusal> {
        if self.lists.is_empty() {
            return Ok(None);
        }
        let invalid = Refusal::TypedDataTypes;
        let outermost = self.lists.rfind('[').ok_or(invalid)?;
        let (lists, last) = self.lists.split_at(outermost);
        let length =
            last.strip_prefix('[').and_then(|last| last.strip_suffix(']')).ok_or(invalid)?;
        let length = match length {
            "" => None,
            // One spelling: it is hashed as it stands.
            length => Some(
                length
                    .parse::<usize>()
                    .ok()
                    .filter(|number| *number > 0 && number.to_string() == length)
                    .ok_or(invalid)?,
            ),
        };
        Ok(Some((Self { root: self.root, lists }, length)))
    }
}

fn read_members(json: &Json) -> Result<Vec<Member>, Refusal> {
    let mut names = BTreeSet::new();
    json.list()?
        .iter()
        .map(|member| {
            let [name, kind] = member.entries(["name", "type"])?;
            let (name, kind) = (name.text()?, kind.text()?);
            if !is_identifier(name) || kind.len() > MAX_NAME || !names.insert(name) {
                return Err(Refusal::TypedDataTypes);
            }
            Ok((name.to_owned(), kind.to_owned()))
        })
        .collect()
}

fn resolver(structs: &BTreeMap<String, Vec<Member>>) -> Result<Resolver, Refusal> {
    let invalid = |_| Refusal::TypedDataTypes;
    let mut resolver = Resolver::default();
    for (name, members) in structs {
        let members =
            members.iter().map(|(name, kind)| PropertyDef::new(kind.as_str(), name.as_str()));
        let members = members.collect::<Result<_, _>>().map_err(invalid)?;
        resolver.ingest(TypeDef::new(name.as_str(), members).map_err(invalid)?);
    }
    Ok(resolver)
}

fn is_identifier(name: &str) -> bool {
    let is_start = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_' || byte == b'$';
    name.len() <= MAX_NAME
        && name.bytes().next().is_some_and(is_start)
        && name.bytes().all(|byte| is_start(byte) || byte.is_ascii_digit())
}

/// A type of EIP-712 that is no struct, under its one name: `uint` is hashed otherwise than
/// `uint256`, and not allowed.
fn elementary(name: &str) -> Option<DynSolType> {
    let kind = DynSolType::parse(name).ok()?;
    let is_allowed = matches!(
        kind,
        DynSolType::Bool
            | DynSolType::Int(_)
            | DynSolType::Uint(_)
            | DynSolType::FixedBytes(_)
            | DynSolType::Address
            | DynSolType::Bytes
            | DynSolType::String
    );
    (is_allowed && kind.sol_type_name() == name).then_some(kind)
}
