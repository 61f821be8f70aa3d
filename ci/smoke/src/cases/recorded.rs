//! A recorded session, told to a node in QEMU: every answer comes out bit for bit, on a processor with
//! all that QEMU can emulate and on the plainest one.
//!
//! The node's own tests hold a node on the host to the same file.

use crate::case::{Case, Failure, Place};
use crate::checks::{self, demand, is_refused};

/// The session: commands, and answers in machine mode.
const RECORDED: &str = include_str!("../../../../kernel/substrate/sessions/every-operation.txt");

/// The session.
pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("recorded-session", |place| recorded(place, &[])),
        Case::new("recorded-session-plainest-processor", |place| {
            recorded(place, &["-cpu", "qemu64"])
        }),
    ]
}

/// A command and what it has to answer.
#[derive(Debug, Default, PartialEq, Eq)]
struct Step<'a> {
    command: &'a str,
    /// Lines of the answer; none of them if only its success is asked for.
    lines: Vec<&'a str>,
    /// The code of a refusal.
    refusal: Option<&'a str>,
}

/// The steps of a recorded session.
fn steps(text: &str) -> Vec<Step<'_>> {
    let mut steps: Vec<Step<'_>> = Vec::new();
    for line in text.lines() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match steps.last_mut() {
            Some(step) if line.starts_with("= ") => step.lines.extend(line.get(2..)),
            Some(step) if line.starts_with("! ") => step.refusal = line.get(2..),
            _ => steps.push(Step {
                command: line,
                ..Step::default()
            }),
        }
    }
    steps
}

fn recorded(place: &Place<'_>, processor: &[&str]) -> Result<(), Failure> {
    let disk = place.empty_disk(1 << 20)?;
    let mut profile = checks::with_disk(place, &disk);
    profile
        .extra
        .extend(processor.iter().map(|word| (*word).to_owned()));
    let (mut session, _) = checks::boot(&profile, checks::limits(), place)?;
    for step in steps(RECORDED) {
        let answer = session.command(step.command)?;
        let holds = match step.refusal {
            Some(code) => is_refused(&answer, code, ""),
            None => answer.is_ok() && (step.lines.is_empty() || answer.lines == step.lines),
        };
        demand(holds, step.command, &answer)?;
    }
    Ok(session.power_off()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_and_refusals_belong_to_the_command_before_them() {
        let told = steps("# words\nread 1\n= a\n= b\n\ntick\nread 9\n! no\n");
        let step = |command, lines, refusal| Step {
            command,
            lines,
            refusal,
        };
        assert_eq!(
            told,
            [
                step("read 1", vec!["a", "b"], None),
                step("tick", vec![], None),
                step("read 9", vec![], Some("no")),
            ]
        );
    }

    #[test]
    fn the_recorded_session_asks_for_digests() {
        let told = steps(RECORDED);
        let digests = told
            .iter()
            .filter(|step| step.lines.iter().any(|line| line.starts_with("digest=")));
        assert!(digests.count() >= 6);
    }
}
