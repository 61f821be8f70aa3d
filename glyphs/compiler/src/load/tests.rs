//! What a vault takes, what comes of it, and in how many steps.

use super::*;
use crate::steps;
use std::string::ToString;

pub(super) fn load(files: &[(&str, &str)]) -> (Vault, Vec<VaultError>) {
    let files = files.iter().map(|(name, text)| (*name, text.as_bytes()));
    Vault::load(files, &Limits::default())
}

/// Loads glyphs given as id and further lines, each in a file of its own.
pub(super) fn load_glyphs(glyphs: &[(&str, &str)]) -> (Vault, Vec<VaultError>) {
    let files: Vec<(String, String)> = glyphs
        .iter()
        .map(|(id, lines)| (format!("{id}.gdf"), format!("glyph_id: {id}\n{lines}\n")))
        .collect();
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(n, t)| (n.as_str(), t.as_str()))
        .collect();
    load(&files)
}

pub(super) fn ids(vault: &Vault) -> Vec<&str> {
    vault.glyphs().map(|glyph| vault.id_text(glyph)).collect()
}

#[test]
fn a_sound_vault_loads_sorted_with_homes_parents_and_generations() {
    let (vault, errors) = load_glyphs(&[
        ("c", "parent: b, a"),
        ("a", ""),
        (
            "b",
            "parent: a\nactivation: entangle(c)\noutputs: field_state, x",
        ),
    ]);
    assert_eq!(errors, []);
    assert_eq!(ids(&vault), ["a", "b", "c"]);
    let c = vault.find(&GlyphId::new("c").unwrap()).unwrap();
    assert_eq!(vault.home(c).0, 2);
    assert_eq!(vault.generations(c), 2);
    let parents: Vec<&str> = vault.parents(c).iter().map(|p| vault.id_text(*p)).collect();
    assert_eq!(parents, ["b", "a"]);
    let ancestors = vault.ancestors_in_order(c);
    let ancestors: Vec<&str> = ancestors.iter().map(|p| vault.id_text(*p)).collect();
    assert_eq!(ancestors, ["a", "b"]);
    let b = vault.find(&GlyphId::new("b").unwrap()).unwrap();
    assert!(vault.writes_field_state(b) && !vault.starts_wave(b));
    let program = vault.program(b);
    assert_eq!((program.rows.len(), program.multiplies), (2, 0));
    assert_eq!(program.rows[0].state(program.start), vault.inherited(b));
    let entangled = program.rows[1];
    assert_eq!((entangled.resonance, entangled.sums[1]), (88.0, 1.0));
    assert_eq!(vault.error_counts().total(), 0);
}

#[test]
fn the_worked_example_of_the_specification_inherits_exactly() {
    let (vault, errors) = load_glyphs(&[
        (
            "a",
            "resonance: 100\nmagnitude: 2\ncoherence: 90\nentanglement: 1.5\nphase: 10",
        ),
        (
            "b",
            "parent: a\nresonance: 50\nmagnitude: 0.5\ncoherence: 80\nentanglement: 2\nphase: 5",
        ),
    ]);
    assert_eq!(errors, []);
    let state = vault.inherited(vault.find(&GlyphId::new("b").unwrap()).unwrap());
    assert_eq!(
        (
            state.resonance,
            state.magnitude,
            state.coherence,
            state.phase,
            state.entanglement
        ),
        (175.0, 0.25, 80, 10.0, 5.8)
    );
}

#[test]
fn entangling_in_a_ring_is_no_cycle() {
    let (vault, errors) = load_glyphs(&[
        ("a", "activation: entangle(b)"),
        ("b", "activation: entangle(a)|entangle(b)"),
    ]);
    assert_eq!(errors, []);
    assert_eq!(vault.len(), 2);
}

pub(super) fn chain(length: usize, first: &str) -> Vec<(String, String)> {
    (0..length)
        .map(|n| match n {
            0 => (format!("g{n:06}"), first.to_string()),
            _ => (format!("g{n:06}"), format!("parent: g{:06}", n - 1)),
        })
        .collect()
}

