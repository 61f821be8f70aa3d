//! The steps that lead from state to state, each with the outcome that the model expects.

use super::{GUARDIANS, MOMENTS, World};
use crate::Command;
use crate::simulated::{Secret, id, prefix};
use abi::governance::{Action, Algorithm, GuardianChange};
use abi::request::{ApprovalRequest, GuardianRequest, OverrideKind, OverrideRequest, Signature};
use abi::{Fault, Response};
use std::rc::Rc;
use std::string::ToString as _;
use std::vec::Vec;

use super::model::Item;
use crate::{Message, Reply};

/// Steps that a guardian's signature takes on an override.
const ACTIONS: [Action; 5] = [
    Action::SignOverride,
    Action::RejectOverride,
    Action::RevokeOverride,
    Action::PostMortem,
    Action::Review,
];

/// The properties that say who may take a step.
const fn promised(action: Action) -> &'static str {
    match action {
        Action::RevokeOverride => "property 2",
        Action::PostMortem | Action::Review => "property 5",
        _ => "property 1, 6, 7 or 12",
    }
}

/// How much of the world is walked.
#[derive(Clone, Copy)]
pub(super) struct Scope {
    /// Most overrides; the second is a drill, a third a real one that galahad initiates.
    pub(super) overrides: usize,
    /// The moment from which on an override can follow another one.
    pub(super) next_from: usize,
    /// Signatures that the policy asks for.
    pub(super) signatures: u32,
    /// Initiator of the first override (`None` is the operator), and its kind.
    pub(super) first: (Option<usize>, OverrideKind),
    /// Whether guardians are suspended and keys replaced.
    pub(super) changes: bool,
    /// Whether guardians decide on the request itself.
    pub(super) decisions: bool,
    /// Whether signatures are forged, held back and presented late.
    pub(super) attacks: bool,
}

/// A signature that was made and not presented yet.
#[derive(Clone)]
pub(super) struct Held {
    place: usize,
    who: usize,
    generation: u8,
    moment: usize,
    is_void: bool,
    signature: Rc<Signature>,
}

impl Held {
    /// All that a later step can see of it.
    pub(super) fn number(&self) -> u64 {
        let parts = [
            self.place,
            self.who,
            usize::from(self.generation),
            self.moment,
        ];
        let number = parts.into_iter().fold(1, |sum, part| sum * 8 + part as u64);
        number * 2 + u64::from(self.is_void)
    }
}

/// One step.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Create,
    Act(usize, usize, Action),
    Replay(usize, usize),
    Forge(usize),
    Hold(usize, usize),
    Present,
    Decide(usize, Action),
    Suspend(usize),
    Rotate(usize),
    Wait,
    Restart,
}

impl Step {
    /// Every step that the scope allows in this state, possible or refused.
    pub(super) fn all(world: &World) -> Vec<Step> {
        let scope = world.scope;
        let mut steps = Vec::with_capacity(64);
        let made = world.overrides.len();
        let is_room = made < scope.overrides && (made == 0 || world.moment >= scope.next_from);
        // Where it has to be refused, another one is tried whether there is room for it or not.
        if is_room || !world.model.may_create(world.moment) {
            steps.push(Step::Create);
        }
        for place in 0..world.overrides.len() {
            for who in 0..GUARDIANS.len() {
                steps.extend(ACTIONS.map(|action| Step::Act(place, who, action)));
                if world.used[who].is_some() {
                    steps.push(Step::Replay(place, who));
                }
                if scope.attacks && world.held.is_none() {
                    steps.push(Step::Hold(place, who));
                }
            }
        }
        if scope.attacks {
            if world.held.is_some() {
                steps.push(Step::Present);
            }
            if !world.has_forged && !world.overrides.is_empty() {
                steps.extend([Step::Forge(0), Step::Forge(1)]);
            }
        }
        if scope.decisions {
            for who in 0..3 {
                steps.push(Step::Decide(who, Action::ApproveRequest));
            }
            steps.push(Step::Decide(1, Action::RejectRequest));
        }
        let is_calm = world
            .model
            .people
            .iter()
            .all(|person| person.failed_at.is_none());
        if scope.changes && is_calm {
            if world.model.people.iter().all(|person| !person.is_suspended) {
                steps.extend([Step::Suspend(0), Step::Suspend(2)]);
            }
            if world.model.people[1].generation == 0 {
                steps.push(Step::Rotate(1));
            }
        }
        if world.moment + 1 < MOMENTS.len() {
            steps.push(Step::Wait);
        }
        steps.push(Step::Restart);
        steps
    }

