//! Every field of every message, as the specification's tables have them (`model/README.md`, "Messages").

use rand_core::RngCore;

use crate::committee::party;
use crate::router::Channel::{self, Broadcast, Private};
use crate::story::generator;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any value of these bytes is well-formed.
    Bytes(usize),
    /// 32 bytes below the group order.
    Scalar,
    /// SEC1 compressed.
    Point33,
    /// x ‖ y.
    Point64,
}

impl Kind {
    pub fn length(self) -> usize {
        match self {
            Self::Bytes(length) => length,
            Self::Scalar => 32,
            Self::Point33 => 33,
            Self::Point64 => 64,
        }
    }
}

/// One field of a body; `index` counts the fields of this name in their item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    pub name: &'static str,
    pub index: usize,
    pub item: usize,
    pub kind: Kind,
    pub offset: usize,
}

impl Field {
    pub fn range(&self) -> std::ops::Range<usize> {
        self.offset..self.offset + self.kind.length()
    }

    /// The body with this field replaced, by more or fewer bytes too.
    pub fn replaced(&self, body: &[u8], piece: &[u8]) -> Vec<u8> {
        let range = self.range();
        [&body[..range.start], piece, &body[range.end..]].concat()
    }
}

/// One body of one round.
pub struct Layout {
    pub round: u8,
    pub channel: Channel,
    pub fields: Vec<Field>,
    length: usize,
}

impl Layout {
    fn new(round: u8, channel: Channel) -> Self {
        Self { round, channel, fields: Vec::new(), length: 0 }
    }

    fn push(&mut self, name: &'static str, index: usize, item: usize, kind: Kind) {
        self.fields.push(Field { name, index, item, kind, offset: self.length });
        self.length += kind.length();
    }

