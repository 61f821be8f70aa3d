//! What a state's future depends on, in 128 bits.
//!
//! Ids, challenges and signatures are left out: their values carry no meaning. Two states with the
//! same fingerprint are taken for one; among 10^7 states a pair that only looks the same has a
//! probability of about 10^-25.

use super::{GUARDIANS, World};
use crate::Governance;
use crate::state::Accepted;
use abi::RecordId;
use abi::request::OverrideKind;

/// Two 64-bit mixes side by side.
pub(super) struct Mix(u64, u64);

impl Mix {
    fn new() -> Self {
        Mix(0x5851_f42d_4c95_7f2d, 0x1405_7b7e_f767_814f)
    }

    fn add(&mut self, value: u64) {
        self.0 = (self.0 ^ value)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .rotate_left(29);
        self.1 = (self.1.wrapping_add(value)).wrapping_mul(0xc2b2_ae3d_27d4_eb4f) ^ (self.1 >> 31);
    }

    /// A set of votes, in whatever order they came, with how often each is there.
    fn add_votes(&mut self, votes: &[Accepted]) {
        let sum = votes
            .iter()
            .map(|accepted| {
                let place = person(accepted.vote.guardian_id.as_str()) * 8;
                1_u64 << (place + u64::from(accepted.generation.min(3)) * 2)
            })
            .sum();
        self.add(sum);
    }

    fn end(mut self) -> u128 {
        // The last value has passed through one multiplication only: spread it.
        self.add(0x2545_f491_4f6c_dd1d);
        self.add(self.0 ^ self.1.rotate_left(32));
        u128::from(self.0) << 64 | u128::from(self.1)
    }
}

/// The number of an explored guardian; others share one.
pub(super) fn person(name: &str) -> u64 {
    GUARDIANS
        .iter()
        .position(|other| *other == name)
        .map_or(7, |place| place as u64)
}

/// The state of the machine itself.
pub(super) fn of_governance(
    governance: &Governance,
    request: RecordId,
    overrides: &[RecordId],
) -> u128 {
    let mut mix = Mix::new();
    for guardian in &governance.guardians {
        mix.add(
            u64::from(guardian.state.number()) << 40
                | u64::from(guardian.key.is_some()) << 32
                | u64::from(guardian.generation) << 16
                | u64::from(guardian.failures),
        );
        mix.add(if guardian.failures == 0 {
            0
        } else {
            guardian.last_failure.0
        });
    }
    let request = &governance.requests[&request];
    mix.add(u64::from(request.status.number()));
    mix.add_votes(&request.approvals);
    mix.add_votes(&request.rejections);
    for id in overrides {
        let item = &governance.overrides[id];
        let is_real = item.created.kind == OverrideKind::Real;
        mix.add(u64::from(item.status.number()) << 8 | u64::from(item.overdue_recorded));
        mix.add(item.created.created_at.0 << 1 | u64::from(is_real));
        mix.add(
            item.activation
                .as_ref()
                .map_or(0, |activation| activation.post_mortem_due_at.0),
        );
        mix.add_votes(&item.signatures);
        mix.add_votes(&item.reject_votes);
        mix.add(item.grant.as_ref().map_or(0, |grant| {
            grant.lapses_at.0 << 8
                | grant.ended.map_or(0, |end| 1 + end as u64) << 1
                | u64::from(grant.stale && grant.ended.is_none())
        }));
        for vote in [&item.post_mortem, &item.review] {
            mix.add(
                vote.as_ref()
                    .map_or(0, |vote| 1 + person(vote.guardian_id.as_str())),
            );
        }
    }
    mix.end()
}

/// The machine's state and what the walker holds in its hands.
pub(super) fn of_world(world: &World) -> u128 {
    let mut mix = Mix::new();
    mix.add(world.moment as u64);
    let used = world.used.iter().map(|used| u64::from(used.is_some()));
    mix.add(used.fold(1, |all, used| all << 1 | used));
    mix.add(u64::from(world.has_forged));
    mix.add(world.held.as_ref().map_or(0, super::steps::Held::number));
    mix.end() ^ world.print.rotate_left(1)
}
