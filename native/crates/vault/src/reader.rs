//! Reading fixed binary layouts: every read is checked, nothing is allocated before lengths are known.

use crate::Error;

/// A cursor over untrusted bytes. Integers are big-endian; what is missing is [`Error::Unreadable`].
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Checks magic and format version, in this order.
    pub(crate) fn new(bytes: &'a [u8], magic: &[u8; 4], format: u16) -> Result<Self, Error> {
        let mut reader = Self { rest: bytes };
        if reader.array()? != *magic {
            return Err(Error::Unreadable);
        }
        if reader.u16()? != format {
            return Err(Error::Version);
        }
        Ok(reader)
    }

    /// Reads bytes that were sealed: no magic.
    pub(crate) fn inner(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], Error> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Error::Unreadable)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        self.take(N)?.try_into().map_err(|_| Error::Unreadable)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Error> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Error> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Error> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Error> {
        self.array().map(u64::from_be_bytes)
    }

    /// `u8 length ‖ bytes`.
    pub(crate) fn short(&mut self) -> Result<&'a [u8], Error> {
        let length = self.u8()?;
        self.take(length.into())
    }

    /// `u32 length ‖ bytes`.
    pub(crate) fn counted(&mut self) -> Result<&'a [u8], Error> {
        let length = usize::try_from(self.u32()?).map_err(|_| Error::Unreadable)?;
        self.take(length)
    }

    /// `u8 length ‖ UTF-8`.
    pub(crate) fn text(&mut self) -> Result<String, Error> {
        let text = core::str::from_utf8(self.short()?).map_err(|_| Error::Unreadable)?;
        Ok(text.to_owned())
    }

    /// All that is left.
    pub(crate) fn rest(self) -> &'a [u8] {
        self.rest
    }

    /// Refuses trailing bytes.
    pub(crate) fn finish(self) -> Result<(), Error> {
        if self.rest.is_empty() { Ok(()) } else { Err(Error::Unreadable) }
    }
}

/// Appends `u8 length ‖ bytes`.
pub(crate) fn put_short(out: &mut Vec<u8>, bytes: &[u8]) -> Result<(), Error> {
    out.push(u8::try_from(bytes.len()).map_err(|_| Error::TooLong)?);
    out.extend_from_slice(bytes);
    Ok(())
}

/// Appends `u32 length ‖ bytes`.
pub(crate) fn put_counted(out: &mut Vec<u8>, bytes: &[u8]) -> Result<(), Error> {
    out.extend_from_slice(&u32::try_from(bytes.len()).map_err(|_| Error::TooLong)?.to_be_bytes());
    out.extend_from_slice(bytes);
    Ok(())
}
