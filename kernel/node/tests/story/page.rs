//! `docs/governance.md` as a story: every line that the page types is typed at a node here, and every
//! answer that it shows is one that the node gave.
//!
//! The page leaves out what repeats itself, so the whole session is told here and each of its lines
//! has to be found in it. Digits of ids, keys and signatures, and times, are set aside.

use crate::simulation::{Session, SharedDisk, World};
use abi::{Fault, Response};
use console::{Mode, render, render_fault};
use governance::message::Message;
use governance::signature::SigningKey;
use std::collections::BTreeSet;

const PAGE: &str = include_str!("../../../../docs/governance.md");
/// Guardians of the page, in the order of their enrolment.
const GUARDIANS: [(&str, &str); 4] = [
    ("galahad", "ethics"),
    ("cerberus", "security"),
    ("codex_deus", "charter"),
    ("safety_monitor", "safety"),
];
/// Lines of the page that other programs print than node and console: their own tests hold those.
const OTHERS: [&str; 4] = [
    "GLYPHOS POWEROFF",
    "you sign this:",
    "then type at the node's console, with the signature at the end:",
    "...",
];

fn seed(guardian: &str) -> [u8; 32] {
    let place = GUARDIANS.iter().position(|(id, _)| *id == guardian);
    [u8::try_from(place.expect("a guardian")).expect("few") + 1; 32]
}

/// A line with what differs from node to node set aside.
fn masked(line: &str) -> String {
    let line = match line
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("] "))
    {
        Some((_, text)) => text,
        None => line,
    };
    let mut words = Vec::new();
    for word in line.split(' ') {
        let is_digits = |c: char| c.is_ascii_hexdigit() || ".:,;".contains(c);
        let core = word.rsplit('=').next().unwrap_or(word);
        let core = core.strip_prefix("glyphos-challenge:").unwrap_or(core);
        let digits = core.trim_end_matches(['.', ':', ',', ';']);
        let ending = match core.get(digits.len()..) {
            Some("...") | None => "",
            Some(ending) => ending,
        };
        if digits.len() >= 8 && core.chars().all(is_digits) && !digits.contains('.') {
            words.push(format!("{}H{ending}", &word[..word.len() - core.len()]));
        } else if digits.len() == 20 && digits.ends_with('Z') && digits.contains('T') {
            words.push(format!("T{ending}"));
        } else {
            words.push(word.to_string());
        }
    }
    let text = words.join(" ");
    match text.strip_suffix(" records checked") {
        Some(_) => "sound: N records checked".to_string(),
        None => text.trim_end().to_string(),
    }
}

/// A node, and everything that was typed at it and read there.
struct Teller {
    session: Session,
    read: BTreeSet<String>,
}

impl Teller {
    fn new(world: &World, disk: &SharedDisk, read: BTreeSet<String>) -> Self {
        let mut session = Session::start(world, None, Some(disk));
        while session.node.take_log_line().is_some() {}
        Teller { session, read }
    }

    fn note(&mut self, text: &str) {
        self.read.extend(text.lines().map(masked));
    }

    fn tell(&mut self, line: &str) -> Result<Response, Fault> {
        self.note(&format!("glyphos> {line}"));
        let answer = self.session.try_line(line);
        while let Some(line) = self.session.node.take_log_line() {
            self.note(&line);
        }
        let mut text = String::new();
        match &answer {
            Ok(response) => render(response, Mode::Human, &mut text),
            Err(fault) => render_fault(fault, Mode::Human, &mut text),
        }
        .expect("strings take all");
        self.note(&text);
        answer
    }

    /// A challenge, its signature, and the line with it.
    fn sign(&mut self, ask: &str, conclude: &str, guardian: &str) -> Response {
        let Ok(Response::Challenge { line }) = self.tell(ask) else {
            panic!("no challenge: {ask}")
        };
        let message = Message::from_line(&line).expect("the challenge is sound");
        let key = format!("$ glyphctl sign --key {guardian}.key {line}");
        let signature = SigningKey::new(&seed(guardian)).sign(&message.encode());
        let signature = abi::id::Hex(&signature).to_string();
        self.note(&format!(
            "{key}\n{message}\n{conclude} SIGNATURE\n{signature}"
        ));
        self.tell(&format!("{conclude} {signature}"))
            .expect("the signature is good")
    }

    fn act(&mut self, id: &str, guardian: &str, action: &str, text: &str) -> Response {
        let ask = format!("override challenge {id} {guardian} {action} \"{text}\"");
        self.sign(
            &ask,
            &format!("override {action} {id} {guardian}"),
            guardian,
        )
    }

    fn enrol_everybody(&mut self) {
        for (number, (id, role)) in GUARDIANS.into_iter().enumerate() {
            let key = abi::id::Hex(&SigningKey::new(&seed(id)).public_key()).to_string();
            let answer = self.tell(&format!("guardian enrol {id} {role} ed25519 {key}"));
            let Ok(Response::GuardianChange { change }) = answer else {
                panic!("{answer:?}")
            };
            let needed = if number == 0 { 0 } else { number / 2 + 1 };
            for (signer, _) in GUARDIANS.into_iter().take(needed) {
                let ask = format!("guardian challenge {} {signer} \"known to me\"", change.id);
                self.sign(
                    &ask,
                    &format!("guardian sign {} {signer}", change.id),
                    signer,
                );
            }
        }
    }

