//! Every promise of GUARANTEES.md names a check that exists.
//!
//! A promise is a row of a table; its last cell names checks between backticks: a test function,
//! by its name or path, or a case of the boot-smoke matrix.

use std::collections::BTreeSet;

use super::{File, Violation};

/// Checks the text of GUARANTEES.md against the tests in `files` and the matrix's `cases`.
pub(super) fn check(text: &str, files: &[File], cases: &[String]) -> Vec<Violation> {
    let known = tests(files);
    let mut violations = Vec::new();
    let mut promises = 0_usize;
    for (index, line) in text.lines().enumerate() {
        let Some(last_cell) = promise(line, text.lines().nth(index + 1)) else {
            continue;
        };
        promises += 1;
        let place = format!("GUARANTEES.md:{}", index + 1);
        let names: Vec<&str> = last_cell.split('`').skip(1).step_by(2).collect();
        if names.is_empty() {
            violations.push(Violation::new(&place, "the promise names no test"));
        }
        for name in names {
            let function = name.rsplit("::").next().unwrap_or(name);
            if !known.contains(function) && !cases.iter().any(|case| case == name) {
                violations.push(Violation::new(&place, format!("there is no test `{name}`")));
            }
        }
    }
    if promises == 0 {
        violations.push(Violation::new(
            "GUARANTEES.md",
            "holds no promise in a table",
        ));
    }
    violations
}

/// The last cell of a table's row; none for other lines, a table's head and the rule below it.
fn promise<'a>(line: &'a str, next: Option<&str>) -> Option<&'a str> {
    let is_rule = |line: &str| !line.is_empty() && line.chars().all(|sign| "|-: ".contains(sign));
    let row = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    if is_rule(line.trim()) || next.is_some_and(|next| is_rule(next.trim())) {
        return None;
    }
    row.rsplit('|').next()
}

/// The names of all functions that carry a test attribute.
fn tests(files: &[File]) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    for file in files.iter().filter(|file| file.path.ends_with(".rs")) {
        let mut is_test = false;
        for line in file.text.lines().map(str::trim) {
            if line.starts_with("#[test]") {
                is_test = true;
            } else if let Some(rest) = line.strip_prefix("fn ") {
                if is_test {
                    names.extend(rest.split(['(', '<']).next());
                }
                is_test = false;
            }
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "\
//! x
fn not_a_test() {}
#[test]
fn a_flip_is_found() {}
proptest! {
    #[test]
    fn any_flip_is_found(x in 0..4) {}
}
";

    fn violations(rows: &str) -> Vec<String> {
        let files = [File {
            path: "a.rs".to_owned(),
            text: SOURCE.to_owned(),
        }];
        let text = format!("# Promises\n\n| promise | held by |\n|---|---|\n{rows}");
        check(&text, &files, &["direct-pc".to_owned()])
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn promises_with_tests_or_cases_are_good() {
        let rows = "| a | `a_flip_is_found`, `substrate::line::any_flip_is_found` |\n| b | `direct-pc` |\n";
        assert!(violations(rows).is_empty());
    }

    #[test]
    fn a_promise_without_a_test_is_caught() {
        assert_eq!(
            violations("| a | trust us |\n"),
            ["GUARANTEES.md:5: the promise names no test"]
        );
    }

    #[test]
    fn a_test_that_is_not_there_is_caught() {
        assert_eq!(
            violations("| a | `no_such_test` |\n"),
            ["GUARANTEES.md:5: there is no test `no_such_test`"]
        );
        assert_eq!(violations("| a | `not_a_test` |\n").len(), 1);
    }

    #[test]
    fn an_empty_list_of_promises_is_caught() {
        assert_eq!(violations("").len(), 1);
    }
}
