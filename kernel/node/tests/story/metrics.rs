//! Every metric that is declared is moved by something.

use crate::simulation::{EXAMPLE, Session, SharedDisk, World, ramdisk};
use ledger::SECTOR_BYTES;
use std::collections::BTreeSet;

/// Families with at least one sample that is not zero.
fn moved(text: &str) -> BTreeSet<String> {
    let families: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
        .collect();
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    let nonzero = samples.filter(|line| line.rsplit(' ').next().is_some_and(|value| value != "0"));
    let names: Vec<&str> = nonzero
        .filter_map(|line| line.split(['{', ' ']).next())
        .collect();
    let endings = ["", "_sum", "_count", "_bucket"];
    families
        .into_iter()
        .filter(|family| {
            names
                .iter()
                .any(|name| endings.iter().any(|end| *name == format!("{family}{end}")))
        })
        .map(String::from)
        .collect()
}

fn declared(text: &str) -> BTreeSet<String> {
    let types = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    types.map(String::from).collect()
}

#[test]
fn every_declared_family_is_moved_by_something() {
    let world = World::new();
    let disk = SharedDisk::blank(4);
    let many: Vec<(String, String)> = (0..40)
        .map(|number| {
            (
                format!("vault/g{number}.gdf"),
                format!("glyph_id: g{number}\n"),
            )
        })
        .collect();
    let mut files = EXAMPLE.to_vec();
    files.push((
        "vault/broken.gdf",
        "glyph_id: broken\nresonance_freq: fast\n",
    ));
    files.extend(
        many.iter()
            .map(|(name, text)| (name.as_str(), text.as_str())),
    );
    let archive = ramdisk(&files);

    let mut session = Session::start(&world, Some(&archive), Some(&disk));
    let mut seen = moved(&session.line("metrics"));
    session.node.boot_phase("services", 1_000_000);
    session.line("activate b --with-parents");
    session.line("substrate read 0");
    session.line("drill on");
    // The lines of cells 3 and 1280 share one stripe, with its parity too much to be rebuilt.
    for injection in "cell 3 7, parity 3, line 3, line 1280, page 0, page 1".split(", ") {
        session.line(&format!("inject {injection}"));
    }
    session.line("inject vault a 0");
    session.line("substrate scrub");
    session.node.telemetry_text();
    for _ in 0..200 {
        session.line("drill on");
    }
    emergency(&mut session, &world);
    seen.extend(moved(&session.line("metrics")));
    world.pass_hours(24 * 40);
    session.node.background();
    let text = session.line("metrics");
    seen.extend(moved(&text));
    drop(session);

    damage_newest_copies(&disk);
    let mut session = Session::start(&world, Some(&archive), Some(&disk));
    session.refused("activate b");
    seen.extend(moved(&session.line("metrics")));
    // Glyphs that nobody signed.
    let loose = crate::simulation::tar([("vault/a.gdf", b"glyph_id: a\n".as_slice())]);
    let mut session = Session::start(&world, Some(&loose), None);
    seen.extend(moved(&session.line("metrics")));
    let unmoved: Vec<_> = declared(&text).difference(&seen).cloned().collect();
    assert!(unmoved.is_empty(), "nothing moves {unmoved:?}");
}

#[test]
fn every_kind_of_repair_has_its_series() {
    let mut session = Session::start(&World::new(), None, None);
    let text = session.line("metrics");
    for (kind, _) in substrate::Repairs::default().by_kind() {
        let series = format!("glyphos_substrate_repairs_total{{kind=\"{kind}\"}} 0\n");
        assert!(text.contains(&series), "{kind} has none");
    }
}

/// Enrols, signs wrongly, and goes through an override.
fn emergency(session: &mut Session, world: &World) {
    let id = crate::emergency::active_override(session);
    let ask = format!("override challenge {id} galahad post-mortem \"wrong key\"");
    let conclude = format!("override post-mortem {id} galahad");
    session
        .sign(&ask, &conclude, &[9; 32])
        .expect_err("the key is wrong");
    world.pass_hours(1);
}

/// Flips a bit in every hundredth sector that holds anything, in the second half of the disk only.
fn damage_newest_copies(disk: &SharedDisk) {
    let image = disk.image();
    let sectors = image.chunks(SECTOR_BYTES).enumerate();
    let used: Vec<usize> = sectors
        .filter(|(_, bytes)| bytes.iter().any(|byte| *byte != 0))
        .map(|(number, _)| number)
        .collect();
    let middle = image.len() / SECTOR_BYTES / 2;
    let target = used
        .iter()
        .find(|sector| **sector > middle && **sector % 8 == 0);
    let offset = target.expect("the second zone is used") * SECTOR_BYTES + 100;
    disk.0.borrow_mut().damage(offset, 1, |byte| byte ^ 1);
}
