//! Commands of governance: guardians, requests for approval, emergency overrides.
//!
//! Every decision goes two steps: `challenge` gives a line to sign away from this machine, and
//! the command of the decision takes the signature.

use super::Command;
use super::arguments::{Arguments, Wrong, parse_integer};
use super::system::plain;
use super::table::{Entry, Slot};
use crate::NameKind;
use abi::Request;
use abi::governance::{Action, Algorithm, GuardianChange, Impact, Role};
use abi::request::{
    ApprovalRequest, GuardianRequest, Include, KeyMaterial, NewApproval, OverrideKind,
    OverrideRequest,
};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

const GUARDIAN: Slot = Slot::Name(NameKind::Guardian);
const CHANGE: Slot = Slot::Name(NameKind::GuardianChange);
const REQUEST: Slot = Slot::Name(NameKind::Request);
const OVERRIDE: Slot = Slot::Name(NameKind::Override);
const ROLES: &[&str] = &["ethics", "security", "charter", "safety", "technical"];
const ALGORITHMS: &[&str] = &["hmac", "ed25519"];
const IMPACTS: &[&str] = &["low", "medium", "high", "critical"];
const REQUEST_ACTIONS: &[&str] = &["approve", "reject"];
const OVERRIDE_ACTIONS: &[&str] = &["sign", "revoke", "reject", "post-mortem", "review"];

/// A command that reads its arguments.
macro_rules! reading {
    ($path:expr, $form:literal, $summary:literal, $detail:literal, $slots:expr, $read:expr) => {
        Entry {
            path: $path,
            form: $form,
            summary: $summary,
            detail: $detail,
            slots: $slots,
            options: &[],
            read: $read,
        }
    };
}