    fn of_items(
        round: u8,
        channel: Channel,
        items: usize,
        fields: impl Fn(&mut dyn FnMut(&'static str, usize, Kind)),
    ) -> Self {
        let mut layout = Self::new(round, channel);
        for item in 0..items {
            fields(&mut |name, index, kind| layout.push(name, index, item, kind));
        }
        layout
    }

    pub fn length(&self) -> usize {
        self.length
    }

    /// The field of this name in the first item.
    pub fn field(&self, name: &str, index: usize) -> Field {
        let wanted = |field: &&Field| (field.name, field.index, field.item) == (name, index, 0);
        *self.fields.iter().find(wanted).unwrap_or_else(|| panic!("no field {name} {index}"))
    }

    /// All fields; of more than four of one name in one item the first, the last and one drawn from a seed.
    pub fn sampled(&self) -> Vec<Field> {
        let mut rng = generator("fields of long arrays", party(1));
        let mut groups: Vec<Vec<Field>> = Vec::new();
        for field in &self.fields {
            let same = |group: &&mut Vec<Field>| {
                (group[0].name, group[0].item) == (field.name, field.item)
            };
            match groups.iter_mut().find(same) {
                Some(group) => group.push(*field),
                None => groups.push(vec![*field]),
            }
        }
        let sample = |group: Vec<Field>| match &group[..] {
            [first, middle @ .., last] if middle.len() > 2 => {
                vec![*first, middle[rng.next_u32() as usize % middle.len()], *last]
            }
            _ => group,
        };
        groups.into_iter().flat_map(sample).collect()
    }
}

/// Corrections of a PPRF tree in their order; level and side.
pub const CORRECTIONS: [(&str, usize, usize); 6] = [
    ("correction 1.0", 1, 0),
    ("correction 1.1", 1, 1),
    ("correction 2.0", 2, 0),
    ("correction 2.1", 2, 1),
    ("correction 3.0", 3, 0),
    ("correction 3.1", 3, 1),
];

pub fn keygen(threshold: usize) -> Vec<Layout> {
    let hello = Layout::of_items(1, Broadcast, 1, |push| {
        push("ctx", 0, Kind::Bytes(32));
        push("nonce", 0, Kind::Bytes(32));
        push("commitment", 0, Kind::Bytes(32));
    });
    let opening = Layout::of_items(2, Broadcast, 1, |push| {
        push("sid", 0, Kind::Bytes(32));
        (0..threshold).for_each(|k| push("F", k, Kind::Point33));
        push("cc", 0, Kind::Bytes(32));
        push("blind", 0, Kind::Bytes(32));
        for k in 0..threshold {
            push("A", k, Kind::Point33);
            push("z", k, Kind::Scalar);
        }
    });
    let dealing = Layout::of_items(2, Private, 1, |push| {
        push("share", 0, Kind::Scalar);
        request(push);
    });
    vec![hello, opening, dealing, answer()]
}

/// A dealer's messages, or those of who only takes.
pub fn reshare(threshold: usize, parties: usize, deals: bool) -> Vec<Layout> {
    let hello = Layout::of_items(1, Broadcast, 1, |push| {
        push("ctx", 0, Kind::Bytes(32));
        push("nonce", 0, Kind::Bytes(32));
        if deals {
            push("commitment", 0, Kind::Bytes(32));
        }
    });
    let opening = Layout::of_items(2, Broadcast, 1, |push| {
        push("sid", 0, Kind::Bytes(32));
        if deals {
            (0..threshold).for_each(|k| push("F", k, Kind::Point33));
            push("blind", 0, Kind::Bytes(32));
            for k in 0..threshold {
                push("A", k, Kind::Point33);
                push("z", k, Kind::Scalar);
            }
        }
    });
    let dealing = Layout::of_items(2, Private, 1, |push| {
        if deals {
            push("share", 0, Kind::Scalar);
            push("old session", 0, Kind::Bytes(32));
            push("old number", 0, Kind::Bytes(8));
            push("old sid", 0, Kind::Bytes(32));
            push("old T2", 0, Kind::Bytes(32));
            push("old X", 0, Kind::Point33);
            (0..parties).for_each(|j| push("old X_j", j, Kind::Point33));
            push("old cc", 0, Kind::Bytes(32));
        }
        request(push);
    });
    vec![hello, opening, dealing, answer()]
}

fn request(push: &mut dyn FnMut(&'static str, usize, Kind)) {
    push("zseed", 0, Kind::Bytes(32));
    for idx in 0..128 {
        push("r_0", idx, Kind::Point33);
        push("r_1", idx, Kind::Point33);
    }
}

fn answer() -> Layout {
    Layout::of_items(3, Private, 1, |push| {
        push("T2", 0, Kind::Bytes(32));
        for idx in 0..128 {
            push("B_0", idx, Kind::Point33);
            push("B_1", idx, Kind::Point33);
        }
        for tree in 0..32 {
            CORRECTIONS.iter().for_each(|(name, ..)| push(name, tree, Kind::Bytes(16)));
            push("proof", tree, Kind::Bytes(32));
            push("proof hash", tree, Kind::Bytes(32));
        }
    })
}

pub fn sign(items: usize) -> Vec<Layout> {
    let hello = Layout::of_items(1, Broadcast, items, |push| {
        push("ctx", 0, Kind::Bytes(32));
        push("nonce", 0, Kind::Bytes(32));
        push("com", 0, Kind::Bytes(32));
    });
    let request = Layout::of_items(1, Private, items, |push| {
        push("private nonce", 0, Kind::Bytes(32));
        push("pair id", 0, Kind::Bytes(32));
        (0..32).for_each(|tree| push("u", tree, Kind::Bytes(68)));
        push("x~", 0, Kind::Bytes(16));
        (0..128).for_each(|row| push("t~", row, Kind::Bytes(16)));
    });
    let answer = Layout::of_items(2, Private, items, |push| {
        push("T1", 0, Kind::Bytes(32));
        for j in 0..416 {
            push("a~ of r", j, Kind::Scalar);
            push("a~ of sk", j, Kind::Scalar);
            push("a~ of the check", j, Kind::Scalar);
        }
        push("eta", 0, Kind::Scalar);
        push("mu", 0, Kind::Bytes(32));
        push("Gamma^u", 0, Kind::Point64);
        push("Gamma^v", 0, Kind::Point64);
        push("psi", 0, Kind::Scalar);
        push("R", 0, Kind::Point64);
        push("salt", 0, Kind::Bytes(32));
        push("pk", 0, Kind::Point64);
    });
    let partial = Layout::of_items(3, Broadcast, items, |push| {
        push("T2'", 0, Kind::Bytes(32));
        push("w", 0, Kind::Scalar);
        push("u sum", 0, Kind::Scalar);
    });
    vec![hello, request, answer, partial]
}
