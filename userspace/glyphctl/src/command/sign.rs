//! `glyphctl sign`: a guardian's signature over a challenge that a node issued.
//!
//! Owns the showing of what is signed. Invariant: nothing is signed that does not decode as a
//! message of GlyphOS's governance, or that asks for another algorithm than the key's.

use std::io::{self, BufRead as _, Read as _, Write};
use std::path::PathBuf;

use abi::governance::Action;
use abi::id::Hex;
use clap::Args;
use governance::Message;

use crate::failure::{Failure, note};
use crate::key::Secret;

/// Longest input that is searched for a challenge, in bytes.
const INPUT_BYTES_MAX: u64 = 64 * 1024;
/// What comes before the challenge in a reply of machine mode.
const MACHINE_KEY: &str = "challenge=";

/// `glyphctl sign --key FILE [CHALLENGE]`
#[derive(Args)]
pub(crate) struct Sign {
    /// Key file of the guardian, as `glyphctl keygen` made it
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The line that the node printed; `-` reads it from standard input
    #[arg(default_value = "-")]
    challenge: String,
}

impl Sign {
    /// Shows the message on standard error and prints its signature to `out`.
    ///
    /// # Errors
    /// If the key or the challenge cannot be read, or they do not fit each other.
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<(), Failure> {
        let line = match self.challenge.as_str() {
            "-" => line_from_input()?,
            line => line.to_owned(),
        };
        let line = line.trim();
        let message = Message::from_line(line.strip_prefix(MACHINE_KEY).unwrap_or(line)).map_err(
            |problem| {
                Failure::new(format!(
                    "nothing was signed, since this is no whole challenge of GlyphOS ({problem}); \
                     ask the node for a new one and copy all of its line"
                ))
            },
        )?;
        let secret = Secret::load(&self.key)?;
        if secret.algorithm() != message.algorithm {
            return Err(Failure::new(format!(
                "nothing was signed: {} signs with {}, and {} is a key for {}; give that guardian's key",
                message.guardian_id,
                message.algorithm,
                self.key.display(),
                secret.algorithm()
            )));
        }
        note(format_args!("you sign this:\n\n{message}"));
        note(format_args!(
            "then type at the node's console, with the signature at the end:"
        ));
        note(format_args!("{} SIGNATURE", answer(&message)));
        let signature = secret.sign(&message.encode());
        writeln!(out, "{}", Hex(&signature))?;
        Ok(())
    }
}

/// The console's command that takes the signature, without the signature.
fn answer(message: &Message) -> String {
    let (noun, verb, id) = match message.action {
        Action::SignOverride => ("override", "sign", message.override_id),
        Action::RevokeOverride => ("override", "revoke", message.override_id),
        Action::RejectOverride => ("override", "reject", message.override_id),
        Action::PostMortem => ("override", "post-mortem", message.override_id),
        Action::Review => ("override", "review", message.override_id),
        Action::ApproveRequest => ("request", "approve", message.request_id),
        Action::RejectRequest => ("request", "reject", message.request_id),
        Action::ChangeGuardians => ("guardian", "sign", message.change_id),
        Action::ReplaceVault => ("vault", "sign", message.change_id),
    };
    let id = id.map_or_else(|| "ID".to_owned(), |id| id.to_string());
    format!("{noun} {verb} {id} {}", message.guardian_id)
}

/// The first line of standard input that is not blank.
fn line_from_input() -> Result<String, Failure> {
    let unreadable =
        |error| Failure::new(format!("standard input cannot be read as text: {error}"));
    let input = io::BufReader::new(io::stdin().lock().take(INPUT_BYTES_MAX));
    for line in input.lines() {
        let line = line.map_err(unreadable)?;
        if !line.trim().is_empty() {
            return Ok(line);
        }
    }
    Err(Failure::new(
        "standard input holds no challenge; paste the line that the node printed",
    ))
}
