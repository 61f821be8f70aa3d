//! The policy: how much a node asks for beyond the floors, and its rules as data.
//!
//! A policy is a text of `key: value` lines (`glyphs/vault/policy.txt` ships, signed with the vault, and
//! explains each key). What an impact needs is fixed here, in code, so that no policy makes it easier.
//!
//! Invariants:
//! - a [`Policy`] that exists is within every floor and cap of this file, and fits a record;
//! - each check that an impact can ask for has at least one rule.

pub mod compliance;

use crate::wire::is_plain;
use abi::governance::{Impact, Role};
use abi::time::UnixSeconds;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use compliance::{CHECKS, Rule};
use core::fmt;
use sha2::{Digest as _, Sha256};

/// Signatures that an override needs at least, whatever a policy says.
pub const MIN_SIGNATURES_FLOOR: u32 = 3;
/// Roles that an override's signatures cover.
pub const OVERRIDE_ROLES: [Role; 3] = [Role::Ethics, Role::Security, Role::Charter];
/// An override is reviewed this long after its creation: 30 days.
pub const REVIEW_SECONDS: u64 = 30 * 86_400;
/// Longest grant that a policy may give: 168 hours.
pub const GRANT_HOURS_MAX: u32 = 168;
/// A challenge that is older counts no more: 24 hours.
pub const CHALLENGE_SECONDS: u64 = 24 * 3600;
/// Most rules of a policy: a request's record has room for each one's finding.
pub const RULES_MAX: usize = 16;
/// What a change type that no line names adds to the risk score, in thousandths.
const TYPE_RISK_DEFAULT: u32 = 20;
/// Most that a change type may add to the risk score, in thousandths.
pub(crate) const TYPE_RISK_MAX: u32 = 100;
/// Most `type_risk` lines.
const TYPE_RISKS_MAX: usize = 64;
/// Longest text of a policy, in bytes: the record of its adoption holds it.
pub const POLICY_BYTES_MAX: usize = 3584;
/// The policy that ships, for a node whose vault brings none that is to be trusted.
pub(crate) const BUILT_IN: &str = include_str!("../../../glyphs/vault/policy.txt");

/// Roles that must approve a request of this impact.
#[must_use]
pub const fn required_roles(impact: Impact) -> &'static [Role] {
    match impact {
        Impact::Low => &[Role::Technical],
        Impact::Medium => &[Role::Ethics, Role::Security],
        Impact::High => &[Role::Ethics, Role::Security, Role::Charter],
        Impact::Critical => &[Role::Ethics, Role::Security, Role::Charter, Role::Safety],
    }
}

/// How long a request of this impact waits for its approvals.
#[must_use]
pub const fn expiry_seconds(impact: Impact) -> u64 {
    let expiry_hours = match impact {
        Impact::Low => 24,
        Impact::Medium => 48,
        Impact::High => 72,
        Impact::Critical => 168,
    };
    hours(expiry_hours)
}

/// Signatures that a change of guardians, and the rejection of an override, need: a strict
/// majority of the active guardians.
#[must_use]
pub const fn quorum(active_guardians: u32) -> u32 {
    (active_guardians / 2).saturating_add(1)
}

/// A checked policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// Grows with every change.
    pub version: u32,
    /// SHA-256 of its text.
    pub digest: [u8; 32],
    text: String,
    /// Signatures that an override needs: [`MIN_SIGNATURES_FLOOR`] or more.
    pub min_signatures: u32,
    /// How long an override may stay pending.
    pub override_hours: u32,
    /// How long an active override grants.
    pub grant_hours: u32,
    /// How long after activation the post-mortem is due.
    pub post_mortem_hours: u32,
    /// How long a change of guardians may stay open.
    pub guardian_change_hours: u32,
    type_risks: Vec<(String, u32)>,
    rules: Vec<Rule>,
}

/// What is wrong with a policy's text, and in which line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyError {
    /// Line number from 1; 0 when something is missing altogether.
    pub line: usize,
    /// What is wrong.
    pub problem: String,
}

impl fmt::Display for PolicyError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(out, "policy: {}", self.problem),
            line => write!(out, "policy, line {line}: {}", self.problem),
        }
    }
}

impl core::error::Error for PolicyError {}

/// Values of single keys while the lines are read.
#[derive(Default)]
struct Draft {
    name: Option<String>,
    version: Option<u32>,
    min_signatures: Option<u32>,
    override_hours: Option<u32>,
    grant_hours: Option<u32>,
    post_mortem_hours: Option<u32>,
    guardian_change_hours: Option<u32>,
    type_risks: Vec<(String, u32)>,
    rules: Vec<Rule>,
}

