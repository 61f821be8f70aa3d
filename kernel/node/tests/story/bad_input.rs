//! What people and fate hand to a node, and what it says.

use crate::simulation::{EXAMPLE, Session, SharedDisk, World, ramdisk};
use abi::FaultCode;

#[test]
fn a_bad_file_in_the_vault_is_named_and_the_others_load() {
    let mut files = EXAMPLE.to_vec();
    files.push((
        "vault/broken.gdf",
        "glyph_id: broken\nresonance_freq: fast\n",
    ));
    let mut session = Session::start(&World::new(), Some(&ramdisk(&files)), None);
    assert!(session.log().contains("broken.gdf:2"), "{}", session.log());
    assert!(session.line("vault errors").contains("broken.gdf"));
    session.line("activate a");
    assert_eq!(
        session.refused("activate broken").code,
        FaultCode::GlyphRefused
    );
}

#[test]
fn a_misspelt_glyph_is_answered_with_the_nearest_one() {
    let mut files = EXAMPLE.to_vec();
    files.push(("vault/comet.gdf", "glyph_id: comet\n"));
    let mut session = Session::start(&World::new(), Some(&ramdisk(&files)), None);
    for line in ["activate commet", "glyph show Comet", "glyph tree coemt"] {
        let fault = session.refused(line);
        assert_eq!(fault.code, FaultCode::NotFound);
        assert!(fault.text.contains("did you mean `comet`?"), "{fault}");
    }
    let far = session.refused("activate galaxy").text;
    assert!(far.ends_with("type `vault list`"), "{far}");
}

#[test]
fn a_ramdisk_cut_short_leaves_a_node_without_a_vault() {
    let archive = ramdisk(&EXAMPLE);
    for length in [0, 1, 511, 512, 700, 1024, archive.len() - 512] {
        let mut session = Session::start(&World::new(), archive.get(..length), None);
        assert!(
            session.log().contains("ramdisk refused"),
            "{length}: {}",
            session.log()
        );
        session.line("substrate read 0");
    }
    let mut session = Session::start(&World::new(), None, None);
    assert!(session.log().contains("no ramdisk"));
}

#[test]
fn someone_elses_disk_is_left_alone_whatever_is_typed() {
    let mut image = vec![0; 4 << 20];
    image[510] = 0x55;
    image[511] = 0xaa;
    image[446] = 0x80;
    image[450] = 0x83;
    image[458] = 1;
    let disk = SharedDisk::of(&image);
    let mut session = Session::start(&World::new(), None, Some(&disk));
    assert!(session.node.ready_line(0).contains("ledger_state=foreign"));
    for line in [
        "guardian enrol galahad ethics hmac 0101010101010101010101010101010101010101010101010101010101010101",
        "ledger verify",
        "ledger format yes",
        "ledger format format-4-mib",
    ] {
        session.refused(line);
    }
    session.line("ledger format");
    assert_eq!(disk.image(), image);
}

#[test]
fn a_disk_too_small_says_how_much_is_needed() {
    let disk = SharedDisk::of(&[0; 64 * 512]);
    let mut session = Session::start(&World::new(), None, Some(&disk));
    let fault = session.refused("ledger verify");
    assert!(fault.text.contains("smaller than"), "{fault}");
}

#[test]
fn no_disk_refuses_governance_with_what_to_do() {
    let mut session = Session::start(&World::new(), None, None);
    let fault = session.refused("request list");
    assert_eq!(fault.code, FaultCode::LedgerUnavailable);
    assert!(fault.text.contains("attach a virtio disk"), "{fault}");
    assert!(session.node.ready_line(0).contains("ledger_state=absent"));
}
