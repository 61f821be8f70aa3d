//! Building blocks of the text: wrapped paragraphs, labelled values, tables, numbers.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

/// Width that text for a person keeps to.
pub(crate) const COLUMNS: usize = 80;
/// Spaces between the columns of a table.
const GAP: usize = 2;
/// Widest cell of a table that shares its line with others.
const CELL_COLUMNS_MAX: usize = 34;

/// Text on one line: control characters and line ends become spaces.
pub(crate) struct Printable<'a>(pub(crate) &'a str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| {
            let shown = if character.is_control() {
                ' '
            } else {
                character
            };
            fmt::Write::write_char(out, shown)
        })
    }
}

/// A number in full: reading it back gives the same bits, and it is never very long.
pub(crate) struct Number(pub(crate) f64);

impl fmt::Display for Number {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.0.abs();
        if size != 0.0 && !(1e-5..1e16).contains(&size) && size.is_finite() {
            write!(out, "{:e}", self.0)
        } else {
            write!(out, "{}", self.0)
        }
    }
}

/// `yes` or `no`.
pub(crate) const fn yes_no(truth: bool) -> &'static str {
    if truth { "yes" } else { "no" }
}

/// Things joined by a separator; `none` if there are none.
pub(crate) fn joined<T: fmt::Display>(items: &[T], separator: &str) -> String {
    if items.is_empty() {
        return String::from("none");
    }
    let texts: Vec<String> = items.iter().map(ToString::to_string).collect();
    texts.join(separator)
}

/// Writes text wrapped at [`COLUMNS`]: the first line begins at `first`, the others at `rest`
/// columns from the left. A word that is too long for a line stands alone on one.
pub(crate) fn paragraph(
    out: &mut dyn fmt::Write,
    first: usize,
    rest: usize,
    text: &str,
) -> fmt::Result {
    write!(out, "{:first$}", "")?;
    wrapped(out, first, rest, text)
}

/// The same, where the cursor stands at column `column` already.
fn wrapped(out: &mut dyn fmt::Write, column: usize, rest: usize, text: &str) -> fmt::Result {
    let mut column = column;
    let mut is_line_start = true;
    for word in text.split_whitespace() {
        let width = word.chars().count();
        if !is_line_start && column.saturating_add(1).saturating_add(width) > COLUMNS {
            write!(out, "\n{:rest$}", "")?;
            column = rest;
            is_line_start = true;
        }
        if !is_line_start {
            out.write_str(" ")?;
            column = column.saturating_add(1);
        }
        write!(out, "{}", Printable(word))?;
        column = column.saturating_add(width);
        is_line_start = false;
    }
    out.write_str("\n")
}

/// Values with labels, the values aligned.
pub(crate) struct Labelled {
    rows: Vec<(&'static str, String)>,
}

impl Labelled {
    pub(crate) fn new() -> Self {
        Labelled { rows: Vec::new() }
    }

    /// Adds a value; an empty one is shown as `-`.
    pub(crate) fn row(mut self, label: &'static str, value: impl fmt::Display) -> Self {
        self.rows.push((label, value.to_string()));
        self
    }

    /// Adds a value if there is one.
    pub(crate) fn maybe(self, label: &'static str, value: Option<impl fmt::Display>) -> Self {
        match value {
            Some(value) => self.row(label, value),
            None => self,
        }
    }

