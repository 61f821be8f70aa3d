//! What can go wrong with a profile or a session, in sentences that say what to do.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::ending::Ending;

/// A profile that no QEMU command line can be built from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProfileError {
    /// SeaBIOS starts the image's loader, which hangs without a graphics adapter.
    BiosNeedsScreen,
    /// The microvm machine has neither firmware for media nor a PCI bus that carries the disk.
    MicrovmIsDirectOnly,
    /// The microvm machine has one serial port.
    MicrovmHasOnePort,
    /// Two ports were led to the one standard input and output.
    OnePortPerTerminal,
    /// A path is not valid Unicode, so that it cannot be named in a QEMU option.
    PathNotUnicode(PathBuf),
    /// The run has no copy of the firmware variables that UEFI needs.
    NoFirmwareFiles,
}

impl fmt::Display for ProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BiosNeedsScreen => {
                f.write_str("booting by BIOS needs a screen: use UEFI for a machine without one")
            }
            Self::MicrovmIsDirectOnly => f.write_str(
                "microvm starts the kernel directly and has no PCI: use pc or q35 for media and disks",
            ),
            Self::MicrovmHasOnePort => {
                f.write_str("microvm has one serial port: leave the second one absent")
            }
            Self::OnePortPerTerminal => {
                f.write_str("only one serial port can be on the terminal: give the other a socket or a file")
            }
            Self::PathNotUnicode(path) => {
                write!(f, "the path {} is not valid Unicode: rename it", path.display())
            }
            Self::NoFirmwareFiles => {
                f.write_str("UEFI needs OVMF's files: install the package ovmf (./scripts/setup does)")
            }
        }
    }
}

impl std::error::Error for ProfileError {}

/// Why a session failed.
#[derive(Debug)]
pub enum SessionError {
    /// The profile makes no machine.
    Profile(ProfileError),
    /// The emulator could not be started.
    Start(io::Error),
    /// A file or socket of the run could not be used.
    Io {
        /// What was being done.
        doing: &'static str,
        /// What the system said.
        error: io::Error,
    },
    /// QEMU's control socket answered something else than expected.
    Qmp(String),
    /// Nothing came from the console for this long.
    Silent {
        /// How long it was silent.
        limit: Duration,
        /// What was awaited.
        waiting_for: String,
    },
    /// The console spoke, but what was awaited did not come in time.
    TimedOut {
        /// The limit that was passed.
        limit: Duration,
        /// What was awaited.
        waiting_for: String,
    },
    /// The machine stopped while something was awaited.
    Ended {
        /// How it ended.
        ending: Ending,
        /// What was awaited.
        waiting_for: String,
    },
    /// The machine ended, but not as it should.
    WrongEnding(Ending),
    /// The node refused a command that had to succeed.
    Refused {
        /// The command.
        command: String,
        /// The node's answer.
        answer: String,
    },
    /// The console wrote more than a session keeps.
    TooMuchOutput,
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Profile(error) => error.fmt(f),
            Self::Start(error) => write!(
                f,
                "{} did not start ({error}): install qemu-system-x86 (./scripts/setup does)",
                crate::QEMU
            ),
            Self::Io { doing, error } => write!(f, "{doing}: {error}"),
            Self::Qmp(text) => write!(f, "QEMU's control socket: {text}"),
            Self::Silent { limit, waiting_for } => {
                write!(
                    f,
                    "the console was silent for {} s, awaiting {waiting_for}",
                    limit.as_secs()
                )
            }
            Self::TimedOut { limit, waiting_for } => {
                write!(f, "{waiting_for} did not come within {} s", limit.as_secs())
            }
            Self::Ended {
                ending,
                waiting_for,
            } => write!(f, "{ending}, awaiting {waiting_for}"),
            Self::WrongEnding(ending) => ending.fmt(f),
            Self::Refused { command, answer } => write!(f, "`{command}` was refused: {answer}"),
            Self::TooMuchOutput => f.write_str("the console wrote without end"),
        }
    }
}

impl std::error::Error for SessionError {}

impl From<ProfileError> for SessionError {
    fn from(error: ProfileError) -> Self {
        Self::Profile(error)
    }
}
