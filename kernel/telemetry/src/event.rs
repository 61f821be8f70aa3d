//! Events: what happened, in order, kept until the telemetry line has taken it.
//!
//! Owns a bounded ring and the cursor of delivery. An event never delays what caused it: when
//! the ring is full the oldest goes, and if it was not delivered yet that is counted.

use crate::ring::Ring;
use core::fmt;

/// Events that are kept.
const EVENTS_MAX: usize = 128;
/// Longest text of an event, in bytes; more is cut at a character.
const EVENT_TEXT_BYTES_MAX: usize = 240;

macro_rules! event_kinds {
    ($($(#[$doc:meta])* $variant:ident $name:literal),+ $(,)?) => {
        /// What kind of thing happened; the word on the line is [`EventKind::name`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum EventKind { $($(#[$doc])* $variant),+ }

        impl EventKind {
            /// Every kind.
            pub const ALL: &'static [EventKind] = &[$(EventKind::$variant),+];

            /// The word on the line.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(EventKind::$variant => $name),+ }
            }
        }
    };
}

event_kinds! {
    /// The node finished its boot.
    NodeStarted "NODE_STARTED",
    /// The node is about to stop or restart, by the operator's word.
    NodeStopping "NODE_STOPPING",
    /// The vault was loaded; the text has counts.
    VaultLoaded "VAULT_LOADED",
    /// The vault is not to be trusted and was not read; the text says why.
    VaultRefused "VAULT_REFUSED",
    /// Another vault is in force, by a quorum's word or with another ledger.
    VaultReplaced "VAULT_REPLACED",
    /// The loaded vault was damaged in memory; the text says what was done.
    VaultDamaged "VAULT_DAMAGED",
    /// A glyph or a file of the vault was refused.
    GlyphRefused "GLYPH_REFUSED",
    /// An activation was refused or failed.
    ActivationFailed "GLYPH_ACTIVATION_FAILED",
    /// Damage in the substrate was found and repaired.
    SubstrateRepaired "SUBSTRATE_REPAIRED",
    /// Cells of the substrate were lost.
    SubstratePoisoned "SUBSTRATE_POISONED",
    /// The operator damaged memory on purpose, or switched drills on or off.
    Drill "DRILL",
    /// The list of guardians changed.
    GuardiansChanged "GUARDIANS_CHANGED",
    /// A request for approval was made or decided.
    RequestChanged "GUARDIAN_REQUEST_CHANGED",
    /// An override was created, signed, completed or reviewed.
    OverrideChanged "GUARDIAN_OVERRIDE_CHANGED",
    /// An emergency override became active.
    OverrideActivated "GUARDIAN_EMERGENCY_OVERRIDE_ACTIVATED",
    /// An incident was opened.
    IncidentOpened "INCIDENT_OPENED",
    /// A signature was refused.
    SignatureRefused "GUARDIAN_SIGNATURE_REFUSED",
    /// The ledger was formatted.
    LedgerFormatted "LEDGER_FORMATTED",
    /// A fault of the ledger's device was repaired.
    LedgerRepaired "LEDGER_REPAIRED",
    /// The ledger passed a mark on its way to being full.
    LedgerFilling "LEDGER_FILLING",
    /// The ledger takes no records, or only with limits.
    LedgerDegraded "LEDGER_DEGRADED",
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Position since boot, from 0.
    pub sequence: u64,
    /// Nanoseconds since the kernel's entry.
    pub nanoseconds: u64,
    /// What kind.
    pub kind: EventKind,
    /// For a person.
    pub text: heapless::String<EVENT_TEXT_BYTES_MAX>,
}

impl fmt::Display for Event {
    /// Writes one line for the console, without a line end.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "[{:>5}.{:06}] #{} {} {}",
            self.nanoseconds / 1_000_000_000,
            self.nanoseconds % 1_000_000_000 / 1000,
            self.sequence,
            self.kind.name(),
            self.text
        )
    }
}

/// The newest events and how far they were delivered.
pub struct Events {
    ring: Ring<Event>,
    delivered: u64,
    lost: u64,
}

impl Default for Events {
    fn default() -> Self {
        Self::new()
    }
}

