//! Whose vaults a node takes, and how it goes on without one.

use crate::simulation::{EXAMPLE, Session, VAULT_SEED, World, archive, ramdisk, tar};
use abi::FaultCode;

/// A node started with this archive as its vault.
fn started_with(vault: &[u8]) -> Session {
    let bytes = tar([(node::ramdisk::VAULT_FILE, vault)]);
    Session::start(&World::new(), Some(&bytes), None)
}

/// The node has no glyph, says why everywhere, and the rest of it works.
fn is_told_and_works(session: &mut Session, why: &str) {
    assert!(session.node.ready_line(0).contains(" glyphs=0 "));
    let log = session.log();
    assert!(
        log.contains("vault refused: ") && log.contains(why) && log.contains("without glyphs"),
        "{log}"
    );
    let events = session.line("events");
    assert!(events.contains("VAULT_REFUSED") && events.contains(why));
    let metrics = session.line("metrics");
    assert!(metrics.contains("glyphos_vault_refused 1\n"), "{metrics}");
    let status = session.line("status");
    assert!(status.contains("part=vault health=FAILED"), "{status}");
    let vault = session.line("vault status");
    assert!(
        vault.contains("state=refused") && vault.contains(why),
        "{vault}"
    );
    assert_eq!(session.refused("activate a").code, FaultCode::NotFound);
    session.line("substrate write 0 1 1 1");
    session.line("selftest");
}

#[test]
fn a_vault_signed_with_the_trusted_key_is_in_force() {
    let mut session = Session::start(&World::new(), Some(&ramdisk(&EXAMPLE)), None);
    let digest = glyph_digest();
    let vault = session.line("vault status");
    assert!(
        vault.contains("state=in_force reason=\"\" source=boot_medium")
            && vault.contains(&format!("digest={digest} glyphs=2 errors=0"))
            && vault.contains("key_origin=given"),
        "{vault}"
    );
    let metrics = session.line("metrics");
    assert!(metrics.contains("glyphos_vault_refused 0\n"), "{metrics}");
    session.line("activate b --with-parents");
}

fn glyph_digest() -> String {
    let bytes = archive(&EXAMPLE, &VAULT_SEED);
    let key = crate::simulation::vault_key();
    let archive = glyph_archive::Archive::open(&bytes, &key).expect("it opens");
    abi::id::Hex(archive.digest()).to_string()
}

#[test]
fn an_altered_vault_is_refused_and_the_rest_of_the_node_works() {
    let mut bytes = archive(&EXAMPLE, &VAULT_SEED);
    let place = bytes.len() / 3;
    bytes[place] ^= 1;
    is_told_and_works(&mut started_with(&bytes), "signature does not hold");
}

#[test]
fn a_vault_cut_short_is_refused() {
    let bytes = archive(&EXAMPLE, &VAULT_SEED);
    for length in [0, 64, 512, bytes.len() - 1] {
        is_told_and_works(&mut started_with(&bytes[..length]), "unsigned or cut short");
    }
}

#[test]
fn a_vault_of_another_signer_is_refused() {
    let bytes = archive(&EXAMPLE, &[1; 32]);
    is_told_and_works(&mut started_with(&bytes), "signed with another key");
}

#[test]
fn loose_glyphs_on_the_boot_medium_are_refused_as_unsigned() {
    let loose = tar(EXAMPLE.map(|(name, text)| (name, text.as_bytes())));
    let mut session = Session::start(&World::new(), Some(&loose), None);
    is_told_and_works(&mut session, "unsigned");
    // Beside an archive they change nothing.
    let vault = archive(&EXAMPLE, &VAULT_SEED);
    let both = tar([
        (node::ramdisk::VAULT_FILE, vault.as_slice()),
        ("vault/evil.gdf", b"glyph_id: evil\n"),
    ]);
    let mut session = Session::start(&World::new(), Some(&both), None);
    session.line("activate a");
    assert_eq!(session.refused("activate evil").code, FaultCode::NotFound);
}

#[test]
fn a_boot_medium_without_a_vault_is_absent_and_not_refused() {
    let mut session = Session::start(&World::new(), Some(&tar([])), None);
    let vault = session.line("vault status");
    assert!(vault.contains("state=absent"), "{vault}");
    let metrics = session.line("metrics");
    assert!(metrics.contains("glyphos_vault_refused 0\n"), "{metrics}");
}
