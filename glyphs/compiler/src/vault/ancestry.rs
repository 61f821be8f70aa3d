//! Walks over the ancestors of a glyph: their order, and their picture.
//!
//! Invariant: every ancestor is visited once, whatever the number of ways that lead to it.

use super::{GlyphIndex, Vault};
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

impl Vault {
    /// The ancestors of a glyph, each once, every parent before its children.
    #[must_use]
    pub fn ancestors_in_order(&self, glyph: GlyphIndex) -> Vec<GlyphIndex> {
        let mut seen = vec![false; self.len()];
        let mut order = Vec::new();
        let mut walk = vec![(glyph, 0)];
        while let Some((at, next)) = walk.pop() {
            match self.parents(at).get(next) {
                Some(parent) => {
                    walk.push((at, next + 1));
                    if !seen[parent.position()] {
                        seen[parent.position()] = true;
                        walk.push((*parent, 0));
                    }
                }
                None if at != glyph => order.push(at),
                None => {}
            }
        }
        order
    }

    /// The ancestry as a picture in text, one line per parent link, LF at each end of line.
    ///
    /// An ancestor with parents of its own is unfolded where it comes first; further places
    /// refer to that one, so a stack of diamonds stays as short as its links.
    #[must_use]
    pub fn tree(&self, glyph: GlyphIndex) -> String {
        let mut text = String::new();
        let mut unfolded = vec![false; self.len()];
        // For each generation on the way down, whether a further parent follows below.
        let mut more_below: Vec<bool> = Vec::new();
        let mut walk = vec![(glyph, 0, Sibling::Last)];
        while let Some((at, generation, sibling)) = walk.pop() {
            if let Some(above) = usize::checked_sub(generation, 1) {
                more_below.truncate(above);
                for follows in &more_below {
                    text.push_str(if *follows { "|   " } else { "    " });
                }
                let last = sibling == Sibling::Last;
                text.push_str(if last { "`-- " } else { "+-- " });
                more_below.push(!last);
            }
            text.push_str(self.id_text(at));
            let parents = self.parents(at);
            if !parents.is_empty() && core::mem::replace(&mut unfolded[at.position()], true) {
                text.push_str(" (shown above)\n");
                continue;
            }
            text.push('\n');
            let mut sibling = Sibling::Last;
            for parent in parents.iter().rev() {
                walk.push((*parent, generation + 1, sibling));
                sibling = Sibling::Further;
            }
        }
        text
    }

    /// The ancestry as a directed graph in the language of Graphviz, an arrow from each glyph to
    /// each of its parents, LF at each end of line.
    ///
    /// Each ancestor is one node, so that a diamond shows as one.
    #[must_use]
    pub fn tree_dot(&self, glyph: GlyphIndex) -> String {
        // The alphabet of ids has nothing that a quoted name would have to escape.
        let mut text = String::from("digraph ancestry {\n    rankdir=BT;\n    node [shape=box];\n");
        let mut order = self.ancestors_in_order(glyph);
        order.push(glyph);
        for at in order.into_iter().rev() {
            let id = self.id_text(at);
            text.push_str(&format!("    \"{id}\";\n"));
            for parent in self.parents(at) {
                let parent = self.id_text(*parent);
                text.push_str(&format!("    \"{id}\" -> \"{parent}\";\n"));
            }
        }
        text.push_str("}\n");
        text
    }
}

/// Whether a parent is the last of its child's.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sibling {
    Further,
    Last,
}
