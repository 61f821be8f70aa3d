//! How a machine ended, and whether that is how it should have.
//!
//! A clean power-off and a triple fault under `-no-reboot` both give exit status 0. They are told
//! apart by two witnesses that must agree: the reason that QEMU reports, and the node's own
//! farewell as the last line of its console.

use std::fmt;

/// The line that a node prints last, before it switches the machine off.
pub const FAREWELL: &str = "GLYPHOS POWEROFF";
/// Exit status of QEMU after the kernel wrote 0x11 to the exit port: a panic.
const STATUS_PANIC: i32 = 0x11 << 1 | 1;
/// Exit status of QEMU after a test kernel wrote 0x10 to the exit port.
const STATUS_TEST_PASSED: i32 = 0x10 << 1 | 1;

/// What is known of a machine's end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// QEMU's exit status; none if a signal ended it.
    pub status: Option<i32>,
    /// Why QEMU says that it stopped, in its own terms such as `guest-shutdown`.
    pub reason: Option<String>,
    /// The last line of the console that is not blank.
    pub last_line: String,
    /// The last words of QEMU itself on standard error.
    pub complaint: String,
}

/// The judgement of an [`Ending`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The node said farewell and switched the machine off.
    PoweredOff,
    /// The machine switched off, but the node had not said so.
    OffWithoutFarewell,
    /// The processor was reset: a triple fault, or a reboot.
    Reset,
    /// The kernel panicked and said so to QEMU.
    Panicked,
    /// A test kernel reported success.
    TestPassed,
    /// Something outside ended QEMU, or QEMU refused to go on.
    EmulatorFailed,
}

impl Ending {
    /// Judges the end.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match (self.status, self.reason.as_deref()) {
            (Some(0), Some("guest-reset")) => Verdict::Reset,
            (Some(0), Some("guest-shutdown")) if self.last_line == FAREWELL => Verdict::PoweredOff,
            (Some(0), Some("guest-shutdown")) => Verdict::OffWithoutFarewell,
            (Some(STATUS_PANIC), _) => Verdict::Panicked,
            (Some(STATUS_TEST_PASSED), _) => Verdict::TestPassed,
            _ => Verdict::EmulatorFailed,
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.verdict() {
            Verdict::PoweredOff => f.write_str("the node powered off")?,
            Verdict::OffWithoutFarewell => {
                write!(f, "the machine switched off without the line `{FAREWELL}`")?;
            }
            Verdict::Reset => f.write_str("the machine was reset (a triple fault or a reboot)")?,
            Verdict::Panicked => f.write_str("the kernel panicked")?,
            Verdict::TestPassed => f.write_str("the kernel left by the exit port with success")?,
            Verdict::EmulatorFailed => match self.status {
                Some(status) => write!(f, "QEMU ended with status {status}")?,
                None => f.write_str("QEMU was ended by a signal")?,
            },
        }
        if !self.complaint.is_empty() {
            write!(f, " [QEMU: {}]", self.complaint)?;
        }
        if !self.last_line.is_empty() && self.last_line != FAREWELL {
            write!(f, " (last line: {})", self.last_line)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ending(status: i32, reason: &str, last_line: &str) -> Ending {
        Ending {
            status: Some(status),
            reason: Some(reason.to_owned()),
            last_line: last_line.to_owned(),
            complaint: String::new(),
        }
    }

    #[test]
    fn only_farewell_and_shutdown_together_are_a_power_off() {
        assert_eq!(
            ending(0, "guest-shutdown", FAREWELL).verdict(),
            Verdict::PoweredOff
        );
        assert_eq!(
            ending(0, "guest-shutdown", "OK").verdict(),
            Verdict::OffWithoutFarewell
        );
        assert_eq!(ending(0, "guest-reset", FAREWELL).verdict(), Verdict::Reset);
    }

    #[test]
    fn status_zero_without_a_reason_is_no_power_off() {
        let mut unknown = ending(0, "", FAREWELL);
        unknown.reason = None;
        assert_eq!(unknown.verdict(), Verdict::EmulatorFailed);
    }

    #[test]
    fn exit_port_codes_are_told_apart() {
        assert_eq!(
            ending(35, "guest-shutdown", "x").verdict(),
            Verdict::Panicked
        );
        assert_eq!(
            ending(33, "guest-shutdown", "x").verdict(),
            Verdict::TestPassed
        );
        assert_eq!(ending(1, "", "").verdict(), Verdict::EmulatorFailed);
    }

    #[test]
    fn a_signal_is_told_in_words() {
        let mut killed = ending(0, "", "");
        killed.status = None;
        assert_eq!(killed.to_string(), "QEMU was ended by a signal");
    }
}
