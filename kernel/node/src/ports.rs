//! What the node needs from the machine, as traits that hardware or a simulation implements.
//!
//! Owns: [`Clock`], [`Entropy`], [`Line`], [`Machine`]. Called by every service of the node.
//! Invariant: nothing else in this crate touches time, randomness or a device.

use abi::response::MemoryReport;
use abi::time::UnixSeconds;
use alloc::string::String;
use core::fmt;

/// Time: one source that never goes back, and the wall clock where there is one.
pub trait Clock {
    /// Nanoseconds since the kernel's entry; never less than an earlier answer.
    fn monotonic_ns(&self) -> u64;
    /// The wall clock now; `None` on a machine without one.
    fn wall(&self) -> Option<UnixSeconds>;
}

/// No source of entropy answered: what needs randomness is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoEntropy;

impl fmt::Display for NoEntropy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(
            "no source of entropy: use a processor with RDRAND or attach a virtio-rng device",
        )
    }
}

impl core::error::Error for NoEntropy {}

/// Unpredictable bytes.
pub trait Entropy {
    /// Fills the whole buffer.
    ///
    /// # Errors
    /// [`NoEntropy`]; the buffer is then not to be used.
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), NoEntropy>;
}

/// A serial line, or what stands in for one. Both ends are polled and never block.
pub trait Line {
    /// Moves received bytes into `buffer` and says how many.
    fn read(&mut self, buffer: &mut [u8]) -> usize;
    /// Whether bytes were lost on reception since the last call.
    fn take_overrun(&mut self) -> bool;
    /// Queues bytes to send and says how many were taken.
    fn write(&mut self, bytes: &[u8]) -> usize;
}

/// One thing that was looked for at boot: name, and what was found or is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The part, as `console` or `entropy`.
    pub part: &'static str,
    /// How it is.
    pub health: abi::response::Health,
    /// One line on what was found, or what its absence limits.
    pub detail: String,
}

/// The machine under the node.
pub trait Machine: Clock + Entropy {
    /// Memory now.
    fn memory(&self) -> MemoryReport;
    /// What was found at boot besides the node's own parts.
    fn found(&self) -> &[Found];
    /// Checks that only the machine can make (page tables, guard pages): name and finding.
    fn selftest(&mut self) -> alloc::vec::Vec<(String, Result<(), String>)>;
}
