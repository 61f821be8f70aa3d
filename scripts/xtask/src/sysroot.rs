//! A sysroot of links: one shape of toolchain, whoever provided the compiler.
//!
//! The boot loader's build script asks the `rustc` on PATH for its sysroot and looks there for
//! `llvm-objcopy` and `llvm-objdump`, which Debian keeps under other names. It also clears
//! RUSTFLAGS, so flags for reproducible bits have to come from the compiler itself. This folder
//! answers both: links to the real parts under the expected names, and a `rustc` that adds flags.
//!
//! Invariants:
//! - nothing in here is copied: it goes stale only when the toolchain moves, and is rewritten each time.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::toolchain::{HOST, Toolchain};

/// Makes the folder at `place` and returns its `bin`, to be first on PATH.
///
/// # Errors
/// If the file system refuses a link.
pub(crate) fn mirror(toolchain: &Toolchain, place: &Path, flags: &[String]) -> Result<PathBuf> {
    if place.exists() {
        fs::remove_dir_all(place).with_context(|| format!("cannot clear {}", place.display()))?;
    }
    let bin = place.join("bin");
    let host = place.join("lib/rustlib").join(HOST);
    let tools = host.join("bin");
    for folder in [&bin, &tools] {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
    }
    let rustlib = toolchain.sysroot.join("lib/rustlib");
    link(&rustlib.join("src"), &place.join("lib/rustlib/src"))?;
    link_others(&rustlib.join(HOST), &host, "bin")?;
    link_others(&rustlib.join(HOST).join("bin"), &tools, "")?;
    for name in ["llvm-objcopy", "llvm-objdump"] {
        // The build script only wants to see llvm-objdump; it never runs it.
        link(&toolchain.objcopy, &tools.join(name))?;
    }
    link(&toolchain.linker, &tools.join("rust-lld"))?;
    for name in ["cargo", "rustdoc"] {
        link(&toolchain.bin.join(name), &bin.join(name))?;
    }
    let wrapper = bin.join("rustc");
    fs::write(&wrapper, script(&toolchain.bin.join("rustc"), place, flags))?;
    fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755))?;
    Ok(bin)
}

fn script(rustc: &Path, sysroot: &Path, flags: &[String]) -> String {
    let mut line = format!(
        "exec {} --sysroot {}",
        quoted(rustc.as_os_str()),
        quoted(sysroot.as_os_str())
    );
    for flag in flags {
        line.push(' ');
        line.push_str(&quoted(OsStr::new(flag)));
    }
    // A UEFI application carries the time of its linking and a hash of its debug file, which holds
    // folder names: neither is wanted.
    format!(
        "#!/bin/sh\n\
         case \" $* \" in\n\
         *' x86_64-unknown-uefi '*) set -- \"$@\" -Clink-arg=/Brepro -Clink-arg=/DEBUG:NONE ;;\n\
         esac\n\
         {line} \"$@\"\n"
    )
}

fn quoted(text: &OsStr) -> String {
    format!("'{}'", text.to_string_lossy().replace('\'', r"'\''"))
}

fn link_others(from: &Path, to: &Path, except: &str) -> Result<()> {
    let Ok(entries) = fs::read_dir(from) else {
        return Ok(());
    };
    for entry in entries {
        let name = entry?.file_name();
        if name != except {
            link(&from.join(&name), &to.join(&name))?;
        }
    }
    Ok(())
}

fn link(from: &Path, to: &Path) -> Result<()> {
    if to.symlink_metadata().is_ok() {
        return Ok(());
    }
    symlink(from, to).with_context(|| format!("cannot link {} to {}", to.display(), from.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process;
    use std::process::Command;

    #[test]
    fn a_folder_with_a_quote_in_its_name_survives_the_shell() {
        let folder = std::env::temp_dir().join(format!("it's a sysroot-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let echo = folder.join("echo");
        fs::write(
            &echo,
            "#!/bin/sh\nfor word in \"$@\"; do echo \"[$word]\"; done\n",
        )
        .unwrap();
        let wrapper = folder.join("wrapper");
        fs::write(
            &wrapper,
            script(&echo, Path::new("/s"), &["--x=1 2".to_owned()]),
        )
        .unwrap();
        fs::set_permissions(&echo, fs::Permissions::from_mode(0o755)).unwrap();
        let run = |arguments: &[&str]| {
            process::output(Command::new("sh").arg(&wrapper).args(arguments)).unwrap()
        };
        assert_eq!(run(&["a b"]), "[--sysroot]\n[/s]\n[--x=1 2]\n[a b]\n");
        let uefi = run(&["--target", "x86_64-unknown-uefi", "-O"]);
        assert!(
            uefi.ends_with("[-O]\n[-Clink-arg=/Brepro]\n[-Clink-arg=/DEBUG:NONE]\n"),
            "{uefi}"
        );
        fs::remove_dir_all(&folder).unwrap();
    }
}
