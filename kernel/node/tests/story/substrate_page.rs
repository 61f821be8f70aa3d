//! `docs/substrate.md` as a story: what the page types is typed at a node here, in the page's order, and
//! each answer has to be the one that the page shows.
//!
//! A line `...` stands for lines that the page leaves out; without one, an answer has to be there whole.
//! Times and the numbers of events are set aside.

use crate::simulation::{Session, World, ramdisk};
use console::{Mode, render, render_fault};
use substrate::Substrate;

const PAGE: &str = include_str!("../../../../docs/substrate.md");
/// What a line that is typed begins with.
const PROMPT: &str = "glyphos> ";
/// What stands for lines that are left out.
const LEFT_OUT: &str = "...";

/// The lines of the page's blocks of a kind.
fn block(kind: &str) -> Vec<&'static str> {
    let mut is_inside = false;
    let mut lines = Vec::new();
    for line in PAGE.lines() {
        if line.starts_with("```") {
            is_inside = line.strip_prefix("```") == Some(kind);
        } else if is_inside {
            lines.push(line);
        }
    }
    lines
}

/// A line without the time at its begin and without an event's number.
fn masked(line: &str) -> String {
    let timed = line
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("] "));
    let Some((_, text)) = timed else {
        return line.trim_end().to_string();
    };
    match text.strip_prefix('#').and_then(|rest| rest.split_once(' ')) {
        Some((_, event)) => event.to_string(),
        None => text.to_string(),
    }
}

/// Types a line, lets the node report, and hands back all that is read.
fn told(session: &mut Session, line: &str) -> Vec<String> {
    let mut text = String::new();
    match session.try_line(line) {
        Ok(response) => render(&response, Mode::Human, &mut text),
        Err(fault) => render_fault(&fault, Mode::Human, &mut text),
    }
    .expect("strings take all");
    session.node.background();
    while let Some(line) = session.node.take_log_line() {
        text.push_str(&line);
        text.push('\n');
    }
    text.lines().map(masked).collect()
}

#[test]
fn every_line_of_the_page_on_the_substrate_is_a_nodes_own() {
    let options = block("text").join("\n");
    let disk = ramdisk(&[("glyphos.conf", &options)]);
    let mut session = Session::start(&World::new(), Some(&disk), None);
    while session.node.take_log_line().is_some() {}
    let lines = block("console");
    let mut strange = Vec::new();
    let mut typed = 0;
    for step in lines.chunk_by(|_, next| !next.starts_with(PROMPT)) {
        let Some((command, shown)) = step.split_first() else {
            continue;
        };
        let command = command.trim_start_matches(PROMPT);
        typed += 1;
        let told = told(&mut session, command);
        let shown: Vec<String> = shown.iter().map(|line| masked(line)).collect();
        for line in &shown {
            if line != LEFT_OUT && !told.contains(line) {
                strange.push(format!("{command}: the node does not say: {line}"));
            }
        }
        if !shown.iter().any(|line| line == LEFT_OUT) {
            for line in told.iter().filter(|line| !shown.contains(line)) {
                strange.push(format!("{command}: the page does not show: {line}"));
            }
        }
    }
    assert!(typed > 40, "the page lost its session: {typed} lines");
    assert!(strange.is_empty(), "not a node's own: {strange:#?}");
}

#[test]
fn the_page_on_the_substrate_says_what_a_cell_takes() {
    for side in [64, 256, 1024, 4096] {
        let all = Substrate::bytes_for(side, side).expect("such a grid can be");
        let cells = u64::from(side) * u64::from(side);
        let each = (all + cells / 2) / cells;
        let row = format!("| {side} x {side} | {each} |");
        assert!(PAGE.contains(&row), "the page has no {row}");
    }
}
