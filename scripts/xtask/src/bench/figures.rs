//! Figures: a name, a number, a unit, and the command that gives it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context, Result};
use serde_json::{Value, json};

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Bytes,
    /// Things counted one by one.
    Count,
    Instructions,
    Milliseconds,
    Nanoseconds,
    /// How often in a second.
    PerSecond,
    /// A ratio: how many times.
    Times,
}

impl Unit {
    fn show(self, value: f64) -> String {
        match self {
            Self::Bytes => format!("{value:.0} B"),
            Self::Count => format!("{value:.1}"),
            Self::Instructions => format!("{:.2} M instructions", value / 1e6),
            Self::Milliseconds => format!("{value:.1} ms"),
            Self::Nanoseconds => format!("{value:.1} ns"),
            Self::PerSecond => format!("{value:.0} a second"),
            Self::Times => format!("{value:.2} times"),
        }
    }
}

/// One measured number.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Figure {
    name: String,
    value: f64,
    unit: Unit,
    command: String,
}

impl Figure {
    pub(super) fn new(
        name: impl Into<String>,
        value: f64,
        unit: Unit,
        command: impl Into<String>,
    ) -> Self {
        Self {
            name: name.into(),
            value,
            unit,
            command: command.into(),
        }
    }
}

/// The figures of one run, and those that another run left.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Figures {
    measured: Vec<Figure>,
    kept: BTreeMap<String, f64>,
}

impl Figures {
    pub(super) fn add(&mut self, figure: Figure) {
        self.measured.push(figure);
    }

    /// Reads what [`to_json`](Self::to_json) wrote: names and numbers.
    pub(super) fn from_json(text: &str) -> Result<Self> {
        let value: Value = serde_json::from_str(text)?;
        let object = value.as_object().context("not an object")?;
        let kept = object
            .iter()
            .map(|(name, value)| Ok((name.clone(), value.as_f64().context("not a number")?)))
            .collect::<Result<_>>()?;
        Ok(Self {
            measured: Vec::new(),
            kept,
        })
    }

    pub(super) fn to_json(&self) -> String {
        let object: serde_json::Map<String, Value> = self
            .measured
            .iter()
            .map(|figure| (figure.name.clone(), json!(figure.value)))
            .collect();
        format!("{:#}\n", Value::Object(object))
    }

    /// The figures beside those of the `last` run.
    pub(super) fn table(&self, last: &Figures) -> String {
        let mut table = String::new();
        for figure in &self.measured {
            let before = last.kept.get(&figure.name);
            let change = match before {
                Some(&before) if before > 0.0 => {
                    format!("{:+.1} %", (figure.value / before - 1.0) * 100.0)
                }
                _ => "new".to_owned(),
            };
            let shown = figure.unit.show(figure.value);
            // Writing to a string cannot fail.
            let _ = writeln!(
                table,
                "{:<54} {shown:>22} {change:>9}   {}",
                figure.name, figure.command
            );
        }
        table
    }
}

/// A count as a figure's number. Exact up to 2^53, far beyond what is counted here.
#[expect(
    clippy::cast_precision_loss,
    reason = "no file and no boot comes near 2^53"
)]
pub(super) fn from_count(count: u64) -> f64 {
    count as f64
}

/// The lines of a benchmark that end in a number and `ns`: what was measured, and the number. A
/// line that does not is the heading of those below it.
pub(super) fn from_lines(output: &str) -> Vec<(String, f64)> {
    let mut heading = "";
    let mut found = Vec::new();
    for line in output
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
    {
        let number = line
            .strip_suffix(" ns")
            .and_then(|rest| rest.trim_end().rsplit_once(' '))
            .and_then(|(name, number)| {
                Some((
                    name.trim_end_matches([' ', ':']),
                    number.parse::<f64>().ok()?,
                ))
            });
        match number {
            Some((name, nanoseconds)) if heading.is_empty() => {
                found.push((name.to_owned(), nanoseconds));
            }
            Some((name, nanoseconds)) => found.push((format!("{name}, {heading}"), nanoseconds)),
            None => heading = line.split(',').next().unwrap_or(line),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(value: f64) -> Figures {
        let mut figures = Figures::default();
        figures.add(Figure::new("size", value, Unit::Bytes, "stat x"));
        figures
    }

    #[test]
    fn a_figure_is_shown_beside_the_last_one_with_its_command() {
        let last = Figures::from_json(&one(200.0).to_json()).unwrap();
        let table = one(150.0).table(&last);
        assert!(table.contains("150 B"), "{table}");
        assert!(table.contains("-25.0 %"), "{table}");
        assert!(table.trim_end().ends_with("stat x"), "{table}");
    }

    #[test]
    fn a_first_run_compares_with_nothing() {
        assert!(one(1.0).table(&Figures::default()).contains("new"));
    }

    #[test]
    fn a_damaged_store_is_an_error() {
        for text in ["", "[]", "{\"size\": \"big\"}", "{"] {
            assert!(Figures::from_json(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn benchmark_lines_are_read_under_their_heading() {
        let output = "64 x 64 cells, 160 KiB\nverified read      12.5 ns\n\nnoise\n";
        assert_eq!(
            from_lines(output),
            [("verified read, 64 x 64 cells".to_owned(), 12.5)]
        );
        assert_eq!(from_lines("colon: 2 ns"), [("colon".to_owned(), 2.0)]);
        assert_eq!(from_lines("lonely 1.0 ns"), [("lonely".to_owned(), 1.0)]);
        assert!(from_lines("no number ns\n").is_empty());
    }
}
