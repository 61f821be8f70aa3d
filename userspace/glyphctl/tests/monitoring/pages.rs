//! The pages of `docs`: every command that they show is one that the console takes.

use std::collections::BTreeSet;

use console::parse;

use crate::{checkout, listing};

/// Stands in a page for what a person fills in, and something of that form.
const FILLED_IN: [(&str, &str); 9] = [
    ("ID", "0123456789abcdef0123456789abcdef"),
    ("CHANGE", "0123456789abcdef0123456789abcdef"),
    ("GUARDIAN", "galahad"),
    ("COMMAND", "status"),
    ("FILE", "disk.img"),
    ("N", "20"),
    ("M", "100"),
    ("P", "0"),
    ("C", "500"),
];
/// Sixty-four bytes in hexadecimal digits, the size of a signature.
const SIGNATURE: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\
    00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/// Every page, by its name.
fn pages() -> Vec<(String, String)> {
    let mut pages = listing("docs", "md");
    pages.extend(listing("docs/runbooks", "md"));
    pages
}

/// The line as it would be typed.
fn filled_in(line: &str) -> String {
    line.split(' ')
        .map(
            |word| match FILLED_IN.iter().find(|(name, _)| *name == word) {
                Some((_, value)) => value,
                None if word == "SIGNATURE" => SIGNATURE,
                None => word,
            },
        )
        .collect::<Vec<_>>()
        .join(" ")
}

/// First words of the console's commands, from its own help.
fn commands() -> BTreeSet<&'static str> {
    "activate bench date drill events glyph guardian inject ledger log mem metrics mode override \
     poweroff reboot request selftest status substrate uptime vault version"
        .split_whitespace()
        .collect()
}

/// The pieces of a page between single backquotes.
fn spans(page: &str) -> Vec<String> {
    let outside_blocks: String = page.split("```").step_by(2).collect();
    outside_blocks
        .split('`')
        .skip(1)
        .step_by(2)
        .map(|span| span.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect()
}

fn is_taken(line: &str) -> bool {
    matches!(parse(&filled_in(line)), Ok(Some(_)))
}

#[test]
fn the_console_takes_every_command_of_a_session_unless_its_answer_is_an_error() {
    let mut count = 0_usize;
    for (name, page) in pages() {
        let lines: Vec<_> = page.lines().collect();
        for pair in lines.windows(2) {
            let &[line, answer] = pair else { continue };
            let Some(typed) = line.trim_start().strip_prefix("glyphos> ") else {
                continue;
            };
            count = count.saturating_add(1);
            let is_refused = answer.trim_start().starts_with("error: ");
            // A long signature is cut short in the text, and marked so.
            let typed = typed
                .split(' ')
                .map(|word| {
                    if word.ends_with("...") {
                        "SIGNATURE"
                    } else {
                        word
                    }
                })
                .collect::<Vec<_>>()
                .join(" ");
            assert!(is_refused || is_taken(&typed), "{name}: {typed}");
        }
    }
    assert!(count > 30, "only {count} commands were found");
}

#[test]
fn the_console_takes_every_command_that_a_page_names() {
    let commands = commands();
    let mut count = 0_usize;
    for (name, page) in pages() {
        for span in spans(&page) {
            let mut words = span.split(' ');
            let is_command = words.next().is_some_and(|first| commands.contains(first));
            // One word may be a family of commands; a comma or a bar makes it a list of them.
            if !is_command || words.next().is_none() || span.contains(['|', '=', '[']) {
                continue;
            }
            count = count.saturating_add(1);
            assert!(is_taken(&span), "{name}: {span}");
        }
    }
    assert!(count > 20, "only {count} commands were found");
}

#[test]
fn a_wrong_command_would_be_found() {
    assert!(is_taken("override sign ID GUARDIAN SIGNATURE"));
    assert!(is_taken(
        "override challenge ID GUARDIAN post-mortem \"report\""
    ));
    assert!(!is_taken("override postmortem ID GUARDIAN SIGNATURE"));
    assert!(!is_taken("ledger repair"));
    assert_eq!(spans("a `b c` d\n```\n`e`\n```\n`f`"), ["b c", "f"]);
}

#[test]
fn links_between_pages_lead_somewhere() {
    let mut count = 0_usize;
    for folder in ["docs", "docs/runbooks", "userspace/monitoring"] {
        for (name, page) in listing(folder, "md") {
            for target in page.split("](").skip(1) {
                let target = target.split(')').next().unwrap_or_default();
                let file = target.split('#').next().unwrap_or_default();
                if file.is_empty() || file.contains("://") {
                    continue;
                }
                count = count.saturating_add(1);
                let path = checkout(folder).join(file);
                assert!(path.exists(), "{folder}/{name}.md links {file}");
            }
        }
    }
    assert!(count > 5, "only {count} links were found");
}