impl Policy {
    /// Reads a policy's text; any bytes are legal input.
    ///
    /// # Errors
    /// [`PolicyError`] names the line and what it needs; no part of the text then counts.
    pub fn parse(bytes: &[u8]) -> Result<Self, PolicyError> {
        let whole = |problem| PolicyError { line: 0, problem };
        if bytes.len() > POLICY_BYTES_MAX {
            return Err(whole(format!(
                "it has {} bytes and may have {POLICY_BYTES_MAX}: shorten its comments",
                bytes.len()
            )));
        }
        let text = core::str::from_utf8(bytes)
            .map_err(|_| whole("it is not UTF-8: save it as UTF-8".to_string()))?;
        let mut draft = Draft::default();
        for (place, line) in text.lines().enumerate() {
            draft.take(line).map_err(|problem| PolicyError {
                line: place.saturating_add(1),
                problem,
            })?;
        }
        draft.finish(text).map_err(whole)
    }

    /// Its text, as it was read.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The policy that comes with this software.
    ///
    /// # Errors
    /// [`PolicyError`] if the built-in text is unsound, which a test rules out.
    pub fn built_in() -> Result<Self, PolicyError> {
        Policy::parse(BUILT_IN.as_bytes())
    }

    /// The rules of the check `name`.
    pub(crate) fn rules_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Rule> {
        self.rules.iter().filter(move |rule| rule.check == name)
    }

    /// What `change_type` adds to the risk score, in thousandths.
    pub(crate) fn type_risk(&self, change_type: &str) -> u32 {
        self.type_risks
            .iter()
            .find(|(name, _)| name == change_type)
            .map_or(TYPE_RISK_DEFAULT, |(_, risk)| *risk)
    }

    /// When an override that is created now stops waiting for its quorum.
    pub(crate) fn override_expiry(&self, now: UnixSeconds) -> UnixSeconds {
        now.plus(hours(self.override_hours))
    }
}

/// Hours in seconds.
pub(crate) const fn hours(count: u32) -> u64 {
    // Widening; `u64::from` is no constant function.
    (count as u64).saturating_mul(3600)
}

impl Draft {
    fn take(&mut self, line: &str) -> Result<(), String> {
        if line.chars().any(char::is_control) {
            return Err("control characters are for terminals: remove them".to_string());
        }
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        let (key, value) = line
            .split_once(':')
            .map(|(key, value)| (key.trim(), value.trim()))
            .ok_or("a line is `key: value`")?;
        match key {
            "policy" if value.len() <= 64 && !value.is_empty() && is_plain(value) => {
                once(&mut self.name, key, value.to_string())
            }
            "policy" => Err("a policy's name has 1 to 64 characters".to_string()),
            "version" => once(&mut self.version, key, number(value, 1, u32::MAX)?),
            "min_signatures" => once(
                &mut self.min_signatures,
                key,
                number(value, MIN_SIGNATURES_FLOOR, 32)?,
            ),
            "override_hours" => once(&mut self.override_hours, key, number(value, 1, 168)?),
            "grant_hours" => once(
                &mut self.grant_hours,
                key,
                number(value, 1, GRANT_HOURS_MAX)?,
            ),
            "post_mortem_hours" => once(&mut self.post_mortem_hours, key, number(value, 1, 720)?),
            "guardian_change_hours" => {
                once(&mut self.guardian_change_hours, key, number(value, 1, 720)?)
            }
            "type_risk" => self.take_type_risk(value),
            "rule" => {
                if self.rules.len() >= RULES_MAX {
                    return Err(format!("a policy has at most {RULES_MAX} rules"));
                }
                self.rules.push(Rule::parse(value)?);
                Ok(())
            }
            _ => Err(format!("`{key}` is no key of a policy")),
        }
    }

    fn take_type_risk(&mut self, value: &str) -> Result<(), String> {
        let (name, risk) = value.split_once(' ').ok_or("type_risk needs WORD NUMBER")?;
        if self.type_risks.iter().any(|(known, _)| known == name) {
            return Err(format!("type_risk {name} is given twice"));
        }
        if self.type_risks.len() >= TYPE_RISKS_MAX {
            return Err(format!(
                "a policy has at most {TYPE_RISKS_MAX} type_risk lines"
            ));
        }
        self.type_risks
            .push((name.to_string(), number(risk.trim(), 0, TYPE_RISK_MAX)?));
        Ok(())
    }

