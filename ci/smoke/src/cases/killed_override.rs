//! An emergency override whose every step is killed while it is being recorded.
//!
//! A step that was killed is either whole after the next boot or has not happened, and is then
//! taken again. A signature that completes the quorum and the activation that it brings are one.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use qemu::{Profile, Reply, Session};

use crate::case::{Case, Failure, Place};
use crate::cases::governance::{offline, open_emergency};
use crate::checks::{self, demand};
use crate::council::{Council, FOUR, format_ledger};
use crate::draw::Draw;
use crate::told::{Witness, lasting};

/// Size of the disk in bytes.
const DISK_SIZE: u64 = 64 << 20;
/// The moments of the kills are drawn from this.
const SEED: u64 = 0x6f76_6572_7269;
/// How often one step may be killed before it left anything, until it is taken in peace.
const KILLS_MAX: u64 = 3;

/// The story.
pub(super) fn cases() -> Vec<Case> {
    vec![Case::new("governance-story-killed", story)]
}

/// A node that is killed and started again, on one disk.
struct Node<'a> {
    place: &'a Place<'a>,
    profile: Profile,
    session: Session,
    draw: Draw,
    /// How long a step takes that is not killed.
    step_time: Duration,
    /// Steps that were killed: those that were there afterwards, and those that were not.
    found: u64,
    vanished: u64,
}

impl<'a> Node<'a> {
    fn start(place: &'a Place<'a>, disk: &Path) -> Result<Self, Failure> {
        let profile = checks::with_disk(place, disk);
        let (session, _) = checks::boot(&profile, checks::limits(), place)?;
        Ok(Self {
            place,
            profile,
            session,
            draw: Draw::new(SEED),
            step_time: Duration::from_millis(1),
            found: 0,
            vanished: 0,
        })
    }

    /// Kills the node after a part of a step's time, and starts it again.
    fn kill(self) -> Result<Self, Failure> {
        let mut node = self;
        // The moment is meant to be anywhere in a commit: nothing is waited for.
        thread::sleep(node.draw.part_of(node.step_time.mul_f64(1.5)));
        node.session.kill();
        (node.session, _) = checks::boot(&node.profile, checks::limits(), node.place)?;
        Ok(node)
    }

    /// Takes a step of the override, killed in its middle until it is there.
    fn step(
        self,
        council: &Council<'_>,
        id: &str,
        guardian: &str,
        action: &str,
    ) -> Result<Self, Failure> {
        let mut node = self;
        for _ in 0..KILLS_MAX {
            let before = node.show(id)?;
            let line = council.signed_step(&mut node.session, id, guardian, action)?;
            node.session.send(format!("{line}\n").as_bytes());
            node = node.kill()?;
            let after = node.show(id)?;
            if has_step(&after, guardian, action) {
                node.found = node.found.saturating_add(1);
                return Ok(node);
            }
            node.vanished = node.vanished.saturating_add(1);
            demand(lasting(&after) == lasting(&before), "override show", &after)?;
        }
        let answer = council.step(&mut node.session, id, guardian, action)?;
        demand(answer.is_ok(), &format!("override {action}"), &answer)?;
        Ok(node)
    }

    fn show(&mut self, id: &str) -> Result<Reply, Failure> {
        Ok(self.session.command_ok(&format!("override show {id}"))?)
    }
}

/// Whether an override shows that `guardian` did `action`.
fn has_step(shown: &Reply, guardian: &str, action: &str) -> bool {
    let key = match action {
        "sign" => "override_signature",
        _ => "post_mortem",
    };
    shown.lines.iter().any(|line| {
        qemu::field(line, key).is_some()
            && qemu::field(line, "guardian_id").as_deref() == Some(guardian)
    })
}

fn story(place: &Place<'_>) -> Result<(), Failure> {
    let disk = place.empty_disk(DISK_SIZE)?;
    let mut node = Node::start(place, &disk)?;
    format_ledger(&mut node.session)?;
    let mut council = Council::new(place);
    for guardian in FOUR {
        council.enrol(&mut node.session, guardian)?;
        node = node.kill()?;
    }
    let began = Instant::now();
    let (request, id) = open_emergency(&mut node.session)?;
    node.step_time = began.elapsed().div_f64(2.0);
    for guardian in ["galahad", "cerberus", "codex_deus"] {
        node = node.step(&council, &id, guardian, "sign")?;
        let answer = node.show(&id)?;
        let expected = match guardian {
            "codex_deus" => "active",
            _ => "pending",
        };
        let is_right = answer.field("status").as_deref() == Some(expected);
        demand(is_right, "override show", &answer)?;
    }
    let show = format!("request show {request}");
    let answer = node.session.command_ok(&show)?;
    let is_approved = answer.field("status").as_deref() == Some("approved");
    demand(is_approved, &show, &answer)?;
    node = node.step(&council, &id, "cerberus", "post-mortem")?;
    let witnesses = Witness::hear(&mut node.session, &request, &id)?;
    node = node.kill()?;
    for witness in &witnesses {
        witness.judge(&mut node.session)?;
    }
    let answer = node.session.command_ok("ledger verify")?;
    let is_sound = answer.field("sound").as_deref() == Some("yes");
    demand(is_sound, "ledger verify", &answer)?;
    node.session.power_off()?;
    offline(place, &disk, &id, 3)?;
    place.note(&format!(
        "of the steps that were killed {} were there whole and {} not at all\n",
        node.found, node.vanished
    ))
}
