//! Whether checking and making signatures takes the same instructions for every secret and tag.
//!
//! A process counts the instructions of another one, one step at a time: no clock, no packages, the
//! very code that the processor runs. What is public may take its own time: an Ed25519 check knows
//! a public key, a message and a signature alone, which everybody has who sees the console.
//!
//! Invariants:
//! - all cases of a kind run in one process on the same bytes of memory;
//! - a comparison that ends early is among the kinds, and has to be seen to end early.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use abi::governance::Algorithm;
use governance::Key;
use governance::signature::{SigningKey, sign_hmac};
use nix::sys::ptrace;
use nix::sys::signal::{Signal, raise};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::process::{Command, Stdio};

/// Set in the process whose instructions are counted.
const TRACED: &str = "GLYPHOS_TRACED";
/// Has the C library compare by 16 bytes instead of by 32, so that a plain `==` of two tags ends early
/// here too; in the kernel it goes byte by byte.
const SMALL_STEPS: &str = "glibc.cpu.hwcaps=-AVX2,-AVX512VL,-AVX512BW,-MOVBE,-SSE4_1";
const TEST: &str = "no_secret_or_tag_changes_how_many_instructions_a_signature_takes";
const MESSAGE: [u8; 96] = [0x6d; 96];
const SECRET: [u8; 32] = [0x5e; 32];

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// [`Key::verifies`] of an HMAC guardian.
    VerifyHmac,
    /// A tag compared byte by byte up to the first difference: the control.
    VerifyEarly,
    /// [`sign_hmac`].
    SignHmac,
    /// [`SigningKey`] made and used.
    SignEd25519,
}

/// One case: the secret, and the tag that is held against the right one.
#[derive(Clone, Copy)]
struct Case {
    kind: Kind,
    secret: [u8; 32],
    tag: [u8; 32],
}

/// The right tag, tags that differ in one bit of each byte, and in every bit of three bytes.
fn tags() -> Vec<[u8; 32]> {
    let right = sign_hmac(&SECRET, &MESSAGE);
    let flipped = |byte: usize, bit: usize| {
        let mut tag = right;
        tag[byte] ^= 1 << bit;
        tag
    };
    let mut tags = vec![right, right.map(|byte| !byte)];
    tags.extend((0..32).map(|byte| flipped(byte, byte % 8)));
    for byte in [0, 15, 31] {
        tags.extend((0..8).map(|bit| flipped(byte, bit)));
    }
    tags
}

fn cases() -> Vec<Case> {
    let tag = sign_hmac(&SECRET, &MESSAGE);
    let secrets = [
        [0; 32],
        [0xff; 32],
        SECRET,
        std::array::from_fn(|place| u8::try_from(place * 7).unwrap()),
    ];
    let mut cases = Vec::new();
    for kind in [Kind::VerifyHmac, Kind::VerifyEarly] {
        cases.extend(tags().into_iter().map(|tag| Case {
            kind,
            secret: SECRET,
            tag,
        }));
    }
    for kind in [Kind::VerifyHmac, Kind::SignHmac] {
        cases.extend(secrets.map(|secret| Case { kind, secret, tag }));
    }
    // Near a million instructions each.
    let kind = Kind::SignEd25519;
    cases.extend([SECRET, secrets[1]].map(|secret| Case { kind, secret, tag }));
    cases
}

/// The step whose instructions are counted, on `case`.
#[inline(never)]
fn step(case: &Case, key: &Key) -> bool {
    match case.kind {
        Kind::VerifyHmac => key.verifies(&MESSAGE, &case.tag),
        Kind::VerifyEarly => {
            let right = black_box(sign_hmac(&case.secret, &MESSAGE));
            let mut pairs = right.iter().zip(&case.tag);
            pairs.all(|(ours, theirs)| black_box(*ours) == *theirs)
        }
        Kind::SignHmac => black_box(sign_hmac(&case.secret, &MESSAGE))[0] == 0,
        Kind::SignEd25519 => black_box(SigningKey::new(&case.secret).sign(&MESSAGE))[0] == 0,
    }
}

/// The process that is counted: it stops before and after each step.
fn be_traced() {
    let cases = cases();
    // One place in memory for every case, so that no address decides how bytes are copied.
    let mut now = cases[0];
    ptrace::traceme().expect("a process may have itself traced by its parent");
    for case in cases {
        now = black_box(case);
        let key = Key::new(Algorithm::HmacSha256, &now.secret).unwrap();
        // The first call of a kind looks at the processor's features.
        black_box(step(&now, &key));
        raise(Signal::SIGSTOP).unwrap();
        black_box(step(black_box(&now), &key));
        raise(Signal::SIGSTOP).unwrap();
    }
    black_box(now);
}

/// The next stop of the traced thread by a signal; `None` when its process has ended.
fn wait() -> Option<(Pid, Signal)> {
    match waitpid(Pid::from_raw(-1), Some(WaitPidFlag::__WALL)).expect("a child to wait for") {
        WaitStatus::Stopped(thread, signal) => Some((thread, signal)),
        WaitStatus::Exited(_, 0) => None,
        other => panic!("the traced process came to {other:?}"),
    }
}

/// Instructions between the stop that was reached and the next one.
fn count(thread: Pid) -> u64 {
    let mut instructions = 0;
    loop {
        ptrace::step(thread, None).expect("this machine lets a process trace its child");
        match wait() {
            Some((_, Signal::SIGTRAP)) => instructions += 1,
            Some((_, Signal::SIGSTOP)) => return instructions,
            other => panic!("the traced process came to {other:?}"),
        }
    }
}

/// Instructions of every case, in order, counted in a process of their own.
#[expect(
    clippy::zombie_processes,
    reason = "`wait` sees the end of the process"
)]
fn counts() -> Vec<u64> {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", TEST, "--test-threads", "1"])
        .env(TRACED, "1")
        .env("GLIBC_TUNABLES", SMALL_STEPS)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn();
    child.expect("the test starts itself");
    let mut counts = Vec::new();
    while let Some((thread, signal)) = wait() {
        assert_eq!(signal, Signal::SIGSTOP);
        counts.push(count(thread));
        ptrace::cont(thread, None).unwrap();
    }
    counts
}

#[test]
fn no_secret_or_tag_changes_how_many_instructions_a_signature_takes() {
    if std::env::var_os(TRACED).is_some() {
        return be_traced();
    }
    let cases = cases();
    let counts = counts();
    assert_eq!(counts.len(), cases.len(), "every case is counted");
    let mut seen: BTreeMap<Kind, BTreeMap<u64, usize>> = BTreeMap::new();
    for (case, count) in cases.iter().zip(counts) {
        *seen.entry(case.kind).or_default().entry(count).or_default() += 1;
    }
    for (kind, counts) in &seen {
        println!("{kind:?}: cases by their number of instructions {counts:?}");
        assert!(counts.keys().all(|count| *count > 100), "{kind:?} did run");
        if *kind == Kind::VerifyEarly {
            assert!(counts.len() >= 32, "a comparison that ends early is seen");
        } else {
            assert_eq!(counts.len(), 1, "{kind:?} takes its time by what is secret");
        }
    }
}