    fn finish(self, text: &str) -> Result<Policy, String> {
        for check in CHECKS {
            if !self.rules.iter().any(|rule| rule.check == check) {
                return Err(format!(
                    "the check {check} has no rule: a check of nothing proves nothing"
                ));
            }
        }
        let missing = |key: &str| format!("`{key}` is missing");
        Ok(Policy {
            name: self.name.ok_or_else(|| missing("policy"))?,
            version: self.version.ok_or_else(|| missing("version"))?,
            digest: Sha256::digest(text.as_bytes()).into(),
            text: text.to_string(),
            min_signatures: self
                .min_signatures
                .ok_or_else(|| missing("min_signatures"))?,
            override_hours: self
                .override_hours
                .ok_or_else(|| missing("override_hours"))?,
            grant_hours: self.grant_hours.ok_or_else(|| missing("grant_hours"))?,
            post_mortem_hours: self
                .post_mortem_hours
                .ok_or_else(|| missing("post_mortem_hours"))?,
            guardian_change_hours: self
                .guardian_change_hours
                .ok_or_else(|| missing("guardian_change_hours"))?,
            type_risks: self.type_risks,
            rules: self.rules,
        })
    }
}

fn once<T>(slot: &mut Option<T>, key: &str, value: T) -> Result<(), String> {
    if slot.is_some() {
        return Err(format!("`{key}` is given twice"));
    }
    *slot = Some(value);
    Ok(())
}

fn number(text: &str, least: u32, most: u32) -> Result<u32, String> {
    text.parse()
        .ok()
        .filter(|value| (least..=most).contains(value))
        .ok_or_else(|| format!("`{text}` is no number from {least} to {most}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_policy_is_sound_and_at_the_floors_of_the_spec() {
        let policy = Policy::built_in().unwrap();
        assert_eq!(policy.min_signatures, 3);
        assert_eq!(policy.grant_hours, 24);
        assert_eq!(policy.version, 1);
    }

    #[test]
    fn a_policy_may_raise_the_signatures_and_never_lower_them() {
        let raised = BUILT_IN.replace("min_signatures: 3", "min_signatures: 4");
        assert_eq!(Policy::parse(raised.as_bytes()).unwrap().min_signatures, 4);
        for lower in ["2", "0", "-1", "", "three"] {
            let text = BUILT_IN.replace("min_signatures: 3", &format!("min_signatures: {lower}"));
            let error = Policy::parse(text.as_bytes()).unwrap_err();
            assert!(
                error.line > 0 && error.problem.contains("from 3"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_policy_with_a_fault_is_refused_with_its_line() {
        for (text, problem) in [
            ("nonsense", "key: value"),
            ("colour: red", "no key"),
            ("version: 1\nversion: 2", "twice"),
            ("rule: four_laws violation lines_changed >= 3", "condition"),
            ("rule: five_laws violation description present", "check"),
            (
                "rule: four_laws maybe description present",
                "violation or warning",
            ),
            ("type_risk: kernel 101", "from 0 to 100"),
            ("grant_hours: 169", "from 1 to 168"),
        ] {
            let error = Policy::parse(text.as_bytes()).unwrap_err();
            assert!(
                error.line > 0 && error.problem.contains(problem),
                "{text}: {error}"
            );
        }
        assert!(Policy::parse(b"").unwrap_err().problem.contains("no rule"));
        let without = BUILT_IN.replace("grant_hours: 24", "");
        assert!(
            Policy::parse(without.as_bytes())
                .unwrap_err()
                .problem
                .contains("grant_hours")
        );
    }

    #[test]
    fn an_impact_needs_what_the_spec_says() {
        assert_eq!(required_roles(Impact::Low), [Role::Technical]);
        assert_eq!(
            required_roles(Impact::Medium),
            [Role::Ethics, Role::Security]
        );
        assert_eq!(required_roles(Impact::High), OVERRIDE_ROLES);
        assert_eq!(required_roles(Impact::Critical).len(), 4);
        let expiries: Vec<u64> = Impact::ALL
            .iter()
            .map(|i| expiry_seconds(*i) / 3600)
            .collect();
        assert_eq!(expiries, [24, 48, 72, 168]);
    }

    #[test]
    fn a_quorum_is_a_strict_majority() {
        assert_eq!([1, 2, 3, 4, 5].map(quorum), [1, 2, 2, 3, 3]);
    }
}
