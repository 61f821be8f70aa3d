//! Words of governance that requests, records and answers share: spec `governance`.
//!
//! Every enum here has a `name` for people and scripts, a `from_name` back, and a stable
//! number for the ledger that never changes meaning.

macro_rules! named_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $number:literal $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $name { $($(#[$vdoc])* $variant = $number),+ }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The word that people and scripts use.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $($name::$variant => $text),+ }
            }

            /// The value with that word.
            #[must_use]
            pub fn from_name(text: &str) -> Option<Self> {
                match text { $($text => Some($name::$variant),)+ _ => None }
            }

            /// The stable number kept in the ledger.
            #[must_use]
            pub const fn number(self) -> u8 {
                match self { $($name::$variant => $number),+ }
            }

            /// The value with that number.
            #[must_use]
            pub const fn from_number(number: u8) -> Option<Self> {
                match number { $($number => Some($name::$variant),)+ _ => None }
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                out.pad(self.name())
            }
        }
    };
}

named_enum!(
    /// What a guardian answers for.
    Role {
        /// Ethics.
        Ethics = 1 "ethics",
        /// Security.
        Security = 2 "security",
        /// The charter.
        Charter = 3 "charter",
        /// Safety.
        Safety = 4 "safety",
        /// The technical side.
        Technical = 5 "technical",
    }
);
named_enum!(
    /// Whether a guardian's signature counts.
    GuardianState {
        /// Counts.
        Active = 1 "active",
        /// Does not count until reinstated by a new enrolment or rotation.
        Suspended = 2 "suspended",
        /// Never counts again.
        Retired = 3 "retired",
    }
);
named_enum!(
    /// How a guardian signs.
    Algorithm {
        /// HMAC-SHA256 with a shared secret: the machine could forge.
        HmacSha256 = 1 "hmac",
        /// Ed25519: only the public key is on the machine.
        Ed25519 = 2 "ed25519",
    }
);
named_enum!(
    /// How much a requested change can touch.
    Impact {
        /// Low: technical approves, 24 h.
        Low = 1 "low",
        /// Medium: ethics and security approve, 48 h.
        Medium = 2 "medium",
        /// High: ethics, security and charter approve, 72 h.
        High = 3 "high",
        /// Critical: ethics, security, charter and safety approve, 168 h.
        Critical = 4 "critical",
    }
);
named_enum!(
    /// Where a request for approval stands.
    RequestStatus {
        /// Waits for decisions.
        Pending = 1 "pending",
        /// All needed roles approved, or an override activated.
        Approved = 2 "approved",
        /// One guardian rejected.
        Rejected = 3 "rejected",
        /// A needed role has no active guardian.
        Escalated = 4 "escalated",
        /// Its time ran out.
        Expired = 5 "expired",
    }
);
named_enum!(
    /// Where an emergency override stands.
    OverrideStatus {
        /// Waits for its quorum.
        Pending = 1 "pending",
        /// The quorum signed.
        Active = 2 "active",
        /// The post-mortem is written.
        Completed = 3 "completed",
        /// The review is done.
        Reviewed = 4 "reviewed",
        /// The review date passed without a review.
        ReviewOverdue = 5 "review_overdue",
        /// Expired before its quorum, or rejected by one.
        Rejected = 6 "rejected",
    }
);
named_enum!(
    /// What a signature says; part of every signed message.
    Action {
        /// Sign an emergency override.
        SignOverride = 1 "sign",
        /// End an override's grant early.
        RevokeOverride = 2 "revoke",
        /// Reject an override.
        RejectOverride = 3 "reject-override",
        /// File an override's post-mortem.
        PostMortem = 4 "post-mortem",
        /// File an override's review.
        Review = 5 "review",
        /// Approve a request.
        ApproveRequest = 6 "approve",
        /// Reject a request.
        RejectRequest = 7 "reject",
        /// Agree to a change of guardians.
        ChangeGuardians = 8 "change-guardians",
        /// Agree to another vault.
        ReplaceVault = 9 "replace-vault",
    }
);
named_enum!(
    /// A change to the list of guardians.
    GuardianChange {
        /// Add a guardian, or give one that lost its key a new one.
        Enrol = 1 "enrol",
        /// Replace a guardian's key.
        Rotate = 2 "rotate",
        /// Stop counting a guardian.
        Suspend = 3 "suspend",
        /// Remove a guardian for good.
        Retire = 4 "retire",
    }
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers_lead_back_to_their_value() {
        for role in Role::ALL {
            assert_eq!(Role::from_name(role.name()), Some(*role));
            assert_eq!(Role::from_number(role.number()), Some(*role));
        }
        for action in Action::ALL {
            assert_eq!(Action::from_name(action.name()), Some(*action));
            assert_eq!(Action::from_number(action.number()), Some(*action));
        }
        assert_eq!(Role::from_name("Ethics"), None);
        assert_eq!(OverrideStatus::from_number(0), None);
    }
}
