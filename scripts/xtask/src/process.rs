//! Runs other programs and says plainly which one failed.
//!
//! Owns how a child's failure becomes a sentence. Called by every verb.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// Runs `command` with its output on this terminal.
///
/// # Errors
/// If the program is missing or answers with a status other than 0.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let name = name_of(command);
    let status = command
        .status()
        .with_context(|| format!("cannot start {name}"))?;
    if !status.success() {
        bail!("{name} failed ({status}); its messages are above");
    }
    Ok(())
}

/// Runs `command` silently and returns what it printed; on failure its messages are in the error.
///
/// # Errors
/// If the program is missing or answers with a status other than 0.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let name = name_of(command);
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {name}"))?;
    if !output.status.success() {
        let messages = String::from_utf8_lossy(&output.stderr);
        bail!(
            "{name} failed ({}):\n{}",
            output.status,
            messages.trim_end()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The cargo that compiled this tool: the user's own, for all that runs on the host.
pub(crate) fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Forgets what the cargo that started this tool set for its own children.
///
/// A bare-metal build must depend on nothing but its own flags: a `RUSTFLAGS` of the caller, or
/// rustup's choice of toolchain, would change the bits.
pub(crate) fn without_caller_settings(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars_os() {
        let Some(text) = name.to_str() else { continue };
        let inherited = text.starts_with("CARGO_")
            && ![
                "CARGO_HOME",
                "CARGO_HTTP_",
                "CARGO_NET_",
                "CARGO_REGISTR",
                "CARGO_SOURCE_",
            ]
            .iter()
            .any(|kept| text.starts_with(kept));
        let rust = matches!(
            text,
            "RUSTFLAGS"
                | "RUSTC"
                | "RUSTDOC"
                | "RUSTDOCFLAGS"
                | "RUSTC_WRAPPER"
                | "RUSTC_WORKSPACE_WRAPPER"
                | "RUSTUP_TOOLCHAIN"
                | "RUST_RECURSION_COUNT"
                | "CARGO"
                | "LD_LIBRARY_PATH"
        );
        if inherited || rust {
            command.env_remove(text);
        }
    }
    command
}

fn name_of(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let name = program
        .file_name()
        .unwrap_or(program.as_os_str())
        .to_string_lossy()
        .into_owned();
    match command.get_args().next() {
        Some(first) => format!("`{name} {} ...`", first.to_string_lossy()),
        None => format!("`{name}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_child_is_an_error_with_its_own_words() {
        let error = output(Command::new("sh").args(["-c", "echo told >&2; exit 3"])).unwrap_err();
        assert!(error.to_string().contains("told"), "{error}");
        assert!(run(Command::new("sh").args(["-c", "exit 3"])).is_err());
        assert!(run(&mut Command::new("no-such-program-anywhere")).is_err());
    }

    #[test]
    fn a_good_child_hands_back_its_output() {
        assert_eq!(
            output(Command::new("sh").args(["-c", "echo good"])).unwrap(),
            "good\n"
        );
    }
}
