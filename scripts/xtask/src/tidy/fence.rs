//! The fence around unsafe code, and the attributes that every crate's root must carry.
//!
//! The lints hold where they are switched on; this rule holds that nobody switches them off.

use super::edges::{self, Crate, HARDWARE};
use super::{File, Violation};

/// How far above an unsafe block its reason may stand, in lines: the statement it is part of may
/// begin some lines earlier.
const REASON_LINES_MAX: usize = 8;

/// Checks the roots of all crates and every unsafe block.
pub(super) fn check(files: &[File], crates: &[Crate]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for found in crates {
        for root in &found.roots {
            match files.iter().find(|file| file.path == *root) {
                Some(file) => violations.extend(check_root(&found.name, file)),
                None => violations.push(Violation::new(root, "the crate's root is missing")),
            }
        }
        let manifest = format!("{}/Cargo.toml", found.folder);
        let inherits = files
            .iter()
            .any(|file| file.path == manifest && file.text.contains("[lints]\nworkspace = true"));
        if !inherits {
            violations.push(Violation::new(
                manifest,
                "must inherit the workspace's lints",
            ));
        }
    }
    for file in files.iter().filter(|file| file.path.ends_with(".rs")) {
        violations.extend(check_reasons(file));
    }
    violations
}

fn check_root(name: &str, file: &File) -> Vec<Violation> {
    let has = |attribute: &str| file.text.lines().any(|line| line.trim() == attribute);
    let mut violations = Vec::new();
    if !HARDWARE.contains(&name) && !has("#![forbid(unsafe_code)]") {
        violations.push(Violation::new(
            &file.path,
            "must say #![forbid(unsafe_code)]",
        ));
    }
    if edges::is_pure(name) && !has("#![no_std]") {
        violations.push(Violation::new(
            &file.path,
            "must say #![no_std], for tests too",
        ));
    }
    violations
}

fn check_reasons(file: &File) -> Vec<Violation> {
    let lines: Vec<&str> = file.text.lines().collect();
    let opens = |line: &str| {
        let code = line.split("//").next().unwrap_or_default();
        let keyword = concat!("uns", "afe");
        ["{", "impl"]
            .iter()
            .any(|next| code.contains(&format!("{keyword} {next}")))
    };
    let mut violations = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        if !opens(line) {
            continue;
        }
        let start = index.saturating_sub(REASON_LINES_MAX);
        let above = lines.get(start..=index).unwrap_or_default();
        if !above.iter().any(|line| line.contains("// SAFETY:")) {
            let place = format!("{}:{}", file.path, index + 1);
            violations.push(Violation::new(
                place,
                "unsafe code needs a `// SAFETY:` reason above it",
            ));
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> File {
        File {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    fn member(name: &str) -> Crate {
        Crate {
            name: name.to_owned(),
            folder: name.to_owned(),
            roots: vec![format!("{name}/src/lib.rs")],
            dependencies: Vec::new(),
            test_dependencies: Vec::new(),
        }
    }

    fn check_one(name: &str, root: &str, manifest: &str) -> Vec<String> {
        let files = [
            file(&format!("{name}/src/lib.rs"), root),
            file(&format!("{name}/Cargo.toml"), manifest),
        ];
        check(&files, &[member(name)])
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    const INHERITS: &str = "[package]\n[lints]\nworkspace = true\n";

    #[test]
    fn a_pure_crate_has_to_forbid_unsafe_code_and_the_standard_library() {
        let good = "//! x\n#![no_std]\n#![forbid(unsafe_code)]\n";
        assert!(check_one("substrate", good, INHERITS).is_empty());
        assert_eq!(
            check_one("substrate", "//! x\n#![no_std]\n", INHERITS).len(),
            1
        );
        assert_eq!(
            check_one("substrate", "#![forbid(unsafe_code)]\n", INHERITS).len(),
            1
        );
        let only_in_tests = "#![cfg_attr(not(test), no_std)]\n#![forbid(unsafe_code)]\n";
        assert_eq!(check_one("substrate", only_in_tests, INHERITS).len(), 1);
    }

    #[test]
    fn a_host_tool_may_use_the_standard_library_but_no_unsafe_code() {
        assert!(check_one("qemu", "#![forbid(unsafe_code)]\n", INHERITS).is_empty());
        assert_eq!(check_one("qemu", "//! x\n", INHERITS).len(), 1);
    }

    #[test]
    fn lints_that_are_not_inherited_are_caught() {
        assert_eq!(check_one("machine", "//! x\n", "[package]\n").len(), 1);
    }

    #[test]
    fn an_unsafe_block_without_a_reason_is_caught() {
        let keyword = concat!("uns", "afe");
        let bare = format!("fn f() {{\n    {keyword} {{ g() }}\n}}\n");
        assert_eq!(check_one("machine", &bare, INHERITS).len(), 1);
        let explained = format!(
            "fn f() {{\n    // SAFETY: g has no precondition here.\n    {keyword} {{ g() }}\n}}\n"
        );
        assert!(check_one("machine", &explained, INHERITS).is_empty());
        let spoken_of = format!("// an {keyword} {{ block }} in a comment\n");
        assert!(check_one("machine", &spoken_of, INHERITS).is_empty());
    }

    #[test]
    fn a_root_that_is_not_there_is_reported() {
        let files = [file("machine/Cargo.toml", INHERITS)];
        assert_eq!(check(&files, &[member("machine")]).len(), 1);
    }
}
