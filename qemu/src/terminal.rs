//! A machine on a person's terminal.
//!
//! Owns nothing but the wait: QEMU itself reads the keys and draws. Ctrl-A X leaves it at once.

use std::process::Command;

use crate::arguments::RunFiles;
use crate::error::SessionError;
use crate::firmware::Ovmf;
use crate::profile::Profile;
use crate::rundir::RunDirectory;

/// Runs `profile` until it ends, and gives QEMU's exit status; none if a signal ended it.
///
/// # Errors
/// [`SessionError`] if the profile makes no machine or QEMU does not start.
pub fn run_on_terminal(profile: &Profile) -> Result<Option<i32>, SessionError> {
    let directory = RunDirectory::new().map_err(|error| SessionError::Io {
        doing: "preparing the run",
        error,
    })?;
    let firmware = match profile.is_uefi() {
        true => Some(Ovmf::prepare(directory.path())?),
        false => None,
    };
    let files = RunFiles {
        firmware,
        ..RunFiles::default()
    };
    let status = Command::new(crate::QEMU)
        .args(profile.arguments(&files)?)
        .status()
        .map_err(SessionError::Start)?;
    Ok(status.code())
}
