//! Who may know whom: the arrows of ARCHITECTURE.md, edge by edge.
//!
//! Owns the list of allowed edges between crates, and of the outside crates that touch hardware.

use anyhow::{Context, Result};
use serde_json::Value;

use super::Violation;

/// A crate of the workspace and what it depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Crate {
    pub(crate) name: String,
    /// Its folder relative to the checkout.
    pub(crate) folder: String,
    /// The root files of its library and programs, relative to the checkout.
    pub(crate) roots: Vec<String>,
    /// What it is built with.
    pub(crate) dependencies: Vec<String>,
    /// What only its tests are built with.
    pub(crate) test_dependencies: Vec<String>,
}

/// Pure crates that serve: what `node` puts together.
const SERVICES: [&str; 8] = [
    "substrate",
    "governance",
    "ledger",
    "telemetry",
    "glyph-archive",
    "glyph-parser",
    "glyph-compiler",
    "glyph-interpreter",
];

/// Crates that run on the bare machine and that may hold unsafe code: `vector` only to call what is
/// compiled for a wider register.
pub(super) const HARDWARE: [&str; 4] = ["machine", "drivers", "image", "vector"];

/// Outside crates that touch the processor, its devices or its boot information.
const HARDWARE_ONLY: [&str; 8] = [
    "acpi",
    "bootloader_api",
    "linked_list_allocator",
    "pci_types",
    "uart_16550",
    "virtio-drivers",
    "x2apic",
    "x86_64",
];

/// The workspace's crates that `name` may know; none if the list does not have `name`.
fn allowed(name: &str) -> Option<Vec<&'static str>> {
    let with_services = |more: &[&'static str]| [SERVICES.as_slice(), more].concat();
    Some(match name {
        "abi" | "qemu" | "campaign" | "vector" => vec![],
        "substrate" => vec!["abi", "vector"],
        "governance" | "ledger" | "telemetry" | "glyph-archive" | "glyph-parser" | "console" => {
            vec!["abi"]
        }
        "iso" => vec!["abi", "glyph-archive", "governance"],
        "glyph-compiler" => vec!["abi", "glyph-parser"],
        "glyph-interpreter" => vec!["abi", "glyph-parser", "glyph-compiler"],
        "node" => with_services(&["abi"]),
        // Interrupt handlers live here, and what they cannot name they cannot touch.
        "machine" => vec![],
        "drivers" => vec!["abi", "machine", "ledger", "node"],
        "image" => with_services(&["abi", "machine", "drivers", "node", "console"]),
        "glyphctl" => with_services(&["abi", "node", "console"]),
        "fuzz" => with_services(&["abi"]),
        "smoke" => with_services(&["abi", "qemu"]),
        "xtask" => vec!["iso", "qemu", "campaign", "smoke"],
        _ => return None,
    })
}

/// Whether `name` runs without an operating system and without hardware: the tested core.
pub(super) fn is_pure(name: &str) -> bool {
    ["abi", "node", "console"].contains(&name) || SERVICES.contains(&name)
}

/// Reads the output of `cargo metadata --no-deps`.
///
/// # Errors
/// If the text is not what cargo writes.
pub(super) fn read(metadata: &str) -> Result<Vec<Crate>> {
    let metadata: Value = serde_json::from_str(metadata).context("cargo metadata is no JSON")?;
    let root = text(&metadata, "workspace_root")?.to_owned() + "/";
    let relative = |path: &str| path.strip_prefix(&root).unwrap_or(path).to_owned();
    let mut crates = Vec::new();
    for package in list(&metadata, "packages")? {
        let folder = relative(text(package, "manifest_path")?);
        let folder = folder
            .strip_suffix("/Cargo.toml")
            .unwrap_or_default()
            .to_owned();
        let mut found = Crate {
            name: text(package, "name")?.to_owned(),
            folder,
            roots: Vec::new(),
            dependencies: Vec::new(),
            test_dependencies: Vec::new(),
        };
        for target in list(package, "targets")? {
            let kinds = list(target, "kind")?;
            if kinds.iter().any(|kind| kind == "lib" || kind == "bin") {
                found.roots.push(relative(text(target, "src_path")?));
            }
        }
        for dependency in list(package, "dependencies")? {
            let name = text(dependency, "name")?.to_owned();
            match dependency.get("kind").and_then(Value::as_str) {
                Some("dev") => found.test_dependencies.push(name),
                _ => found.dependencies.push(name),
            }
        }
        crates.push(found);
    }
    Ok(crates)
}

fn text<'a>(value: &'a Value, key: &str) -> Result<&'a str> {
    value
        .get(key)
        .and_then(Value::as_str)
        .with_context(|| format!("cargo metadata lacks {key}"))
}

fn list<'a>(value: &'a Value, key: &str) -> Result<&'a Vec<Value>> {
    value
        .get(key)
        .and_then(Value::as_array)
        .with_context(|| format!("cargo metadata lacks {key}"))
}