    pub(crate) fn write(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        let width = self.rows.iter().map(|row| row.0.len()).max().unwrap_or(0);
        let column = width.saturating_add(GAP).saturating_add(2);
        for (label, value) in &self.rows {
            let value = if value.is_empty() { "-" } else { value };
            write!(out, "  {label:width$}  ")?;
            wrapped(out, column, column, value)?;
        }
        Ok(())
    }
}

/// Rows under a head, the columns aligned. The last column wraps; a cell too wide to share a
/// line with others stands on a line of its own.
pub(crate) struct Table {
    head: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(head: &[&'static str]) -> Self {
        Table {
            head: head.to_vec(),
            rows: Vec::new(),
        }
    }

    pub(crate) fn push(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// Writes the table, or `empty` if it has no row.
    pub(crate) fn write(&self, empty: &str, out: &mut dyn fmt::Write) -> fmt::Result {
        if self.rows.is_empty() {
            return writeln!(out, "{empty}");
        }
        let widths: Vec<usize> = (0..self.head.len())
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column));
                cells
                    .map(|cell| cell.chars().count())
                    .filter(|width| *width <= CELL_COLUMNS_MAX)
                    .chain(self.head.get(column).map(|name| name.len()))
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        let head: Vec<String> = self.head.iter().map(ToString::to_string).collect();
        write_row(out, &head, &widths)?;
        self.rows
            .iter()
            .try_for_each(|row| write_row(out, row, &widths))
    }
}

fn write_row(out: &mut dyn fmt::Write, cells: &[String], widths: &[usize]) -> fmt::Result {
    let mut column: usize = 0;
    let last = cells.len().saturating_sub(1);
    for (position, (cell, width)) in cells.iter().zip(widths).enumerate() {
        if position == last {
            return wrapped(out, column, column, cell);
        }
        let next = column.saturating_add(*width).saturating_add(GAP);
        let used = cell.chars().count();
        write!(out, "{}", Printable(cell))?;
        if used > *width {
            write!(out, "\n{:next$}", "")?;
        } else {
            let padding = width.saturating_sub(used).saturating_add(GAP);
            write!(out, "{:padding$}", "")?;
        }
        column = next;
    }
    out.write_str("\n")
}

/// Nanoseconds as a person says them.
pub(crate) struct Elapsed(pub(crate) u64);

impl fmt::Display for Elapsed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0 / 1_000_000_000;
        let milliseconds = self.0 / 1_000_000 % 1000;
        let (days, hours) = (seconds / 86_400, seconds / 3600 % 24);
        let (minutes, rest) = (seconds / 60 % 60, seconds % 60);
        if days > 0 {
            write!(out, "{days} d ")?;
        }
        if seconds >= 3600 {
            write!(out, "{hours} h ")?;
        }
        if seconds >= 60 {
            write!(out, "{minutes} min ")?;
        }
        write!(out, "{rest}.{milliseconds:03} s")
    }
}

/// Bytes as a person says them, rounded down to a tenth.
pub(crate) struct Size(pub(crate) u64);

impl fmt::Display for Size {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(&str, u32); 3] = [("GiB", 30), ("MiB", 20), ("KiB", 10)];
        match UNITS.iter().find(|(_, shift)| self.0 >> shift > 0) {
            None => write!(out, "{} bytes", self.0),
            Some((unit, shift)) => {
                let tenths = u128::from(self.0).saturating_mul(10) >> shift;
                write!(out, "{}.{} {unit}", tenths / 10, tenths % 10)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    #[test]
    fn paragraphs_keep_to_the_columns_and_hang() {
        let mut out = String::new();
        paragraph(&mut out, 2, 4, &"word ".repeat(40)).unwrap();
        assert!(out.lines().all(|line| line.len() <= COLUMNS));
        assert!(out.starts_with("  word") && out.contains("\n    word"));
        assert_eq!(out.split_whitespace().count(), 40);
    }

    #[test]
    fn a_word_longer_than_a_line_is_not_broken() {
        let mut out = String::new();
        let long = "f".repeat(100);
        paragraph(&mut out, 0, 2, &alloc::format!("a {long} b")).unwrap();
        assert_eq!(out, alloc::format!("a\n  {long}\n  b\n"));
    }

    #[test]
    fn tables_align_and_wide_cells_stand_alone() {
        let mut table = Table::new(&["id", "n", "note"]);
        table.push(vec!["a".into(), "10".into(), "x y".into()]);
        table.push(vec!["b".repeat(40), "7".into(), "z".into()]);
        let mut out = String::new();
        table.write("nothing", &mut out).unwrap();
        let wide = "b".repeat(40);
        assert_eq!(
            out,
            alloc::format!("id  n   note\na   10  x y\n{wide}\n    7   z\n")
        );
        let mut out = String::new();
        Table::new(&["id"]).write("nothing", &mut out).unwrap();
        assert_eq!(out, "nothing\n");
    }

    #[test]
    fn numbers_read_back_to_the_same_bits_and_stay_short() {
        for number in [
            0.0,
            -0.0,
            0.1,
            1.0 / 3.0,
            195.0,
            1e300,
            5e-324,
            -2.5e-7,
            1e15,
        ] {
            let text = Number(number).to_string();
            assert!(text.len() <= 26, "{text}");
            assert_eq!(text.parse::<f64>().unwrap().to_bits(), number.to_bits());
        }
    }

    #[test]
    fn times_and_sizes_read_as_a_person_says_them() {
        assert_eq!(Elapsed(1_234_000_000).to_string(), "1.234 s");
        assert_eq!(
            Elapsed(90_061_000_000_000).to_string(),
            "1 d 1 h 1 min 1.000 s"
        );
        assert_eq!(
            Elapsed(86_400_000_000_000).to_string(),
            "1 d 0 h 0 min 0.000 s"
        );
        assert_eq!(Size(1023).to_string(), "1023 bytes");
        assert_eq!(Size(1536).to_string(), "1.5 KiB");
        assert_eq!(Size(u64::MAX).to_string(), "17179869183.9 GiB");
    }
}
