//! GF(256) with the polynomial of Rijndael, x^8 + x^4 + x^3 + x + 1: no branch and no table.

/// The product. Eight steps whatever the factors are.
pub(crate) fn multiply(a: u8, b: u8) -> u8 {
    let (mut a, mut product) = (a, 0);
    for bit in 0..8 {
        // secret-dependent
        product ^= a & ((b >> bit) & 1).wrapping_neg();
        a = (a << 1) ^ (0x1b & (a >> 7).wrapping_neg());
    }
    product
}

/// The inverse, a^254; 0 for 0.
pub(crate) fn invert(a: u8) -> u8 {
    // 254 = 2 + 4 + … + 128.
    let (mut square, mut inverse) = (a, 1);
    for _ in 1..8 {
        square = multiply(square, square);
        inverse = multiply(inverse, square);
    }
    inverse
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By long division of polynomials, with branches.
    fn product(a: u8, b: u8) -> u8 {
        let mut wide =
            (0..8).fold(
                0_u16,
                |sum, bit| {
                    if b >> bit & 1 == 1 { sum ^ u16::from(a) << bit } else { sum }
                },
            );
        for bit in (8..16).rev() {
            if wide >> bit & 1 == 1 {
                wide ^= 0x11b << (bit - 8);
            }
        }
        u8::try_from(wide).unwrap()
    }

    #[test]
    fn every_product_is_that_of_polynomials() {
        for a in 0..=u8::MAX {
            for b in 0..=u8::MAX {
                assert_eq!(multiply(a, b), product(a, b), "{a} {b}");
            }
        }
    }

    #[test]
    fn every_inverse_is_one() {
        assert_eq!(invert(0), 0);
        for a in 1..=u8::MAX {
            assert_eq!(multiply(a, invert(a)), 1, "{a}");
        }
    }
}
