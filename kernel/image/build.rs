//! Hands the linker script to the linker of the bare-metal build; a host build has no use for it.
fn main() {
    println!("cargo::rerun-if-changed=kernel.ld");
    println!("cargo::rerun-if-env-changed=GLYPHOS_COMMIT");
    println!("cargo::rerun-if-env-changed=GLYPHOS_VAULT_KEY");
    let target = std::env::var("TARGET").unwrap_or_default();
    let directory = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    if target.ends_with("-none") {
        println!("cargo::rustc-link-arg-bins=-T{directory}/kernel.ld");
        for option in ["norelro", "noexecstack", "max-page-size=4096"] {
            println!("cargo::rustc-link-arg-bins=-z");
            println!("cargo::rustc-link-arg-bins={option}");
        }
        println!("cargo::rustc-link-arg-bins=--build-id=none");
    }
}
