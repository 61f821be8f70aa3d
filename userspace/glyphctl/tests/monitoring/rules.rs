//! The recording and alerting rules: what they ask for, their tests and their runbooks.

use std::collections::BTreeSet;

use crate::metrics::{asked_for, known};
use crate::{listing, promtool, text};

/// What follows `mark` on each line that begins with it, blanks apart.
pub(crate) fn values<'a>(text: &'a str, mark: &str) -> Vec<&'a str> {
    text.lines()
        .filter_map(|line| line.trim_start().strip_prefix(mark))
        .collect()
}

#[test]
fn rules_use_metrics_that_exist() {
    let rules = text("rules.yml");
    let expressions = values(&rules, "expr: ").join("\n");
    let used = asked_for(&expressions);
    assert!(used.len() > 10, "{used:?}");
    let known = known();
    for name in used {
        assert!(
            known.contains(&name),
            "no node, bridge or rule gives {name}"
        );
    }
}

#[test]
fn each_alert_has_its_two_tests_and_its_runbook() {
    let rules = text("rules.yml");
    let tests = text("rules.test.yml");
    let alerts = values(&rules, "- alert: ");
    assert!(alerts.len() >= 13, "{alerts:?}");
    let named: BTreeSet<_> = values(&tests, "- name: ").into_iter().collect();
    for alert in &alerts {
        for case in ["fires", "is quiet"] {
            let name = format!("{alert} {case}");
            assert!(named.contains(name.as_str()), "no test `{name}`");
        }
        let link = format!("runbook: docs/runbooks/{alert}.md");
        assert_eq!(values(&rules, &link).len(), 1, "{link}");
    }
    for (severity, least) in [("critical", 4), ("warning", 5), ("info", 4)] {
        let label = format!("labels: {{severity: {severity}}}");
        let count = rules.matches(&label).count();
        assert!(count >= least, "{severity}: {count}");
    }
}

#[test]
fn the_runbooks_are_those_of_the_alerts_and_say_what_to_do() {
    let rules = text("rules.yml");
    let alerts: BTreeSet<_> = values(&rules, "- alert: ").into_iter().collect();
    let runbooks = listing("docs/runbooks", "md");
    let names: BTreeSet<_> = runbooks.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, alerts);
    for (name, page) in &runbooks {
        assert!(page.starts_with(&format!("# {name}\n")), "{name}");
        for heading in ["What it means", "How to look", "What to do"] {
            let part = page.split(&format!("\n## {heading}\n\n")).nth(1);
            let says = part.is_some_and(|part| part.starts_with(|first: char| first != '#'));
            assert!(says, "{name}: {heading}");
        }
    }
}

#[test]
fn promtool_accepts_the_configuration_and_passes_every_test_of_the_rules() {
    promtool(&["check", "config", "prometheus.yml"]);
    promtool(&["check", "rules", "rules.yml"]);
    promtool(&["test", "rules", "rules.test.yml"]);
}
