//! Arguments of the commands that replace the vault.

use super::Command;
use super::arguments::{Arguments, Wrong};
use abi::vault::{VaultRequest, VaultTarget};
use abi::{RecordPrefix, Request};

/// The word for the vault that the machine started with.
const BOOT_MEDIUM: &str = "boot-medium";

fn vault(request: VaultRequest) -> Result<Command, Wrong> {
    Ok(Command::Node(Request::Vault(request)))
}

pub(super) fn read_stage(arguments: &mut Arguments) -> Result<Command, Wrong> {
    vault(VaultRequest::Stage {
        offset: arguments.integer("OFFSET")?,
        bytes: arguments.bytes("HEX")?,
    })
}

pub(super) fn read_propose(arguments: &mut Arguments) -> Result<Command, Wrong> {
    if arguments.is_empty() {
        return vault(VaultRequest::Propose(VaultTarget::Staged));
    }
    let target = arguments.one_of(
        "a vault",
        "boot-medium, or 4 to 32 digits of an archive's SHA-256",
        |word| match word {
            BOOT_MEDIUM => Some(VaultTarget::BootMedium),
            digits => RecordPrefix::new(digits).ok().map(VaultTarget::Kept),
        },
    )?;
    vault(VaultRequest::Propose(target))
}

pub(super) fn read_challenge(arguments: &mut Arguments) -> Result<Command, Wrong> {
    vault(VaultRequest::Challenge {
        change: arguments.record("CHANGE")?,
        signer: arguments.guardian("GUARDIAN")?,
        justification: arguments.text("\"why\"")?,
    })
}

pub(super) fn read_sign(arguments: &mut Arguments) -> Result<Command, Wrong> {
    vault(VaultRequest::Sign {
        change: arguments.record("CHANGE")?,
        signer: arguments.guardian("GUARDIAN")?,
        signature: arguments.signature()?,
    })
}
