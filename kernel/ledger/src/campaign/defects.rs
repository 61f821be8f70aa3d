//! Plants each defect and demands that a campaign finds it.

use alloc::vec;

use super::crash::{crash_campaign, leftover_campaign, warm_restart_campaign};
use super::crash_states::Effort;
use super::damage::{Bits, double_damage_campaign, single_damage_campaign, tamper_campaign};
use super::device_faults::{error_campaign, stray_write_campaign};
use super::hostile::reformat_campaign;
use super::tampering::{forged_session, misfit_campaign};
use super::{Outcome, fresh_disk};
use crate::defect::{Defect, with};

fn crashes() -> Outcome {
    let effort = Effort {
        every_sector_subset: false,
        random_states: 32,
        crash_recovery_every: 101,
        recovery_depth: 1,
    };
    let workload = vec![vec![300], vec![20, 3000, 3870], vec![3884]];
    crash_campaign(&fresh_disk(), &workload, effort, 31)
}

#[test]
fn every_planted_defect_is_found() {
    let campaigns: [(Defect, fn() -> Outcome); 19] = [
        (Defect::SkipFlush, crashes),
        (Defect::AcknowledgeEarly, crashes),
        (Defect::SkipReadBack, stray_write_campaign),
        (Defect::RetryFlush, error_campaign),
        (Defect::SkipMirror, || single_damage_campaign(32, Bits::One)),
        (Defect::SkipRing, double_damage_campaign),
        (Defect::TruncateAtGap, double_damage_campaign),
        (Defect::IgnoreFence, || leftover_campaign(33)),
        (Defect::IgnoreEpoch, reformat_campaign),
        (Defect::TrustHeader, crashes),
        (Defect::IgnoreLink, tamper_campaign),
        (Defect::AcceptPartialGroup, crashes),
        (Defect::SkipRecoveryFlush, || warm_restart_campaign(34)),
        (Defect::SuperblocksAtOnce, crashes),
        (Defect::SkipRepair, || single_damage_campaign(35, Bits::One)),
        (Defect::ClipRecords, misfit_campaign),
        (Defect::TrustRecordNumber, || {
            (0..20).try_fold(0, |states, seed| Ok(states + forged_session(seed)?))
        }),
        (Defect::DropSharedRecords, crashes),
        (Defect::CountTornRecords, crashes),
    ];
    for (defect, campaign) in campaigns {
        let violation = with(defect, campaign);
        assert!(violation.is_err(), "{defect:?} was not found");
        std::println!("{defect:?}: {}", violation.unwrap_err());
    }
    assert!(
        crashes().is_ok(),
        "the same campaign passes without a defect"
    );
}
