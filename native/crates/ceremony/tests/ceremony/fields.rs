//! Every field of every body, and what its change alone comes to: `docs/protocol.md`, sections F and H, written
//! down a second time.

use std::ops::Range;

use ceremony::Class;
use ceremony::envelope::Header;
use k256::Scalar;
use k256::elliptic_curve::PrimeField;

use crate::hostile::Letter;

/// A class, and whether it names the sender.
pub type Verdict = (Class, bool);

pub const CONFIG: Verdict = (Class::Config, false);
pub const EQUIVOCATION: Verdict = (Class::Equivocation, false);
pub const MALFORMED: Verdict = (Class::Malformed, true);
pub const CHEAT: Verdict = (Class::Cheat, true);
pub const POISONED: Verdict = (Class::OtPoisoned, true);
pub const UNATTRIBUTED: Verdict = (Class::Unattributed, true);

/// How the bytes of a field are read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Bytes,
    /// A length, of which only one value is right.
    Length,
    /// Below the group order.
    Scalar,
    /// SEC1 compressed.
    Point33,
    /// x ‖ y.
    Point64,
    /// X25519; not of small order.
    SessionKey,
}

impl Form {
    /// Whether these bytes are a value of the field at all.
    fn is_read(self, bytes: &[u8]) -> bool {
        match self {
            Self::Bytes => true,
            Self::Length => false,
            Self::Scalar => {
                let bytes: [u8; 32] = bytes.try_into().unwrap();
                bool::from(Scalar::from_repr(bytes.into()).is_some())
            }
            Self::Point33 => {
                matches!(bytes[0], 2 | 3) && k256::PublicKey::from_sec1_bytes(bytes).is_ok()
            }
            Self::Point64 => k256::PublicKey::from_sec1_bytes(&[&[4], bytes].concat()).is_ok(),
            Self::SessionKey => bytes.iter().any(|byte| *byte != 0),
        }
    }
}

/// A field of a body in the clear.
pub struct Field {
    pub name: &'static str,
    pub at: Range<usize>,
    form: Form,
    /// What another value in the right form may come to; empty where it harms its sender alone.
    wrong: &'static [Verdict],
}

impl Field {
    /// What a body with these bytes in this field may come to.
    pub fn verdicts(&self, bytes: &[u8]) -> &'static [Verdict] {
        if self.form.is_read(bytes) { self.wrong } else { &[MALFORMED] }
    }
}

/// Fields one after the other.
#[derive(Default)]
pub struct Layout {
    at: usize,
    pub fields: Vec<Field>,
}

impl Layout {
    fn field(
        mut self,
        name: &'static str,
        form: Form,
        length: usize,
        wrong: &'static [Verdict],
    ) -> Self {
        self.fields.push(Field { name, at: self.at..self.at + length, form, wrong });
        self.skip(length)
    }

    fn bytes(self, name: &'static str, length: usize, wrong: &'static [Verdict]) -> Self {
        self.field(name, Form::Bytes, length, wrong)
    }

    fn length(self, name: &'static str) -> Self {
        self.field(name, Form::Length, 4, &[MALFORMED])
    }

    fn scalar(self, name: &'static str, wrong: &'static [Verdict]) -> Self {
        self.field(name, Form::Scalar, 32, wrong)
    }

    fn point33(self, name: &'static str, wrong: &'static [Verdict]) -> Self {
        self.field(name, Form::Point33, 33, wrong)
    }

    fn point64(self, name: &'static str, wrong: &'static [Verdict]) -> Self {
        self.field(name, Form::Point64, 64, wrong)
    }

    /// The fields between are as the ones named before and after.
    fn skip(mut self, length: usize) -> Self {
        self.at += length;
        self
    }

    /// The bytes that a body of this layout has.
    pub fn bytes_in_all(&self) -> usize {
        self.at
    }
}

