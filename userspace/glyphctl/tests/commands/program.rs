//! Runs `glyphctl` and keeps all that it said.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) status: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// The program with these arguments, not started yet.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_glyphctl"));
    command.args(arguments).stdin(Stdio::null());
    command
}

/// Runs the program to its end.
pub(crate) fn glyphctl(arguments: &[&str]) -> Run {
    run_of(command(arguments).output().expect("the program starts"))
}

/// Runs the program with this standard input.
pub(crate) fn glyphctl_with_input(arguments: &[&str], input: &str) -> Run {
    let mut child = command(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    // A program that has seen enough may close its input early.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    run_of(child.wait_with_output().expect("the program ends"))
}

pub(crate) fn run_of(output: Output) -> Run {
    Run {
        status: output.status.code().expect("no signal ended it"),
        out: String::from_utf8(output.stdout).expect("text"),
        err: String::from_utf8(output.stderr).expect("text"),
    }
}
