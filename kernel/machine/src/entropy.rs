//! Random bytes from hardware, or a refusal.
//!
//! Owns the processor's random number instruction and its health check. There is no software source:
//! time and addresses are not entropy. Other devices can be added as a [`Source`].
//!
//! Invariants:
//! - bytes are given out only from a source that passed its check at boot and repeats nothing now;
//! - a refusal leaves no partial bytes behind: the buffer is zeroed.

use core::fmt;

use crate::cpu::features;
use crate::sync::InterruptLock;

/// How often a draw is repeated before the source counts as dry: Intel's guidance is 10.
const RETRY_COUNT_MAX: u32 = 16;
/// Draws of the check at boot.
const CHECK_COUNT: usize = 64;

/// Why there are no random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntropyError {
    /// The machine has no source.
    Unavailable,
    /// The source gave no value, however often it was asked.
    Dry,
    /// The source repeats itself; it is not used any more.
    Stuck,
}

impl fmt::Display for EntropyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable => {
                write!(
                    f,
                    "no source of random numbers: add a virtio-rng device or a processor with RDRAND"
                )
            }
            Self::Dry => write!(f, "the source of random numbers gave nothing: try again"),
            Self::Stuck => {
                write!(
                    f,
                    "the source of random numbers repeats itself: replace the processor or add a virtio-rng device"
                )
            }
        }
    }
}

/// A device that makes random numbers.
pub trait Source {
    /// Its name for people.
    fn name(&self) -> &'static str;

    /// Draws 64 random bits.
    ///
    /// # Errors
    /// An [`EntropyError`] if the device gives none.
    fn draw(&mut self) -> Result<u64, EntropyError>;
}

/// The processor's RDRAND instruction.
pub struct Processor;

impl Source for Processor {
    fn name(&self) -> &'static str {
        "rdrand"
    }

    fn draw(&mut self) -> Result<u64, EntropyError> {
        if !features::get().has_rdrand {
            return Err(EntropyError::Unavailable);
        }
        for _ in 0..RETRY_COUNT_MAX {
            let mut value = 0;
            // SAFETY: the processor has the instruction.
            if unsafe { core::arch::x86_64::_rdrand64_step(&mut value) } == 1 {
                return Ok(value);
            }
        }
        Err(EntropyError::Dry)
    }
}

/// A source under watch: a value that comes twice in a row, or one of all zeros or ones, stops it.
///
/// Either happens by chance once in 2^62 draws; broken processors are known for all three.
pub struct Watched<S> {
    source: S,
    last: Option<u64>,
    is_stuck: bool,
}

impl<S: Source> Watched<S> {
    /// Puts a source under watch.
    pub const fn new(source: S) -> Self {
        Self {
            source,
            last: None,
            is_stuck: false,
        }
    }

    /// Draws 64 random bits.
    ///
    /// # Errors
    /// [`EntropyError::Stuck`] for good once the source has repeated itself; else what the source says.
    pub fn draw(&mut self) -> Result<u64, EntropyError> {
        if self.is_stuck {
            return Err(EntropyError::Stuck);
        }
        let value = self.source.draw()?;
        self.is_stuck = value == 0 || value == u64::MAX || self.last == Some(value);
        if self.is_stuck {
            return Err(EntropyError::Stuck);
        }
        self.last = Some(value);
        Ok(value)
    }

    /// Draws a number of times, to find a broken source before it is used.
    ///
    /// # Errors
    /// As [`Watched::draw`].
    pub fn check(&mut self) -> Result<(), EntropyError> {
        (0..CHECK_COUNT).try_for_each(|_| self.draw().map(drop))
    }

    /// Fills a buffer with random bytes.
    ///
    /// # Errors
    /// As [`Watched::draw`]; the buffer is zeroed then.
    pub fn fill(&mut self, buffer: &mut [u8]) -> Result<(), EntropyError> {
        for chunk in buffer.chunks_mut(8) {
            match self.draw() {
                Ok(value) => {
                    for (byte, random) in chunk.iter_mut().zip(value.to_le_bytes()) {
                        *byte = random;
                    }
                }
                Err(error) => {
                    buffer.fill(0);
                    return Err(error);
                }
            }
        }
        Ok(())
    }
}

static PROCESSOR: InterruptLock<Watched<Processor>> = InterruptLock::new(Watched::new(Processor));

/// Checks the processor's source.
pub(crate) fn init() -> Result<(), EntropyError> {
    PROCESSOR.with(Watched::check)
}

/// Fills a buffer with random bytes from the processor.
///
/// # Errors
/// An [`EntropyError`] if there is no source or it fails; the buffer is zeroed then.
pub fn fill(buffer: &mut [u8]) -> Result<(), EntropyError> {
    PROCESSOR.with(|source| source.fill(buffer))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Scripted(std::vec::Vec<Result<u64, EntropyError>>);

    impl Source for Scripted {
        fn name(&self) -> &'static str {
            "script"
        }

        fn draw(&mut self) -> Result<u64, EntropyError> {
            self.0.pop().unwrap_or(Err(EntropyError::Dry))
        }
    }

    #[test]
    fn a_sound_source_fills_the_whole_buffer() {
        let mut source = Watched::new(Scripted(std::vec![
            Ok(0x1413_1211_100f_0e0d),
            Ok(0x0807_0605_0403_0201)
        ]));
        let mut buffer = [0; 11];
        assert_eq!(source.fill(&mut buffer), Ok(()));
        assert_eq!(buffer, [1, 2, 3, 4, 5, 6, 7, 8, 0x0d, 0x0e, 0x0f]);
    }

    #[test]
    fn a_source_that_repeats_itself_is_stuck_for_good() {
        for script in [
            std::vec![Ok(5), Ok(7), Ok(7)],
            std::vec![Ok(5), Ok(0)],
            std::vec![Ok(5), Ok(u64::MAX)],
        ] {
            let mut source = Watched::new(Scripted(script));
            let mut buffer = [0xaa; 32];
            assert_eq!(source.fill(&mut buffer), Err(EntropyError::Stuck));
            assert_eq!(buffer, [0; 32], "a refusal leaves nothing behind");
            assert_eq!(source.draw(), Err(EntropyError::Stuck));
        }
    }

    #[test]
    fn a_dry_source_is_refused_but_may_recover() {
        let mut source = Watched::new(Scripted(std::vec![Ok(9), Err(EntropyError::Dry)]));
        assert_eq!(source.draw(), Err(EntropyError::Dry));
        assert_eq!(source.draw(), Ok(9));
    }
}
