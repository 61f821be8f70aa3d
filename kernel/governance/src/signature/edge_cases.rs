//! Signatures on which implementations of Ed25519 disagree, each judged as `verify_strict` does.
//!
//! Published cases, every mixture of points of small order with the two points of a signature, and
//! random ones: by the multiples of a key, without them, and by ed25519-dalek.
#![expect(
    clippy::arithmetic_side_effects,
    reason = "points, scalars and bytes of the tests' own making"
)]

use super::{PublicKey, SigningKey};
use abi::id::hex_decode;
use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT as BASE, EIGHT_TORSION};
use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::scalar::Scalar;
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest as _, Sha256, Sha512};

fn bytes<const N: usize>(hex: &str) -> [u8; N] {
    let mut bytes = [0; N];
    hex_decode(hex, &mut bytes).unwrap();
    bytes
}

/// The verdict of both of our ways, which have to agree with each other and with the library.
fn judge(public: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    let strict = VerifyingKey::from_bytes(public).is_ok_and(|key| {
        let signature = Signature::from_bytes(signature);
        key.verify_strict(message, &signature).is_ok()
    });
    let ours = PublicKey::new(public).is_some_and(|key| {
        let verdict = key.verifies(message, signature);
        assert_eq!(
            key.verifies_without_multiples(message, signature),
            verdict,
            "without multiples: {public:x?} {message:x?} {signature:x?}"
        );
        verdict
    });
    assert_eq!(ours, strict, "{public:x?} {message:x?} {signature:x?}");
    ours
}

/// The 12 cases of Chalkias, Garillot and Nikolaenko, "Taming the many EdDSAs" (2020), as published in
/// ed25519-speccheck: public key, message, signature. A strict check takes the fourth alone.
const SPECCHECK: [(&str, &str, &str); 12] = [
    (
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "8c93255d71dcab10e8f379c26200f3c7bd5f09d9bc3068d3ef4edeb4853022b6",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a\
         0000000000000000000000000000000000000000000000000000000000000000",
    ),
    (
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43\
         a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
    ),
    (
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa\
         8c4bd45aecaca5b24fb97bc10ac27ac8751a7dfe1baff8b953ec9f5833ca260e",
    ),
    (
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
        "9046a64750444938de19f227bb80485e92b83fdb4b6506c160484c016cc1852f\
         87909e14428a7a1d62e9f22f3d3ad7802db02eb2e688b6c52fcd6648a98bd009",
    ),
    (
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
        "160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed512\
         5ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09",
    ),
    (
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
        "21122a84e0b5fca4052f5b1235c80a537878b38f3142356b2c2384ebad4668b7\
         e40bc836dac0f71076f9abe3a53f9c03c1ceeeddb658d0030494ace586687405",
    ),
    (
        "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
        "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
        "e96f66be976d82e60150baecff9906684aebb1ef181f67a7189ac78ea23b6c0e\
         547f7690a0e2ddcd04d87dbc3490dc19b3b3052f7ff0538cb68afb369ba3a514",
    ),
    (
        "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
        "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
        "8ce5b96c8f26d0ab6c47958c9e68b937104cd36e13c33566acd2fe8d38aa1942\
         7e71f98a473474f2f13f06f97c20d58cc3f54b8bd0d272f42b695dd7e89a8c22",
    ),
    (
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\
         03be9678ac102edcd92b0210bb34d7428d12ffc5df5f37e359941266a4e35f0f",
    ),
    (
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\
         ca8c5b64cd208982aa38d4936621a4775aa233aa0505711d8fdcfdaa943d4908",
    ),
    (
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "e96b7021eb39c1a163b6da4e3093dcd3f21387da4cc4572be588fafae23c155b",
        "a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dc\
         a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
    ),
    (
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "39a591f5321bbe07fd5a23dc2f39d025d74526615746727ceefd6e82ae65c06f",
        "a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dc\
         a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
    ),
];

#[test]
fn the_published_edge_cases_get_the_strict_verdict() {
    for (number, (public, message, signature)) in SPECCHECK.into_iter().enumerate() {
        let message: [u8; 32] = bytes(message);
        let verdict = judge(&bytes(public), &message, &bytes(signature));
        assert_eq!(verdict, number == 3, "case {number}");
    }
}

fn scalar(text: &str) -> Scalar {
    Scalar::from_hash(Sha512::new().chain_update(text))
}

/// A signature whose equation holds but for the parts of small order: `(public key, signature)`.
fn mixed(a: Scalar, r: Scalar, torsion: [EdwardsPoint; 2], message: &[u8]) -> ([u8; 32], [u8; 64]) {
    let public = (BASE * a + torsion[0]).compress().to_bytes();
    let r_bytes = (BASE * r + torsion[1]).compress().to_bytes();
    let k = Sha512::new()
        .chain_update(r_bytes)
        .chain_update(public)
        .chain_update(message);
    let s = r + Scalar::from_hash(k) * a;
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(&r_bytes);
    signature[32..].copy_from_slice(s.as_bytes());
    (public, signature)
}

#[test]
fn every_mixture_with_points_of_small_order_gets_the_strict_verdict() {
    let (mut taken, mut refused) = (0, 0);
    for a in [Scalar::ZERO, scalar("a")] {
        for r in [Scalar::ZERO, scalar("r")] {
            for torsion_a in EIGHT_TORSION {
                for torsion_r in EIGHT_TORSION {
                    for message in 0..8 {
                        let (public, signature) = mixed(a, r, [torsion_a, torsion_r], &[message]);
                        let verdict = judge(&public, &[message], &signature);
                        let is_small = a == Scalar::ZERO || r == Scalar::ZERO;
                        assert!(!(verdict && is_small), "a point of small order counts");
                        *(if verdict { &mut taken } else { &mut refused }) += 1;
                    }
                }
            }
        }
    }
    // Of 512 with both points of large order, k cancels the small ones in about an eighth.
    assert!(taken > 30 && refused > 1500, "{taken} {refused}");
}

#[test]
fn random_signatures_and_changed_ones_get_the_strict_verdict() {
    for number in 0_u8..64 {
        let signer = SigningKey::new(&Sha256::digest([number]).into());
        let message = [number; 40];
        let message = &message[..usize::from(number) % 40];
        let (public, signature) = (signer.public_key(), signer.sign(message));
        assert!(judge(&public, message, &signature));
        assert!(!judge(&public, b"another", &signature));
        let hash = Sha256::digest([number, 1]);
        for (place, bit) in [(hash[0] % 32, hash[1]), (hash[2] % 32 + 32, hash[3])] {
            let mut changed = signature;
            changed[usize::from(place)] ^= 1 << (bit % 8);
            assert!(!judge(&public, message, &changed));
        }
        assert!(!judge(&public, message, &with_order_added(signature)));
        let mut other = public;
        other[usize::from(hash[4] % 32)] ^= 1;
        assert!(!judge(&other, message, &signature));
    }
}

/// The signature with the order of the group added to its `s`: it names the same number modulo the order.
fn with_order_added(mut signature: [u8; 64]) -> [u8; 64] {
    let order_less_one = (-Scalar::ONE).to_bytes();
    let mut carry = 1;
    for (byte, added) in signature[32..].iter_mut().zip(order_less_one) {
        let sum = u16::from(*byte) + u16::from(added) + carry;
        [*byte, _] = sum.to_le_bytes();
        carry = sum >> 8;
    }
    signature
}
