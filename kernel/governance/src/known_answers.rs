//! SHA-256 held to published answers, on the processor and by the code that hash in earnest.
//!
//! The hash has a path for processors with instructions for it and one for all others; which one runs
//! is the processor's doing, so a machine asks itself as well: [`check`] is a part of `selftest`.

use abi::id::Hex;
use alloc::format;
use alloc::string::{String, ToString as _};
use sha2::{Digest as _, Sha256};

/// Message and hash: the examples of FIPS 180-4 for SHA-256 that NIST publishes, and the empty
/// message: each way in which padding falls.
const ANSWERS: [(&str, &str); 4] = [
    (
        "",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ),
    (
        "abc",
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    ),
    (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    ),
    (
        "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqr\
         lmnopqrsmnopqrstnopqrstu",
        "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1",
    ),
];

/// Hashes the published messages.
///
/// # Errors
/// A sentence with what differs, and what to do.
pub fn check() -> Result<(), String> {
    for (message, expected) in ANSWERS {
        let hash = Hex(&Sha256::digest(message)).to_string();
        if hash != expected {
            return Err(format!(
                "sha-256 of \"{message}\" is {hash} and has to be {expected}: trust no signature of this \
                 machine, and power it off"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
#[expect(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "the standard's own arithmetic on small numbers, and low bits that are asked for"
)]
mod tests {
    use super::*;
    use std::vec;
    use std::vec::Vec;

    /// The first 64 primes.
    fn primes() -> Vec<u128> {
        (2..312)
            .filter(|number| (2..*number).all(|divisor| number % divisor != 0))
            .collect()
    }

    /// The first 32 bits of the fraction of the root of this degree, as FIPS 180-4 defines its constants.
    fn fraction(number: u128, degree: u32) -> u32 {
        let scaled = number << (32 * degree);
        let (mut low, mut high) = (0_u128, 1 << 40);
        while high - low > 1 {
            let middle = (low + high) / 2;
            if middle.pow(degree) <= scaled {
                low = middle;
            } else {
                high = middle;
            }
        }
        low as u32
    }

    /// SHA-256 as sections 4 to 6 of FIPS 180-4 write it down, constants computed.
    fn by_the_standard(message: &[u8]) -> [u8; 32] {
        let primes = primes();
        let constants: Vec<u32> = primes.iter().map(|prime| fraction(*prime, 3)).collect();
        let mut state: Vec<u32> = primes[..8]
            .iter()
            .map(|prime| fraction(*prime, 2))
            .collect();
        let mut padded = message.to_vec();
        padded.push(0x80);
        while padded.len() % 64 != 56 {
            padded.push(0);
        }
        padded.extend_from_slice(&(message.len() as u64 * 8).to_be_bytes());
        for block in padded.chunks(64) {
            let mut w: Vec<u32> = block
                .chunks(4)
                .map(|word| u32::from_be_bytes(word.try_into().unwrap()))
                .collect();
            for t in 16..64 {
                let (a, b) = (w[t - 15], w[t - 2]);
                let s0 = a.rotate_right(7) ^ a.rotate_right(18) ^ (a >> 3);
                let s1 = b.rotate_right(17) ^ b.rotate_right(19) ^ (b >> 10);
                let sum = w[t - 16].wrapping_add(s0).wrapping_add(w[t - 7]);
                w.push(sum.wrapping_add(s1));
            }
            let mut v = state.clone();
            for t in 0..64 {
                let (a, e) = (v[0], v[4]);
                let s1 = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
                let choice = (e & v[5]) ^ (!e & v[6]);
                let s0 = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
                let majority = (a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]);
                let sum = v[7].wrapping_add(s1).wrapping_add(choice);
                let sum = sum.wrapping_add(constants[t]).wrapping_add(w[t]);
                v.rotate_right(1);
                v[4] = v[4].wrapping_add(sum);
                v[0] = sum.wrapping_add(s0).wrapping_add(majority);
            }
            for (sum, value) in state.iter_mut().zip(v) {
                *sum = sum.wrapping_add(value);
            }
        }
        let bytes: Vec<u8> = state.iter().flat_map(|word| word.to_be_bytes()).collect();
        bytes.try_into().unwrap()
    }

    #[test]
    fn sha256_gives_the_answers_of_fips_180_4() {
        let has_instructions = std::is_x86_feature_detected!("sha");
        std::println!("this processor has instructions for SHA-256: {has_instructions}");
        check().unwrap();
        let million = vec![b'a'; 1_000_000];
        let expected = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";
        assert_eq!(Hex(&Sha256::digest(&million)).to_string(), expected);
    }

    #[test]
    fn sha256_is_what_the_standard_writes_down_at_every_length_to_five_blocks() {
        let bytes: Vec<u8> = (0..320).map(|place| (place * 7 + 3) as u8).collect();
        for length in 0..=bytes.len() {
            let message = &bytes[..length];
            let expected = by_the_standard(message);
            assert_eq!(Sha256::digest(message)[..], expected, "{length} bytes");
            let (head, tail) = message.split_at(length / 3);
            let parts = Sha256::new().chain_update(head).chain_update(tail);
            assert_eq!(
                parts.finalize()[..],
                expected,
                "{length} bytes in two parts"
            );
        }
    }
}
