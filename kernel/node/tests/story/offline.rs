//! Damaged disks, read offline as `glyphctl ledger` reads them and started as a node starts them:
//! the same verdict, the same records, the same chain, the same state of governance.

use abi::Response;
use abi::response::LedgerState;
use abi::time::UnixSeconds;
use campaign::{Campaign, Size};
use governance::Event;
use ledger::simulated::{SimulatedDisk, share_frames};
use ledger::{Ledger, ReadOnlyReason};
use node::audit;

use crate::simulation::{Session, SharedDisk, World};

const FRAME: usize = 4096;

/// SplitMix64: the same seed gives the same images.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) >> 33).expect("31 bits") % bound
    }
}

/// A disk after two sessions, and its image after the first.
fn images() -> (Vec<u8>, Vec<u8>) {
    let world = World::new();
    let disk = SharedDisk::of(&vec![0; 512 << 10]);
    let mut session = Session::start(&world, None, Some(&disk));
    session.line("ledger format format-0-mib");
    session.line("request create low config operator \"one\" \"x\"");
    session.line("guardian enrol galahad ethics hmac abababababababababababababababababababababababababababababababab");
    drop(session);
    let early = disk.image();
    let mut session = Session::start(&world, None, Some(&disk));
    session.line("request create high kernel operator \"two\" \"y\"");
    let Ok(Response::Approvals(requests)) = session.try_line("request list") else {
        panic!()
    };
    session.line(&format!(
        "override create {} operator \"tonight\"",
        requests[0].request_id
    ));
    (disk.image(), early)
}

/// The same two states of a disk on which records share frames.
fn sharing(image: &[u8], early: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let first = share_frames(SimulatedDisk::from_image(early), None).expect("it is sound");
    let both = share_frames(SimulatedDisk::from_image(image), Some(first.clone()));
    (both.expect("it is sound").image(), first.image())
}

/// Frames that hold something.
fn written_frames(image: &[u8]) -> Vec<usize> {
    let frames = image.chunks(FRAME).enumerate();
    let written = frames.filter(|(_, bytes)| bytes.iter().any(|byte| *byte != 0));
    written.map(|(frame, _)| frame).collect()
}

/// A few blows to frames that hold something.
fn damage(image: &mut Vec<u8>, early: &[u8], random: &mut Random) {
    let frames = written_frames(image);
    for _ in 0..=random.below(5) {
        let at = frames[random.below(frames.len())] * FRAME;
        let other = frames[random.below(frames.len())] * FRAME;
        match random.below(7) {
            0 | 1 => image[at + random.below(320)] ^= 1 << random.below(8),
            2 => image[at..at + FRAME].fill(0),
            3 => image[at..at + FRAME].fill(0xff),
            4 => image.copy_within(other..other + FRAME, at),
            5 => image[at..at + FRAME].copy_from_slice(&early[at..at + FRAME]),
            _ => {
                // Both zones of one record or more: what only a stop can answer.
                for frame in frames.iter().filter(|frame| *frame % 3 == at / FRAME % 3) {
                    image[frame * FRAME + 250] ^= 1;
                }
            }
        }
    }
    if random.below(40) == 0 {
        image.truncate(random.below(image.len()));
    }
}

/// What a reader says of an image.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// It does not open.
    NoLedger,
    /// Damaged or against the rules; with the records that it counts.
    NotSound { records: u64 },
    /// Every record is whole.
    Whole {
        records: u64,
        chain: [u8; 32],
        summaries: Vec<(u64, UnixSeconds, String)>,
        overrides: String,
        guardians: String,
    },
}

fn offline(image: &[u8]) -> Verdict {
    let Ok((mut ledger, report)) = Ledger::inspect(SimulatedDisk::from_image(image)) else {
        return Verdict::NoLedger;
    };
    let records = report.records;
    if report.read_only != Some(ReadOnlyReason::Inspection) {
        return Verdict::NotSound { records };
    }
    let Ok(governance) = audit::rebuild(&mut ledger) else {
        return Verdict::NotSound { records };
    };
    let mut summaries = Vec::new();
    let replayed = ledger.replay(|record| {
        let event = Event::decode(record.payload).map_err(|_| ())?;
        summaries.push((record.seq, event.time, event.summary()));
        Ok::<(), ()>(())
    });
    assert_eq!(replayed, Ok(()), "what was rebuilt reads again");
    Verdict::Whole {
        records,
        chain: ledger.chain(),
        summaries,
        overrides: format!("{:?}", ids(&governance.override_views(UnixSeconds(0)))),
        guardians: format!("{:?}", governance.guardian_views()),
    }
}

fn ids(views: &[abi::response::OverrideView]) -> Vec<String> {
    views
        .iter()
        .map(|view| format!("{} {:?}", view.override_id, view.status))
        .collect()
}

fn started(image: &[u8]) -> Verdict {
    let disk = SharedDisk::of(image);
    let mut session = Session::start(&World::new(), None, Some(&disk));
    let Ok(Response::Ledger(status)) = session.try_line("ledger status") else {
        panic!("a node always has a status")
    };
    let records = status.records;
    match status.state {
        LedgerState::Ready | LedgerState::Degraded => {}
        LedgerState::ReadOnly => return Verdict::NotSound { records },
        _ => return Verdict::NoLedger,
    }
    let Ok(Response::Guardians { guardians, .. }) = session.try_line("guardian list") else {
        return Verdict::NotSound { records };
    };
    let Ok(Response::Overrides(overrides)) = session.try_line("override list") else {
        return Verdict::NotSound { records };
    };
    let Ok(Response::Records(log)) = session.try_line("ledger log 1000") else {
        panic!("a sound ledger has a log")
    };
    Verdict::Whole {
        records,
        chain: status.chain,
        summaries: log
            .into_iter()
            .map(|it| (it.seq, it.time, it.summary))
            .collect(),
        overrides: format!("{:?}", ids(&overrides)),
        guardians: format!("{guardians:?}"),
    }
}

#[test]
fn a_damaged_disk_is_judged_offline_as_by_the_node_for_as_long_as_asked() {
    let (image, early) = images();
    assert!(matches!(offline(&image), Verdict::Whole { records: 5, .. }));
    assert!(matches!(offline(&early), Verdict::Whole { records: 3, .. }));
    let (shared, shared_early) = sharing(&image, &early);
    let summaries = |image: &[u8]| match offline(image) {
        Verdict::Whole { summaries, .. } => summaries,
        other => panic!("{other:?}"),
    };
    assert_eq!(summaries(&shared), summaries(&image));
    assert!(written_frames(&shared).len() < written_frames(&image).len());
    let size = Size {
        gate: 5_000,
        campaign: 100_000,
    };
    let mut campaign = Campaign::begin("ledger: offline and started", size);
    let mut told = [0_u64; 3];
    while let Some(seed) = campaign.next_round() {
        let (sound, early) = match seed % 2 {
            0 => (&image, &early),
            _ => (&shared, &shared_early),
        };
        let mut damaged = sound.clone();
        damage(&mut damaged, early, &mut Random(seed));
        let verdict = offline(&damaged);
        assert_eq!(verdict, started(&damaged), "GLYPHOS_CAMPAIGN_SEED={seed}");
        told[match verdict {
            Verdict::NoLedger => 0,
            Verdict::NotSound { .. } => 1,
            Verdict::Whole { .. } => 2,
        }] += 1;
        campaign.add(1);
    }
    println!("no ledger, not sound, whole: {told:?}");
    assert!(told.iter().all(|count| *count > 10), "{told:?}");
    campaign.end();
}
