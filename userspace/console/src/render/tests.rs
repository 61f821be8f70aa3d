//! Every answer in both ways of talking.

mod samples;

use super::*;
use abi::FaultCode;
use samples::{NASTY, activation, long, samples, state, variant};
use std::string::String;
use std::vec;
use std::vec::Vec;

fn text(response: &Response, mode: Mode) -> String {
    let mut out = String::new();
    render(response, mode, &mut out).unwrap();
    out
}

/// Splits a line of the machine's form; panics where it does not have that form.
fn fields(line: &str) -> Vec<(&str, &str)> {
    let mut fields = Vec::new();
    let mut rest = line;
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=').expect(line);
        let is_key = key
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        assert!(!key.is_empty() && is_key, "{line}");
        let length = if let Some(quoted) = after.strip_prefix('"') {
            let mut is_escaped = false;
            let end = quoted.find(|c| {
                let is_end = c == '"' && !is_escaped;
                is_escaped = c == '\\' && !is_escaped;
                is_end
            });
            end.expect(line) + 2
        } else {
            after.find(' ').unwrap_or(after.len())
        };
        fields.push((key, &after[..length]));
        rest = &after[length..];
        if !rest.is_empty() {
            rest = rest.strip_prefix(' ').expect(line);
        }
    }
    fields
}

#[test]
fn every_answer_says_something_in_both_modes() {
    let mut seen = [false; 36];
    for response in samples() {
        seen[variant(&response)] = true;
        assert!(!text(&response, Mode::Human).is_empty(), "{response:?}");
        let is_silent = matches!(response, Response::Done | Response::Goodbye);
        assert_eq!(
            text(&response, Mode::Machine).is_empty(),
            is_silent,
            "{response:?}"
        );
    }
    assert!(seen.iter().all(|seen| *seen), "{seen:?}");
}

#[test]
fn no_control_character_of_a_value_goes_out() {
    for response in samples() {
        for mode in [Mode::Human, Mode::Machine] {
            let text = text(&response, mode);
            assert!(text.is_empty() || text.ends_with('\n'), "{text}");
            assert!(
                !text.chars().any(|c| c.is_control() && c != '\n'),
                "{text:?}"
            );
        }
    }
}

#[test]
fn text_for_a_person_keeps_to_80_columns() {
    for response in samples() {
        for line in text(&response, Mode::Human).lines() {
            let longest = line.split_whitespace().map(str::len).max().unwrap_or(0);
            let is_one_long_word = longest > 60;
            assert!(
                line.chars().count() <= COLUMNS || is_one_long_word,
                "{line}"
            );
            assert_eq!(line, line.trim_end(), "blanks at the end");
        }
    }
}

#[test]
fn text_for_a_program_is_made_of_keys_and_values() {
    for response in samples() {
        if matches!(response, Response::Text(_)) {
            continue;
        }
        for line in text(&response, Mode::Machine).lines() {
            let fields = fields(line);
            let mut keys: Vec<_> = fields.iter().map(|(key, _)| *key).collect();
            keys.sort_unstable();
            keys.dedup();
            assert_eq!(keys.len(), fields.len(), "a key comes twice: {line}");
        }
    }
}

#[test]
fn the_documentation_lists_the_keys_of_every_line() {
    let documented = include_str!("../../README.md");
    for response in samples() {
        if matches!(response, Response::Text(_)) {
            continue;
        }
        for line in text(&response, Mode::Machine).lines() {
            let keys: Vec<_> = fields(line).into_iter().map(|(key, _)| key).collect();
            let keys = std::format!("`{}`", keys.join(" "));
            assert!(documented.contains(&keys), "README.md does not list {keys}");
        }
    }
}

#[test]
fn an_activation_has_its_documented_line() {
    assert_eq!(
        text(&Response::Activated(vec![activation()]), Mode::Machine),
        "trace=b step=\"decay(0.25)\" resonance=195 magnitude=0.1875 phase=10 coherence=78 \
         entanglement=7.3\n\
         glyph=b resonance=195 magnitude=0.1875 phase=10 coherence=78 entanglement=7.3 cell=1 \
         wave=no\n"
    );
}

#[test]
fn an_activation_reads_well() {
    assert_eq!(
        text(&Response::Activated(vec![activation()]), Mode::Human),
        "glyph b\n  decay(0.25): R 195 M 0.1875 P 10 C 78 E 7.3\n  \
         resonance     195 Hz\n  magnitude     0.1875\n  phase         10 degrees\n  \
         coherence     78 %\n  entanglement  7.3\n  cell          1 (written)\n  \
         wave          none\n"
    );
}

#[test]
fn a_trace_shows_the_state_before_and_after_each_step() {
    let mut activation = activation();
    let mut before = state();
    (before.magnitude, before.coherence) = (0.25, 80);
    activation.trace.insert(0, ("entangle(a)".into(), before));
    let shown = text(&Response::Activated(vec![activation]), Mode::Human);
    let expected = "  entangle(a): R 195 M 0.25 P 10 C 80 E 7.3\n  \
                    decay(0.25): R 195 M 0.25 -> 0.1875 P 10 C 80 -> 78 E 7.3\n";
    assert!(shown.contains(expected), "{shown}");
}

#[test]
fn texts_for_a_program_are_quoted_and_escaped() {
    assert_eq!(
        text(&Response::Injected(NASTY.into()), Mode::Machine),
        "injected=\"a \\\"b\\\"\\\\ \\n\\r\\tOK\\u{1b}[31m\\u{7} end\"\n"
    );
}

#[test]
fn no_line_of_a_text_can_be_taken_for_the_end_of_the_reply() {
    let shown = text(
        &Response::Text("OK\nERR usage no\nERRATA\nfine\n".into()),
        Mode::Machine,
    );
    assert_eq!(shown, " OK\n ERR usage no\nERRATA\nfine\n");
}

#[test]
fn a_fault_is_one_line_for_a_program_and_a_paragraph_for_a_person() {
    let fault = Fault::new(FaultCode::NotFound, std::format!("no\nsuch {}", long()));
    let mut machine = String::new();
    render_fault(&fault, Mode::Machine, &mut machine).unwrap();
    assert!(machine.starts_with("ERR not_found no such many words"));
    assert_eq!(machine.lines().count(), 1);
    let mut human = String::new();
    render_fault(&fault, Mode::Human, &mut human).unwrap();
    assert!(human.starts_with("error: no such many"));
    assert!(human.lines().count() > 2 && human.lines().all(|line| line.len() <= COLUMNS));
}