pub(super) fn load_owned(glyphs: &[(String, String)]) -> (Vault, Vec<VaultError>) {
    let glyphs: Vec<(&str, &str)> = glyphs
        .iter()
        .map(|(i, l)| (i.as_str(), l.as_str()))
        .collect();
    load_glyphs(&glyphs)
}

#[test]
fn the_order_of_files_changes_nothing() {
    let files = [
        ("a.gdf", "glyph_id: a\nparent: c"),
        ("b.gdf", "glyph_id: b\nparent: x"),
        ("c.gdf", "glyph_id: c\nphase: ?"),
        ("d.gdf", "glyph_id: d"),
        ("e.gdf", "glyph_id: d"),
    ];
    let (vault, errors) = load(&files);
    let mut turned = files;
    for _ in 0..files.len() {
        turned.rotate_left(1);
        turned.swap(0, 2);
        let (other, other_errors) = load(&turned);
        assert_eq!(other_errors, errors);
        assert_eq!(ids(&other), ids(&vault));
    }
}

#[test]
fn trees_show_each_link_once_and_refer_back_to_what_is_unfolded() {
    let (vault, errors) = load_glyphs(&[
        ("root", ""),
        ("left", "parent: root"),
        ("right", "parent: root, left"),
        ("top", "parent: left, right, left, root"),
    ]);
    assert_eq!(errors, []);
    let tree = |id| vault.tree(vault.find(&GlyphId::new(id).unwrap()).unwrap());
    assert_eq!(tree("root"), "root\n");
    assert_eq!(
        tree("top"),
        "top\n\
         +-- left\n\
         |   `-- root\n\
         +-- right\n\
         |   +-- root\n\
         |   `-- left (shown above)\n\
         +-- left (shown above)\n\
         `-- root\n"
    );
}

#[test]
fn graphs_name_each_ancestor_once_and_draw_each_link() {
    let (vault, errors) = load_glyphs(&[
        ("root", ""),
        ("left", "parent: root"),
        ("right", "parent: root"),
        ("top", "parent: left, right"),
    ]);
    assert_eq!(errors, []);
    let top = vault.find(&GlyphId::new("top").unwrap()).unwrap();
    assert_eq!(
        vault.tree_dot(top),
        "digraph ancestry {\n    rankdir=BT;\n    node [shape=box];\n    \
         \"top\";\n    \"top\" -> \"left\";\n    \"top\" -> \"right\";\n    \
         \"right\";\n    \"right\" -> \"root\";\n    \
         \"left\";\n    \"left\" -> \"root\";\n    \"root\";\n}\n"
    );
}

/// A stack of diamonds: each level has two glyphs with both of the level above as parents.
fn diamonds(levels: usize, resonance: &str) -> Vec<(String, String)> {
    (0..levels)
        .flat_map(|level| {
            let parents = match level {
                0 => String::new(),
                _ => format!("parent: l{:02}, r{:02}\n", level - 1, level - 1),
            };
            ["l", "r"].map(|side| {
                let lines = format!("{parents}resonance: {resonance}\nentanglement: 0.5");
                (format!("{side}{level:02}"), lines)
            })
        })
        .collect()
}

#[test]
fn a_stack_of_thirty_diamonds_loads_and_is_drawn_in_linear_cost() {
    let (vault, errors) = load_owned(&diamonds(31, "0"));
    assert_eq!(errors, []);
    let top = vault.find(&GlyphId::new("l30").unwrap()).unwrap();
    assert_eq!(vault.generations(top), 30);
    assert_eq!(vault.ancestors_in_order(top).len(), 60);
    // One line for the glyph, and one for each link of what is unfolded: itself and 58 ancestors.
    assert_eq!(vault.tree(top).lines().count(), 1 + 2 + 2 * 58);
    // A gain beyond f64 still leaves a resonance of 0 at 0; any other one overflows.
    assert_eq!(vault.inherited(top).resonance, 0.0);
    assert!(vault.inherited(top).entanglement > 0.25);
    let (vault, _) = load_owned(&diamonds(31, "3"));
    assert_eq!(vault.inherited(top).resonance, f64::INFINITY);
}

