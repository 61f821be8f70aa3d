//! Help from the table of commands: all, a group, or one command.

use crate::grammar::{Entry, Form, entries, group_summary, names_below};
use crate::render::{COLUMNS, paragraph};
use core::fmt;

/// Columns of a list before the sentence that explains.
const NAME_COLUMNS: usize = 12;

/// Writes help on the command or group with these words; on everything if there are none.
pub(crate) fn write(path: &[&'static str], out: &mut dyn fmt::Write) -> fmt::Result {
    if let Some(entry) = entries().find(|entry| entry.path == path) {
        return one(entry, out);
    }
    match path {
        [group] => {
            writeln!(out, "{group}: {}", group_summary(group).unwrap_or_default())?;
            entries()
                .filter(|entry| entry.path.first() == Some(group))
                .try_for_each(|entry| {
                    paragraph(out, 2, 4, &alloc::format!("{}", Form(entry)))?;
                    paragraph(out, 6, 6, entry.summary)
                })
        }
        _ => all(out),
    }
}

fn all(out: &mut dyn fmt::Write) -> fmt::Result {
    for name in names_below(&[]) {
        let summary = group_summary(name)
            .or_else(|| {
                entries()
                    .find(|entry| entry.path == [name])
                    .map(|entry| entry.summary)
            })
            .unwrap_or_default();
        writeln!(out, "  {name:NAME_COLUMNS$}{summary}")?;
    }
    paragraph(
        out,
        0,
        0,
        "`help COMMAND` tells more. Tab completes commands and ids, twice it lists them; arrows \
         move and recall lines; Ctrl-C gives a line up.",
    )
}

fn one(entry: &'static Entry, out: &mut dyn fmt::Write) -> fmt::Result {
    paragraph(out, 0, 4, &alloc::format!("{}", Form(entry)))?;
    paragraph(out, 2, 2, entry.summary)?;
    if entry.detail.is_empty() {
        return Ok(());
    }
    paragraph(out, 2, 2, entry.detail)
}

// A name and its sentence share a line.
const _: () = assert!(NAME_COLUMNS + 2 + 60 <= COLUMNS);

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::String;

    fn help(path: &[&'static str]) -> String {
        let mut out = String::new();
        write(path, &mut out).unwrap();
        out
    }

    #[test]
    fn help_on_everything_names_every_command_and_group() {
        let text = help(&[]);
        for entry in entries() {
            let line = alloc::format!("  {:<12}", entry.path[0]);
            assert!(text.contains(&line), "{} is missing", entry.path[0]);
        }
        assert!(text.lines().count() <= 40);
    }

    #[test]
    fn help_on_a_group_names_each_of_its_forms() {
        let text = help(&["substrate"]);
        assert!(text.contains("  substrate write N M P C\n      Writes magnitude"));
        assert!(text.contains("substrate superpose N A:P..."));
    }

    #[test]
    fn every_help_keeps_to_the_columns() {
        for entry in entries() {
            let text = help(entry.path);
            assert!(text.starts_with(entry.path[0]), "{text}");
            assert!(text.contains(entry.summary), "{text}");
            for line in text.lines() {
                assert!(line.len() <= COLUMNS, "{line}");
            }
            assert!(
                help(&entry.path[..1])
                    .lines()
                    .all(|line| line.len() <= COLUMNS)
            );
        }
        assert!(help(&[]).lines().all(|line| line.len() <= COLUMNS));
    }
}
