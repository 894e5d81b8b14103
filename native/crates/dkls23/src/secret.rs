//! Where secrets live.

use core::ops::{Deref, DerefMut};

use zeroize::Zeroize;

/// A secret on the heap, wiped when dropped. Boxed, so that moving it leaves no copies behind; not
/// `Clone`, not `Debug`, so that none is made and none is printed.
pub(crate) struct Secret<T: Zeroize>(Box<T>);

impl<T: Zeroize> Secret<T> {
    /// Takes ownership; the caller's stack may keep a copy, so fill large secrets in place.
    pub(crate) fn new(value: T) -> Self {
        Self(Box::new(value))
    }
}

impl<T: Zeroize> Deref for Secret<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> DerefMut for Secret<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}