/// One party's body in a round of key generation, 2 of 3, for one recipient.
pub fn of_keygen(header: &Header, body: &[u8]) -> Layout {
    // A base-OT message that differs alone, or a correction that the recipient's choice does not use, leaves the
    // two parties with other names for their pair.
    const CHEAT_OR_CONFIG: &[Verdict] = &[CHEAT, CONFIG];
    let layout = Layout::default();
    match header.round {
        0 if body.len() == 32 => layout.bytes("nonce", 32, &[MALFORMED]),
        0 => layout.bytes("salt", 32, &[CONFIG]).bytes("details", body.len() - 32, &[CONFIG]),
        1 => layout
            .field("session key", Form::SessionKey, 32, &[EQUIVOCATION])
            .length("length of the broadcast")
            .bytes("ctx", 32, &[CONFIG])
            .bytes("nonce", 32, &[EQUIVOCATION])
            .bytes("commitment", 32, &[EQUIVOCATION])
            .length("length of the private body"),
        2 => layout
            .length("length of the broadcast")
            .bytes("sid", 32, &[EQUIVOCATION])
            .point33("F[0]", &[CHEAT])
            .point33("F[1]", &[CHEAT])
            .bytes("chain-code share", 32, &[CHEAT])
            .bytes("blind", 32, &[CHEAT])
            .point33("A of F[0]", &[CHEAT])
            .scalar("z of F[0]", &[CHEAT])
            .point33("A of F[1]", &[CHEAT])
            .scalar("z of F[1]", &[CHEAT])
            .length("length of the private body")
            .scalar("dealt share", &[CHEAT])
            // Nothing shows these two before the pair signs.
            .bytes("zero-sharing seed", 32, &[UNATTRIBUTED])
            .point33("first r_0", &[CHEAT])
            .point33("first r_1", &[CHEAT])
            .skip(126 * 66)
            // Only the first level of a tree goes into what the recipient keeps. The others mask its answer, so
            // the sender of a changed one cannot read it and refuses the pair's name itself.
            .point33("last r_0", &[])
            .point33("last r_1", &[]),
        3 => layout
            .length("length of the broadcast")
            .length("length of the private body")
            .bytes("T2", 32, &[EQUIVOCATION])
            .point33("first B_0", CHEAT_OR_CONFIG)
            .point33("first B_1", CHEAT_OR_CONFIG)
            .skip(126 * 66)
            .point33("last B_0", CHEAT_OR_CONFIG)
            .point33("last B_1", CHEAT_OR_CONFIG)
            .bytes("first correction, left", 16, CHEAT_OR_CONFIG)
            .bytes("first correction, right", 16, CHEAT_OR_CONFIG)
            .skip(64)
            .bytes("first sum of proofs", 32, &[CHEAT])
            .bytes("first hash of proofs", 32, &[CHEAT])
            .skip(30 * 160 + 96)
            .bytes("last sum of proofs", 32, &[CHEAT])
            .bytes("last hash of proofs", 32, &[CHEAT]),
        4 => signing1(confirmation(layout).length("length of the pair's broadcast")),
        5 => signing2(
            confirmation(layout)
                .length("length of the pair's broadcast")
                .length("length of the pair's private body"),
        ),
        6 => signing3(confirmation(layout).length("length of the pair's broadcast"))
            .length("length of the pair's private body"),
        7 => layout.bytes("acknowledgement", 64, &[MALFORMED]),
        round => panic!("no round {round}"),
    }
}

/// One party's body in a round of signing one item.
pub fn of_sign(header: &Header) -> Layout {
    let layout = Layout::default();
    match header.round {
        1 => signing1(
            layout
                .field("session key", Form::SessionKey, 32, &[EQUIVOCATION])
                .length("length of the broadcast"),
        ),
        2 => {
            signing2(layout.length("length of the broadcast").length("length of the private body"))
        }
        3 => {
            signing3(layout.length("length of the broadcast")).length("length of the private body")
        }
        round => panic!("no round {round}"),
    }
}

fn confirmation(layout: Layout) -> Layout {
    layout.length("length of the broadcast").length("length of the private body")
}

