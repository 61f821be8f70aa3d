//! Looks for the "soft off" state in the firmware's byte code.
//!
//! Owns the decoding of one package: `Name (_S5, Package () { type a, type b, ... })`. Running the byte
//! code for it would take an interpreter of untrusted programs; the package is a constant in practice.

const NAME: &[u8; 4] = b"_S5_";
const OP_NAME: u8 = 0x08;
const OP_PACKAGE: u8 = 0x12;
const OP_ZERO: u8 = 0x00;
const OP_ONE: u8 = 0x01;
const OP_BYTE: u8 = 0x0a;
const OP_WORD: u8 = 0x0b;
const OP_DWORD: u8 = 0x0c;
const ROOT_CHARACTER: u8 = b'\\';
/// A sleep type has three bits.
const SLEEP_TYPE_MAX: u8 = 7;

/// The sleep types for the two control registers, if the table has the package.
pub fn soft_off_types(table: &[u8]) -> Option<(u8, u8)> {
    let mut from = 0;
    loop {
        let rest = table.get(from..)?;
        let at = from.checked_add(rest.windows(NAME.len()).position(|name| name == NAME)?)?;
        if is_defined_by_name(table, at)
            && let Some(types) = package(table.get(at.checked_add(NAME.len())?..)?)
        {
            return Some(types);
        }
        from = at.checked_add(1)?;
    }
}

/// True if what stands before the name makes it a definition and not a use.
fn is_defined_by_name(table: &[u8], at: usize) -> bool {
    let before = |count: usize| {
        at.checked_sub(count)
            .and_then(|index| table.get(index).copied())
    };
    before(1) == Some(OP_NAME) || (before(1) == Some(ROOT_CHARACTER) && before(2) == Some(OP_NAME))
}

fn package(bytes: &[u8]) -> Option<(u8, u8)> {
    let (opcode, rest) = bytes.split_first()?;
    if *opcode != OP_PACKAGE {
        return None;
    }
    // The two highest bits of the length's first byte count the bytes that follow it.
    let length_bytes = usize::from(*rest.first()? >> 6).checked_add(1)?;
    let rest = rest.get(length_bytes..)?;
    let (count, rest) = rest.split_first()?;
    let (a, rest) = integer(rest)?;
    let b = if *count >= 2 { integer(rest)?.0 } else { 0 };
    (*count >= 1 && a <= SLEEP_TYPE_MAX && b <= SLEEP_TYPE_MAX).then_some((a, b))
}

/// A small constant, whatever its encoding, and what follows it.
fn integer(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let (opcode, rest) = bytes.split_first()?;
    let (value, width) = match *opcode {
        OP_ZERO => (0, 0),
        OP_ONE => (1, 0),
        OP_BYTE => (*rest.first()?, 1),
        OP_WORD => (*rest.first()?, 2),
        OP_DWORD => (*rest.first()?, 4),
        _ => return None,
    };
    Some((value, rest.get(width..)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_package_is_found_in_every_encoding() {
        assert_eq!(
            soft_off_types(b"\x08_S5_\x12\x06\x04\x0a\x05\x0a\x05\0\0"),
            Some((5, 5))
        );
        assert_eq!(
            soft_off_types(b"\x08\\_S5_\x12\x06\x04\0\x01\0\0"),
            Some((0, 1))
        );
        assert_eq!(
            soft_off_types(b"\x08_S5_\x12\x46\x00\x04\x0b\x07\0\0\0\0"),
            Some((7, 0))
        );
        assert_eq!(
            soft_off_types(b"\x08_S5_\x12\x03\x01\x0a\x05"),
            Some((5, 0))
        );
    }

    #[test]
    fn a_use_of_the_name_is_passed_over() {
        let table =
            b"\x70_S5_\x12\x06\x04\x0a\x01\x0a\x01__\x08_S5_\x12\x06\x04\x0a\x05\x0a\x05\0\0";
        assert_eq!(soft_off_types(table), Some((5, 5)));
    }

    #[test]
    fn what_is_cut_short_or_out_of_range_is_no_package() {
        let whole = b"\x08_S5_\x12\x06\x04\x0a\x05\x0a\x05";
        for length in 0..whole.len() {
            assert_eq!(soft_off_types(&whole[..length]), None, "{length} bytes");
        }
        assert_eq!(
            soft_off_types(b"\x08_S5_\x12\x06\x04\x0a\x08\x0a\x05"),
            None
        );
        assert_eq!(soft_off_types(b"\x08_S5_\x0a\x05"), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_searched_to_their_end(
            mut bytes in proptest::collection::vec(any::<u8>(), 0..200),
            at in 0_usize..200,
        ) {
            if let Some(slot) = bytes.get_mut(at..at.saturating_add(5)) {
                slot.copy_from_slice(b"\x08_S5_");
            }
            if let Some((a, b)) = soft_off_types(&bytes) {
                prop_assert!(a <= SLEEP_TYPE_MAX && b <= SLEEP_TYPE_MAX);
            }
        }
    }
}