    /// Takes the step; the outcome has to be the expected one.
    pub(super) fn take(self, world: &mut World) {
        match self {
            Step::Create => world.create(),
            Step::Act(place, who, action) => world.act(place, who, action),
            Step::Replay(place, who) => world.replay(place, who),
            Step::Forge(who) => world.forge(who),
            Step::Hold(place, who) => world.hold(place, who),
            Step::Present => world.present(),
            Step::Decide(who, action) => world.decide(who, action),
            Step::Suspend(who) => {
                world.change_guardian(GuardianChange::Suspend, who, None);
                world
                    .model
                    .changed(who, |person| person.is_suspended = true);
            }
            Step::Rotate(who) => {
                let secret = Secret::new(Algorithm::HmacSha256, 200);
                world.change_guardian(GuardianChange::Rotate, who, Some(&secret));
                let mut secrets = (*world.secrets).clone();
                secrets[who] = secret;
                world.secrets = std::rc::Rc::new(secrets);
                world.model.changed(who, |person| person.generation += 1);
            }
            Step::Wait => {
                world.moment += 1;
                world.record_due();
                world.model.came_to(world.moment);
            }
            Step::Restart => {
                world.restart();
                world.model.restarted();
                if let Some(held) = &mut world.held {
                    held.is_void = true;
                }
            }
        }
    }
}

impl World {
    fn create(&mut self) {
        let (initiator, kind) = match self.overrides.len() {
            0 => self.scope.first,
            1 => (None, OverrideKind::Drill),
            _ => (Some(0), OverrideKind::Real),
        };
        let answer = self.run(Command::Override(&OverrideRequest::Create {
            request: prefix(self.request),
            initiator: initiator
                .map_or("operator", |who| GUARDIANS[who])
                .to_string(),
            justification: "it burns".to_string(),
            kind,
        }));
        assert_eq!(
            answer.is_ok(),
            self.model.may_create(self.moment),
            "property 6: {answer:?}"
        );
        if let Ok(Reply::Override { id, .. }) = answer {
            self.follow(id);
            self.model
                .items
                .push(Item::new(kind, initiator, MOMENTS[self.moment]));
        }
    }

    fn challenge(&mut self, place: usize, who: usize, action: Action) -> Result<Reply, Fault> {
        let request = OverrideRequest::Challenge {
            id: prefix(self.overrides[place]),
            guardian: id(GUARDIANS[who]),
            action,
            text: "because".to_string(),
        };
        self.run(Command::Override(&request))
    }

    fn conclude(
        &mut self,
        place: usize,
        who: usize,
        action: Action,
        signature: Signature,
    ) -> Result<Reply, Fault> {
        let request = OverrideRequest::Conclude {
            id: prefix(self.overrides[place]),
            guardian: id(GUARDIANS[who]),
            action,
            signature,
        };
        self.run(Command::Override(&request))
    }

    fn signature(&self, who: usize, challenge: &Reply) -> Signature {
        let Reply::Answer(answer) = challenge else {
            panic!("{challenge:?}")
        };
        let Response::Challenge { line } = &**answer else {
            panic!("{challenge:?}")
        };
        self.secrets[who].sign(&Message::from_line(line).unwrap().encode())
    }

    /// A good signature, fresh from its challenge.
    fn act(&mut self, place: usize, who: usize, action: Action) {
        let expected = self.model.may(place, who, action, self.moment);
        let is_done = action == Action::PostMortem && self.model.items[place].post_mortem.is_some();
        let outcome = self.challenge(place, who, action).and_then(|challenge| {
            if is_done {
                return Ok((challenge, None));
            }
            let signature = self.signature(who, &challenge);
            let answer = self.conclude(place, who, action, signature.clone())?;
            Ok((answer, Some(signature)))
        });
        match outcome {
            Ok((_, Some(signature))) => {
                assert!(
                    expected,
                    "{}: taken against the rules: {who} {action} on {place}",
                    promised(action)
                );
                self.model.took(place, who, action, self.moment);
                if action == Action::SignOverride {
                    self.used[who] = Some(Rc::new(signature));
                }
            }
            Ok((answer, None)) => {
                let is_answered = matches!(&answer, Reply::Answer(answer)
                    if matches!(&**answer, Response::Override { .. }));
                assert!(is_answered, "property 12: {answer:?}");
            }
            Err(fault) => assert!(
                !expected,
                "{}: refused against the rules: {who} {action} on {place}: {fault}",
                promised(action)
            ),
        }
        self.forget_replaced(place, who, action);
    }

    /// A challenge for the same step makes a held signature worthless.
    fn forget_replaced(&mut self, place: usize, who: usize, action: Action) {
        if action == Action::SignOverride
            && let Some(held) = &mut self.held
            && (held.place, held.who) == (place, who)
        {
            held.is_void = true;
        }
    }