    fn request(&mut self, line: &str) -> String {
        match self.tell(line) {
            Ok(Response::Approval(view)) => view.request_id.to_string(),
            other => panic!("{other:?}"),
        }
    }

    fn create(&mut self, line: &str) -> String {
        match self.tell(line) {
            Ok(Response::Override { view, .. }) => view.override_id.to_string(),
            other => panic!("{other:?}"),
        }
    }

    fn activate(&mut self, request: &str) -> String {
        let line = format!("override create {request} safety_monitor \"the dam breaks tonight\"");
        let id = self.create(&line);
        let own = format!("override challenge {id} safety_monitor sign \"me too\"");
        self.tell(&own).expect_err("it is the initiator's");
        for guardian in ["galahad", "cerberus", "codex_deus"] {
            self.act(&id, guardian, "sign", "checked the gauge at gate 7");
        }
        id
    }
}

/// The emergency, the request that goes the usual way, and the drill.
fn the_long_session(world: &World, disk: &SharedDisk) -> BTreeSet<String> {
    let mut teller = Teller::new(world, disk, BTreeSet::new());
    teller.tell("ledger format").expect("asks for the word");
    teller.tell("ledger format format-64-mib").expect("formats");
    teller.enrol_everybody();
    teller.tell("guardian list").expect("a list");
    let flood = teller.request(
        "request create high kernel operator \"Stop the flood\" \"gate 7 is open\" --files 3 --lines 40 \
         --meta tested_by=nobody",
    );
    let item = teller.activate(&flood);
    teller.tell("override list").expect("a list");
    let own = format!("override challenge {item} safety_monitor post-mortem \"it was me\"");
    teller.tell(&own).expect_err("another role writes it");
    let report = "gate 7 was closed by hand at 04:10; its sensor is replaced";
    teller.act(&item, "cerberus", "post-mortem", report);
    let again = format!("override challenge {item} galahad post-mortem \"once more\"");
    teller.tell(&again).expect("is told that it was done");
    teller.act(
        &item,
        "codex_deus",
        "review",
        "read by the council on Monday",
    );

    let usual = teller.request(
        "request create high kernel operator \"Open gate 7 again\" \"the water is down\" --files 1 --lines 5 \
         --meta tested_by=ada",
    );
    for guardian in ["galahad", "cerberus", "codex_deus"] {
        let ask = format!("request challenge {usual} {guardian} approve \"read and tested\"");
        teller.sign(
            &ask,
            &format!("request approve {usual} {guardian}"),
            guardian,
        );
    }
    teller.create(&format!(
        "override create {usual} safety_monitor \"waits\" --drill"
    ));
    let gate = teller.request(
        "request create high kernel operator \"Practice: open gate 8\" \"a drill\" --meta tested_by=ada",
    );
    let drill = teller.create(&format!(
        "override create {gate} safety_monitor \"practice for the night shift\" --drill"
    ));
    teller
        .tell(&format!(
            "override challenge {drill} galahad sign \"practice\""
        ))
        .expect("a challenge");
    let forged = "0".repeat(128);
    teller
        .tell(&format!("override sign {drill} galahad {forged}"))
        .expect_err("nobody signed that");
    world.pass_seconds(5);
    for guardian in ["cerberus", "codex_deus", "galahad"] {
        teller.act(&drill, guardian, "sign", "practice");
    }
    teller.act(&drill, "cerberus", "post-mortem", "all knew what to type");
    teller.tell("ledger verify").expect("a verdict");
    teller.tell("poweroff").expect("goes");
    let mut teller = Teller::new(world, disk, teller.read);
    teller.tell("override list").expect("a list");
    teller.tell("guardian list").expect("a list");
    teller.read
}

/// Another emergency, whose grant is revoked.
fn the_revoked_one(world: &World, read: BTreeSet<String>) -> BTreeSet<String> {
    let mut teller = Teller::new(world, &SharedDisk::blank(64), read);
    teller.tell("ledger format format-64-mib").expect("formats");
    teller.enrol_everybody();
    let request = teller.request("request create high kernel operator \"Stop the flood\"");
    let item = teller.activate(&request);
    teller.act(&item, "cerberus", "revoke", "the river fell");
    teller.read
}

#[test]
fn every_line_of_the_page_on_governance_is_a_nodes_own() {
    let world = World::new();
    let read = the_long_session(&world, &SharedDisk::blank(64));
    let read = the_revoked_one(&world, read);
    let (mut is_console, mut is_ours, mut held) = (false, false, 0);
    let mut strange = Vec::new();
    for (number, line) in (1..).zip(PAGE.lines()) {
        if line.starts_with("```") {
            is_console = line == "```console";
            continue;
        }
        if !is_console || line.is_empty() {
            continue;
        }
        if line.starts_with("glyphos> ") || line.starts_with("$ ") {
            is_ours = !line.starts_with("$ ") || line.starts_with("$ glyphctl sign ");
        }
        if is_ours && !OTHERS.contains(&line) {
            held += 1;
            if !read.contains(&masked(line)) {
                strange.push(format!("line {number}: {line}"));
            }
        }
    }
    assert!(held > 200, "the page lost its session: {held} lines");
    assert!(strange.is_empty(), "not a node's own: {strange:#?}");
}