/// Every edge that is not on the list.
pub(super) fn check(crates: &[Crate]) -> Vec<Violation> {
    let mut violations = Vec::new();
    let members: Vec<&str> = crates.iter().map(|found| found.name.as_str()).collect();
    for found in crates {
        let Some(allowed) = allowed(&found.name) else {
            let rule = "the crate has no place in the list of who may know whom";
            violations.push(Violation::new(&found.folder, rule));
            continue;
        };
        let all = found.dependencies.iter().map(|name| (name.as_str(), false));
        let for_tests = found
            .test_dependencies
            .iter()
            .map(|name| (name.as_str(), true));
        for (dependency, is_for_tests) in all.chain(for_tests) {
            let breaks = match members.contains(&dependency) {
                // A test may put pure crates together in ways that the code must not, and may
                // go on for as long as a campaign asks.
                true => {
                    let serves_tests = is_pure(dependency) || dependency == "campaign";
                    !(allowed.contains(&dependency) || is_for_tests && serves_tests)
                }
                false => {
                    HARDWARE_ONLY.contains(&dependency) && !HARDWARE.contains(&found.name.as_str())
                }
            };
            if breaks {
                let rule = format!("{} must not depend on {dependency}", found.name);
                violations.push(Violation::new(format!("{}/Cargo.toml", found.folder), rule));
            }
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, dependencies: &[&str]) -> Crate {
        Crate {
            name: name.to_owned(),
            folder: name.to_owned(),
            roots: Vec::new(),
            dependencies: dependencies.iter().map(|&name| name.to_owned()).collect(),
            test_dependencies: Vec::new(),
        }
    }

    #[test]
    fn arrows_that_point_down_are_allowed() {
        let crates = [
            member("abi", &["heapless"]),
            member("substrate", &["abi", "crc32fast"]),
            member("node", &["abi", "substrate"]),
            member("machine", &["x86_64"]),
            member("image", &["machine", "node", "abi"]),
        ];
        assert_eq!(check(&crates), []);
    }

    #[test]
    fn an_arrow_that_points_up_is_caught() {
        let crates = [
            member("abi", &[]),
            member("node", &[]),
            member("substrate", &["abi", "node"]),
        ];
        let violations = check(&crates);
        assert_eq!(violations.len(), 1);
        assert_eq!(
            violations[0].to_string(),
            "substrate/Cargo.toml: substrate must not depend on node"
        );
    }

    #[test]
    fn interrupt_handlers_reach_no_service() {
        for service in SERVICES.into_iter().chain(["abi", "node"]) {
            let crates = [member(service, &["abi"]), member("machine", &[service])];
            let expected = format!("machine/Cargo.toml: machine must not depend on {service}");
            let violations = check(&crates);
            assert!(
                violations.iter().any(|found| found.to_string() == expected),
                "{violations:?}"
            );
        }
    }

    #[test]
    fn a_pure_crate_that_reaches_for_the_hardware_is_caught() {
        assert_eq!(check(&[member("ledger", &["x86_64"])]).len(), 1);
    }

    #[test]
    fn a_test_may_join_pure_crates_and_nothing_else() {
        let members = [
            member("abi", &[]),
            member("telemetry", &[]),
            member("campaign", &[]),
            member("machine", &[]),
        ];
        let with = |name: &str| {
            let mut ledger = member("ledger", &["abi"]);
            ledger.test_dependencies.push(name.to_owned());
            check(&[members.as_slice(), &[ledger]].concat()).len()
        };
        assert_eq!(with("telemetry"), 0);
        assert_eq!(with("proptest"), 0);
        assert_eq!(with("campaign"), 0);
        assert_eq!(
            check(&[member("campaign", &[]), member("ledger", &["campaign"])]).len(),
            1
        );
        assert_eq!(with("machine"), 1);
        assert_eq!(with("x86_64"), 1);
    }

    #[test]
    fn nothing_may_know_the_image_and_a_stranger_is_reported() {
        let crates = [
            member("image", &[]),
            member("glyphctl", &["image"]),
            member("extra", &[]),
        ];
        assert_eq!(check(&crates).len(), 2);
    }

    #[test]
    fn cargo_metadata_is_read_with_paths_relative_to_the_checkout() {
        let metadata = r#"{
            "workspace_root": "/c",
            "packages": [{
                "name": "abi",
                "manifest_path": "/c/kernel/abi/Cargo.toml",
                "targets": [
                    {"kind": ["lib"], "src_path": "/c/kernel/abi/src/lib.rs"},
                    {"kind": ["test"], "src_path": "/c/kernel/abi/tests/t.rs"}
                ],
                "dependencies": [
                    {"name": "heapless", "kind": null},
                    {"name": "proptest", "kind": "dev"}
                ]
            }]
        }"#;
        let crates = read(metadata).unwrap();
        assert_eq!(crates[0].folder, "kernel/abi");
        assert_eq!(crates[0].roots, ["kernel/abi/src/lib.rs"]);
        assert_eq!(crates[0].dependencies, ["heapless"]);
        assert_eq!(crates[0].test_dependencies, ["proptest"]);
        assert!(read("{}").is_err());
    }
}
