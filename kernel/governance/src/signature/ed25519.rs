//! Ed25519 (RFC 8032) with keys that are made once and used often.
//!
//! A guardian's public key is known long before the signatures that it checks. Multiples of its point
//! and of the base point, made at the first check and kept, turn a check into 86 additions: half of
//! what it takes to begin with the bytes of the key each time. Where there is no memory for them, the
//! library's own check gives the same verdict.
//!
//! Invariants:
//! - a [`PublicKey`] that exists is a point of the curve, not of small order, in its one encoding;
//! - a verdict is that of ed25519-dalek's `verify_strict`: the number `s` is below the order of the group,
//!   R is compared in its encoding and is not of small order;
//! - what is secret goes through the library's constant-time operations alone; a check, whose inputs are
//!   all public, takes the time that they ask for.
#![expect(
    clippy::arithmetic_side_effects,
    reason = "the group's own addition, and digits of six bits"
)]

use alloc::collections::TryReserveError;
use alloc::vec::Vec;
use core::array;
use curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::Identity as _;
use ed25519_dalek::{Signature, Signer as _, VerifyingKey};
use sha2::{Digest as _, Sha512};
use spin::Once;

/// Bits of a digit. Six are the fewest that stay clearly under 20 us on the host: five take 20, eight
/// take 15 and three times the memory.
const DIGIT_BITS: usize = 6;
/// Multiples of a point in a row: 1 to 32 times, and the negative ones by subtraction.
const ROW_POINTS: usize = 1 << (DIGIT_BITS - 1);
/// Rows: one for every other digit of a number, since doubling the sum of the odd digits lets them
/// share the rows of the even ones.
const ROWS: usize = DIGITS / 2;
/// Digits of a number: 264 bits, for numbers below 2^253 and their last carry.
const DIGITS: usize = 44;

/// Multiples of the base point, for every key of the program.
static BASE: Once<Multiples> = Once::new();

