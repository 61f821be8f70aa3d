//! Compliance checks and the risk score of a request: rules of the policy applied as data.
//!
//! A check passes when none of its `violation` rules fails. Its score is the share of its
//! rules that hold, a failed `warning` counting half. The risk score is the sum of four parts,
//! in thousandths: impact (100, 300, 500 or 700), size (up to 100: 1 for each 100 lines and
//! for each 10 files), change type (0 to 100, from the policy) and failed checks (up to 100:
//! their share of the checks that the impact asks for).

use super::Policy;
use crate::event::RequestCreated;
use crate::wire::{DecodeError, Reader, Wire, Writer, is_plain, wire_struct};
use abi::governance::Impact;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt;

/// Every check, in the order in which impacts add them.
pub const CHECKS: [&str; 6] = [
    "four_laws",
    "charter",
    "personhood",
    "security",
    "safety",
    "continuity",
];
/// Longest condition of a rule, in bytes: a request's record has room for each.
const CONDITION_BYTES_MAX: usize = 40;

/// Checks that a request of this impact has to stand.
#[must_use]
pub fn checks_of(impact: Impact) -> &'static [&'static str] {
    let count = match impact {
        Impact::Low => 1,
        Impact::Medium => 2,
        Impact::High => 4,
        Impact::Critical => 6,
    };
    CHECKS
        .split_at_checked(count)
        .map_or(&CHECKS, |(needed, _)| needed)
}

/// A share in thousandths: 0 to 1000. In exports it is from 0 to 1, as at the console.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permille(u32);

impl Permille {
    /// The share; more than all is all.
    pub(crate) fn new(thousandths: u32) -> Self {
        Permille(thousandths.min(1000))
    }

    /// From 0 to 1.
    pub(crate) fn share(self) -> f64 {
        f64::from(self.0) / 1000.0
    }
}

impl Wire for Permille {
    fn put(&self, out: &mut Writer) {
        self.0.put(out);
    }
    fn take(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match u32::take(input)? {
            thousandths @ 0..=1000 => Ok(Permille(thousandths)),
            _ => Err(DecodeError::Value("a share in thousandths")),
        }
    }
    fn json(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        write!(out, "{}", self.share())
    }
}

wire_struct! {
    /// One check's result, as recorded with the request.
    CheckResult {
        /// The check.
        name: String,
        /// Whether no violation was found.
        passed: bool,
        /// Share of its rules that hold.
        score: Permille,
        /// Conditions that had to hold and do not.
        violations: Vec<String>,
        /// Conditions that should hold and do not.
        warnings: Vec<String>,
    }
}

/// What the rules look at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) impact: Impact,
    pub(crate) change_type: &'a str,
    pub(crate) description: &'a str,
    pub(crate) files_changed: u32,
    pub(crate) lines_changed: u32,
    pub(crate) metadata: &'a [crate::event::Pair],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weight {
    Violation,
    Warning,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Condition {
    FilesAtMost(u32),
    LinesAtMost(u32),
    DescriptionPresent,
    MetadataPresent(String),
    ChangeTypeNot(String),
}

/// One line of a policy: a condition that a check puts on requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) check: String,
    weight: Weight,
    condition: Condition,
    text: String,
}

impl Rule {
    /// Reads `CHECK violation|warning CONDITION`.
    pub(crate) fn parse(line: &str) -> Result<Self, String> {
        let mut words = line.split_whitespace();
        let check = words.next().unwrap_or_default();
        if !CHECKS.contains(&check) {
            return Err(format!(
                "`{check}` is no check: one of {}",
                CHECKS.join(", ")
            ));
        }
        let weight = match words.next() {
            Some("violation") => Weight::Violation,
            Some("warning") => Weight::Warning,
            _ => return Err("after the check comes violation or warning".to_string()),
        };
        let words: Vec<&str> = words.collect();
        let count = |text: &str| {
            text.parse::<u32>()
                .map_err(|_| format!("`{text}` is no number"))
        };
        let condition = match words.as_slice() {
            ["files_changed", "<=", most] => Condition::FilesAtMost(count(most)?),
            ["lines_changed", "<=", most] => Condition::LinesAtMost(count(most)?),
            ["description", "present"] => Condition::DescriptionPresent,
            ["metadata", key, "present"] => Condition::MetadataPresent((*key).to_string()),
            ["change_type", "not", word] => Condition::ChangeTypeNot((*word).to_string()),
            _ => return Err("the condition is none that a policy can have".to_string()),
        };
        let text = words.join(" ");
        if text.len() > CONDITION_BYTES_MAX || !is_plain(&text) {
            return Err(format!(
                "a condition has at most {CONDITION_BYTES_MAX} characters"
            ));
        }
        Ok(Rule {
            check: check.to_string(),
            weight,
            condition,
            text,
        })
    }

    fn holds(&self, subject: &Subject<'_>) -> bool {
        match &self.condition {
            Condition::FilesAtMost(most) => subject.files_changed <= *most,
            Condition::LinesAtMost(most) => subject.lines_changed <= *most,
            Condition::DescriptionPresent => !subject.description.is_empty(),
            Condition::MetadataPresent(key) => subject.metadata.iter().any(|pair| pair.key == *key),
            Condition::ChangeTypeNot(word) => subject.change_type != word,
        }
    }
}

