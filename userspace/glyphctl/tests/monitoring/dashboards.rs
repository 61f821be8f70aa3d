//! The dashboards of Grafana: form, data source, and every expression in them.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;
use telemetry::Family;

use crate::metrics::{asked_for, known};
use crate::{listing, promtool};

/// What a panel has to name as its data source: the variable that a person chooses from.
const DATASOURCE: &str = "${datasource}";
/// Columns of a dashboard.
const COLUMNS: u64 = 24;

fn dashboards() -> Vec<(String, Value)> {
    listing("userspace/monitoring/dashboards", "json")
        .into_iter()
        .map(|(name, text)| {
            let json =
                serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
            (name, json)
        })
        .collect()
}

fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    let found = value.pointer(pointer).and_then(Value::as_array);
    found.unwrap_or_else(|| panic!("no list {pointer} in {value}"))
}

fn word<'a>(value: &'a Value, pointer: &str) -> &'a str {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.unwrap_or_else(|| panic!("no text {pointer} in {value}"))
}

fn number(value: &Value, pointer: &str) -> u64 {
    let found = value.pointer(pointer).and_then(Value::as_u64);
    found.unwrap_or_else(|| panic!("no number {pointer} in {value}"))
}

/// Everything that is named as a data source, wherever it stands.
fn data_sources<'a>(value: &'a Value, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                if key == "datasource" {
                    found.push(member);
                }
                data_sources(member, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| data_sources(item, found)),
        _ => {}
    }
}

fn expressions(dashboard: &Value) -> Vec<String> {
    list(dashboard, "/panels")
        .iter()
        .flat_map(|panel| list(panel, "/targets"))
        .map(|target| word(target, "/expr").to_owned())
        .collect()
}

#[test]
fn there_are_the_four_dashboards_under_names_of_their_own() {
    let dashboards = dashboards();
    let names: Vec<_> = dashboards.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        ["governance", "overview", "performance", "substrate"]
    );
    for pointer in ["/uid", "/title"] {
        let told: BTreeSet<_> = dashboards
            .iter()
            .map(|(_, json)| word(json, pointer))
            .collect();
        assert_eq!(told.len(), dashboards.len(), "{pointer}: {told:?}");
    }
}

#[test]
fn every_panel_and_variable_asks_the_data_source_that_a_person_chose() {
    for (name, dashboard) in dashboards() {
        let variables = list(&dashboard, "/templating/list");
        let is_declared = variables
            .iter()
            .any(|one| word(one, "/name") == "datasource" && word(one, "/type") == "datasource");
        assert!(is_declared, "{name} declares no variable `datasource`");
        let mut named = Vec::new();
        data_sources(&dashboard, &mut named);
        let panels = list(&dashboard, "/panels");
        let targets = panels.iter().map(|panel| list(panel, "/targets").len());
        let least = panels.len().saturating_add(targets.sum());
        assert!(
            named.len() > least,
            "{name}: some part names no data source"
        );
        for one in named {
            assert_eq!(word(one, "/uid"), DATASOURCE, "{name}");
        }
    }
}

#[test]
fn panels_have_ids_of_their_own_a_description_and_a_free_place() {
    for (name, dashboard) in dashboards() {
        let mut ids = BTreeSet::new();
        let mut taken = BTreeSet::new();
        for panel in list(&dashboard, "/panels") {
            let title = word(panel, "/title");
            assert!(
                ids.insert(number(panel, "/id")),
                "{name}: {title}: its id is taken"
            );
            assert!(!word(panel, "/description").is_empty(), "{name}: {title}");
            let [x, y, w, h] =
                ["x", "y", "w", "h"].map(|key| number(panel, &format!("/gridPos/{key}")));
            assert!(
                x.saturating_add(w) <= COLUMNS,
                "{name}: {title} is too far right"
            );
            for column in x..x.saturating_add(w) {
                for row in y..y.saturating_add(h) {
                    assert!(
                        taken.insert((column, row)),
                        "{name}: {title} covers another"
                    );
                }
            }
        }
        assert!(ids.len() >= 10, "{name} has only {} panels", ids.len());
    }
}

#[test]
fn dashboards_use_metrics_that_exist_for_the_node_that_is_chosen() {
    let known = known();
    for (name, dashboard) in dashboards() {
        for expression in expressions(&dashboard) {
            assert!(
                expression.contains("node=~\"$node\""),
                "{name}: {expression}"
            );
            let used = asked_for(&expression);
            assert!(
                !used.is_empty() || expression.contains("ALERTS"),
                "{name}: {expression}"
            );
            for metric in used {
                assert!(known.contains(&metric), "{name}: nothing gives {metric}");
            }
        }
    }
}

#[test]
fn every_family_of_the_node_is_on_a_dashboard() {
    let all = dashboards();
    let shown = all.iter().flat_map(|(_, one)| expressions(one));
    let shown = asked_for(&shown.collect::<Vec<_>>().join("\n"));
    for family in Family::all() {
        let is_shown = shown
            .iter()
            .any(|name| name.strip_suffix("_bucket").unwrap_or(name) == family.name);
        assert!(is_shown, "no dashboard shows {}", family.name);
    }
}

#[test]
fn promtool_can_read_every_expression() {
    let mut rules = String::from("groups:\n- name: dashboards\n  rules:\n");
    let mut count = 0_usize;
    for (_, dashboard) in dashboards() {
        for expression in expressions(&dashboard) {
            let plain = expression
                .replace("$node", ".+")
                .replace("$__rate_interval", "1m");
            let quoted = plain.replace('\'', "''");
            count = count.saturating_add(1);
            writeln!(
                rules,
                "  - record: expression:{count}\n    expr: '{quoted}'"
            )
            .expect("a String takes it");
        }
    }
    assert!(count > 40, "{count}");
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("dashboards.yml");
    std::fs::write(&path, rules).expect("the file is written");
    promtool(&["check", "rules", path.to_str().expect("plain text")]);
}