fn signing1(layout: Layout) -> Layout {
    layout
        .bytes("ctx", 32, &[CONFIG])
        .bytes("nonce", 32, &[MALFORMED])
        .bytes("commitment", 32, &[EQUIVOCATION])
        .length("length of the private body")
        .bytes("nonce again", 32, &[MALFORMED])
        .bytes("name of the pair", 32, &[CONFIG])
        .bytes("u_0", 68, &[POISONED])
        .skip(30 * 68)
        .bytes("u_31", 68, &[POISONED])
        .bytes("x", 16, &[POISONED])
        .bytes("t_0", 16, &[POISONED])
        .skip(126 * 16)
        .bytes("t_127", 16, &[POISONED])
}

fn signing2(layout: Layout) -> Layout {
    layout
        .bytes("T1", 32, &[EQUIVOCATION])
        .scalar("first of the matrix", &[CHEAT])
        .skip(1246 * 32)
        .scalar("last of the matrix", &[CHEAT])
        .scalar("eta", &[CHEAT])
        .bytes("mu", 32, &[CHEAT])
        .point64("Gamma of r", &[CHEAT])
        .point64("Gamma of sk", &[CHEAT])
        .scalar("psi", &[UNATTRIBUTED])
        .point64("R", &[CHEAT])
        .bytes("salt", 32, &[CHEAT])
        .point64("pk", &[CHEAT])
}

fn signing3(layout: Layout) -> Layout {
    layout
        .bytes("T2", 32, &[EQUIVOCATION])
        .scalar("w", &[UNATTRIBUTED])
        .scalar("u", &[UNATTRIBUTED])
}

/// A change of a body.
pub struct Mutation {
    pub name: String,
    pub body: Vec<u8>,
    pub verdicts: &'static [Verdict],
}

/// Which values a field is changed to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// One bit at either end, zeros, ones, and the same field of other bodies.
    Whole,
    /// The last bit.
    Brief,
}

/// The changes of every field of a body.
pub fn mutations(
    table: Table,
    layout: &Layout,
    letter: &Letter,
    others: &[(&str, &[u8])],
) -> Vec<Mutation> {
    let body = &letter.body;
    assert_eq!(layout.bytes_in_all(), body.len(), "round {}", letter.header.round);
    let mut all = Vec::new();
    for field in &layout.fields {
        let honest = &body[field.at.clone()];
        let mut values = vec![("last bit", flip(honest, 8 * honest.len() - 1))];
        if table == Table::Whole {
            values.push(("first bit", flip(honest, 0)));
            values.push(("zeros", vec![0; honest.len()]));
            values.push(("ones", vec![0xff; honest.len()]));
            let same_field =
                |(whose, other): &(_, &[u8])| (*whose, other[field.at.clone()].to_vec());
            values.extend(others.iter().map(same_field));
        }
        for (name, value) in values.into_iter().filter(|(_, value)| value != honest) {
            let mut body = body.clone();
            body[field.at.clone()].copy_from_slice(&value);
            let name = format!("round {}, {}: {name}", letter.header.round, field.name);
            all.push(Mutation { name, body, verdicts: field.verdicts(&value) });
        }
    }
    all
}

/// A body of another length.
pub fn resized(letter: &Letter) -> Vec<Mutation> {
    let (body, round) = (&letter.body, letter.header.round);
    [
        ("truncated", body[..body.len() - 1].to_vec()),
        ("extended", [body, &[0][..]].concat()),
        ("cut in half", body[..body.len() / 2].to_vec()),
        ("empty", Vec::new()),
        ("twice", [body.as_slice(), body].concat()),
    ]
    .map(|(name, body)| Mutation {
        name: format!("round {round}, the body {name}"),
        body,
        verdicts: &[MALFORMED],
    })
    .into()
}

/// Bit 0 is the highest of the first byte.
pub fn flip(bytes: &[u8], bit: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[bit / 8] ^= 0x80 >> (bit % 8);
    bytes
}
