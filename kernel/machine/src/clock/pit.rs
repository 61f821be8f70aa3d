//! The interval timer (8254): the tick of channel 0, and channel 2 to measure the processor's clock.
//!
//! Owns ports 0x40 to 0x43 and the gate of channel 2 in port 0x61.

use x86_64::instructions::port::Port;

/// Frequency of the timer's input, in Hz.
pub const INPUT_HZ: u64 = 1_193_182;

const CHANNEL_0: u16 = 0x40;
const CHANNEL_2: u16 = 0x42;
const COMMAND: u16 = 0x43;
const GATE: u16 = 0x61;
/// Gate of channel 2 open, speaker off.
const GATE_OPEN: u8 = 0x01;
const SPEAKER_ON: u8 = 0x02;
/// Length of the measurement in timer counts: 2.5 milliseconds.
const MEASURE_COUNTS: u16 = 2983;
/// Looks at the timer before it counts as absent; one look is two port accesses.
const LOOK_COUNT_MAX: u32 = 50_000;
/// How many readings are tried at each end; the one that took least time counts.
const SAMPLE_COUNT: u32 = 5;

fn write(port: u16, value: u8) {
    // SAFETY: the callers write only the timer's ports and its gate.
    unsafe { Port::<u8>::new(port).write(value) }
}

fn read(port: u16) -> u8 {
    // SAFETY: reading the timer's ports and its gate affects only the timer's read latch.
    unsafe { Port::<u8>::new(port).read() }
}

/// Makes channel 0 interrupt at about `frequency_hz`, and says at how many counts.
pub(crate) fn start_tick(frequency_hz: u64) -> u16 {
    let counts = INPUT_HZ
        .checked_div(frequency_hz)
        .unwrap_or(u64::from(u16::MAX));
    let counts = u16::try_from(counts).unwrap_or(u16::MAX);
    let [low, high] = counts.to_le_bytes();
    // Channel 0, low byte then high byte, mode 2 (rate generator), binary.
    write(COMMAND, 0x34);
    write(CHANNEL_0, low);
    write(CHANNEL_0, high);
    counts
}

/// The counter of channel 2, latched, between two readings of the time-stamp counter: the middle of
/// those two, and how far they are apart.
fn sample_once() -> (u64, u16, u64) {
    let before = super::cycles();
    write(COMMAND, 0x80);
    let after = super::cycles();
    let count = u16::from_le_bytes([read(CHANNEL_2), read(CHANNEL_2)]);
    let width = after.saturating_sub(before);
    (before.saturating_add(width / 2), count, width)
}

/// The best of some samples: an interruption by the host or by firmware makes a sample wide.
fn sample() -> (u64, u16) {
    let mut best = sample_once();
    for _ in 1..SAMPLE_COUNT {
        let next = sample_once();
        if next.2 < best.2 {
            best = next;
        }
    }
    (best.0, best.1)
}

/// Measures the time-stamp counter's frequency in Hz; nothing if there is no working timer.
pub(crate) fn measure_tsc_hz() -> Option<u64> {
    let gate = read(GATE);
    write(GATE, (gate & !SPEAKER_ON) | GATE_OPEN);
    // Channel 2, low byte then high byte, mode 0 (count down once), binary, from the longest count.
    write(COMMAND, 0xb0);
    write(CHANNEL_2, 0xff);
    write(CHANNEL_2, 0xff);
    let (start_cycles, start_count) = sample();
    let mut result = None;
    for _ in 0..LOOK_COUNT_MAX {
        let (_, count, _) = sample_once();
        if start_count.wrapping_sub(count) >= MEASURE_COUNTS {
            let (end_cycles, end_count) = sample();
            let counts = u64::from(start_count.saturating_sub(end_count));
            let cycles = u128::from(end_cycles.saturating_sub(start_cycles));
            let hz = cycles
                .checked_mul(u128::from(INPUT_HZ))?
                .checked_div(u128::from(counts));
            result = hz.and_then(|hz| u64::try_from(hz).ok());
            break;
        }
    }
    write(GATE, gate);
    result
}
