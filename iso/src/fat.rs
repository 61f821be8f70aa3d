//! The FAT volumes on the ISO, made in memory.
//!
//! Owns their form: FAT12 with clusters of 32 KiB, files contiguous and in the order given, every
//! date fixed. Names keep their case by long-name entries: stage 2 of the loader compares them
//! letter by letter, and tools that store `ramdisk` as a short name in capitals hide it from BIOS.
//!
//! Invariants:
//! - equal contents give equal bytes;
//! - every file starts on a CD sector of 2048 bytes, so that the CD hook needs no detour for it.

use std::io::{self, Cursor, Write};

use fatfs::{Date, DateTime, FatType, FileSystem, FormatVolumeOptions, FsOptions, TimeProvider};

const SECTOR_BYTES: u32 = 512;
/// 32 KiB: the largest cluster that every reader of FAT accepts. Stage 2 looks up each cluster with
/// a read of its own and always reads 16 KiB, so small clusters cost it many times the work.
const CLUSTER_BYTES: u32 = 64 * SECTOR_BYTES;
/// One sector of directory entries. With the boot sector and two tables it makes one CD sector.
const ROOT_ENTRIES: u16 = 16;
const HEAD_SECTORS: u32 = 4;
/// A FAT12 table of one sector has this many entries; two are taken.
const CLUSTERS_MAX: u32 = SECTOR_BYTES * 2 / 3 - 2;

/// The dates of every file: 2026-01-01, 00:00.
#[derive(Debug)]
struct FixedDate;

impl TimeProvider for FixedDate {
    fn get_current_date(&self) -> Date {
        Date {
            year: 2026,
            month: 1,
            day: 1,
        }
    }

    fn get_current_date_time(&self) -> DateTime {
        let time = fatfs::Time {
            hour: 0,
            min: 0,
            sec: 0,
            millis: 0,
        };
        DateTime {
            date: self.get_current_date(),
            time,
        }
    }
}

/// Makes a volume with the given folders and files (path in the volume, contents).
///
/// Folders have to be listed from the root down.
///
/// # Errors
/// [`io::ErrorKind::FileTooLarge`] if the files need more than 10 MiB; otherwise what the writer answers,
/// such as a full root directory.
pub fn volume(serial: u32, folders: &[&str], files: &[(&str, &[u8])]) -> io::Result<Vec<u8>> {
    let clusters_of = |bytes: usize| bytes.div_ceil(CLUSTER_BYTES as usize).max(1);
    let clusters = folders.len()
        + files
            .iter()
            .map(|(_, bytes)| clusters_of(bytes.len()))
            .sum::<usize>();
    let clusters = u32::try_from(clusters)
        .ok()
        .filter(|count| *count <= CLUSTERS_MAX);
    let Some(clusters) = clusters else {
        return Err(io::ErrorKind::FileTooLarge.into());
    };
    let sectors = HEAD_SECTORS + clusters * (CLUSTER_BYTES / SECTOR_BYTES);

    let mut bytes = vec![0; (sectors * SECTOR_BYTES) as usize];
    let format = FormatVolumeOptions::new()
        .bytes_per_cluster(CLUSTER_BYTES)
        .fat_type(FatType::Fat12)
        .max_root_dir_entries(ROOT_ENTRIES)
        .total_sectors(sectors)
        .volume_id(serial)
        .volume_label(*b"GLYPHOS    ");
    fatfs::format_volume(Cursor::new(&mut bytes[..]), format)?;
    let options = FsOptions::new()
        .time_provider(&FixedDate)
        .update_accessed_date(false);
    let system = FileSystem::new(Cursor::new(&mut bytes[..]), options)?;
    for folder in folders {
        system.root_dir().create_dir(folder)?;
    }
    for (name, contents) in files {
        let mut file = system.root_dir().create_file(name)?;
        file.write_all(contents)?;
        file.flush()?;
    }
    system.unmount()?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
        haystack
            .windows(needle.len())
            .position(|window| window == needle)
    }

    #[test]
    fn files_read_back_and_equal_contents_give_equal_bytes() {
        let kernel = vec![7; 100_000];
        let make = || {
            let files = [
                ("kernel-x86_64", &kernel[..]),
                ("EFI/BOOT/BOOTX64.EFI", b"application"),
            ];
            volume(1, &["EFI", "EFI/BOOT"], &files).unwrap()
        };
        let mut one = make();
        assert_eq!(one, make());
        let system = FileSystem::new(Cursor::new(&mut one[..]), FsOptions::new()).unwrap();
        let mut contents = Vec::new();
        system
            .root_dir()
            .open_file("kernel-x86_64")
            .unwrap()
            .read_to_end(&mut contents)
            .unwrap();
        assert_eq!(contents, kernel);
        assert!(system.root_dir().open_file("EFI/BOOT/BOOTX64.EFI").is_ok());
    }

    #[test]
    fn a_small_letter_name_has_a_long_name_entry_for_the_loader() {
        let bytes = volume(1, &[], &[("ramdisk", b"tar")]).unwrap();
        // The first five letters of a long-name entry, in UTF-16.
        assert!(find(&bytes, b"r\0a\0m\0d\0i\0").is_some());
    }

    #[test]
    fn every_file_starts_on_a_cd_sector() {
        let bytes = volume(1, &[], &[("a", b"first file"), ("b", b"second file")]).unwrap();
        for text in [&b"first file"[..], b"second file"] {
            assert_eq!(find(&bytes, text).unwrap() % 2048, 0);
        }
    }

    #[test]
    fn more_than_a_small_table_can_hold_is_refused() {
        let most = vec![1; (CLUSTERS_MAX * CLUSTER_BYTES) as usize];
        assert!(volume(1, &[], &[("a", &most)]).is_ok());
        let refused = volume(1, &[], &[("a", &most), ("b", b"one more")]).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::FileTooLarge);
    }
}