#[test]
fn a_stack_of_thirty_diamonds_compiles_in_one_step_a_link_as_a_chain_does() {
    let chain: Vec<(String, String)> = (0..31)
        .map(|n| match n {
            0 => (String::from("c00"), String::new()),
            _ => (format!("c{n:02}"), format!("parent: c{:02}", n - 1)),
        })
        .collect();
    for (files, links_expected) in [(diamonds(31, "0"), 120), (chain, 30)] {
        steps::take();
        let (vault, errors) = load_owned(&files);
        assert_eq!(errors, []);
        let links: usize = vault.glyphs().map(|glyph| vault.parents(glyph).len()).sum();
        assert_eq!(links, links_expected);
        let [_, _, compositions] = steps::take();
        assert_eq!(compositions, links as u64);
    }
}

#[test]
fn an_entanglement_that_only_a_copy_on_the_way_cannot_hold_is_out_of_range() {
    // The factors of the glyphs are near 1e3, 9e7, 7e17, 5e37, 2e77, 3e153 and 3e308, the last one beyond
    // the largest f64; three tenths of it are not.
    let factor = |level: u32| match level {
        6 => "0.8",
        7 => "300",
        _ => "1000",
    };
    let mut glyphs: Vec<(String, String)> = (1..=7_u32)
        .map(|level| {
            let parents = match level {
                1 => String::new(),
                _ => format!("parent: g{0}, g{0}\n", level - 1),
            };
            let lines = format!("{parents}entanglement: {}", factor(level));
            (format!("g{level}"), lines)
        })
        .collect();
    glyphs.push((
        String::from("heir"),
        String::from("parent: g7\nentanglement: 1"),
    ));
    let (vault, errors) = load_owned(&glyphs);
    assert_eq!(errors, []);
    let heir = vault.find(&GlyphId::new("heir").unwrap()).unwrap();
    assert_eq!(vault.inherited(heir).entanglement, f64::INFINITY);
}

/// Glyphs with two parents and a target far away, in stacks of 32 generations, each in its file. Children
/// come first, so that walks have to go down.
fn stacks(count: usize) -> Vec<(String, String)> {
    let name = |n: usize| format!("g{:07}", count - n);
    let file = |n: usize| {
        let parents = match n % 32 {
            0 => String::new(),
            1 => format!("parent: {}\n", name(n - 1)),
            _ => format!("parent: {}, {}\n", name(n - 1), name(n - 2)),
        };
        let (id, target) = (name(n), name(n * 7919 % count));
        let text = format!("glyph_id: {id}\n{parents}activation: entangle({target})");
        (format!("{id}.gdf"), text)
    };
    (0..count).map(file).collect()
}

#[test]
fn each_glyph_and_link_takes_as_many_steps_in_a_large_vault_as_in_a_small_one() {
    let limits = Limits {
        cells: u64::MAX,
        files_max: u32::MAX,
        ..Limits::default()
    };
    for count in [32, 1_024, 32_768] {
        let files = stacks(count);
        let files = files
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_bytes()));
        steps::take();
        let (vault, errors) = Vault::load(files, &limits);
        let [searches, visits, compositions] = steps::take();
        assert_eq!((vault.len(), errors), (count, vec![]));
        let glyphs = count as u64;
        let links = glyphs / 32 * (1 + 30 * 2);
        assert_eq!(compositions, links);
        // Once on the way down and once for each parent that it went to.
        assert_eq!(visits, glyphs + glyphs / 32 * 31);
        // An id is put in once, and sought for each link and each entanglement; some need a few slots.
        let names = glyphs + links + glyphs;
        assert!(searches * 2 <= names * 3, "{searches} for {names}");
    }
}
