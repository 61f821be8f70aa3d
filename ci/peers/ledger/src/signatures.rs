//! What a guardian's signature costs on this host: made and checked, both kinds.

use std::hint::black_box;
use std::time::Instant;

use governance::signature::{Key, ed25519_public_key, sign_ed25519, sign_hmac};

use crate::{Failure, nanoseconds};

/// A message of about the length of a challenge.
const MESSAGE: [u8; 300] = [0x33; 300];
const SECRET: [u8; 32] = [0x71; 32];
const ROUNDS: usize = 200;
const TURNS: u32 = 10;

/// The best of many short rounds: nothing here waits for a device, so whatever takes longer is
/// somebody else's work.
fn time(mut body: impl FnMut()) -> f64 {
    let round = |_| {
        let began = Instant::now();
        (0..TURNS).for_each(|_| body());
        nanoseconds(began.elapsed() / TURNS)
    };
    (0..ROUNDS).map(round).fold(f64::INFINITY, f64::min)
}

pub(crate) fn measure() -> Result<(), Failure> {
    let hmac = Key::new(abi::governance::Algorithm::HmacSha256, &SECRET)?;
    let public = ed25519_public_key(&SECRET);
    let ed25519 = Key::new(abi::governance::Algorithm::Ed25519, &public)?;
    let tag = sign_hmac(&SECRET, &MESSAGE);
    let signature = sign_ed25519(&SECRET, &MESSAGE);
    if !hmac.verifies(&MESSAGE, &tag) || !ed25519.verifies(&MESSAGE, &signature) {
        return Err("a signature does not verify".into());
    }
    let sign_hmac = || {
        black_box(sign_hmac(&SECRET, black_box(&MESSAGE)));
    };
    let check_hmac = || {
        black_box(hmac.verifies(black_box(&MESSAGE), &tag));
    };
    // Half of what signing takes, since it begins with the secret alone.
    let derive = || {
        black_box(ed25519_public_key(black_box(&SECRET)));
    };
    let sign = || {
        black_box(sign_ed25519(&SECRET, black_box(&MESSAGE)));
    };
    let check = || {
        black_box(ed25519.verifies(black_box(&MESSAGE), &signature));
    };
    println!("\nsignatures over 300 B");
    for (name, spent) in [
        ("HMAC-SHA256, sign", time(sign_hmac)),
        ("HMAC-SHA256, verify", time(check_hmac)),
        ("Ed25519, public key", time(derive)),
        ("Ed25519, sign", time(sign)),
        ("Ed25519, verify", time(check)),
    ] {
        println!("{name:<30} {:11.0} ns", spent);
    }
    Ok(())
}