/// A key that signs: made once of its secret, together with its public key.
///
/// The secret is wiped from memory when the key is dropped.
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// The key of this secret: RFC 8032's private key, 32 random bytes.
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> Self {
        SigningKey(ed25519_dalek::SigningKey::from_bytes(secret))
    }

    /// The secret that it was made of.
    #[must_use]
    pub fn secret(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// What others check its signatures with.
    #[must_use]
    pub fn public_key(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    /// Its signature over `message`.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

/// A key that checks signatures: 110 KiB of multiples belong to it from its first check on.
pub struct PublicKey {
    key: VerifyingKey,
    /// Of the point's negative.
    multiples: Once<Multiples>,
}

impl PublicKey {
    /// The key with these bytes; `None` if they are no point of the curve, one of small order, with which
    /// anybody can sign, or another spelling of a point, which would pass for another key.
    #[must_use]
    pub fn new(bytes: &[u8; 32]) -> Option<Self> {
        let key = VerifyingKey::from_bytes(bytes).ok()?;
        let is_canonical = key.to_edwards().compress().as_bytes() == bytes;
        (is_canonical && !key.is_weak()).then_some(PublicKey {
            key,
            multiples: Once::new(),
        })
    }

    /// Its 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// Whether `signature` is this key's over `message`; one message has one signature.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        let base = BASE.try_call_once(|| Multiples::of(&ED25519_BASEPOINT_POINT));
        let negative = || Multiples::of(&-self.key.to_edwards());
        match (base, self.multiples.try_call_once(negative)) {
            (Ok(base), Ok(minus_a)) => self.verifies_by(base, minus_a, message, signature),
            _ => self.verifies_without_multiples(message, signature),
        }
    }

    /// RFC 8032, 5.1.7: R is sB - kA, where k is the hash of R, A and the message.
    fn verifies_by(
        &self,
        base: &Multiples,
        minus_a: &Multiples,
        message: &[u8],
        signature: &[u8; 64],
    ) -> bool {
        let signature = Signature::from_bytes(signature);
        let s: Option<Scalar> = Scalar::from_canonical_bytes(*signature.s_bytes()).into();
        let Some(s) = s else {
            return false;
        };
        let k = Scalar::from_hash(
            Sha512::new()
                .chain_update(signature.r_bytes())
                .chain_update(self.as_bytes())
                .chain_update(message),
        );
        let r = sum_of([(base, &s), (minus_a, &k)]);
        // Points are equal exactly if their encodings are, so the order of this one is the order of the
        // signature's.
        r.compress().as_bytes() == signature.r_bytes() && !r.is_small_order()
    }

    /// What a check is where no memory is left for multiples.
    pub(super) fn verifies_without_multiples(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        let signature = Signature::from_bytes(signature);
        self.key.verify_strict(message, &signature).is_ok()
    }
}

/// Multiples of a point P: row i has 4096^i P, two times that, and so on to 32 times.
struct Multiples(Vec<[EdwardsPoint; ROW_POINTS]>);

impl Multiples {
    fn of(point: &EdwardsPoint) -> Result<Self, TryReserveError> {
        let mut rows = Vec::new();
        rows.try_reserve_exact(ROWS)?;
        let mut first = *point;
        for _ in 0..ROWS {
            let mut multiple = EdwardsPoint::identity();
            rows.push(array::from_fn(|_| {
                multiple += first;
                multiple
            }));
            first = times_64(&times_64(&first));
        }
        Ok(Multiples(rows))
    }
}

/// The sum of the points times their numbers: the odd digits of all, moved by a digit, then the even.
fn sum_of<const N: usize>(terms: [(&Multiples, &Scalar); N]) -> EdwardsPoint {
    let terms = terms.map(|(multiples, number)| (multiples, digits(number)));
    let add = |sum, parity| {
        terms.iter().fold(sum, |sum, (multiples, digits)| {
            let digits = digits.iter().skip(parity).step_by(2);
            multiples.0.iter().zip(digits).fold(sum, add_digit)
        })
    };
    add(times_64(&add(EdwardsPoint::identity(), 1)), 0)
}

/// The sum with `digit` times the first point of the row.
fn add_digit(sum: EdwardsPoint, (row, digit): (&[EdwardsPoint; ROW_POINTS], &i8)) -> EdwardsPoint {
    let place = usize::from(digit.unsigned_abs()).checked_sub(1);
    match place.and_then(|place| row.get(place)) {
        Some(multiple) if *digit > 0 => sum + multiple,
        Some(multiple) => sum - multiple,
        None => sum,
    }
}

fn times_64(point: &EdwardsPoint) -> EdwardsPoint {
    // Twice the cofactor, which is 8.
    point.mul_by_cofactor().mul_by_cofactor()
}

/// The number in base 64, least digit first, each from -31 to 32.
fn digits(number: &Scalar) -> [i8; DIGITS] {
    let bytes = number.as_bytes();
    let byte = |place: usize| bytes.get(place).copied().unwrap_or(0);
    let mut carry = 0;
    array::from_fn(|place| {
        let bit = place * DIGIT_BITS;
        let two_bytes = u16::from_le_bytes([byte(bit / 8), byte(bit / 8 + 1)]);
        let [low, _] = (two_bytes >> (bit % 8) & 63).to_le_bytes();
        let digit = low.cast_signed() + carry;
        carry = i8::from(digit > 32);
        digit - 64 * carry
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_of_every_size_add_up_to_the_number() {
        let long = Scalar::from_bytes_mod_order([0xff; 32]);
        let half_way = Scalar::from_bytes_mod_order([0x82; 32]);
        let powers = (0..252).map(|bit| {
            let mut bytes = [0; 32];
            bytes[bit / 8] = 1 << (bit % 8);
            Scalar::from_bytes_mod_order(bytes)
        });
        let edges = [Scalar::ZERO, -Scalar::ONE, long, half_way];
        for number in edges
            .into_iter()
            .chain(powers.flat_map(|power| [power, -power]))
        {
            let digits = digits(&number);
            assert!(digits.iter().all(|digit| (-31..=32).contains(digit)));
            let sum = digits.iter().rfold(Scalar::ZERO, |sum, digit| {
                let size = Scalar::from(digit.unsigned_abs());
                sum * Scalar::from(64_u8) + if *digit < 0 { -size } else { size }
            });
            assert_eq!(sum, number);
        }
    }

    #[test]
    fn the_multiples_of_a_key_have_the_documented_size() {
        let multiples = Multiples::of(&ED25519_BASEPOINT_POINT).unwrap();
        assert_eq!(size_of_val(multiples.0.as_slice()), 110 * 1024);
    }
}
