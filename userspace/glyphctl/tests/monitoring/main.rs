//! The rules in `userspace/monitoring`, held to each other, to the metrics that exist, and to
//! Prometheus' own checker where that is installed.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use telemetry::{Family, Kind};

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../monitoring"))
}

fn text(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).expect("the file is there")
}

/// What follows `mark` on each line that begins with it, blanks apart.
fn values<'a>(text: &'a str, mark: &str) -> Vec<&'a str> {
    text.lines()
        .filter_map(|line| line.trim_start().strip_prefix(mark))
        .collect()
}

/// Every word of the expressions that has the form of a metric's name.
fn metrics(rules: &str) -> BTreeSet<String> {
    let is_inside = |character: char| character.is_ascii_alphanumeric() || "_:".contains(character);
    values(rules, "expr: ")
        .iter()
        .flat_map(|expression| expression.split(|character| !is_inside(character)))
        .filter(|word| word.starts_with("glyphos_") || word.starts_with("glyphos:"))
        .map(str::to_owned)
        .collect()
}

/// The names under which Prometheus keeps the families of a node and of the bridge.
fn known() -> BTreeSet<String> {
    let mut names = BTreeSet::from(["glyphos_up".to_owned()]);
    for family in Family::all() {
        names.insert(family.name.to_owned());
        if family.kind == Kind::Histogram {
            for ending in ["_bucket", "_sum", "_count"] {
                names.insert(format!("{}{ending}", family.name));
            }
        }
    }
    names
}

#[test]
fn rules_use_metrics_that_exist() {
    let rules = text("rules.yml");
    let recorded: BTreeSet<_> = values(&rules, "- record: ").into_iter().collect();
    let used = metrics(&rules);
    assert!(used.len() > 10, "{used:?}");
    for name in used {
        let exists = known().contains(&name) || recorded.contains(name.as_str());
        assert!(exists, "no node and no rule gives {name}");
    }
}

#[test]
fn each_alert_has_its_two_tests_and_its_runbook() {
    let rules = text("rules.yml");
    let (tests, runbooks) = (text("rules.test.yml"), text("RUNBOOKS.md"));
    let headings = values(&runbooks, "### ");
    let alerts = values(&rules, "- alert: ");
    assert!(alerts.len() >= 13, "{alerts:?}");
    assert_eq!(
        alerts, headings,
        "the runbooks are those of the alerts, in their order"
    );
    let names = values(&tests, "- name: ");
    for alert in &alerts {
        assert!(
            names.contains(&format!("{alert} fires").as_str()),
            "{alert}"
        );
        assert!(
            names.contains(&format!("{alert} is quiet").as_str()),
            "{alert}"
        );
        let link = format!("runbook: RUNBOOKS.md#{}", alert.to_lowercase());
        assert!(rules.contains(&link), "{link}");
    }
    for (severity, count) in [("critical", 4), ("warning", 6), ("info", 4)] {
        let label = format!("labels: {{severity: {severity}}}");
        assert_eq!(rules.matches(&label).count(), count, "{severity}");
    }
}

#[test]
fn promtool_accepts_the_configuration_and_passes_every_test_of_the_rules() {
    for arguments in [
        ["check", "config", "prometheus.yml"],
        ["check", "rules", "rules.yml"],
        ["test", "rules", "rules.test.yml"],
    ] {
        let ran = Command::new("promtool")
            .args(arguments)
            .current_dir(folder())
            .output();
        match ran {
            Ok(output) => assert!(output.status.success(), "{arguments:?}: {output:?}"),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                eprintln!("promtool is not on PATH: {arguments:?} was not run");
            }
            Err(error) => panic!("promtool: {error}"),
        }
    }
}
