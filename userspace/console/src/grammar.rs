//! From a line to a command, by one table that help and completion share.
//!
//! Owns the names and forms of all commands (spec `commands`). The meaning of a request is the
//! node's business: here is checked only that its text has the right form. What a person typed
//! appears in an error cut short, and never where a secret may stand.

mod arguments;
mod governance;
mod substrate;
mod system;
mod table;
mod vault;

pub(crate) use table::{Entry, Slot, entries, group_summary, names_below};

use crate::words::{self, Word};
use abi::suggest::nearest;
use abi::{Fault, FaultCode, Request};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use arguments::Arguments;
use core::fmt;

/// How the console talks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// To a person: echo, prompt, log lines, aligned text.
    Human,
    /// To a program: no echo, no prompt, `key=value` lines, then `OK` or `ERR <code> <text>`.
    Machine,
}

/// What a line asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Something for the node.
    Node(Request),
    /// Something that the console does by itself.
    Local(Local),
}

/// What the console does by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Local {
    /// Help on everything, a group of commands, or one command: the words of its name.
    Help(Vec<&'static str>),
    /// Changes the way of talking.
    Mode(Mode),
    /// Shows the lines typed before.
    History,
    /// Clears the screen.
    Clear,
}

/// Longest piece of what a person typed that an error repeats, in characters.
const QUOTED_CHARACTERS_MAX: usize = 40;

/// Text from the line as an error repeats it: cut short, without control characters.
pub(crate) struct Typed<'a>(pub(crate) &'a str);

impl fmt::Display for Typed<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("`")?;
        for character in self.0.chars().take(QUOTED_CHARACTERS_MAX) {
            let is_shown = !character.is_control();
            fmt::Write::write_char(out, if is_shown { character } else { '.' })?;
        }
        if self.0.chars().nth(QUOTED_CHARACTERS_MAX).is_some() {
            out.write_str("...")?;
        }
        out.write_str("`")
    }
}

/// Reads a line; `None` if it is blank.
///
/// # Errors
/// [`FaultCode::Usage`] with the right form, and the nearest name where a name is misspelt.
pub fn parse(line: &str) -> Result<Option<Command>, Fault> {
    let words = words::split(line).map_err(|error| usage(format!("{error}")))?;
    let Some(first) = words.first() else {
        return Ok(None);
    };
    if first.text == "?" {
        return help(words.get(1..).unwrap_or_default()).map(Some);
    }
    if let Some(last) = words.last()
        && !last.quoted
        && matches!(last.text.as_str(), "--help" | "-h" | "?")
    {
        let named: Vec<Word> = words
            .iter()
            .take_while(|word| !word.text.starts_with('-') && word.text != "?")
            .cloned()
            .collect();
        return help(leading_name(&named)).map(Some);
    }
    if first.text == "help" {
        return help(words.get(1..).unwrap_or_default()).map(Some);
    }
    let (entry, rest) = find(&words)?;
    let mut arguments = Arguments::new(rest.to_vec());
    arguments
        .check_options(entry.options)
        .and_then(|()| {
            let command = (entry.read)(&mut arguments)?;
            arguments.finish()?;
            Ok(Some(command))
        })
        .map_err(|wrong| usage(format!("{wrong}; the form is: {}", Form(entry))))
}

/// A command's name with its arguments.
pub(crate) struct Form(pub(crate) &'static Entry);

impl fmt::Display for Form {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, word) in self.0.path.iter().enumerate() {
            if index > 0 {
                out.write_str(" ")?;
            }
            out.write_str(word)?;
        }
        if !self.0.form.is_empty() {
            write!(out, " {}", self.0.form)?;
        }
        Ok(())
    }
}

fn usage(text: String) -> Fault {
    Fault::new(FaultCode::Usage, text)
}

fn is_path_start(entry: &Entry, words: &[Word]) -> bool {
    entry.path.len() <= words.len()
        && entry
            .path
            .iter()
            .zip(words)
            .all(|(name, word)| *name == word.text)
}

/// The command that the line begins with, and the words after its name.
fn find(words: &[Word]) -> Result<(&'static Entry, &[Word]), Fault> {
    if let Some(entry) = entries().find(|entry| is_path_start(entry, words)) {
        return Ok((entry, words.get(entry.path.len()..).unwrap_or_default()));
    }
    let first = words.first().map_or("", |word| word.text.as_str());
    let second = words.get(1).map(|word| word.text.as_str());
    if group_summary(first).is_none() {
        return Err(usage(match meant(first) {
            Some(name) => format!(
                "no command is called {}; did you mean `{name}`?",
                Typed(first)
            ),
            None => format!(
                "no command is called {}; `help` lists them all",
                Typed(first)
            ),
        }));
    }
    let below = || names_below(core::slice::from_ref(&first));
    Err(usage(match second {
        None => {
            let names: Vec<_> = below().collect();
            format!("{first} needs one of: {}", names.join(", "))
        }
        Some(second) => match nearest(second, below()) {
            Some(name) => format!(
                "{first} has no {}; did you mean `{first} {name}`?",
                Typed(second)
            ),
            None => format!(
                "{first} has no {}; `help {first}` lists what it has",
                Typed(second)
            ),
        },
    }))
}

/// The command that a line without one was probably meant for: one that is named without its group, or
/// misspelt.
fn meant(first: &str) -> Option<String> {
    let mut inside = entries().filter(|entry| entry.path.get(1) == Some(&first));
    match (inside.next(), inside.next()) {
        (Some(entry), None) => Some(entry.path.join(" ")),
        _ => nearest(first, names_below(&[])).map(String::from),
    }
}

/// The words at the start of a line that name a command or a group, without its arguments.
fn leading_name(words: &[Word]) -> &[Word] {
    let length = match entries().find(|entry| is_path_start(entry, words)) {
        Some(entry) => entry.path.len(),
        None => words.len().min(2),
    };
    words.get(..length).unwrap_or_default()
}

fn help(words: &[Word]) -> Result<Command, Fault> {
    let topic = |path: &[&'static str]| Command::Local(Local::Help(path.to_vec()));
    let Some(first) = words.first() else {
        return Ok(topic(&[]));
    };
    if words.len() == 1
        && let Some(name) = names_below(&[]).find(|name| *name == first.text)
    {
        return Ok(topic(&[name]));
    }
    find(words).map(|(entry, _)| topic(entry.path))
}

#[cfg(test)]
mod tests;