pub(super) const ENTRIES: &[Entry] = &[
    plain!(
        &["guardian", "list"],
        Request::Guardian(GuardianRequest::List),
        "Guardians, and changes that wait for signatures.",
        ""
    ),
    reading!(
        &["guardian", "enrol"],
        "ID ROLE ALGORITHM KEYHEX",
        "Gives a guardian its key and role.",
        "The first enrolment takes effect at once; each later one becomes a change that a \
         quorum of the active guardians signs. KEYHEX is the public key for ed25519, or the \
         secret for hmac; lines with a secret are kept out of the history.",
        &[
            GUARDIAN,
            Slot::Words(ROLES),
            Slot::Words(ALGORITHMS),
            Slot::Free
        ],
        |arguments| read_change(arguments, GuardianChange::Enrol)
    ),
    reading!(
        &["guardian", "rotate"],
        "ID ALGORITHM KEYHEX",
        "Proposes a new key for a guardian.",
        "",
        &[GUARDIAN, Slot::Words(ALGORITHMS), Slot::Free],
        |arguments| read_change(arguments, GuardianChange::Rotate)
    ),
    reading!(
        &["guardian", "suspend"],
        "ID",
        "Proposes that a guardian no longer counts.",
        "",
        &[GUARDIAN],
        |arguments| read_change(arguments, GuardianChange::Suspend)
    ),
    reading!(
        &["guardian", "retire"],
        "ID",
        "Proposes to remove a guardian for good.",
        "",
        &[GUARDIAN],
        |arguments| read_change(arguments, GuardianChange::Retire)
    ),
    reading!(
        &["guardian", "challenge"],
        "CHANGE GUARDIAN \"why\"",
        "A line to sign, to agree to a change.",
        "Give the line to `glyphctl sign` and the signature to `guardian sign`.",
        &[CHANGE, GUARDIAN, Slot::Free],
        |arguments| {
            guardian(GuardianRequest::Challenge {
                change: arguments.record("CHANGE")?,
                signer: arguments.guardian("GUARDIAN")?,
                justification: arguments.text("\"why\"")?,
            })
        }
    ),
    reading!(
        &["guardian", "sign"],
        "CHANGE GUARDIAN SIGNATURE",
        "Signs a change of guardians.",
        "The signature is over the challenge issued last for this change and guardian.",
        &[CHANGE, GUARDIAN, Slot::Free],
        |arguments| {
            guardian(GuardianRequest::Sign {
                change: arguments.record("CHANGE")?,
                signer: arguments.guardian("GUARDIAN")?,
                signature: arguments.signature()?,
            })
        }
    ),
    Entry {
        path: &["request", "create"],
        form: "IMPACT TYPE REQUESTER \"title\" [\"description\"] [--files N] [--lines N] \
               [--meta K=V]...",
        summary: "Asks for approval of a change.",
        detail: "IMPACT is low, medium, high or critical and sets who has to approve. TYPE is \
                 the kind of change, such as config or kernel.",
        slots: &[Slot::Words(IMPACTS)],
        options: &["--files", "--lines", "--meta"],
        read: read_create_request,
    },
    plain!(
        &["request", "list"],
        Request::Approval(ApprovalRequest::List),
        "All requests for approval.",
        ""
    ),
    reading!(
        &["request", "show"],
        "ID",
        "One request with its decisions and checks.",
        "",
        &[REQUEST],
        |arguments| approval(ApprovalRequest::Show(arguments.record("ID")?))
    ),
    reading!(
        &["request", "challenge"],
        "ID GUARDIAN approve|reject \"why\"",
        "A line to sign, to decide on a request.",
        "Give the line to `glyphctl sign` and the signature to `request approve` or \
         `request reject`.",
        &[REQUEST, GUARDIAN, Slot::Words(REQUEST_ACTIONS), Slot::Free],
        read_request_challenge
    ),
    reading!(
        &["request", "approve"],
        "ID GUARDIAN SIGNATURE",
        "Approves a request, with a signature.",
        "",
        &[REQUEST, GUARDIAN, Slot::Free],
        |arguments| read_decision(arguments, Action::ApproveRequest)
    ),
    reading!(
        &["request", "reject"],
        "ID GUARDIAN SIGNATURE",
        "Rejects a request, with a signature.",
        "",
        &[REQUEST, GUARDIAN, Slot::Free],
        |arguments| read_decision(arguments, Action::RejectRequest)
    ),
    Entry {
        path: &["override", "create"],
        form: "REQUEST INITIATOR \"justification\" [--drill]",
        summary: "Opens an emergency override of a request.",
        detail: "It becomes active when at least three guardians sign, ethics, security and \
                 charter among them. --drill practises: the same steps, and it grants nothing.",
        slots: &[REQUEST, GUARDIAN, Slot::Free],
        options: &["--drill"],
        read: read_create_override,
    },
    plain!(
        &["override", "list"],
        Request::Override(OverrideRequest::List),
        "All emergency overrides.",
        ""
    ),
    reading!(
        &["override", "show"],
        "ID",
        "One override with its signatures and reports.",
        "",
        &[OVERRIDE],
        |arguments| overriding(OverrideRequest::Show(arguments.record("ID")?))
    ),
    reading!(
        &["override", "challenge"],
        "ID GUARDIAN sign|revoke|reject|post-mortem|review \"text\"",
        "A line to sign, for a step of an override.",
        "The text is the justification, the report or the review that is signed. Give the line \
         to `glyphctl sign` and the signature to `override sign`, `revoke` and so on.",
        &[
            OVERRIDE,
            GUARDIAN,
            Slot::Words(OVERRIDE_ACTIONS),
            Slot::Free
        ],
        read_override_challenge
    ),
    reading!(
        &["override", "sign"],
        "ID GUARDIAN SIGNATURE",
        "Signs an override.",
        "",
        &[OVERRIDE, GUARDIAN, Slot::Free],
        |arguments| read_conclusion(arguments, Action::SignOverride)
    ),
    reading!(
        &["override", "revoke"],
        "ID GUARDIAN SIGNATURE",
        "Ends what an active override grants.",
        "",
        &[OVERRIDE, GUARDIAN, Slot::Free],
        |arguments| read_conclusion(arguments, Action::RevokeOverride)
    ),
    reading!(
        &["override", "reject"],
        "ID GUARDIAN SIGNATURE",
        "Rejects a pending override.",
        "",
        &[OVERRIDE, GUARDIAN, Slot::Free],
        |arguments| read_conclusion(arguments, Action::RejectOverride)
    ),
    reading!(
        &["override", "post-mortem"],
        "ID GUARDIAN SIGNATURE",
        "Files the signed post-mortem of an override.",
        "",
        &[OVERRIDE, GUARDIAN, Slot::Free],
        |arguments| read_conclusion(arguments, Action::PostMortem)
    ),
    reading!(
        &["override", "review"],
        "ID GUARDIAN SIGNATURE",
        "Files the signed review of an override.",
        "",
        &[OVERRIDE, GUARDIAN, Slot::Free],
        |arguments| read_conclusion(arguments, Action::Review)
    ),
];

fn guardian(request: GuardianRequest) -> Result<Command, Wrong> {
    Ok(Command::Node(Request::Guardian(request)))
}

fn approval(request: ApprovalRequest) -> Result<Command, Wrong> {
    Ok(Command::Node(Request::Approval(request)))
}

