//! Why the ledger did not do what it was asked, each with what to do about it.

use core::fmt;

use crate::device::DeviceError;
use crate::examine::Examination;
use crate::finding::Finding;
use crate::geometry::DEVICE_BYTES_MIN;

/// Why a device was not opened as a ledger. Nothing was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpenError {
    /// The device holds no ledger; the examination says what it holds.
    NotALedger(Examination),
    /// The ledger is of a format that this version does not know.
    Unsupported {
        /// Major version of the format.
        version_major: u16,
        /// Incompatible features that are set.
        features: u64,
    },
    /// The device has fewer sectors than when it was formatted.
    Shrunk {
        /// Sectors when it was formatted.
        formatted_sectors: u64,
        /// Sectors now.
        device_sectors: u64,
    },
}

impl fmt::Display for OpenError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::NotALedger(examination) => write!(out, "no ledger here: {examination}"),
            OpenError::Unsupported {
                version_major,
                features,
            } => write!(
                out,
                "the ledger has format {version_major} with features {features:#x}; \
                 start a release of GlyphOS that knows it"
            ),
            OpenError::Shrunk {
                formatted_sectors,
                device_sectors,
            } => write!(
                out,
                "the ledger was made on {formatted_sectors} sectors and the device has \
                 {device_sectors}; attach the whole device"
            ),
        }
    }
}

impl core::error::Error for OpenError {}

/// Why a device was not formatted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormatError {
    /// The device is smaller than [`DEVICE_BYTES_MIN`]; nothing was written.
    TooSmall,
    /// The device failed; it holds no usable ledger now. Format it again.
    Device(DeviceError),
    /// What was written does not read back; do not use this device.
    ReadBack,
}

impl fmt::Display for FormatError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FormatError::TooSmall => write!(
                out,
                "the device is too small: a ledger needs {DEVICE_BYTES_MIN} bytes"
            ),
            FormatError::Device(error) => write!(out, "{error}; format the device again"),
            FormatError::ReadBack => {
                out.write_str("what was written does not read back; use another device")
            }
        }
    }
}

impl core::error::Error for FormatError {}

impl From<DeviceError> for FormatError {
    fn from(error: DeviceError) -> Self {
        FormatError::Device(error)
    }
}

/// Why the ledger takes no records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadOnlyReason {
    /// It was opened to be inspected only.
    Inspection,
    /// Recovery found damage that it cannot undo.
    Damage(Finding),
    /// The device failed while the ledger was made ready to write.
    Device(DeviceError),
    /// An append was not confirmed; recovery has to find out whether its record is there.
    Unconfirmed,
    /// A newer release set a feature that this one must not write around.
    Feature,
}

impl fmt::Display for ReadOnlyReason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadOnlyReason::Inspection => out.write_str("opened to be inspected only"),
            ReadOnlyReason::Damage(finding) => write!(
                out,
                "{finding}; save an image of the device and restore a backup"
            ),
            ReadOnlyReason::Device(error) => {
                write!(out, "{error}; check the device and start again")
            }
            ReadOnlyReason::Unconfirmed => out.write_str(
                "the last append was not confirmed; check the device and start again, which \
                 recovers the ledger",
            ),
            ReadOnlyReason::Feature => {
                out.write_str("a newer release wrote this ledger; use that release to write to it")
            }
        }
    }
}

/// Whether a record that was not acknowledged may exist all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Certainly not there.
    Absent,
    /// There or not; recovery will tell.
    Unknown,
}

/// Why a record was not acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppendError {
    /// A payload is longer than the ledger's version of the format takes.
    PayloadTooLarge {
        /// Its length in bytes.
        bytes: usize,
        /// The longest that is taken.
        bytes_max: usize,
    },
    /// A group with no record, or one that takes more frames than are written at once.
    GroupSize {
        /// Frames that its records take.
        frames: usize,
        /// Most that are taken.
        frames_max: usize,
    },
    /// No slot is left that this record may use.
    Full,
    /// The ledger takes no records.
    ReadOnly(ReadOnlyReason),
    /// The device failed in the middle.
    Device(DeviceError),
    /// What was written does not read back the same.
    ReadBack,
}

impl AppendError {
    /// Whether the record may exist all the same.
    #[must_use]
    pub const fn fate(&self) -> Fate {
        match self {
            AppendError::PayloadTooLarge { .. }
            | AppendError::GroupSize { .. }
            | AppendError::Full
            | AppendError::ReadOnly(_) => Fate::Absent,
            AppendError::Device(_) | AppendError::ReadBack => Fate::Unknown,
        }
    }
}

impl fmt::Display for AppendError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AppendError::PayloadTooLarge { bytes, bytes_max } => write!(
                out,
                "the record has {bytes} bytes and at most {bytes_max} fit; shorten its texts"
            ),
            AppendError::GroupSize { frames, frames_max } => write!(
                out,
                "the records of the group take {frames} frames and 1 to {frames_max} are written at \
                 once; append fewer together"
            ),
            AppendError::Full => out.write_str(
                "the ledger is full: type poweroff, copy it to a larger disk with `glyphctl ledger restore \
                 OLD NEW`, and start with that one",
            ),
            AppendError::ReadOnly(reason) => write!(out, "the ledger is read-only: {reason}"),
            AppendError::Device(error) => write!(
                out,
                "{error}; the record is not acknowledged, recover the ledger to see whether it is there"
            ),
            AppendError::ReadBack => out.write_str(
                "the record does not read back; it is not acknowledged, recover the ledger",
            ),
        }
    }
}

impl core::error::Error for AppendError {}

/// Why a record was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadError {
    /// The ledger has no record of that number.
    NoSuchRecord {
        /// The number asked for.
        seq: u64,
    },
    /// No copy of the record is whole.
    Damaged {
        /// The record.
        seq: u64,
    },
    /// The record is whole and does not follow from the one before it.
    Unlinked {
        /// The record.
        seq: u64,
    },
}

impl fmt::Display for ReadError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadError::NoSuchRecord { seq } => write!(out, "there is no record {seq}"),
            ReadError::Damaged { seq } => {
                write!(out, "no copy of record {seq} is whole; run `ledger verify`")
            }
            ReadError::Unlinked { seq } => write!(
                out,
                "record {seq} does not follow from the one before it; run `ledger verify`"
            ),
        }
    }
}

impl core::error::Error for ReadError {}

/// Why a replay ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplayError<E> {
    /// A record could not be read.
    Read(ReadError),
    /// The visitor refused a record.
    Visitor(E),
}

impl<E: fmt::Display> fmt::Display for ReplayError<E> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReplayError::Read(error) => write!(out, "{error}"),
            ReplayError::Visitor(error) => write!(out, "{error}"),
        }
    }
}
