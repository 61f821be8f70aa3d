//! OVMF's files, and a fresh copy of its variables for each run.
//!
//! Firmware writes to its variables while it boots. A shared copy would make one run depend on
//! the one before, so that each run starts from the pristine template.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{ProfileError, SessionError};

/// Where distributions put OVMF, the most usual place first: code, then the variables' template.
const PLACES: [(&str, &str); 3] = [
    (
        "/usr/share/OVMF/OVMF_CODE_4M.fd",
        "/usr/share/OVMF/OVMF_VARS_4M.fd",
    ),
    (
        "/usr/share/OVMF/OVMF_CODE.fd",
        "/usr/share/OVMF/OVMF_VARS.fd",
    ),
    (
        "/usr/share/edk2/x64/OVMF_CODE.4m.fd",
        "/usr/share/edk2/x64/OVMF_VARS.4m.fd",
    ),
];

/// UEFI firmware for one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ovmf {
    /// The firmware's code, shared and never written.
    pub code: PathBuf,
    /// This run's own variables.
    pub vars: PathBuf,
}

impl Ovmf {
    /// Finds the firmware and copies its variables into `directory`.
    ///
    /// # Errors
    /// [`ProfileError::NoFirmwareFiles`] where OVMF is not installed; an I/O error if the copy
    /// fails.
    pub fn prepare(directory: &Path) -> Result<Self, SessionError> {
        Self::prepare_from(&PLACES, directory)
    }

    fn prepare_from(places: &[(&str, &str)], directory: &Path) -> Result<Self, SessionError> {
        let (code, template) = places
            .iter()
            .find(|(code, vars)| Path::new(code).is_file() && Path::new(vars).is_file())
            .ok_or(ProfileError::NoFirmwareFiles)?;
        let vars = directory.join("vars.fd");
        let doing = "copying the firmware's variables";
        // Read and write instead of a copy: a package's read-only mode must not come along.
        let bytes = fs::read(template).map_err(|error| SessionError::Io { doing, error })?;
        fs::write(&vars, bytes).map_err(|error| SessionError::Io { doing, error })?;
        Ok(Self {
            code: code.into(),
            vars,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rundir::RunDirectory;

    #[test]
    fn each_run_gets_its_own_variables() {
        let directory = RunDirectory::new().unwrap();
        let template = directory.path().join("template.fd");
        let code = directory.path().join("code.fd");
        fs::write(&template, b"pristine").unwrap();
        fs::write(&code, b"code").unwrap();
        let places = [(code.to_str().unwrap(), template.to_str().unwrap())];
        let ovmf = Ovmf::prepare_from(&places, directory.path()).unwrap();
        assert_eq!(fs::read(&ovmf.vars).unwrap(), b"pristine");
        fs::write(&ovmf.vars, b"used").unwrap();
        assert_eq!(fs::read(&template).unwrap(), b"pristine");
    }

    #[test]
    fn missing_firmware_is_told_and_not_replaced() {
        let directory = RunDirectory::new().unwrap();
        let result = Ovmf::prepare_from(&[("/nowhere/code", "/nowhere/vars")], directory.path());
        assert!(matches!(
            result,
            Err(SessionError::Profile(ProfileError::NoFirmwareFiles))
        ));
    }
}
