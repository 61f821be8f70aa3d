//! `glyphctl keygen`: a guardian's secret or key pair, made away from the node.

use std::io::Write;
use std::path::PathBuf;

use abi::GuardianId;
use abi::governance::{Algorithm, Role};
use abi::id::Hex;
use clap::{Args, ValueEnum};

use crate::failure::{Failure, note};
use crate::key::Secret;

/// `glyphctl keygen --algorithm hmac|ed25519 --out FILE`
#[derive(Args)]
pub(crate) struct Keygen {
    /// How the guardian will sign; with ed25519 the node cannot forge signatures
    #[arg(long, value_enum, default_value = "ed25519")]
    algorithm: AlgorithmName,
    /// New file for the key; an existing one is never overwritten
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Guardian's id, for the line to type at the node
    #[arg(long, value_name = "ID", default_value = "ID", value_parser = guardian_id)]
    guardian: GuardianId,
    /// Guardian's role, for the line to type at the node
    #[arg(long, value_enum)]
    role: Option<RoleName>,
}

/// An algorithm as typed.
#[derive(Clone, Copy, ValueEnum)]
enum AlgorithmName {
    /// HMAC-SHA256 with a secret that the node shares
    Hmac,
    /// Ed25519 with a public key on the node
    Ed25519,
}

/// A role as typed.
#[derive(Clone, Copy, ValueEnum)]
enum RoleName {
    Ethics,
    Security,
    Charter,
    Safety,
    Technical,
}

impl RoleName {
    fn role(self) -> Role {
        match self {
            RoleName::Ethics => Role::Ethics,
            RoleName::Security => Role::Security,
            RoleName::Charter => Role::Charter,
            RoleName::Safety => Role::Safety,
            RoleName::Technical => Role::Technical,
        }
    }
}

fn guardian_id(text: &str) -> Result<GuardianId, String> {
    GuardianId::new(text).map_err(|error| error.to_string())
}

impl Keygen {
    /// Makes the key; the line that enrols it is the whole of what goes to `out`.
    ///
    /// # Errors
    /// If there is no entropy or the file cannot be made.
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<(), Failure> {
        let algorithm = match self.algorithm {
            AlgorithmName::Hmac => Algorithm::HmacSha256,
            AlgorithmName::Ed25519 => Algorithm::Ed25519,
        };
        let secret = Secret::generate(algorithm)?;
        secret.save(&self.out)?;
        let shown = self.out.display();
        note(format_args!(
            "{shown}: a new key; keep it away from the node and from others"
        ));
        note(match algorithm {
            Algorithm::HmacSha256 => format_args!(
                "type this at the node's console; the digits are the secret, so let nobody see them:"
            ),
            Algorithm::Ed25519 => {
                format_args!("type this at the node's console; the digits are the public key:")
            }
        });
        let role = self.role.map_or("ROLE", |role| role.role().name());
        let material = secret.material();
        writeln!(
            out,
            "guardian enrol {} {role} {algorithm} {}",
            self.guardian,
            Hex(&material)
        )?;
        Ok(())
    }
}
