//! Lines and what they become; the right form in every error.

mod lines;

use super::*;
use abi::request::*;
use std::collections::BTreeSet;

use lines::{VARIANTS, lines, variant};

fn node(line: &str) -> Request {
    match parse(line) {
        Ok(Some(Command::Node(request))) => request,
        other => panic!("{line}: {other:?}"),
    }
}

fn refusal(line: &str) -> String {
    let fault = parse(line).expect_err(line);
    assert_eq!(fault.code, FaultCode::Usage);
    fault.text
}

#[test]
fn every_command_line_becomes_its_request() {
    for (line, request) in lines() {
        assert_eq!(node(&line), request, "{line}");
    }
}

#[test]
fn every_command_of_the_table_is_tried_by_a_line() {
    let tried: Vec<String> = lines().into_iter().map(|(line, _)| line).collect();
    let local = ["help", "mode", "history", "clear"];
    for entry in entries().filter(|entry| !local.contains(&entry.path[0])) {
        let name = entry.path.join(" ");
        assert!(
            tried
                .iter()
                .any(|line| *line == name || line.starts_with(&format!("{name} "))),
            "no line tries `{name}`"
        );
    }
    let variants: BTreeSet<_> = lines()
        .iter()
        .map(|(_, request)| variant(request))
        .collect();
    assert_eq!(variants.len(), VARIANTS, "{variants:?}");
}

#[test]
fn blank_lines_ask_for_nothing() {
    assert_eq!(parse(""), Ok(None));
    assert_eq!(parse("  \t "), Ok(None));
}

#[test]
fn a_misspelt_name_gets_the_nearest_one() {
    assert!(refusal("actviate b").contains("did you mean `activate`?"));
    assert!(refusal("substrate raed 1").contains("did you mean `substrate read`?"));
    assert!(refusal("wave 1 2 3").contains("did you mean `substrate wave`?"));
    // Four groups have a list.
    assert!(refusal("list").contains("`help` lists them all"));
    assert!(refusal("Status").contains("did you mean `status`?"));
    assert!(refusal("frobnicate").contains("`help` lists them all"));
    assert!(refusal("vault").contains("vault needs one of: list, errors"));
    assert!(refusal("vault frobnicate").contains("`help vault`"));
}

#[test]
fn wrong_words_get_the_right_form() {
    for (line, reason) in [
        ("glyph show", "ID is missing; the form is: glyph show ID"),
        ("glyph show a b", "`b` is one word too many"),
        ("glyph show ../etc", "`../etc` is not a glyph id"),
        (
            "activate b --wiht-parents",
            "there is no option `--wiht-parents`",
        ),
        ("substrate write 1 x 0 0", "M takes a number, not `x`"),
        (
            "substrate read -1",
            "N takes a whole number in range, not `-1`",
        ),
        ("substrate superpose 1", "A:P is missing"),
        ("substrate superpose 1 0.5", "is not a pair"),
        ("inject cell 1 x", "BIT takes a whole number"),
        ("drill maybe", "`maybe` is not on|off: one of on, off"),
        ("version now", "`now` is one word too many"),
        ("request create huge x y z", "`huge` is not an impact"),
        (
            "request create low x y z --meta =v",
            "--meta takes KEY=VALUE",
        ),
        ("request create low x y z --files", "--files needs a value"),
        ("request create low x y \" \"", "\"title\" may not be empty"),
        ("override sign 012 g 00", "`012` is not a record id"),
        (
            "override sign 0123 g 00",
            "a signature has 64 hexadecimal digits",
        ),
        (
            "override challenge 0123 g approve x",
            "`approve` is not a step",
        ),
        ("mode robot", "`robot` is not a mode"),
        ("glyph show \"a", "a quote is opened and not closed"),
    ] {
        let text = refusal(line);
        assert!(text.contains(reason), "{line}: {text}");
    }
}

#[test]
fn an_error_never_repeats_what_may_be_a_secret() {
    let secret = "5ec7e7".repeat(10);
    for line in [
        format!("guardian enrol galahad ethics hmac {secret}5"),
        format!("guardian enrol galahad ethics hmac {secret}zz"),
        format!("guardian rotate galahad hmac {secret}x"),
    ] {
        assert!(!refusal(&line).contains("5ec7e7"), "{line}");
    }
}

#[test]
fn long_words_appear_cut_short_in_errors() {
    let text = refusal(&"x".repeat(4000));
    assert!(text.len() < 120, "{text}");
}

#[test]
fn help_is_asked_for_in_four_ways() {
    let topic = |path: &[&'static str]| Ok(Some(Command::Local(Local::Help(path.to_vec()))));
    assert_eq!(parse("help"), topic(&[]));
    assert_eq!(parse("?"), topic(&[]));
    assert_eq!(parse("help substrate"), topic(&["substrate"]));
    assert_eq!(parse("substrate --help"), topic(&["substrate"]));
    assert_eq!(
        parse("help substrate write"),
        topic(&["substrate", "write"])
    );
    assert_eq!(
        parse("substrate write 1 --help"),
        topic(&["substrate", "write"])
    );
    assert_eq!(parse("activate -h"), topic(&["activate"]));
    assert_eq!(parse("activate ?"), topic(&["activate"]));
    assert_eq!(parse("help help"), topic(&["help"]));
    assert!(refusal("help me").contains("no command is called `me`"));
}

#[test]
fn the_console_does_some_things_by_itself() {
    assert_eq!(
        parse("mode machine"),
        Ok(Some(Command::Local(Local::Mode(Mode::Machine))))
    );
    assert_eq!(parse("history"), Ok(Some(Command::Local(Local::History))));
    assert_eq!(parse("clear"), Ok(Some(Command::Local(Local::Clear))));
}

#[test]
fn numbers_that_are_not_finite_are_left_for_the_service_to_refuse() {
    assert!(matches!(
        node("substrate write 1 nan 0 inf"),
        Request::Substrate(SubstrateRequest::Write { magnitude, coherence, .. })
            if magnitude.is_nan() && coherence.is_infinite()
    ));
}