impl Events {
    /// Takes memory for all the events that are kept.
    #[must_use]
    pub fn new() -> Self {
        Events {
            ring: Ring::new(EVENTS_MAX),
            delivered: 0,
            lost: 0,
        }
    }

    /// Keeps an event; `nanoseconds` counts from the kernel's entry. Returns its number.
    ///
    /// Control characters of `text` become spaces; text beyond 240 bytes is cut.
    pub fn emit(&mut self, nanoseconds: u64, kind: EventKind, text: &str) -> u64 {
        let sequence = self.ring.push(Event {
            sequence: self.ring.pushed(),
            nanoseconds,
            kind,
            text: cut(text),
        });
        let oldest = self.ring.oldest();
        if self.delivered < oldest {
            self.lost = self
                .lost
                .saturating_add(oldest.saturating_sub(self.delivered));
            self.delivered = oldest;
        }
        sequence
    }

    /// The oldest event that was not delivered yet.
    #[must_use]
    pub fn undelivered(&self) -> Option<&Event> {
        self.ring.get(self.delivered)
    }

    /// Notes that the event with that number, and all before it, went out whole.
    pub fn mark_delivered(&mut self, sequence: u64) {
        self.delivered = self
            .delivered
            .max(sequence.saturating_add(1))
            .min(self.ring.pushed());
    }

    /// Events ever emitted.
    #[must_use]
    pub fn emitted(&self) -> u64 {
        self.ring.pushed()
    }

    /// Events overwritten before they were delivered.
    #[must_use]
    pub fn lost_undelivered(&self) -> u64 {
        self.lost
    }

    /// Events overwritten since boot, delivered or not: those before the first of
    /// [`Events::iter`].
    #[must_use]
    pub fn overwritten(&self) -> u64 {
        self.ring.oldest()
    }

    /// Events that are still kept, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Event> {
        self.ring.iter()
    }
}

/// Copies what fits, with a space for each control character.
pub(crate) fn cut<const N: usize>(text: &str) -> heapless::String<N> {
    let mut kept = heapless::String::new();
    for character in text.chars() {
        let shown = if character.is_control() {
            ' '
        } else {
            character
        };
        if kept.push(shown).is_err() {
            break;
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn an_event_stays_until_it_is_marked_as_delivered() {
        let mut events = Events::new();
        events.emit(1, EventKind::NodeStarted, "a");
        events.emit(2, EventKind::OverrideActivated, "b\nc");
        assert_eq!(events.undelivered().unwrap().sequence, 0);
        assert_eq!(events.undelivered().unwrap().sequence, 0);
        events.mark_delivered(0);
        assert_eq!(events.undelivered().unwrap().text, "b c");
        events.mark_delivered(1);
        assert_eq!(events.undelivered(), None);
        events.mark_delivered(u64::MAX);
        assert_eq!(events.emit(3, EventKind::Drill, "d"), 2);
        assert_eq!(events.undelivered().unwrap().sequence, 2);
    }

    #[test]
    fn events_that_nobody_took_are_counted_when_they_go() {
        let mut events = Events::new();
        for number in 0..200 {
            events.emit(number, EventKind::Drill, "x");
        }
        assert_eq!(events.lost_undelivered(), 72);
        assert_eq!(events.overwritten(), 72);
        assert_eq!(events.undelivered().unwrap().sequence, 72);
        events.mark_delivered(199);
        events.emit(200, EventKind::Drill, "x");
        assert_eq!(events.lost_undelivered(), 72);
        assert_eq!(events.overwritten(), 73);
    }

    #[test]
    fn long_text_is_cut_at_a_character() {
        let mut events = Events::new();
        events.emit(0, EventKind::Drill, &"\u{e9}".repeat(500));
        assert_eq!(events.iter().next().unwrap().text.len(), 240);
    }

    #[test]
    fn an_event_shows_its_time_number_and_kind() {
        let mut events = Events::new();
        events.emit(12_345_678_901, EventKind::NodeStarted, "up");
        assert_eq!(
            events.iter().next().unwrap().to_string(),
            "[   12.345678] #0 NODE_STARTED up"
        );
    }
}
