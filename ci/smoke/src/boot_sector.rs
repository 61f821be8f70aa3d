//! Boot sectors for the controls: broken machines, and the smallest one that behaves.
//!
//! Owns some dozen bytes of real-mode code each, assembled by hand; the comments are the source.
//! The broken ones say a text on COM1 first and then do one thing.

/// Where firmware loads a boot sector.
const LOAD_ADDRESS: u16 = 0x7c00;
/// Size of a boot sector in bytes, its signature included.
const SECTOR_SIZE: usize = 512;
/// A disk for the firmware needs more than one sector: some refuse smaller ones. In bytes.
const DISK_SIZE: usize = 1 << 20;
/// The code that says a text, up to where the deed begins.
const PROLOGUE_SIZE: u16 = 20;

/// What a broken machine does after its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// Halts with interrupts off.
    Halt,
    /// Loads an empty interrupt table and takes a breakpoint: fault, double fault, triple fault.
    TripleFault,
    /// Writes this to the exit port.
    Exit(u8),
    /// Says the text again, for ever.
    Repeat,
    /// Switches off by ACPI.
    SwitchOff,
}

/// A disk image that says `text` and does `deed`. A text that does not fit the sector is cut.
pub(crate) fn disk(text: &str, deed: Deed) -> Vec<u8> {
    let deed = code(deed);
    let text_address = LOAD_ADDRESS
        .saturating_add(PROLOGUE_SIZE)
        .saturating_add(u16::try_from(deed.len()).unwrap_or(u16::MAX));
    let [low, high] = text_address.to_le_bytes();
    let mut sector = vec![
        0x31, 0xc0, //       xor ax, ax
        0x8e, 0xd8, //       mov ds, ax
        0xfa, //             cli
        0xfc, //             cld
        0xbe, low, high, //  mov si, text
        0xba, 0xf8, 0x03, // mov dx, 0x3f8
        0xac, //             next: lodsb
        0x84, 0xc0, //       test al, al
        0x74, 0x03, //       jz deed
        0xee, //             out dx, al
        0xeb, 0xf8, //       jmp next
    ];
    sector.extend(deed);
    sector.extend(text.bytes());
    bootable(sector)
}

/// A disk image that is ready, answers `OK` to every line, and switches off cleanly at a line that
/// begins with `p`.
pub(crate) fn miniature_node() -> Vec<u8> {
    let mut sector = vec![
        0x31, 0xc0, //       xor ax, ax
        0x8e, 0xd8, //       mov ds, ax
        0xfa, //             cli
        0xfc, //             cld
        0xbe, 0x4f, 0x7c, // mov si, ready
        0xe8, 0x37, 0x00, // call say
        0x30, 0xdb, //       line: xor bl, bl      the line's first letter
        0xba, 0xfd, 0x03, // next: mov dx, 0x3fd
        0xec, //             wait: in al, dx
        0xa8, 0x01, //       test al, 1            a byte has come
        0x74, 0xfb, //       jz wait
        0xba, 0xf8, 0x03, // mov dx, 0x3f8
        0xec, //             in al, dx
        0x3c, 0x0a, //       cmp al, 10
        0x74, 0x08, //       je done
        0x84, 0xdb, //       test bl, bl
        0x75, 0xec, //       jnz next
        0x88, 0xc3, //       mov bl, al
        0xeb, 0xe8, //       jmp next
        0xbe, 0x69, 0x7c, // done: mov si, answer
        0x80, 0xfb, 0x70, // cmp bl, 'p'
        0x75, 0x03, //       jne tell
        0xbe, 0x6e, 0x7c, // mov si, farewell
        0xe8, 0x0f, 0x00, // tell: call say
        0x80, 0xfb, 0x70, // cmp bl, 'p'
        0x75, 0xd3, //       jne line
        0xba, 0x04, 0x06, // mov dx, 0x604
        0xb8, 0x00, 0x20, // mov ax, 0x2000
        0xef, //             out dx, ax
        0xf4, //             halt: hlt
        0xeb, 0xfd, //       jmp halt
        0xac, //             say: lodsb
        0x84, 0xc0, //       test al, al
        0x74, 0x06, //       jz return
        0xba, 0xf8, 0x03, // mov dx, 0x3f8
        0xee, //             out dx, al
        0xeb, 0xf5, //       jmp say
        0xc3, //             return: ret
    ];
    sector.extend(b"GLYPHOS READY version=0\r\n\0");
    sector.extend(b"OK\r\n\0");
    sector.extend(b"GLYPHOS POWEROFF\r\n\0");
    bootable(sector)
}

/// Makes a disk of a sector's code.
fn bootable(mut sector: Vec<u8>) -> Vec<u8> {
    sector.resize(SECTOR_SIZE - 3, 0);
    sector.extend([0, 0x55, 0xaa]);
    sector.resize(DISK_SIZE, 0);
    sector
}

fn code(deed: Deed) -> Vec<u8> {
    let mut code = match deed {
        Deed::Halt => Vec::new(),
        Deed::TripleFault => {
            // An interrupt table of limit 0: six bytes of zero, which the sector's end has.
            let zeros = LOAD_ADDRESS + 0x1f0;
            let [low, high] = zeros.to_le_bytes();
            vec![
                0x0f, 0x01, 0x1e, low, high, // lidt [zeros]
                0xcc, //                        int3
            ]
        }
        Deed::Exit(value) => vec![
            0xb0, value, //      mov al, value
            0xba, 0xf4, 0x00, // mov dx, 0xf4
            0xee, //             out dx, al
        ],
        // Back from the end of this instruction to the first one: prologue and three bytes.
        Deed::Repeat => {
            let [low, high] = (PROLOGUE_SIZE + 3).wrapping_neg().to_le_bytes();
            vec![0xe9, low, high] // jmp start
        }
        Deed::SwitchOff => vec![
            0xba, 0x04, 0x06, // mov dx, 0x604
            0xb8, 0x00, 0x20, // mov ax, 0x2000
            0xef, //             out dx, ax
        ],
    };
    code.extend([
        0xf4, //       halt: hlt
        0xeb, 0xfd, // jmp halt
    ]);
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sector_has_its_signature_its_text_and_room_for_an_empty_table() {
        for deed in [
            Deed::Halt,
            Deed::TripleFault,
            Deed::Exit(0x11),
            Deed::Repeat,
            Deed::SwitchOff,
        ] {
            let disk = disk("TEXT", deed);
            assert_eq!(disk.len(), DISK_SIZE);
            assert_eq!(disk[510..512], [0x55, 0xaa]);
            assert_eq!(disk[0x1f0..0x1f6], [0; 6]);
            let address = usize::from(u16::from_le_bytes([disk[7], disk[8]]) - LOAD_ADDRESS);
            assert_eq!(&disk[address..address + 5], b"TEXT\0");
        }
    }

    #[test]
    fn the_miniature_nodes_texts_are_where_its_code_looks() {
        let disk = miniature_node();
        assert_eq!(&disk[0x4f..0x5c], b"GLYPHOS READY");
        assert_eq!(&disk[0x69..0x6e], b"OK\r\n\0");
        assert_eq!(&disk[0x6e..0x7e], b"GLYPHOS POWEROFF");
    }

    #[test]
    fn a_long_text_is_cut_before_the_signature() {
        let disk = disk(&"x".repeat(2000), Deed::Halt);
        assert_eq!(disk[509..512], [0, 0x55, 0xaa]);
    }
}