fn overriding(request: OverrideRequest) -> Result<Command, Wrong> {
    Ok(Command::Node(Request::Override(request)))
}

fn read_change(arguments: &mut Arguments, change: GuardianChange) -> Result<Command, Wrong> {
    let guardian_id = arguments.guardian("ID")?;
    let role = match change {
        GuardianChange::Enrol => {
            Some(arguments.one_of("a role", &ROLES.join(", "), Role::from_name)?)
        }
        _ => None,
    };
    let key = match change {
        GuardianChange::Enrol | GuardianChange::Rotate => Some(read_key(arguments)?),
        GuardianChange::Suspend | GuardianChange::Retire => None,
    };
    guardian(GuardianRequest::Change {
        change,
        guardian: guardian_id,
        role,
        key,
    })
}

fn read_key(arguments: &mut Arguments) -> Result<KeyMaterial, Wrong> {
    let algorithm =
        arguments.one_of("an algorithm", &ALGORITHMS.join(", "), Algorithm::from_name)?;
    let bytes = arguments.bytes("KEYHEX")?;
    Ok(KeyMaterial { algorithm, bytes })
}

fn read_create_request(arguments: &mut Arguments) -> Result<Command, Wrong> {
    let count = |text: Option<String>, what: &str| {
        text.map_or(Ok(0), |text| parse_integer::<u32>(&text, what))
    };
    let files_changed = count(arguments.option("--files")?, "--files")?;
    let lines_changed = count(arguments.option("--lines")?, "--lines")?;
    let mut metadata = Vec::new();
    while let Some(pair) = arguments.option("--meta")? {
        match pair.split_once('=') {
            Some((key, value)) if !key.is_empty() => {
                metadata.push((String::from(key), String::from(value)));
            }
            _ => {
                return Err(Wrong::Said(format!(
                    "--meta takes KEY=VALUE, not {}",
                    super::Typed(&pair)
                )));
            }
        }
    }
    approval(ApprovalRequest::Create(NewApproval {
        impact: arguments.one_of("an impact", &IMPACTS.join(", "), Impact::from_name)?,
        change_type: arguments.text("TYPE")?,
        requester: arguments.text("REQUESTER")?,
        title: arguments.text("\"title\"")?,
        description: if arguments.is_empty() {
            String::new()
        } else {
            arguments.word("\"description\"")?
        },
        files_changed,
        lines_changed,
        metadata,
    }))
}

fn read_request_challenge(arguments: &mut Arguments) -> Result<Command, Wrong> {
    approval(ApprovalRequest::Challenge {
        request: arguments.record("ID")?,
        guardian: arguments.guardian("GUARDIAN")?,
        action: arguments.one_of("a decision", "approve, reject", |word| match word {
            "approve" => Some(Action::ApproveRequest),
            "reject" => Some(Action::RejectRequest),
            _ => None,
        })?,
        justification: arguments.text("\"why\"")?,
    })
}

fn read_decision(arguments: &mut Arguments, action: Action) -> Result<Command, Wrong> {
    approval(ApprovalRequest::Decide {
        request: arguments.record("ID")?,
        guardian: arguments.guardian("GUARDIAN")?,
        action,
        signature: arguments.signature()?,
    })
}

fn read_create_override(arguments: &mut Arguments) -> Result<Command, Wrong> {
    let kind = match arguments.flag("--drill") {
        Include::Yes => OverrideKind::Drill,
        Include::No => OverrideKind::Real,
    };
    overriding(OverrideRequest::Create {
        request: arguments.record("REQUEST")?,
        initiator: arguments.text("INITIATOR")?,
        justification: arguments.text("\"justification\"")?,
        kind,
    })
}

fn read_override_challenge(arguments: &mut Arguments) -> Result<Command, Wrong> {
    overriding(OverrideRequest::Challenge {
        id: arguments.record("ID")?,
        guardian: arguments.guardian("GUARDIAN")?,
        action: arguments.one_of("a step", &OVERRIDE_ACTIONS.join(", "), |word| match word {
            "sign" => Some(Action::SignOverride),
            "revoke" => Some(Action::RevokeOverride),
            "reject" => Some(Action::RejectOverride),
            "post-mortem" => Some(Action::PostMortem),
            "review" => Some(Action::Review),
            _ => None,
        })?,
        text: arguments.text("\"text\"")?,
    })
}

fn read_conclusion(arguments: &mut Arguments, action: Action) -> Result<Command, Wrong> {
    overriding(OverrideRequest::Conclude {
        id: arguments.record("ID")?,
        guardian: arguments.guardian("GUARDIAN")?,
        action,
        signature: arguments.signature()?,
    })
}
