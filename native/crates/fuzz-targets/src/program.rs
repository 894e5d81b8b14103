//! Fuzzer bytes as a program: a stream of choices that always means something.

/// A cursor; at its end every choice is over.
pub(crate) struct Program<'a>(&'a [u8]);

impl<'a> Program<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    pub(crate) fn number(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes([self.byte()?, self.byte()?]))
    }

    /// One of so many, if there are any.
    pub(crate) fn below(&mut self, count: usize) -> Option<usize> {
        let number = usize::from(self.number()?);
        number.checked_rem(count)
    }

    /// `u16 length ‖ bytes`, as far as there are any.
    pub(crate) fn slice(&mut self) -> Option<&'a [u8]> {
        let length = usize::from(self.number()?) % 1_024;
        let (slice, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        Some(slice)
    }

    /// Changes bytes in up to four places. A place is a multiple of 1/65536 of the length, so that both ends of
    /// every field are in reach of a few bits.
    pub(crate) fn edit(&mut self, bytes: &mut Vec<u8>) -> Option<()> {
        for _ in 0..1 + self.byte()? % 4 {
            let kind = self.byte()?;
            let (place, value) = (usize::from(self.number()?), self.byte()?);
            if bytes.is_empty() {
                bytes.push(value);
                continue;
            }
            let at =
                if kind & 0x80 == 0 { place % bytes.len() } else { (place * bytes.len()) >> 16 };
            match kind % 8 {
                0 | 1 => bytes[at] ^= 1 << (value % 8),
                2 => bytes[at] = value,
                3 => bytes.truncate(at),
                4 => bytes.insert(at, value),
                5 => drop(bytes.drain(at..bytes.len().min(at + usize::from(value)))),
                6 => {
                    let end = bytes.len().min(at + usize::from(value % 40));
                    bytes[at..end].fill(if value % 2 == 0 { 0 } else { 0xff });
                }
                _ => {
                    let end = bytes.len().min(at + usize::from(value % 40));
                    let copy = bytes[at..end].to_vec();
                    let to = place.wrapping_mul(31) % (bytes.len() - copy.len() + 1);
                    bytes[to..to + copy.len()].copy_from_slice(&copy);
                }
            }
        }
        Some(())
    }
}