    /// A signature that was accepted before, over a new challenge. Property 7.
    fn replay(&mut self, place: usize, who: usize) {
        let Some(signature) = self.used[who].clone() else {
            return;
        };
        if self.model.people[who].failed_at.is_some() {
            return;
        }
        let is_issued = self.challenge(place, who, Action::SignOverride).is_ok();
        let answer = self.conclude(place, who, Action::SignOverride, (*signature).clone());
        assert!(answer.is_err(), "property 7: a replay was accepted");
        if is_issued {
            self.forget_replaced(place, who, Action::SignOverride);
            self.model.people[who].failed_at = Some(self.moment);
        }
    }

    /// A signature that nobody made, once a walk. Property 7.
    fn forge(&mut self, who: usize) {
        if self.model.people[who].failed_at.is_some() {
            return;
        }
        if self.challenge(0, who, Action::SignOverride).is_ok() {
            let forged = Signature(std::vec![0x11; 32]);
            let answer = self.conclude(0, who, Action::SignOverride, forged);
            assert!(answer.is_err(), "property 7: a forgery was accepted");
            self.forget_replaced(0, who, Action::SignOverride);
            self.model.people[who].failed_at = Some(self.moment);
            self.has_forged = true;
        }
    }

    /// A good signature that is made now and presented later.
    fn hold(&mut self, place: usize, who: usize) {
        if let Ok(challenge) = self.challenge(place, who, Action::SignOverride) {
            self.held = Some(Held {
                place,
                who,
                generation: self.model.people[who].generation,
                moment: self.moment,
                is_void: false,
                signature: Rc::new(self.signature(who, &challenge)),
            });
        }
    }

    /// The held signature, at last. Property 7.
    fn present(&mut self) {
        let Some(held) = self.held.take() else { return };
        let (place, who) = (held.place, held.who);
        let age = MOMENTS[self.moment] - MOMENTS[held.moment];
        let person = self.model.people[who];
        let is_good = !held.is_void && age < 24 * 3600 && person.generation == held.generation;
        let may = self
            .model
            .may(place, who, Action::SignOverride, self.moment);
        let signature = (*held.signature).clone();
        let answer = self.conclude(place, who, Action::SignOverride, signature);
        assert_eq!(
            answer.is_ok(),
            is_good && may,
            "property 7: a late signature: {answer:?}"
        );
        if answer.is_ok() {
            self.model
                .took(place, who, Action::SignOverride, self.moment);
            self.used[who] = Some(held.signature);
        } else if may && answer.is_err_and(|fault| fault.text.contains("is not")) {
            self.model.people[who].failed_at = Some(self.moment);
        }
    }

    fn decide(&mut self, who: usize, action: Action) {
        let expected = self.model.may_decide(who, self.moment);
        let challenge = ApprovalRequest::Challenge {
            request: prefix(self.request),
            guardian: id(GUARDIANS[who]),
            action,
            justification: "looked at it".to_string(),
        };
        let answer = self
            .run(Command::Approval(&challenge))
            .and_then(|challenge| {
                let signature = self.signature(who, &challenge);
                let request = ApprovalRequest::Decide {
                    request: prefix(self.request),
                    guardian: id(GUARDIANS[who]),
                    action,
                    signature,
                };
                self.run(Command::Approval(&request))
            });
        assert_eq!(answer.is_ok(), expected, "property 11: {answer:?}");
        if expected {
            self.model.decided(who, action == Action::ApproveRequest);
        }
    }

    /// A change of guardians through its quorum.
    fn change_guardian(&mut self, change: GuardianChange, who: usize, key: Option<&Secret>) {
        let answer = self.run(Command::Guardian(&GuardianRequest::Change {
            change,
            guardian: id(GUARDIANS[who]),
            role: None,
            key: key.map(Secret::material),
        }));
        let Ok(Reply::GuardianChange(change)) = answer else {
            panic!("{answer:?}")
        };
        let missing = |world: &World| {
            world
                .governance
                .signatures_missing(&world.governance.changes[&change].ballot)
        };
        for (signer, name) in GUARDIANS.into_iter().enumerate() {
            if missing(self) == 0 || self.model.people[signer].is_suspended {
                continue;
            }
            let challenge = GuardianRequest::Challenge {
                change: prefix(change),
                signer: id(name),
                justification: "agreed".to_string(),
            };
            let challenge = self.run(Command::Guardian(&challenge)).unwrap();
            let sign = GuardianRequest::Sign {
                change: prefix(change),
                signer: id(name),
                signature: self.signature(signer, &challenge),
            };
            self.run(Command::Guardian(&sign)).unwrap();
        }
        assert_eq!(missing(self), 0, "the change found its quorum");
    }
}
