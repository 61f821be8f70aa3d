//! The table of commands: names, forms, help and what completes each argument.

use super::Command;
use super::arguments::{Arguments, Wrong};
use super::{governance, substrate, system};

/// What can stand in an argument's place, for completion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    /// Anything.
    Free,
    /// One of these words.
    Words(&'static [&'static str]),
    /// A name that the node knows.
    Name(crate::NameKind),
}

/// One command.
pub(crate) struct Entry {
    /// The words of its name.
    pub(crate) path: &'static [&'static str],
    /// Its arguments, as a form.
    pub(crate) form: &'static str,
    /// One line, a sentence.
    pub(crate) summary: &'static str,
    /// Further sentences; empty if the summary says all.
    pub(crate) detail: &'static str,
    /// What completes its arguments, in order.
    pub(crate) slots: &'static [Slot],
    /// Its options.
    pub(crate) options: &'static [&'static str],
    /// Reads its arguments.
    pub(crate) read: fn(&mut Arguments) -> Result<Command, Wrong>,
}

/// Commands that are groups of others, with one line each.
const GROUPS: &[(&str, &str)] = &[
    ("vault", "The glyphs that are loaded, and whose they are."),
    ("glyph", "One glyph: its definition and ancestry."),
    ("substrate", "The field of cells: read, write, tick, scrub."),
    ("inject", "Damages memory on purpose, to see it healed."),
    ("guardian", "Who may sign, and changes to that list."),
    ("request", "Requests for approval and decisions on them."),
    ("override", "Emergency overrides, from creation to review."),
    ("ledger", "The records on the disk."),
];

/// All commands, in the order of help.
pub(crate) fn entries() -> impl Iterator<Item = &'static Entry> {
    system::ENTRIES
        .iter()
        .chain(substrate::ENTRIES)
        .chain(governance::ENTRIES)
}

/// The line about a group of commands; `None` if there is no such group.
pub(crate) fn group_summary(name: &str) -> Option<&'static str> {
    GROUPS
        .iter()
        .find(|(group, _)| *group == name)
        .map(|(_, summary)| *summary)
}

/// The words that can follow the words of a path, each once, in the order of the table.
pub(crate) fn names_below<'a>(path: &'a [&'a str]) -> impl Iterator<Item = &'static str> + 'a {
    let mut latest = "";
    entries()
        .filter(move |entry| {
            entry.path.len() > path.len() && entry.path.iter().zip(path).all(|(a, b)| a == b)
        })
        .filter_map(move |entry| entry.path.get(path.len()).copied())
        .filter(move |name| {
            // Entries of one group stand together, so only neighbours can be equal.
            let is_new = *name != latest;
            latest = name;
            is_new
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::vec::Vec;

    #[test]
    fn every_command_is_named_once_and_explained_in_sentences() {
        let paths: BTreeSet<_> = entries().map(|entry| entry.path).collect();
        assert_eq!(paths.len(), entries().count());
        for entry in entries() {
            assert!(entry.summary.ends_with('.'), "{:?}", entry.path);
            assert!(entry.summary.len() <= 60, "{:?}", entry.path);
            assert!(entry.detail.is_empty() || entry.detail.ends_with('.'));
            assert!((1..=2).contains(&entry.path.len()));
            if entry.path.len() == 2 {
                assert!(group_summary(entry.path[0]).is_some(), "{:?}", entry.path);
            } else {
                assert!(group_summary(entry.path[0]).is_none(), "{:?}", entry.path);
            }
        }
    }

    #[test]
    fn names_below_a_path_come_once_each() {
        let top: Vec<_> = names_below(&[]).collect();
        let unique: BTreeSet<_> = top.iter().collect();
        assert_eq!(top.len(), unique.len());
        assert!(top.contains(&"substrate") && top.contains(&"poweroff"));
        let below: Vec<_> = names_below(&["vault"]).collect();
        assert_eq!(
            below,
            [
                "list",
                "errors",
                "status",
                "stage",
                "propose",
                "challenge",
                "sign"
            ]
        );
        assert_eq!(names_below(&["version"]).count(), 0);
    }
}