/// Compliance and risk of a request under a policy.
pub(crate) fn assess(policy: &Policy, request: &RequestCreated) -> (Vec<CheckResult>, Permille) {
    let subject = Subject {
        impact: request.impact,
        change_type: &request.change_type,
        description: &request.description,
        files_changed: request.files_changed,
        lines_changed: request.lines_changed,
        metadata: &request.metadata,
    };
    let results = check(policy, &subject);
    let risk = risk(policy, &subject, &results);
    (results, risk)
}

/// Applies every check that the impact asks for.
pub(crate) fn check(policy: &Policy, subject: &Subject<'_>) -> Vec<CheckResult> {
    checks_of(subject.impact)
        .iter()
        .map(|name| {
            let (mut rules, mut lost) = (0_u32, 0_u32);
            let (mut violations, mut warnings) = (Vec::new(), Vec::new());
            for rule in policy.rules_of(name) {
                rules = rules.saturating_add(2);
                if rule.holds(subject) {
                    continue;
                }
                let (list, weight) = match rule.weight {
                    Weight::Violation => (&mut violations, 2),
                    Weight::Warning => (&mut warnings, 1),
                };
                lost = lost.saturating_add(weight);
                list.push(rule.text.clone());
            }
            let kept = rules.saturating_sub(lost).saturating_mul(1000);
            CheckResult {
                name: (*name).to_string(),
                passed: violations.is_empty(),
                score: Permille::new(kept.checked_div(rules).unwrap_or(0)),
                violations,
                warnings,
            }
        })
        .collect()
}

/// The risk score.
fn risk(policy: &Policy, subject: &Subject<'_>, results: &[CheckResult]) -> Permille {
    let impact: u32 = match subject.impact {
        Impact::Low => 100,
        Impact::Medium => 300,
        Impact::High => 500,
        Impact::Critical => 700,
    };
    let size = (subject.lines_changed / 100)
        .saturating_add(subject.files_changed / 10)
        .min(100);
    let failed = results.iter().filter(|result| !result.passed).count();
    let failed = failed
        .saturating_mul(100)
        .checked_div(results.len())
        .unwrap_or(0);
    let sum = impact
        .saturating_add(size)
        .saturating_add(policy.type_risk(subject.change_type))
        .saturating_add(u32::try_from(failed).unwrap_or(100));
    Permille::new(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Pair;

    fn subject(impact: Impact) -> Subject<'static> {
        Subject {
            impact,
            change_type: "config",
            description: "why",
            files_changed: 1,
            lines_changed: 10,
            metadata: &[],
        }
    }

    #[test]
    fn each_impact_stands_the_checks_of_the_spec() {
        let policy = Policy::built_in().unwrap();
        let names = |impact| -> Vec<String> {
            check(&policy, &subject(impact))
                .into_iter()
                .map(|result| result.name)
                .collect()
        };
        assert_eq!(names(Impact::Low), ["four_laws"]);
        assert_eq!(names(Impact::Medium), ["four_laws", "charter"]);
        assert_eq!(
            names(Impact::High),
            ["four_laws", "charter", "personhood", "security"]
        );
        assert_eq!(names(Impact::Critical), CHECKS);
    }

    #[test]
    fn a_violation_fails_its_check_and_a_warning_only_costs_score() {
        let policy = Policy::built_in().unwrap();
        let results = check(&policy, &subject(Impact::Critical));
        let result = |name: &str| results.iter().find(|result| result.name == name).unwrap();
        assert!(result("security").passed);
        assert_eq!(result("security").warnings, ["metadata tested_by present"]);
        assert_eq!(result("security").score, Permille(750));
        assert!(!result("safety").passed);
        assert_eq!(result("safety").violations, ["metadata rollback present"]);
        assert_eq!(result("four_laws").score, Permille(1000));

        let metadata = [Pair {
            key: "rollback".into(),
            value: "snapshot 7".into(),
        }];
        let better = Subject {
            metadata: &metadata,
            ..subject(Impact::Critical)
        };
        let results = check(&policy, &better);
        assert!(
            results
                .iter()
                .any(|result| result.name == "safety" && result.passed)
        );
    }

    #[test]
    fn risk_grows_with_each_of_its_four_parts_and_ends_at_one() {
        let policy = Policy::built_in().unwrap();
        let risk = |subject: &Subject<'_>| risk(&policy, subject, &check(&policy, subject)).0;
        let base = subject(Impact::Low);
        assert_eq!(risk(&base), 120);
        assert_eq!(
            risk(&Subject {
                lines_changed: 1000,
                ..base
            }),
            130
        );
        assert_eq!(
            risk(&Subject {
                files_changed: 50,
                ..base
            }),
            125
        );
        assert_eq!(
            risk(&Subject {
                change_type: "kernel",
                ..base
            }),
            180
        );
        assert_eq!(
            risk(&Subject {
                change_type: "weapon",
                ..base
            }),
            220
        );
        let worst = Subject {
            impact: Impact::Critical,
            change_type: "security",
            description: "",
            files_changed: u32::MAX,
            lines_changed: u32::MAX,
            metadata: &[],
        };
        assert!(risk(&worst) > 950 && risk(&worst) <= 1000);
    }
}
